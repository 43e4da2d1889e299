"""The life of a packet: every state meets every event; the meanings of the radio's words."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules import delivery
from kimnode.rules.delivery import (
    BROADCAST,
    KEEPS_ID,
    MAX_ATTEMPTS,
    MAX_RETRY_DELAY_S,
    RETRY_DELAY_S,
    STEPS,
    Event,
    Flight,
    State,
    Why,
    max_retransmit_s,
    patience_s,
    queue_empty,
    read_queue_status,
    read_routing,
    restarted,
    retry_delay_s,
    silence,
    step,
    table_text,
)
from kimnode.rules.lora import PRESETS

OWN, DEST, RELAY = 0x1000001F, 0x10000020, 0x10000021
PAIRS = list(itertools.product(State, Event))


def flight(state=State.QUEUED, why=Why.NONE, dest=BROADCAST, want_ack=True, attempt=1):
    return Flight(4711, dest, want_ack, state, why, attempt)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_state_meets_every_event(state, event):
    before = flight(state, Why.ACCEPTED if state is State.IN_RADIO else Why.NONE)
    if event is Event.LINK_RESTARTED:
        before = flight(state)
    after = step(before, event, Why.REFUSED)
    if (state, event) in STEPS:
        assert after.state is STEPS[state, event]
        assert after.why is Why.REFUSED
    else:
        assert after is before


def test_the_table_ends_only_where_it_may():
    final = {s for s in State if all(STEPS.get((s, e), s) is s for e in Event)}
    assert final == {State.DELIVERED}
    assert all(
        STEPS[s, Event.DEST_ACK] is State.DELIVERED for s in State if s is not State.DELIVERED
    )
    rank = [State.ON_AIR, State.RELAYED, State.DELIVERED]
    for (state, event), following in STEPS.items():
        if state in rank and following in rank:
            assert rank.index(following) >= rank.index(state), (state, event)


def test_nothing_is_claimed_to_be_on_air_without_a_proof():
    proofs = {
        Event.LEFT_QUEUE, Event.NOT_REPEATED, Event.IMPLICIT_ACK, Event.DEST_ACK,
    }  # fmt: skip
    beyond = {State.ON_AIR, State.RELAYED, State.DELIVERED}
    for (state, event), following in STEPS.items():
        if following in beyond and state not in beyond:
            assert event in proofs


def test_an_empty_queue_proves_nothing_about_a_packet_that_was_never_accepted():
    written = flight(State.IN_RADIO)
    assert step(written, Event.LEFT_QUEUE) is written
    accepted = step(written, Event.ACCEPTED, Why.ACCEPTED)
    assert accepted.accepted
    assert step(accepted, Event.LEFT_QUEUE).state is State.ON_AIR


def test_a_new_connection_voids_what_the_radio_said():
    written = flight(State.IN_RADIO)
    accepted = flight(State.IN_RADIO, Why.ACCEPTED)
    assert step(written, *restarted(written)).state is State.QUEUED
    unsure = step(accepted, *restarted(accepted))
    assert unsure.state is State.IN_RADIO
    assert step(unsure, Event.LEFT_QUEUE) is unsure, "an empty queue may mean a reboot"
    assert step(unsure, Event.IMPLICIT_ACK).state is State.RELAYED
    assert step(unsure, *restarted(unsure)).state is State.QUEUED


def test_writing_counts_attempts_and_they_are_bounded():
    for why, most in MAX_ATTEMPTS.items():
        now = flight(attempt=0)
        for attempt in range(1, most + 1):
            now = step(now, Event.WRITTEN)
            assert now.attempt == attempt
            event = Event.SILENCE if why is Why.NO_ANSWER else Event.REJECTED_RETRY
            now = step(now, event, why)
        assert (now.state, now.why) == (State.FAILED, why)


def test_what_never_cost_airtime_is_tried_until_it_is_too_old():
    now = flight(State.IN_RADIO, attempt=500)
    for why in (Why.QUEUE_FULL, Why.DUTY_CYCLE, Why.NO_REGION, Why.NO_INTERFACE):
        assert step(now, Event.REJECTED_RETRY, why).state is State.QUEUED


def test_a_packet_that_may_have_been_on_air_keeps_its_id():
    assert {Why.NO_ANSWER, Why.LINK_RESTARTED} == KEEPS_ID
    assert silence(flight(State.IN_RADIO))[1] in KEEPS_ID
    assert restarted(flight(State.IN_RADIO))[1] in KEEPS_ID


@pytest.mark.parametrize(
    ("res", "free", "expected"),
    [
        (0, 15, (Event.ACCEPTED, Why.ACCEPTED)),
        (0, 0, (Event.ACCEPTED, Why.ACCEPTED)),
        (0, 16, (Event.REJECTED_RETRY, Why.DROPPED)),
        (6, 16, (Event.REJECTED_FINAL, Why.NO_CHANNEL)),
        (7, 16, (Event.REJECTED_FINAL, Why.TOO_LARGE)),
        (32, 0, (Event.REJECTED_RETRY, Why.QUEUE_FULL)),
        (33, 16, (Event.REJECTED_RETRY, Why.NO_INTERFACE)),
        (34, 16, (Event.REJECTED_RETRY, Why.NO_REGION)),
        (38, 16, (Event.REJECTED_RETRY, Why.RATE_LIMITED)),
        (39, 16, (Event.REJECTED_FINAL, Why.NO_KEY)),
        (99, 16, (Event.REJECTED_FINAL, Why.REFUSED)),
    ],
)
def test_what_a_queue_status_says(res, free, expected):
    assert read_queue_status(res, free, 16) == expected


def test_a_radio_that_does_not_count_its_queue_drops_nothing():
    assert not queue_empty(0, 0)
    assert read_queue_status(0, 0, 0) == (Event.ACCEPTED, Why.ACCEPTED)


@pytest.mark.parametrize(
    ("error", "sender", "dest", "expected"),
    [
        (0, OWN, BROADCAST, (Event.IMPLICIT_ACK, Why.NONE)),
        (0, OWN, DEST, (Event.IMPLICIT_ACK, Why.NONE)),
        (0, DEST, DEST, (Event.DEST_ACK, Why.NONE)),
        (0, RELAY, DEST, None),
        (0, RELAY, BROADCAST, None),
        (8, DEST, DEST, None),
        (5, OWN, BROADCAST, (Event.NOT_REPEATED, Why.NOT_REPEATED)),
        (5, OWN, DEST, (Event.NOT_ACKED, Why.MAX_RETRANSMIT)),
        (35, DEST, DEST, (Event.UNREADABLE, Why.UNKNOWN_KEY)),
        (38, OWN, BROADCAST, (Event.REJECTED_RETRY, Why.RATE_LIMITED)),
        (9, OWN, DEST, (Event.REJECTED_RETRY, Why.DUTY_CYCLE)),
        (4, OWN, DEST, (Event.REJECTED_RETRY, Why.NO_INTERFACE)),
        (7, OWN, DEST, (Event.REJECTED_FINAL, Why.TOO_LARGE)),
        (6, OWN, DEST, (Event.REJECTED_FINAL, Why.NO_CHANNEL)),
        (39, OWN, DEST, (Event.REJECTED_FINAL, Why.NO_KEY)),
        (6, DEST, DEST, (Event.NAK, Why.REFUSED)),
        (33, OWN, DEST, (Event.NAK, Why.REFUSED)),
    ],
)
def test_whose_word_it_is_decides(error, sender, dest, expected):
    assert read_routing(error, sender, OWN, dest) == expected


@pytest.mark.parametrize("error", range(1, 48))
@pytest.mark.parametrize("dest", [BROADCAST, DEST])
def test_a_stranger_can_neither_fail_a_packet_nor_have_it_sent_again(error, dest):
    assert read_routing(error, RELAY, OWN, dest) is None
    assert read_routing(5, DEST, OWN, dest) is None


def test_max_retransmit_is_corrected_by_the_real_ack_and_acks_come_twice():
    now = flight(State.ON_AIR, dest=DEST)
    now = step(now, Event.NOT_ACKED, Why.MAX_RETRANSMIT)
    assert (now.state, now.why) == (State.FAILED, Why.MAX_RETRANSMIT)
    now = step(now, Event.DEST_ACK)
    assert now.state is State.DELIVERED
    assert step(now, Event.DEST_ACK) is now


def test_silence_means_something_else_in_each_state():
    lonely = flight(State.ON_AIR)
    assert step(lonely, *silence(lonely)).state is State.ON_AIR
    assert step(lonely, *silence(lonely)).why is Why.NO_ANSWER
    direct = flight(State.ON_AIR, dest=DEST)
    assert step(direct, *silence(direct)).state is State.FAILED
    stuck = flight(State.IN_RADIO)
    assert step(stuck, *silence(stuck)).state is State.QUEUED


def test_every_state_that_waits_for_a_word_has_an_end():
    limit_s = 17.0
    assert patience_s(flight(State.IN_RADIO), limit_s) == 34
    assert patience_s(flight(State.IN_RADIO, Why.ACCEPTED), limit_s) == 68
    assert patience_s(flight(State.ON_AIR), limit_s) == 34
    at_rest = [
        flight(State.ON_AIR, Why.NOT_REPEATED), flight(State.ON_AIR, Why.NO_ANSWER),
        flight(State.ON_AIR, want_ack=False), flight(State.RELAYED, dest=DEST),
        flight(State.QUEUED), flight(State.FAILED), flight(State.DELIVERED), flight(State.EXPIRED),
    ]  # fmt: skip
    assert all(patience_s(f, limit_s) is None for f in at_rest)


@pytest.mark.parametrize(
    ("preset", "payload_bytes", "measured_s"),
    [("MEDIUM_FAST", 16, 16.6), ("LONG_FAST", 6, 21.1), ("LONG_FAST", 220, 33.0)],
)
def test_the_time_to_max_retransmit_is_about_what_was_measured(preset, payload_bytes, measured_s):
    computed_s = max_retransmit_s(PRESETS[preset], payload_bytes)
    assert 0.9 * measured_s <= computed_s <= 1.25 * measured_s
    assert max_retransmit_s(PRESETS[preset], payload_bytes, 100.0) > computed_s
    assert max_retransmit_s(PRESETS[preset], payload_bytes, -3.0) == computed_s


def test_retries_wait_longer_each_time_up_to_a_limit():
    for why, first in RETRY_DELAY_S.items():
        delays = [retry_delay_s(why, attempt) for attempt in range(1, 40)]
        assert delays[0] == min(first, MAX_RETRY_DELAY_S)
        assert delays == sorted(delays)
        assert delays[-1] in (0.0, MAX_RETRY_DELAY_S)
    assert retry_delay_s(Why.NONE, 3) == 0.0


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_no_row_of_events_takes_a_delivery_back(events):
    now = flight()
    delivered = False
    for event in events:
        now = step(now, event)
        delivered |= now.state is State.DELIVERED
        assert not delivered or now.state is State.DELIVERED


@given(st.integers(0, 2**32 - 1), st.integers(0, 64), st.integers(0, 64))
def test_any_queue_status_has_a_meaning(res, free, maxlen):
    event, why = read_queue_status(res, free, maxlen)
    assert event in (Event.ACCEPTED, Event.REJECTED_RETRY, Event.REJECTED_FINAL)
    assert why is not Why.NONE


def test_the_table_prints_every_step_once():
    lines = table_text().splitlines()
    assert len(lines) == len(STEPS)
    assert "on_air     implicit_ack   -> relayed" in lines
    assert all(reason in RETRY_DELAY_S for reason in delivery.KEEPS_ID)
