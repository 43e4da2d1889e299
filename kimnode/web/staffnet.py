"""Where a volunteer's browser may sign: on the staff's own network, or over HTTPS.

The open Wi-Fi is for reading and drafting: who listens there would hear the answers that unlock a
stolen phone, and could change the page on its way.
"""

import ipaddress

from aiohttp import web

from kimnode.web.site import SITE, THIS_MACHINE

FORWARDED = ("X-Forwarded-For", "Forwarded")  # a proxy on this machine speaks for somebody else
FORWARDED_SCHEME = "X-Forwarded-Proto"


def may_sign(request: web.Request) -> bool:
    """Whether this connection is the staff's: its network, or HTTPS ended on this machine."""
    site = request.app[SITE]
    if request.secure:
        return True
    if any(header in request.headers for header in FORWARDED):
        scheme = request.headers.get(FORWARDED_SCHEME, "")
        return scheme == "https" and _is_within(request.remote, THIS_MACHINE)
    return _is_within(request.remote, site.staff_networks)


def _is_within(remote: str | None, networks: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:  # a unix socket has none
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)
