"""How a draft is put before a second person who has nothing but a radio.

The whole text is sent, in as many direct packets as it takes: OK counts only for what was read.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.radio.outbound import Voice
from kimnode.rules.airtime import EXPIRY_S, Priority
from kimnode.rules.announcements import head
from kimnode.rules.clock import Estimate
from kimnode.rules.commands import draft_code
from kimnode.rules.trust import PERSONS, Capability, Holder, Trust, covers, holder
from kimnode.store import commands
from kimnode.store.outbox import BROADCAST, NewPacket
from kimnode.wire.airtext import split
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import Bulletin, Dossier

LATELY_S = 12 * 3600  # a radio that was heard so lately is worth the airtime of a draft
MAX_TOLD = 4  # radios that are sent a draft unasked
MAX_PARTS = 9


@dataclass(frozen=True, slots=True)
class Second:
    """Somebody who may decide, and where their radio was heard."""

    holder: Holder
    node_num: int
    last_heard: int


def volunteer(key: bytes, trust: Trust, estimate: Estimate) -> Holder:
    """The person whose radio has this key now; Refused as rules/trust.holder, or UNKNOWN_KEY."""
    who = holder(key, trust, estimate)
    if who.certificate.key_type is not KeyType.RADIO or who.role not in PERSONS:
        raise Refused(Reason.WRONG_ROLE)
    return who


def volunteers(trust: Trust, estimate: Estimate) -> Iterator[Holder]:
    """Everybody whose radio is believed now."""
    for key, certificates in trust.certificates.items():
        if certificates[-1].key_type is KeyType.RADIO:
            try:
                yield volunteer(key, trust, estimate)
            except Refused:
                continue


def posts(trust: Trust, estimate: Estimate) -> Iterator[Holder]:
    """Every gateway that is believed now, this one too."""
    for key, certificates in trust.certificates.items():
        if certificates[-1].role is Role.GATEWAY:
            with suppress(Refused):
                yield holder(key, trust, estimate)


def seconds(
    connection: sqlite3.Connection,
    trust: Trust,
    estimate: Estimate,
    area: int,
    capability: Capability,
    but: Collection[int],
    now: float,
) -> list[Second]:
    """Who may decide about something in this area, heard lately, the latest first.

    but  person numbers that are left out; of every person one radio, the one heard last
    """
    found: dict[int, Second] = {}
    for who in volunteers(trust, estimate):
        if who.person in but or not who.may(capability) or not covers(who.area, area):
            continue
        at = commands.address(connection, who.key)
        known = found.get(who.person)
        if at is None or abs(now - at.last_heard) > LATELY_S:
            continue
        if known is None or at.last_heard > known.last_heard:
            found[who.person] = Second(who, at.node_num, at.last_heard)
    return sorted(found.values(), key=lambda one: -one.last_heard)


def draft_packets(
    bulletin: Bulletin,
    about_number: int | None,
    dossier: Dossier | None,
    author: str,
    dest: int,
    voice: Voice,
    now: float,
) -> list[NewPacket]:
    """The draft with its sources and how to answer. Refused(TOO_LONG) beyond MAX_PARTS packets."""
    code = f"D-{draft_code(bulletin.id)}"
    unnamed = [s.title for s in dossier.sources if s.title not in bulletin.text] if dossier else []
    sources = f" Sumber: {'; '.join(unnamed)}" if unnamed else ""
    words = (
        f"{head(bulletin, about_number)} - {bulletin.text}{sources} (oleh {author})."
        f" Balas OK {code} atau TOLAK {code} alasan"
    )
    return parts(code, words, dest, voice, now)


def parts(code: str, words: str, dest: int, voice: Voice, now: float) -> list[NewPacket]:
    """The words in numbered direct packets, each with the code in front."""
    payloads = split(code, " ".join(words.split()), max_parts=MAX_PARTS)
    expires_at = now + EXPIRY_S[Priority.DIRECT]
    return [
        NewPacket(
            0, n, len(payloads), Priority.DIRECT, dest, voice.channel, payload, None, True,
            expires_at,
        )
        for n, payload in enumerate(payloads, 1)
    ]  # fmt: skip


def direct(node_num: int, words: str, voice: Voice, now: float, seq: int = 0) -> NewPacket:
    """One text to one radio; `seq`: the bulletin that it is a copy of, for counting its reach."""
    expires_at = now + EXPIRY_S[Priority.DIRECT]
    return NewPacket(
        seq, 1, 1, Priority.DIRECT, node_num, voice.channel, words.encode(), None, True, expires_at
    )


def broadcast(words: str, voice: Voice, now: float, seq: int = 0) -> NewPacket:
    """One text for everybody, as urgent as a bulletin."""
    expires_at = now + EXPIRY_S[Priority.BULLETIN]
    payload = words.encode()
    return NewPacket(
        seq, 1, 1, Priority.BULLETIN, BROADCAST, voice.channel, payload, None, True, expires_at
    )
