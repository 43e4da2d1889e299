"""The desk over a simulated mesh: texts in, texts out, alarms, help, and what is never done."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import Refused
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.radio.desk import Desk, open_desk
from kimnode.radio.messages import LinkUp, NodeSeen
from kimnode.radio.outbound import CURSOR
from kimnode.radio.sim.village import SimVillage
from kimnode.record import Kind, RadioState, Via
from kimnode.rules.delivery import State
from kimnode.store import log, views
from kimnode.store.db import Database, open_database
from kimnode.wire import records
from tests.store import samples
from tests.waiting import until

SPEED = 40


@dataclass
class Post:
    """One gateway with its database, as a test handles it."""

    db: Database
    intake: Intake
    desk: Desk
    metrics: Metrics

    async def write(self, text: str, room: str = "umum", nick: str = "Ani", **more) -> int:
        record = samples.chat(text, room, nick=nick, **more)
        return (await self.intake.accept(record, Via.WEB)).seq

    async def messages(self, room: str = "umum") -> list[views.Message]:
        return await self.db.read(lambda c: views.recent(c, room, 1000))

    async def texts(self, room: str = "umum") -> list[str | None]:
        return [m.text for m in await self.messages(room)]

    async def state(self, seq: int) -> State | None:
        found = await self.db.read(lambda c: views.deliveries(c, [seq]))
        return found[seq].state if seq in found else None


@contextlib.asynccontextmanager
async def open_post(path: Path, port: int, clock: Clock, **settings):
    config = Config(
        name="Pos Uji",
        radio=f"tcp:127.0.0.1:{port}",
        airtime_percent=settings.pop("airtime_percent", 100.0),
        **settings,
    )
    metrics = Metrics()
    async with open_database(path, 0) as db:
        intake = Intake(db, clock, metrics)
        desk = await open_desk(config, db, intake, clock, metrics, random.Random(1))
        async with asyncio.TaskGroup() as tasks:
            loop = tasks.create_task(desk.run())
            try:
                yield Post(db, intake, desk, metrics)
            finally:
                loop.cancel()


@pytest.fixture
async def village():
    async with SimVillage(["gerbang", "bukit", "sawah"], seed=7, clock=Clock(SPEED)) as village:
        yield village


@pytest.fixture
async def post(village, tmp_path):
    async with open_post(tmp_path / "x.db", village.port("gerbang"), village.clock) as post:
        await until(lambda: post.desk.state()[0] is RadioState.UP and post.desk._radio)
        yield post


async def test_a_phone_is_heard_by_radios_and_a_radio_by_phones(village, post):
    seq = await post.write("halo semua")
    await until(lambda: "Ani: halo semua" in shown(village, "bukit"))
    await until(lambda: relayed(post, seq))
    village.device("bukit").say("halo juga")
    await until(lambda: said(post, "halo juga"))
    message = (await post.messages())[-1]
    assert (message.via, message.name, message.hops) == (Via.RADIO, "bukit", 0)


async def test_talk_in_a_wifi_room_stays_there(village, post):
    await post.write("jual ayam", "warung")
    seq = await post.write("halo")
    await until(lambda: relayed(post, seq))
    assert shown(village, "bukit") == ["Ani: halo"]


async def test_a_long_text_arrives_in_numbered_parts_in_order(village, post):
    text = " ".join(f"kata{n} 🙂" for n in range(25))
    seq = await post.write(text)
    await until(lambda: relayed(post, seq))
    heads = [t.split(": ")[0] for t in shown(village, "sawah")]
    assert heads == ["Ani (1/2)", "Ani (2/2)"]
    assert " ".join(t.split(": ", 1)[1] for t in shown(village, "sawah")) == text


async def test_what_came_from_the_air_does_not_go_back_there(village, post):
    village.device("bukit").say("sekali saja")
    await until(lambda: said(post, "sekali saja"))
    seq = await post.write("penanda")
    await until(lambda: relayed(post, seq))
    assert shown(village, "sawah").count("sekali saja") == 1
    assert len(shown(village, "sawah")) == 2


async def test_a_direct_text_gets_one_help_packet_and_is_not_stored(village, post):
    gateway = village.device("gerbang").num
    for _ in range(3):
        village.device("bukit").dm(gateway, "apa ini?")
        await village.clock.sleep(15)
    await until(lambda: any("Ini Pos Uji" in t for t in shown(village, "bukit")))
    seq = await post.write("penanda")
    await until(lambda: relayed(post, seq))
    assert sum("[otomatis]" in t for t in shown(village, "bukit")) == 1
    assert not any("[otomatis]" in t for t in shown(village, "sawah"))
    assert await post.texts() == ["penanda"]


async def test_an_automatic_answer_is_never_answered(village, post):
    village.device("bukit").dm(village.device("gerbang").num, "[otomatis] Ini pos lain.")
    seq = await post.write("penanda")
    await until(lambda: relayed(post, seq))
    assert shown(village, "bukit") == ["Ani: penanda"]


@pytest.mark.parametrize("direct", [False, True])
async def test_an_sos_from_a_radio_alarms_is_confirmed_taken_and_cancelled(village, post, direct):
    radio = village.device("bukit")
    say = (lambda t: radio.dm(village.device("gerbang").num, t)) if direct else radio.say
    say("SOS banjir di dusun 2")
    alarm = (await until(lambda: post.db.read(views.open_alarms)))[0]
    assert (alarm.text, alarm.name) == ("SOS banjir di dusun 2", "bukit")
    await until(lambda: any("SOS bukit diterima Pos Uji" in t for t in shown(village, "bukit")))

    take = samples.about(Kind.SOS_ACK, alarm.id)
    await post.intake.accept(take, Via.WEB)
    await until(lambda: any("ditangani oleh Budi" in t for t in shown(village, "bukit")))
    assert await post.db.read(views.open_alarms) == []

    await village.clock.sleep(5)
    say("batal sos")
    await until(lambda: any("SOS bukit dibatalkan" in t for t in shown(village, "bukit")))
    assert any("dibatalkan" in t for t in shown(village, "sawah")) is not direct


async def test_an_sos_from_a_phone_reaches_the_radios_and_its_end_too(village, post):
    alarm = samples.sos("pohon tumbang")
    await post.intake.accept(alarm, Via.WEB)
    await until(lambda: "SOS Ani: pohon tumbang" in shown(village, "sawah"))
    with pytest.raises(Refused):
        await post.intake.accept(samples.sos("lagi"), Via.WEB)
    cancel = samples.about(Kind.SOS_CANCEL, alarm.id, alarm.author, "Ani")
    await post.intake.accept(cancel, Via.WEB)
    await until(lambda: "BATAL SOS Ani" in shown(village, "sawah"))


async def test_an_alarm_that_nobody_takes_is_said_again(village, post):
    alarm = samples.sos("longsor")
    await post.intake.accept(alarm, Via.WEB)
    await until(lambda: shown(village, "bukit").count("SOS Ani: longsor") >= 2)


async def test_an_alarm_of_a_radio_with_a_forged_endless_name_is_said_again(village, post):
    """NodeInfo is not signed, and its name may be as long as a packet."""
    radio = village.device("bukit")
    radio.say("SOS banjir")
    await until(lambda: said(post, "SOS banjir", "darurat"))
    await post.desk._parts.inbound.node_seen(NodeSeen(radio.num, "A" * 220, "A", b"", 0, 0.0))
    await until(lambda: f"SOS {'A' * 39}: banjir" in shown(village, "sawah"))


async def test_the_same_sos_again_is_one_alarm_and_another_one_is_two(village, post):
    for text in ("SOS api", "SOS api", "SOS api di pasar"):
        village.device("bukit").say(text)
        await village.clock.sleep(30)
    await until(lambda: said(post, "SOS api di pasar", "darurat"))
    assert [a.text for a in await post.db.read(views.open_alarms)] == [
        "SOS api",
        "SOS api di pasar",
    ]


async def test_beyond_its_share_a_phone_is_told_that_its_text_stays_on_wifi(village, post):
    seqs = []
    for number in range(8):
        record = samples.chat(f"pesan {number}")
        post.intake._limits.__init__()  # the pace of typing is not what is tested here
        seqs.append((await post.intake.accept(record, Via.WEB)).seq)
    await until(lambda: relayed(post, seqs[5]))
    message = (await post.messages())[-1]
    assert (message.delivery.state, message.delivery.reason) == (State.FAILED, "quota")
    assert not any("pesan 7" in t for t in shown(village, "bukit"))


async def test_without_a_radio_nothing_is_queued(tmp_path):
    clock = Clock(SPEED)
    async with open_database(tmp_path / "x.db", 0) as db:
        intake = Intake(db, clock, Metrics())
        desk = await open_desk(Config(), db, intake, clock, Metrics(), random.Random(1))
        await desk.run()
        seq = (await intake.accept(samples.chat(), Via.WEB)).seq
        assert desk.state()[0] is RadioState.NONE
        assert await db.read(lambda c: views.deliveries(c, [seq])) == {}


async def test_another_radio_in_its_place_is_refused_and_nothing_is_sent_to_it(village, tmp_path):
    path = tmp_path / "x.db"
    async with open_post(path, village.port("gerbang"), village.clock) as post:
        await until(lambda: post.desk.state()[0] is RadioState.UP)
    async with open_post(path, village.port("bukit"), village.clock) as post:
        await until(lambda: post.desk.state()[0] is RadioState.WRONG)
        await post.write("rahasia")
        await village.clock.sleep(40)
        assert shown(village, "sawah") == []


async def test_a_radio_without_a_region_is_named_in_the_log(post, caplog):
    """It answers everything, so nothing else would say why no text goes out."""
    radio = post.desk._radio
    mute = replace(radio, lora=replace(radio.lora, region="UNSET"))
    await post.desk._take(LinkUp(mute), post.desk._link, post.desk._parts)
    assert "transmits nothing" in caplog.text


async def test_what_a_text_costs_and_waits_is_told(post):
    assert 0.1 < post.desk.price_s(60) < post.desk.price_s(200) < post.desk.price_s(400)
    assert 0 <= post.desk.wait_s(60) <= post.desk.wait_s(600) <= 3600


def shown(village: SimVillage, name: str) -> list[str]:
    """The texts that a person reads on the screen of this radio."""
    return [text.text for text in village.device(name).shown]


async def relayed(post: Post, seq: int) -> bool:
    return await post.state(seq) is State.RELAYED


async def said(post: Post, text: str, room: str = "umum") -> bool:
    return text in await post.texts(room)


async def test_invented_alarms_do_not_make_the_post_fill_the_air(village, post):
    for number in range(60):
        record = records.heard(Kind.SOS, 0x500 + number, number + 1, "", "darurat", "SOS palsu")
        with contextlib.suppress(Refused):
            await post.intake.accept(record, Via.RADIO, samples.reception(0x500 + number, number))
    alarms = await post.db.read(views.open_alarms)
    assert 20 < len(alarms) <= 30
    await until(lambda: behind(post))
    count = "SELECT count(*) FROM outbox WHERE seq = 0"
    assert (await post.db.read(lambda c: c.execute(count).fetchone())) == (20,)


async def behind(post: Post) -> bool:
    """Whether the outbound loop has carried the whole log."""
    return await post.db.read(lambda c: log.cursor(c, CURSOR) == log.last_seq(c))
