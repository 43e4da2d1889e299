"""The TCP door of a virtual radio: one client at a time, a new one throws out the old.

While the radio is off or told to refuse, nobody listens on the port, so a client gets
"connection refused" as from a real one.
"""

import asyncio
import logging

from kimnode.radio.sim.device import Device
from kimnode.radio.sim.phone_api import PhoneApi

HOST = "127.0.0.1"
CONGESTED_BYTES = 64 * 1024  # unread output at which the radio holds back

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One TCP client. It is the API's Sink."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._api: PhoneApi | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP gives nothing else
        self._transport = transport
        self._api = self._device.connect(self)

    def data_received(self, data: bytes) -> None:
        if self._api:
            self._device.board.timeline.catch_up()
            self._api.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        log.debug("client of %s is gone: %s", self._device.name, exc)
        if self._api:
            self._device.board.timeline.catch_up()
            self._api.hang_up()

    @property
    def congested(self) -> bool:
        return self._transport is None or (
            self._transport.get_write_buffer_size() > CONGESTED_BYTES
        )

    def write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def pause(self, paused: bool) -> None:
        """A wedged radio does not read; the client's writes pile up in the kernel."""
        if self._transport is None or self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


class RadioServer:
    """Listens for one device while it is powered. `port` 0 = any free one, kept for its life."""

    def __init__(self, device: Device, port: int = 0) -> None:
        self.device = device
        self.port = port
        self._server: asyncio.Server | None = None
        self._refused_until = 0.0
        self._changed = asyncio.Event()
        device.on_power.append(lambda _: self._changed.set())

    async def start(self) -> None:
        """Open the port; afterwards `port` is the real number."""
        await self._open()

    async def run(self) -> None:
        """Follow the device's power and refusals until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            should = self.device.powered and self.device.board.timeline.now >= self._refused_until
            if should and self._server is None:
                await self._open()
            elif not should and self._server is not None:
                self._shut()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so long (virtual time) and cut the present one."""
        self.device.board.timeline.catch_up()
        self._refused_until = self.device.board.timeline.now + seconds
        self._shut()
        self.device.drop_client()
        self.device.board.timeline.after(seconds, self._changed.set)

    def stop(self) -> None:
        self._shut()
        self.device.drop_client()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.device), HOST, self.port, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _shut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
