"""Packets that are sent again until somebody is heard acknowledging or repeating them.

Three transmissions for our own want_ack packets, two for one passed to a known next hop; the last
one always floods. When they run out, the sender's client gets MAX_RETRANSMIT - which is not final:
the real acknowledgement may still arrive later.
"""

from collections.abc import Callable
from dataclasses import dataclass

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.timeline import Event

OWN_TRANSMISSIONS = 3
RELAYED_TRANSMISSIONS = 2

Key = tuple[int, int]


@dataclass(slots=True)
class Pending:
    packet: mesh_pb2.MeshPacket
    left: int
    due: float
    event: Event | None = None


class Retransmitter:
    """Keeps the pending packets; `retry(packet, is_last)` sends one again, `give_up(packet)`."""

    def __init__(
        self,
        board: Board,
        wait_s: Callable[[mesh_pb2.MeshPacket], float],
        retry: Callable[[mesh_pb2.MeshPacket, bool], None],
        give_up: Callable[[mesh_pb2.MeshPacket], None],
    ) -> None:
        self._board = board
        self._wait_s = wait_s
        self._retry = retry
        self._give_up = give_up
        self._pending: dict[Key, Pending] = {}

    def start(self, packet: mesh_pb2.MeshPacket, transmissions: int) -> None:
        """Watch a packet that is being sent for the first time now."""
        key = self._key(packet)
        self.forget(key)
        copy = mesh_pb2.MeshPacket()
        copy.CopyFrom(packet)
        entry = Pending(copy, transmissions - 1, self._board.timeline.now + self._wait_s(copy))
        self._pending[key] = entry
        self._arm(key, entry)

    def get(self, key: Key) -> Pending | None:
        return self._pending.get(key)

    def forget(self, key: Key) -> Pending | None:
        """Stop sending a packet again; the entry that was pending, if any."""
        entry = self._pending.pop(key, None)
        if entry and entry.event:
            entry.event.cancel()
        return entry

    def postpone(self, seconds: float, but: int = 0) -> None:
        """The chip was busy so long with another packet that no answer could be heard."""
        for entry in self._pending.values():
            if entry.packet.id != but:
                entry.due += seconds

    def forget_all(self) -> None:
        """Power off."""
        for key in list(self._pending):
            self.forget(key)

    def _key(self, packet: mesh_pb2.MeshPacket) -> Key:
        return (sender_of(packet) or self._board.num, packet.id)

    def _arm(self, key: Key, entry: Pending) -> None:
        entry.event = self._board.timeline.at(entry.due, lambda: self._due(key, entry))

    def _due(self, key: Key, entry: Pending) -> None:
        if self._pending.get(key) is not entry:
            return
        if entry.due > self._board.timeline.now:
            self._arm(key, entry)
            return
        if entry.left == 0:
            self.forget(key)
            self._give_up(entry.packet)
            return
        again = mesh_pb2.MeshPacket()
        again.CopyFrom(entry.packet)
        is_last = entry.left == 1
        entry.left -= 1
        entry.due = self._board.timeline.now + self._wait_s(again)
        self._arm(key, entry)
        self._retry(again, is_last)
