"""News for the phones: everything once, in order, and a slow phone delays nobody."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator

import pytest
from aiohttp import (
    DummyCookieJar,
    WSMsgType,
    web,
)
from aiohttp.test_utils import TestClient, TestServer

from kimnode.record import RadioState
from kimnode.rules.delivery import State
from kimnode.web import follower as follower_module
from kimnode.web import sockets as sockets_module
from kimnode.web.app import create_app, phones
from kimnode.web.feed import FEED
from kimnode.web.follower import Follower
from kimnode.web.news import Place, text_frame
from tests.web.conftest import Village, deliver, eventually, fill_room, hear, say
from tests.web.ear import WAIT_S, listen
from tests.web.test_posting import CID, GOOD, counted, post


@pytest.fixture
async def other(server: TestServer) -> AsyncIterator[TestClient]:
    async with TestClient(server) as client:
        yield client


async def test_a_message_reaches_every_phone_once_and_in_order(
    phone: TestClient, other: TestClient, village: Village
):
    ears = [await listen(phone), await listen(other)]
    for number in range(20):
        await (hear if number % 3 else say)(village, f"no {number}")
    for ear in ears:
        await ear.message(20)
        assert ear.seqs() == list(range(1, 21))


async def test_what_a_message_looks_like_to_a_phone(phone: TestClient, village: Village):
    ear = await listen(phone)
    seq = await say(village, "Halo <b>semua</b>", "Ani", nonce=bytes.fromhex(CID))
    item = await ear.message(seq)
    assert set(item) == {
        "t", "rev", "seq", "kind", "room", "mark", "name", "tag", "text", "cid", "time", "day",
        "state", "state_words",
    }  # fmt: skip
    assert (item["text"], item["cid"], item["state_words"]) == ("Halo <b>semua</b>", CID, "di pos")


async def test_a_phone_that_was_away_gets_what_it_missed(phone: TestClient, village: Village):
    await fill_room(village, 10)
    ear = await listen(phone, after=4)
    await ear.message(10)
    assert ear.seqs() == [5, 6, 7, 8, 9, 10]
    await say(village, "sekarang")
    await ear.message(11)
    assert ear.seqs() == [5, 6, 7, 8, 9, 10, 11]


async def test_one_that_was_away_too_long_is_told_to_begin_anew(
    phone: TestClient, village: Village, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follower_module, "MAX_REPLAY", 5)
    await fill_room(village, 10)
    await eventually(lambda: phone.server.app[FEED].place.seq == 10)
    ear = await listen(phone, after=1)
    await ear.until(lambda i: i["t"] == "reload")
    await say(village, "sekarang")
    await ear.message(11)
    assert ear.seqs() == [11]


async def test_one_from_another_database_is_told_to_begin_anew(phone: TestClient, village: Village):
    ear = await listen(phone, after=99)
    await ear.until(lambda i: i["t"] == "reload")


async def test_states_go_to_the_writer_only(phone: TestClient, other: TestClient, village: Village):
    writer, reader = await listen(phone), await listen(other)
    _, said = await post(phone, GOOD)
    seq = said["seq"]
    for state in (State.QUEUED, State.IN_RADIO, State.RELAYED):
        await deliver(village, seq, state)
        item = await writer.until(lambda i, s=state: i["t"] == "delivery" and i["state"] == s.value)
        assert item["seq"] == seq
    await say(village, "akhir")
    await reader.message(seq + 1)
    assert [i for i in reader.items if i["t"] == "delivery"] == []


async def test_news_for_one_phone_is_no_empty_frame_for_the_others(
    phone: TestClient, other: TestClient, village: Village
):
    writer, reader = await listen(phone), await listen(other)
    await reader.until(lambda i: i["t"] == "board")
    _, said = await post(phone, GOOD)
    await reader.message(said["seq"])
    feed = phone.server.app[FEED]
    author = (await feed.read_since(Place(), 1))[0][0].author
    for _ in range(2):
        feed._tell('{"t":"delivery","seq":1}', author)
    feed._publish()
    await say(village, "akhir")
    await reader.message(said["seq"] + 1)  # an empty frame would be no JSON
    await writer.until(lambda i: i["t"] == "delivery")


async def test_a_poll_is_told_of_its_own_texts_only(phone: TestClient, village: Village):
    feed = phone.server.app[FEED]
    _, said = await post(phone, GOOD)
    await eventually(lambda: feed.place.seq == said["seq"])
    stranger = Follower(feed, "phone:00", feed.place)
    assert await stranger.read() == b""
    await deliver(village, said["seq"], State.RELAYED)
    await eventually(lambda: feed.place.rev == 2)
    assert not stranger.caught_up
    assert await stranger.read() == b""
    assert stranger.caught_up


async def test_a_writer_that_was_away_learns_the_last_state(phone: TestClient, village: Village):
    _, said = await post(phone, GOOD)
    await deliver(village, said["seq"], State.FAILED, "duty-cycle")
    ear = await listen(phone, after=said["seq"])
    item = await ear.until(lambda i: i["t"] == "delivery")
    assert "gagal mengudara" in item["state_words"]


async def test_the_board_tells_the_radio_and_only_when_it_changed(
    phone: TestClient, village: Village
):
    ear = await listen(phone)
    board = await ear.until(lambda i: i["t"] == "board")
    assert board["radio"] == {"code": "up", "words": "Radio tersambung · 3 radio aktif · 14 HP"}
    village.noticed.rise()
    village.radio = RadioState.WEDGED
    village.noticed.rise()
    board = await ear.until(lambda i: i["t"] == "board" and i["radio"]["code"] == "wedged")
    assert "Radio diam sejak" in board["radio"]["words"]
    again = await listen(phone, board=board["board"])
    await say(village, "halo")
    await again.message(1)
    assert [i["t"] for i in again.items] == ["message"]


async def test_a_waiting_text_is_told_again_how_long(phone: TestClient, village: Village):
    ear = await listen(phone)
    _, said = await post(phone, GOOD)
    await deliver(village, said["seq"], State.QUEUED)
    await ear.until(lambda i: "kira-kira 3 menit" in i.get("state_words", ""))
    village.wait = 35.0
    village.noticed.rise()
    await ear.until(lambda i: "kira-kira 40 detik" in i.get("state_words", ""))
    village.radio = RadioState.DOWN
    village.noticed.rise()
    await ear.until(lambda i: "menunggu radio tersambung" in i.get("state_words", ""))


async def test_a_clock_that_jumps_does_not_change_how_long_a_text_waits(
    phone: TestClient, village: Village, monkeypatch: pytest.MonkeyPatch
):
    ear = await listen(phone)
    _, said = await post(phone, GOOD)
    await deliver(village, said["seq"], State.QUEUED)
    await ear.until(lambda i: "kira-kira 3 menit" in i.get("state_words", ""))
    jumped = village.clock.now() + 10 * 365 * 86_400
    monkeypatch.setattr(village.clock, "now", lambda: jumped)
    village.wait = 110.0
    village.noticed.rise()
    await ear.until(lambda i: "kira-kira 2 menit" in i.get("state_words", ""))


async def test_a_long_wait_is_said_to_be_long(phone: TestClient, village: Village):
    village.wait = 4000.0
    ear = await listen(phone)
    _, said = await post(phone, GOOD)
    await deliver(village, said["seq"], State.QUEUED)
    await ear.until(lambda i: "lebih dari satu jam" in i.get("state_words", ""))


async def test_one_phone_that_does_not_read_delays_nobody(
    phone: TestClient, other: TestClient, village: Village, monkeypatch: pytest.MonkeyPatch
):
    """It is closed after its time, and the node forgets it."""
    monkeypatch.setattr(sockets_module, "SEND_TIMEOUT_S", 0.2)
    stuck = await listen(phone)
    await stuck.until(lambda i: i["t"] == "board")
    stuck.ws._conn.transport.pause_reading()
    quick = await listen(other)
    await quick.until(lambda i: i["t"] == "board")
    app = other.server.app
    sent = 0
    while phones(app) == 2:  # until the buffers between us and it are full
        assert sent < 20_000
        for _ in range(100):
            sent += 1
            await say(village, "x" * 900)
        await quick.message(sent)
    assert phones(app) == 1
    stuck.ws._conn.transport.abort()
    assert quick.seqs() == list(range(1, sent + 1))


async def test_a_follower_far_behind_the_kept_items_reads_the_database(village: Village):
    async with TestClient(TestServer(create_app(village.site))) as phone:
        feed = phone.server.app[FEED]
        feed.tail._items = deque(feed.tail._items, maxlen=8)
        follower = Follower(feed, "phone:00", Place(0, 0, feed.place.board))
        await say(village, "satu")
        got = json.loads(await follower.wait())
        await fill_room(village, 40)
        await eventually(lambda: feed.place.seq == 41)
        assert feed.tail.after(follower._next, 1) is None
        got += json.loads(await follower.read())
        assert [i["seq"] for i in got if i["t"] == "message"] == list(range(1, 42))
        assert follower.caught_up


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_prepared_frames_are_what_a_web_socket_client_reads(size: int):
    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        request.transport.write(text_frame(b"x" * size))
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_get("/", socket)
    async with TestClient(TestServer(app)) as phone:
        async with phone.ws_connect("/") as ws:
            assert await ws.receive_str(timeout=WAIT_S) == "x" * size


async def test_the_long_poll_gives_the_same_items(phone: TestClient, village: Village):
    (board,) = await (await phone.get("/api/feed?after=0")).json()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(phone.get(f"/api/feed?board={board['board']}"))
        await eventually(lambda: phones(phone.server.app) == 1)
        await say(village, "halo")
    (item,) = await waiting.result().json()
    assert (item["t"], item["seq"], item["text"]) == ("message", 1, "halo")
    await say(village, "lagi")
    (item,) = await (await phone.get(f"/api/feed?after=1&board={board['board']}")).json()
    assert (item["seq"], item["text"]) == (2, "lagi")


async def test_the_long_poll_ends_empty_after_its_time(
    phone: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kimnode.web.api.POLL_S", 0.05)
    (board,) = await (await phone.get("/api/feed")).json()
    assert await (await phone.get(f"/api/feed?board={board['board']}")).json() == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "rev=1.5", "after=" + "9" * 30])
async def test_the_long_poll_refuses_nonsense(phone: TestClient, village: Village, query: str):
    answer = await phone.get(f"/api/feed?{query}")
    assert answer.status == 400
    assert (await answer.json())["reason"] == "bad-request"
    assert counted(village, "wire_errors") == 1


async def test_everybody_is_released_when_the_node_goes_down(village: Village):
    async with TestClient(
        TestServer(create_app(village.site)), cookie_jar=DummyCookieJar()
    ) as phone:
        ear = await listen(phone)
        board = await ear.until(lambda i: i["t"] == "board")
        async with asyncio.TaskGroup() as tasks:
            poll = tasks.create_task(phone.get(f"/api/feed?board={board['board']}"))
            await eventually(lambda: phones(phone.server.app) == 2)
            async with asyncio.timeout(WAIT_S):
                await phone.server.app.shutdown()
                assert (await ear.ws.receive()).type is WSMsgType.CLOSE
        assert ear.ws.close_code == 1001
        assert await poll.result().json() == []


async def test_names_and_texts_cross_as_data_only(phone: TestClient, village: Village):
    """The XSS corpus, as far as the server goes; browser/test_talk.py runs it in an engine."""
    nasty = '</script><img src=x onerror="alert(1)">'
    await hear(village, nasty)
    await say(village, nasty, "Ani")
    html = await (await phone.get("/r/umum")).text()
    assert "<img" not in html
    assert "&lt;img src=x" in html
