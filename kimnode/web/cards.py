"""A bulletin as people see it: every part of it in words. Labels, badges and roles come from the
verified fields alone; what somebody wrote only ever stands inside of the text.
"""

from dataclasses import dataclass
from typing import Any

from kimnode.record import Kind
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.names import PUNCTUATION, radio_name
from kimnode.store.board import Shown, Signed
from kimnode.web.words import Words
from kimnode.wire.codes import PRIMARY_SOURCES, Form, Mode, Role, TimeTrust, Verdict
from kimnode.wire.documents import Bulletin, Source, Stamp
from kimnode.wire.graphemes import is_mark
from kimnode.wire.times import unix_of_minutes

REF_CHARS = 16  # of the id, in a bulletin's address
SHORT_CHARS = 80
# How it stands -> (badge, key of its words). VIA_POST and VERIFIED are the only ones of approval.
BADGES = {
    BulletinState.VERIFIED: ("verified", "bulletin.verified", "bulletin.verified-about"),
    BulletinState.VIA_POST: ("via-post", "bulletin.via-post", "bulletin.via-post-about"),
    BulletinState.NOTICE: ("notice", "bulletin.notice-badge", "bulletin.notice-about"),
    BulletinState.WAITING: ("none", "bulletin.waiting-badge", "bulletin.waiting-about"),
    BulletinState.REJECTED: ("none", "bulletin.rejected-badge", "bulletin.rejected-about"),
    BulletinState.CORRECTED: ("none", "bulletin.corrected-badge", "bulletin.corrected-about"),
    BulletinState.WITHDRAWN: ("none", "bulletin.withdrawn-badge", "bulletin.withdrawn-about"),
    BulletinState.EXPIRED: ("none", "bulletin.expired-badge", "bulletin.expired-about"),
}
OVER = (BulletinState.CORRECTED, BulletinState.WITHDRAWN, BulletinState.EXPIRED)
STRUCK = (BulletinState.CORRECTED, BulletinState.WITHDRAWN)  # it was wrong
ABOUT_WORDS = {
    Form.CORRECTION: "bulletin.corrects",
    Form.RETRACTION: "bulletin.withdraws",
    Form.CHECK: "bulletin.answers",
}
# What is told to be checked again; the rest says itself that it does not hold any more.
DOUBTED = (
    BulletinState.WAITING,
    BulletinState.VIA_POST,
    BulletinState.VERIFIED,
    BulletinState.EXPIRED,
)
DATE_WORDS = {
    TimeTrust.SURE: "bulletin.date-sure",
    TimeTrust.ABOUT: "bulletin.date-about",
    TimeTrust.UNSURE: "bulletin.date-unsure",
}


@dataclass(frozen=True, slots=True)
class Card:
    """Empty strings are parts that it does not have. `look` and `badge` choose shape and colour."""

    ref: str
    id: str
    number: str
    look: str
    label: str
    badge: str
    badge_words: str
    badge_about: str
    text: str
    short: str
    people: str
    how: str
    when: str
    until: str
    claim: str = ""
    fact: str = ""
    sources: tuple[str, ...] = ()
    sources_words: str = ""
    is_demo: bool = False
    struck: bool = False
    over: bool = False
    older: "Card | None" = None
    older_words: str = ""
    newer: "Card | None" = None


class Cards:
    """Draws bulletins in this node's language."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def draw(self, shown: Shown, newer: Shown | None = None, older: Shown | None = None) -> Card:
        """The card of one bulletin; with the one that replaced it and the one that it is about."""
        behind = self.draw(older) if older else None
        key = ABOUT_WORDS.get(shown.bulletin.form)
        about = self.words(key, number=behind.number) if key and behind else ""
        parts = {**self._what(shown), **self._proof(shown)}
        front = self.draw(newer) if newer else None
        return Card(**parts, newer=front, older=behind, older_words=about)

    def who(self, signed: Signed) -> str:
        """ "Verifikator Budi", or words for somebody whose certificate is not here yet."""
        if signed.role is None:
            return self.words("bulletin.somebody")
        return self.role(signed.role, signed.name)

    def role(self, role: Role, name: str) -> str:
        """ "Verifikator Budi". The name comes from the district, and is made fit to be shown."""
        return f"{self.words(role_key(role.name))} {plain_name(name)}"

    def how(self, signed: Signed) -> str:
        """Direct or attested, in words."""
        if signed.document.stamp.mode is Mode.DIRECT:
            return self.words("bulletin.direct")
        return self.words("bulletin.attested", name=post_name(signed.post))

    def date(self, stamp: Stamp) -> str:
        """When it was signed, and how far that is to be believed."""
        when = self.words.date(unix_of_minutes(stamp.made_min))
        return self.words(DATE_WORDS[stamp.trust], when=when)

    def _what(self, shown: Shown) -> dict[str, Any]:
        """What it says."""
        bulletin, dossier = shown.bulletin, shown.dossier
        return {
            "ref": bulletin.id.hex()[:REF_CHARS],
            "id": bulletin.id.hex(),
            "number": f"B-{bulletin.number}",
            "look": look_of(bulletin),
            "label": self.label(bulletin),
            "text": bulletin.text,
            "short": shortened(bulletin.text),
            "claim": dossier.claim if dossier else "",
            "fact": dossier.fact if dossier and not bulletin.text.startswith(dossier.fact) else "",
            "sources": tuple(map(self._source, dossier.sources)) if dossier else (),
            "sources_words": self._counted(bulletin),
            "is_demo": bulletin.demo,
        }

    def _proof(self, shown: Shown) -> dict[str, Any]:
        """How it stands, and who says so."""
        badge, badge_key, about_key = BADGES[shown.state]
        if shown.doubtful and shown.state in DOUBTED:
            badge, badge_key, about_key = "none", "bulletin.doubt-badge", "bulletin.doubt-about"
        approver = next((vote for vote in shown.votes if counts(vote)), None)
        return {
            "badge": badge,
            "badge_words": self.words(badge_key, name=post_name(shown.via_post)),
            "badge_about": self.words(about_key),
            "people": self._people(shown.author, approver),
            "how": self._how(shown.author, approver),
            "when": self.date(shown.bulletin.stamp),
            "until": self._until(shown),
            "struck": shown.state in STRUCK,
            "over": shown.state in OVER,
        }

    def label(self, bulletin: Bulletin) -> str:
        """HOAKS (salah), INFO, KOREKSI: SEBAGIAN BENAR, DICABUT ..."""
        form, verdict = self.words(form_key(bulletin.form)), bulletin.verdict
        if bulletin.form is Form.CHECK:
            return self.words(verdict_key(verdict))
        if bulletin.form is Form.CORRECTION and verdict is not Verdict.NONE:
            return f"{form}: {self.words(verdict_key(verdict))}"
        return form

    def _people(self, author: Signed, approver: Signed | None) -> str:
        if approver is None:
            return self.words("bulletin.by-one", author=self.who(author))
        if author.role is None or approver.role is None:
            return self.words("bulletin.two")
        both = {"author": self.who(author), "approver": self.who(approver)}
        return self.words("bulletin.by-two", **both)

    def _how(self, author: Signed, approver: Signed | None) -> str:
        if approver is None:
            return self.words("bulletin.author-how", how=self.how(author))
        both = {"author": self.how(author), "approver": self.how(approver)}
        return self.words("bulletin.both-how", **both)

    def _until(self, shown: Shown) -> str:
        when = self.words.date(shown.expires_s)
        key = "bulletin.over" if shown.state is BulletinState.EXPIRED else "bulletin.until"
        unsure = shown.time_unsure and shown.bulletin.stamp.trust is TimeTrust.SURE
        return self.words(
            key, when=self.words("bulletin.date-unsure", when=when) if unsure else when
        )

    def _source(self, source: Source) -> str:
        kind = self.words(source_key(source.kind.name))
        first = f" ({self.words('bulletin.primary')})" if source.kind in PRIMARY_SOURCES else ""
        return " · ".join(filter(None, (f"{kind}{first}: {source.title}", source.reference)))

    def _counted(self, bulletin: Bulletin) -> str:
        if not bulletin.sources:
            return ""
        total = self.words.count("bulletin.sources-count", bulletin.sources)
        return f"{total}, {bulletin.primary} {self.words('bulletin.primary')}"


def counts(signed: Signed) -> bool:
    """Whether this vote is an approval that counts."""
    return signed.document.KIND is Kind.APPROVAL and signed.problem is None


def post_name(name: str) -> str:
    """Of a gateway, for words that say "pos" themselves."""
    return plain_name(name).removeprefix("Pos ") or "?"


def plain_name(name: str) -> str:
    """A certified name without what could look like a badge: letters, digits and .'-_ stay."""
    kept = (c for c in radio_name(name) if c.isalnum() or c in PUNCTUATION or is_mark(c))
    return " ".join("".join(kept).split())


def shortened(text: str) -> str:
    """For one line."""
    return text if len(text) <= SHORT_CHARS else f"{text[: SHORT_CHARS - 1].rstrip()}…"


def look_of(bulletin: Bulletin) -> str:
    """Which shape and colour."""
    if bulletin.form in (Form.CHECK, Form.NOTICE):
        return code_of(bulletin.verdict.name)
    looks = {Form.INFO: "info", Form.CORRECTION: "correction", Form.RETRACTION: "withdrawn"}
    return looks[bulletin.form]


def code_of(name: str) -> str:
    """PARTLY_TRUE -> partly-true."""
    return name.lower().replace("_", "-")


def verdict_key(verdict: Verdict) -> str:
    return f"verdict.{code_of(verdict.name)}"


def form_key(form: Form) -> str:
    return f"form.{code_of(form.name)}"


def role_key(name: str) -> str:
    return f"role.{code_of(name)}"


def source_key(name: str) -> str:
    return f"sourcekind.{code_of(name)}"
