"""LoRa arithmetic against a table computed apart from this code (Semtech AN1200.13)."""

import pytest

from kimnode.rules.airtime import packet_airtime_ms
from kimnode.rules.lora import HEADER_BYTES, PRESETS, Preset, slot_centre_mhz, time_on_air_ms

# Frames of 20, 100, 200, 233 bytes plus the 16 of the header; a text of 100 bytes, plain and PKI.
TABLE = {
    "SHORT_TURBO": (21, 51, 88, 99, 53, 57),
    "SHORT_FAST": (43, 102, 176, 199, 107, 114),
    "SHORT_SLOW": (80, 183, 311, 351, 188, 203),
    "MEDIUM_FAST": (150, 324, 560, 631, 345, 365),
    "MEDIUM_SLOW": (280, 607, 1017, 1140, 628, 669),
    "LONG_FAST": (518, 1133, 1870, 2116, 1174, 1255),
    "LONG_MODERATE": (1511, 3871, 6754, 7803, 4133, 4395),
    "LONG_SLOW": (3023, 7217, 12460, 14033, 7479, 8004),
}


@pytest.mark.parametrize("name", TABLE)
def test_time_on_air_agrees_with_the_table(name):
    preset = PRESETS[name]
    *frames, text, pki = TABLE[name]
    for size, expected in zip((20, 100, 200, 233), frames, strict=True):
        assert round(time_on_air_ms(preset, size + HEADER_BYTES)) == expected
    assert round(packet_airtime_ms(preset, 100)) == text
    assert round(packet_airtime_ms(preset, 100, pki=True)) == pki


def test_every_preset_is_in_the_table():
    assert set(PRESETS) == set(TABLE)


def test_a_turbo_preset_outside_the_list():
    assert round(time_on_air_ms(Preset("LONG_TURBO", 11, 500, 8), 116)) == 837


def test_symbol_time():
    assert PRESETS["LONG_FAST"].symbol_ms == pytest.approx(8.192)


def test_low_data_rate_optimisation_begins_at_sixteen_milliseconds():
    just_below = Preset("below", 11, 2048 / 15.999, 5)
    at_limit = Preset("at", 11, 128, 5)
    assert at_limit.symbol_ms == 16.0
    assert time_on_air_ms(at_limit, 100) > 1.1 * time_on_air_ms(just_below, 100)


def test_a_frame_is_never_shorter_than_preamble_and_header():
    assert time_on_air_ms(PRESETS["LONG_SLOW"], 0) == (16 + 4.25 + 8) * 32.768


@pytest.mark.parametrize(
    ("start", "bandwidth", "slot", "centre"),
    [(920.0, 250, 1, 920.125), (920.0, 250, 12, 922.875), (920.0, 250, 8, 921.875)],
)
def test_slots_of_the_korean_band(start, bandwidth, slot, centre):
    assert slot_centre_mhz(start, bandwidth, slot) == pytest.approx(centre)


def test_the_same_slot_at_half_the_bandwidth():
    assert slot_centre_mhz(920.0, 125, 14) == pytest.approx(921.6875)
    assert slot_centre_mhz(917.0, 250, 4) == pytest.approx(917.875)
