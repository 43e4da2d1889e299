"""What two signatures are worth, and what one stolen gateway can make of them elsewhere."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.record import Kind
from kimnode.rules.standing import doubtful, standing
from kimnode.rules.trust import Standing, StandingState
from kimnode.wire.codes import Form, Role
from kimnode.wire.documents import signed_by
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DISTRICT,
    EDI,
    HUB,
    KARATAUN,
    KETUA,
    LEBBA,
    LENA,
    NOW_MIN,
    RINA,
    SALUTIWO,
    TODAY,
    V1,
    V2,
    V3,
    V4,
)

TRUST = samples.trust()
WAITING = Standing(StandingState.WAITING)
VERIFIED = Standing(StandingState.VERIFIED)
ELSEWHERE = LEBBA.key  # a gateway that attested nothing of this


def by_post(post) -> Standing:
    return Standing(StandingState.VIA_POST, post.key)


def judged(bulletin, *approvals, here=ELSEWHERE, trust=TRUST) -> Standing:
    return standing(bulletin, approvals, trust, here)


# -- the table ------------------------------------------------------------------------------------

# author's road, roads of the approvals -> elsewhere, at Karataun, at Salutiwo
K, S, D = KARATAUN, SALUTIWO, None  # attested by Karataun, by Salutiwo; direct
TABLE = [
    (D, [], WAITING, WAITING, WAITING),
    (K, [], WAITING, WAITING, WAITING),
    (D, [(V3, D)], VERIFIED, VERIFIED, VERIFIED),
    (K, [(V3, D)], VERIFIED, VERIFIED, VERIFIED),
    (K, [(V3, K)], by_post(K), VERIFIED, by_post(K)),
    (D, [(V3, K)], by_post(K), VERIFIED, by_post(K)),
    (S, [(V3, K)], by_post(K), VERIFIED, by_post(K)),
    (K, [(V3, K), (V4, K)], by_post(K), VERIFIED, by_post(K)),
    (K, [(V3, K), (V4, S)], VERIFIED, VERIFIED, VERIFIED),
    (K, [(V3, K), (V3, S)], VERIFIED, VERIFIED, VERIFIED),
    (K, [(V3, K), (HUB, D)], VERIFIED, VERIFIED, VERIFIED),
    (K, [(V3, K), (DISTRICT, D)], VERIFIED, VERIFIED, VERIFIED),
    (D, [(HUB, D)], WAITING, WAITING, WAITING),
    (D, [(HUB, D), (DISTRICT, D)], WAITING, WAITING, WAITING),
    (D, [(V1, D)], WAITING, WAITING, WAITING),
    (D, [(V2, D)], WAITING, WAITING, WAITING),  # a volunteer does not approve
    (K, [(V1, K), (HUB, D)], WAITING, WAITING, WAITING),
]


@pytest.mark.parametrize(("author", "approvals", "elsewhere", "karataun", "salutiwo"), TABLE)
def test_the_table(author, approvals, elsewhere, karataun, salutiwo):
    bulletin = samples.bulletin(V1, author)
    votes = [samples.approval(bulletin, person, post) for person, post in approvals]
    for order in (votes, votes[::-1]):
        assert judged(bulletin, *order) == elsewhere
        assert judged(bulletin, *order, here=None) == elsewhere
        assert judged(bulletin, *order, here=KARATAUN.key) == karataun
        assert judged(bulletin, *order, here=SALUTIWO.key) == salutiwo


def test_via_post_names_the_gateway_of_the_first_approval():
    bulletin = samples.bulletin(V1, SALUTIWO)
    first = samples.approval(bulletin, V4, KARATAUN, made_min=NOW_MIN - 60)
    later = samples.approval(bulletin, V3, KARATAUN)
    assert judged(bulletin, later, first) == by_post(KARATAUN)


def test_a_notice_is_never_verified():
    notice = samples.bulletin(V3, form=Form.NOTICE)
    assert judged(notice, samples.approval(notice, V4)) == WAITING


# -- one person is one person ---------------------------------------------------------------------


@pytest.mark.parametrize("author_post", [None, KARATAUN])
@pytest.mark.parametrize("approval_post", [None, KARATAUN, SALUTIWO])
def test_nobody_approves_their_own(author_post, approval_post):
    """Not with another radio, not with another key, not through another gateway."""
    bulletin = samples.bulletin(V3, author_post)
    vote = samples.approval(bulletin, V3, approval_post)
    assert judged(bulletin, vote) == WAITING


def test_one_person_with_two_radios_is_one_person():
    second = replace(V3, name="Radio kedua Citra")  # another radio, same person number
    trust = samples.trust(samples.of_radio(second))
    bulletin = samples.bulletin(V3, KARATAUN)
    votes = [samples.approval(bulletin, second, post) for post in (KARATAUN, SALUTIWO)]
    assert judged(bulletin, *votes, trust=trust) == WAITING
    other = samples.bulletin(V1, KARATAUN)
    votes = [samples.approval(other, who, KARATAUN) for who in (V3, second)]
    assert judged(other, *votes, trust=trust) == by_post(KARATAUN)


def test_a_post_with_an_old_and_a_new_key_is_one_witness():
    """Both may lie on the same disk."""
    renewed = samples.Machine("pos karataun", Role.GATEWAY, KARATAUN.area)
    trust = samples.trust(samples.of_machine(renewed))
    bulletin = samples.bulletin(V1)
    votes = [samples.approval(bulletin, V3, KARATAUN), samples.approval(bulletin, V4, renewed)]
    assert judged(bulletin, *votes, trust=trust).state is StandingState.VIA_POST


# -- not eligible ---------------------------------------------------------------------------------


@pytest.mark.parametrize("post", [None, KARATAUN])
@pytest.mark.parametrize("person", [EDI, RINA, LENA, V2], ids=lambda p: p.name)
def test_an_approval_of_who_may_not_counts_for_nothing(person, post):
    bulletin = samples.bulletin(V1)
    assert judged(bulletin, samples.approval(bulletin, person, post), here=KARATAUN.key) == WAITING


@pytest.mark.parametrize("person", [EDI, RINA, LENA], ids=lambda p: p.name)
def test_a_bulletin_of_who_may_not_stays_waiting(person):
    bulletin = samples.bulletin(person)
    assert judged(bulletin, samples.approval(bulletin, V3)) == WAITING


def test_gateways_of_another_desa_attest_nothing_here():
    bulletin = samples.bulletin(V1)
    votes = [samples.approval(bulletin, V3, LEBBA), samples.approval(bulletin, V4, LEBBA)]
    assert judged(bulletin, *votes, here=LEBBA.key) == WAITING
    foreign = samples.bulletin(V1, LEBBA)
    assert judged(foreign, samples.approval(foreign, V3)) == WAITING


def test_a_hub_countersigns_only_in_its_area():
    far = samples.Machine("Kab. Majene", Role.DISTRICT, 7605000000)
    trust = samples.trust(samples.of_district(samples.ROOT, far))
    bulletin = samples.bulletin(V1, KARATAUN)
    votes = [samples.approval(bulletin, V3, KARATAUN), samples.approval(bulletin, far)]
    assert judged(bulletin, *votes, trust=trust) == by_post(KARATAUN)


# -- a stolen gateway -----------------------------------------------------------------------------
# The thief has the disk and the key of Pos Karataun: every document that was ever there, and
# whatever that key signs. Nobody else is in league. Nothing of it is verified elsewhere.


def forged_approvals(bulletin):
    people = (V3, V4, KETUA)
    return [samples.approval(bulletin, who, KARATAUN) for who in people]


def test_stolen_both_attested():
    bulletin = samples.bulletin(V1, KARATAUN)
    assert judged(bulletin, *forged_approvals(bulletin)) == by_post(KARATAUN)
    assert judged(bulletin, *forged_approvals(bulletin), here=SALUTIWO.key) == by_post(KARATAUN)


def test_stolen_a_true_direct_draft_that_was_never_approved():
    draft = samples.bulletin(V1)
    assert judged(draft, *forged_approvals(draft)) == by_post(KARATAUN)


def test_stolen_a_true_draft_that_another_gateway_attested():
    draft = samples.bulletin(V1, SALUTIWO)
    assert judged(draft, *forged_approvals(draft)) == by_post(KARATAUN)
    assert judged(draft, *forged_approvals(draft), here=SALUTIWO.key) == by_post(KARATAUN)


def test_stolen_approvals_of_another_bulletin():
    approved = samples.bulletin(V1)
    true = [samples.approval(approved, V3), samples.approval(approved, V4, SALUTIWO)]
    false = samples.bulletin(V1, KARATAUN, text="Gempa besar malam ini, lari!")
    assert judged(false, *true) == WAITING
    turned = [replace(vote, subject=false.id) for vote in true]
    assert judged(false, *turned) == WAITING
    resigned = [signed_by(vote, KARATAUN.seed) for vote in turned]
    assert judged(false, *resigned) == WAITING


def test_stolen_rejections_and_suspensions_turned_into_approvals():
    draft = samples.bulletin(V1)
    rejected = samples.rejection(draft, V3)
    assert judged(draft, rejected) == WAITING
    assert judged(draft, replace(rejected, kind=Kind.APPROVAL)) == WAITING


def test_stolen_a_gateway_is_neither_person_nor_district():
    draft = samples.bulletin(V1)
    own = samples.approval(draft, KARATAUN)
    assert judged(draft, own) == WAITING
    assert judged(draft, *forged_approvals(draft), own) == by_post(KARATAUN)


def test_stolen_an_approval_called_direct():
    draft = samples.bulletin(V1)
    for key in (V3.key, V3.radio):
        stamp = replace(samples.stamp(V3), person=key, signer=KARATAUN.key)
        vote = signed_by(replace(samples.approval(draft, V3), stamp=stamp), KARATAUN.seed)
        assert judged(draft, vote) == WAITING


@given(st.data())
def test_stolen_whatever_is_made_of_one_gateways_key_is_at_most_by_post(data):
    """Any mix of forged stamps and true ones that approve something else."""
    draft = samples.bulletin(data.draw(st.sampled_from([V1, V2, V3])), data.draw(ROADS))
    other = samples.bulletin(V1)
    votes = []
    for _ in range(data.draw(st.integers(0, 5))):
        person = data.draw(st.sampled_from([*samples.PERSONS, HUB, DISTRICT, KARATAUN]))
        about = data.draw(st.sampled_from([draft, other]))
        forged = samples.approval(about, person, data.draw(ROADS), made_min=NOW_MIN - 9)
        if forged.stamp.signer != KARATAUN.key and about is draft:
            forged = signed_by(forged, KARATAUN.seed)  # the thief has no other key
        votes.append(forged)
    assert judged(draft, *votes).state is not StandingState.VERIFIED


ROADS = st.sampled_from([None, KARATAUN, SALUTIWO])


def test_a_true_approval_of_exactly_these_words_needs_no_true_draft():
    """The reverse theft: the draft is made up, but a person read it and approved it."""
    draft = samples.bulletin(V1, KARATAUN)
    assert judged(draft, samples.approval(draft, V3)) == VERIFIED


# -- revoked later --------------------------------------------------------------------------------


def test_more_signatures_are_never_worth_less():
    bulletin = samples.bulletin(V1, KARATAUN)
    every = [
        *forged_approvals(bulletin),
        *(samples.approval(bulletin, who) for who in (V1, V3, HUB, RINA, EDI)),
        samples.approval(bulletin, V4, SALUTIWO),
    ]
    worth = list(StandingState)
    for few in combinations(every, 2):
        for more in every:
            before = worth.index(judged(bulletin, *few).state)
            assert worth.index(judged(bulletin, *few, more).state) >= before


def revoked(*keys, since=TODAY - 3):
    return samples.trust(samples.revocation(*keys, since=since))


def test_a_bulletin_whose_approver_is_revoked_is_checked_again():
    old = samples.bulletin(V1, when={"made_min": NOW_MIN - 10 * 1440})
    vote = samples.approval(old, V3, made_min=NOW_MIN - 10 * 1440)
    young = samples.bulletin(V1, when={"made_min": NOW_MIN - 1440})
    young_vote = samples.approval(young, V3, made_min=NOW_MIN - 1440)
    trust = revoked(V3.key)
    assert judged(old, vote, trust=trust) == VERIFIED
    assert not doubtful(old, [vote], trust, None, {})
    assert judged(young, young_vote, trust=trust) == WAITING
    assert doubtful(young, [young_vote], trust, None, {})
    assert not doubtful(young, [young_vote], TRUST, None, {})


def test_another_approval_takes_the_doubt_away_the_districts_word_alone_does_not():
    bulletin = samples.bulletin(V1)
    vote, second = samples.approval(bulletin, V3), samples.approval(bulletin, V4)
    trust = revoked(V3.key)
    assert not doubtful(bulletin, [vote, second], trust, None, {})
    assert doubtful(bulletin, [vote, samples.approval(bulletin, HUB)], trust, None, {})


def test_what_came_here_after_the_day_of_doubt_is_doubtful_whatever_it_says():
    """A thief dates it back."""
    ago = NOW_MIN - 10 * 1440
    bulletin = samples.bulletin(V1, when={"made_min": ago})
    vote = samples.approval(bulletin, V3, KARATAUN, made_min=ago)
    trust = revoked(KARATAUN.key)
    assert not doubtful(bulletin, [vote], trust, None, {vote.id: ago})
    assert doubtful(bulletin, [vote], trust, None, {vote.id: NOW_MIN})
    assert not doubtful(bulletin, [vote], trust, None, {bulletin.id: NOW_MIN})


def test_a_revoked_gateway_takes_its_word_back():
    bulletin = samples.bulletin(V1, KARATAUN)
    votes = [samples.approval(bulletin, V3, KARATAUN), samples.approval(bulletin, V4, SALUTIWO)]
    direct = samples.bulletin(V1)
    direct_votes = [
        samples.approval(direct, V3, KARATAUN),
        samples.approval(direct, V4, SALUTIWO),
    ]
    trust = revoked(KARATAUN.key)
    assert judged(bulletin, *votes, trust=trust) == WAITING
    assert judged(direct, *direct_votes, trust=trust) == by_post(SALUTIWO)
    assert doubtful(direct, direct_votes, trust, None, {})


def test_a_draft_that_waits_is_not_doubtful():
    bulletin = samples.bulletin(RINA)
    assert not doubtful(bulletin, [], TRUST, None, {})


@pytest.mark.parametrize(
    ("minutes", "counts"), [(-1, True), (0, False), (72 * 60 - 1, False), (72 * 60, True)]
)
def test_what_a_suspended_person_approved_meanwhile_counts_for_nothing(minutes, counts):
    bulletin = samples.bulletin(V1)
    start = NOW_MIN - 1000
    frozen = [samples.suspend(V3.key, who, made_min=start) for who in (V4, KETUA)]
    vote = samples.approval(bulletin, V3, made_min=start + minutes)
    trust = samples.trust(*frozen)
    assert judged(bulletin, vote, trust=trust) == (VERIFIED if counts else WAITING)
