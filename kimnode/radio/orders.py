"""What each command of a volunteer does. Who may say it is decided by who attests and by the log;
here a person is told, in one packet, what happened and what to do next.
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.radio import drafts
from kimnode.radio.outbound import Voice
from kimnode.radio.replies import reply
from kimnode.record import Kind
from kimnode.rules import publishing
from kimnode.rules.announcements import PREFIX, announcement, head
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.claims import ClaimState, topic_of
from kimnode.rules.clock import Estimate
from kimnode.rules.commands import Approve, CheckBulletin, Draft, Reject, Show, draft_code
from kimnode.rules.sources import with_sources
from kimnode.rules.trust import Capability, Holder, covers
from kimnode.store import board, bulletins, claims, commands, outbox
from kimnode.store.board import Shown
from kimnode.store.db import Database
from kimnode.store.trust import TrustCache, here
from kimnode.wire.codes import Form, TimeTrust, Topic
from kimnode.wire.documents import MAX_CLAIM_CHARS, Bulletin, Dossier
from kimnode.wire.times import unix_of_minutes

DAY_S = 86_400
MAX_LISTED = 6  # drafts, and as many claims, in the answer to DAFTAR
# About these the second person must come from outside the village (rules/publishing.py): a guess
# from words would block talk about the village itself, so only plain words count.
_OFFICE = re.compile(
    r"\b(?:kades|kepala desa|perangkat desa|pemdes|pemerintah|bupati|camat|bansos|blt|dana desa)\b",
    re.I,
)
CLOCK_WORDS = {
    TimeTrust.SURE: "PASTI",
    TimeTrust.ABOUT: "KIRA-KIRA",
    TimeTrust.UNSURE: "TIDAK PASTI",
}
ANSWERS = {
    BulletinState.VERIFIED: "bulletin-verified",
    BulletinState.VIA_POST: "bulletin-via-post",
    BulletinState.NOTICE: "bulletin-notice",
    BulletinState.CORRECTED: "bulletin-corrected",
    BulletinState.WITHDRAWN: "bulletin-withdrawn",
    BulletinState.EXPIRED: "bulletin-expired",
}


@dataclass(frozen=True, slots=True)
class Office:
    """What this post has at hand to carry out commands. `attestor` None: it has no key yet."""

    db: Database
    clock: Clock
    voice: Voice
    estimate: Callable[[], Estimate]
    cache: TrustCache
    attestor: Attestor | None
    airtime_share: Callable[[], float]  # of this hour's budget

    def signer(self) -> Attestor:
        """Refused(NO_ROOT) while this post has no key of its own."""
        if self.attestor is None:
            raise Refused(Reason.NO_ROOT)
        return self.attestor


def waiting(connection: sqlite3.Connection, office: Office) -> list[Shown]:
    """Drafts that wait for a second person."""
    found = board.waiting(connection, office.cache, office.estimate())
    return [one for one in found if one.bulletin.form is not Form.NOTICE]


def coded(connection: sqlite3.Connection, office: Office, code: str) -> list[Shown]:
    """The waiting drafts with this code: one, unless somebody has found a twin or mistyped."""
    return [w for w in waiting(connection, office) if draft_code(w.bulletin.id) == code]


async def make(office: Office, order: Draft, who: Holder) -> str:
    """A draft, a correction, a withdrawal or a notice."""
    signer = office.signer()
    planned = await office.db.read(partial(_plan, office=office, order=order, who=who))
    if planned is None:
        return reply("unknown-number", number=order.about)
    made = await signer.bulletin(planned, who.key)
    bulletin = cast(Bulletin, made.document)
    if bulletin.form is Form.NOTICE:
        return reply("notice", number=bulletin.number)
    asked = await office.db.read(partial(_asked, office=office, bulletin=bulletin, who=who))
    verdict = head(bulletin, order.about)
    about = {"code": draft_code(bulletin.id), "verdict": verdict, "count": bulletin.sources}
    return reply("draft", **about, radios=asked) if asked else reply("draft-alone", **about)


def _plan(
    connection: sqlite3.Connection, office: Office, order: Draft, who: Holder
) -> publishing.Draft | None:
    """The draft as the attestor takes it; None when the bulletin that it is about is not here."""
    about = b""
    if order.about is not None:
        found = named(connection, office, order.about)
        if found is None:
            return None
        about = found.bulletin.id
    claim = claims.get(connection, order.claim) if order.claim is not None else None
    if order.claim is not None and claim is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    if claim is not None and claim.state not in claims.UNSETTLED:
        raise Refused(Reason.DECIDED)
    text = with_sources(order.text, order.sources)
    told = claim.text if claim else ""
    dossier = Dossier(told[:MAX_CLAIM_CHARS], order.text, "", 0, order.sources)
    return publishing.Draft(
        form=order.form,
        text=text,
        area=_area(connection, office, who),
        topic=_topic(f"{told} {order.text}"),
        verdict=order.verdict,
        about=about,
        dossier=dossier if order.sources else None,
        claim=order.claim,
    )


def _area(connection: sqlite3.Connection, office: Office, who: Holder) -> int:
    """The smaller of this post's area and the author's, when one lies in the other."""
    key = here(connection) or b""
    own = office.cache.load(connection).certificates.get(key, ())
    if own and covers(who.area, own[-1].area):
        return own[-1].area
    return who.area


def _topic(text: str) -> Topic:
    topic = topic_of(text)
    if _OFFICE.search(text):
        return Topic.GOVERNMENT
    return Topic.OTHER if topic is Topic.GOVERNMENT else topic


def named(connection: sqlite3.Connection, office: Office, number: int) -> Shown | None:
    """B-17 as people mean it: one that is or was published, of this post if it has one, else the
    newest."""
    estimate = office.estimate()
    seqs = bulletins.by_number(connection, number)
    shown = [board.show(connection, seq, office.cache, estimate) for seq in seqs]
    known = [one for one in shown if one and one.state in ANSWERS]
    return max(known, key=lambda one: (one.local, one.seq), default=None)


def _asked(connection: sqlite3.Connection, office: Office, bulletin: Bulletin, who: Holder) -> int:
    """How many radios are sent the draft now (by crier.py)."""
    found = drafts.seconds(
        connection,
        office.cache.load(connection),
        office.estimate(),
        bulletin.area,
        Capability.APPROVE,
        {who.person},
        office.clock.now(),
    )
    return len(found[: drafts.MAX_TOLD])


async def approve(office: Office, order: Approve, who: Holder, node_num: int) -> str:
    """OK: the second person. It counts only for what this radio was sent as a whole."""
    signer = office.signer()
    found = await office.db.read(partial(coded, office=office, code=order.code))
    if len(found) != 1:
        return reply("two-codes" if found else "unknown-code", code=f"D-{order.code}")
    draft = found[0]
    has_all = partial(commands.has_all, subject=draft.seq, key=who.key)
    is_author = draft.bulletin.stamp.person == who.key
    if not is_author and not await office.db.read(has_all):
        return await send(office, draft, who, node_num, "not-told")
    await signer.vote(Kind.APPROVAL, draft.bulletin.id, who.key)
    estimate = office.estimate()
    after = await office.db.read(lambda c: board.show(c, draft.seq, office.cache, estimate))
    approved = after is not None and after.state is BulletinState.VERIFIED
    return reply(
        "approved" if approved else "approved-only", code=order.code, number=draft.bulletin.number
    )


async def show(office: Office, order: Show, who: Holder, node_num: int) -> str:
    """LIHAT: send me the whole draft."""
    found = await office.db.read(partial(coded, office=office, code=order.code))
    if not found:
        return reply("unknown-code", code=f"D-{order.code}")
    return await send(office, found[0], who, node_num, "shown")


async def send(office: Office, draft: Shown, who: Holder, node_num: int, key: str) -> str:
    """Put the whole draft in line for this radio; the reply `key`, or that it is too long."""
    now, code = office.clock.steady(), draft_code(draft.bulletin.id)
    tell = partial(tell_draft, draft=draft, key=who.key, dest=node_num, voice=office.voice, now=now)
    try:
        await office.db.write(tell)
    except Refused:
        return reply("too-long", code=code)
    return reply(key, code=code, letter="D")


def tell_draft(
    connection: sqlite3.Connection, draft: Shown, key: bytes, dest: int, voice: Voice, now: float
) -> None:
    """All its parts into the outbox. Refused(TOO_LONG) when it is too long for radio."""
    about = commands.number_of(connection, draft.bulletin.about)
    packets = drafts.draft_packets(
        draft.bulletin, about, draft.dossier, draft.author.name, dest, voice, now
    )
    commands.tell(connection, draft.seq, key, packets, now)


async def reject(office: Office, order: Reject, who: Holder) -> str:
    """TOLAK: the draft ends here; its author is told why, which no document carries."""
    signer = office.signer()
    found = await office.db.read(partial(coded, office=office, code=order.code))
    if len(found) != 1:
        return reply("two-codes" if found else "unknown-code", code=f"D-{order.code}")
    bulletin = found[0].bulletin
    await signer.vote(Kind.REJECTION, bulletin.id, who.key)
    if bulletin.stamp.person != who.key:
        words = reply("author-rejected", code=order.code, by=who.name, text=order.reason)
        now, key = office.clock.steady(), bulletin.stamp.person
        await office.db.write(
            partial(to_volunteer, key=key, words=words, voice=office.voice, now=now)
        )
    return reply("rejected", code=order.code)


def to_volunteer(
    connection: sqlite3.Connection, key: bytes, words: str, voice: Voice, now: float
) -> None:
    """A text to the radio with this key, if it is known where it is."""
    at = commands.address(connection, key)
    if at is not None:
        outbox.queue(connection, [drafts.direct(at.node_num, words, voice, now)], now)


def check(connection: sqlite3.Connection, order: CheckBulletin, office: Office) -> str:
    """CEK B-17: whether it is real, and what it says."""
    found = named(connection, office, order.number)
    if found is None:
        return reply("bulletin-unknown", number=order.number, post=office.voice.post)
    bulletin = found.bulletin
    by = found.via_post or "lain"
    answer = "bulletin-doubtful" if found.doubtful else ANSWERS[found.state]
    newer = board.last_word(connection, found, office.cache, office.estimate())
    if newer is not None and newer.state in ANSWERS:  # what is wrong is not said once more
        said = announcement(newer.bulletin, commands.number_of(connection, newer.bulletin.about))
        return reply(answer, number=bulletin.number, by=by, text=said.removeprefix(PREFIX))
    said = announcement(bulletin, commands.number_of(connection, bulletin.about))
    text = said.removeprefix(PREFIX).removesuffix(f" (B-{bulletin.number})")
    return reply(answer, number=bulletin.number, by=by, text=text)


def about_rumour(connection: sqlite3.Connection, seq: int, office: Office) -> str:
    """What to tell who passed a rumour on: its claim, and the answer if there is one."""
    number = claims.claim_of(connection, seq)
    claim = claims.get(connection, number) if number is not None else None
    if claim is None:
        return reply("rumour-late")
    if claim.state is ClaimState.ANSWERED and claim.bulletin is not None:
        found = board.show(connection, claim.bulletin, office.cache, office.estimate())
        if found is not None and found.state in ANSWERS:
            about = commands.number_of(connection, found.bulletin.about)
            said = announcement(found.bulletin, about).removeprefix(PREFIX)
            return reply("rumour-answered", text=said)
    if claim.people > 1:
        return reply("rumour-again", number=claim.id, count=claim.people)
    return reply("rumour", number=claim.id)


def listing(connection: sqlite3.Connection, office: Office) -> str:
    """DAFTAR: what waits for a second person, and which claims wait for an answer."""
    drafted = [
        f"D-{draft_code(w.bulletin.id)} {head(w.bulletin, None)}"
        for w in waiting(connection, office)[:MAX_LISTED]
    ]
    open_ = [f"K-{c.id} ({c.people}x)" for c in claims.unsettled(connection)[:MAX_LISTED]]
    text = f"Draf: {', '.join(drafted) or 'tidak ada'}. Isu: {', '.join(open_) or 'tidak ada'}."
    return reply("list", text=text)


def status(connection: sqlite3.Connection, office: Office) -> str:
    """STATUS: whether this post can be relied on now."""
    estimate = office.estimate()
    revocation = office.cache.load(connection).revocation
    age = "belum ada"
    if revocation is not None:
        days = max(estimate.unix_s - unix_of_minutes(revocation.made_min), 0) // DAY_S
        age = f"{days} hari"
    return reply(
        "status",
        post=office.voice.post,
        airtime=round(100 * office.airtime_share()),
        clock=CLOCK_WORDS[estimate.trust],
        waiting=outbox.waiting_count(connection),
        drafts=len(waiting(connection, office)),
        age=age,
    )
