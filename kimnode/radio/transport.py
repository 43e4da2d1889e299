"""The bytes between the node and its radio: serial port or TCP, the same four verbs for both.

Every way in which they fail becomes LinkDown with a plain reason, never another exception.
A serial path is looked up again at each opening: by-id links move when the cable is replugged.
"""

import asyncio
import contextlib
import errno
import socket
import termios
from dataclasses import dataclass

import serial
import serial_asyncio_fast

from kimnode.clock import Clock
from kimnode.errors import ConfigError, LinkDown

OPEN_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
BAUD = 115200
READ_BYTES = 4096
MAX_UNREAD_BYTES = 65536  # per connection; beyond that the radio or the kernel has to keep it

_ALLOWED = '"serial:/dev/serial/by-id/..." or "tcp:host:port"'
_HINTS = {
    errno.ENOENT: "it is not plugged in",
    errno.EACCES: "permission denied: add this user to the group dialout",
    errno.EAGAIN: "another program uses it",
    errno.ECONNREFUSED: "nobody listens there",
    errno.EHOSTUNREACH: "the host is not reachable",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the radio is: a serial device path, or a host with its TCP port."""

    text: str
    device: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_serial(self) -> bool:
        return bool(self.device)


def parse_address(text: str) -> Address:
    """The address in a configuration file. ConfigError says what is allowed."""
    kind, _, rest = text.partition(":")
    if kind == "serial" and rest.startswith("/"):
        return Address(text, device=rest)
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and host and port.isdecimal() and 0 < int(port) < 65536:
        return Address(text, host=host.strip("[]"), port=int(port))
    raise ConfigError(f'radio = "{text}" is no address; allowed are {_ALLOWED}')


class Port:
    """An open connection to a radio. Not shared: one reader, and writers that take turns."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def read(self, timeout_s: float) -> bytes:
        """What arrived, b"" when nothing did within `timeout_s`. LinkDown at the end of it."""
        try:
            async with self._clock.timeout(timeout_s):
                data = await self._reader.read(READ_BYTES)
        except TimeoutError:
            return b""
        except OSError as error:
            raise LinkDown(f"reading failed: {_words(error)}") from error
        if not data:
            raise LinkDown("the radio closed the connection")
        return data

    async def write(self, data: bytes) -> None:
        """Hand `data` to the system. LinkDown when it does not take it in time."""
        try:
            self._writer.write(data)
            async with self._clock.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
        except TimeoutError as error:
            raise LinkDown("the radio takes no bytes") from error
        except OSError as error:
            raise LinkDown(f"writing failed: {_words(error)}") from error

    def abort(self) -> None:
        """Drop the connection and what was not written; a waiting `read` ends with LinkDown."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """As `abort`, and wait until the system has let go. Never raises."""
        self.abort()
        with contextlib.suppress(OSError):
            async with self._clock.timeout(CLOSE_TIMEOUT_S):
                await self._writer.wait_closed()


async def open_port(address: Address, clock: Clock) -> Port:
    """A connection to `address`. LinkDown with the reason when there is none in time."""
    try:
        async with clock.timeout(OPEN_TIMEOUT_S):
            if address.is_serial:
                return await _open_serial(address.device, clock)
            reader, writer = await asyncio.open_connection(
                address.host, address.port, limit=MAX_UNREAD_BYTES
            )
    except TimeoutError as error:
        raise LinkDown(f"{address.text}: no connection within {OPEN_TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise LinkDown(f"{address.text}: {_words(error)}") from error
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Port(reader, writer, clock)


async def _open_serial(device: str, clock: Clock) -> Port:
    reader, writer = await serial_asyncio_fast.open_serial_connection(
        limit=MAX_UNREAD_BYTES, url=device, baudrate=BAUD, exclusive=True
    )
    # Without this the lines drop when we close, and that resets most boards (ESP32 auto-reset).
    descriptor = writer.get_extra_info("serial").fileno()
    port = Port(reader, writer, clock)
    try:
        attributes = termios.tcgetattr(descriptor)
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    except termios.error as error:
        await port.close()
        raise LinkDown(f"{device}: it is no serial port ({error})") from error
    return port


def _words(error: OSError) -> str:
    if isinstance(error, serial.SerialException) and error.errno is None:
        return "it was unplugged" if "readiness" in str(error) else str(error)
    return _HINTS.get(error.errno or 0, error.strerror or str(error))
