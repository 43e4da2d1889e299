"""Everything wrong that a phone, a browser or a radio can send: a clear answer to who sent it,
nothing in the log, nothing crashed, and counted for the operator.
"""

import asyncio
import json
import random
import re
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from kimnode.wire.stream import frame
from tests.journeys.gateways import Gateway, open_gateway
from tests.journeys.phones import Doors
from tests.journeys.raw_socket import BINARY, CONTINUATION, TEXT, RawSocket
from tests.journeys.sizes import short_and_long
from tests.waiting import until

SPEED = 20
TOO_BIG, NOT_UTF8, POLICY = 1009, 1007, 1008
FRAGMENTS = 10_000


@pytest.fixture
async def gateway(tmp_path) -> AsyncIterator[Gateway]:
    async with open_gateway(tmp_path / "x.db", Clock(), None) as gateway:
        yield gateway


def request(**parts: object) -> bytes:
    """A good post, but for these parts."""
    good = {
        "t": "post",
        "cid": secrets.token_hex(16),
        "room": "umum",
        "text": "halo",
        "nick": "Ani",
    }
    return json.dumps({**good, **parts}).encode()


# what is sent, HTTP status, reason
WRONG = {
    "over-long for Wi-Fi": (request(room="warung", text="a" * 1001), 413, "too-long"),
    "over-long for the radio": (request(text="ü" * 500), 413, "too-long"),
    "empty": (request(text=" \n "), 400, "empty"),
    "control characters": (request(text="halo\x07\x1b[31m"), 400, "bad-text"),
    "bidi characters": (request(text="halo \u202edunia"), 400, "bad-text"),
    "lone surrogate": (request(text="halo \ud800"), 400, "bad-text"),
    "not UTF-8": (request(text="X").replace(b"X", b"\xff\xfe"), 400, "bad-request"),
    "unknown room": (request(room="kantor"), 400, "unknown-room"),
    "room that is no text": (request(room=["umum"]), 400, "bad-request"),
    "no JSON": (b'{"t":"post",', 400, "bad-request"),
    "JSON that is no object": (b'["post"]', 400, "bad-request"),
    "JSON nested to exhaust us": (b"[" * 8000, 400, "bad-request"),
    "unknown verb": (request(t="shutdown"), 400, "bad-request"),
    "client id too short": (request(cid="00"), 400, "bad-id"),
    "client id that is none": (request(cid="zz" * 16), 400, "bad-id"),
    "name of an office": (request(nick="Kepala Desa"), 400, "bad-name"),
    "name of control characters": (request(nick="A\u202eni"), 400, "bad-name"),
    "answer to nothing": (request(about=4711), 400, "unknown-subject"),
    "answer to a number beyond all": (request(about=10**30), 400, "bad-request"),
    "NaN": (request(about=float("nan")), 400, "bad-request"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_post_is_answered_counted_and_forgotten(case, gateway):
    body, status, reason = WRONG[case]
    async with await client() as session:
        async with session.post(
            gateway.url + "api/post", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            said = await response.json()
            assert (response.status, said["t"], said["reason"]) == (status, "refused", reason)
            assert len(said["words"]) > 10
    await nothing_happened(gateway, reason)


@pytest.mark.parametrize("case", [name for name in WRONG if name != "not UTF-8"])
async def test_the_same_by_web_socket(case, gateway):
    body, _, reason = WRONG[case]
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.hello()
        await socket.send(body)
        assert (await socket.refusal())["reason"] == reason
        await socket.send(request(text="dan sekarang benar", cid="ab" * 16))
        await until(lambda: stored(gateway) == ["dan sekarang benar"])
    assert await counted(gateway) == {reason: 1}


@pytest.mark.parametrize(
    ("payload", "opcode", "code"),
    [
        (b"\xff\xfe\xfd", TEXT, NOT_UTF8),
        (b"x" * 1_000_000, TEXT, TOO_BIG),
        (b"x" * 20_000, TEXT, TOO_BIG),
    ],
)
async def test_a_broken_or_huge_frame_ends_the_socket_and_is_counted(
    payload, opcode, code, gateway
):
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.hello()
        await socket.send(payload, opcode)
        assert await socket.closed() == code
    await nothing_happened(gateway, "bad-request")


async def test_a_binary_frame_is_refused_and_the_socket_lives(gateway):
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.hello()
        await socket.send(request(), BINARY)
        assert (await socket.refusal())["reason"] == "bad-request"
        await socket.send(request(text="benar"))
        await until(lambda: stored(gateway) == ["benar"])


@pytest.mark.parametrize("hello", [b"halo", b"[1]", b'{"after":-1}', b'{"after":"x"}', b"[" * 9000])
async def test_a_wrong_hello_is_told_so(hello, gateway):
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.send(hello)
        assert (await socket.refusal())["reason"] == "bad-request"
        assert await socket.closed() == POLICY
    await nothing_happened(gateway, "bad-request")


async def test_ten_thousand_fragments_are_one_message_and_too_many_bytes_are_the_end(gateway):
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.hello()
        body = request(text="potongan kecil").ljust(FRAGMENTS)
        await socket.send(body[:1], TEXT, last=False)
        for byte in body[1:-1]:
            await socket.send(bytes([byte]), CONTINUATION, last=False)
        await socket.send(body[-1:], CONTINUATION)
        await until(lambda: stored(gateway) == ["potongan kecil"])
    async with RawSocket(gateway.url, cookie()) as socket:
        await socket.hello()
        await socket.send(b"{", TEXT, last=False)
        try:
            for _ in range(FRAGMENTS):
                await socket.send(b"xx", CONTINUATION, last=False)
        except ConnectionError:
            return
        assert await socket.closed() in (TOO_BIG, 0)
    assert await alive(gateway)


async def test_a_request_that_never_ends_and_one_too_big_do_no_harm(gateway):
    where = gateway.url.split("//")[1].strip("/")
    host, port = where.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /api/post HTTP/1.1\r\nHost: {where}\r\n".encode())
    for number in range(FRAGMENTS):
        writer.write(f"X-{number}: {number}\r\n".encode())
        if number % 100 == 0:
            await writer.drain()
        if reader.at_eof():
            break
    async with asyncio.timeout(20):
        assert b" 400 " in (await reader.read(4096)).split(b"\r\n")[0]
    writer.transport.abort()
    async with await client() as session:
        async with session.post(
            gateway.url + "api/post",
            data=b"x" * 1_000_000,
            headers={"Content-Type": "application/json"},
        ) as response:
            assert response.status == 413
            assert (await response.json())["t"] == "refused"
    assert await alive(gateway)
    assert stored(gateway) == []


@pytest.mark.parametrize("pieces", short_and_long(FRAGMENTS, 200_000))
async def test_garbage_and_half_frames_from_the_radio_cost_nothing_but_a_count(pieces, tmp_path):
    rng = random.Random(9)
    async with SimVillage(["gerbang", "bukit"], seed=9, clock=Clock(SPEED)) as village:
        async with open_gateway(
            tmp_path / "x.db", village.clock, village.port("gerbang")
        ) as gateway:
            await gateway.radio_is_up()
            radio = village.device("gerbang")
            for number in range(pieces):
                if radio.client is None:
                    await until(lambda: radio.client is not None)
                radio.garbage(half_frame(rng))
                if number % 200 == 0:
                    await asyncio.sleep(0)
            for _ in range(50):
                radio.garbage(bytes(600) + frame(b"\xff" * 40))  # whole, and no protobuf
            await village.clock.sleep(5)
            await gateway.radio_is_up()
            village.device("bukit").say("masih terdengar")
            await until(lambda: stored(gateway) == ["masih terdengar"])
            village.device("bukit").say("\u202e\x07")
            village.device("bukit").say("sampai jumpa")
            await until(lambda: len(stored(gateway)) == 2)
            errors = re.findall(
                r'kimnode_wire_errors_total{source="radio"} (\d+)', await gateway.metrics()
            )
            assert float(errors[0]) >= 50


def half_frame(rng: random.Random) -> bytes:
    """Something that begins like a frame, ends like one, or is neither."""
    whole = frame(rng.randbytes(rng.randrange(1, 200)))
    kinds = (whole[: rng.randrange(1, len(whole))], whole[2:], b"\x94", b"\x94\xc3\xff\xff")
    return rng.choice(kinds)


def cookie() -> str:
    return Doors("", random.Random(secrets.randbits(64))).new_cookie()


async def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Cookie": f"kim={cookie()}"})


def stored(gateway: Gateway) -> list[str]:
    return [text for (text,) in gateway.rows("SELECT text FROM body ORDER BY seq")]


async def alive(gateway: Gateway) -> bool:
    return (await gateway.health())["database"] == "ok"


async def counted(gateway: Gateway) -> dict[str, int]:
    """Reason -> how often; what could not be read at all is bad-request."""
    text = await gateway.metrics()
    found = re.findall(r'kimnode_refused_total{reason="([\w-]+)",via="WEB"} (\d+)', text)
    errors = re.findall(r'kimnode_wire_errors_total{source="phone"} (\d+)', text)
    found += [("bad-request", errors[0])] if errors else []
    return {reason: int(count) for reason, count in found}


async def nothing_happened(gateway: Gateway, reason: str) -> None:
    """But one refusal was counted."""
    await until(lambda: count_is_one(gateway, reason))
    assert stored(gateway) == []
    assert await alive(gateway)


async def count_is_one(gateway: Gateway, reason: str) -> bool:
    return await counted(gateway) == {reason: 1}
