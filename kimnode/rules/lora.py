"""LoRa arithmetic: presets, time on air, frequency slots. Everything else asks here.

Source: Semtech AN1200.13 (time on air), Meshtastic firmware 2.7 RadioInterface.cpp (presets,
16-symbol preamble, slots). Times are for explicit header and CRC on, as the firmware sends.
"""

import math
from dataclasses import dataclass

PREAMBLE_SYMBOLS = 16
HEADER_BYTES = 16  # Meshtastic packet header in front of the encrypted Data protobuf
LOW_DATA_RATE_SYMBOL_MS = 16.0  # at and above this symbol time the chip's LDRO is on


@dataclass(frozen=True, slots=True)
class Preset:
    """A modem preset; `coding` is the denominator of the coding rate 4/x."""

    name: str
    spreading: int
    bandwidth_khz: float
    coding: int

    @property
    def symbol_ms(self) -> float:
        return float(2**self.spreading / self.bandwidth_khz)


PRESETS = {
    p.name: p
    for p in (
        Preset("SHORT_TURBO", 7, 500, 5),
        Preset("SHORT_FAST", 7, 250, 5),
        Preset("SHORT_SLOW", 8, 250, 5),
        Preset("MEDIUM_FAST", 9, 250, 5),
        Preset("MEDIUM_SLOW", 10, 250, 5),
        Preset("LONG_FAST", 11, 250, 5),
        Preset("LONG_MODERATE", 11, 125, 8),
        Preset("LONG_SLOW", 12, 125, 8),
    )
}


def time_on_air_ms(preset: Preset, frame_bytes: int) -> float:
    """Milliseconds that a LoRa frame of `frame_bytes` (header included) occupies the air."""
    t = preset.symbol_ms
    low_rate = 2 if t >= LOW_DATA_RATE_SYMBOL_MS else 0
    bits = 8 * frame_bytes - 4 * preset.spreading + 28 + 16
    blocks = max(math.ceil(bits / (4 * (preset.spreading - low_rate))), 0)
    return (PREAMBLE_SYMBOLS + 4.25 + 8 + blocks * preset.coding) * t


def slot_centre_mhz(start_mhz: float, bandwidth_khz: float, slot: int) -> float:
    """Centre frequency of a 1-based slot of a region that starts at `start_mhz`."""
    bandwidth_mhz = bandwidth_khz / 1000
    return start_mhz + bandwidth_mhz / 2 + (slot - 1) * bandwidth_mhz
