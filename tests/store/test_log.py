"""The log: ids that survive erasure, a chain that shows tampering, retention's limits."""

import sqlite3

import pytest

from kimnode.errors import WireError
from kimnode.record import Kind, Via
from kimnode.rules.airtime import Priority, Spent
from kimnode.rules.delivery import State
from kimnode.rules.sos import SosState
from kimnode.store import log, outbox, people, project, retention, views
from kimnode.store.db import Database
from kimnode.store.retention import Budget
from kimnode.wire import records
from tests.store import samples

NOW = 1_800_000_000


def put(record, via=Via.WEB, reception=None, now=NOW):
    def work(connection: sqlite3.Connection):
        entry = log.append(connection, record, via, now, reception)
        project.apply(connection, entry)
        return entry

    return work


async def test_an_erased_body_breaks_neither_id_nor_chain(db: Database):
    for word in ("satu", "dua", "tiga"):
        await db.write(put(samples.chat(word)))
    assert await db.write(lambda c: retention.erase(c, 2))
    assert await db.read(lambda c: list(log.verify(c))) == []
    entry = await db.read(lambda c: log.entry(c, 2))
    assert entry.record.body is None
    records.check(entry.record)
    assert not await db.write(lambda c: retention.erase(c, 2))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE body SET text = 'palsu' WHERE seq = 2", 2),
        ("UPDATE log SET author = 'phone:ff' WHERE seq = 2", 2),
        ("UPDATE log SET chain = zeroblob(32) WHERE seq = 1", 2),
    ],
)
async def test_tampering_shows(db: Database, change: str, where: int):
    for word in ("satu", "dua", "tiga", "empat"):
        await db.write(put(samples.chat(word)))
    await db.write(lambda c: c.execute(change))
    damage = await db.read(lambda c: list(log.verify(c)))
    assert where in [d.seq for d in damage]


async def test_replay_rows_outlive_the_record(db: Database):
    record = samples.heard()
    await db.write(put(record, Via.RADIO, now=NOW - 90 * 86400))
    assert await db.write(lambda c: retention.delete_batch(c, Budget(30, 100), NOW)) == 1
    assert await db.read(lambda c: log.entry(c, 1)) is None
    assert await db.read(lambda c: log.find(c, record.author, record.nonce)) == 1


async def test_retention_keeps_alarms_and_what_the_uplink_has_not_acknowledged(db: Database):
    old = NOW - 90 * 86400
    await db.write(put(samples.sos(), now=old))
    for room in ("umum", "warung", "umum"):
        await db.write(put(samples.chat(room=room), now=old))
    budget = Budget(30, 100, carried_rooms=["umum"])
    await db.write(lambda c: log.move_cursor(c, retention.UPLINK_RECEIPT, 2))
    assert await db.write(lambda c: retention.delete_batch(c, budget, NOW)) == 2
    kept = await db.read(lambda c: log.since(c, 0, 10))
    assert [(e.seq, e.record.kind) for e in kept] == [(1, Kind.SOS), (4, Kind.CHAT)]


async def test_retention_deletes_the_oldest_beyond_the_megabytes(db: Database):
    for _ in range(700):
        record = samples.chat("x" * 1000)
        await db.write(put(record))
    assert await db.read(retention.used_bytes) > 700_000
    budget = Budget(3650, 0)
    assert await db.write(lambda c: retention.delete_batch(c, budget, NOW + 1)) == retention.BATCH
    assert (await db.read(lambda c: log.since(c, 0, 1)))[0].seq == retention.BATCH + 1


HOUR_S, DAY_S = 3600.0, 86_400.0


async def test_a_clock_that_jumped_deletes_nothing_before_it_has_run_on(db: Database):
    async def sure(now: float, passed_s: float) -> bool:
        return await db.write(lambda c: retention.clock_is_sure(c, now, passed_s))

    assert await sure(NOW, 0)
    assert await sure(NOW + HOUR_S, HOUR_S)
    future = NOW + 3650 * DAY_S
    assert not await sure(future, HOUR_S)
    assert not await sure(future, 0), "a restart does not make it sure"
    assert not await sure(NOW + 2 * HOUR_S, HOUR_S), "nor does the way back"
    hours = int(retention.DOUBT_S / HOUR_S)
    answers = [await sure(NOW + (3 + n) * HOUR_S, HOUR_S) for n in range(hours)]
    assert answers == [False] * (hours - 1) + [True]
    assert await sure(NOW + (2 + hours) * HOUR_S + DAY_S / 2, 0), "half a day without power"


async def test_without_a_sure_time_only_the_megabytes_count(db: Database):
    for now in (NOW - 90 * 86400, NOW + 3650 * 86400):
        await db.write(put(samples.chat("x" * 1000), now=now))
    assert await db.write(lambda c: retention.delete_batch(c, Budget(30, 100), 0)) == 0
    assert await db.write(lambda c: retention.delete_batch(c, Budget(30, 0), 0)) == 2


async def test_airtime_of_a_clock_that_was_ahead_is_not_spent_at_every_start(db: Database):
    ahead = Spent(1, NOW + 3650 * DAY_S, 900.0, Priority.CHAT)
    await db.write(lambda c: outbox.spend(c, ahead))
    await db.write(lambda c: retention.delete_sent(c, NOW))
    assert [s.at for s in await db.read(lambda c: outbox.spent_since(c, 0))] == [NOW]
    await db.write(lambda c: retention.delete_sent(c, NOW + 3 * HOUR_S))
    assert await db.read(lambda c: outbox.spent_since(c, 0)) == []


async def test_packets_that_wait_are_not_retained_away(db: Database):
    await db.write(put(samples.chat(), now=NOW - 90 * 86400))
    await db.write(lambda c: outbox.queue(c, [packet(1)], NOW - 90 * 86400))
    assert await db.write(lambda c: retention.delete_batch(c, Budget(30, 100), NOW)) == 0
    await db.write(lambda c: outbox.move(c, 1, State.EXPIRED))
    await db.write(lambda c: retention.delete_sent(c, NOW))
    assert await db.read(views.last_rev) == 2, "the newest change stays, or its number comes again"


def packet(seq: int, part: int = 1, parts: int = 1) -> outbox.NewPacket:
    return outbox.NewPacket(
        seq, part, parts, Priority.CHAT, outbox.BROADCAST, 0, b"Ani: halo", None, True, NOW + 3600.0
    )


async def test_a_message_is_as_far_as_its_slowest_part(db: Database):
    await db.write(put(samples.chat()))
    await db.write(lambda c: outbox.queue(c, [packet(1, 1, 2), packet(1, 2, 2)], NOW))
    before = await db.read(views.last_rev)
    await db.write(lambda c: outbox.move(c, 1, State.RELAYED))
    ((seq, delivery),) = await db.read(lambda c: views.delivery_changes(c, before, 10))
    assert (seq, delivery.state, delivery.parts, delivery.parts_done) == (1, State.QUEUED, 2, 1)
    await db.write(lambda c: outbox.move(c, 2, State.FAILED, "too-large"))
    message = await db.read(lambda c: views.one(c, 1))
    assert (message.delivery.state, message.delivery.reason) == (State.FAILED, "too-large")


async def test_a_radio_message_is_named_by_its_radio_and_quotes_by_packet_id(db: Database):
    await db.write(
        lambda c: people.save_node(c, people.RadioNode(0x1F, "Pak RT 3", "RT3", b"", NOW))
    )
    await db.write(put(samples.heard("ada api", 0x1F, 7), Via.RADIO, samples.reception(0x1F, 7)))
    answer = samples.reception(0x20, 8)
    answer = type(answer)(0x20, 8, 2, 1.5, -100, False, reply_id=7)
    await db.write(put(samples.heard("di mana?", 0x20, 8), Via.RADIO, answer))
    first, second = await db.read(lambda c: views.recent(c, "umum", 10))
    assert (first.name, first.hops) == ("Pak RT 3", 0)
    assert (second.name, second.hops, second.quote.name) == ("!00000020", 2, "Pak RT 3")
    assert second.quote.text == "ada api"


async def test_an_answer_to_our_own_packet_quotes_the_phone_message(db: Database):
    await db.write(put(samples.chat("siapa di sana?")))
    await db.write(lambda c: outbox.queue(c, [packet(1)], NOW))
    spent = outbox.Spent(77, NOW, 100.0, Priority.CHAT)
    await db.write(lambda c: outbox.assign(c, 1, 77, spent))
    answer = type(samples.reception())(0x20, 8, 0, 1.5, -100, False, reply_id=77)
    await db.write(put(samples.heard("saya", 0x20, 8), Via.RADIO, answer))
    message = (await db.read(lambda c: views.since(c, 1, 10)))[0]
    assert message.quote.text == "siapa di sana?"


async def test_the_sos_table_follows_the_log_and_can_be_rebuilt(db: Database):
    alarm = samples.sos()
    await db.write(put(alarm))
    assert [m.seq for m in await db.read(views.open_alarms)] == [1]
    await db.write(put(samples.about(Kind.SOS_ACK, alarm.id)))
    assert (await db.read(lambda c: views.one(c, 1))).sos.by_nick == "Budi"
    assert await db.read(views.open_alarms) == []
    before = await db.read(lambda c: c.execute("SELECT * FROM sos").fetchall())
    await db.write(lambda c: c.execute("DELETE FROM sos"))
    assert await db.write(project.rebuild) == 2
    assert await db.read(lambda c: c.execute("SELECT * FROM sos").fetchall()) == before
    assert await db.read(lambda c: project.sos_by(c, samples.ANI, SosState.TAKEN)) == [1]


async def test_a_known_key_of_a_radio_is_not_replaced(db: Database):
    first = people.RadioNode(5, "A", "A", b"k" * 32, NOW)
    await db.write(lambda c: people.save_node(c, first))
    await db.write(lambda c: people.save_node(c, people.RadioNode(5, "B", "B", b"x" * 32, NOW + 1)))
    row = await db.read(lambda c: c.execute("SELECT long_name, public_key FROM node").fetchone())
    assert row == ("B", b"k" * 32)


async def test_forged_radios_and_phones_do_not_fill_the_disk(db: Database, monkeypatch):
    monkeypatch.setattr(people, "MAX_NODES", 10)
    monkeypatch.setattr(people, "MAX_DEVICES", 10)
    for number in range(50):
        await db.write(lambda c, n=number: people.touch_node(c, n + 1, NOW + n))
        device = people.Device(number.to_bytes(8, "big"), "Ani")
        await db.write(lambda c, d=device, n=number: people.save_device(c, d, NOW + n))
    assert await db.read(lambda c: people.nodes_heard_since(c, 0)) == 10
    assert await db.read(lambda c: people.device(c, device.id)) == device
    assert await db.read(lambda c: people.device(c, bytes(8))) is None


def test_one_radio_text_heard_by_two_gateways_is_one_record():
    assert samples.heard() == samples.heard()
    assert samples.heard().id != samples.heard(packet_id=8).id
    assert samples.heard().id != samples.heard(sender=0x20).id
    assert samples.heard().id != samples.heard("lain").id
    other_channel = records.heard(Kind.CHAT, 0x1F, 7, "Lain", "umum", "halo dari radio")
    assert samples.heard().id != other_channel.id


def test_a_record_with_the_wrong_salt_size_is_refused():
    with pytest.raises(WireError, match="salt of 3 bytes"):
        records.written(Kind.CHAT, "phone:aa", "umum", 0, bytes(16), samples.chat().body, bytes(3))


async def test_a_phones_replay_row_goes_with_its_message(db: Database):
    record = samples.chat()
    await db.write(put(record, now=NOW - 90 * 86400))
    await db.write(lambda c: retention.delete_batch(c, Budget(30, 100), NOW))
    assert await db.read(lambda c: log.find(c, record.author, record.nonce)) is None


def test_a_radio_that_says_the_same_again_is_no_news():
    known = people.RadioNode(5, "A", "A", b"", NOW)
    assert not known.is_news(people.RadioNode(5, "A", "A", b"", NOW + 60))
    assert known.is_news(people.RadioNode(5, "A", "A", b"", NOW + 600))
    assert known.is_news(people.RadioNode(5, "B", "A", b"", NOW))
    assert known.is_news(people.RadioNode(5, "A", "A", b"k" * 32, NOW))


async def test_phones_that_never_wrote_are_forgotten_before_villagers(db: Database, monkeypatch):
    monkeypatch.setattr(people, "MAX_DEVICES", 10)
    villager = people.Device(bytes.fromhex(samples.ANI.removeprefix("phone:")), "Ani")
    await db.write(lambda c: people.save_device(c, villager, NOW - 9000))
    await db.write(put(samples.chat(author=samples.ANI)))
    for number in range(50):
        invented = people.Device(number.to_bytes(8, "big"), "X")
        await db.write(lambda c, d=invented: people.save_device(c, d, NOW))
    assert await db.read(lambda c: people.device(c, villager.id)) == villager
