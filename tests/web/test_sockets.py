"""Sockets: rubbish, broken frames, too many of them, and the protocol's own frames."""

import asyncio
import json

import pytest
from aiohttp import DummyCookieJar, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from kimnode.web import sockets as sockets_module
from kimnode.web.app import Bounds, create_app, phones
from tests.web.conftest import Village, eventually, say
from tests.web.ear import WAIT_S, Ear, listen
from tests.web.test_posting import GOOD, counted


async def test_rubbish_on_a_socket_gets_an_answer_and_is_counted(
    phone: TestClient, village: Village
):
    ear = await listen(phone)
    for number, rubbish in enumerate(("{", "[]", "null", '{"t":"x"}', "\u0000"), 1):
        await ear.ws.send_str(rubbish)
        item = await ear.until(lambda i, n=number: len(_refused(ear)) == n and i["t"] == "refused")
        assert item["words"]
    await ear.ws.send_bytes(b"\xff")
    await ear.until(lambda _i: len(_refused(ear)) == 6)
    assert counted(village, "wire_errors") == 6
    await ear.ws.send_json(GOOD)
    await ear.until(lambda i: i["t"] == "ok")


def _refused(ear: Ear) -> list[dict]:
    return [i for i in ear.items if i["t"] == "refused"]


@pytest.mark.parametrize(
    ("frame", "code"), [("x" * 20_000, 1009), (b"\xff\xff", 1007)], ids=["huge", "not UTF-8"]
)
async def test_broken_frames_close_the_socket_with_the_reason(
    phone: TestClient, village: Village, frame: str | bytes, code: int
):
    ear = await listen(phone)
    await ear.until(lambda i: i["t"] == "board")
    if isinstance(frame, bytes):
        await ear.ws._writer.send_frame(frame, WSMsgType.TEXT)
    else:
        await ear.ws.send_str(frame)
    async with asyncio.timeout(WAIT_S):
        while (await ear.ws.receive()).type is WSMsgType.TEXT:
            pass
    assert ear.ws.close_code == code
    await eventually(lambda: counted(village, "wire_errors"))


@pytest.mark.parametrize(
    "hello", ["x", "[]", '{"after":"1"}', '{"after":-1}', '{"rev":true}', b"\x00"]
)
async def test_a_wrong_hello_is_refused(phone: TestClient, village: Village, hello: str | bytes):
    ws = await phone.ws_connect("/ws")
    await (ws.send_str(hello) if isinstance(hello, str) else ws.send_bytes(hello))
    (item,) = json.loads((await ws.receive(WAIT_S)).data)
    assert (item["t"], item["reason"]) == ("refused", "bad-request")
    assert (await ws.receive(WAIT_S)).type is WSMsgType.CLOSE
    assert counted(village, "wire_errors") == 1


async def test_who_says_nothing_is_sent_away(phone: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sockets_module, "HELLO_TIMEOUT_S", 0.05)
    ws = await phone.ws_connect("/ws")
    assert (await ws.receive(WAIT_S)).type is WSMsgType.CLOSE


async def test_a_ping_is_answered(phone: TestClient):
    ear = await listen(phone)
    await ear.ws.send_str('{"t":"ping"}')
    await ear.until(lambda i: i["t"] == "pong")


async def test_sockets_are_bounded_per_phone_and_per_address(
    phone: TestClient, server: TestServer, village: Village
):
    await phone.get("/r/umum")  # takes a cookie: one phone
    ears = [await listen(phone) for _ in range(3)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await phone.ws_connect("/ws")
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"]
    async with TestClient(server, cookie_jar=DummyCookieJar()) as crowd:
        ears += [await listen(crowd) for _ in range(5)]  # no cookie: each a new phone
        with pytest.raises(WSServerHandshakeError):
            await crowd.ws_connect("/ws")
        assert (await crowd.get("/api/feed")).status == 429
        assert phones(server.app) == 6
        await say(village, "halo")
        for ear in ears:
            await ear.message(1)
        for ear in ears:
            await ear.ws.close()
    await eventually(lambda: not phones(server.app))


async def test_the_node_bounds_all_sockets_together(village: Village):
    village.bounds = Bounds(per_device=100, per_address=100, overall=4)
    async with TestClient(TestServer(create_app(village.site))) as phone:
        for _ in range(4):
            await listen(phone)
        with pytest.raises(WSServerHandshakeError):
            await phone.ws_connect("/ws")
