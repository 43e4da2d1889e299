"""The brake that two persons can pull, and everything that could go wrong with a brake."""

from dataclasses import replace

import pytest

from kimnode.errors import Reason
from kimnode.rules import trust as trusts
from kimnode.rules.chain import Heard, build, check_trust_document
from kimnode.rules.clock import Estimate
from kimnode.rules.suspension import SUSPENDED_S
from kimnode.rules.trust import Trust, holder
from kimnode.wire.codes import Role, TimeTrust
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DAY,
    DISTRICT,
    EDI,
    HUB,
    KARATAUN,
    KETUA,
    LEBBA,
    LENA,
    NOW,
    NOW_MIN,
    NOW_S,
    RINA,
    ROOT,
    SALUTIWO,
    V1,
    V2,
    V3,
    V4,
    refused,
)

HOUR = 3600
AT_S = NOW_S - 30 * 60  # when the samples' votes are made


def check(vote, trust=None, estimate=NOW):
    trust = samples.trust() if trust is None else trust
    check_trust_document(vote, trust, estimate, ROOT.id)


def after(*votes, heard_s: int = NOW_S) -> Trust:
    return samples.trust(*votes, heard_s=heard_s)


@pytest.mark.parametrize("target", [V1.radio, V1.key, V3.radio, KARATAUN.key])
@pytest.mark.parametrize("posts", [(None, None), (SALUTIWO, SALUTIWO), (None, SALUTIWO)])
def test_two_persons_suspend_a_key_for_three_days(target, posts):
    first = samples.suspend(target, V4, posts[0])
    second = samples.suspend(target, KETUA, posts[1], made_min=NOW_MIN - 10)
    check(first)
    assert holder(target, after(first), NOW)
    check(second, after(first))
    trust = after(first, second)
    start = NOW_S - 10 * 60
    (suspended,) = trust.suspensions
    assert (suspended.from_s, suspended.until_s) == (start, start + SUSPENDED_S)
    with refused(Reason.SUSPENDED):
        holder(target, trust, NOW)
    with refused(Reason.SUSPENDED):
        holder(target, trust, samples.later(72 * HOUR - 601))
    assert holder(target, trust, samples.later(72 * HOUR - 600))


def test_the_persons_other_key_goes_on():
    trust = after(samples.suspend(V3.radio, V4), samples.suspend(V3.radio, KETUA))
    assert holder(V3.key, trust, NOW)


def test_what_is_suspended_neither_drafts_nor_attests():
    trust = after(samples.suspend(KARATAUN.key, V4), samples.suspend(KARATAUN.key, KETUA))
    with refused(Reason.SUSPENDED):
        trusts.author(samples.bulletin(V1, KARATAUN), trust, NOW)
    assert trusts.author(samples.bulletin(V1, SALUTIWO), trust, NOW)


@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        (samples.suspend(V1.key, V2), Reason.WRONG_ROLE),
        (samples.suspend(V1.key, LENA), Reason.WRONG_AREA),
        (samples.suspend(V1.key, LENA, LEBBA), Reason.WRONG_AREA),
        (samples.suspend(LEBBA.key, V3), Reason.WRONG_AREA),
        (samples.suspend(V3.radio, V3), Reason.SAME_PERSON),
        (samples.suspend(KARATAUN.key, V3, KARATAUN), Reason.SAME_PERSON),
        (samples.suspend(HUB.key, V3), Reason.WRONG_ROLE),
        (samples.suspend(DISTRICT.key, V3), Reason.WRONG_ROLE),
        (samples.suspend(bytes(32), V3), Reason.UNKNOWN_SUBJECT),
        (samples.suspend(V1.key, RINA), Reason.REVOKED),
        (samples.suspend(V1.key, EDI), Reason.CERT_EXPIRED),
        (samples.suspend(V1.key, HUB), Reason.WRONG_ROLE),
        (replace(samples.suspend(V1.key, V3), subject=V2.key), Reason.BAD_SIGNATURE),
    ],
)
def test_who_may_not_suspend_whom(vote, reason):
    with refused(reason):
        check(vote)
    partner = samples.suspend(vote.subject, V4, SALUTIWO)
    trust = after(partner, vote)
    assert trust.suspensions == ()
    assert vote not in [cast.vote for cast in trust.votes]


def test_without_a_root_nobody_suspends():
    with refused(Reason.NO_ROOT):
        check(samples.suspend(V1.key, V3), Trust())


def test_one_person_is_not_two():
    second = replace(V3, name="Radio kedua Citra")
    votes = (samples.suspend(V1.key, V3), samples.suspend(V1.key, second, KARATAUN))
    trust = samples.trust(samples.of_radio(second), *votes)
    assert trust.suspensions == ()


@pytest.mark.parametrize("other", [V1.key, V2.key])
@pytest.mark.parametrize("road", [None, KARATAUN])
def test_one_vote_of_a_person_in_thirty_days(other, road):
    first = samples.suspend(V1.key, V3, made_min=NOW_MIN - 20 * 1440)
    again = samples.suspend(other, V3, road)
    with refused(Reason.VOTED):
        check(again, after(first))
    trust = after(first, again, samples.suspend(other, V4))
    assert trust.votes[0].vote == first
    assert trust.suspensions == ()
    old = samples.suspend(V1.key, V3, made_min=NOW_MIN - 30 - 30 * 1440)
    check(again, after(old))
    nearly = samples.suspend(V1.key, V3, made_min=NOW_MIN - 29 - 30 * 1440)
    with refused(Reason.VOTED):
        check(again, after(nearly))


def test_the_same_vote_again_is_no_second_vote():
    vote = samples.suspend(V1.key, V3)
    check(vote, after(vote))


def test_who_is_suspended_suspends_nobody_not_with_another_key_either():
    frozen = (samples.suspend(V3.radio, V4), samples.suspend(V3.radio, KETUA))
    trust = after(*frozen)
    with refused(Reason.SUSPENDED):
        check(samples.suspend(V4.key, V3, KARATAUN), trust)
    with refused(Reason.SUSPENDED):
        check(samples.suspend(V4.key, V3), trust)
    revenge = samples.suspend(V1.key, V3, made_min=NOW_MIN)
    assert revenge not in [cast.vote for cast in after(*frozen, revenge).votes]


def test_a_suspended_gateway_speaks_for_nobody():
    frozen = (samples.suspend(KARATAUN.key, V4), samples.suspend(KARATAUN.key, KETUA))
    revenge = samples.suspend(V4.key, V3, KARATAUN, made_min=NOW_MIN)
    with refused(Reason.SUSPENDED):
        check(revenge, after(*frozen))
    assert revenge not in [cast.vote for cast in after(*frozen, revenge).votes]


@pytest.mark.parametrize(
    ("minutes", "counts"), [(-1, True), (0, False), (72 * 60 - 1, False), (72 * 60, True)]
)
def test_a_vote_made_while_suspended_does_not_count(minutes, counts):
    start = NOW_MIN - 72 * 60
    frozen = [samples.suspend(V3.radio, who, made_min=start) for who in (V4, KETUA)]
    vote = samples.suspend(V1.key, V3, made_min=start + minutes)
    assert (vote in [cast.vote for cast in after(*frozen, vote).votes]) is counts


def test_a_suspension_that_ended_lets_them_vote_again():
    week = NOW_MIN - 10 * 1440
    frozen = [samples.suspend(V3.radio, who, made_min=week) for who in (V4, KETUA)]
    check(samples.suspend(V1.key, V3), after(*frozen))
    trust = after(*frozen, samples.suspend(V1.key, V3))
    assert len(trust.votes) == 3


def test_votes_far_apart_do_not_add_up():
    first = samples.suspend(V1.key, V3, made_min=NOW_MIN - 30 - 72 * 60)
    assert after(first, samples.suspend(V1.key, V4)).suspensions == ()
    nearer = samples.suspend(V1.key, V3, made_min=NOW_MIN - 29 - 72 * 60)
    assert len(after(nearer, samples.suspend(V1.key, V4)).suspensions) == 1


def test_two_more_persons_make_it_longer():
    more = [samples.Person(f"p{n}", 80 + n, Role.VERIFIER) for n in range(2)]
    day_ago = [samples.suspend(V1.key, who, made_min=NOW_MIN - 1440) for who in (V3, V4)]
    again = [samples.suspend(V1.key, who) for who in more]
    trust = samples.trust(*map(samples.of_own_key, more), *day_ago, *again)
    assert [one.from_s for one in trust.suspensions] == [NOW_S - DAY, AT_S]


def test_votes_about_different_keys_do_not_add_up():
    assert after(samples.suspend(V1.key, V3), samples.suspend(V1.radio, V4)).suspensions == ()


def test_what_a_stolen_gateway_made_up_ends_with_its_revocation():
    made_up = [samples.suspend(V4.key, who, KARATAUN) for who in (V3, KETUA)]
    with refused(Reason.SUSPENDED):
        holder(V4.key, after(*made_up), NOW)
    trust = after(*made_up, samples.revocation(KARATAUN.key))
    assert trust.votes == ()
    assert holder(V4.key, trust, NOW)


# -- clocks ---------------------------------------------------------------------------------------


def test_a_vote_that_would_be_over_already_is_refused():
    old = samples.suspend(V1.key, V3, made_min=NOW_MIN - 72 * 60)
    with refused(Reason.OUTDATED):
        check(old)
    check(old, estimate=Estimate(NOW_S, TimeTrust.ABOUT, NOW_S - 1, 0))


def test_a_gateway_that_was_off_for_days_suspends_from_when_it_is_heard():
    behind = {"made_min": NOW_MIN - 5 * 1440, "trust": TimeTrust.UNSURE}
    votes = [samples.suspend(V1.key, who, SALUTIWO, **behind) for who in (V3, V4)]
    check(votes[0])
    trust = after(*votes, heard_s=NOW_S - 60)
    with refused(Reason.SUSPENDED):
        holder(V1.key, trust, NOW)
    assert trust.suspensions[0].from_s == NOW_S - 60


def test_dates_that_are_invented_give_no_second_vote():
    """UNSURE votes of different months are all of the day on which they were heard."""
    months = [
        samples.suspend(
            V1.key, V3, SALUTIWO, made_min=NOW_MIN - n * 40 * 1440, trust=TimeTrust.UNSURE
        )
        for n in range(3)
    ]
    with refused(Reason.VOTED):
        check(months[1], after(months[0]))
    assert len(after(*months).votes) == 1


def test_a_vote_from_the_future_waits_for_its_day_where_the_time_is_known():
    check(samples.suspend(V1.key, V3, made_min=NOW_MIN + 1440))
    with refused(Reason.JUMPED):
        check(samples.suspend(V1.key, V3, made_min=NOW_MIN + 1441))
    future = [samples.suspend(V1.key, who, made_min=NOW_MIN + 5 * 1440) for who in (V3, V4)]
    with refused(Reason.JUMPED):
        check(future[0])
    unsure = replace(NOW, trust=TimeTrust.UNSURE)
    check(future[0], estimate=unsure)
    trust = after(*future)
    assert holder(V1.key, trust, NOW)
    with refused(Reason.SUSPENDED):
        holder(V1.key, trust, unsure)
    with refused(Reason.SUSPENDED):
        holder(V1.key, trust, samples.later(4 * DAY))


def test_the_floor_ends_it_not_a_wall_clock_ten_years_ahead():
    trust = after(samples.suspend(V1.key, V3), samples.suspend(V1.key, V4))
    ahead = Estimate(NOW_S + 3650 * DAY, TimeTrust.ABOUT, NOW_S, 0)
    with refused(Reason.SUSPENDED):
        holder(V1.key, trust, ahead)


def test_a_late_joiner_learns_the_same_from_the_same_log():
    votes = (samples.suspend(V1.key, V3), samples.suspend(V1.key, V4))
    documents = [*samples.CHAIN, *votes]
    late = build([Heard(one, NOW_S + DAY) for one in documents], ROOT.id).trust
    assert late.suspensions == after(*votes).suspensions
