"""Who may talk to the node, what every answer carries, and what people read when it goes wrong."""

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from kimnode.record import RadioState
from kimnode.web import health
from kimnode.web.app import create_app
from tests.web.conftest import Village

PAGES = ("/r/umum", "/nama", "/sos", "/r/nowhere")
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "10.0.0.1", "", "[::1"])
async def test_a_foreign_host_name_is_refused_with_the_right_address(phone: TestClient, host: str):
    answer = await phone.get("/r/umum", headers={"Host": host})
    assert answer.status in (400, 421)
    if host and not host.startswith("["):
        assert answer.status == 421
        assert "Buka http://10.10.10.10:8080" in await answer.text()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "kim", "KIM.local", "10.10.10.10"])
async def test_known_names_are_served_on_any_port(phone: TestClient, host: str):
    answer = await phone.get("/r/umum", headers={"Host": host})
    assert answer.status == 200
    expected = f"connect-src 'self' ws://{host.lower()};"
    assert expected in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_strict(phone: TestClient, path: str):
    answer = await phone.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    html = await answer.text()
    assert "<style" not in html
    assert " style=" not in html
    assert "onclick" not in html


async def test_a_host_header_cannot_write_policy(phone: TestClient):
    answer = await phone.get("/r/umum", headers={"Host": "kim; script-src *"})
    assert "script-src *" not in answer.headers.get("Content-Security-Policy", "")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
async def test_another_page_cannot_post(phone: TestClient, village: Village, origin: str):
    for path, kind in (("/r/umum", FORM), ("/api/post", "application/json"), ("/sos", FORM)):
        headers = {"Origin": origin, "Content-Type": kind}
        answer = await phone.post(path, data="text=halo&nick=Ani", headers=headers)
        assert answer.status == 403
        assert "halaman lain" in await answer.text()
    counted = village.metrics.registry.get_sample_value(
        "kimnode_wire_errors_total", {"source": "phone"}
    )
    assert counted == 3


async def test_another_page_cannot_open_a_socket(phone: TestClient):
    with pytest.raises(WSServerHandshakeError) as refused:
        await phone.ws_connect("/ws", origin="http://evil.example")
    assert refused.value.status == 403


async def test_the_own_page_can(phone: TestClient, server: TestServer):
    async with phone.ws_connect("/ws", origin=f"http://{server.host}:{server.port}") as ws:
        assert not ws.closed


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/x", 404, "tidak ada"), ("/r/rahasia", 404, "tidak ada"), ("/sos/x/batal", 404, "tidak")],
)
async def test_wrong_addresses_get_a_sentence(phone: TestClient, path: str, status: int, said: str):
    answer = await phone.get(path)
    assert answer.status == status
    assert said in await answer.text()


async def test_wrong_methods_get_a_sentence(phone: TestClient):
    answer = await phone.put("/r/umum")
    assert answer.status == 405
    assert "Kembali ke obrolan" in await answer.text()


async def test_a_huge_body_is_refused_in_words(phone: TestClient):
    for path, kind in (("/r/umum", FORM), ("/api/post", "application/json")):
        for size in (20_000, 200_000):
            answer = await phone.post(path, data=b"x" * size, headers={"Content-Type": kind})
            assert answer.status == 413
            assert "terlalu besar" in await answer.text()


async def test_our_own_fault_is_a_sentence_too_and_is_logged(
    village: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    app = create_app(village.site)

    async def broken(_request: web.Request) -> web.Response:
        raise ZeroDivisionError

    app.router.add_get("/broken", broken)
    async with TestClient(TestServer(app)) as phone:
        answer = await phone.get("/broken")
        assert answer.status == 500
        assert "beri tahu petugas KIM" in await answer.text()
    assert "GET /broken failed" in caplog.text


async def test_health_tells_how_it_is(phone: TestClient, village: Village):
    village.radio = RadioState.WEDGED
    answer = await phone.get("/healthz")
    assert answer.status == 200
    assert await answer.json() == {
        "database": "ok", "messages": 0, "radio": "wedged", "waiting": 0, "phones": 0,
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "no-store"


async def test_health_says_so_when_the_database_is_silent(
    phone: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(health, "READ_TIMEOUT_S", 0)
    assert (await phone.get("/healthz")).status == 503


async def test_metrics_are_for_this_machine_only(
    phone: TestClient, monkeypatch: pytest.MonkeyPatch
):
    answer = await phone.get("/metrics")
    assert answer.status == 200
    assert "kimnode_wire_errors" in await answer.text()
    monkeypatch.setattr(web.BaseRequest, "remote", property(lambda _self: "10.10.10.77"))
    assert (await phone.get("/metrics")).status == 403
