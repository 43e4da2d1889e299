"""How many phones wait for news at once: bounded per phone, per address and in all.

Without it one phone with five hundred sockets would keep the village out.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator

from aiohttp import web

from kimnode.errors import Reason, Refused
from kimnode.web.site import Bounds

RETRY_S = 15.0


class Doors:
    """Counts who is inside."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._devices: Counter[bytes] = Counter()
        self._addresses: Counter[str] = Counter()
        self._inside = 0

    @property
    def phones(self) -> int:
        """Different phones inside."""
        return len(self._devices)

    @contextlib.contextmanager
    def enter(self, device_id: bytes, address: str) -> Iterator[None]:
        """Inside while the block runs; Refused(NODE_BUSY) when there is no room."""
        if (
            self._devices[device_id] >= self._bounds.per_device
            or self._addresses[address] >= self._bounds.per_address
            or self._inside >= self._bounds.overall
        ):
            self._forget_empty(device_id, address)
            raise Refused(Reason.NODE_BUSY, "too many connections", RETRY_S)
        self._devices[device_id] += 1
        self._addresses[address] += 1
        self._inside += 1
        try:
            yield
        finally:
            self._devices[device_id] -= 1
            self._addresses[address] -= 1
            self._inside -= 1
            self._forget_empty(device_id, address)

    def _forget_empty(self, device_id: bytes, address: str) -> None:
        if not self._devices[device_id]:
            del self._devices[device_id]
        if not self._addresses[address]:
            del self._addresses[address]


DOORS = web.AppKey("doors", Doors)
