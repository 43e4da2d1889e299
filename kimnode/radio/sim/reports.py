"""What a radio tells about itself unasked or when asked: position, metrics, statistics."""

from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2, telemetry_pb2

from kimnode.radio.sim.board import Board
from kimnode.radio.sim.codec import Port
from kimnode.radio.sim.frame import BROADCAST
from kimnode.radio.sim.mac import Mac

BATTERY_POWERED_EXTERNALLY = 101
POSITION_TICK_S = 4.0  # how often the firmware looks whether a position is to be sent

Packet: TypeAlias = mesh_pb2.MeshPacket
Priority = mesh_pb2.MeshPacket.Priority


def rounded(position: mesh_pb2.Position, bits: int) -> bytes:
    """The serialised position with `bits` of precision, centred in its square."""
    copy = mesh_pb2.Position()
    copy.CopyFrom(position)
    if 0 < bits < 32:
        for axis in ("latitude_i", "longitude_i"):
            if copy.HasField(axis):
                masked = getattr(copy, axis) & (-1 << (32 - bits))
                setattr(copy, axis, masked + (1 << (31 - bits)))
    copy.precision_bits = bits
    return bytes(copy.SerializeToString())


class OwnReports:
    """`send` takes a packet to the mesh (Service.send_to_mesh)."""

    def __init__(self, board: Board, mac: Mac, send: Callable[..., int]) -> None:
        self._board = board
        self._mac = mac
        self._send = send
        self._position_sent = False

    @property
    def has_position(self) -> bool:
        own = self._board.nodes.entries[self._board.num].position
        return own is not None and bool(own.latitude_i or own.longitude_i)

    def send_position(self) -> None:
        """Broadcast our position, if we have one; the client sees a copy."""
        if not self.has_position:
            return
        self._position_sent = True
        packet = self._board.new_packet(BROADCAST, Port.POSITION_APP, self.position())
        packet.priority = Priority.BACKGROUND
        self._send(packet, copy_to_client=True)

    def moved(self, position: mesh_pb2.Position) -> None:
        """The client told where we are; the first time since boot this is soon broadcast."""
        self._board.nodes.entries[self._board.num].position = position
        if not self._position_sent and self.has_position:
            self._position_sent = True
            self._board.timeline.after(POSITION_TICK_S, self.send_position)

    def position(self) -> bytes:
        """Our position as the primary channel may see it."""
        position = mesh_pb2.Position()
        own = self._board.nodes.entries[self._board.num].position
        if own is not None:
            position.CopyFrom(own)
        position.time = self._board.unix_time
        position.ground_speed = 0
        position.ground_track = 0
        if self._board.state.config.position.fixed_position:
            position.location_source = mesh_pb2.Position.LocSource.LOC_MANUAL
        settings = self._board.state.channels[0].settings
        return rounded(position, settings.module_settings.position_precision)

    def metrics(self) -> bytes:
        """Device metrics as a Telemetry payload; our own node entry remembers them."""
        telemetry = telemetry_pb2.Telemetry(time=self._board.unix_time)
        metrics = telemetry.device_metrics
        metrics.battery_level = BATTERY_POWERED_EXTERNALLY
        metrics.voltage = 0.0
        metrics.channel_utilization = self._mac.channel_utilization
        metrics.air_util_tx = self._mac.airtime.air_util_tx(self._board.timeline.now)
        metrics.uptime_seconds = self._board.uptime_s
        self._board.nodes.entries[self._board.num].metrics = metrics
        return bytes(telemetry.SerializeToString())

    def metrics_packet(self) -> Packet:
        """Device metrics as the client gets them every minute."""
        return self._for_client(self.metrics())

    def stats_packet(self) -> Packet:
        """Local statistics as the client gets them every quarter of an hour."""
        telemetry = telemetry_pb2.Telemetry(time=self._board.unix_time)
        stats = telemetry.local_stats
        stats.uptime_seconds = self._board.uptime_s
        stats.channel_utilization = self._mac.channel_utilization
        stats.air_util_tx = self._mac.airtime.air_util_tx(self._board.timeline.now)
        stats.num_total_nodes = len(self._board.nodes.entries)
        stats.num_online_nodes = stats.num_total_nodes
        return self._for_client(telemetry.SerializeToString())

    def _for_client(self, payload: bytes) -> Packet:
        packet = self._board.new_packet(BROADCAST, Port.TELEMETRY_APP, payload)
        packet.priority = Priority.BACKGROUND
        return packet
