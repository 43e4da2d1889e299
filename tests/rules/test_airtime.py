"""The governor: who goes first, what fits, and that no history breaks the budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.rules import airtime
from kimnode.rules.airtime import (
    EXPIRY_S,
    REPORT_MAX_AGE_S,
    TEXT_PACING_S,
    Drop,
    Governor,
    Hold,
    Idle,
    Loss,
    Priority,
    Send,
    Spent,
    Wait,
    Waiting,
    packet_airtime_ms,
    price_s,
)
from kimnode.rules.ledger import HOUR_S, RETRY_SPAN_S, WINDOW_S
from kimnode.rules.lora import PRESETS

NOW = 1_800_000_000.0
BUDGET_MS = 36_000.0  # 1 % of an hour
LATE = NOW + 1e6


def packet(
    number: int = 1,
    priority: Priority = Priority.CHAT,
    airtime_ms: float = 1000.0,
    *,
    message: int | None = None,
    part: int = 1,
    transmissions: int = 1,
    expires_at: float = LATE,
    not_before: float = 0.0,
) -> Waiting:
    return Waiting(
        number,
        number if message is None else message,
        part,
        priority,
        airtime_ms,
        transmissions,
        expires_at,
        not_before,
    )


def spent(used_ms: float, priority: Priority = Priority.CHAT, at: float = NOW) -> Governor:
    return Governor([Spent(99, at, used_ms, priority)])


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
