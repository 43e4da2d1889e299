"""BEKUKAN from a radio: the first of two verifiers who freeze a colleague's key or a stolen post's,
and the second.

The vote of each is a document of its own (rules/suspension.py): here only a name is found, and the
second person is asked.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from kimnode.radio import drafts
from kimnode.radio.orders import Office
from kimnode.radio.outbound import Voice
from kimnode.radio.replies import reply
from kimnode.record import Kind
from kimnode.rules.clock import Estimate
from kimnode.rules.commands import Approve, Suspend, draft_code
from kimnode.rules.suspension import SUSPENDED_S
from kimnode.rules.trust import Capability, Cast, Holder, Trust
from kimnode.store import commands, log
from kimnode.store.trust import here
from kimnode.wire.documents import Vote

MAX_NAMES = 5  # in the answer to a name that several have


@dataclass(frozen=True, slots=True)
class Request:
    """A first vote that waits for a second person. `seq`: of the vote in the log."""

    seq: int
    vote: Vote
    person: int
    name: str  # of the one who is to be frozen
    by: str
    area: int

    @property
    def code(self) -> str:
        return draft_code(self.vote.subject)


def requests(connection: sqlite3.Connection, trust: Trust, estimate: Estimate) -> list[Request]:
    """Suspensions that one person wants and a second one may still join, the newest first."""
    frozen = {one.key: one.until_s for one in trust.suspensions}
    found = [
        _request(connection, cast, trust)
        for cast in trust.votes
        if estimate.unix_s < cast.at_s + SUSPENDED_S
        and frozen.get(cast.vote.subject, 0) <= estimate.unix_s
    ]
    return [one for one in reversed(found) if one is not None]


def _request(connection: sqlite3.Connection, cast: Cast, trust: Trust) -> Request | None:
    seq = log.by_id(connection, cast.vote.id)
    subject = trust.certificates.get(cast.vote.subject, ())
    by = trust.certificates.get(cast.vote.stamp.person, ())
    if seq is None or not subject or not by:
        return None
    return Request(seq, cast.vote, cast.person, subject[-1].name, by[-1].name, subject[-1].area)


async def suspend(office: Office, order: Suspend, who: Holder) -> str:
    """BEKUKAN Budi: the first vote, or the second when somebody asked for the same before."""
    found = await office.db.read(partial(_named, office=office, name=order.name))
    names = sorted({one.name for one in found})
    if not found:
        return reply("suspend-nobody", who=order.name)
    if len({one.person or one.key for one in found}) > 1:
        return reply("suspend-many", text=", ".join(names[:MAX_NAMES]))
    key = await office.db.read(partial(_key_of, office=office, found=found))
    return await _vote(office, key, found[0].name, who)


async def approve(office: Office, order: Approve, who: Holder, node_num: int) -> str | None:
    """OK S-4KX2; None when no suspension with this code waits."""
    estimate = office.estimate()
    waiting = await office.db.read(lambda c: requests(c, office.cache.load(c), estimate))
    mine = {one.vote.subject: one for one in waiting if one.code == order.code}
    if not mine:
        return None
    if len(mine) > 1:
        return reply("two-codes", code=f"S-{order.code}")
    request = next(iter(mine.values()))
    has_all = partial(commands.has_all, subject=request.seq, key=who.key)
    if request.person != who.person and not await office.db.read(has_all):
        now = office.clock.steady()
        await office.db.write(partial(ask, request=request, key=who.key, dest=node_num,
                                      voice=office.voice, now=now))  # fmt: skip
        return reply("not-told", code=request.code, letter="S")
    return await _vote(office, request.vote.subject, request.name, who)


async def _vote(office: Office, key: bytes, name: str, who: Holder) -> str:
    await office.signer().vote(Kind.SUSPENSION, key, who.key)
    trust = await office.db.read(office.cache.load)
    now = office.estimate()
    if any(one.key == key and one.until_s > now.unix_s for one in trust.suspensions):
        return reply("suspended", who=name)
    certificate = trust.certificates[key][-1]
    asked = await office.db.read(
        partial(seconds, office=office, area=certificate.area, but={who.person, certificate.person})
    )
    return reply(
        "suspend-asked", who=name, code=draft_code(key), radios=len(asked[: drafts.MAX_TOLD])
    )


def seconds(
    connection: sqlite3.Connection, office: Office, area: int, but: Collection[int]
) -> list[drafts.Second]:
    """Who may join, heard lately."""
    return drafts.seconds(
        connection,
        office.cache.load(connection),
        office.estimate(),
        area,
        Capability.SUSPEND,
        but,
        office.clock.now(),
    )


def ask(
    connection: sqlite3.Connection,
    request: Request,
    key: bytes,
    dest: int,
    voice: Voice,
    now: float,
) -> None:
    """The request into the outbox, for one radio."""
    words = reply("suspend-request", by=request.by, who=request.name, code=request.code)
    commands.tell(connection, request.seq, key, [drafts.direct(dest, words, voice, now)], now)


def _named(connection: sqlite3.Connection, office: Office, name: str) -> list[Holder]:
    """Volunteers and other posts with this name; or, if nobody has it, with it in their name."""
    wanted = _plain(name)
    trust, estimate, own = office.cache.load(connection), office.estimate(), here(connection)
    posts = (one for one in drafts.posts(trust, estimate) if one.key != own)
    everybody = [*drafts.volunteers(trust, estimate), *posts]
    exact = [who for who in everybody if _plain(who.name) == wanted]
    return exact or [who for who in everybody if wanted and wanted in _plain(who.name)]


def _key_of(connection: sqlite3.Connection, office: Office, found: list[Holder]) -> bytes:
    """Of somebody with several radios: the one that is asked about already, else the one heard
    last, for a thief's radio is the one that talks."""
    asked = {
        one.vote.subject
        for one in requests(connection, office.cache.load(connection), office.estimate())
    }

    def order(who: Holder) -> tuple[bool, int]:
        at = commands.address(connection, who.key)
        return who.key in asked, at.last_heard if at else 0

    return max(found, key=order).key


def _plain(name: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in name).split()).casefold()
