"""Who may do what: areas, roles, times, revocation; every refusal by its reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason
from kimnode.record import Kind
from kimnode.rules import trust as trusts
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import CAPABILITIES, Capability, Moment, Trust, check_stamp, covers, holder
from kimnode.wire.codes import Form, Role, TimeTrust
from kimnode.wire.documents import signed_by
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DAY,
    DESA,
    DESA_2,
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
    TODAY,
    V1,
    V2,
    V3,
    refused,
)

TRUST = samples.trust()
C = Capability


# -- areas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (0, 7602062003, True),
        (7600000000, 7602062003, True),
        (7602000000, 7602062003, True),
        (7602060000, 7602062003, True),
        (7602062003, 7602062003, True),
        (7602062003, 7602062004, False),
        (7602062002, 7602062003, False),
        (7602050000, 7602062003, False),
        (7603000000, 7602062003, False),
        (7500000000, 7602062003, False),
        (7602062003, 7602000000, False),
        (7602062000, 7602062003, False),  # 2000 is a desa, no shorter prefix
        (7602000000, 0, False),
        (7602000000, 7602000000, True),
    ],
)
def test_an_area_covers_what_begins_with_it(outer: int, inner: int, expected: bool):
    assert covers(outer, inner) is expected


@given(st.integers(0, 10**10 - 1), st.sampled_from(trusts.AREA_LEVELS))
def test_an_area_covers_itself_and_is_covered_by_its_parents(area: int, level: int):
    assert covers(area, area)
    assert covers(area // level * level, area)


@given(st.integers(0, 10**10 - 1), st.integers(0, 10**10 - 1))
def test_two_areas_that_cover_each_other_are_one(one: int, other: int):
    assert not (covers(one, other) and covers(other, one)) or one == other


# -- roles ----------------------------------------------------------------------------------------


def test_the_table_of_capabilities_is_this_one():
    """The security review's list: a change here is a decision."""
    assert {role: set(may) for role, may in CAPABILITIES.items()} == {
        Role.DISTRICT: {C.ISSUE, C.REVOKE, C.TIME, C.COUNTERSIGN},
        Role.HUB: {C.REVOKE, C.TIME, C.COUNTERSIGN},
        Role.GATEWAY: {C.ATTEST, C.RECEIPT},
        Role.VOLUNTEER: {C.DRAFT},
        Role.VERIFIER: {C.DRAFT, C.APPROVE, C.SUSPEND},
        Role.CHAIR: {C.DRAFT, C.APPROVE, C.SUSPEND},
    }
    assert set(CAPABILITIES) == set(Role)


@pytest.mark.parametrize("capability", list(Capability))
@pytest.mark.parametrize("who", [V1, V3, KETUA, KARATAUN, HUB, DISTRICT], ids=lambda w: w.name)
def test_every_role_can_do_what_the_table_says_and_nothing_else(who, capability):
    document = samples.vote(Kind.APPROVAL, bytes(32), who)
    if capability in CAPABILITIES[who.role]:
        assert check_stamp(document, capability, DESA, TRUST, NOW).key == who.key
    else:
        with refused(Reason.WRONG_ROLE):
            check_stamp(document, capability, DESA, TRUST, NOW)


@pytest.mark.parametrize(
    ("kind", "person", "allowed"),
    [
        (Kind.APPROVAL, V1, False),
        (Kind.APPROVAL, V3, True),
        (Kind.APPROVAL, HUB, True),
        (Kind.APPROVAL, DISTRICT, True),
        (Kind.APPROVAL, KARATAUN, False),
        (Kind.REJECTION, V1, True),
        (Kind.REJECTION, V3, True),
        (Kind.REJECTION, HUB, False),
        (Kind.SUSPENSION, V1, False),
        (Kind.SUSPENSION, KETUA, True),
        (Kind.SUSPENSION, HUB, False),
    ],
)
def test_who_may_vote(kind, person, allowed):
    document = samples.vote(kind, bytes(32), person)
    if allowed:
        assert trusts.voter(document, DESA, TRUST, NOW).key == person.key
    else:
        with refused(Reason.WRONG_ROLE):
            trusts.voter(document, DESA, TRUST, NOW)


def test_a_volunteer_drafts_but_publishes_no_notice_alone():
    assert trusts.author(samples.bulletin(V1), TRUST, NOW).name == "Ani"
    with refused(Reason.WRONG_ROLE):
        trusts.author(samples.bulletin(V1, form=Form.NOTICE), TRUST, NOW)
    assert trusts.author(samples.bulletin(V3, form=Form.NOTICE), TRUST, NOW).person == 3


# -- stamps ---------------------------------------------------------------------------------------


def test_a_person_signs_directly_or_through_a_gateway():
    for document in (samples.bulletin(V1), samples.bulletin(V1, KARATAUN)):
        who = check_stamp(document, C.DRAFT, DESA, TRUST, NOW)
        assert (who.person, who.name, who.role, who.area) == (1, "Ani", Role.VOLUNTEER, DESA)
        assert who.key == document.stamp.person


def test_without_a_root_nobody_is_known():
    with refused(Reason.NO_ROOT):
        check_stamp(samples.bulletin(), C.DRAFT, DESA, Trust(), NOW)
    with refused(Reason.NO_ROOT):
        holder(V1.key, Trust(), NOW)
    assert (Trust().root, Trust().demo, Trust().revocation) == (None, False, None)


def test_unknown_keys():
    stranger = samples.Person("Zul", 99, Role.VERIFIER)
    with refused(Reason.UNKNOWN_KEY):
        check_stamp(samples.bulletin(stranger), C.DRAFT, DESA, TRUST, NOW)
    with refused(Reason.UNKNOWN_KEY):
        check_stamp(samples.bulletin(stranger, KARATAUN), C.DRAFT, DESA, TRUST, NOW)
    elsewhere = samples.Machine("Pos Palsu", Role.GATEWAY, DESA)
    with refused(Reason.UNKNOWN_KEY):
        check_stamp(samples.bulletin(V1, elsewhere), C.DRAFT, DESA, TRUST, NOW)


def test_a_direct_signature_is_the_persons_own():
    """A gateway cannot call its word a person's own signature."""
    for key in (V1.key, V1.radio):
        stamp = replace(samples.stamp(V1), person=key, signer=KARATAUN.key)
        forged = signed_by(samples.bulletin(stamp=stamp), KARATAUN.seed)
        with refused(Reason.BAD_SIGNATURE):
            check_stamp(forged, C.DRAFT, DESA, TRUST, NOW)


def test_only_a_gateway_attests_and_only_for_radios():
    by_verifier = replace(samples.stamp(V1, KARATAUN), signer=V3.key)
    with refused(Reason.WRONG_ROLE):
        check_stamp(
            signed_by(samples.bulletin(stamp=by_verifier), V3.seed), C.DRAFT, DESA, TRUST, NOW
        )
    for_own_key = replace(samples.stamp(V1, KARATAUN), person=V1.key)
    with refused(Reason.WRONG_ROLE):
        check_stamp(
            signed_by(samples.bulletin(stamp=for_own_key), KARATAUN.seed), C.DRAFT, DESA, TRUST, NOW
        )


def test_a_radio_key_signs_nothing_by_itself():
    """Its certificate is for an X25519 key: a signature that verifies under it proves nothing."""
    seed = samples.seed_of("both")
    both = samples.Machine("both", Role.VERIFIER, DESA)
    certificate = samples.of_radio(replace(V2, number=50))
    certificate = samples.issued(
        DISTRICT, both.key, Role.VERIFIER, DESA, "x", key_type=certificate.key_type, person=50
    )
    stamp = replace(samples.stamp(V1), signer=both.key, person=both.key)
    with refused(Reason.WRONG_ROLE):
        check_stamp(
            signed_by(samples.bulletin(stamp=stamp), seed),
            C.DRAFT,
            DESA,
            samples.trust(certificate),
            NOW,
        )


@pytest.mark.parametrize(
    ("person", "post"), [(LENA, None), (LENA, KARATAUN), (V1, LEBBA), (LENA, LEBBA)]
)
def test_person_and_gateway_must_both_be_of_the_area(person, post):
    with refused(Reason.WRONG_AREA):
        check_stamp(samples.bulletin(person, post), C.DRAFT, DESA, TRUST, NOW)
    if person is LENA and post in (None, LEBBA):
        assert check_stamp(samples.bulletin(person, post), C.DRAFT, DESA_2, TRUST, NOW)


def test_a_demonstration_and_the_real_village_do_not_mix():
    with refused(Reason.DEMO):
        check_stamp(samples.bulletin(demo=True), C.DRAFT, DESA, TRUST, NOW)


# -- revoked, over, not begun ---------------------------------------------------------------------


@pytest.mark.parametrize("post", [None, KARATAUN])
@pytest.mark.parametrize(("person", "reason"), [(RINA, Reason.REVOKED), (EDI, Reason.CERT_EXPIRED)])
def test_revoked_and_expired_persons_are_refused_whatever_date_they_write(person, reason, post):
    for days_ago in (0, 2, 15, 100):
        document = samples.bulletin(person, post, when={"made_min": NOW_MIN - days_ago * 1440})
        with refused(reason):
            check_stamp(document, C.DRAFT, DESA, TRUST, NOW)


def test_a_revoked_gateway_attests_nothing():
    trust = samples.trust(samples.revocation(KARATAUN.key))
    with refused(Reason.REVOKED):
        check_stamp(samples.bulletin(V1, KARATAUN), C.DRAFT, DESA, trust, NOW)
    assert check_stamp(samples.bulletin(V1, samples.SALUTIWO), C.DRAFT, DESA, trust, NOW)


def test_a_revoked_district_ends_all_under_it():
    trust = samples.trust(samples.revocation(DISTRICT.key))
    for key in (DISTRICT.key, HUB.key, KARATAUN.key, V1.key, V1.radio):
        with refused(Reason.REVOKED):
            holder(key, trust, NOW)


def test_a_district_whose_time_is_over_ends_all_under_it():
    """Its certificate lives longest, so make one that does not."""
    short = samples.of_district(samples.ROOT, to_day=TODAY + 5)
    chain = [short if one is samples.DISTRICT_CERT else one for one in samples.CHAIN]
    built = samples.build([samples.Heard(one, NOW_S) for one in chain], samples.ROOT.id)
    assert holder(V1.key, built.trust, samples.later(4 * DAY))
    with refused(Reason.CERT_EXPIRED):
        holder(V1.key, built.trust, samples.later(7 * DAY))


def test_expiry_is_judged_by_the_floor_never_by_the_wall_clock():
    fast = Estimate(NOW_S + 10 * 365 * DAY, TimeTrust.ABOUT, NOW_S, 0)
    assert holder(V1.key, TRUST, fast)
    end = samples.times_end(V1)
    for floor_s, over in ((end - 1, False), (end, True)):
        estimate = Estimate(max(floor_s, NOW_S), TimeTrust.UNSURE, floor_s, 0)
        if over:
            with refused(Reason.CERT_EXPIRED):
                holder(V1.key, TRUST, estimate)
        else:
            assert holder(V1.key, TRUST, estimate)


def test_a_document_that_says_it_is_younger_than_its_certificate_is_refused():
    """By an unsure clock here it is the only thing that shows it."""
    late = (samples.times_end(V1) - NOW_S) // 60 + NOW_MIN
    for made_min, good in ((late - 1, True), (late, False)):
        document = samples.bulletin(V1, when={"made_min": made_min})
        if good:
            assert check_stamp(document, C.DRAFT, DESA, TRUST, NOW)
        else:
            with refused(Reason.CERT_EXPIRED):
                check_stamp(document, C.DRAFT, DESA, TRUST, NOW)


def test_a_document_dated_before_its_certificate_is_a_wrong_clock_and_accepted():
    assert check_stamp(samples.bulletin(V1, when={"made_min": 1}), C.DRAFT, DESA, TRUST, NOW)


def test_only_a_sure_clock_says_that_a_certificate_has_not_begun():
    person = samples.Person("Baru", 60, Role.VOLUNTEER)
    trust = samples.trust(samples.of_own_key(person, from_day=TODAY + 3))
    with refused(Reason.CERT_EXPIRED):
        holder(person.key, trust, NOW)
    assert holder(person.key, trust, replace(NOW, trust=TimeTrust.ABOUT))
    # Two days early: a battery clock may be behind.
    begins = trusts.day_s(TODAY + 1) - NOW_S
    assert holder(person.key, trust, samples.later(begins))
    with refused(Reason.CERT_EXPIRED):
        holder(person.key, trust, samples.later(begins - 1))


def test_the_newest_certificate_of_a_key_counts():
    """Who was made a plain volunteer again approves no more, with the older certificate neither."""
    demoted = samples.of_own_key(replace(V3, role=Role.VOLUNTEER))
    trust = samples.trust(demoted)
    assert holder(V3.key, trust, NOW).role is Role.VOLUNTEER
    vote = samples.vote(Kind.APPROVAL, bytes(32), V3)
    with refused(Reason.WRONG_ROLE):
        trusts.voter(vote, DESA, trust, NOW)
    # What was approved before stays approved.
    assert trusts.was_allowed(vote, DESA, trust, vote.stamp.made_min).role is Role.VERIFIER


def test_a_promotion_that_begins_next_week_does_not_count_yet():
    promoted = samples.of_own_key(replace(V2, role=Role.VERIFIER), from_day=TODAY + 7)
    trust = samples.trust(promoted)
    assert holder(V2.key, trust, NOW).role is Role.VOLUNTEER
    assert holder(V2.key, trust, samples.later(8 * DAY)).role is Role.VERIFIER


def test_a_renewed_certificate_lets_the_key_go_on():
    renewed = samples.of_own_key(EDI)
    assert holder(EDI.key, samples.trust(renewed), NOW).certificate == renewed


def test_of_several_faults_the_worst_is_told():
    other = samples.Machine("Kab. Majene", Role.DISTRICT, samples.REGENCY)
    elsewhere = samples.of_district(samples.ROOT, other)
    ended = samples.of_own_key(RINA, other, **samples.ENDED)
    with refused(Reason.REVOKED):
        holder(RINA.key, samples.trust(elsewhere, ended), NOW)


# -- as kept --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days_ago", "good"), [(4, True), (3, False), (0, False)])
def test_what_is_kept_of_a_revoked_person_counts_until_the_day_of_doubt(days_ago, good):
    made_min = (TODAY - days_ago) * 1440 + 600
    kept = samples.bulletin(RINA, when={"made_min": made_min})
    if good:
        assert trusts.was_allowed(kept, DESA, TRUST, made_min)
    else:
        with refused(Reason.REVOKED):
            trusts.was_allowed(kept, DESA, TRUST, made_min)
    assert trusts.was_allowed(kept, DESA, TRUST, None)
    with refused(Reason.REVOKED):
        trusts.was_allowed(kept, DESA, TRUST, NOW_MIN)  # it came here after that day


def test_what_is_kept_does_not_end_with_the_certificate():
    kept = samples.bulletin(EDI, when={"made_min": (TODAY - 12) * 1440})
    assert trusts.was_allowed(kept, DESA, TRUST, kept.stamp.made_min)
    with refused(Reason.CERT_EXPIRED):
        younger = samples.bulletin(EDI, when={"made_min": (TODAY - 9) * 1440})
        trusts.was_allowed(younger, DESA, TRUST, younger.stamp.made_min)


def test_a_key_that_was_never_good_at_that_time_has_no_holder():
    with refused(Reason.CERT_EXPIRED):
        trusts.holders(EDI.key, TRUST, Moment(made_min=NOW_MIN))
