"""What the node adds: radio -> phone, a phone's own echo, phone -> radio.

The real `kimnode run` between a scripted radio and phones, all on this machine. The radio and the
phones live in this process, so both ends are timed by one clock (CLOCK_MONOTONIC of the system,
which the reference's process shares).
"""

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from meshtastic.protobuf import mesh_pb2

from benchmarks.measure import Plan, Rounds, Row, tell
from benchmarks.phone import Phone, connect
from benchmarks.processes import DISK, Child, child, node, write_config
from tests.radio.fake_radio import FakeRadio

PHONES = 12
FIRST_SENDER = 0x20000000
EVERYBODY = 0xFFFFFFFF
LIMIT_S = 20.0
GAP_S = 0.26  # between texts from the air: the node takes four a second for ever
PACING_S = 3.3  # the node writes 3 s after the radio's last answer
RAW_PACKETS = 1 << 31  # ids that only the reference uses


class Radio(FakeRadio):
    """Takes every packet, says so, and says that a neighbour repeated it; notes when it came."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: asyncio.Queue[tuple[mesh_pb2.MeshPacket, int]] = asyncio.Queue()
        self.on_packet = self.take

    def take(self, packet: mesh_pb2.MeshPacket) -> None:
        self.arrived.put_nowait((packet, time.monotonic_ns()))
        self.accept(packet)
        if packet.decoded.portnum == 1:
            self.routing(packet.id, 0)

    def speak(self, number: int, text: str) -> int:
        """A text of another radio; monotonic ns of the write. Each text has its own sender."""
        data = mesh_pb2.Data(portnum=1, payload=text.encode())
        start_ns = time.monotonic_ns()
        self.mesh(data, sender=FIRST_SENDER + number, to=EVERYBODY, packet_id=number)
        return start_ns


class Port(asyncio.Protocol):
    """A radio's TCP side."""

    def __init__(self, radio: Radio) -> None:
        self._radio = radio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._radio.connected(transport.write)

    def data_received(self, data: bytes) -> None:
        self._radio.feed(data)


@dataclass(slots=True)
class Ear:
    """What one phone heard, and when."""

    items: list[tuple[dict[str, object], int]] = field(default_factory=list)
    grew: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, _phone: Phone, payload: bytes) -> None:
        now_ns = time.monotonic_ns()
        heard = json.loads(payload)
        items = heard if isinstance(heard, list) else [heard]
        if any(item["t"] == "refused" for item in items if "t" in item):
            raise RuntimeError(f"the node refused a post of this benchmark: {heard}")
        self.items += [(item, now_ns) for item in items]
        self.grew.set()

    async def wait(self, wanted: Callable[[dict[str, object]], bool]) -> int:
        """When the first item that is `wanted` came; older ones are forgotten."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for item, at_ns in self.items:
                    if wanted(item):
                        self.items.clear()
                        return at_ns
                self.grew.clear()
                await self.grew.wait()


@dataclass(slots=True)
class Scene:
    """Everything that is up while the benchmark runs."""

    radio: Radio
    phones: list[tuple[Phone, Ear]]
    raw_radio: Radio
    raw_reader: Child
    echo: tuple[Phone, Ear]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    quiet_at: float = 0.0  # when the radio last answered the node


def run(plan: Plan) -> list[Row]:
    return asyncio.run(_run(plan))


async def _run(plan: Plan) -> list[Row]:
    inward, echo, outward = Rounds(), Rounds(), Rounds()
    async with _scene() as scene:
        await _inward(scene, 3)  # warm
        for number in range(1, plan.rounds + 1):
            for rounds, figures in (
                (inward, await _inward(scene, plan.pick(30, 4))),
                (echo, await _echo(scene, plan.pick(PHONES, 3))),
                (outward, await _outward(scene, plan.pick(3, 1))),
            ):
                for variant, values in figures.items():
                    rounds.add(variant, statistics.median(values))
            tell(
                f"  round {number}  radio -> phone {_pair(inward)} ms, "
                f"own echo {_pair(echo)} ms, phone -> radio {_pair(outward)} ms"
            )
    return [
        inward.row(
            "radio -> phone", "ms", "node", "raw", "raw socket that parses the same frame",
            "<= 20 ms more than the reference",
            lambda row: row.value - row.reference_value <= 20,
        ),
        echo.row(
            "a phone's own echo (on disk)", "ms", "node", "raw",
            "bare aiohttp echo, nothing stored", "<= 50 ms", lambda row: row.value <= 50,
        ),
        outward.row(
            "phone -> radio, when pacing allows", "ms", "node", "raw",
            "raw socket that writes the frame",
        ),
    ]  # fmt: skip


def _pair(rounds: Rounds) -> str:
    return f"{rounds.figures['node'][-1]:.2f} (raw {rounds.figures['raw'][-1]:.2f})"


async def _inward(scene: Scene, texts: int) -> dict[str, list[float]]:
    """Text by text: the node's turn, the reference's turn."""
    found: dict[str, list[float]] = {"node": [], "raw": []}
    _, ear = scene.phones[0]
    for _ in range(texts):
        number = next(scene.numbers)
        text = f"kabar nomor {number} dari bukit, jalan sudah bisa dilewati"
        start_ns = scene.radio.speak(number, text)
        at_ns = await ear.wait(partial(_says, text=text))
        found["node"].append((at_ns - start_ns) / 1e6)

        start_ns = scene.raw_radio.speak(number, text)
        _, at_ns = await asyncio.to_thread(scene.raw_reader.answer)
        found["raw"].append((at_ns - start_ns) / 1e6)
        await asyncio.sleep(GAP_S)
    return found


async def _echo(scene: Scene, posts: int) -> dict[str, list[float]]:
    """From the phone's send until it is told that its text is kept."""
    found: dict[str, list[float]] = {"node": [], "raw": []}
    for phone, ear in scene.phones[:posts]:
        for variant, (speaker, listener) in (("node", (phone, ear)), ("raw", scene.echo)):
            start_ns, cid = _post(scene, speaker, "warung")
            at_ns = await listener.wait(partial(_answers, cid=cid))
            found[variant].append((at_ns - start_ns) / 1e6)
            await asyncio.sleep(0.02)
    return found


def _says(item: dict[str, object], text: str) -> bool:
    return item.get("text") == text


def _answers(item: dict[str, object], cid: str) -> bool:
    """ "ok" from the node, the post itself from the bare echo; not the news that everybody gets."""
    return item.get("cid") == cid and item.get("t") != "message"


async def _outward(scene: Scene, posts: int) -> dict[str, list[float]]:
    """From the phone's send until the frame is at the radio, which has been quiet long enough."""
    found: dict[str, list[float]] = {"node": [], "raw": []}
    for turn in range(posts):
        phone, _ = scene.phones[-1 - turn]
        await asyncio.sleep(scene.quiet_at + PACING_S - time.monotonic())
        _drain(scene.radio)
        start_ns, _ = _post(scene, phone, "umum")
        at_ns = await _arrival(scene.radio)
        scene.quiet_at = time.monotonic()
        found["node"].append((at_ns - start_ns) / 1e6)

        scene.raw_reader.send("say", RAW_PACKETS + next(scene.numbers))
        at_ns = await _arrival(scene.raw_radio)
        _, start_ns = await asyncio.to_thread(scene.raw_reader.answer)
        found["raw"].append((at_ns - start_ns) / 1e6)
    return found


def _post(scene: Scene, phone: Phone, room: str) -> tuple[int, str]:
    number = next(scene.numbers)
    cid = number.to_bytes(16, "big").hex()
    text = f"pesan warga nomor {number} untuk semua"
    start_ns = time.monotonic_ns()
    phone.send({"t": "post", "cid": cid, "room": room, "text": text, "nick": "Ani"})
    return start_ns, cid


async def _arrival(radio: Radio) -> int:
    """When the next text packet came."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            packet, at_ns = await radio.arrived.get()
            if packet.decoded.portnum == 1:
                return at_ns


def _drain(radio: Radio) -> None:
    while not radio.arrived.empty():
        radio.arrived.get_nowait()


T = TypeVar("T")


async def _enter(
    stack: contextlib.AsyncExitStack, process: contextlib.AbstractContextManager[T]
) -> T:
    """Start and stop a process in a thread, so that its phones here still answer meanwhile."""
    entered = await asyncio.to_thread(process.__enter__)
    stack.push_async_callback(asyncio.to_thread, process.__exit__, None, None, None)
    return entered


@contextlib.asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK))
        )
        radios = Radio(), Radio()
        loop, ports = asyncio.get_running_loop(), []
        for radio in radios:
            server = await loop.create_server(partial(Port, radio), "127.0.0.1", 0)
            stack.callback(server.close)
            ports.append(server.sockets[0].getsockname()[1])
        config, port = write_config(
            folder, radio=f"tcp:127.0.0.1:{ports[0]}", airtime_percent=100.0
        )
        await _enter(stack, node(config))
        reader = await _enter(stack, child("radio_reader", ports[1]))
        echo = await _enter(stack, child("echo_server"))
        phones = [await _join(port, number) for number in range(PHONES)]
        await phones[0][1].wait(_radio_is_up)
        yield Scene(radios[0], phones, radios[1], reader, await _join(echo.ready, 0))


async def _join(port: int, number: int) -> tuple[Phone, Ear]:
    """A phone, as soon as the server is there."""
    ear = Ear()
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            return await connect(port, number, ear.take), ear
        except ConnectionError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


def _radio_is_up(item: dict[str, object]) -> bool:
    radio = item.get("radio")
    return isinstance(radio, dict) and radio.get("code") == "up"
