"""The village with real clients: TCP, serial, faults. Times that matter are virtual."""

import asyncio
import contextlib
import os
import random
import tty
from collections.abc import AsyncIterator

import pytest
from meshtastic.protobuf import mesh_pb2

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from kimnode.wire.stream import Deframer, frame
from tests.waiting import until

SPEED = 20.0


class TcpClient:
    """A bare client: writes frames, collects what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got: list[mesh_pb2.FromRadio] = []
        self.ended = False
        self.deframer = Deframer()
        self._reader = reader
        self.writer = writer

    async def collect(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(4096):
                for payload in self.deframer.feed(data):
                    self.got.append(mesh_pb2.FromRadio.FromString(payload))
        self.ended = True

    def send(self, **fields) -> None:
        self.writer.write(frame(mesh_pb2.ToRadio(**fields).SerializeToString()))

    def text(self, text: str, packet_id: int) -> None:
        packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=packet_id, hop_limit=3)
        packet.decoded.portnum = 1
        packet.decoded.payload = text.encode()
        self.send(packet=packet)

    def of(self, kind: str) -> list:
        return [getattr(m, kind) for m in self.got if m.HasField(kind)]

    async def configured(self) -> None:
        self.send(want_config_id=69420)
        await until(lambda: 69420 in [m.config_complete_id for m in self.got])


@contextlib.asynccontextmanager
async def client_of(village: SimVillage, name: str) -> AsyncIterator[TcpClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", village.port(name))
    client = TcpClient(reader, writer)
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(client.collect())
        try:
            yield client
        finally:
            job.cancel()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def village() -> AsyncIterator[SimVillage]:
    async with SimVillage(["gerbang", "bukit"], seed=3, clock=Clock(SPEED)) as made:
        yield made


async def test_a_text_goes_from_a_client_to_a_screen_and_back(village):
    async with client_of(village, "gerbang") as client:
        await client.configured()
        client.text("halo bukit", 77)
        bukit = village.device("bukit")
        await until(lambda: [s.text for s in bukit.shown] == ["halo bukit"])
        assert bukit.shown[0].packet_id == 77
        bukit.say("halo gerbang")
        texts = lambda: [p.decoded.payload for p in client.of("packet") if p.decoded.portnum == 1]  # noqa: E731
        await until(lambda: texts() == [b"halo gerbang"])
        assert [s.mesh_packet_id for s in client.of("queueStatus")] == [77]


async def test_a_second_client_throws_out_the_first(village):
    async with client_of(village, "gerbang") as first:
        await first.configured()
        async with client_of(village, "gerbang") as second:
            await until(lambda: first.ended)
            await second.configured()
            assert not second.ended


async def test_what_arrives_without_a_client_is_kept_once(village):
    village.device("bukit").say("tadi pagi")
    await until(lambda: village.device("gerbang").shown)
    for expected in (1, 0):
        async with client_of(village, "gerbang") as client:
            await client.configured()
            client.send(heartbeat=mesh_pb2.Heartbeat())
            await until(lambda: client.of("queueStatus"))
            texts = [p for p in client.of("packet") if p.decoded.portnum == 1]
            assert len(texts) == expected


async def test_a_reboot_ends_the_connection_and_the_port_comes_back(village):
    async with client_of(village, "gerbang") as client:
        await client.configured()
        village.device("gerbang").reboot(down_s=30)
        await until(lambda: client.ended)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", village.port("gerbang"))
    await until(lambda: village.servers["gerbang"]._server is not None)
    async with client_of(village, "gerbang") as client:
        await client.configured()
        assert client.of("node_info")[0].last_heard == 0  # the clock is unknown after a reboot


async def test_refused_for_a_while(village):
    village.refuse("gerbang", 20)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", village.port("gerbang"))
    await until(lambda: village.servers["gerbang"]._server is not None)
    async with client_of(village, "gerbang") as client:
        await client.configured()


async def test_a_wedge_reads_and_writes_nothing_and_then_goes_on(village):
    gerbang, bukit = village.device("gerbang"), village.device("bukit")
    async with client_of(village, "gerbang") as client:
        await client.configured()
        before = len(client.got)
        gerbang.wedge(40)
        start = village.timeline.now
        client.text("macet", 5)
        bukit.say("kamu dengar?")
        await until(lambda: gerbang.shown)  # the radio itself lives
        await until(lambda: village.timeline.now > start + 20)
        assert len(client.got) == before
        assert not client.ended
        assert not bukit.shown
        await until(lambda: bukit.shown)
        assert bukit.shown[0].t - start >= 40
        await until(lambda: 5 in [s.mesh_packet_id for s in client.of("queueStatus")])
        assert [p.decoded.payload for p in client.of("packet") if p.decoded.portnum == 1]


async def test_what_a_client_writes_to_a_wedged_radio_piles_up_at_the_client(village):
    async with client_of(village, "gerbang") as client:
        await client.configured()
        village.device("gerbang").wedge(60)
        client.writer.write(b"\xc3" * 16_000_000)
        start = village.timeline.now
        await until(lambda: village.timeline.now > start + 20)
        assert client.writer.transport.get_write_buffer_size() > 1_000_000
        await until(lambda: client.writer.transport.get_write_buffer_size() == 0)


async def test_garbage_shows_outside_frames_and_the_stream_goes_on(village):
    async with client_of(village, "gerbang") as client:
        await client.configured()
        village.device("gerbang").garbage(b"Guru Meditation Error")
        client.send(heartbeat=mesh_pb2.Heartbeat())
        await until(lambda: client.of("queueStatus"))
        assert client.deframer.noise_bytes == 21


async def test_a_full_queue_for_ever_and_lost_queue_states(village):
    faults = village.device("gerbang").faults
    async with client_of(village, "gerbang") as client:
        await client.configured()
        faults.no_space = True
        client.text("penuh", 1)
        await until(lambda: client.of("queueStatus"))
        assert client.of("queueStatus")[0].free == 0
        faults.no_space, faults.lose_statuses = False, True
        await until(lambda: village.timeline.now > 5)
        client.text("hilang", 2)
        await until(lambda: len(village.device("bukit").shown) == 2)
        assert 2 not in [s.mesh_packet_id for s in client.of("queueStatus")]


async def test_a_client_that_does_not_read_does_not_grow_the_radio(village):
    """The radio holds back; what it keeps is bounded by its queue of 100."""
    async with client_of(village, "gerbang") as client:
        await client.configured()
        client.writer.transport.pause_reading()
        gerbang = village.device("gerbang")
        sender = random.Random(1)
        for n in range(3000):
            packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=n + 1)
            packet.decoded.portnum = 1
            packet.decoded.payload = sender.randbytes(200)
            gerbang.firmware.service.show(packet)
            if n % 100 == 0:
                await asyncio.sleep(0.02)
        assert len(gerbang.firmware.service.to_phone) <= 100


async def test_the_clock_of_the_node_sets_the_pace():
    clock = Clock(200.0)
    async with SimVillage(2, clock=clock) as village:
        await until(lambda: village.timeline.now > 100, 10)
        assert abs(village.timeline.now - clock.monotonic()) < 60


async def test_what_is_typed_after_a_quiet_time_happens_now_and_not_in_the_past(village):
    quiet_until = village.clock.monotonic() + 6
    await until(lambda: village.clock.monotonic() > quiet_until)
    assert village.timeline.now < 6  # nothing was due, virtual time stood still
    village.device("bukit").say("baru saja")
    shown = await until(lambda: village.device("gerbang").shown)
    assert shown[0].t >= 6


async def test_serial_cable_pulled_and_plugged_in_again(village):
    port = village.serial_port("gerbang")
    for word in (b"satu", b"dua"):
        end = os.open(port.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(end)
        os.write(end, frame(mesh_pb2.ToRadio(want_config_id=69421).SerializeToString()))
        deframer, got = Deframer(), []

        def complete(end=end, deframer=deframer, got=got) -> bool:
            with contextlib.suppress(BlockingIOError):
                got.extend(deframer.feed(os.read(end, 4096)))
            return any(mesh_pb2.FromRadio.FromString(f).config_complete_id for f in got)

        await until(complete)
        assert len(got) == 3, word
        port.unplug()
        assert not port.path.exists()
        assert read_fails(end)
        os.close(end)
        port.plug()


def read_fails(end: int) -> bool:
    try:
        return os.read(end, 1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def test_a_board_on_usb_vanishes_while_it_reboots(village):
    port = village.serial_port("gerbang")
    village.device("gerbang").reboot(down_s=10)
    assert not port.path.exists()
    await until(port.path.exists)


async def test_an_idle_village_sleeps():
    """No event, no work: the driver waits for the next one instead of polling."""
    async with SimVillage(3, clock=Clock(1.0)) as village:
        calls = 0
        live = village.driver._live

        def counted() -> bool:
            nonlocal calls
            calls += 1
            return live()

        village.driver._live = counted
        await asyncio.sleep(0.5)
        assert calls <= 2
