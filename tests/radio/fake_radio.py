"""A scripted radio for link tests: it answers as told, misbehaves as told, and notes everything.

It is deliberately dumb. Whether it answers like real firmware is not its business: the simulated
radios and the recordings are for that.
"""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from meshtastic.protobuf import config_pb2, mesh_pb2

from kimnode.wire.stream import Deframer, frame

NUMBER = 0x1000001F
KEY = bytes(range(32))
OTHER = 0x10000020


class FakeRadio:
    """What it hears is in `packets`, `configs` (nonces) and `heartbeats`; `send` says something."""

    def __init__(self) -> None:
        self.number = NUMBER
        self.key = KEY
        self.reboot_count = 0
        self.mute = False  # hears, and says nothing
        self.free, self.maxlen = 16, 16
        self.answers_packets = True
        self.packets: list[mesh_pb2.MeshPacket] = []
        self.configs: list[int] = []
        self.heartbeats = 0
        self.connections = 0
        self.raw = bytearray()
        self.on_packet: Callable[[mesh_pb2.MeshPacket], None] = self.accept
        self._deframer = Deframer()
        self._out: Callable[[bytes], object] | None = None

    def connected(self, out: Callable[[bytes], object]) -> None:
        self._out = out
        self._deframer = Deframer()
        self.connections += 1

    def feed(self, data: bytes) -> None:
        self.raw += data
        for payload in self._deframer.feed(data):
            self._take(mesh_pb2.ToRadio.FromString(payload))

    def bytes_out(self, data: bytes) -> None:
        if self._out is not None and not self.mute:
            self._out(data)

    def send(self, **fields: object) -> None:
        """One FromRadio with these fields."""
        self.bytes_out(frame(mesh_pb2.FromRadio(**fields).SerializeToString()))

    def queue_status(self, packet_id: int = 0, res: int = 0, free: int | None = None) -> None:
        free = self.free if free is None else free
        status = mesh_pb2.QueueStatus(
            res=res, free=free, maxlen=self.maxlen, mesh_packet_id=packet_id
        )
        self.send(queueStatus=status)

    def routing(self, request_id: int, error: int, sender: int | None = None) -> None:
        payload = mesh_pb2.Routing(error_reason=error).SerializeToString()
        data = mesh_pb2.Data(portnum=5, payload=payload, request_id=request_id)
        self.mesh(data, sender=sender or self.number, to=self.number)

    def text(self, text: str, packet_id: int = 77, to: int = 0xFFFFFFFF) -> None:
        data = mesh_pb2.Data(portnum=1, payload=text.encode())
        self.mesh(data, sender=OTHER, to=to, packet_id=packet_id)

    def mesh(self, data: mesh_pb2.Data, sender: int, to: int, packet_id: int = 99) -> None:
        packet = mesh_pb2.MeshPacket(to=to, id=packet_id, decoded=data, hop_start=3, hop_limit=2)
        setattr(packet, "from", sender)
        self.send(packet=packet)

    def accept(self, packet: mesh_pb2.MeshPacket) -> None:
        """Take a packet and say so, as a radio with a free queue."""
        self.queue_status(packet.id, free=15 if packet.decoded.portnum == 1 else 16)

    def _take(self, message: mesh_pb2.ToRadio) -> None:
        match message.WhichOneof("payload_variant"):
            case "want_config_id":
                self.configs.append(message.want_config_id)
                self.describe(message.want_config_id)
            case "heartbeat":
                self.heartbeats += 1
                self.queue_status()
            case "packet":
                self.packets.append(message.packet)
                self.on_packet(message.packet)

    def describe(self, nonce: int) -> None:
        """The configuration stream, in the order of real firmware, shortened."""
        info = mesh_pb2.MyNodeInfo(my_node_num=self.number, reboot_count=self.reboot_count)
        self.send(my_info=info)
        user = mesh_pb2.User(long_name="Gerbang", short_name="GRBG", public_key=self.key)
        self.send(node_info=mesh_pb2.NodeInfo(num=self.number, user=user))
        self.send(metadata=mesh_pb2.DeviceMetadata(firmware_version="2.7.26.fake"))
        lora = config_pb2.Config.LoRaConfig(
            use_preset=True, modem_preset=4, region=config_pb2.Config.LoRaConfig.KR, hop_limit=3,
            tx_enabled=True,
        )  # fmt: skip
        self.send(config=config_pb2.Config(lora=lora))
        other = mesh_pb2.User(long_name="Bukit", short_name="BKIT")
        self.send(node_info=mesh_pb2.NodeInfo(num=OTHER, user=other))
        self.send(config_complete_id=nonce)


class TcpDoor:
    """The fake on a TCP port. `close()` and `open()` again keep the port number."""

    def __init__(self, radio: FakeRadio) -> None:
        self.radio = radio
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def address(self) -> str:
        return f"tcp:127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def drop(self) -> None:
        """Cut the client; new ones are welcome."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def close(self) -> None:
        """Cut the client and listen no more."""
        if self._server is not None:
            self._server.close()
        await self.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.drop()
        self._writers.append(writer)
        self.radio.connected(writer.write)
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                self.radio.feed(data)


class PtyDoor:
    """The fake on a pseudo terminal behind a by-id link. Unplugging makes both vanish."""

    def __init__(self, radio: FakeRadio, directory: Path) -> None:
        self.radio = radio
        self.path = directory / "usb-fake-radio"
        self._fds: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        return f"serial:{self.path}"

    async def open(self) -> None:
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.path.symlink_to(os.ttyname(slave))
        self._fds = (master, slave)
        self.radio.connected(lambda data: os.write(master, data))
        asyncio.get_running_loop().add_reader(master, self._read, master)

    async def drop(self) -> None:
        """Out and in again, under another device name."""
        await self.close()
        await self.open()

    async def close(self) -> None:
        if self._fds is None:
            return
        master, slave = self._fds
        self._fds = None
        asyncio.get_running_loop().remove_reader(master)
        self.path.unlink()
        os.close(master)
        os.close(slave)

    def _read(self, master: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self.radio.feed(os.read(master, 4096))


Door = TcpDoor | PtyDoor


@contextlib.asynccontextmanager
async def opened(door: Door) -> AsyncIterator[Door]:
    await door.open()
    try:
        yield door
    finally:
        await door.close()
        await asyncio.sleep(0)  # lets cut connections tell their tasks
