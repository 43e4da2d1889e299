"""Frames made comparable: what is random, measured or masked is replaced by a word.

Replaced: packet ids the firmware made up, times, SNR and RSSI, metrics, private keys, channel keys
and session keys, ciphertext (its length stays), sizes of files. Whether a field is there stays.
"""

from collections.abc import Iterable

from google.protobuf.json_format import MessageToDict
from meshtastic.protobuf import admin_pb2, mesh_pb2, portnums_pb2, telemetry_pb2

Port = portnums_pb2.PortNum
INNER = {
    Port.ROUTING_APP: mesh_pb2.Routing,
    Port.ADMIN_APP: admin_pb2.AdminMessage,
    Port.NODEINFO_APP: mesh_pb2.User,
    Port.POSITION_APP: mesh_pb2.Position,
    Port.TELEMETRY_APP: telemetry_pb2.Telemetry,
    Port.TRACEROUTE_APP: mesh_pb2.RouteDiscovery,
}
MEASURED = {
    "rx_time",
    "rx_snr",
    "rx_rssi",
    "last_heard",
    "snr",
    "time",
    "size_bytes",
    "private_key",
    "session_passkey",
    "psk",
    "channel_utilization",
    "air_util_tx",
    "uptime_seconds",
    "noise_floor",
}
LENGTHS = {"snr_towards", "snr_back"}


def client_ids(frames: Iterable[bytes]) -> set[int]:
    """Packet ids that clients chose: the only ones that must come back unchanged."""
    return {mesh_pb2.ToRadio.FromString(f).packet.id for f in frames} - {0}


def normal(message: mesh_pb2.FromRadio, known_ids: set[int]) -> dict:
    """The comparable form of one frame."""
    tree = MessageToDict(message, preserving_proto_field_name=True)
    if message.HasField("packet"):
        _packet(message.packet, tree["packet"])
    _scrub(tree, known_ids)
    return tree


def is_own_report(message: mesh_pb2.FromRadio) -> bool:
    """The radio's own periodic telemetry: its phase depends on when the radio was switched on."""
    packet = message.packet
    return (
        packet.decoded.portnum == Port.TELEMETRY_APP
        and not packet.decoded.request_id
        and packet.priority == mesh_pb2.MeshPacket.Priority.BACKGROUND
    )


def _packet(packet: mesh_pb2.MeshPacket, tree: dict) -> None:
    kind = INNER.get(packet.decoded.portnum)
    if packet.HasField("decoded") and kind:
        inner = kind.FromString(packet.decoded.payload)
        tree["decoded"]["payload"] = MessageToDict(inner, preserving_proto_field_name=True)
    if packet.HasField("encrypted"):
        tree["encrypted"] = f"{len(packet.encrypted)} bytes"
        if packet.channel:
            tree["channel"] = "hash"


def _scrub(tree: object, known_ids: set[int]) -> None:
    if isinstance(tree, list):
        for item in tree:
            _scrub(item, known_ids)
    if not isinstance(tree, dict):
        return
    for key, value in tree.items():
        if key in MEASURED:
            tree[key] = "measured"
        elif key in LENGTHS:
            tree[key] = len(value)
        elif key in ("id", "request_id", "mesh_packet_id") and isinstance(value, int):
            tree[key] = value if value in known_ids else "made up"
        else:
            _scrub(value, known_ids)
