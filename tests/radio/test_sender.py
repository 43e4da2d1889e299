"""The sender against a scripted road: what is committed, written, in which order."""

import contextlib
import sqlite3
from itertools import pairwise

import pytest

from kimnode.radio.messages import ALERT_PRIORITY, Outgoing
from kimnode.radio.sender import MAX_IN_RADIO
from kimnode.rules.airtime import Governor, Priority
from kimnode.rules.delivery import BROADCAST, State, Why
from kimnode.store import outbox
from kimnode.store.outbox import NewPacket
from tests.radio.bench import DEST, FRIEND, Bench, Road
from tests.waiting import until


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
    assert bench.governor.used_ms(road.clock.steady()) < 1000, "what was not sent costs nothing"


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
    now = road.clock.steady()
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


async def test_parts_of_a_message_stay_together_and_in_order(bench, road):
    now = road.clock.steady()

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
        assert bench.governor.used_ms(road.clock.steady()) == pytest.approx(reserved / 3)


async def ledger_ms(bench: Bench) -> float:
    spent = await bench.db.read(lambda c: outbox.spent_since(c, 0))
    return sum(s.airtime_ms for s in spent)


async def test_a_clock_that_was_set_back_leaves_nothing_waiting_for_years(bench, road, db):
    """A retry that was to back off by the clock of an earlier run must not hold up its class."""
    first, second = await bench.queue("satu", "dua")
    due = road.clock.steady() + 365 * 86_400
    await db.write(lambda c: outbox.move(c, first, State.QUEUED, Why.DROPPED, due))
    async with bench.running():
        await bench.reaches(second, State.RELAYED)
    assert [p.payload for p in road.packets] == [b"satu", b"dua"]


async def test_what_is_written_and_how_it_ends_is_counted(bench, road):
    bench.governor = Governor(budget_share=0.00001)  # an SOS goes beyond any budget
    road.script(then=lambda p: (road.accept(p), road.routing(p.packet_id, 5)))
    (row,) = await bench.queue("SOS Ani: api", priority=Priority.SOS)
    async with bench.running():
        await bench.reaches(row, State.ON_AIR)
        count = bench.metrics.registry.get_sample_value
        await until(lambda: count("kimnode_packet_ends_total", {"state": "on_air"}) == 1)
    assert count("kimnode_packets_sent_total", {"class": "sos"}) == 1
    assert count("kimnode_sos_over_budget_total") == 1
