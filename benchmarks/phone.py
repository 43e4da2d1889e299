"""A phone as cheap as it can be: one socket, WebSocket frames cut by hand.

The same for every server that is measured, so that what differs is the server.
"""

import asyncio
import base64
import json
import struct
from collections.abc import Callable

CONNECT_S = 30.0
PER_ADDRESS = 4  # phones that share one loopback address; a node bounds them per address
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
FINAL, MASKED = 0x80, 0x80
NO_MASK = bytes(4)  # masked as the protocol wants, with a key that changes nothing

OnText = Callable[["Phone", bytes], None]


class Phone(asyncio.Protocol):
    """Calls `on_text(self, payload)` for every text frame."""

    def __init__(self, number: int, on_text: OnText) -> None:
        self.number = number
        self.open = asyncio.get_running_loop().create_future()
        self.closed = False
        self._on_text = on_text
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        if not self.open.done():
            self.open.set_exception(ConnectionError("refused before the handshake was over"))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self.open.done():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.open.set_exception(ConnectionError(head.decode()))
                return
            self._buffer = rest
            self.open.set_result(None)
        self._cut()

    def send(self, value: object) -> None:
        """One JSON text."""
        self._frame(TEXT, json.dumps(value).encode())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def request(self, port: int) -> None:
        """Ask for /ws, as the same phone every time this number does."""
        token = base64.urlsafe_b64encode(self.number.to_bytes(16, "big")).decode().rstrip("=")
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Origin: http://127.0.0.1:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Cookie: kim={token}",
        ]
        self._write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())

    def _cut(self) -> None:
        buffer, start = self._buffer, 0
        while len(buffer) >= start + 2:
            size, body = buffer[start + 1], start + 2
            if size == 126:
                if len(buffer) < body + 2:
                    break
                (size,) = struct.unpack_from(">H", buffer, body)
                body += 2
            elif size == 127:
                if len(buffer) < body + 8:
                    break
                (size,) = struct.unpack_from(">Q", buffer, body)
                body += 8
            if len(buffer) < body + size:
                break
            self._take(buffer[start] & 0x0F, buffer[body : body + size])
            start = body + size
        self._buffer = buffer[start:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._on_text(self, payload)
        elif opcode == PING:
            self._frame(PONG, payload)
        elif opcode == CLOSE:
            self.close()

    def _frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes([FINAL | opcode, MASKED | size])
        else:
            head = struct.pack(">BBH", FINAL | opcode, MASKED | 126, size)
        self._write(head + NO_MASK + payload)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


async def connect(port: int, number: int, on_text: OnText) -> Phone:
    """A phone that has said hello. Numbers name phones: the same one again is the same phone."""
    loop = asyncio.get_running_loop()
    # 127.0.0.0/8 is all this machine: phones come from many addresses, as in a village.
    address = f"127.0.{1 + number // PER_ADDRESS // 250}.{1 + number // PER_ADDRESS % 250}"
    async with asyncio.timeout(CONNECT_S):
        _, phone = await loop.create_connection(
            lambda: Phone(number, on_text), "127.0.0.1", port, local_addr=(address, 0)
        )
        phone.request(port)
        await phone.open
    phone.send({"after": 0, "rev": 0, "board": 0})
    return phone
