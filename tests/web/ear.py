"""A phone's socket as tests listen to it."""

import asyncio
import json

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

WAIT_S = 10.0


class Ear:
    """A phone's socket and what came by it."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.items: list[dict] = []

    async def until(self, wanted) -> dict:
        """The first item, old or new, for which `wanted` holds."""
        heard = 0
        async with asyncio.timeout(WAIT_S):
            while True:
                for item in self.items[heard:]:
                    if wanted(item):
                        return item
                heard = len(self.items)
                message = await self.ws.receive()
                assert message.type is WSMsgType.TEXT, message
                self.items += json.loads(message.data)

    async def message(self, seq: int) -> dict:
        return await self.until(lambda i: i["t"] == "message" and i["seq"] == seq)

    def seqs(self) -> list[int]:
        return [i["seq"] for i in self.items if i["t"] == "message"]


async def listen(phone: TestClient, **hello: int) -> Ear:
    ws = await phone.ws_connect("/ws")
    await ws.send_json(hello)
    return Ear(ws)
