"""The sender when things break: cables, nodes, radios that say nothing, disks."""

import asyncio
import random

import pytest

from kimnode.errors import StoreError
from kimnode.metrics import Metrics
from kimnode.radio.messages import LinkLost, LinkUp, Telemetry
from kimnode.radio.sender import MAX_INBOX, Sender
from kimnode.rules.airtime import Priority
from kimnode.rules.delivery import State, Why
from tests.radio.bench import DEST, OWN, RADIO, Bench, Road
from tests.waiting import until


@pytest.fixture
def road():
    return Road()


@pytest.fixture
def bench(db, road):
    return Bench(db, road)


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


async def test_a_sender_that_falls_behind_asks_for_a_fresh_start(bench, road):
    sender = Sender(bench.db, road, bench.governor, road.clock, random.Random(1), Metrics())
    road.feed = sender.feed
    for _ in range(MAX_INBOX + 1):
        road.status()
    assert road.restarts == ["the sender fell behind"]
    (row,) = await bench.queue("halo")
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(sender.run())
        await bench.reaches(row, State.RELAYED)
        job.cancel()


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
