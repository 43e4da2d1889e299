"""What the radio says and what it is told, as frozen values. No protobuf here: see codec.py.

Everything in them was said by somebody else: numbers and names of nodes can be forged by anyone
who has the channel's key.
"""

from dataclasses import dataclass
from enum import StrEnum

from kimnode.rules.lora import Preset

TEXT_PORT, POSITION_PORT, NODEINFO_PORT, ROUTING_PORT = 1, 3, 4, 5
ADMIN_PORT, TELEMETRY_PORT = 6, 67
BROADCAST = 0xFFFFFFFF
CONFIG_ONLY = 69420  # want_config_id that leaves out the other nodes
MAX_PAYLOAD_BYTES = 200  # what every phone app can show and quote; the radio itself takes 232
MAX_PRIVATE_BYTES = 231  # of any other port; the radio answers TOO_LARGE to more
ALERT_PRIORITY = 110  # MeshPacket.Priority ALERT: overtakes what waits in the radio


class LinkState(StrEnum):
    """For pages and metrics."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    WEDGED = "wedged"  # the port is open, the radio says nothing
    WRONG_RADIO = "wrong-radio"


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet that the radio received and could read (or one of its own that it reports)."""

    sender: int
    to: int
    channel: int
    packet_id: int
    portnum: int
    payload: bytes
    pki_encrypted: bool
    public_key: bytes
    via_mqtt: bool
    transport: int  # MeshPacket.TransportMechanism; 1 = LoRa, 0 = the radio itself
    hop_start: int
    hop_limit: int
    snr: float
    rssi: int
    rx_time: int  # unix seconds by the radio's clock; 0: it has none
    reply_id: int
    emoji: int


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """State of the radio's transmit queue. No receipt: `packet_id` may be 0 or not ours."""

    packet_id: int
    res: int
    free: int
    maxlen: int


@dataclass(frozen=True, slots=True)
class RoutingReply:
    """Word about the packet `request_id`; `sender` decides what it means (rules/delivery.py)."""

    request_id: int
    sender: int
    error: int


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node the radio knows or just heard. Names and key may be empty; nothing here is proven."""

    num: int
    long_name: str
    short_name: str
    public_key: bytes
    last_heard: int
    snr: float


@dataclass(frozen=True, slots=True)
class Contact:
    """A node whose key our own radio is to keep: texts to it are encrypted for that key only."""

    num: int
    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Device metrics of `sender`; None where it did not say."""

    sender: int
    channel_utilization: float | None  # percent of the last minute
    air_util_tx: float | None  # percent of the last hour, relayed packets included
    battery_level: int | None  # percent; 101 = powered
    voltage: float | None


@dataclass(frozen=True, slots=True)
class Notification:
    """Words of the radio for its user, about packet `reply_id` when that is not 0."""

    message: str
    reply_id: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A packet that our radio cannot decrypt."""

    sender: int
    to: int
    packet_id: int


@dataclass(frozen=True, slots=True)
class Rebooted:
    """The radio says that it started anew."""


@dataclass(frozen=True, slots=True)
class MyInfo:
    num: int
    reboot_count: int


@dataclass(frozen=True, slots=True)
class Metadata:
    firmware: str


@dataclass(frozen=True, slots=True)
class LoraConfig:
    region: str  # "UNSET": the radio does not transmit
    preset: Preset
    hop_limit: int
    tx_enabled: bool
    tx_power_dbm: int
    channel_num: int
    override_frequency_mhz: float


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    index: int
    name: str
    role: str  # DISABLED, PRIMARY, SECONDARY
    open: bool  # no key, or the public default key


@dataclass(frozen=True, slots=True)
class ConfigComplete:
    nonce: int


@dataclass(frozen=True, slots=True)
class Radio:
    """Our own radio as it described itself at the last handshake."""

    num: int
    public_key: bytes
    firmware: str
    lora: LoraConfig | None
    channels: tuple[ChannelInfo, ...]


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The handshake is complete: packets can be written."""

    radio: Radio


@dataclass(frozen=True, slots=True)
class LinkLost:
    """No packet can be written; what the radio has not confirmed is unknown."""

    reason: str


FromRadio = (
    Heard
    | QueueStatus
    | RoutingReply
    | NodeSeen
    | Telemetry
    | Notification
    | Sealed
    | Rebooted
    | MyInfo
    | Metadata
    | LoraConfig
    | ChannelInfo
    | ConfigComplete
)
LinkEvent = (
    Heard | QueueStatus | RoutingReply | NodeSeen | Telemetry | Notification | LinkUp | LinkLost
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A packet for the mesh. `packet_id` is random, not 0, and committed before it is written."""

    packet_id: int
    to: int
    channel: int
    payload: bytes
    want_ack: bool
    reply_id: int = 0
    portnum: int = TEXT_PORT
    priority: int = 0  # 0: as the radio sees fit
