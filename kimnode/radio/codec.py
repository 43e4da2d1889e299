"""FromRadio frames -> values, and what we tell the radio -> ToRadio bytes. Protobuf ends here.

A frame that is no FromRadio raises WireError. Frames that mean nothing to a node (settings of
modules, files, screens) decode to None; what a newer firmware adds is ignored the same way.
"""

import math
from collections.abc import Callable

from google.protobuf.message import DecodeError
from meshtastic.protobuf import (
    admin_pb2,
    channel_pb2,
    config_pb2,
    mesh_pb2,
    portnums_pb2,
    telemetry_pb2,
)

from kimnode.errors import WireError
from kimnode.radio.messages import (
    MAX_PAYLOAD_BYTES,
    MAX_PRIVATE_BYTES,
    NODEINFO_PORT,
    ROUTING_PORT,
    TELEMETRY_PORT,
    TEXT_PORT,
    ChannelInfo,
    ConfigComplete,
    Contact,
    FromRadio,
    Heard,
    LoraConfig,
    Metadata,
    MyInfo,
    NodeSeen,
    Notification,
    Outgoing,
    QueueStatus,
    Rebooted,
    RoutingReply,
    Sealed,
    Telemetry,
)
from kimnode.rules.lora import PRESETS, Preset

# What LoRa chips can do. A number outside is a lie or a fault of the cable: 2 to the power of an
# absurd spreading factor would stop the node.
SPREADING, BANDWIDTHS_KHZ, CODING = range(5, 13), range(7, 1626), range(5, 9)
UNKNOWN = Preset("CUSTOM", 11, 250, 8)  # rather too much airtime reckoned than too little

# MeshPacket.TransportMechanism of what came from elsewhere: LoRa (four ways), MQTT, UDP. What the
# radio says itself has 0, and no signal strength (all recordings of firmware 2.7.26).
ROADS_OF_OTHERS = range(1, 7)


class BadPayload(WireError):
    """A sound frame of our radio; what a stranger put into the packet in it makes no sense.

    Such a frame must never be searched for others: the stranger may have put some there.
    """


def decode(frame: bytes, own_node: int | None = None) -> FromRadio | None:
    """The value of one frame, None when a node has no use for it. WireError: no FromRadio.

    `own_node`: number of our own radio. A packet that came over the air in its name is forged (or
    an echo) and None: our radio's own words decide about airtime and what was sent.
    """
    try:
        message = mesh_pb2.FromRadio.FromString(frame)
    except DecodeError as error:
        raise WireError(f"no FromRadio: {error}") from error
    read = _READERS.get(message.WhichOneof("payload_variant") or "")
    if own_node is not None and _forged(message.packet, own_node):
        return None
    try:
        return read(message) if read else None
    except DecodeError as error:
        raise BadPayload(f"unreadable packet: {error}") from error


def _forged(packet: mesh_pb2.MeshPacket, own_node: int) -> bool:
    came_by_air = packet.transport_mechanism in ROADS_OF_OTHERS or packet.rx_rssi != 0
    sender: int = getattr(packet, "from")
    return came_by_air and sender == own_node


def _queue_status(message: mesh_pb2.FromRadio) -> QueueStatus:
    status = message.queueStatus
    return QueueStatus(status.mesh_packet_id, status.res, status.free, status.maxlen)


def _node_info(message: mesh_pb2.FromRadio) -> NodeSeen:
    info = message.node_info
    return _node(info.num, info.user, info.last_heard, info.snr)


def _config(message: mesh_pb2.FromRadio) -> LoraConfig | None:
    is_lora = message.config.WhichOneof("payload_variant") == "lora"
    return _lora(message.config.lora) if is_lora else None


_READERS: dict[str, Callable[[mesh_pb2.FromRadio], FromRadio | None]] = {
    "packet": lambda m: _packet(m.packet),
    "queueStatus": _queue_status,
    "my_info": lambda m: MyInfo(m.my_info.my_node_num, m.my_info.reboot_count),
    "node_info": _node_info,
    "config": _config,
    "channel": lambda m: _channel(m.channel),
    "metadata": lambda m: Metadata(m.metadata.firmware_version),
    "config_complete_id": lambda m: ConfigComplete(m.config_complete_id),
    "rebooted": lambda m: Rebooted() if m.rebooted else None,
    "clientNotification": lambda m: Notification(
        m.clientNotification.message, m.clientNotification.reply_id
    ),
}


def _packet(packet: mesh_pb2.MeshPacket) -> FromRadio | None:
    sender: int = getattr(packet, "from")
    if packet.WhichOneof("payload_variant") != "decoded":
        return Sealed(sender, packet.to, packet.id)
    data = packet.decoded
    if data.portnum == ROUTING_PORT:
        return _routing(sender, data)
    if data.portnum == NODEINFO_PORT and sender:
        user = mesh_pb2.User.FromString(data.payload)
        return _node(sender, user, packet.rx_time, packet.rx_snr)
    if data.portnum == TELEMETRY_PORT:
        return _telemetry(sender, data.payload)
    return Heard(
        sender=sender,
        to=packet.to,
        channel=packet.channel,
        packet_id=packet.id,
        portnum=data.portnum,
        payload=data.payload,
        pki_encrypted=packet.pki_encrypted,
        public_key=packet.public_key,
        via_mqtt=packet.via_mqtt,
        transport=packet.transport_mechanism,
        hop_start=packet.hop_start,
        hop_limit=packet.hop_limit,
        snr=packet.rx_snr,
        rssi=packet.rx_rssi,
        rx_time=packet.rx_time,
        reply_id=data.reply_id,
        emoji=data.emoji,
    )


def _routing(sender: int, data: mesh_pb2.Data) -> RoutingReply | None:
    routing = mesh_pb2.Routing.FromString(data.payload)
    if routing.WhichOneof("variant") not in ("error_reason", None) or not data.request_id:
        return None
    return RoutingReply(data.request_id, sender, routing.error_reason)


def _node(num: int, user: mesh_pb2.User, last_heard: int, snr: float) -> NodeSeen:
    return NodeSeen(num, user.long_name, user.short_name, user.public_key, last_heard, snr)


def _telemetry(sender: int, payload: bytes) -> Telemetry | None:
    telemetry = telemetry_pb2.Telemetry.FromString(payload)
    if telemetry.WhichOneof("variant") != "device_metrics":
        return None
    metrics = telemetry.device_metrics

    def of(field: str) -> float | None:
        value: float = getattr(metrics, field)
        return value if metrics.HasField(field) and math.isfinite(value) else None

    battery = of("battery_level")
    return Telemetry(
        sender,
        of("channel_utilization"),
        of("air_util_tx"),
        None if battery is None else int(battery),
        of("voltage"),
    )


def own_gps_time(payload: bytes) -> int | None:
    """Unix seconds by the receiver in our own radio, from its Position; None when it has no
    receiver: a time that it took from another node proves nothing."""
    try:
        position = mesh_pb2.Position.FromString(payload)
    except DecodeError:
        return None
    internal = position.location_source == mesh_pb2.Position.LocSource.LOC_INTERNAL
    return (position.timestamp or position.time or None) if internal else None


def _channel(channel: channel_pb2.Channel) -> ChannelInfo:
    settings = channel.settings
    role = _name(channel_pb2.Channel.Role, channel.role)
    return ChannelInfo(channel.index, settings.name, role, len(settings.psk) <= 1)


def _lora(lora: config_pb2.Config.LoRaConfig) -> LoraConfig:
    name = _name(config_pb2.Config.LoRaConfig.ModemPreset, lora.modem_preset)
    named = PRESETS.get(name) if lora.use_preset else None
    own = Preset(
        "CUSTOM",
        lora.spread_factor if lora.spread_factor in SPREADING else UNKNOWN.spreading,
        lora.bandwidth if lora.bandwidth in BANDWIDTHS_KHZ else UNKNOWN.bandwidth_khz,
        lora.coding_rate if lora.coding_rate in CODING else UNKNOWN.coding,
    )
    return LoraConfig(
        region=_name(config_pb2.Config.LoRaConfig.RegionCode, lora.region),
        preset=named or own,
        hop_limit=lora.hop_limit,
        tx_enabled=lora.tx_enabled,
        tx_power_dbm=lora.tx_power,
        channel_num=lora.channel_num,
        override_frequency_mhz=lora.override_frequency,
    )


def _name(enum: object, number: int) -> str:
    """A protobuf enum's name for `number`; newer firmware has numbers that we do not know."""
    names: dict[int, str] = {value: key for key, value in enum.items()}  # type: ignore[attr-defined]
    return names.get(number, str(number))


def want_config(nonce: int) -> bytes:
    """Ask for everything, or with CONFIG_ONLY for everything but the other nodes."""
    return _bytes(mesh_pb2.ToRadio(want_config_id=nonce))


def heartbeat() -> bytes:
    """Keeps the session; a live radio answers with a queueStatus (not one for one)."""
    return _bytes(mesh_pb2.ToRadio(heartbeat=mesh_pb2.Heartbeat()))


def packet(outgoing: Outgoing, own_node: int, hop_limit: int) -> bytes:
    """One mesh packet. `from` is set: otherwise refusals go on the air instead of to us."""
    longest = MAX_PAYLOAD_BYTES if outgoing.portnum == TEXT_PORT else MAX_PRIVATE_BYTES
    if not 0 < len(outgoing.payload) <= longest or not outgoing.packet_id:
        raise ValueError(f"packet of {len(outgoing.payload)} bytes with id {outgoing.packet_id}")
    message = mesh_pb2.MeshPacket(
        to=outgoing.to,
        channel=outgoing.channel,
        id=outgoing.packet_id,
        hop_limit=hop_limit,  # 0 without want_ack would really mean no hop
        want_ack=outgoing.want_ack,
        priority=outgoing.priority,
        decoded=mesh_pb2.Data(
            portnum=outgoing.portnum,
            payload=outgoing.payload,
            reply_id=outgoing.reply_id,
        ),
    )
    setattr(message, "from", own_node)
    return _bytes(mesh_pb2.ToRadio(packet=message))


def set_time(unix_s: int, own_node: int, packet_id: int) -> bytes:
    """Give the radio the time; it answers with a queueStatus only and may ignore it."""
    return _admin(admin_pb2.AdminMessage(set_time_only=unix_s), own_node, packet_id)


def add_contact(contact: Contact, own_node: int, packet_id: int) -> bytes:
    """Give the radio a node's key as checked by a person: no NodeInfo replaces it any more."""
    user = mesh_pb2.User(
        id=f"!{contact.num:08x}",
        long_name=contact.name,
        short_name=contact.name.encode()[:4].decode(errors="ignore"),
        public_key=contact.public_key,
    )
    shared = admin_pb2.SharedContact(node_num=contact.num, user=user, manually_verified=True)
    return _admin(admin_pb2.AdminMessage(add_contact=shared), own_node, packet_id)


def remove_node(num: int, own_node: int, packet_id: int) -> bytes:
    """Let the radio forget a node and its key; what it hears of it later it learns anew."""
    return _admin(admin_pb2.AdminMessage(remove_by_nodenum=num), own_node, packet_id)


def _admin(admin: admin_pb2.AdminMessage, own_node: int, packet_id: int) -> bytes:
    """To our own radio. No answer is asked for: it would only say that it was understood."""
    message = mesh_pb2.MeshPacket(
        to=own_node,
        id=packet_id,
        decoded=mesh_pb2.Data(
            portnum=portnums_pb2.PortNum.ADMIN_APP, payload=admin.SerializeToString()
        ),
    )
    setattr(message, "from", own_node)
    return _bytes(mesh_pb2.ToRadio(packet=message))


def _bytes(message: mesh_pb2.ToRadio) -> bytes:
    data: bytes = message.SerializeToString()
    return data
