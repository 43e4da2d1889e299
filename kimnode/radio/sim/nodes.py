"""A radio's node list: who it has heard, their keys, and the next hop towards them.

Keys are trust on first use: a second, different key for a known node is ignored. What was learnt
lately is lost at a reboot, because the firmware saves the list at most once a minute.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from meshtastic.protobuf import mesh_pb2, telemetry_pb2

MAX_NODES = 200
SAVE_INTERVAL_S = 60.0
SORT_INTERVAL_S = 5.0


@dataclass(slots=True)
class NodeEntry:
    """One known node. `next_hop` is the last byte of a neighbour's number, 0 = flood."""

    num: int
    user: mesh_pb2.User | None = None
    snr: float = 0.0
    last_heard: int = 0
    hops_away: int | None = None
    next_hop: int = 0
    favorite: bool = False
    ignored: bool = False
    verified: bool = False
    position: mesh_pb2.Position | None = None
    metrics: telemetry_pb2.DeviceMetrics | None = None

    def to_info(self) -> mesh_pb2.NodeInfo:
        """The node_info a client gets."""
        info = mesh_pb2.NodeInfo(
            num=self.num,
            snr=self.snr,
            last_heard=self.last_heard,
            is_favorite=self.favorite,
            is_ignored=self.ignored,
            is_key_manually_verified=self.verified,
        )
        if self.user is not None:
            info.user.CopyFrom(self.user)
        if self.hops_away is not None:
            info.hops_away = self.hops_away
        if self.position is not None:
            info.position.CopyFrom(self.position)
        if self.metrics is not None:
            info.device_metrics.CopyFrom(self.metrics)
        return info


@dataclass(slots=True)
class NodeList:
    """Bounded at MAX_NODES: the one heard longest ago goes, favourites stay."""

    own: int
    entries: dict[int, NodeEntry] = field(default_factory=dict)
    _saved: dict[int, NodeEntry] = field(default_factory=dict)
    _saved_at: float = 0.0
    _sorted_at: float = -math.inf

    def get(self, num: int) -> NodeEntry | None:
        return self.entries.get(num)

    def get_or_add(self, num: int) -> NodeEntry:
        if num not in self.entries:
            if len(self.entries) >= MAX_NODES:
                self._evict()
            self.entries[num] = NodeEntry(num)
        return self.entries[num]

    def remove(self, num: int) -> None:
        if num != self.own:
            self.entries.pop(num, None)

    def public_key(self, num: int) -> bytes:
        """The 32-byte key known for a node, b"" if none."""
        entry = self.entries.get(num)
        return bytes(entry.user.public_key) if entry and entry.user else b""

    def learn_user(self, num: int, user: mesh_pb2.User) -> None:
        """A NodeInfo arrived. A key that contradicts the known one drops the whole message."""
        entry = self.get_or_add(num)
        known = self.public_key(num)
        if known and bytes(user.public_key) != known:
            return
        entry.user = mesh_pb2.User()
        entry.user.CopyFrom(user)

    def in_order(self) -> Iterator[NodeEntry]:
        """As a client is told: own node first, then in the list's order."""
        yield self.entries[self.own]
        yield from (e for e in self.entries.values() if e.num != self.own)

    def sort_sometimes(self, now: float) -> None:
        """Favourites first, then those heard most lately; looked at when a packet comes in."""
        if now - self._sorted_at >= SORT_INTERVAL_S:
            self._sorted_at = now
            ordered = sorted(self.entries.values(), key=lambda e: (not e.favorite, -e.last_heard))
            self.entries = {e.num: e for e in ordered}

    def save(self, now: float) -> None:
        """Write the list to flash."""
        self._saved = {num: replace(entry) for num, entry in self.entries.items()}
        self._saved_at = now

    def save_sometimes(self, now: float, booted_at: float) -> None:
        """Something was learnt: saved at most once a minute, never in the first one after boot."""
        if now - max(self._saved_at, booted_at) >= SAVE_INTERVAL_S:
            self.save(now)

    def reload(self) -> None:
        """A reboot: back to what was saved, minus nodes whose user was never learnt."""
        kept = {n: e for n, e in self._saved.items() if e.user is not None or n == self.own}
        self.entries = {num: replace(entry, next_hop=0) for num, entry in kept.items()}
        own = self.entries[self.own]
        own.last_heard = 0
        if own.position is not None:
            position = mesh_pb2.Position()
            position.CopyFrom(own.position)
            position.ClearField("time")
            own.position = position

    def _evict(self) -> None:
        loose = [e for e in self.entries.values() if e.num != self.own and not e.favorite]
        if loose:
            del self.entries[min(loose, key=lambda e: e.last_heard).num]
