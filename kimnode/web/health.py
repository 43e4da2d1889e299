"""For the operator and for systemd: is it alive, and in numbers. Metrics only for this machine."""

import ipaddress
import json

from aiohttp import web
from prometheus_client import generate_latest

from kimnode.store import log
from kimnode.web.doors import DOORS
from kimnode.web.site import SITE

READ_TIMEOUT_S = 5.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: 200 after a real query, 503 when the database does not answer."""
    site = request.app[SITE]
    try:
        async with site.clock.timeout(READ_TIMEOUT_S):
            seq = await site.db.read(log.last_seq)
    except TimeoutError:
        return _json(503, {"database": "silent"})
    notice = site.notice()
    aside = site.db.quarantined
    state = {"database": "ok", "messages": seq, "radio": notice.radio.value}
    if aside is not None:  # since this start; the doctor finds it later too
        state["damaged_file_kept_as"] = aside.name
    return _json(200, state | {"waiting": notice.waiting, "phones": request.app[DOORS].phones})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics, for Prometheus on this machine."""
    try:
        near = ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        near = False
    if not near:
        raise web.HTTPForbidden
    body = generate_latest(request.app[SITE].metrics.registry)
    return web.Response(body=body, headers={"Content-Type": METRICS_TYPE})


def _json(status: int, state: dict[str, object]) -> web.Response:
    return web.Response(text=json.dumps(state), status=status, content_type="application/json")
