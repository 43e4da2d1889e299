"""One suite for every road to a radio: the scripted fake and the simulated radio, TCP and serial.

What holds here holds for the real thing as far as the recordings show it (tests/radio).
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import pytest

from kimnode.clock import Clock
from kimnode.errors import LinkDown
from kimnode.radio.messages import (
    Heard,
    LinkLost,
    LinkState,
    LinkUp,
    NodeSeen,
    Outgoing,
    QueueStatus,
)
from kimnode.radio.sim.village import SimVillage
from tests.radio.fake_radio import KEY, FakeRadio, PtyDoor, TcpDoor, opened
from tests.radio.rig import Rig, running
from tests.waiting import until

TEXT = Outgoing(packet_id=4711, to=0xFFFFFFFF, channel=0, payload=b"halo", want_ack=True)
SPEED = 10


class Place(Protocol):
    """A radio somewhere, as the suite handles it."""

    address: str
    key: bytes

    async def vanish(self) -> None: ...
    async def return_(self) -> None: ...
    async def mute(self, *, on: bool) -> None: ...
    def mesh_says(self, text: str) -> None: ...
    def on_air(self) -> list[str]: ...
    def babble(self) -> None: ...


class FakePlace:
    def __init__(self, door: TcpDoor | PtyDoor) -> None:
        self.door = door
        self.radio = door.radio
        self.address = door.address
        self.key = KEY

    async def vanish(self) -> None:
        await self.door.close()

    async def return_(self) -> None:
        await self.door.open()

    async def mute(self, *, on: bool) -> None:
        self.radio.mute = on

    def mesh_says(self, text: str) -> None:
        self.radio.text(text)

    def on_air(self) -> list[str]:
        return [p.decoded.payload.decode() for p in self.radio.packets if p.decoded.portnum == 1]

    def babble(self) -> None:
        self.radio.bytes_out(b"\x00\xff\x94\xc3\x00\x03\xff\xff\xffINFO | noise\r\n")


class SimPlace:
    """Gerbang is the radio of the link, bukit speaks and listens on the mesh."""

    def __init__(self, village: SimVillage, *, serial: bool) -> None:
        self.village = village
        self.gate = village.device("gerbang")
        self.key = self.gate.board.state.owner.public_key
        self.serial = village.serial_port("gerbang") if serial else None
        path = self.serial.path if self.serial else None
        self.address = f"serial:{path}" if path else f"tcp:127.0.0.1:{village.port('gerbang')}"

    async def vanish(self) -> None:
        if self.serial:
            self.serial.unplug()
        else:
            self.gate.power_off()

    async def return_(self) -> None:
        if self.serial:
            self.serial.plug()
        else:
            self.gate.power_on()

    async def mute(self, *, on: bool) -> None:
        self.gate.wedge(1e6 if on else 0.0)

    def mesh_says(self, text: str) -> None:
        self.village.device("bukit").say(text)

    def on_air(self) -> list[str]:
        return [shown.text for shown in self.village.device("bukit").shown]

    def babble(self) -> None:
        self.gate.garbage(b"\x00\xff\x94\xc3\x00\x03\xff\xff\xffINFO | noise\r\n")


@pytest.fixture(params=["fake-tcp", "fake-serial", "sim-tcp", "sim-serial"])
async def place(request, tmp_path) -> AsyncIterator[Place]:
    kind, road = request.param.split("-")
    async with AsyncExitStack() as stack:
        if kind == "fake":
            radio = FakeRadio()
            door = TcpDoor(radio) if road == "tcp" else PtyDoor(radio, tmp_path)
            yield FakePlace(await stack.enter_async_context(opened(door)))
        else:
            village = SimVillage(["gerbang", "bukit"], seed=7, clock=Clock(SPEED))
            await stack.enter_async_context(village)
            yield SimPlace(village, serial=road == "serial")


@pytest.fixture
async def rig(place) -> AsyncIterator[Rig]:
    async with running(place.address, SPEED) as rig:
        await rig.wait_for(LinkUp)
        yield rig


async def test_it_tells_who_it_is(place, rig):
    radio = rig.of(LinkUp)[0].radio
    assert radio.public_key == place.key
    assert radio.firmware.startswith("2.7.26")
    assert radio.lora is not None
    assert (radio.lora.region, radio.lora.preset.name, radio.lora.hop_limit) == (
        "KR", "MEDIUM_FAST", 3,
    )  # fmt: skip
    assert radio.num in {node.num for node in rig.of(NodeSeen)}
    assert len(rig.of(NodeSeen)) == 2
    assert rig.link.status().state is LinkState.UP


async def test_a_text_goes_out_and_is_answered_by_name(place, rig):
    await rig.link.write(TEXT)
    await until(lambda: 4711 in {status.packet_id for status in rig.of(QueueStatus)})
    await until(lambda: place.on_air() == ["halo"])


async def test_the_mesh_is_heard(place, rig):
    place.mesh_says("dari bukit")
    heard = await rig.wait_for(Heard)
    assert (heard.payload, heard.portnum, heard.to) == (b"dari bukit", 1, 0xFFFFFFFF)
    assert heard.hop_start == 3
    assert not heard.via_mqtt


async def test_it_vanishes_and_returns(place, rig):
    await place.vanish()
    await rig.wait_for(LinkLost)
    with pytest.raises(LinkDown):
        await rig.link.write(TEXT)
    await place.return_()
    back_at = rig.clock.monotonic()
    await rig.wait_for(LinkUp, 2)
    assert rig.clock.monotonic() - back_at <= 3.0
    place.mesh_says("lagi")
    assert (await rig.wait_for(Heard)).payload == b"lagi"


async def test_a_mute_radio_is_seen_within_ninety_seconds_and_found_again(place, rig):
    await place.mute(on=True)
    muted_at = rig.clock.monotonic()
    lost = await rig.wait_for(LinkLost, timeout_s=20)
    assert rig.clock.monotonic() - muted_at <= 90
    assert "no byte within" in lost.reason  # the state may be "connecting" again by now
    await place.mute(on=False)
    await rig.wait_for(LinkUp, 2)


async def test_noise_is_survived(place, rig):
    place.babble()
    place.mesh_says("setelah derau")
    assert (await rig.wait_for(Heard)).payload == b"setelah derau"
    assert rig.link.status().noise_bytes > 0
    assert not rig.of(LinkLost)


async def test_poll_and_restart(rig):
    before = len(rig.of(QueueStatus))
    await rig.link.poll()
    status = await rig.wait_for(QueueStatus, before + 1)
    assert (status.res, status.free, status.maxlen) == (0, 16, 16)
    rig.link.restart("a test wants it")
    await rig.wait_for(LinkUp, 2)
    assert rig.link.status().connects == 2


async def test_the_pinned_key_opens_and_another_does_not(place):
    async with running(place.address, SPEED, pinned_key=place.key) as rig:
        await rig.wait_for(LinkUp)
    async with running(place.address, SPEED, pinned_key=bytes(32)) as rig:
        await until(lambda: rig.link.status().state is LinkState.WRONG_RADIO)
        assert not rig.events
