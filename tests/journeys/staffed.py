"""A village with volunteers who have nothing but stock radios, each driven by the official library.

The post has the sample province's trust; the certificates hold the simulated radios' true keys.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import kimnode.node
from kimnode.attestor import Attestor
from kimnode.intake import Intake
from kimnode.radio.desk import Authority, Desk, open_desk
from kimnode.radio.sim.village import SimVillage
from kimnode.record import Via
from kimnode.store import trust as trusts
from kimnode.store.db import Database
from kimnode.wire import records
from tests.journeys.gateways import Gateway, open_gateway
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import KARATAUN, NOW, Machine, Person
from tests.waiting import until

STARTS_S = 60.0
CLIENT = """
import json, sys
from pubsub import pub
from meshtastic.tcp_interface import TCPInterface

def on_text(packet, interface):
    text = packet["decoded"]["text"]
    print(json.dumps({"from": packet["from"], "to": packet["to"], "text": text}), flush=True)

pub.subscribe(on_text, "meshtastic.receive.text")  # it keeps weak references only
radio = TCPInterface("127.0.0.1", portNumber=int(sys.argv[1]))
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    radio.sendText(line.rstrip("\\n"), destinationId=sys.argv[2], wantAck=True)
radio.close()
"""


@dataclass
class Handset:
    """A volunteer's radio under the official library: `type` a direct text, read `texts`."""

    process: asyncio.subprocess.Process
    texts: list[str] = field(default_factory=list)
    ready: bool = False

    async def type(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n".encode())
        await self.process.stdin.drain()

    async def reads(self, words: str, count: int = 1) -> str:
        """The newest text with these words, once `count` of them have come."""
        await until(lambda: sum(words in text for text in self.texts) >= count, 60)
        return [text for text in self.texts if words in text][-1]

    async def listen(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            said = json.loads(line)
            if "text" in said:
                self.texts.append(said["text"])
            self.ready = self.ready or "ready" in said


@contextlib.asynccontextmanager
async def handsets(
    village: SimVillage, post: str, names: Sequence[str]
) -> AsyncIterator[list[Handset]]:
    """The official library on each of these radios, as processes of their own."""
    to = f"!{village.device(post).num:08x}"
    found = []
    async with asyncio.TaskGroup() as tasks:
        try:
            for name in names:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", CLIENT, str(village.port(name)), to,
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                found.append(Handset(process))
                tasks.create_task(found[-1].listen())
            await until(lambda: all(handset.ready for handset in found), STARTS_S)
            yield found
        finally:
            for handset in found:
                handset.process.kill()
                await handset.process.wait()


def with_radio(village: SimVillage, name: str, person: Person) -> object:
    """This person's certificate, for the key that this simulated radio really has."""
    key = bytes(village.device(name).board.state.owner.public_key)
    return samples.of_radio(person, key=key)


@contextlib.asynccontextmanager
async def open_staffed(
    path: Path,
    village: SimVillage,
    post: str,
    people: dict[str, Person],
    monkeypatch: pytest.MonkeyPatch,
    machine: Machine = KARATAUN,
) -> AsyncIterator[Gateway]:
    """A whole node with this gateway's key behind the radio `post`; it believes these people's
    radios."""

    async def staffed(config, db, intake, clock, metrics, rng, *_: object) -> Desk:
        intake._estimate = lambda: NOW
        attestor = Attestor(machine.seed, db, intake, lambda: NOW)
        await believe(db, intake, machine, [with_radio(village, *one) for one in people.items()])
        return await open_desk(
            config, db, intake, clock, metrics, rng, Authority(lambda: NOW, attestor)
        )

    monkeypatch.setattr(kimnode.node, "open_desk", staffed)
    settings = {"name": machine.name, "airtime_percent": 100.0}
    async with open_gateway(path, village.clock, village.port(post), **settings) as gateway:
        await gateway.radio_is_up()
        yield gateway


async def believe(db: Database, intake: Intake, machine: Machine, certificates: list) -> None:
    def facts(connection):
        trusts.pin_root(connection, samples.ROOT.id)
        trusts.set_here(connection, machine.key)

    await db.write(facts)
    for document in (samples.ROOT, samples.DISTRICT_CERT, *samples.MACHINE_CERTS, *certificates):
        await intake.accept(records.of_document(document), Via.USB)
