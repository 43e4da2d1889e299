"""Revocation lists, times and receipts: who may make them, and what the lists add up to."""

from dataclasses import replace

from kimnode.errors import Reason
from kimnode.rules.chain import Heard, build, check_trust_document, list_age_days
from kimnode.rules.trust import holder
from kimnode.wire import signing
from kimnode.wire.codes import Role
from kimnode.wire.documents import Revocation, signed_by
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DAY,
    DISTRICT,
    HUB,
    KARATAUN,
    NOW,
    NOW_MIN,
    NOW_S,
    RINA,
    ROOT,
    TODAY,
    V1,
    V3,
    refused,
)

TRUST = samples.trust()
MAJENE = samples.Machine("Kab. Majene", Role.DISTRICT, 7605000000)


def check(document, trust=TRUST, estimate=NOW):
    check_trust_document(document, trust, estimate, ROOT.id)


def test_lists_come_from_district_and_hub_only():
    check(samples.revocation(V1.key))
    check(samples.revocation(V1.key, by=HUB, number=1))
    for by in (V3, KARATAUN):
        with refused(Reason.WRONG_ROLE):
            check(samples.revocation(V1.key, by=by))
    with refused(Reason.UNKNOWN_KEY):
        check(samples.revocation(V1.key, by=MAJENE))


def test_the_known_list_again_is_no_error():
    check(samples.REVOCATION)


def test_a_hub_revokes_its_district_neither_does_a_revoked_hub_revoke_anybody():
    with refused(Reason.WRONG_ROLE):
        check(samples.revocation(DISTRICT.key, by=HUB, number=1))
    trust = samples.trust(samples.revocation(HUB.key))
    with refused(Reason.REVOKED):
        check(samples.revocation(V1.key, by=HUB, number=1), trust)


def test_a_hub_whose_time_is_over_lists_nothing():
    over = samples.later(70 * DAY)
    made = NOW_MIN + 69 * 1440
    with refused(Reason.CERT_EXPIRED):
        check(samples.revocation(V1.key, by=HUB, number=1, made_min=made), estimate=over)


def test_what_a_hub_revoked_before_it_was_stolen_stays_revoked():
    before = samples.revocation(V1.key, by=HUB, number=1, made_min=NOW_MIN - 5 * 1440)
    after = samples.revocation(V3.key, by=HUB, number=2, made_min=NOW_MIN - 1440)
    trust = samples.trust(before, after)
    with refused(Reason.REVOKED):
        holder(V3.key, trust, NOW)
    with refused(Reason.REVOKED):
        holder(HUB.key, samples.trust(before, after, samples.revocation(HUB.key)), NOW)
    trust = samples.trust(before, after, samples.revocation(HUB.key))
    assert holder(V3.key, trust, NOW)
    with refused(Reason.REVOKED):
        holder(V1.key, trust, NOW)


def test_the_lists_of_all_issuers_add_up_and_the_earliest_day_counts():
    by_hub = samples.revocation(V1.key, RINA.key, by=HUB, number=1, since=TODAY - 8)
    trust = samples.trust(by_hub)
    day = {hint: since for (_, hint), since in trust.revoked.items()}
    assert day[signing.key_id(RINA.key)] == TODAY - 8
    assert day[signing.key_id(RINA.radio)] == TODAY - 3
    assert day[signing.key_id(V1.key)] == TODAY - 8
    assert len(trust.revocations) == 2


def test_the_list_made_last_is_the_one_that_is_told():
    later = samples.revocation(RINA.key, by=HUB, number=1, made_min=NOW_MIN)
    assert samples.trust().revocation == samples.REVOCATION
    assert samples.trust(later).revocation == later


def test_a_key_taken_off_the_list_is_believed_again():
    assert holder(RINA.key, samples.trust(samples.revocation(number=2)), NOW)


def test_a_list_of_one_district_says_nothing_about_anothers_keys():
    other = samples.Machine("Kab. Polman", Role.DISTRICT, 7604000000)
    district = samples.of_district(ROOT, other)
    foreign = samples.revocation(V1.key, by=other, number=1)
    assert holder(V1.key, samples.trust(district, foreign), NOW)


def test_time_is_told_by_district_and_hub():
    check(samples.time_anchor(HUB))
    check(samples.time_anchor(DISTRICT))
    for by in (KARATAUN, V3):
        with refused(Reason.WRONG_ROLE):
            check(samples.time_anchor(by))
    with refused(Reason.BAD_SIGNATURE):
        check(replace(samples.time_anchor(), made_min=NOW_MIN + 1))
    with refused(Reason.UNKNOWN_KEY):
        check(samples.time_anchor(MAJENE))
    with refused(Reason.CERT_EXPIRED):  # a time after the end of its own certificate is a lie
        check(samples.time_anchor(HUB, NOW_MIN + 61 * 1440))


def test_receipts_are_given_by_gateways():
    bulletin = samples.bulletin()
    check(samples.receipt(bulletin))
    with refused(Reason.WRONG_ROLE):
        check(samples.receipt(bulletin, by=HUB))
    with refused(Reason.BAD_SIGNATURE):
        check(replace(samples.receipt(bulletin), bulletins=(bytes(32),)))


# -- age of lists ---------------------------------------------------------------------------------


def test_the_age_of_the_newest_list_of_district_or_hub():
    old = samples.revocation(RINA.key, made_min=NOW_MIN - 20 * 1440)
    assert list_age_days(DISTRICT.key, samples.trust(old), NOW) == 20
    by_hub = samples.revocation(by=HUB, number=1, made_min=NOW_MIN - 10 * 1440)
    assert list_age_days(DISTRICT.key, samples.trust(old, by_hub), NOW) == 10


def test_without_a_list_the_districts_own_age_counts():
    trust = build([Heard(ROOT, NOW_S), Heard(samples.DISTRICT_CERT, NOW_S)], ROOT.id).trust
    assert list_age_days(DISTRICT.key, trust, NOW) == 30
    assert list_age_days(bytes(32), trust, NOW) == 0


def test_a_clock_that_is_not_sure_makes_no_list_old():
    """Its estimate may be years ahead; the floor is never."""
    fast = replace(NOW, unix_s=NOW_S + 1000 * DAY, trust=samples.TimeTrust.ABOUT)
    assert list_age_days(DISTRICT.key, TRUST, fast) == 0
    behind = replace(NOW, unix_s=NOW_S - 1000 * DAY, floor_s=NOW_S - 1000 * DAY)
    assert list_age_days(DISTRICT.key, TRUST, behind) == 0


def test_a_signed_list_can_be_empty():
    check(signed_by(Revocation(2, NOW_MIN, DISTRICT.key, ()), DISTRICT.seed))
