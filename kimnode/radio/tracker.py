"""The packets that are in the radio or on the air, and what each word of the radio does to them.

Knows no database and no link: what it returns is to be stored by the sender. Words about packets
that are not here (settled long ago, or before a restart) are looked up there.
"""

from dataclasses import dataclass

from kimnode.radio.messages import QueueStatus, RoutingReply
from kimnode.rules.delivery import (
    TRANSMISSIONS,
    Event,
    Flight,
    Sign,
    State,
    Why,
    patience_s,
    queue_empty,
    read_queue_status,
    read_routing,
    restarted,
    silence,
    step,
)


@dataclass(frozen=True, slots=True)
class Change:
    """A step that happened. `transmissions`: how often it was sent, None while that is unknown."""

    row: int
    before: Flight
    after: Flight
    transmissions: int | None


Lane = tuple[int, int, int]  # (priority, destination, channel): nothing overtakes inside one


@dataclass(slots=True)
class _Track:
    row: int
    lane: Lane
    flight: Flight
    max_retransmit_s: float
    written_at: float
    since: float  # last change, or the last moment the radio could not have told us


class Tracker:
    """In-flight packets by packet id. Times are Clock.monotonic() seconds."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def __len__(self) -> int:
        return len(self._tracks)

    def add(
        self, row: int, lane: Lane, flight: Flight, max_retransmit_s: float, now: float
    ) -> None:
        """Follow a packet that is IN_RADIO or waits for its acknowledgement."""
        self._tracks[flight.packet_id] = _Track(row, lane, flight, max_retransmit_s, now, now)

    def holds(self, packet_id: int) -> bool:
        return packet_id in self._tracks

    def unproven(self) -> set[Lane]:
        """Lanes with a packet that nothing shows on the air yet: what is behind it must wait."""
        return {t.lane for t in self._tracks.values() if t.flight.state is State.IN_RADIO}

    def queue_status(self, status: QueueStatus, now: float) -> list[Change]:
        """The packet it names, and those that an empty queue proves to be on the air."""
        changes = []
        if status.packet_id in self._tracks:
            sign = read_queue_status(status.res, status.free, status.maxlen)
            changes += self._apply(status.packet_id, sign, now)
        if queue_empty(status.free, status.maxlen):
            for packet_id in list(self._tracks):  # the named one is gone: dropped or refused
                changes += self._apply(packet_id, (Event.LEFT_QUEUE, Why.NONE), now)
        return changes

    def routing(self, reply: RoutingReply, own_node: int, now: float) -> list[Change]:
        """The packet it is about, if it is here."""
        track = self._tracks.get(reply.request_id)
        if track is None:
            return []
        sign = read_routing(reply.error, reply.sender, own_node, track.flight.dest)
        return self._apply(reply.request_id, sign, now) if sign else []

    def link_up(self, now: float) -> list[Change]:
        """A new connection: what the radio never confirmed is to be written again."""
        changes = []
        for packet_id, track in list(self._tracks.items()):
            track.since = now
            changes += self._apply(packet_id, restarted(track.flight), now)
        return changes

    def overdue(self, now: float) -> list[Change]:
        """Packets whose time without a word is over. Call it only while the link is up."""
        changes = []
        for packet_id, track in list(self._tracks.items()):
            if now >= _due(track):
                changes += self._apply(packet_id, silence(track.flight), now)
        return changes

    def next_due(self) -> float:
        return min((_due(t) for t in self._tracks.values()), default=float("inf"))

    def _apply(self, packet_id: int, sign: Sign, now: float) -> list[Change]:
        track = self._tracks[packet_id]
        before, after = track.flight, step(track.flight, *sign)
        if after is before:
            return []
        track.flight, track.since = after, now
        if patience_s(after, track.max_retransmit_s) is None:
            del self._tracks[packet_id]
        return [Change(track.row, before, after, _transmissions(track, sign, now))]


def _due(track: _Track) -> float:
    patience = patience_s(track.flight, track.max_retransmit_s)
    return float("inf") if patience is None else track.since + patience


def _transmissions(track: _Track, sign: Sign, now: float) -> int | None:
    """Own transmissions so far, by what the radio said and the time that has passed."""
    event, why = sign
    if event in (Event.REJECTED_RETRY, Event.REJECTED_FINAL):
        return 0
    if why is Why.NO_ANSWER or track.flight.state is State.IN_RADIO:
        return None
    if not track.flight.want_ack:
        return 1
    if event in (Event.NOT_REPEATED, Event.NOT_ACKED):
        return TRANSMISSIONS
    if event in (Event.IMPLICIT_ACK, Event.DEST_ACK, Event.UNREADABLE):
        interval_s = track.max_retransmit_s / TRANSMISSIONS
        return min(1 + int((now - track.written_at) / interval_s), TRANSMISSIONS)
    return None
