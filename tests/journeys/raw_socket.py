"""A web socket by hand: single frames and fragments, as wrong as a test needs them."""

import asyncio
import base64
import json
import secrets
import struct
from typing import Any
from urllib.parse import urlsplit

TEXT, BINARY, CONTINUATION, CLOSE = 1, 2, 0, 8
LIMIT_S = 20.0
Item = dict[str, Any]


class RawSocket:
    """`async with RawSocket(url, cookie) as socket`; nothing is said before `send`."""

    def __init__(self, url: str, cookie: str) -> None:
        self._where = urlsplit(url)
        self._cookie = cookie

    async def __aenter__(self) -> "RawSocket":
        host, port = self._where.hostname, self._where.port
        self._reader, self._writer = await asyncio.open_connection(host, port)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: kim={self._cookie}\r\n\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def hello(self) -> None:
        """What every phone says first."""
        await self.send(b'{"after":0,"rev":0,"board":0}')

    async def send(self, payload: bytes, opcode: int = TEXT, *, last: bool = True) -> None:
        """One frame, masked with zeros."""
        size = len(payload)
        head = bytes([(0x80 if last else 0) | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        else:
            head += b"\xfe" + struct.pack(">H", size) if size < 65536 else _long(size)
        self._writer.write(head + bytes(4) + payload)
        await self._writer.drain()

    async def refusal(self) -> Item:
        """The next item that says no."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                opcode, payload = await self._frame()
                assert opcode == TEXT, (opcode, payload)
                for item in json.loads(payload):
                    if item["t"] == "refused":
                        return item

    async def closed(self) -> int:
        """The code with which the node closes; 0 when it only cuts the line."""
        async with asyncio.timeout(LIMIT_S):
            try:
                while True:
                    opcode, payload = await self._frame()
                    if opcode == CLOSE:
                        return int.from_bytes(payload[:2], "big")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0

    async def _frame(self) -> tuple[int, bytes]:
        first, size = await self._reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(size)


def _long(size: int) -> bytes:
    return b"\xff" + struct.pack(">Q", size)
