"""What a waiting villager is told about the time, and that it comes true."""

import pytest

from kimnode.rules.airtime import (
    EXPIRY_S,
    REPORT_MAX_AGE_S,
    TEXT_PACING_S,
    Governor,
    Priority,
    Send,
    Spent,
    Wait,
    Waiting,
)
from kimnode.rules.ledger import HOUR_S, WINDOW_S
from tests.rules.airtime_samples import NOW, packet, spent


def estimate(governor: Governor, waiting: list[Waiting], *message: Waiting) -> float | None:
    return governor.estimate_wait_s(waiting, message, NOW)


def test_estimate_of_an_empty_queue_is_now():
    assert estimate(Governor(), [], packet(1)) == 0.0


def test_estimate_counts_pacing_and_long_packets():
    assert estimate(Governor(), [packet(1), packet(2)], packet(3)) == 2 * TEXT_PACING_S
    assert estimate(Governor(), [packet(1, airtime_ms=5000.0)], packet(3)) == 5.0
    parts = [packet(n, message=7, part=n) for n in (1, 2, 3)]
    assert estimate(Governor(), [], *parts) == 2 * TEXT_PACING_S


def test_estimate_of_a_message_that_waits_already_is_its_place_in_the_line():
    waiting = [packet(1), packet(2), packet(3)]
    assert estimate(Governor(), waiting, waiting[1]) == TEXT_PACING_S
    assert estimate(Governor(), waiting, waiting[0]) == 0


def test_estimate_lets_higher_classes_pass_and_passes_lower_ones():
    waiting = [packet(1), packet(2, Priority.SOS), packet(3, Priority.BULLETIN)]
    assert estimate(Governor(), waiting, packet(4, Priority.DIRECT)) == 2 * TEXT_PACING_S
    assert estimate(Governor(), waiting, packet(4, Priority.SOS)) == TEXT_PACING_S


def test_estimate_waits_for_the_budget_of_the_rolling_hour():
    governor = spent(21_600, at=NOW - 3000)
    assert estimate(governor, [], packet(1)) == WINDOW_S - 3000
    waiting = [packet(n, airtime_ms=10_800.0) for n in (1, 2)]
    assert estimate(governor, waiting, packet(3, Priority.DIRECT)) == 0
    third = packet(3, expires_at=NOW + 3 * HOUR_S)
    assert estimate(governor, waiting, third) == pytest.approx(WINDOW_S - 3000 + WINDOW_S)


def test_estimate_is_none_when_it_would_expire_first():
    governor = spent(21_600, at=NOW - 3000)
    assert estimate(governor, [], packet(1, expires_at=NOW + 720)) is None
    assert estimate(governor, [], packet(1, expires_at=NOW + 721)) == 720
    assert estimate(Governor(), [], packet(1, airtime_ms=1e6)) is None


def test_estimate_skips_what_will_be_dropped():
    assert estimate(Governor(), [packet(1, airtime_ms=1e6)], packet(2)) == 0


def test_estimate_of_a_retry_waits_for_its_back_off():
    assert estimate(Governor(), [], packet(1, not_before=NOW + 40)) == 40


def test_estimate_under_a_busy_channel_is_until_the_report_is_stale():
    governor = Governor()
    governor.report(30, 0, NOW)
    assert estimate(governor, [], packet(1)) == REPORT_MAX_AGE_S
    assert estimate(governor, [], packet(1, Priority.DIRECT)) == 0


def test_estimate_learns_how_many_transmissions_packets_need():
    governor = Governor()
    waiting = [packet(n, airtime_ms=2000.0, transmissions=3) for n in (1, 2, 3)]
    assert estimate(governor, waiting, packet(9)) == 18.0
    for number in range(30):
        governor.reserve(packet(number, airtime_ms=0.0, transmissions=3), number, NOW)
        governor.settle(number, 1)
    assert estimate(governor, waiting, packet(9)) == 9.0  # the pacing
    for number in range(30, 40):
        governor.reserve(packet(number, airtime_ms=0.0, transmissions=3), number, NOW)
        governor.settle(number, 3)
    assert estimate(governor, waiting, packet(9)) == 12.0  # twenty kept, half of each
    assert estimate(governor, [packet(1, airtime_ms=5000.0)], packet(9)) == 5.0  # no ack wanted


def test_packets_without_ack_or_without_any_transmission_teach_nothing():
    governor = Governor()
    governor.reserve(packet(1, airtime_ms=0.0, transmissions=1), 1, NOW)
    governor.settle(1, 1)
    governor.reserve(packet(2, airtime_ms=0.0, transmissions=3), 2, NOW)
    governor.settle(2, 0)
    waiting = [packet(3, airtime_ms=2000.0, transmissions=3)]
    assert estimate(governor, waiting, packet(9)) == 6.0


def test_estimate_is_what_then_happens():
    """The queue is run to its end; each packet goes when it was told, as nothing came between."""
    governor = Governor([Spent(900 + n, NOW - 400 * n, 3000.0, Priority.CHAT) for n in range(7)])
    waiting = [packet(n, p, 700.0 + n) for n, p in enumerate(sorted(Priority) * 5)]
    told = {w.id: governor.estimate_wait_s(waiting, [w], NOW) for w in waiting}
    assert run(governor, waiting) == pytest.approx(told, abs=0.1)


def run(governor: Governor, waiting: list[Waiting]) -> dict[int, float]:
    """Drives the governor as the radio's outbound loop does: when each packet went."""
    now, left, went = NOW, list(waiting), {}
    while left:
        decision = governor.choose(left, now)
        if isinstance(decision, Send):
            went[decision.item.id] = now - NOW
            governor.reserve(decision.item, decision.item.id, now)
            left.remove(decision.item)
            now += max(TEXT_PACING_S, decision.item.cost_ms / 1000)
        else:
            assert isinstance(decision, Wait)
            now += decision.seconds
    return went


def test_an_sos_behind_ten_thousand_chats_goes_at_once():
    governor = Governor()
    flood = [packet(n) for n in range(10_000)]
    sos = packet(10_001, Priority.SOS)
    assert estimate(governor, flood, sos) == 0
    assert governor.choose([*flood, sos], NOW) == Send(sos, over_budget=False)
    late = packet(10_002, expires_at=NOW + EXPIRY_S[Priority.CHAT])
    assert estimate(governor, flood, late) is None
