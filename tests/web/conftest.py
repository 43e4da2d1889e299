"""A village web on a real database, without a radio: what the tests of this floor start from."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kimnode.attestor import Attestor
from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Body, Kind, Notice, RadioState, Reception, Record, Seq, Via
from kimnode.rules.airtime import Priority
from kimnode.rules.clock import Estimate
from kimnode.rules.delivery import State
from kimnode.store import log, outbox, project
from kimnode.store.db import Database, Signal
from kimnode.web.app import Bounds, Site, create_app
from kimnode.web.site import THIS_MACHINE
from kimnode.wire import records
from tests.rules.trust_samples import KARATAUN, NOW, Machine


@dataclass
class Village:
    """A Site whose radio says what the test wants."""

    db: Database
    clock: Clock
    metrics: Metrics = field(default_factory=Metrics)
    radio: RadioState = RadioState.UP
    wait: float = 170.0
    bounds: Bounds = field(default_factory=Bounds)
    config: Config = field(
        default_factory=lambda: Config(radio="tcp:127.0.0.1:4403", name="Pos Sukamaju")
    )
    noticed: Signal = field(default_factory=Signal)
    estimate: Estimate = NOW
    demo: bool = False
    post: Machine = KARATAUN
    staff_networks: tuple[str, ...] = THIS_MACHINE

    def __post_init__(self) -> None:
        self.intake = Intake(self.db, self.clock, self.metrics, lambda: self.estimate)
        self.attestor = Attestor(self.post.seed, self.db, self.intake, lambda: self.estimate)

    def notice(self) -> Notice:
        since = 1_800_000_000 - 3600.0
        return Notice(self.radio, since, "", 0, 120.0, 36_000.0, 14, 3)

    @property
    def site(self) -> Site:
        return Site(
            config=self.config,
            db=self.db,
            intake=self.intake,
            clock=self.clock,
            metrics=self.metrics,
            notice=self.notice,
            noticed=self.noticed,
            wait_s=lambda _size: self.wait,
            price_s=lambda size: 0.3 + 0.004 * size,
            bounds=self.bounds,
            estimate=lambda: self.estimate,
            attestor=self.attestor,
            demo=self.demo,
            staff_networks=self.staff_networks,
        )


@pytest.fixture
def village(db: Database, clock: Clock) -> Village:
    return Village(db, clock)


@pytest.fixture
async def server(village: Village) -> AsyncIterator[TestServer]:
    server = TestServer(create_app(village.site))
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def phone(server: TestServer) -> AsyncIterator[TestClient]:
    """A phone with a cookie jar of its own."""
    async with TestClient(server) as client:
        yield client


_numbers = count(1)

TALK = (
    "Jalan ke kebun atas longsor, motor tidak bisa lewat sejak subuh tadi.",
    "Sudah makan? Nanti sore saya bawa sayur dari ladang.",
    "Terima kasih Pak, kami tunggu di balai desa jam empat.",
    "Air sungai naik lagi setengah meter, hati-hati yang menyeberang ke Dusun Lembah.",
    "Siap, saya kabari tetangga.",
)
NAMES = ("Ani", "Budi", "Siti", "Pak Rahmat", "Joko")


async def say(village: Village, text: str, name: str = "Ani", room: str = "umum", **header) -> Seq:
    """A message of another phone, put straight into the log (no rate limits)."""
    number = next(_numbers)
    author = header.get("author") or f"phone:{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    record = records.written(
        header.get("kind", Kind.CHAT),
        author,
        room,
        1_800_000_000,
        header.get("nonce") or number.to_bytes(16, "big"),
        Body(name, text),
        bytes(8),
        header.get("subject"),
    )
    return await put(village, record, Via.WEB)


async def hear(
    village: Village, text: str, sender: int = 0x1F, hops: int | None = 0, snr_db: float = 6.0
) -> Seq:
    """A text from a radio."""
    packet_id = next(_numbers)
    record = records.heard(Kind.CHAT, sender, packet_id, "Umum", "umum", text)
    reception = Reception(sender, packet_id, hops, snr_db, -80, direct=False)
    return await put(village, record, Via.RADIO, reception)


async def put(
    village: Village, record: Record, via: Via, reception: Reception | None = None
) -> Seq:
    def append(connection: sqlite3.Connection) -> Seq:
        entry = log.append(connection, record, via, int(village.clock.now()), reception)
        project.apply(connection, entry)
        return entry.seq

    return await village.db.write(append)


async def fill_room(village: Village, messages: int) -> None:
    """A talk as villagers have it: names, radios, now and then an answer."""
    for number in range(messages):
        text = f"{TALK[number % len(TALK)]} ({number})"
        if number % 6 == 5:
            await hear(village, text, 0x1F + number, number % 3)
        else:
            await say(village, text, NAMES[number % len(NAMES)])


async def deliver(
    village: Village, seq: int, state: State, reason: str = "", parts: int = 1
) -> None:
    """Bring the message's packets into a state, as the radio floor would."""

    def move(connection: sqlite3.Connection) -> None:
        packets = [
            outbox.NewPacket(
                seq, part, parts, Priority.CHAT, outbox.BROADCAST, 0, b"x", None, False, 2e9
            )
            for part in range(1, parts + 1)
        ]
        known = [r[0] for r in connection.execute("SELECT id FROM outbox WHERE seq = ?", (seq,))]
        if not known:
            outbox.queue(connection, packets, village.clock.steady())
            known = [
                r[0] for r in connection.execute("SELECT id FROM outbox WHERE seq = ?", (seq,))
            ]
        for row in known:
            outbox.move(connection, row, state, reason)

    await village.db.write(move)


async def eventually(wanted: Callable[[], object]) -> None:
    """Until `wanted()` holds; TimeoutError if it does not within ten seconds."""
    async with asyncio.timeout(10):
        while not wanted():  # noqa: ASYNC110 - nothing raises an event for these
            await asyncio.sleep(0.01)
