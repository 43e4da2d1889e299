"""The supervised link against a scripted radio, over real TCP and a real pseudo terminal."""

import asyncio
import gc
import random
import threading
from pathlib import Path

import pytest
from meshtastic.protobuf import admin_pb2, mesh_pb2

from kimnode.clock import Clock
from kimnode.errors import LinkDown
from kimnode.radio.link import MAX_EVENTS, Link
from kimnode.radio.messages import (
    CONFIG_ONLY,
    Heard,
    LinkLost,
    LinkState,
    LinkUp,
    NodeSeen,
    Outgoing,
    QueueStatus,
)
from kimnode.radio.transport import parse_address
from kimnode.wire.stream import WAKE, frame
from tests.radio.fake_radio import KEY, NUMBER, OTHER, FakeRadio, PtyDoor, TcpDoor, opened
from tests.radio.rig import running
from tests.waiting import until

TEXT = Outgoing(packet_id=4711, to=0xFFFFFFFF, channel=0, payload=b"halo", want_ack=True)


@pytest.fixture
def radio():
    return FakeRadio()


@pytest.fixture(params=["tcp", "serial"])
async def door(request, radio, tmp_path):
    chosen = TcpDoor(radio) if request.param == "tcp" else PtyDoor(radio, tmp_path)
    async with opened(chosen) as door:
        yield door


@pytest.fixture
async def tcp(radio):
    async with opened(TcpDoor(radio)) as door:
        yield door


async def test_handshake_tells_who_the_radio_is(door, radio):
    async with running(door.address) as rig:
        up = await rig.wait_for(LinkUp)
        assert (up.radio.num, up.radio.public_key) == (NUMBER, KEY)
        assert up.radio.firmware == "2.7.26.fake"
        lora = up.radio.lora
        assert lora is not None
        assert (lora.region, lora.preset.name, lora.hop_limit) == ("KR", "MEDIUM_FAST", 3)
        assert [n.long_name for n in rig.of(NodeSeen)] == ["Gerbang", "Bukit"]
        status = rig.link.status()
        assert (status.state, status.connects, status.radio) == (LinkState.UP, 1, up.radio)
        assert status.silent_s is not None
        assert radio.configs[0] not in (CONFIG_ONLY, 69421), "the first one asks for everything"
        assert radio.raw.startswith(WAKE) == (door.address.startswith("serial"))


async def test_a_packet_carries_our_number_and_the_radios_hop_limit(door, radio):
    async with running(door.address) as rig:
        await rig.wait_for(LinkUp)
        await rig.link.write(TEXT)
        await until(lambda: radio.packets)
        packet = radio.packets[0]
        assert getattr(packet, "from") == NUMBER
        assert (packet.id, packet.hop_limit, packet.want_ack) == (4711, 3, True)
        assert (packet.decoded.portnum, packet.decoded.payload) == (1, b"halo")
        assert (await rig.wait_for(QueueStatus)).packet_id == 4711


async def test_what_the_mesh_says_is_heard_in_order(door, radio):
    async with running(door.address) as rig:
        await rig.wait_for(LinkUp)
        for n in range(20):
            radio.text(f"nomor {n}", packet_id=n + 1)
        await rig.wait_for(Heard, 20)
        heard = rig.of(Heard)
        assert [h.payload.decode() for h in heard] == [f"nomor {n}" for n in range(20)]
        assert (heard[0].sender, heard[0].to, heard[0].portnum) == (OTHER, 0xFFFFFFFF, 1)


async def test_unplugged_and_plugged_in_again_it_receives_within_three_seconds(door, radio):
    async with running(door.address) as rig:
        await rig.wait_for(LinkUp)
        await door.close()
        await rig.wait_for(LinkLost)
        assert rig.link.status().state is LinkState.DOWN
        with pytest.raises(LinkDown):
            await rig.link.write(TEXT)
        await until(lambda: rig.link.status().failures >= 4)  # far into the row of retries
        await door.open()
        back_at = rig.clock.monotonic()
        await rig.wait_for(LinkUp, 2)
        took_s = rig.clock.monotonic() - back_at
        radio.text("masih di sini")
        assert (await rig.wait_for(Heard)).payload == b"masih di sini"
        assert took_s <= 3.0
        assert rig.link.status().connects == 2


async def test_a_cut_connection_is_made_anew(door):
    async with running(door.address) as rig:
        for n in range(1, 4):
            await rig.wait_for(LinkUp, n)
            await door.drop()
            await rig.wait_for(LinkLost, n)
        await rig.wait_for(LinkUp, 4)


async def test_the_list_of_nodes_is_asked_for_once_an_hour_at_most(tcp, radio):
    async with running(tcp.address, speed=600) as rig:
        await rig.wait_for(LinkUp)
        await tcp.drop()
        await rig.wait_for(LinkUp, 2)
        assert [nonce == CONFIG_ONLY for nonce in radio.configs[:2]] == [False, True]
        hour = rig.clock.monotonic() + 3600
        await until(lambda: rig.clock.monotonic() > hour)
        asked = len(radio.configs)
        await tcp.drop()
        await rig.wait_for(LinkUp, 3)
        assert CONFIG_ONLY not in radio.configs[asked:]


async def test_a_heartbeat_goes_out_every_minute_and_silence_is_a_wedge(door, radio):
    async with running(door.address, speed=30) as rig:
        await rig.wait_for(LinkUp)
        await until(lambda: radio.heartbeats >= 2)
        radio.mute = True
        muted_at = rig.clock.monotonic()
        lost = await rig.wait_for(LinkLost)
        noticed_s = rig.clock.monotonic() - muted_at
        assert "no byte" in lost.reason
        assert noticed_s <= 90
        assert rig.link.status().state is LinkState.WEDGED
        await until(lambda: rig.link.status().failures >= 2)
        assert rig.link.status().state is LinkState.WEDGED, "it stays wedged until it speaks"
        radio.mute = False
        await rig.wait_for(LinkUp, 2)
        assert rig.link.status().state is LinkState.UP


async def test_any_byte_after_a_heartbeat_is_life(tcp, radio):
    async with running(tcp.address, speed=30) as rig:
        await rig.wait_for(LinkUp)
        radio.queue_status = lambda *_a, **_k: radio.bytes_out(b".")  # no frame, but a byte
        await until(lambda: radio.heartbeats >= 3)
        assert not rig.of(LinkLost)


async def test_the_configuration_is_asked_for_again_every_ten_to_fifteen_minutes(tcp, radio):
    async with running(tcp.address, speed=600) as rig:
        await rig.wait_for(LinkUp)
        start = rig.clock.monotonic()
        await until(lambda: len(radio.configs) >= 4)
        assert radio.configs[1:4] == [CONFIG_ONLY] * 3
        assert 1800 <= rig.clock.monotonic() - start <= 2700 + 300
        assert len(rig.of(LinkUp)) == 1, "nothing changed, nothing is announced"


async def test_a_radio_that_ignores_the_second_question_is_dropped(tcp, radio):
    async with running(tcp.address, speed=300) as rig:
        await rig.wait_for(LinkUp)
        describe, radio.describe = radio.describe, lambda _nonce: radio.queue_status()
        lost = await rig.wait_for(LinkLost)
        assert "configuration" in lost.reason or "did not answer" in lost.reason
        radio.describe = describe
        await rig.wait_for(LinkUp, 2)


async def test_a_rebooted_frame_is_a_new_start_on_the_same_connection(tcp, radio):
    async with running(tcp.address) as rig:
        await rig.wait_for(LinkUp)
        radio.send(rebooted=True)
        assert "restarted" in (await rig.wait_for(LinkLost)).reason
        await rig.wait_for(LinkUp, 2)
        assert radio.connections == 1


async def test_boot_text_makes_the_link_ask_again(tcp, radio):
    async with running(tcp.address, speed=20) as rig:
        await rig.wait_for(LinkUp)
        radio.bytes_out(b"INFO  | ??:??:?? 0 \x1b[32m//\\ E S H T /\\ S T / C\n" * 4)
        await until(lambda: radio.configs[1:] == [CONFIG_ONLY], 3)


async def test_another_reboot_count_or_number_is_a_restart(tcp, radio):
    async with running(tcp.address, speed=600) as rig:
        await rig.wait_for(LinkUp)
        radio.reboot_count += 1
        assert "restarted" in (await rig.wait_for(LinkLost)).reason
        await rig.wait_for(LinkUp, 2)
        radio.number += 5
        up = await rig.wait_for(LinkUp, 3)
        assert up.radio.num == NUMBER + 5
        assert len(rig.of(LinkLost)) == 2


async def test_garbage_between_frames_and_frames_that_are_no_protobuf(door, radio):
    async with running(door.address) as rig:
        await rig.wait_for(LinkUp)
        rng = random.Random(3)
        for n in range(10):
            radio.bytes_out(bytes(b for b in rng.randbytes(40) if b != 0x94))
            radio.bytes_out(b"\x94\xc3\x00\x04\xff\xff\xff\xff")
            radio.bytes_out(b"\x94\xc3\xff\xff\x94")
            radio.text(f"utuh {n}", packet_id=n + 1)
        await rig.wait_for(Heard, 10)
        status = rig.link.status()
        assert status.undecodable == 10
        assert status.noise_bytes > 300
        assert not rig.of(LinkLost)


async def test_a_sealed_packet_is_counted(tcp, radio):
    async with running(tcp.address) as rig:
        await rig.wait_for(LinkUp)
        radio.send(packet=mesh_pb2.MeshPacket(to=NUMBER, id=1, encrypted=b"xyz"))
        await until(lambda: rig.link.status().sealed == 1)


async def test_another_key_than_the_pinned_one_is_refused(door, radio):
    describe = radio.describe

    def lie(nonce: int) -> None:
        radio.text("lebih dulu dari nama")
        describe(nonce)

    radio.key, radio.describe = bytes(32), lie
    async with running(door.address, speed=20, pinned_key=KEY) as rig:
        await until(lambda: rig.link.status().state is LinkState.WRONG_RADIO)
        assert "plug in the right radio" in rig.link.status().reason
        radio.text("bohong")
        with pytest.raises(LinkDown):
            await rig.link.write(TEXT)
        assert not rig.events, "nothing that a wrong radio says is believed"
        assert not radio.packets
        failed_at = rig.clock.monotonic()
        radio.key = KEY
        await rig.wait_for(LinkUp)
        assert rig.clock.monotonic() - failed_at > 10, "a wrong radio is not asked all the time"


async def test_a_radio_without_a_key_is_not_the_pinned_one(tcp, radio):
    radio.key = b""
    async with running(tcp.address, pinned_key=KEY) as rig:
        await until(lambda: rig.link.status().state is LinkState.WRONG_RADIO)
        assert not rig.events


async def test_a_key_that_changes_under_way_is_noticed(tcp, radio):
    async with running(tcp.address, speed=600, pinned_key=KEY) as rig:
        await rig.wait_for(LinkUp)
        radio.key = bytes(32)
        await rig.wait_for(LinkLost)
        assert rig.link.status().state is LinkState.WRONG_RADIO


@pytest.mark.parametrize("time", [None, 1_800_000_000.5])
async def test_the_time_is_given_only_when_it_is_trusted(tcp, radio, time):
    async with running(tcp.address, speed=3600, trusted_time=lambda: time) as rig:
        await rig.wait_for(LinkUp)
        hours = rig.clock.monotonic() + 2.5 * 3600
        await until(lambda: rig.clock.monotonic() > hours)
        given = [
            admin_pb2.AdminMessage.FromString(p.decoded.payload).set_time_only
            for p in radio.packets
            if p.decoded.portnum == 6 and p.to == NUMBER and p.id
        ]
        assert len(given) == len(radio.packets)
        assert given == [] if time is None else given == [1_800_000_000] * 3


async def test_a_slow_consumer_slows_the_radio_down_and_loses_nothing(tcp, radio):
    clock = Clock()
    link = Link(parse_address(tcp.address), clock, rng=random.Random(1))
    count = MAX_EVENTS * 4
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(link.run())
        await until(lambda: link.status().state is LinkState.UP)
        for n in range(count):
            radio.text(f"{n}", packet_id=n + 1)
        await until(link._events.full)
        got = []
        async for event in link.events():
            if isinstance(event, Heard):
                got.append(event.packet_id)
            if len(got) == count:
                break
        assert got == list(range(1, count + 1))
        assert link.status().connects == 1
        job.cancel()


async def test_restart_makes_a_new_connection(tcp, radio):
    async with running(tcp.address) as rig:
        await rig.wait_for(LinkUp)
        rig.link.restart("a packet stayed without an answer")
        assert "without an answer" in (await rig.wait_for(LinkLost)).reason
        await rig.wait_for(LinkUp, 2)
        assert radio.connections == 2


async def test_poll_brings_a_queue_status(tcp, radio):
    async with running(tcp.address) as rig:
        with pytest.raises(LinkDown):
            await rig.link.poll()
        await rig.wait_for(LinkUp)
        await rig.link.poll()
        assert await rig.wait_for(QueueStatus) == QueueStatus(0, 0, 16, 16)


async def test_a_thousand_failed_connects_leave_nothing_behind(tmp_path):
    taken = TcpDoor(FakeRadio())
    async with opened(taken):
        pass  # a port that nobody listens on
    open_before = _descriptors()
    for address in (taken.address, f"serial:{tmp_path}/none"):
        async with running(address, speed=1000) as rig:
            await until(lambda rig=rig: rig.link.status().failures >= 100, 60)
            gc.collect()
            before = (threading.active_count(), len(gc.get_objects()))
            await until(lambda: _descriptors() <= open_before + 1)
            await until(lambda rig=rig: rig.link.status().failures >= 1100, 60)
            gc.collect()
            assert threading.active_count() <= before[0] + 4  # the loop's own pool, bounded
            assert len(gc.get_objects()) - before[1] < 200
            await until(lambda: _descriptors() <= open_before + 1)  # the one just being tried


async def test_a_thousand_broken_handshakes_leave_nothing_behind(door, radio):
    radio.describe = lambda _nonce: radio.send(config_complete_id=_nonce)  # who it is is missing
    async with running(door.address, speed=1000) as rig:
        await until(lambda: rig.link.status().failures >= 50, 60)
        gc.collect()
        before = (_descriptors(), threading.active_count())
        await until(lambda: rig.link.status().failures >= 350, 60)
        gc.collect()
        assert rig.link.status().connects == 0
        await until(lambda: _descriptors() <= before[0])
        assert threading.active_count() <= before[1] + 4  # the loop's own pool, which is bounded


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_frame_that_lost_bytes_costs_only_itself(door, radio):
    async with running(door.address) as rig:
        await rig.wait_for(LinkUp)
        sent: list[bytes] = []
        radio.bytes_out, write = sent.append, radio.bytes_out
        radio.text("rusak", packet_id=1)
        radio.text("utuh", packet_id=2)
        write(sent[0][:-9] + sent[1])
        heard = await rig.wait_for(Heard)
        assert heard.payload == b"utuh"


async def test_a_frame_hidden_in_a_strangers_packet_is_never_read(tcp, radio):
    """A NodeInfo that is no protobuf, with a whole frame behind the fault."""
    hidden = mesh_pb2.FromRadio(my_info=mesh_pb2.MyNodeInfo(my_node_num=6, reboot_count=99))
    payload = b"\xff" + frame(hidden.SerializeToString())
    async with running(tcp.address) as rig:
        await rig.wait_for(LinkUp)
        radio.mesh(mesh_pb2.Data(portnum=4, payload=payload), sender=7, to=0xFFFFFFFF)
        radio.text("sesudahnya")
        await rig.wait_for(Heard)
        assert not rig.of(LinkLost)
        assert rig.link.status().undecodable == 1


async def test_a_key_pinned_while_running_counts_at_the_next_handshake(tcp, radio):
    async with running(tcp.address) as rig:
        await rig.wait_for(LinkUp)
        rig.link.pin(b"\x55" * 32)
        rig.link.restart("test")
        await until(lambda: rig.link.status().state is LinkState.WRONG_RADIO)
