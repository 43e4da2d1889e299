"""The sender against a scripted road: what is committed, written, repeated and claimed."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from kimnode.clock import Clock
from kimnode.errors import LinkDown, StoreError
from kimnode.radio.messages import (
    ALERT_PRIORITY,
    LinkLost,
    LinkUp,
    LoraConfig,
    Outgoing,
    QueueStatus,
    Radio,
    RoutingReply,
    Telemetry,
)
from kimnode.radio.sender import MAX_IN_RADIO, MAX_INBOX, Sender
from kimnode.rules.airtime import Governor, Priority
from kimnode.rules.delivery import BROADCAST, State, Why
from kimnode.rules.lora import PRESETS
from kimnode.store import outbox
from kimnode.store.db import Database
from kimnode.store.outbox import NewPacket, OutPacket
from tests.waiting import until

OWN, DEST, FRIEND = 0x1000001F, 0x10000020, 0x10000021
RADIO = Radio(
    OWN, bytes(32), "2.7.26", LoraConfig("KR", PRESETS["MEDIUM_FAST"], 3, True, 17, 8, 0.0), ()
)
SPEED = 50


Answer = Callable[[Outgoing], object]


class Road:
    """Takes packets, and lets `answer` decide what the radio says to each."""

    def __init__(self) -> None:
        self.feed: Callable[[object], None] = lambda _event: None
        self.clock = Clock(SPEED)
        self.written: list[tuple[float, Outgoing]] = []
        self.polls = 0
        self.restarts: list[str] = []
        self.down = False
        self.answer: Answer = self.relay
        self.on_poll: Callable[[], None] = self.idle
        self.on_write: Callable[[Outgoing], None] = lambda _packet: None

    @property
    def packets(self) -> list[Outgoing]:
        return [packet for _, packet in self.written]

    async def write(self, packet: Outgoing) -> None:
        self.on_write(packet)
        if self.down:
            raise LinkDown("unplugged")
        self.written.append((self.clock.monotonic(), packet))
        self.answer(packet)

    async def poll(self) -> None:
        self.polls += 1
        if self.down:
            raise LinkDown("unplugged")
        self.on_poll()

    def restart(self, reason: str) -> None:
        self.restarts.append(reason)
        self.feed(LinkLost(reason))
        self.feed(LinkUp(RADIO))

    def status(self, packet_id: int = 0, res: int = 0, free: int = 16) -> None:
        self.feed(QueueStatus(packet_id, res, free, 16))

    def routing(self, packet_id: int, error: int = 0, sender: int = OWN) -> None:
        self.feed(RoutingReply(packet_id, sender, error))

    def idle(self) -> None:
        self.status()

    def accept(self, packet: Outgoing) -> None:
        self.status(packet.packet_id, free=15)

    def relay(self, packet: Outgoing) -> None:
        self.accept(packet)
        self.routing(packet.packet_id)

    def silent(self, _packet: Outgoing) -> None: ...

    def script(self, *first: Answer, then: Answer | None = None) -> None:
        """Answer the first packets so, and all others with `then` (default: relayed)."""
        answers = iter(first)

        def answer(packet: Outgoing) -> None:
            next(answers, then or self.relay)(packet)

        self.answer = answer


class Bench:
    """A sender with its road and database."""

    def __init__(self, db: Database, road: Road) -> None:
        self.db = db
        self.road = road
        self.governor = Governor(budget_share=1.0)

    @contextlib.asynccontextmanager
    async def running(self, *, up: bool = True) -> AsyncIterator[Sender]:
        sender = Sender(self.db, self.road, self.governor, self.road.clock, random.Random(1))
        self.road.feed = sender.feed
        if up:
            sender.feed(LinkUp(RADIO))
        async with asyncio.TaskGroup() as tasks:
            job = tasks.create_task(sender.run())
            try:
                yield sender
            finally:
                job.cancel()

    async def queue(self, *texts: str, **more) -> list[int]:
        """Rows of new packets, one message each."""
        now = self.road.clock.now()
        seq = 1
        for text in texts:
            packet = NewPacket(
                seq=seq, part=1, parts=1, priority=more.get("priority", Priority.CHAT),
                dest=more.get("dest", BROADCAST), channel=0, payload=text.encode(),
                reply_id=None, want_ack=more.get("want_ack", True),
                expires_at=now + more.get("ttl_s", 3600.0),
            )  # fmt: skip
            await self.db.write(lambda c, p=packet: outbox.queue(c, [p], now))
        rows = await self.db.read(lambda c: outbox.in_state(c, *State))
        return [row.id for row in rows[-len(texts) :]]

    async def get(self, row: int) -> OutPacket:
        packet = await self.db.read(lambda c: outbox.get(c, row))
        assert packet is not None
        return packet

    async def reaches(self, row: int, state: State, why: Why | None = None) -> OutPacket:
        async with Clock().timeout(15):
            while True:
                grew = self.db.committed.waiter()
                packet = await self.get(row)
                if packet.state is state and (why is None or packet.reason == why):
                    return packet
                await grew.wait()


@pytest.fixture
def road():
    return Road()


@pytest.fixture
def bench(db, road):
    return Bench(db, road)


async def test_the_id_is_on_disk_before_the_radio_sees_a_byte(bench, road, tmp_path):
    seen = []

    def look(_packet: Outgoing) -> None:
        """Through a connection of its own: it sees only what is committed."""
        with contextlib.closing(sqlite3.connect(tmp_path / "village.db")) as other:
            seen.append(other.execute("SELECT packet_id, state, attempt FROM outbox").fetchone())

    road.on_write = look
    (row,) = await bench.queue("halo")
    async with bench.running():
        await bench.reaches(row, State.RELAYED)
    assert seen == [(road.packets[0].packet_id, "in_radio", 1)]
    assert road.packets[0].packet_id


async def test_texts_are_paced_from_the_previous_answer_and_keep_their_order(bench, road):
    rows = await bench.queue(*[f"nomor {n}" for n in range(5)])
    async with bench.running():
        for row in rows:
            await bench.reaches(row, State.RELAYED)
    assert [p.payload for p in road.packets] == [f"nomor {n}".encode() for n in range(5)]
    times = [at for at, _ in road.written]
    assert all(b - a >= 3.0 for a, b in pairwise(times))
    assert len({p.packet_id for p in road.packets}) == 5


async def test_a_missing_queue_status_is_survived(bench, road):
    road.answer = lambda packet: road.routing(packet.packet_id)  # the ack, but no queueStatus
    rows = await bench.queue("satu", "dua")
    async with bench.running():
        for row in rows:
            await bench.reaches(row, State.RELAYED)
    assert len(road.packets) == 2


async def test_nothing_more_is_written_while_the_radio_says_nothing(bench, road):
    road.answer = road.silent
    road.on_poll = lambda: None
    await bench.queue("satu", "dua")
    await bench.queue("tiga", dest=DEST)
    async with bench.running():
        await until(lambda: road.polls >= 5)
        assert len(road.packets) == 1


async def test_a_poll_proves_that_it_left_the_queue(bench, road):
    road.answer = road.accept
    (row,) = await bench.queue("halo", want_ack=False)
    async with bench.running():
        packet = await bench.reaches(row, State.ON_AIR)
        assert packet.reason == ""
        polls = road.polls
        assert polls == 1
        await road.clock.sleep(20)
        assert road.polls == polls, "nobody is asked when nothing is open"


async def test_free_zero_for_ever_stops_nothing(bench, road):
    def full(packet: Outgoing) -> None:
        road.status(packet.packet_id, free=0)
        road.routing(packet.packet_id)

    road.answer = full
    road.on_poll = lambda: road.status(free=0)
    rows = await bench.queue("satu", "dua", "tiga")
    async with bench.running():
        for row in rows:
            await bench.reaches(row, State.RELAYED)


async def test_a_dropped_and_a_rate_limited_text_go_again_under_a_new_id(bench, road):
    road.script(
        lambda p: road.status(p.packet_id, free=16),
        lambda p: (road.status(p.packet_id, free=16), road.routing(p.packet_id, 38)),
        lambda p: road.routing(p.packet_id, 38),
    )
    (row,) = await bench.queue("halo")
    async with bench.running():
        packet = await bench.reaches(row, State.RELAYED)
    assert packet.attempt == 4
    assert len({p.packet_id for p in road.packets}) == 4
    assert bench.governor.used_ms(road.clock.now()) < 1000, "what was not sent costs nothing"


@pytest.mark.parametrize(
    ("error", "why"), [(6, Why.NO_CHANNEL), (7, Why.TOO_LARGE), (39, Why.NO_KEY)]
)
async def test_final_refusals_are_final(bench, road, error, why):
    def refuse(packet: Outgoing) -> None:
        road.status(packet.packet_id, res=error)
        road.routing(packet.packet_id, error)

    road.answer = refuse
    (row,) = await bench.queue("halo", dest=DEST, priority=Priority.DIRECT)
    async with bench.running():
        await bench.reaches(row, State.FAILED, why)
        await road.clock.sleep(30)
    assert len(road.packets) == 1


async def test_a_destination_without_our_key_gets_the_text_again_later(bench, road):
    def deliver(packet: Outgoing) -> None:
        road.accept(packet)
        road.routing(packet.packet_id, 0, DEST)

    road.script(lambda p: (road.accept(p), road.routing(p.packet_id, 35, DEST)), then=deliver)
    (row,) = await bench.queue("rahasia", dest=DEST, priority=Priority.DIRECT)
    async with bench.running():
        await bench.reaches(row, State.DELIVERED)
    (first_at, first), (second_at, second) = road.written
    assert second_at - first_at >= 9
    assert first.packet_id != second.packet_id
    assert first.payload == second.payload


async def test_only_the_destination_delivers(bench, road):
    def answer(packet: Outgoing) -> None:
        road.accept(packet)
        road.routing(packet.packet_id)
        road.routing(packet.packet_id, 0, FRIEND)

    road.answer = answer
    (row,) = await bench.queue("halo", dest=DEST, priority=Priority.DIRECT)
    async with bench.running():
        packet = await bench.reaches(row, State.RELAYED)
        road.routing(packet.packet_id or 0, 0, DEST)
        await bench.reaches(row, State.DELIVERED)


async def test_max_retransmit_is_corrected_even_after_a_restart_of_the_node(bench, road):
    road.answer = lambda p: (road.accept(p), road.routing(p.packet_id, 5))
    direct = (await bench.queue("halo", dest=DEST, priority=Priority.DIRECT))[0]
    (spoken,) = await bench.queue("halo semua")
    async with bench.running():
        await bench.reaches(direct, State.FAILED, Why.MAX_RETRANSMIT)
        await bench.reaches(spoken, State.ON_AIR, Why.NOT_REPEATED)
    async with bench.running():
        road.routing((await bench.get(direct)).packet_id or 0, 0, DEST)
        await bench.reaches(direct, State.DELIVERED)
    assert len(road.packets) == 2


async def test_words_about_unknown_packets_are_ignored(bench, road):
    async with bench.running() as sender:
        road.routing(12345)
        road.status(12345, res=7)
        sender.feed(Telemetry(OWN, 33.0, 1.0, 100, 4.1))
        sender.feed(Telemetry(DEST, 99.0, 1.0, 100, 4.1))
        await until(lambda: bench.governor._report is not None)
        assert bench.governor._report.channel_pct == 33.0


async def test_unplugged_while_writing_the_same_id_goes_again(bench, road):
    road.down = True
    (row,) = await bench.queue("halo")
    async with bench.running() as sender:
        packet = await bench.reaches(row, State.IN_RADIO)
        sender.feed(LinkLost("unplugged"))
        await road.clock.sleep(100)  # nothing is decided while the radio cannot speak
        assert (await bench.get(row)).state is State.IN_RADIO
        road.down = False
        sender.feed(LinkUp(RADIO))
        again = await bench.reaches(row, State.RELAYED)
    assert [p.packet_id for p in road.packets] == [packet.packet_id] == [again.packet_id]
    assert again.attempt == 2


async def test_killed_after_the_write_the_same_id_goes_again_in_order(bench, road):
    road.answer = road.silent
    rows = await bench.queue("satu", "dua")
    async with bench.running():
        await until(lambda: road.packets)
    road.answer = road.relay
    async with bench.running():
        for row in rows:
            await bench.reaches(row, State.RELAYED)
    assert [p.payload for p in road.packets] == [b"satu", b"satu", b"dua"]
    assert road.packets[0].packet_id == road.packets[1].packet_id


async def test_an_answer_that_the_radio_kept_spares_the_second_write(bench, road):
    road.answer = road.silent
    (row,) = await bench.queue("satu")
    async with bench.running():
        await until(lambda: road.packets)
    async with bench.running():
        road.routing(road.packets[0].packet_id)
        await bench.reaches(row, State.RELAYED)
        await road.clock.sleep(10)
    assert len(road.packets) == 1


async def test_an_accepted_packet_waits_for_its_word_after_a_restart(bench, road):
    road.answer = road.accept
    road.on_poll = lambda: road.status(free=15)
    (row,) = await bench.queue("satu")
    async with bench.running():
        await bench.reaches(row, State.IN_RADIO, Why.ACCEPTED)
    road.on_poll = road.idle
    async with bench.running():
        await bench.reaches(row, State.IN_RADIO, Why.LINK_RESTARTED)
        await road.clock.sleep(15)
        assert (await bench.get(row)).state is State.IN_RADIO, "an empty queue proves nothing now"
        road.routing(road.packets[0].packet_id)
        await bench.reaches(row, State.RELAYED)
    assert len(road.packets) == 1


async def test_silence_ends_in_a_new_connection_and_the_same_id(bench, road):
    road.script(road.silent)
    (row,) = await bench.queue("halo")
    async with bench.running():
        await bench.reaches(row, State.RELAYED)
    assert len(road.restarts) == 1
    assert road.packets[0].packet_id == road.packets[1].packet_id
    assert road.written[1][0] - road.written[0][0] >= 30


async def test_a_radio_that_reports_nothing_is_not_asked_for_ever(bench, road):
    road.answer = road.silent
    (row,) = await bench.queue("halo", want_ack=False)
    async with bench.running():
        packet = await bench.reaches(row, State.FAILED, Why.NO_ANSWER)
    assert packet.attempt == len(road.packets) == 6
    assert len({p.packet_id for p in road.packets}) == 1


async def test_a_direct_text_that_nobody_answers_fails_and_a_broadcast_does_not(bench, road):
    road.answer = road.accept  # on air by the poll, and then no word for ever
    (direct,) = await bench.queue("halo", dest=DEST, priority=Priority.DIRECT)
    (spoken,) = await bench.queue("halo semua")
    async with bench.running():
        await bench.reaches(direct, State.FAILED, Why.NO_ANSWER)
        await bench.reaches(spoken, State.ON_AIR, Why.NO_ANSWER)


async def test_never_more_than_three_in_the_radio_and_one_place_is_for_an_sos(bench, road):
    road.answer = road.accept  # want_ack: they stay open until the radio has repeated them
    for n in range(4):
        await bench.queue(f"kepada {n}", dest=DEST + n, priority=Priority.DIRECT)
    async with bench.running():
        await until(lambda: len(road.packets) == MAX_IN_RADIO - 1)
        await road.clock.sleep(12)
        assert len(road.packets) == MAX_IN_RADIO - 1
        await bench.queue("TOLONG", "TOLONG LAGI", priority=Priority.SOS)
        await until(lambda: len(road.packets) == MAX_IN_RADIO)
        assert road.packets[-1].payload == b"TOLONG"
        assert road.packets[-1].priority == ALERT_PRIORITY
        assert road.packets[0].priority == 0
        await road.clock.sleep(6)
        assert len(road.packets) == MAX_IN_RADIO


async def test_an_sos_behind_thousands_of_texts_goes_next(bench, road):
    now = road.clock.now()
    flood = [
        NewPacket(n, 1, 1, Priority.CHAT, BROADCAST, 0, b"x", None, True, now + 3600)
        for n in range(1, 3000)
    ]
    await bench.db.write(lambda c: outbox.queue(c, flood, now))
    async with bench.running():
        await until(lambda: len(road.packets) >= 2)
        written = len(road.packets)
        await bench.queue("TOLONG", priority=Priority.SOS)
        await until(lambda: any(p.payload == b"TOLONG" for p in road.packets))
        place = [p.payload for p in road.packets].index(b"TOLONG")
        assert place - written <= 1, "at most what was being written just then"


async def test_nothing_overtakes_a_packet_that_backs_off(bench, road):
    road.script(lambda p: road.status(p.packet_id, res=32, free=0))
    rows = await bench.queue("satu", "dua", "tiga")
    async with bench.running():
        for row in rows:
            await bench.reaches(row, State.RELAYED)
    assert [p.payload for p in road.packets] == [b"satu", b"satu", b"dua", b"tiga"]


async def test_a_packet_that_backs_off_does_not_hold_up_another_conversation(bench, road):
    def answer(packet: Outgoing) -> None:
        if packet.to == DEST:
            road.status(packet.packet_id, res=34)
        else:
            road.relay(packet)

    road.answer = answer
    await bench.queue("a", dest=DEST, priority=Priority.DIRECT)
    (other,) = await bench.queue("b", dest=FRIEND, priority=Priority.DIRECT)
    async with bench.running():
        await bench.reaches(other, State.RELAYED)


async def test_nothing_follows_a_packet_that_may_have_to_go_again(bench, road):
    road.answer = road.accept
    road.on_poll = lambda: road.status(free=14)  # relayed packets stand before ours
    await bench.queue("satu", "dua")
    async with bench.running():
        await until(lambda: road.polls >= 5)
        assert [p.payload for p in road.packets] == [b"satu"]
        await bench.queue("lain", dest=DEST, priority=Priority.DIRECT)
        await until(lambda: [p.payload for p in road.packets] == [b"satu", b"lain"])
        road.on_poll = road.idle
        await until(lambda: len(road.packets) == 3, 40)


async def test_a_sender_that_falls_behind_asks_for_a_fresh_start(bench, road):
    sender = Sender(bench.db, road, bench.governor, road.clock, random.Random(1))
    road.feed = sender.feed
    for _ in range(MAX_INBOX + 1):
        road.status()
    assert road.restarts == ["the sender fell behind"]
    (row,) = await bench.queue("halo")
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(sender.run())
        await bench.reaches(row, State.RELAYED)
        job.cancel()


async def test_parts_of_a_message_stay_together_and_in_order(bench, road):
    now = road.clock.now()

    def parts(seq: int, count: int) -> list[NewPacket]:
        return [
            NewPacket(seq, n, count, Priority.CHAT, BROADCAST, 0, f"{seq}.{n}".encode(), None, True,
                      now + 3600)
            for n in range(1, count + 1)
        ]  # fmt: skip

    for new in (parts(1, 3), parts(2, 1), parts(1, 2)):  # an alarm is said again under its seq
        await bench.db.write(lambda c, new=new: outbox.queue(c, new, now))
    async with bench.running():
        await until(lambda: len(road.packets) == 6)
    assert [p.payload for p in road.packets] == [b"1.1", b"1.2", b"1.3", b"2.1", b"1.1", b"1.2"]


async def test_what_is_too_old_is_not_sent_also_without_a_radio(bench, road):
    (row,) = await bench.queue("basi", ttl_s=30)
    async with bench.running(up=False):
        await bench.reaches(row, State.EXPIRED, Why.EXPIRED)
    assert not road.packets


async def test_what_never_fits_the_budget_is_refused(bench, road):
    bench.governor = Governor(budget_share=1e-6)
    (row,) = await bench.queue("halo")
    async with bench.running():
        await bench.reaches(row, State.FAILED, Why.TOO_BIG)


async def test_airtime_is_reserved_for_three_and_settled_when_the_radio_speaks(bench, road):
    road.answer = road.accept
    (row,) = await bench.queue("halo")
    async with bench.running():
        await bench.reaches(row, State.ON_AIR)
        reserved = await ledger_ms(bench)
        road.routing(road.packets[0].packet_id)
        await bench.reaches(row, State.RELAYED)
        assert await ledger_ms(bench) == pytest.approx(reserved / 3)
        assert bench.governor.used_ms(road.clock.now()) == pytest.approx(reserved / 3)


async def ledger_ms(bench: Bench) -> float:
    spent = await bench.db.read(lambda c: outbox.spent_since(c, 0))
    return sum(s.airtime_ms for s in spent)


async def test_a_full_disk_stops_sending_and_nothing_is_forgotten(bench, road, monkeypatch):
    write = bench.db.write
    broken = True

    async def fail(work, *, quiet=False):
        if broken:
            raise StoreError("The database could not be written (disk full). Free disk space.")
        return await write(work, quiet=quiet)

    (row,) = await bench.queue("halo")
    monkeypatch.setattr(bench.db, "write", fail)
    async with bench.running():
        await road.clock.sleep(12)
        assert not road.packets, "what is not committed is not written"
        broken = False
        await bench.reaches(row, State.RELAYED)
    assert len(road.packets) == 1


async def test_a_state_that_could_not_be_stored_is_stored_later(bench, road, monkeypatch):
    road.answer = road.silent
    (row,) = await bench.queue("halo")
    write = bench.db.write
    failures = iter([True])

    async def fail_once(work, *, quiet=False):
        if next(failures, False):
            raise StoreError("The database could not be written (disk full). Free disk space.")
        return await write(work, quiet=quiet)

    async with bench.running():
        await bench.reaches(row, State.IN_RADIO)
        monkeypatch.setattr(bench.db, "write", fail_once)
        road.relay(road.packets[0])
        await bench.reaches(row, State.RELAYED)
