"""The volunteers' desk, read: who I am, which drafts wait, which keys can be lost.

Drafts go to the browser as the very bytes that are signed: it reads and checks them itself.
"""

import sqlite3
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.announcements import announcement
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.clock import Estimate
from kimnode.rules.suspension import SUSPENDABLE
from kimnode.rules.trust import Capability, Holder, Trust, covers, holder, is_active
from kimnode.store import board, bulletins, staff
from kimnode.store.board import Shown
from kimnode.store.trust import TrustCache
from kimnode.web.bulletins import spaced
from kimnode.web.cards import Cards, plain_name, post_name, role_key
from kimnode.web.words import Words
from kimnode.wire import air, sealed
from kimnode.wire.codes import Form, HoaxType, KeyType, Mode, Role, TimeTrust, Topic, Verdict
from kimnode.wire.documents import (
    ABOUT_BYTES,
    DOSSIER_BYTES,
    ID_BYTES,
    Bulletin,
    Certificate,
    Stamp,
    Vote,
)
from kimnode.wire.signing import KEY_BYTES, SIGNATURE_BYTES, key_id

MAX_KEYS = 200  # on one desk
MAX_REFUSED = 20  # of all authors, the last ones


@dataclass(frozen=True, slots=True)
class Desk:
    """What a key's owner is shown. `me` None: may do nothing, because of `problem`."""

    key: bytes
    me: Holder | None
    drafts: list[Shown]
    refused: list[Shown]  # my own that somebody refused
    earlier: dict[bytes, bytes]  # `about` of these -> whole id
    reasons: dict[bytes, str]  # id of a rejection -> why
    keys: list[Certificate]
    trust: Trust
    estimate: Estimate
    problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Payload bytes of the packets that a bulletin needs: itself, the approval, readable text."""

    sizes: tuple[int, ...]

    @property
    def fits(self) -> bool:
        return self.sizes[0] <= air.MAX_PACKET_BYTES


def read(connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate, key: bytes) -> Desk:
    """The desk of this key. Somebody whose certificate does not count sees nothing but why."""
    trust = cache.load(connection)
    try:
        me = holder(key, trust, estimate)
    except Refused as error:
        return Desk(key, None, [], [], {}, {}, [], trust, estimate, error.reason)
    waiting = board.waiting(connection, cache, estimate)
    mine = [one for one in waiting if covers(me.area, one.bulletin.area)]
    refused = _refused(connection, cache, estimate, me)
    votes = [vote.document.id for one in (*mine, *refused) for vote in one.votes]
    reasons = {vote: why for vote in votes if (why := staff.reason(connection, vote))}
    named = {one.bulletin.about for one in refused if one.bulletin.about}
    earlier = {about: ids[0] for about in named if (ids := bulletins.by_hint(connection, about))}
    return Desk(key, me, mine, refused, earlier, reasons, _keys(trust, me), trust, estimate)


def told(desk: Desk, words: Words) -> dict[str, object]:
    """The desk as JSON for desk.js."""
    cards = Cards(words)
    return {
        "me": _me(desk.me, words) if desk.me else None,
        "problem": _problem(desk.problem, words) if desk.problem else "",
        "drafts": [_draft(desk, cards, shown) for shown in desk.drafts],
        "refused": [_again(desk, shown, words) for shown in desk.refused],
        "keys": [_key(desk, certificate, words) for certificate in desk.keys],
    }


def cost(text: str, *, about: bool, dossier: bool) -> Cost:
    """What a bulletin with this text takes on the air: every other field has a fixed size."""
    key = bytes(KEY_BYTES)
    stamp = Stamp(Mode.DIRECT, 0, TimeTrust.SURE, 0, 0, key, key)
    bulletin = Bulletin(
        form=Form.CHECK,
        demo=False,
        verdict=Verdict.HOAX,
        hoax_type=HoaxType.NONE,
        topic=Topic.OTHER,
        sources=2,
        primary=1,
        area=0,
        expires_6h=0,
        number=1,
        about=bytes(ABOUT_BYTES * about),
        dossier=bytes(DOSSIER_BYTES * dossier),
        stamp=stamp,
        text=text,
        signature=bytes(SIGNATURE_BYTES),
    )
    approval = Vote(Kind.APPROVAL, bytes(ID_BYTES), stamp, bytes(SIGNATURE_BYTES))
    packets = (air.pack(bulletin), air.pack(approval))
    return Cost((*map(len, packets), len(announcement(bulletin).encode())))


def _problem(reason: Reason, words: Words) -> str:
    # Enrolled here, so the key is known; what is missing is the paper for it.
    known = reason is Reason.UNKNOWN_KEY
    return words("desk.noCertificate" if known else f"refused.{reason.value}")


def _me(me: Holder, words: Words) -> dict[str, object]:
    name = {"role": words(role_key(me.role.name)), "name": plain_name(me.name)}
    return {
        "words": words("staff.me", area=me.area, **name),
        "area": me.area,
        "approve": me.may(Capability.APPROVE),
        "suspend": me.may(Capability.SUSPEND),
    }


def _draft(desk: Desk, cards: Cards, shown: Shown) -> dict[str, object]:
    author = shown.bulletin.stamp.person
    person = desk.me.person if desk.me else 0
    owners = desk.trust.certificates.get(author, ())
    mine = author == desk.key or any(one.person == person for one in owners)
    whys = [desk.reasons.get(vote.document.id, "") for vote in shown.votes]
    return {
        "bulletin": sealed.encode(shown.bulletin).hex(),
        "dossier": sealed.encode(shown.dossier).hex() if shown.dossier else "",
        "author": cards.who(shown.author),
        "post": post_name(shown.author.post),
        "mine": mine,
        "told": " ".join(cards.words("staff.refused-why", why=why) for why in whys if why),
    }


def _refused(
    connection: sqlite3.Connection, cache: TrustCache, estimate: Estimate, me: Holder
) -> list[Shown]:
    """My drafts that were refused, newest first; taken back ones too."""
    seqs = bulletins.in_states(connection, (BulletinState.REJECTED,), MAX_REFUSED)
    shown = [board.show(connection, seq, cache, estimate) for seq in seqs]
    own = {
        c.key
        for cs in cache.load(connection).certificates.values()
        for c in cs
        if c.person == me.person
    }
    return [one for one in shown if one and one.bulletin.stamp.person in own]


def _again(desk: Desk, shown: Shown, words: Words) -> dict[str, object]:
    """A refused draft, for its author to improve: everything that the form has."""
    bulletin, dossier = shown.bulletin, shown.dossier
    whys = [desk.reasons.get(vote.document.id, "") for vote in shown.votes]
    sources = dossier.sources if dossier else ()
    return {
        "number": bulletin.number,
        "why": " ".join(words("staff.refused-why", why=why) for why in whys if why),
        "draft": {
            "form": int(bulletin.form),
            "verdict": int(bulletin.verdict),
            "hoax_type": int(bulletin.hoax_type),
            "topic": int(bulletin.topic),
            "text": bulletin.text,
            "about": desk.earlier.get(bulletin.about, b"").hex(),
            "claim": dossier.claim if dossier else "",
            "fact": dossier.fact if dossier else "",
            "place": dossier.place if dossier else "",
            "sources": [
                {"kind": int(s.kind), "title": s.title, "reference": s.reference} for s in sources
            ],
        },
    }


def _keys(trust: Trust, me: Holder) -> list[Certificate]:
    """Everybody's newest certificates in my area, the posts' too: what can be stolen or lost."""
    newest = [certificates[-1] for certificates in trust.certificates.values()]
    mine = [one for one in newest if one.role in SUSPENDABLE and covers(me.area, one.area)]
    return sorted(mine, key=lambda one: (one.name.casefold(), one.key))[:MAX_KEYS]


def _key(desk: Desk, certificate: Certificate, words: Words) -> dict[str, object]:
    what = "staff.radio-key" if certificate.key_type is KeyType.RADIO else "staff.own-key"
    if certificate.role is Role.GATEWAY:
        what = "staff.post-key"
    role, print_ = words(role_key(certificate.role.name)), spaced(key_id(certificate.key).hex())
    return {
        "key": certificate.key.hex(),
        "name": plain_name(certificate.name),
        "words": words(what, role=role, print=print_),
        "mine": desk.me is not None and certificate.person == desk.me.person,
        "frozen": _frozen(desk, certificate.key, words),
    }


def _frozen(desk: Desk, key: bytes, words: Words) -> str:
    for suspension in desk.trust.suspensions:
        if suspension.key == key and is_active(suspension, desk.estimate):
            return words("staff.frozen-until", when=words.date(suspension.until_s))
    cast = any(one.vote.subject == key for one in desk.trust.votes)
    return words("staff.one-vote") if cast else ""
