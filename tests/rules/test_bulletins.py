"""The life of a bulletin: every state and step, and that the order of news does not matter."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.rules.bulletins import (
    FROM_ELSEWHERE,
    STEPS,
    BulletinState,
    Facts,
    Replacement,
    Step,
    may,
    printable,
    replaces,
    settle,
    step,
)
from kimnode.rules.trust import Standing, StandingState
from kimnode.wire.codes import Form, Verdict
from tests.rules import trust_samples as samples

S, T = BulletinState, Step
FINAL = {S.CORRECTED, S.WITHDRAWN, S.EXPIRED}
WAITING = Standing(StandingState.WAITING)
VIA_A = Standing(StandingState.VIA_POST, samples.KARATAUN.key)
VIA_B = Standing(StandingState.VIA_POST, samples.SALUTIWO.key)
VERIFIED = Standing(StandingState.VERIFIED)
OLD = samples.bulletin()
NOTICE = samples.bulletin(
    samples.V3, form=Form.NOTICE, verdict=Verdict.UNCHECKED, sources=0, primary=0, dossier=b""
)


def newer(form: Form = Form.CORRECTION, old=OLD, **changes):
    return samples.bulletin(form=form, about=old.id[:16], **changes)


def facts(standing=WAITING, *, notice=False, rejected=False, about=(), expired=False) -> Facts:
    return Facts(standing, notice, rejected, list(about), expired)


@pytest.mark.parametrize(("state", "happened"), list(itertools.product(S, T)))
def test_every_state_and_every_step(state, happened):
    """What the table lists happens; anything else changes nothing and nobody may do it."""
    listed = (state, happened) in STEPS
    assert step(state, happened) is (STEPS[state, happened] if listed else state)
    assert may(state, happened) == (listed and (state, happened) not in FROM_ELSEWHERE)


def test_the_table_says_what_must_never_happen():
    reached = set(STEPS.values())
    assert reached == set(S)
    for state in FINAL:  # nothing that is over is ever shown as holding again
        ends = {after for (before, _), after in STEPS.items() if before is state}
        assert ends <= FINAL
    assert not [pair for pair in STEPS if pair[0] is S.WITHDRAWN]
    badges = {before for (before, _), after in STEPS.items() if after is S.VERIFIED}
    assert badges == {S.WAITING, S.VIA_POST, S.REJECTED}
    assert (S.NOTICE, T.VERIFY) not in STEPS  # one person's word never gets the badge
    assert set(STEPS) > FROM_ELSEWHERE
    assert not may(S.REJECTED, T.VERIFY)


def test_the_table_is_printable():
    lines = printable().splitlines()
    assert len(lines) == len(STEPS)
    assert "waiting    verify   -> verified" in lines
    assert sum("another post" in line for line in lines) == len(FROM_ELSEWHERE)


@pytest.mark.parametrize(
    ("before", "known", "after"),
    [
        (S.WAITING, facts(), S.WAITING),
        (S.WAITING, facts(VERIFIED), S.VERIFIED),
        (S.WAITING, facts(VIA_A), S.VIA_POST),
        (S.VIA_POST, facts(VERIFIED), S.VERIFIED),
        (S.VERIFIED, facts(WAITING), S.WAITING),  # the approver was revoked
        (S.VERIFIED, facts(VIA_A), S.VIA_POST),
        (S.WAITING, facts(rejected=True), S.REJECTED),
        (S.REJECTED, facts(rejected=False), S.WAITING),  # who rejected it does not count any more
        (S.REJECTED, facts(VERIFIED, rejected=True), S.VERIFIED),
        (S.WAITING, facts(VIA_A, rejected=True), S.VIA_POST),
        (S.VERIFIED, facts(VERIFIED, expired=True), S.EXPIRED),
        (S.WAITING, facts(expired=True), S.REJECTED),  # nobody agreed: it was never public
        (S.REJECTED, facts(expired=True), S.REJECTED),
        (S.REJECTED, facts(VERIFIED, expired=True), S.EXPIRED),  # somebody had, elsewhere
        (S.EXPIRED, facts(VERIFIED), S.EXPIRED),
        (S.CORRECTED, facts(VERIFIED), S.CORRECTED),
        (S.CORRECTED, facts(VERIFIED, expired=True), S.CORRECTED),
        (S.WITHDRAWN, facts(VERIFIED), S.WITHDRAWN),
    ],
)
def test_settled(before, known, after):
    assert settle(before, OLD, known) is after


@pytest.mark.parametrize("before", [S.WAITING, S.VERIFIED, S.VIA_POST, S.REJECTED, S.EXPIRED])
def test_a_correction_wins_whenever_it_comes(before):
    correction = Replacement(newer(), VERIFIED)
    withdrawal = Replacement(newer(Form.RETRACTION, verdict=Verdict.NONE), VERIFIED)
    for standing in (WAITING, VIA_A, VERIFIED):
        assert settle(before, OLD, facts(standing, about=[correction])) is S.CORRECTED
        assert settle(before, OLD, facts(standing, about=[withdrawal])) is S.WITHDRAWN
        both = facts(standing, about=[withdrawal, correction])
        assert settle(before, OLD, both) is S.WITHDRAWN


def test_a_notice_never_becomes_verified_and_is_answered():
    assert settle(S.WAITING, NOTICE, facts(VERIFIED)) is S.WAITING
    assert settle(S.WAITING, NOTICE, facts(VERIFIED, notice=True)) is S.NOTICE
    answer = Replacement(newer(Form.CHECK, NOTICE), VERIFIED)
    assert settle(S.NOTICE, NOTICE, facts(notice=True, about=[answer])) is S.CORRECTED


@pytest.mark.parametrize(
    ("replacement", "standing", "wins"),
    [
        (Replacement(newer(), VERIFIED), VERIFIED, True),
        (Replacement(newer(), VERIFIED), WAITING, True),  # the correction came first
        (Replacement(newer(), WAITING), WAITING, False),
        (Replacement(newer(), VIA_A), VERIFIED, False),  # a stolen gateway silences nobody else
        (Replacement(newer(), VIA_A), WAITING, False),
        (Replacement(newer(), VIA_A), VIA_A, True),  # what stands by its word falls by its word
        (Replacement(newer(), VIA_B), VIA_A, False),
        (Replacement(newer(area=samples.REGENCY), VERIFIED), VERIFIED, True),
        (Replacement(newer(area=samples.DESA_2), VERIFIED), VERIFIED, False),
        (Replacement(newer(demo=True), VERIFIED), VERIFIED, False),
        (Replacement(newer(old=NOTICE), VERIFIED), VERIFIED, False),
        (Replacement(newer(Form.CHECK), VERIFIED), VERIFIED, False),  # only a notice is answered
        (Replacement(newer(Form.INFO), VERIFIED), VERIFIED, False),
        (Replacement(newer(Form.NOTICE), VERIFIED), VERIFIED, False),
    ],
)
def test_who_takes_whose_place(replacement, standing, wins):
    assert replaces(replacement, OLD, standing) is wins


@given(
    st.sampled_from([s for s in S if s not in FINAL]),
    st.sampled_from([WAITING, VIA_A, VIA_B, VERIFIED]),
    st.booleans(),
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from([Form.CORRECTION, Form.RETRACTION, Form.CHECK]),
            st.sampled_from([WAITING, VIA_A, VIA_B, VERIFIED]),
        ),
        max_size=3,
    ),
)
def test_the_state_follows_from_what_is_known_not_from_the_order(
    before, standing, rejected, expired, about
):
    """A node that was away and one that heard everything in turn come to the same."""
    template = newer()
    replacements = [Replacement(replace(template, form=form), worth) for form, worth in about]
    known = facts(standing, rejected=rejected, about=replacements, expired=expired)
    after = settle(before, OLD, known)
    assert after is settle(S.WAITING, OLD, known)
    assert after is settle(after, OLD, known)
    backwards = replace(known, replacements=replacements[::-1])
    assert settle(before, OLD, backwards) is after
