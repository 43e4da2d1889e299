"""What one LoRa transmission carries: Meshtastic's 16-byte header and the encrypted bytes.

`channel` is the channel *hash* here (0 = PKI), never an index; indexes exist only inside a radio.
"""

from dataclasses import dataclass

from kimnode.rules.lora import HEADER_BYTES

BROADCAST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Frame:
    """Header fields as firmware 2.7 sends them, then `payload` (encrypted Data protobuf)."""

    to: int
    sender: int
    packet_id: int
    hop_limit: int
    hop_start: int
    want_ack: bool
    channel: int
    next_hop: int
    relay: int
    payload: bytes

    @property
    def size_bytes(self) -> int:
        return HEADER_BYTES + len(self.payload)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What two radios must share to hear each other: centre MHz, preset."""

    mhz: float
    preset: str
