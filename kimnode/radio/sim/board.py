"""What every part of one radio may know: its flash, its node list, its clock and its chance."""

import random
from dataclasses import dataclass

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.config_state import ConfigState
from kimnode.radio.sim.nodes import NodeList
from kimnode.radio.sim.timeline import Timeline

MESH_PACKET_IDS = 2**32


@dataclass(slots=True)
class Board:
    """`rtc_s` is unix time minus virtual time, None while the radio does not know the time."""

    num: int
    timeline: Timeline
    chance: random.Random
    state: ConfigState
    nodes: NodeList
    rtc_s: float | None
    booted_at: float = 0.0

    @property
    def relay_byte(self) -> int:
        """Last byte of the number: what next hop and relay fields hold."""
        return self.num & 0xFF

    @property
    def unix_time(self) -> int:
        """Unix seconds, 0 while unknown."""
        return 0 if self.rtc_s is None else int(self.rtc_s + self.timeline.now)

    @property
    def uptime_s(self) -> int:
        return int(self.timeline.now - self.booted_at)

    def new_id(self) -> int:
        return self.chance.randrange(1, MESH_PACKET_IDS)

    def new_packet(self, to: int, portnum: int, payload: bytes) -> mesh_pb2.MeshPacket:
        """A packet of this radio's own (firmware: allocForSending)."""
        packet = mesh_pb2.MeshPacket(
            to=to, id=self.new_id(), hop_limit=self.state.hop_limit, rx_time=self.unix_time
        )
        setattr(packet, "from", self.num)
        packet.decoded.portnum = portnum
        packet.decoded.payload = payload
        return packet

    def is_ours(self, packet: mesh_pb2.MeshPacket) -> bool:
        return sender_of(packet) in (0, self.num)

    def to_us(self, packet: mesh_pb2.MeshPacket) -> bool:
        return bool(packet.to == self.num)


def sender_of(packet: mesh_pb2.MeshPacket) -> int:
    """`from` is a Python keyword; 0 = this radio's own client sent it."""
    return int(getattr(packet, "from"))
