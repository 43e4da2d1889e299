"""Time without a clock, whatever happens in whatever order: the promises, by Hypothesis."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules import clock
from kimnode.rules.clock import AGREE_S, ALONE_S, EARLIEST_S, LATEST_S, LEND_S, Evidence, Source
from kimnode.rules.expiry import Display, Life, Validity, display_state, valid_on
from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import day_of
from tests.rules.clock_samples import DAY, START, YEAR, Box

errors = st.one_of(
    st.sampled_from([0, -START, -139_200, 10 * YEAR, 20 * DAY, -20 * DAY, DAY, 1024 * 7 * DAY]),
    st.integers(-40 * DAY, 40 * DAY),
)
pauses = st.integers(0, 3 * DAY)
RUN, OUTAGE, SAY = "run", "outage", "say"


def story(**error_of: st.SearchStrategy[int]):
    """Steps of a node's life: running, power cuts, and what the named sources say (error in s)."""
    said = [
        st.tuples(st.just(SAY), st.just(Source(name)), wrong, st.integers(0, 5))
        for name, wrong in error_of.items()
    ]
    passing = st.tuples(st.sampled_from([RUN, RUN, OUTAGE]), pauses)
    short = st.tuples(st.just(RUN), st.sampled_from([60, 299, 600]))
    return st.lists(st.one_of(short, passing, *said, *said), max_size=40)


def live(box: Box, step: tuple) -> None:
    match step:
        case ("run", seconds):
            box.run(seconds)
        case ("outage", seconds):
            box.outage(seconds)
        case ("say", source, error_s, n):
            box.say(source, error_s, f"phone:{n}" if source is Source.PHONE else "")


@given(story(**{source.value: errors for source in Source}))
def test_the_floor_never_goes_back_and_the_estimate_is_never_below_it(steps):
    box = Box()
    floor, uptime = box.now.floor_s, box.now.uptime_s
    for step in steps:
        live(box, step)
        now = box.now
        assert now.floor_s >= floor
        assert now.uptime_s >= uptime
        assert now.unix_s >= now.floor_s
        assert EARLIEST_S <= now.floor_s <= now.unix_s <= LATEST_S
        floor, uptime = now.floor_s, now.uptime_s


honest = st.just(0)
late = st.integers(-90 * DAY, 0)  # a signed time that was underway for so long


@given(
    story(hub=honest, gps=honest, ntp=honest, rtc=honest, district=late,
          phone=errors, system=errors)
)  # fmt: skip
def test_with_honest_sources_the_floor_is_never_ahead_whatever_phones_and_system_say(steps):
    box = Box()
    for step in steps:
        live(box, step)
        assert box.behind >= -1


@given(story(gps=honest, ntp=honest, district=late, volunteer=errors))
def test_volunteers_put_it_ahead_by_a_day_at_most(steps):
    box = Box()
    for step in steps:
        live(box, step)
        assert box.behind >= -LEND_S - 1


@given(st.lists(st.tuples(pauses, st.booleans(), errors), max_size=60))
def test_volunteers_alone_move_it_by_a_day_in_total(said):
    box = Box()
    ran = 0
    for pause, cut, error_s in said:
        if cut:
            box.outage(pause)
        else:
            box.run(pause)
            ran += pause
        box.say(Source.VOLUNTEER, error_s)
    assert box.now.floor_s <= EARLIEST_S + ran + LEND_S + 1


@given(story(ntp=errors, rtc=errors, system=errors))
def test_clocks_of_one_kind_move_it_by_a_month_and_as_much_again_as_it_ran(steps):
    box = Box()
    for step in steps:
        live(box, step)
        now = box.now
        assert now.floor_s <= EARLIEST_S + ALONE_S + 2 * now.uptime_s + AGREE_S


@given(st.permutations([-9 * DAY, -DAY, 0, 3 * DAY, 200 * DAY]), st.floats(0, 100 * DAY))
def test_signed_times_count_the_same_in_any_order(said, bound):
    box = Box()
    for error_s in said:
        box.say(Source.DISTRICT, error_s, end=START + bound)
    within = [START + e for e in said if e <= bound]
    assert box.now.floor_s == int(max(within))


@given(
    story(gps=errors, ntp=errors, hub=errors, volunteer=errors, phone=errors, system=errors),
    st.integers(-30 * DAY, 30 * DAY), st.integers(0, 60 * DAY), st.sampled_from(TimeTrust),
)  # fmt: skip
def test_phones_and_the_system_clock_end_and_revive_nothing(steps, sent, lasts, trust):
    """The same life with and without what they say: the same is over."""
    with_them, without = Box(), Box()
    life = Life(START + sent, START + sent + lasts, trust, 0)
    today = day_of(START)
    for step in steps:
        live(with_them, step)
        if step[0] != SAY or step[1] not in (Source.PHONE, Source.SYSTEM):
            live(without, step)
        one, other = with_them.now, without.now
        assert (one.floor_s, one.uptime_s) == (other.floor_s, other.uptime_s)
        assert over(life, one) == over(life, other)
        assert valid_on(today - 9, today + 9, one) is valid_on(today - 9, today + 9, other)


def over(life: Life, now: clock.Estimate) -> bool:
    return display_state(life, now) is Display.EXPIRED


@given(
    story(**{source.value: errors for source in Source}),
    st.integers(-30 * DAY, 30 * DAY), st.integers(-DAY, 60 * DAY), st.sampled_from(TimeTrust),
)  # fmt: skip
def test_what_is_over_stays_over(steps, sent, lasts, trust):
    """Even without the mark on disk, as long as what was saved is saved."""
    box, ended = Box(), False
    life = Life(START + sent, START + sent + lasts, trust, 0)
    for step in steps:
        live(box, step)
        assert over(life, box.now) >= ended
        ended = over(life, box.now)
        if ended:
            forgetful = replace(box.now, floor_s=EARLIEST_S, unix_s=EARLIEST_S, uptime_s=0)
            assert over(replace(life, expired=True), forgetful)


@given(st.sampled_from(Source), errors, st.sampled_from(Source), errors, st.integers(0, 5 * DAY))
def test_evidence_of_any_two_sources_makes_a_sane_estimate(one, first, two, second, pause):
    box = Box()
    for _ in range(4):
        live(box, (SAY, one, first, 1))
        box.run(pause)
        live(box, (SAY, two, second, 2))
    assert valid_on(0, 65_535, box.now) is Validity.VALID
    assert math.isfinite(box.now.unix_s)


@given(st.integers(), st.floats(), st.sampled_from(Source))
def test_any_number_is_taken_without_a_crash(seconds, unix_s, source):
    signed = source in clock.NEEDS_BOUND
    who = "phone:1" if source is Source.PHONE else ""
    keeper = clock.wake(None, 0.0)
    for value in (seconds, unix_s):
        keeper = clock.take(keeper, Evidence(source, value, math.inf if signed else None, who), 1.0)
    assert EARLIEST_S <= clock.estimate(keeper, 2.0).unix_s <= LATEST_S + 2
