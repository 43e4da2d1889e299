"""Time without a clock: what each kind of evidence may do, and what no lie can do."""

import dataclasses
import math

import pytest

from kimnode.rules import clock
from kimnode.rules.clock import (
    AGREE_S,
    ALONE_S,
    EARLIEST_S,
    HOLD_S,
    LATEST_S,
    LEND_S,
    MAX_PHONES,
    SURE_FOR_S,
    WEIGHTS,
    Evidence,
    Saved,
    Source,
)
from kimnode.wire.codes import TimeTrust
from tests.rules.clock_samples import DAY, HOUR, LATE, START, YEAR, Box, anchored

SURE, ABOUT, UNSURE = TimeTrust
WRONG = {"1970": -START, "-38 h 40 m": -(38 * HOUR + 2400), "+10 y": 10 * YEAR}
LIVE = [Source.HUB, Source.GPS, Source.NTP, Source.RTC]


def test_a_new_node_knows_that_its_release_is_past():
    box = Box()
    assert (box.trust, box.now.floor_s, box.now.unix_s) == (UNSURE, EARLIEST_S, EARLIEST_S)
    assert box.run(DAY).now.floor_s == EARLIEST_S + DAY
    assert box.now.uptime_s == DAY


@pytest.mark.parametrize("source", LIVE)
def test_a_live_source_makes_it_sure(source):
    box = Box().say(Source.DISTRICT, -2 * DAY).steady(source)
    assert box.trust is SURE
    assert abs(box.off) <= 1
    assert 0 <= box.behind <= 1


@pytest.mark.parametrize("source", [s for s in LIVE if s is not Source.HUB])
def test_an_unsigned_clock_that_is_ahead_must_hold_before_it_counts(source):
    box = Box().say(Source.DISTRICT, -2 * DAY).say(source).run(HOLD_S - 1).say(source)
    assert (box.trust, int(box.behind)) == (ABOUT, 2 * DAY)
    box.run(1).say(source)
    assert (box.trust, int(box.behind)) == (SURE, 0)


def test_a_glitch_starts_the_holding_anew():
    box = Box().say(Source.DISTRICT, -2 * DAY).say(Source.GPS).run(400).say(Source.GPS, 20 * DAY)
    box.run(400).say(Source.GPS).run(400).say(Source.GPS)
    assert box.behind > DAY
    assert box.run(400).say(Source.GPS).behind <= 1


def test_a_clock_that_stands_still_is_no_clock():
    """A receiver without a fix tells the same second again; each time it would be slower."""
    box = anchored(Source.GPS)
    stuck = 0.0
    for _ in range(100):
        box.run(200)
        stuck -= 200
        box.say(Source.GPS, stuck)
    assert box.trust is SURE
    assert -AGREE_S <= box.off <= 0


def test_sure_fades_without_a_fresh_look_and_the_floor_runs_on():
    box = anchored(Source.NTP)
    box.run(SURE_FOR_S - HOUR)
    assert box.trust is SURE
    box.run(2 * HOUR)
    assert (box.trust, round(box.off)) == (ABOUT, 0)
    assert box.say(Source.NTP).trust is SURE


def test_another_clock_that_agrees_takes_over_from_a_faded_one():
    box = anchored(Source.HUB).run(SURE_FOR_S)
    assert box.say(Source.NTP).trust is SURE
    assert box.keeper.anchor.source is Source.NTP


def test_after_an_outage_of_unknown_length_only_the_floor_is_left():
    box = anchored(Source.GPS).outage(9 * HOUR)
    assert (box.trust, round(box.off)) == (UNSURE, -9 * HOUR)
    assert box.steady(Source.GPS).trust is SURE
    assert round(box.off) == 0


def test_running_time_is_counted_across_restarts():
    box = Box().run(DAY).outage(5 * DAY).run(HOUR).outage(HOUR)
    assert box.now.uptime_s == DAY + HOUR


def test_monotonic_time_that_does_not_pass_changes_nothing():
    keeper = anchored().keeper
    assert clock.advance(keeper, keeper.at_s - 50) == keeper


# The bar: set to 1970, -38 h 40 m, +10 y, jumps while running, restart in between.


LIARS = [Source.SYSTEM, Source.NTP, Source.RTC, Source.GPS]
KNOWN = [None, Source.HUB, Source.GPS, Source.NTP]


@pytest.mark.parametrize(
    ("source", "known_by"),
    [(s, k) for s in LIARS for k in KNOWN if (s, k) != (Source.GPS, Source.NTP)],  # GPS outranks
)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_clock_moves_nothing(source, wrong, known_by):
    """By a jump while running (`known_by`), or found so at the start after an outage (None)."""
    box = anchored(known_by) if known_by else anchored().outage(2 * HOUR)
    before = box.behind
    box.steady(source, WRONG[wrong], 3 * DAY)
    assert 0 <= box.behind <= before + 3 * DAY
    assert box.now.unix_s <= box.truth + 1
    box.outage(HOUR).steady(source, WRONG[wrong])
    assert box.behind >= 0
    box.outage(0).steady(Source.GPS if source is not Source.GPS else Source.HUB)
    assert (box.trust, round(box.off)) == (SURE, 0)
    assert round(box.behind) == 0


def test_a_clock_that_is_right_again_after_a_jump_is_believed_at_once():
    box = anchored(Source.NTP)
    box.steady(Source.NTP, 10 * YEAR, 2 * HOUR)
    assert box.run(60).say(Source.NTP).trust is SURE
    assert round(box.off) == 0


@pytest.mark.parametrize("jump", [-20 * DAY, -DAY, 3 * HOUR, 20 * DAY])
def test_true_time_does_not_jump_while_we_run(jump):
    """Small enough to be believed after an outage; not after this run has known the time."""
    box = anchored(Source.NTP)
    box.steady(Source.NTP, jump, 2 * DAY)
    assert round(box.behind) == 0
    assert round(box.off) == 0


# Lies that are believed: how far they go, and how they go away.


def test_one_unsigned_clock_alone_moves_the_floor_by_a_month_at_most():
    box = anchored().outage(0).steady(Source.RTC, ALONE_S - 2 * HOUR)
    assert round(-box.behind) == ALONE_S - 2 * HOUR
    for more in range(1, 6):
        box.outage(0).steady(Source.RTC, ALONE_S + more * DAY)
    assert -box.behind <= ALONE_S + HOUR
    assert anchored().outage(0).steady(Source.RTC, ALONE_S + HOUR).behind == pytest.approx(0, abs=2)


def test_two_clocks_of_different_kind_may_move_it_far():
    box = anchored().outage(200 * DAY).say(Source.NTP).steady(Source.GPS)
    assert box.behind > 199 * DAY
    assert box.run(300).say(Source.NTP).behind <= 1
    assert box.keeper.alone_left_s == ALONE_S


def test_a_battery_clock_is_no_second_witness_of_the_network():
    box = anchored().outage(200 * DAY).say(Source.NTP).steady(Source.RTC).say(Source.NTP)
    assert box.behind > 199 * DAY


def test_after_a_long_outage_one_live_clock_is_shown_though_the_floor_stays():
    box = anchored().outage(200 * DAY).steady(Source.GPS)
    assert (box.trust, round(box.off)) == (SURE, 0)
    assert box.behind > 199 * DAY
    assert box.say(Source.DISTRICT, -3 * DAY, end=math.inf).behind == pytest.approx(3 * DAY, abs=2)


def test_a_rolled_over_receiver_is_garbage():
    """1024 weeks ahead is inside the window of time; alone it must count for nothing at all."""
    box = anchored().outage(HOUR).steady(Source.GPS, 1024 * 7 * DAY, 5 * DAY)
    assert box.trust is UNSURE
    assert box.keeper.anchor is None
    assert box.steady(Source.NTP).trust is not UNSURE
    assert round(box.off) <= 0
    assert box.behind >= -1


def test_of_two_clocks_that_agree_the_earlier_moves_it():
    box = anchored().outage(200 * DAY).say(Source.NTP, 250).steady(Source.GPS)
    box.run(300).say(Source.NTP, 250)
    assert 0 <= box.behind <= 1


def test_a_battery_clock_that_lost_time_says_nothing():
    box = anchored().outage(0).steady(Source.RTC, -9 * DAY, 2 * HOUR)
    assert (box.trust, round(box.behind)) == (UNSURE, 0)
    assert box.keeper.anchor is None
    assert box.steady(Source.GPS).trust is SURE, "and cannot contradict"


def test_a_bad_crystal_is_no_contradiction():
    box = anchored(Source.NTP).run(40 * DAY).say(Source.NTP, 600)
    assert (box.trust, round(box.off)) == (SURE, 600)


def test_two_clocks_that_contradict_each_other_make_it_about_and_move_nothing():
    box = anchored().outage(HOUR).say(Source.NTP).steady(Source.GPS, 20 * DAY)
    assert round(-box.behind) == 20 * DAY, "alone it is believed"
    box = anchored().outage(HOUR).steady(Source.NTP).steady(Source.GPS, 20 * DAY)
    assert (box.trust, round(box.off), round(box.behind)) == (ABOUT, 0, 0)


def test_who_was_not_heard_for_a_week_contradicts_nobody():
    box = anchored().outage(20 * DAY).steady(Source.NTP, -19 * DAY).steady(Source.GPS)
    assert (box.trust, box.behind > 18 * DAY) == (ABOUT, True)
    box.steady(Source.GPS, 0, SURE_FOR_S + HOUR)
    assert (box.trust, round(box.behind)) == (SURE, 0)


def test_the_floor_waits_until_the_truth_has_caught_up():
    box = anchored().outage(0).steady(Source.NTP, 10 * DAY)
    assert round(-box.behind) == 10 * DAY
    floor = box.outage(HOUR).steady(Source.GPS).now.floor_s
    assert box.trust is UNSURE
    box.run(5 * DAY)
    assert box.now.floor_s - floor <= HOLD_S
    box.run(6 * DAY).say(Source.GPS)
    assert (box.trust, round(box.off)) == (SURE, 0)
    assert abs(box.behind) <= 1


def test_a_stolen_hub_key_is_bounded_by_its_certificate():
    box = anchored().say(Source.HUB, 91 * DAY).say(Source.DISTRICT, 91 * DAY)
    assert round(box.behind) == 0
    box.say(Source.HUB, LATE - box.truth)
    assert box.now.floor_s == pytest.approx(LATE, abs=1)
    box.outage(0).steady(Source.GPS)
    assert box.run(80 * DAY).trust is UNSURE
    assert box.run(11 * DAY).say(Source.GPS).trust is SURE
    assert abs(box.behind) <= 1


def test_a_signed_time_never_goes_beyond_a_live_gps():
    box = anchored(Source.GPS).say(Source.DISTRICT, 60 * DAY).say(Source.VOLUNTEER, HOUR)
    assert abs(box.behind) <= 1
    assert box.trust is SURE


def test_the_district_overrules_the_network():
    """A hostile time server that holds the node back."""
    box = anchored().outage(9 * DAY).steady(Source.NTP, -8 * DAY)
    assert box.say(Source.DISTRICT).behind == pytest.approx(0, abs=1)
    assert box.trust is UNSURE


@pytest.mark.parametrize("age", [0, DAY, 300 * DAY])
def test_an_old_signed_time_is_a_floor_and_nothing_more(age):
    """Somebody plays back last week's hub: it must not make a wrong time SURE."""
    box = Box().run(DAY).say(Source.DISTRICT, -min(age, 98 * DAY))
    assert box.trust is ABOUT
    assert box.behind == pytest.approx(min(age, 98 * DAY), abs=1)


# Volunteers


def test_volunteers_move_the_floor_by_a_day_in_total():
    box = anchored().outage(9 * DAY)
    behind = box.behind
    for error in (-8 * DAY, 0, 50 * DAY, 2 * DAY):
        box.say(Source.VOLUNTEER, error)
    assert behind - box.behind == pytest.approx(LEND_S)
    box.outage(9 * DAY).run(3 * DAY)
    behind = box.behind
    assert box.say(Source.VOLUNTEER).behind == behind


def test_a_hub_or_gps_gives_them_another_day():
    for source in (Source.HUB, Source.DISTRICT, Source.GPS):
        box = anchored().outage(3 * DAY).say(Source.VOLUNTEER).steady(source).outage(3 * DAY)
        behind = box.behind
        assert behind - box.say(Source.VOLUNTEER).behind == pytest.approx(LEND_S, abs=2)


def test_a_played_back_hub_time_gives_them_none():
    box = anchored().outage(9 * DAY).say(Source.VOLUNTEER)
    behind = box.behind
    box.say(Source.DISTRICT, -9 * DAY).say(Source.NTP, -9 * DAY).say(Source.VOLUNTEER)
    assert box.behind == behind


@pytest.mark.parametrize("source", [Source.HUB, Source.GPS])
def test_who_says_that_a_volunteer_was_ahead_lends_nothing(source):
    box = anchored().outage(0).say(Source.VOLUNTEER, DAY).steady(source).outage(0)
    behind = box.behind
    assert box.say(Source.VOLUNTEER, 3 * DAY).behind == behind


# Phones


def phones(box: Box, count: int, error_s: float = 0.0, first: int = 0) -> Box:
    for n in range(first, first + count):
        box.say(Source.PHONE, error_s + 20 * n, who=f"phone:{n}")
    return box


def test_three_phones_that_agree_are_shown_as_about():
    box = anchored().outage(9 * HOUR)
    assert phones(box, 2).trust is UNSURE
    assert phones(box, 3).trust is ABOUT
    assert 0 <= box.off <= AGREE_S
    assert round(box.behind) == 9 * HOUR


def test_one_phone_that_speaks_often_is_one_phone():
    box = anchored().outage(9 * HOUR)
    for _ in range(9):
        box.run(1).say(Source.PHONE, who="phone:1")
    assert box.trust is UNSURE


def test_the_greatest_group_of_phones_is_believed_and_forgotten_after_an_hour():
    box = phones(phones(anchored().outage(9 * HOUR), 3, -4 * HOUR), 4, first=10)
    assert 0 <= box.off <= 2 * AGREE_S
    assert box.run(HOUR + 1).trust is UNSURE


@pytest.mark.parametrize("error", [-DAY, 4 * YEAR])
def test_phones_behind_the_floor_or_years_ahead_say_nothing(error):
    assert phones(anchored().outage(HOUR), 9, error).trust is UNSURE


@pytest.mark.parametrize("source", LIVE)
def test_phones_do_not_count_beside_a_live_source(source):
    box = anchored(source)
    before = box.now
    assert phones(box, 9, 3 * DAY).now == before


def test_the_memory_for_phones_is_bounded():
    assert len(phones(Box(), 500).keeper.phones) == MAX_PHONES


# The edges


@pytest.mark.parametrize("unix_s", [0, -1, EARLIEST_S - 1, LATEST_S + 1, 1e300, math.nan, math.inf])
@pytest.mark.parametrize("source", list(Source))
def test_times_that_cannot_be_true_change_nothing(source, unix_s):
    box = anchored()
    signed = source in clock.NEEDS_BOUND
    who = "phone:1" if source is Source.PHONE else ""
    evidence = Evidence(source, unix_s, math.inf if signed else None, who)
    assert clock.take(box.keeper, evidence, box.mono) == clock.advance(box.keeper, box.mono)


@pytest.mark.parametrize(
    ("source", "not_after_s", "who"),
    [(Source.HUB, None, ""), (Source.VOLUNTEER, None, ""), (Source.GPS, LATE, ""),
     (Source.PHONE, None, ""), (Source.PHONE, LATE, "phone:1"), (Source.NTP, None, "phone:1")],
)  # fmt: skip
def test_evidence_with_the_wrong_particulars_is_our_own_mistake(source, not_after_s, who):
    with pytest.raises(ValueError, match=source.value):
        Evidence(source, START, not_after_s, who)


def test_every_source_has_its_weight():
    assert set(WEIGHTS) == set(Source)
    assert len({weight.rank for weight in WEIGHTS.values()}) == len(WEIGHTS)


def test_a_newer_release_raises_an_old_floor():
    assert clock.wake(Saved(1, 7, 8, 9), 0.0).floor_s == EARLIEST_S


def test_what_is_saved_is_rounded_to_the_cautious_side():
    keeper = dataclasses.replace(
        anchored().keeper, floor_s=START + 0.9, uptime_s=9.9, alone_left_s=5.5, lent_s=7.1
    )
    assert clock.saved(keeper) == Saved(START, 9, 5, 8)
