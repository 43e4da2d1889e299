"""Gives our own radio the volunteers' keys to keep, and takes them away when they are not believed.

A radio learns keys from NodeInfo, which anybody can forge, and loses them at reboots: then nothing
can be sent to that volunteer, and what comes from there cannot be read.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from kimnode.clock import Clock
from kimnode.errors import LinkDown, Reason, Refused, StoreError
from kimnode.radio import drafts
from kimnode.radio.messages import Contact, NodeSeen, Radio
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import Trust
from kimnode.store import commands, incidents, people
from kimnode.store.commands import Pinned
from kimnode.store.db import Database
from kimnode.store.trust import TrustCache

log = logging.getLogger(__name__)

LOOK_S = 30.0
PAUSE_S = 1.0  # between two keys: each is written to the radio's flash
AGAIN_S = 24 * 3600  # a key is given again after so long, though the radio should have kept it
INTO = "pinned-into"  # fact: public key of the radio that has the keys
OTHER_KEY = "radio-other-key"  # incident


class Keeper(Protocol):
    """What is needed from a link."""

    async def add_contact(self, contact: Contact) -> None: ...
    async def remove_node(self, num: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What our radio should learn, and which keys it should forget."""

    give: tuple[Contact, ...]
    forget: tuple[Pinned, ...]


class Pins:
    """`run()` in a TaskGroup; `up`, `down` and `seen` from whoever reads the link's events."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        keeper: Keeper,
        cache: TrustCache,
        estimate: Callable[[], Estimate],
    ) -> None:
        self._db = db
        self._clock = clock
        self._keeper = keeper
        self._cache = cache
        self._estimate = estimate
        self._radio: Radio | None = None
        self._wake = asyncio.Event()

    def up(self, radio: Radio) -> None:
        """The radio can be told things."""
        self._radio = radio
        self._wake.set()

    def down(self) -> None:
        self._radio = None

    async def seen(self, node: NodeSeen) -> None:
        """A node named its key, or our radio says which one it has. Another one than is pinned: a
        radio that was set up anew, or somebody who pretends. A person must look."""
        pinned = await self._db.read(partial(commands.pinned_at, node_num=node.num))
        if pinned is None or pinned == node.public_key:
            return
        now = int(self._clock.now())
        await self._db.write(partial(_doubt, node=node, pinned=pinned, now=now), quiet=True)
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            if self._radio is not None:
                try:
                    await self._work(self._radio)
                except LinkDown:
                    self._radio = None  # the next connection wakes us
                except StoreError as error:
                    log.error("keys of volunteers wait: %s", error)  # noqa: TRY400
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(LOOK_S):
                    await self._wake.wait()
            await self._clock.sleep(PAUSE_S)  # forged NodeInfo wakes us no more often

    async def _work(self, radio: Radio) -> None:
        now = int(self._clock.now())
        plan = await self._db.read(partial(self._plan, radio=radio, now=now))
        for pinned in plan.forget:
            await self._keeper.remove_node(pinned.node_num)
            await self._db.write(partial(commands.unpin, key=pinned.public_key), quiet=True)
            log.info("the radio forgets the key of !%08x", pinned.node_num)
            await self._clock.sleep(PAUSE_S)
        for contact in plan.give:
            await self._keeper.add_contact(contact)
            await self._db.write(partial(_given, contact=contact, radio=radio, now=now), quiet=True)
            log.info("the radio keeps the key of %s, !%08x", contact.name, contact.num)
            await self._clock.sleep(PAUSE_S)

    def _plan(self, connection: sqlite3.Connection, radio: Radio, now: int) -> Plan:
        trust = self._cache.load(connection)
        valid = {who.key: who for who in drafts.volunteers(trust, self._estimate())}
        known = {one.public_key: one for one in commands.pinned(connection)}
        same_radio = people.fact(connection, INTO) == radio.public_key
        give = []
        for key, who in list(valid.items())[: commands.MAX_PINNED]:
            at = commands.address(connection, key)
            if at is None or at.node_num == radio.num:
                continue
            before = known.get(key)
            fresh = before is not None and same_radio and abs(now - before.at) < AGAIN_S
            if before is None or not fresh or before.node_num != at.node_num:
                give.append(Contact(at.node_num, who.name, key))
        gone = [one for key, one in known.items() if key not in valid]
        return Plan(tuple(give), tuple(one for one in gone if not self._is_frozen(one, trust)))

    def _is_frozen(self, pinned: Pinned, trust: Trust) -> bool:
        """For some days only, and its holder must still hear why nothing is obeyed."""
        try:
            drafts.volunteer(pinned.public_key, trust, self._estimate())
        except Refused as refused:
            return refused.reason is Reason.SUSPENDED
        return False


def _given(connection: sqlite3.Connection, contact: Contact, radio: Radio, now: int) -> None:
    commands.pin(connection, contact.public_key, contact.num, now)
    people.set_fact(connection, INTO, radio.public_key)


def _doubt(connection: sqlite3.Connection, node: NodeSeen, pinned: bytes, now: int) -> None:
    """To be given to our radio again, in case it is the one that has another key."""
    commands.pin(connection, pinned, node.num, 0)
    if node.public_key:
        incidents.add(connection, OTHER_KEY, f"!{node.num:08x}", now)
