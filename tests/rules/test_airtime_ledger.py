"""The ledger: what was spent, what the radio says, and that no history breaks the budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.rules.airtime import (
    EXPIRY_S,
    REPORT_MAX_AGE_S,
    TEXT_PACING_S,
    Drop,
    Governor,
    Hold,
    Priority,
    Send,
    Spent,
    Wait,
    Waiting,
)
from kimnode.rules.ledger import HOUR_S, RETRY_SPAN_S, WINDOW_S
from tests.rules.airtime_samples import BUDGET_MS, NOW, packet, spent


def test_budget_comes_back_as_the_hour_rolls():
    governor = Governor(
        [Spent(1, NOW - 3000, 20_000, Priority.CHAT), Spent(2, NOW, 1_000, Priority.CHAT)]
    )
    chat = packet(1, airtime_ms=1000.0)
    decision = governor.choose([chat], NOW)
    assert decision == Wait(WINDOW_S - 3000, Hold.BUDGET)
    assert isinstance(governor.choose([chat], NOW + WINDOW_S - 3000), Send)


def test_a_restart_gives_no_fresh_budget():
    first = Governor()
    for n in range(7):
        first.reserve(packet(n, transmissions=3), n, NOW)
    again = Governor(first.entries(NOW))
    assert again.used_ms(NOW) == first.used_ms(NOW) == 21_000
    assert isinstance(again.choose([packet(9)], NOW), Wait)


def test_another_budget():
    assert Governor(budget_share=0.1).budget_ms == 360_000
    assert Governor().budget_ms == BUDGET_MS


def test_reserving_and_settling():
    governor = Governor()
    item = packet(1, airtime_ms=100.0, transmissions=3)
    assert governor.reserve(item, 5, NOW) == Spent(5, NOW, 300.0, Priority.CHAT)
    assert governor.settle(5, 1) == Spent(5, NOW, 100.0, Priority.CHAT)
    assert governor.settle(5, 2) is None
    assert governor.settle(6, 1) is None
    assert governor.entries(NOW) == (Spent(5, NOW, 100.0, Priority.CHAT),)


@pytest.mark.parametrize(("said", "counted"), [(0, 0.0), (2, 200.0), (3, 300.0), (9, 300.0)])
def test_settling_is_bounded_by_the_reservation(said, counted):
    governor = Governor()
    governor.reserve(packet(1, airtime_ms=100.0, transmissions=3), 5, NOW)
    settled = governor.settle(5, said)
    assert settled is not None
    assert settled.airtime_ms == counted
    governor.reserve(packet(1, airtime_ms=100.0, transmissions=3), 6, NOW)
    assert governor.settle(6, -1) == Spent(6, NOW, 0.0, Priority.CHAT)


def test_the_same_packet_id_again_after_a_crash_adds_up():
    governor = Governor([Spent(5, NOW - 50, 300.0, Priority.CHAT)])
    item = packet(1, airtime_ms=100.0, transmissions=3)
    assert governor.reserve(item, 5, NOW) == Spent(5, NOW, 600.0, Priority.CHAT)
    assert governor.settle(5, 1) == Spent(5, NOW, 400.0, Priority.CHAT)


def test_entries_leave_after_an_hour_and_the_span_of_the_retries():
    assert WINDOW_S == HOUR_S + RETRY_SPAN_S == 3720
    governor = Governor(
        [Spent(2, NOW + 1, 20.0, Priority.CHAT), Spent(1, NOW, 10.0, Priority.CHAT)]
    )
    assert [e.packet_id for e in governor.entries(NOW + 3719)] == [1, 2]
    assert [e.packet_id for e in governor.entries(NOW + 3720)] == [2]
    assert governor.used_ms(NOW + 3721) == 0


def test_a_packet_that_left_the_ledger_cannot_be_settled():
    governor = Governor()
    governor.reserve(packet(1), 5, NOW)
    governor.entries(NOW + WINDOW_S)
    assert governor.settle(5, 1) is None
    assert not governor._open


def test_a_clock_that_was_ahead_delays_for_an_hour_at_most():
    governor = Governor([Spent(1, NOW + 10 * 86_400, 20_000.0, Priority.CHAT)])
    assert governor.used_ms(NOW) == 20_000
    assert governor.used_ms(NOW + WINDOW_S) == 0


def test_relays_of_the_radio_count():
    governor = Governor()
    governor.report(channel_pct=0, air_tx_pct=0.9, now=NOW)
    assert governor.used_ms(NOW) == pytest.approx(32_400)
    assert isinstance(governor.choose([packet(1, Priority.DIRECT)], NOW), Wait)
    assert isinstance(governor.choose([packet(1, Priority.SOS)], NOW), Send)
    governor.report(channel_pct=0, air_tx_pct=0.5, now=NOW)
    assert isinstance(governor.choose([packet(1)], NOW), Send)


def test_the_greater_of_own_sum_and_the_radio_counts_not_both():
    governor = spent(10_000, at=NOW - 100)
    governor.report(channel_pct=0, air_tx_pct=0.1, now=NOW)
    assert governor.used_ms(NOW) == 10_000
    governor.report(channel_pct=0, air_tx_pct=0.5, now=NOW)
    assert governor.used_ms(NOW) == pytest.approx(18_000)


def test_what_went_out_since_the_report_is_added_to_it():
    governor = Governor()
    governor.report(channel_pct=0, air_tx_pct=0.5, now=NOW)
    governor.reserve(packet(1, airtime_ms=1000.0), 1, NOW + 1)
    assert governor.used_ms(NOW + 1) == pytest.approx(19_000)


def test_an_old_report_is_ignored():
    governor = Governor()
    governor.report(channel_pct=90, air_tx_pct=9, now=NOW)
    chat = packet(1)
    assert governor.choose([chat], NOW) == Wait(REPORT_MAX_AGE_S, Hold.CHANNEL_BUSY)
    assert isinstance(governor.choose([chat], NOW + REPORT_MAX_AGE_S - 1), Wait)
    assert governor.used_ms(NOW + REPORT_MAX_AGE_S) == 0
    assert isinstance(governor.choose([chat], NOW + REPORT_MAX_AGE_S), Send)


def test_a_report_from_a_clock_that_was_ahead_is_ignored():
    governor = Governor()
    governor.report(channel_pct=90, air_tx_pct=9, now=NOW + 5)
    assert isinstance(governor.choose([packet(1)], NOW), Send)
    assert governor.used_ms(NOW) == 0


def test_a_wait_for_the_radios_budget_ends_when_the_report_is_stale():
    governor = Governor()
    governor.report(channel_pct=0, air_tx_pct=5, now=NOW)
    assert governor.choose([packet(1)], NOW) == Wait(REPORT_MAX_AGE_S, Hold.BUDGET)


@pytest.mark.parametrize(
    ("channel_pct", "held"),
    [
        (24.9, []),
        (25.0, ["CHAT", "TICKET"]),
        (39.9, ["CHAT", "TICKET"]),
        (40.0, ["CHAT", "TICKET", "DIRECT", "BULLETIN"]),
        (100.0, ["CHAT", "TICKET", "DIRECT", "BULLETIN"]),
    ],
)
def test_a_busy_channel_holds(channel_pct, held):
    governor = Governor()
    governor.report(channel_pct, air_tx_pct=0, now=NOW)
    decisions = {p.name: governor.choose([packet(1, p)], NOW + 1) for p in Priority}
    assert [name for name, d in decisions.items() if isinstance(d, Wait)] == held
    assert all(d.hold is Hold.CHANNEL_BUSY for d in decisions.values() if isinstance(d, Wait))


arrivals = st.tuples(
    st.floats(0, 3 * HOUR_S),  # when
    st.sampled_from(sorted(Priority)),
    st.floats(20, 12_000),  # ms
    st.integers(1, 3),  # parts
    st.sampled_from([1, 3]),  # transmissions reserved
    st.integers(0, 3),  # and used
    st.sampled_from([0.0, 60.0, 119.0]),  # when the last of them goes
)
reports = st.tuples(st.floats(0, 3 * HOUR_S), st.floats(0, 60), st.floats(0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(arrivals, max_size=60), st.lists(reports, max_size=5))
def test_in_any_history_the_budget_holds_and_nothing_is_lost(coming, radio_says):
    governor = Governor()
    coming = sorted(coming, key=lambda a: a[0])
    radio_says = sorted(radio_says)
    waiting: list[Waiting] = []
    on_air: list[tuple[float, float, Priority]] = []
    dropped: list[int] = []
    now, arrived, packet_id = 0.0, 0, 0
    next_id = iter(range(10_000))
    details: dict[int, tuple] = {}
    while arrived < len(coming) or waiting:
        while radio_says and radio_says[0][0] <= now:
            at, channel_pct, air_tx_pct = radio_says.pop(0)
            governor.report(channel_pct, air_tx_pct, at)
        while arrived < len(coming) and coming[arrived][0] <= now:
            at, priority, ms, parts, reserved, used, span = coming[arrived]
            for part in range(1, parts + 1):
                number = next(next_id)
                details[number] = (used, span)
                expires = at + EXPIRY_S[priority]
                waiting.append(
                    Waiting(number, 1000 + arrived, part, priority, ms, reserved, expires)
                )
            arrived += 1
        decision = governor.choose(waiting, now)
        if isinstance(decision, Send):
            item = decision.item
            waiting.remove(item)
            packet_id += 1
            governor.reserve(item, packet_id, now)
            used, span = details[item.id]
            used = min(used, item.transmissions)
            if used:
                last = now + (span if used > 1 else 0.0)
                on_air.append((last, item.airtime_ms * used, item.priority))
            governor.settle(packet_id, used)
            now += TEXT_PACING_S
        elif isinstance(decision, Drop):
            assert all(w.priority is not Priority.SOS for w in decision.items)
            for item in decision.items:
                waiting.remove(item)
                dropped.append(item.id)
        else:
            assert not any(w.priority is Priority.SOS for w in waiting)
            pause = decision.seconds if isinstance(decision, Wait) else HOUR_S
            soonest = coming[arrived][0] if arrived < len(coming) else now + pause
            now = max(min(now + pause, soonest), now + 0.001)
    assert not waiting
    for end, _, _ in on_air:
        hour = [(ms, p) for at, ms, p in on_air if end - HOUR_S < at <= end]
        chat_ms = sum(ms for ms, p in hour if p is Priority.CHAT)
        other_ms = sum(ms for ms, p in hour if p is not Priority.SOS)
        assert chat_ms <= 0.6 * BUDGET_MS + 1e-6
        assert other_ms <= 0.8 * BUDGET_MS + 1e-6
    assert len(dropped) + packet_id == sum(a[3] for a in coming)
