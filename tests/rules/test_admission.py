"""The one admission: every refusal has its reason, and nothing else is refused."""

import pytest

from kimnode.errors import Reason, Refused
from kimnode.record import Entry, Kind, Seq, Via
from kimnode.rules.admission import MAX_TEXT_CHARS, Situation, admit
from kimnode.rules.claims import MAX_OPEN_REPORTS, MAX_REPORT_CHARS, ROOM
from kimnode.rules.sos import REPEAT_AFTER_S, STEPS, SosState, next_repeat_s, repeats_due, step
from tests.store import samples


def rumour(text: str = "bendungan retak?", nick: str = "", **header):
    return samples.chat(text, ROOM, kind=Kind.REPORT, nick=nick, **header)


RUMOUR = rumour()
ALARM = samples.sos()
OPEN = Situation(Entry(Seq(1), Via.WEB, 0, ALARM), SosState.OPEN)
CLOSED = Situation(Entry(Seq(1), Via.WEB, 0, ALARM), SosState.CANCELLED)
TAKE = samples.about(Kind.SOS_ACK, ALARM.id)
CANCEL = samples.about(Kind.SOS_CANCEL, ALARM.id, author=ALARM.author, nick="Ani")


@pytest.mark.parametrize(
    ("record", "via", "situation"),
    [
        (samples.chat(), Via.WEB, Situation()),
        (samples.chat("x" * MAX_TEXT_CHARS, "warung"), Via.WEB, Situation()),
        (samples.heard(), Via.RADIO, Situation()),
        (samples.sos(), Via.WEB, Situation()),
        (samples.sos(""), Via.WEB, Situation()),  # who holds the button may not be able to type
        (samples.sos("\n".join(["satu", "dua", "tiga"] * 10)), Via.WEB, Situation()),
        (samples.sos(author="radio:!0000001f"), Via.RADIO, Situation(open_sos=3)),
        (TAKE, Via.WEB, OPEN),
        (CANCEL, Via.WEB, OPEN),
        (CANCEL, Via.RADIO, OPEN),
        (samples.chat(subject=ALARM.id), Via.WEB, OPEN),
        (RUMOUR, Via.WEB, Situation(open_reports=MAX_OPEN_REPORTS - 1)),
        (RUMOUR, Via.RADIO, Situation()),
    ],
)
def test_admitted(record, via, situation):
    admit(record, via, situation)


@pytest.mark.parametrize(
    ("record", "via", "situation", "reason"),
    [
        (samples.chat(room="rahasia"), Via.WEB, Situation(), Reason.UNKNOWN_ROOM),
        (samples.chat(nonce=b"short"), Via.WEB, Situation(), Reason.BAD_ID),
        (samples.chat(nonce=bytes(17)), Via.WEB, Situation(), Reason.BAD_ID),
        (samples.chat(nick="KIM"), Via.WEB, Situation(), Reason.BAD_NAME),
        (samples.chat(nick=" Ani "), Via.WEB, Situation(), Reason.BAD_NAME),
        (samples.chat("  "), Via.WEB, Situation(), Reason.EMPTY),
        (samples.chat("halo "), Via.WEB, Situation(), Reason.BAD_TEXT),
        (samples.chat("a\x07b"), Via.WEB, Situation(), Reason.BAD_TEXT),
        (samples.chat("x" * 601), Via.WEB, Situation(), Reason.TOO_LONG),
        (samples.chat("x" * (MAX_TEXT_CHARS + 1), "warung"), Via.WEB, Situation(), Reason.TOO_LONG),
        (samples.chat(subject=ALARM.id), Via.WEB, Situation(), Reason.UNKNOWN_SUBJECT),
        (samples.heard(" "), Via.RADIO, Situation(), Reason.EMPTY),
        (samples.sos(), Via.WEB, Situation(open_sos=1), Reason.SOS_OPEN),
        (samples.sos("a\u202eb"), Via.WEB, Situation(), Reason.BAD_TEXT),
        (samples.sos("halo\n\n"), Via.WEB, Situation(), Reason.BAD_TEXT),
        (samples.chat(kind=Kind.SOS), Via.WEB, Situation(), Reason.UNKNOWN_ROOM),
        (TAKE, Via.WEB, Situation(), Reason.UNKNOWN_SUBJECT),
        (TAKE, Via.WEB, Situation(OPEN.subject), Reason.UNKNOWN_SUBJECT),
        (TAKE, Via.WEB, CLOSED, Reason.SOS_CLOSED),
        (TAKE, Via.RADIO, OPEN, Reason.BAD_NAME),
        (samples.about(Kind.SOS_ACK, ALARM.id, nick=""), Via.NODE, OPEN, Reason.BAD_NAME),
        (samples.about(Kind.SOS_CANCEL, ALARM.id), Via.WEB, OPEN, Reason.NOT_YOURS),
        (RUMOUR, Via.WEB, Situation(open_reports=MAX_OPEN_REPORTS), Reason.NO_ROOM),
        (samples.chat(room=ROOM), Via.WEB, Situation(), Reason.UNKNOWN_ROOM),
        (samples.chat(kind=Kind.REPORT, nick=""), Via.WEB, Situation(), Reason.UNKNOWN_ROOM),
        (rumour(nick="Ani"), Via.WEB, Situation(), Reason.BAD_NAME),
        (rumour("halo "), Via.WEB, Situation(), Reason.BAD_TEXT),
        (rumour("x" * (MAX_REPORT_CHARS + 1)), Via.WEB, Situation(), Reason.TOO_LONG),
        (rumour(" "), Via.RADIO, Situation(), Reason.EMPTY),
        (rumour("x" * (MAX_REPORT_CHARS + 1)), Via.USB, Situation(), Reason.TOO_LONG),
        (rumour(nonce=b"short"), Via.WEB, Situation(), Reason.BAD_ID),
        (samples.chat(kind=Kind.BULLETIN), Via.WEB, Situation(), Reason.BAD_REQUEST),
    ],
)
def test_refused(record, via, situation, reason):
    with pytest.raises(Refused) as refused:
        admit(record, via, situation)
    assert refused.value.reason is reason


def test_an_erased_record_does_not_enter():
    erased = samples.chat()
    object.__setattr__(erased, "body", None)
    with pytest.raises(Refused):
        admit(erased, Via.WEB, Situation())


def test_the_life_of_an_alarm_is_the_table_and_nothing_else():
    reached = {
        (state, kind): step(state, kind)
        for state in SosState
        for kind in Kind
        if step(state, kind) is not None
    }
    assert reached == STEPS
    assert {state for state, _ in STEPS} | set(STEPS.values()) == set(SosState)


def test_an_alarm_is_repeated_ever_more_rarely_and_not_for_ever():
    assert [repeats_due(age) for age in (0, 119, 120, 299, 300, 1e6)] == [0, 0, 1, 1, 2, 6]
    assert next_repeat_s(0) == REPEAT_AFTER_S[0]
    assert next_repeat_s(200) == 100
    assert next_repeat_s(REPEAT_AFTER_S[-1]) is None
