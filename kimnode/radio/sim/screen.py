"""The screen of a radio: what a person standing at it has read, and what became of their texts."""

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import sender_of
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.routing import routing_of

MAX_SHOWN = 20_000  # texts and outcomes one may look back at

Packet: TypeAlias = mesh_pb2.MeshPacket


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the radio's screen (or its client) shows it. `to` 0xFFFFFFFF = for all."""

    t: float
    sender: int
    to: int
    channel: int
    text: str
    packet_id: int
    pki: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a packet: who says so (`by` own number = only relayed), Routing.Error."""

    t: float
    packet_id: int
    by: int
    error: int


class Screen:
    def __init__(self) -> None:
        self.shown: deque[Shown] = deque(maxlen=MAX_SHOWN)
        self.outcomes: deque[Outcome] = deque(maxlen=MAX_SHOWN)

    def show(self, now: float, packet: Packet) -> None:
        """A decoded packet for us or for all; only texts and routing answers are of interest."""
        data, sender = packet.decoded, sender_of(packet)
        if data.portnum in (Port.TEXT_MESSAGE_APP, Port.ALERT_APP):
            text = data.payload.decode("utf-8", "replace")
            self.shown.append(
                Shown(now, sender, packet.to, packet.channel, text, packet.id, packet.pki_encrypted)
            )
        elif (routing := routing_of(packet)) and data.request_id:
            self.outcomes.append(Outcome(now, data.request_id, sender, routing.error_reason))
