"""The radio's own GPS tells the time; what other radios say of the time never does."""

import random

import pytest
from meshtastic.protobuf import mesh_pb2

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake, unknown_time
from kimnode.metrics import Metrics
from kimnode.radio.codec import own_gps_time
from kimnode.radio.desk import Authority, open_desk
from kimnode.radio.messages import POSITION_PORT, Heard, LinkUp
from kimnode.rules.clock import Evidence, Source
from kimnode.store.db import open_database
from tests.radio.bench import RADIO

Position = mesh_pb2.Position
OTHER = 0x2000


def position(source: int, **times: int) -> bytes:
    return Position(location_source=source, **times).SerializeToString()


GPS = position(Position.LOC_INTERNAL, timestamp=1_800_000_000)


@pytest.mark.parametrize(
    ("payload", "unix_s"),
    [
        (GPS, 1_800_000_000),
        (position(Position.LOC_INTERNAL, time=1_800_000_001), 1_800_000_001),
        (position(Position.LOC_INTERNAL), None),
        (position(Position.LOC_MANUAL, time=1_800_000_000), None),
        (position(Position.LOC_EXTERNAL, time=1_800_000_000), None),
        (b"", None),
        (b"\xff\xff", None),
    ],
)
def test_only_a_receiver_in_the_radio_has_a_time(payload: bytes, unix_s: int | None):
    assert own_gps_time(payload) == unix_s


def heard(sender: int, payload: bytes) -> Heard:
    return Heard(
        sender=sender,
        to=0xFFFFFFFF,
        channel=0,
        packet_id=7,
        portnum=POSITION_PORT,
        payload=payload,
        pki_encrypted=False,
        public_key=b"",
        via_mqtt=False,
        transport=0,
        hop_start=3,
        hop_limit=3,
        snr=0.0,
        rssi=0,
        rx_time=0,
        reply_id=0,
        emoji=0,
    )


async def test_the_desk_hears_its_own_radio_and_no_other(tmp_path):
    said: list[Evidence] = []
    clock, metrics = Clock(), Metrics()
    async with open_database(tmp_path / "x.db", 0) as db:
        intake = Intake(db, clock, metrics)
        authority = Authority(lambda: unknown_time(clock), testify=said.append)
        config = Config(radio="tcp:127.0.0.1:9")
        desk = await open_desk(config, db, intake, clock, metrics, random.Random(1), authority)
        await desk._take(LinkUp(RADIO), desk._link, desk._parts)
        for sender in (RADIO.num, OTHER):
            await desk._take(heard(sender, GPS), desk._link, desk._parts)
    assert said == [Evidence(Source.GPS, 1_800_000_000)]
