"""The governor: what a text costs, who goes first and what fits."""

import pytest

from kimnode.rules import airtime
from kimnode.rules.airtime import (
    EXPIRY_S,
    Drop,
    Governor,
    Hold,
    Idle,
    Loss,
    Priority,
    Send,
    Wait,
    Waiting,
    packet_airtime_ms,
    price_s,
)
from kimnode.rules.ledger import WINDOW_S
from kimnode.rules.lora import PRESETS
from tests.rules.airtime_samples import BUDGET_MS, NOW, packet, spent


def test_the_price_of_a_text():
    long_fast = PRESETS["LONG_FAST"]
    assert packet_airtime_ms(long_fast, 100, reply=True) == packet_airtime_ms(long_fast, 105)
    assert packet_airtime_ms(long_fast, 100, pki=True) == packet_airtime_ms(long_fast, 112)
    both = packet_airtime_ms(long_fast, 83, pki=True, reply=True)
    assert both == packet_airtime_ms(long_fast, 100)
    assert price_s(long_fast, [100, 100]) == pytest.approx(2 * 1.174, abs=0.001)
    assert price_s(long_fast, []) == 0


@pytest.mark.parametrize(
    ("text_bytes", "frame_bytes"), [(0, 22), (100, 122), (127, 149), (128, 151), (200, 223)]
)
def test_headers_of_a_text(text_bytes, frame_bytes):
    for preset in PRESETS.values():  # one byte more or less shows in some of them
        expected = airtime.time_on_air_ms(preset, frame_bytes)
        assert packet_airtime_ms(preset, text_bytes) == expected


def test_classes_in_order():
    assert [p.name for p in sorted(Priority)] == ["CHAT", "TICKET", "DIRECT", "BULLETIN", "SOS"]
    assert set(EXPIRY_S) == set(Priority)
    assert [EXPIRY_S[p] / 3600 for p in sorted(Priority)] == [1, 6, 1, 24, 24]


def test_nothing_waits():
    assert Governor().choose([], NOW) == Idle()


def test_the_highest_class_goes_first_and_then_the_oldest():
    waiting = [packet(n, p) for n, p in enumerate([*Priority, *Priority])]
    sent = []
    governor = Governor()
    while waiting:
        decision = governor.choose(waiting, NOW)
        assert isinstance(decision, Send)
        sent.append(decision.item.id)
        waiting.remove(decision.item)
    assert sent == [4, 9, 3, 8, 2, 7, 1, 6, 0, 5]


def test_parts_go_in_order_and_together():
    waiting = [
        packet(1, message=7, part=2),
        packet(2, message=7, part=1),
        packet(3),
        packet(4, message=7, part=3),
    ]
    assert order(waiting) == [2, 1, 4, 3]


def test_a_begun_message_goes_before_an_older_one_that_came_back():
    assert order([packet(1), packet(2, message=7, part=2)]) == [2, 1]


def test_an_sos_goes_between_the_parts_of_a_chat():
    assert order([packet(1, message=7, part=2), packet(2, Priority.SOS)]) == [2, 1]


def order(waiting: list[Waiting]) -> list[int]:
    governor, left, sent = Governor(), list(waiting), []
    while isinstance(decision := governor.choose(left, NOW), Send):
        sent.append(decision.item.id)
        left.remove(decision.item)
    assert isinstance(decision, Idle)
    return sent


@pytest.mark.parametrize(
    ("priority", "limit_ms"),
    [
        (Priority.CHAT, 0.6 * BUDGET_MS),
        (Priority.TICKET, 0.8 * BUDGET_MS),
        (Priority.DIRECT, 0.8 * BUDGET_MS),
        (Priority.BULLETIN, 0.8 * BUDGET_MS),
    ],
)
def test_the_share_of_each_class(priority, limit_ms):
    fits = packet(1, priority, 1000.0)
    assert spent(limit_ms - 1000, priority).choose([fits], NOW) == Send(fits, over_budget=False)
    decision = spent(limit_ms - 999, priority).choose([fits], NOW)
    assert decision == Wait(WINDOW_S, Hold.BUDGET)


def test_chat_is_not_charged_with_what_others_used_until_they_share_a_limit():
    chat = packet(1, Priority.CHAT, 1000.0)
    assert isinstance(spent(27_800, Priority.DIRECT).choose([chat], NOW), Send)
    assert isinstance(spent(27_801, Priority.DIRECT).choose([chat], NOW), Wait)


def test_after_an_sos_the_whole_budget_still_bounds_the_others():
    chat = packet(1, Priority.CHAT, 1000.0)
    assert isinstance(spent(35_000, Priority.SOS).choose([chat], NOW), Send)
    assert isinstance(spent(35_001, Priority.SOS).choose([chat], NOW), Wait)


def test_an_sos_never_waits_for_budget_and_says_when_it_is_over():
    sos = packet(1, Priority.SOS, 1000.0)
    assert spent(35_000).choose([sos], NOW) == Send(sos, over_budget=False)
    assert spent(35_001).choose([sos], NOW) == Send(sos, over_budget=True)
    assert spent(10 * BUDGET_MS, Priority.SOS).choose([sos], NOW) == Send(sos, over_budget=True)
    huge = packet(1, Priority.SOS, 10 * BUDGET_MS)
    assert Governor().choose([huge], NOW) == Send(huge, over_budget=True)


def test_a_message_begins_only_when_all_its_parts_fit():
    parts = [packet(n, message=7, part=n, airtime_ms=1000.0, transmissions=3) for n in (1, 2, 3)]
    assert isinstance(spent(21_600 - 9_000).choose(parts, NOW), Send)
    assert isinstance(spent(21_600 - 8_999).choose(parts, NOW), Wait)
    assert isinstance(spent(21_600 - 3_000).choose(parts[1:], NOW), Send)
    assert isinstance(spent(21_600 - 2_999).choose(parts[1:], NOW), Wait)


def test_the_head_of_the_line_is_not_overtaken_by_a_smaller_packet():
    big, small = packet(1, airtime_ms=3000.0), packet(2, airtime_ms=10.0)
    assert isinstance(spent(20_000).choose([big, small], NOW), Wait)


def test_a_blocked_chat_does_not_block_a_direct_message():
    direct = packet(2, Priority.DIRECT)
    assert spent(21_600).choose([packet(1), direct], NOW) == Send(direct, over_budget=False)


def test_what_never_fits_is_dropped_and_said_so():
    parts = tuple(packet(n, message=7, part=n, airtime_ms=7201.0) for n in (1, 2, 3))
    assert Governor().choose(parts, NOW) == Drop(parts, Loss.TOO_BIG)
    assert not Governor().ever_fits(Priority.CHAT, 21_601)
    assert Governor().ever_fits(Priority.CHAT, 21_600)
    assert Governor().ever_fits(Priority.DIRECT, 28_800)
    assert not Governor().ever_fits(Priority.DIRECT, 28_801)
    assert Governor().ever_fits(Priority.SOS, 1e9)


def test_what_has_expired_is_dropped_before_anything_is_sent():
    late = packet(1, expires_at=NOW)
    decision = Governor().choose([late, packet(2, Priority.SOS)], NOW)
    assert decision == Drop((late,), Loss.EXPIRED)
    assert isinstance(Governor().choose([packet(1, expires_at=NOW + 0.1)], NOW), Send)


def test_a_wait_is_not_longer_than_until_somebody_expires():
    waiting = [packet(1), packet(2, expires_at=NOW + 100)]
    assert spent(21_600).choose(waiting, NOW) == Wait(100.0, Hold.BUDGET)


def test_a_wait_is_not_longer_than_a_back_off_of_somebody():
    waiting = [packet(1), packet(2, Priority.SOS, not_before=NOW + 7)]
    assert spent(21_600).choose(waiting, NOW) == Wait(7.0, Hold.BUDGET)


def test_a_wait_is_never_so_short_that_it_spins():
    assert spent(21_600, at=NOW - WINDOW_S + 1e-6).choose([packet(1)], NOW) == (
        Wait(0.05, Hold.BUDGET)
    )


def test_a_retry_that_backs_off_lets_others_pass():
    retry = packet(1, Priority.DIRECT, not_before=NOW + 10)
    chat = packet(2)
    assert Governor().choose([retry, chat], NOW) == Send(chat, over_budget=False)
    assert Governor().choose([retry], NOW) == Wait(10.0, Hold.BACK_OFF)
    assert Governor().choose([retry], NOW + 10) == Send(retry, over_budget=False)


def test_parts_behind_a_retry_stay_behind_it():
    parts = [packet(1, message=7, part=1, not_before=NOW + 10), packet(2, message=7, part=2)]
    assert Governor().choose(parts, NOW) == Wait(10.0, Hold.BACK_OFF)
