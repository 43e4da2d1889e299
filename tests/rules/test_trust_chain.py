"""From root to key: what a certificate needs, and what a log full of documents adds up to."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimnode.errors import Reason
from kimnode.rules import chain
from kimnode.rules.chain import Heard, build, check_trust_document
from kimnode.rules.trust import Trust, holder
from kimnode.wire import signing
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import Mark
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DAY,
    DESA,
    DISTRICT,
    HUB,
    KARATAUN,
    NOW,
    NOW_S,
    RINA,
    ROOT,
    TODAY,
    V1,
    V3,
    refused,
)

TRUST = samples.trust()
NEW = samples.Person("Baru", 70, Role.VOLUNTEER)
MAJENE = samples.Machine("Kab. Majene", Role.DISTRICT, 7605000000)


def check(document, trust=TRUST, estimate=NOW, pinned=ROOT.id):
    check_trust_document(document, trust, estimate, pinned)


def grown(*documents, pinned=ROOT.id) -> chain.Built:
    return build([Heard(one, NOW_S) for one in documents], pinned)


# -- certificates ---------------------------------------------------------------------------------


def test_the_chain_enters_one_by_one():
    known: list = []
    for document in samples.CHAIN:
        if document.KIND is samples.of_own_key(samples.EDI).KIND and document.name == "Edi":
            continue  # over today
        check(document, grown(*known).trust)
        known.append(document)
    assert grown(*known).ignored == 0


def test_without_a_root_nothing_enters():
    for document in (*samples.CHAIN[1:4], samples.REVOCATION, samples.time_anchor()):
        with refused(Reason.NO_ROOT):
            check(document, Trust())


def test_the_same_certificate_again_is_no_error():
    check(samples.PERSON_CERTS[0])


def test_a_district_needs_the_threshold_of_different_root_keys():
    one = samples.of_district(ROOT, MAJENE, by=(0,))
    with refused(Reason.BAD_SIGNATURE):
        check(one)
    mark = one.marks[0]
    for marks in (
        (mark, replace(mark, index=1)),  # the same signature under another number
        (mark, mark),
        (mark, replace(mark, index=7)),
        (mark, replace(samples.of_district(ROOT, MAJENE, by=(1,)).marks[0], ring=1)),
    ):
        with refused(Reason.BAD_SIGNATURE):
            check(replace(one, marks=marks))
    check(samples.of_district(ROOT, MAJENE, by=(2, 4)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"area": 7302000000}, Reason.WRONG_AREA),
        ({"person": 3}, Reason.WRONG_FORM),
        ({"key_type": KeyType.RADIO}, Reason.WRONG_FORM),
        ({"issuer": bytes(32)}, Reason.NO_ROOT),
        ({"from_day": TODAY, "to_day": TODAY - 1}, Reason.WRONG_FORM),
        ({"from_day": TODAY, "to_day": TODAY + 1095}, Reason.WRONG_FORM),
        ({"from_day": TODAY - 300, "to_day": TODAY - 1}, Reason.CERT_EXPIRED),
    ],
)
def test_what_a_district_may_not_be(changes, reason):
    with refused(reason):
        check(samples.of_district(ROOT, MAJENE, **changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"area": 7602000000 + 10**6}, Reason.WRONG_AREA),
        ({"area": 7600000000}, Reason.WRONG_AREA),
        ({"person": 0}, Reason.WRONG_FORM),
        ({"issuer": HUB.key}, Reason.WRONG_ROLE),
        ({"issuer": V3.key}, Reason.WRONG_ROLE),
        ({"issuer": bytes(32)}, Reason.UNKNOWN_KEY),
        ({"key": V1.key}, Reason.WRONG_FORM),  # somebody else's
        ({"key": KARATAUN.key}, Reason.WRONG_FORM),
        ({"from_day": TODAY, "to_day": TODAY + 400}, Reason.WRONG_FORM),
        ({"from_day": TODAY - 9, "to_day": TODAY - 1}, Reason.CERT_EXPIRED),
    ],
)
def test_what_a_person_may_not_be(changes, reason):
    with refused(reason):
        check(samples.of_own_key(NEW, **changes))


def test_machines_have_no_person_and_no_radio_key():
    post = samples.Machine("Pos Baru", Role.GATEWAY, DESA)
    check(samples.of_machine(post))
    for changes in ({"person": 1}, {"key_type": KeyType.RADIO}):
        with refused(Reason.WRONG_FORM):
            check(samples.of_machine(post, **changes))


@pytest.mark.parametrize(
    ("role", "days"),
    [
        *((Role.HUB, 90), (Role.GATEWAY, 400)),
        *((Role.VOLUNTEER, 400), (Role.VERIFIER, 400), (Role.CHAIR, 400)),
    ],
)
def test_the_longest_life_of_each_role(role, days):
    person = 0 if role in (Role.HUB, Role.GATEWAY) else 70

    def of(days: int):
        changes = {"from_day": TODAY, "to_day": TODAY + days - 1, "person": person}
        return samples.issued(DISTRICT, NEW.key, role, DESA, "x", **changes)

    check(of(days))
    check(of(1))
    for wrong in (days + 1, 0):
        with refused(Reason.WRONG_FORM):
            check(of(wrong))


def test_the_last_day_of_a_certificate_is_a_day_of_it():
    ended = samples.of_own_key(NEW, from_day=TODAY - 9, to_day=TODAY)
    end_s = (TODAY + 1) * DAY + samples.EPOCH_2025
    check(ended, estimate=samples.later(end_s - 1 - NOW_S))
    with refused(Reason.CERT_EXPIRED):
        check(ended, estimate=samples.later(end_s - NOW_S))


def test_the_bounds_are_these():
    bounds = (chain.MAX_DISTRICTS, chain.MAX_PER_ISSUER, chain.MAX_PER_KEY, chain.MAX_PER_HINT)
    assert bounds == (64, 2000, 16, 4)
    numbers = (chain.MAX_JUMP, chain.MINUTES_PER_NUMBER, chain.WARN_DAYS, chain.BLOCK_DAYS)
    assert numbers == (1000, 60, 14, 45)


def test_a_gateway_key_never_becomes_a_hubs():
    with refused(Reason.WRONG_FORM):
        check(samples.of_machine(replace(KARATAUN, role=Role.HUB)))


def test_a_radio_key_and_an_own_key_are_never_the_same_key():
    with refused(Reason.WRONG_FORM):
        check(samples.of_own_key(V1, key_type=KeyType.RADIO))


@pytest.mark.parametrize("by", [V3, HUB, KARATAUN, MAJENE])
def test_only_the_district_named_has_signed(by):
    unsigned = samples.of_own_key(NEW)
    mark = Mark(0, 0, signing.sign(by.seed, unsigned.signed()))
    with refused(Reason.BAD_SIGNATURE):
        check(replace(unsigned, marks=(mark,)))


def test_one_signature_no_more_no_less():
    good = samples.of_own_key(NEW)
    mark = good.marks[0]
    for marks in ((), (mark, replace(mark, index=1)), (replace(mark, ring=1),)):
        with refused(Reason.BAD_SIGNATURE):
            check(replace(good, marks=marks))


def test_another_districts_certificate_is_of_its_area():
    trust = samples.trust(samples.of_district(ROOT, MAJENE))
    with refused(Reason.WRONG_AREA):
        check(samples.of_own_key(NEW, MAJENE), trust)
    check(samples.of_own_key(replace(NEW, area=7605010001), MAJENE), trust)


def test_an_older_certificate_of_the_same_key_is_refused():
    older, newer = samples.of_own_key(NEW), samples.of_own_key(NEW)
    check(newer, samples.trust(older))
    with refused(Reason.OUTDATED):
        check(older, samples.trust(newer))
    same = samples.of_own_key(NEW, serial=newer.serial, name="lain")
    with refused(Reason.OUTDATED):
        check(same, samples.trust(newer))


def test_a_revoked_key_is_not_certified_again():
    with refused(Reason.REVOKED):
        check(samples.of_own_key(RINA))
    self_revoked = samples.trust(samples.revocation(DISTRICT.key))
    with refused(Reason.REVOKED):
        check(samples.of_own_key(NEW), self_revoked)
    with refused(Reason.REVOKED):
        check(samples.of_district(ROOT, serial=2), self_revoked)


def test_a_root_whose_time_is_over_certifies_no_new_district():
    fresh = {"from_day": ROOT.to_day, "to_day": ROOT.to_day + 500}
    end_s = (ROOT.to_day + 1) * DAY + samples.EPOCH_2025 - NOW_S
    check(samples.of_district(ROOT, MAJENE, **fresh), estimate=samples.later(end_s - 1))
    with refused(Reason.CERT_EXPIRED):
        check(samples.of_district(ROOT, MAJENE, **fresh), estimate=samples.later(end_s))


# -- a whole log ----------------------------------------------------------------------------------


def test_a_log_in_any_order_adds_up_to_the_same():
    documents = [*samples.CHAIN, samples.revocation(V1.key), samples.revocation(by=HUB)]
    wanted = grown(*documents).trust
    for seed in range(20):
        shuffled = Random(seed).sample(documents, len(documents))
        trust = grown(*shuffled).trust
        assert trust.roots == wanted.roots
        assert trust.revoked == wanted.revoked
        assert {k: set(v) for k, v in trust.certificates.items()} == {
            k: set(v) for k, v in wanted.certificates.items()
        }


def test_what_does_not_verify_is_counted_and_ignored():
    forged = [
        samples.of_own_key(NEW, MAJENE),
        replace(samples.of_own_key(NEW), marks=()),
        samples.of_district(ROOT, MAJENE, by=(3,)),
        samples.revocation(V1.key, by=V3),
        samples.suspend(V1.key, samples.LENA),
        samples.signed_root(samples.root(2, ROOT), (0, 1)),
    ]
    built = grown(*samples.CHAIN, *forged)
    assert built.ignored == len(forged)
    assert built.trust == TRUST
    assert grown(*samples.CHAIN, samples.suspend(V1.key, V3), *forged).ignored == len(forged)


def test_without_the_pinned_root_nothing_counts():
    for pinned in (None, bytes(32)):
        built = grown(*samples.CHAIN, pinned=pinned)
        assert (built.trust, built.ignored) == (Trust(), len(samples.CHAIN))


def test_a_key_of_two_persons_is_the_first_ones():
    second = samples.of_own_key(replace(V1, number=3))
    built = grown(*samples.CHAIN, second)
    assert built.ignored == 1
    assert holder(V1.key, built.trust, NOW).person == 1


def test_what_was_verified_is_not_verified_again():
    """But only the very same bytes."""
    built = grown(*samples.CHAIN)
    forged = replace(samples.PERSON_CERTS[0], marks=(Mark(0, 0, bytes(64)),))
    heard = [Heard(one, NOW_S) for one in (*samples.CHAIN, forged)]
    again = build(heard, ROOT.id, built.verified)
    assert (again.trust, again.ignored) == (built.trust, 1)


def test_verified_signatures_are_really_skipped(monkeypatch):
    built = grown(*samples.CHAIN)
    calls = []
    real = signing.verify
    monkeypatch.setattr(signing, "verify", lambda *a: calls.append(1) or real(*a))
    build([Heard(one, NOW_S) for one in samples.CHAIN], ROOT.id, built.verified)
    assert len(calls) <= 4  # the root's and the district's
    build([Heard(one, NOW_S) for one in samples.CHAIN], ROOT.id)
    assert len(calls) > len(samples.PERSON_CERTS)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(samples.CHAIN[1:]), unique=True), st.randoms())
def test_less_of_the_chain_never_makes_anybody_more(kept, random):
    """Whoever withholds certificates only takes away (lists apart: that is the freeze)."""
    random.shuffle(kept)
    documents = [ROOT, samples.REVOCATION, samples.DISTRICT_CERT, *kept]
    trust = grown(*dict.fromkeys(documents)).trust
    assert set(trust.certificates) <= set(TRUST.certificates)
