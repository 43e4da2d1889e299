"""What is over: by the floor and by running time, for ever, and never by a wrong clock."""

import pytest

from kimnode.rules.clock import AGREE_S, Estimate, Source
from kimnode.rules.expiry import Display, Life, Validity, display_state, end_of_day, valid_on
from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import day_of, unix_of_day
from tests.rules.clock_samples import DAY, HOUR, START, YEAR, Box, anchored

SURE, ABOUT, UNSURE = TimeTrust
WRONG = {"1970": -START, "-38 h 40 m": -(38 * HOUR + 2400), "+10 y": 10 * YEAR}


def life(sent: int = 0, lasts: int = 7 * DAY, trust: TimeTrust = SURE, first: int = 0) -> Life:
    return Life(START + sent, START + sent + lasts, trust, first)


def at(floor: int, trust: TimeTrust = SURE, uptime: int = 0, ahead: int = 0) -> Estimate:
    return Estimate(START + floor + ahead, trust, START + floor, uptime)


@pytest.mark.parametrize(
    ("one", "now", "display"),
    [
        (life(), at(DAY), Display.SHOWN),
        (life(), at(7 * DAY - 1), Display.SHOWN),
        (life(), at(7 * DAY), Display.EXPIRED),
        (life(), at(7 * DAY, UNSURE), Display.EXPIRED),  # the floor is certain
        (life(), at(DAY, UNSURE), Display.TIME_UNSURE),
        (life(), at(DAY, ABOUT), Display.TIME_UNSURE),
        (life(), at(DAY, ABOUT, ahead=99 * DAY), Display.TIME_UNSURE),  # an estimate ends nothing
        (life(), at(DAY, SURE, ahead=99 * DAY), Display.SHOWN),
        (life(), at(DAY, uptime=7 * DAY), Display.EXPIRED),  # running time
        (life(first=DAY), at(DAY, uptime=8 * DAY - 1), Display.SHOWN),
        (life(first=9 * DAY), at(DAY, uptime=DAY), Display.SHOWN),  # a power cut cost minutes of it
        (life(sent=30 * DAY), at(0), Display.TIME_UNSURE),  # "from the future": shown
        (life(sent=int(AGREE_S)), at(0), Display.SHOWN),
        (life(sent=30 * DAY), at(0, UNSURE), Display.TIME_UNSURE),
        (life(sent=-60 * DAY, trust=UNSURE), at(0), Display.TIME_UNSURE),  # a post without a clock
        (life(sent=-60 * DAY, trust=ABOUT), at(0, uptime=7 * DAY), Display.EXPIRED),
        (life(lasts=0), at(-DAY), Display.EXPIRED),
        (life(lasts=-DAY, sent=9 * DAY), at(0), Display.EXPIRED),
        (Life(START, START + DAY, SURE, 0, expired=True), at(-DAY), Display.EXPIRED),
    ],
)
def test_display(one, now, display):
    assert display_state(one, now) is display


def test_certificates():
    day = day_of(START)
    assert valid_on(day, day, at(0)) is Validity.VALID
    assert valid_on(day - 9, day - 1, at(0)) is Validity.EXPIRED
    assert valid_on(day - 9, day - 1, at(0, UNSURE)) is Validity.EXPIRED
    assert valid_on(day - 9, day - 1, at(-5 * DAY, ABOUT, ahead=99 * DAY)) is Validity.VALID
    assert valid_on(day + 1, day + 9, at(0)) is Validity.NOT_YET
    assert valid_on(day + 1, day + 9, at(0, ABOUT)) is Validity.VALID
    assert valid_on(day + 1, day + 9, at(0, UNSURE)) is Validity.VALID
    assert valid_on(day + 1, day + 9, at(0, ahead=2 * DAY)) is Validity.VALID


def test_the_last_day_is_included():
    day = day_of(START)
    last = Estimate(end_of_day(day), SURE, end_of_day(day), 0)
    assert valid_on(day, day, last) is Validity.VALID
    over = Estimate(unix_of_day(day + 1), SURE, unix_of_day(day + 1), 0)
    assert valid_on(day, day, over) is Validity.EXPIRED


# The bar, as a village lives it.


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("source", [Source.SYSTEM, Source.NTP, Source.RTC])
@pytest.mark.parametrize("restart", [False, True])
def test_a_wrong_clock_ends_revives_and_refuses_nothing(wrong, source, restart):
    box = anchored(Source.GPS)
    day = day_of(box.truth)
    begun = box.now.uptime_s
    board = {n: Life(int(box.truth), int(box.truth) + n * DAY, SURE, begun) for n in (1, 7, 14)}
    ended = Life(int(box.truth) - 2 * DAY, int(box.truth) - DAY, SURE, begun)
    if restart:
        box.outage(HOUR)
    for _ in range(3):
        box.steady(source, WRONG[wrong], HOUR)
        if restart:
            box.outage(HOUR)
        now = box.now
        assert display_state(ended, now) is Display.EXPIRED
        assert Display.EXPIRED not in {display_state(one, now) for one in board.values()}
        assert valid_on(day - 300, day + 1, now) is Validity.VALID
        assert valid_on(day, day + 400, now) is Validity.VALID
        fresh = Life(int(box.truth), int(box.truth) + DAY, SURE, now.uptime_s)
        assert display_state(fresh, now) in (Display.SHOWN, Display.TIME_UNSURE)


def test_a_bulletin_is_shown_too_long_by_at_most_the_outage():
    """Nobody tells the time any more, and the power fails every night."""
    box = anchored(Source.GPS)
    one = Life(int(box.truth), int(box.truth) + 7 * DAY, SURE, box.now.uptime_s)
    begun, off = box.truth, 0
    while display_state(one, box.now) is not Display.EXPIRED:
        box.run(12 * HOUR)
        if display_state(one, box.now) is not Display.EXPIRED:
            box.outage(12 * HOUR)
            off += 12 * HOUR
    assert box.truth - begun == 7 * DAY + off


def test_a_bulletin_of_a_post_without_a_clock_lives_as_long_everywhere():
    """Its sender was off for a month and does not know it; the receiver knows the time."""
    sender = anchored().outage(30 * DAY)
    sent = sender.now.unix_s
    receiver = Box(truth=sender.truth).say(Source.DISTRICT, end=9e9).steady(Source.NTP)
    one = Life(sent, sent + 7 * DAY, sender.trust, receiver.now.uptime_s)
    assert display_state(one, receiver.now) is Display.TIME_UNSURE
    assert display_state(one, receiver.run(7 * DAY - 1).now) is Display.TIME_UNSURE
    assert display_state(one, receiver.run(1).now) is Display.EXPIRED
