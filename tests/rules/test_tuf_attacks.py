"""The six attacks of TUF's list, on root, certificates and revocation lists: each refused.

`RESTART` plays them once more after everything was read anew, as a node does that was switched off
(tests/store/test_trust.py does it with a real file).
"""

from dataclasses import replace

import pytest

from kimnode.errors import Reason, WireError
from kimnode.rules import chain
from kimnode.rules.chain import Heard, build, check_trust_document, list_age_days
from kimnode.rules.standing import standing
from kimnode.rules.trust import StandingState, holder
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Role
from kimnode.wire.documents import (
    MAX_NAME_BYTES,
    MAX_REVOKED,
    Certificate,
    Revocation,
    Root,
    signed_by,
)
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DAY,
    DISTRICT,
    HUB,
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

NEW = samples.Person("Baru", 70, Role.VOLUNTEER)
ROOT_2 = samples.signed_root(samples.root(2, ROOT), (0, 1), (0, 1), ROOT)
KEYS_2 = tuple(signing.public_key(seed) for seed in samples.ROOT_SEEDS[3:8])  # 0..2 thrown out
SWEPT = samples.signed_root(samples.root(2, ROOT, keys=KEYS_2), (0, 1), (0, 1), ROOT)


def check(document, trust, estimate=NOW, pinned=ROOT.id):
    check_trust_document(document, trust, estimate, pinned)


def of_root(*roots: Root, pinned: bytes = ROOT.id):
    return build([Heard(root, NOW_S) for root in roots], pinned).trust


# -- 1. arbitrary ---------------------------------------------------------------------------------


def test_arbitrary_root_of_somebody_else():
    stranger = samples.signed_root(samples.root(name="Palsu"), (0, 1))
    with refused(Reason.NO_ROOT):
        check(stranger, of_root())
    with refused(Reason.NO_ROOT):
        check(ROOT, of_root(), pinned=None)
    check(ROOT, of_root())


@pytest.mark.parametrize(
    ("own", "old"), [((0, 1), ()), ((), (0, 1)), ((0, 1), (0,)), ((0,), (0, 1)), ((), ())]
)
def test_arbitrary_root_without_enough_of_both_lists(own, old):
    forged = samples.signed_root(samples.root(2, ROOT, keys=KEYS_2), own, old, ROOT)
    with refused(Reason.BAD_SIGNATURE):
        check(forged, of_root(ROOT))
    assert of_root(ROOT, forged).root == ROOT


def test_arbitrary_root_signed_twice_by_one_key():
    forged = samples.signed_root(samples.root(2, ROOT), (0, 1), (0,), ROOT)
    twice = replace(next(m for m in forged.marks if m.ring == 1), index=1)
    with refused(Reason.BAD_SIGNATURE):
        check(replace(forged, marks=(*forged.marks, twice)), of_root(ROOT))


def test_arbitrary_certificate_and_list():
    trust = samples.trust()
    forged = replace(samples.of_own_key(V1), role=Role.VERIFIER, serial=10**6)
    with refused(Reason.BAD_SIGNATURE):
        check(forged, trust)
    with refused(Reason.BAD_SIGNATURE):
        check(replace(samples.revocation(V1.key), entries=()), samples.trust())


# -- 2. rollback ----------------------------------------------------------------------------------


def test_rollback_of_the_root():
    trust = of_root(ROOT, ROOT_2)
    assert trust.root == ROOT_2
    with refused(Reason.OUTDATED):
        check(ROOT, trust)
    again = samples.signed_root(samples.root(2, ROOT, name="lain"), (0, 1), (0, 1), ROOT)
    with refused(Reason.OUTDATED):
        check(again, trust)


def test_rollback_of_a_list():
    newer = samples.revocation(RINA.key, V1.key, number=3)
    trust = samples.trust(newer)
    for number in (1, 2, 3):
        older = samples.revocation(number=number)
        with refused(Reason.OUTDATED):
            check(older, trust)
    # RESTART: the older one is a row of the log too, after the newer one.
    trust = samples.trust(newer, samples.revocation(number=2))
    with refused(Reason.REVOKED):
        holder(V1.key, trust, NOW)


def test_rollback_of_a_certificate():
    promoted = samples.of_own_key(V3)
    demoted = samples.of_own_key(replace(V3, role=Role.VOLUNTEER))
    with refused(Reason.OUTDATED):
        check(promoted, samples.trust(demoted))
    # RESTART: whatever the order of the rows, the highest serial counts.
    for order in ((promoted, demoted), (demoted, promoted)):
        assert holder(V3.key, samples.trust(*order), NOW).role is Role.VOLUNTEER


# -- 3. freeze ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "believed"), [(13, True), (45, True), (46, False)])
def test_freeze_whoever_hides_the_lists_brings_in_nobody_new(days, believed):
    made_min = NOW_MIN - 60 - days * 1440
    old = samples.revocation(RINA.key, number=2, made_min=made_min)
    trust = build([Heard(d, NOW_S) for d in (*samples.CHAIN[:-1], old)], ROOT.id).trust
    assert list_age_days(DISTRICT.key, trust, NOW) == days
    new = samples.of_own_key(NEW)
    if believed:
        check(new, trust)
    else:
        with refused(Reason.OUTDATED):
            check(new, trust)
        check(samples.revocation(number=3), trust)  # the way out
        check(samples.of_own_key(V1), trust)  # who is known is renewed
    assert holder(V1.key, trust, NOW)  # and goes on


def test_freeze_of_a_node_that_never_heard_a_list():
    trust = build([Heard(ROOT, NOW_S), Heard(samples.DISTRICT_CERT, NOW_S)], ROOT.id).trust
    check(samples.of_own_key(NEW), trust, samples.later(14 * DAY))
    with refused(Reason.OUTDATED):
        check(samples.of_own_key(NEW), trust, samples.later(17 * DAY))


def test_freeze_is_never_told_by_a_clock_that_is_not_sure():
    fast = replace(NOW, unix_s=NOW_S + 3650 * DAY, trust=samples.TimeTrust.ABOUT)
    check(samples.of_own_key(NEW), samples.trust(), fast)


# -- 4. fast-forward ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [3, 4, 1000, 2**32 - 1])
def test_fast_forward_of_the_root(version):
    far = samples.signed_root(samples.root(version, ROOT), (0, 1), (0, 1), ROOT)
    with refused(Reason.JUMPED):
        check(far, of_root(ROOT))
    assert of_root(ROOT, far).root == ROOT


@pytest.mark.parametrize("number", [0, 1002, 10**6, 2**32 - 1])
def test_fast_forward_of_a_list(number):
    with refused(Reason.JUMPED):
        check(samples.revocation(number=number), samples.trust())


def test_fast_forward_bounds_exactly():
    check(samples.revocation(number=1 + chain.MAX_JUMP), samples.trust())
    with refused(Reason.JUMPED):
        check(samples.revocation(number=2 + chain.MAX_JUMP), samples.trust())
    most = (NOW_MIN - 60) // chain.MINUTES_PER_NUMBER
    check(samples.revocation(by=HUB, number=most), samples.trust())
    with refused(Reason.JUMPED):
        check(samples.revocation(by=HUB, number=most + 1), samples.trust())
    with refused(Reason.JUMPED):
        check(samples.revocation(by=HUB, number=0), samples.trust())


def test_fast_forward_by_a_date_in_the_future():
    check(samples.revocation(by=HUB, number=1, made_min=NOW_MIN + 1440), samples.trust())
    future = samples.revocation(by=HUB, number=1, made_min=NOW_MIN + 1441)
    with refused(Reason.JUMPED):
        check(future, samples.trust())
    check(future, samples.trust(), replace(NOW, trust=samples.TimeTrust.UNSURE))


def test_fast_forward_is_healed_by_the_next_hour_or_by_another_key():
    """A stolen hub key used up every number of today; it is one issuer of several."""
    most = (NOW_MIN - 60) // chain.MINUTES_PER_NUMBER
    stolen = samples.revocation(V3.key, by=HUB, number=most)
    trust = samples.trust(stolen)
    check(samples.revocation(by=HUB, number=most + 1, made_min=NOW_MIN), trust)
    ended = samples.revocation(HUB.key, since=TODAY - 1)
    check(ended, trust)
    assert holder(V3.key, samples.trust(stolen, ended), NOW)
    hub_2 = samples.Machine("Hub Mamuju 2", Role.HUB, samples.REGENCY)
    check(samples.revocation(by=hub_2, number=1), samples.trust(stolen, samples.of_machine(hub_2)))


# -- 5. mix and match -----------------------------------------------------------------------------


def with_root(root: Root, *more):
    return build([Heard(d, NOW_S) for d in (*samples.CHAIN, root, *more)], ROOT.id).trust


def test_mix_a_certificate_of_the_older_root_holds_while_its_signers_are_listed():
    trust = with_root(ROOT_2)
    assert trust.root == ROOT_2
    assert holder(V1.key, trust, NOW)


def test_mix_keys_that_were_thrown_out_certify_nobody_old_or_new():
    """The first root's keys 0 and 1 were stolen: what they signed ends with the next root."""
    trust = with_root(SWEPT)
    assert trust.root == SWEPT
    with refused(Reason.UNKNOWN_KEY):
        holder(DISTRICT.key, trust, NOW)
    with refused(Reason.UNKNOWN_KEY):
        holder(V1.key, trust, NOW)
    thief = samples.Machine("Palsu", Role.DISTRICT, samples.REGENCY)
    with refused(Reason.BAD_SIGNATURE):
        check(samples.of_district(ROOT, thief, by=(0, 1)), trust)
    with refused(Reason.BAD_SIGNATURE):
        check(samples.of_district(ROOT, thief, by=(0, 3)), trust)
    check(samples.of_district(ROOT, thief, by=(3, 4)), trust)  # both are still listed
    anew = samples.of_district(SWEPT, by=(0, 1))
    assert holder(V1.key, with_root(SWEPT, anew), NOW)


def test_mix_a_newer_root_takes_a_districts_key_away():
    """Same root keys, new certificate for the area: the stolen district key is over."""
    fresh = samples.Machine("Kab. Mamuju baru", Role.DISTRICT, samples.REGENCY)
    replaced = with_root(ROOT_2, samples.of_district(ROOT_2, fresh))
    assert holder(fresh.key, replaced, NOW)
    for key in (DISTRICT.key, V1.key, HUB.key):
        with refused(Reason.UNKNOWN_KEY):
            holder(key, replaced, NOW)
    with refused(Reason.OUTDATED):
        check(samples.DISTRICT_CERT, replaced)
    # Who is certified by the new key goes on, with what was signed before.
    kept = samples.bulletin(V1)
    vote = samples.approval(kept, V3)
    trust = with_root(
        ROOT_2,
        samples.of_district(ROOT_2, fresh),
        samples.of_own_key(V1, fresh),
        samples.of_own_key(V3, fresh),
    )
    assert standing(kept, [vote], trust, None).state is StandingState.VERIFIED


def test_mix_two_keys_under_one_root_both_hold():
    """So that a district can hand over without a day on which nobody can sign."""
    fresh = samples.Machine("Kab. Mamuju baru", Role.DISTRICT, samples.REGENCY)
    trust = samples.trust(samples.of_district(ROOT, fresh, serial=2))
    assert holder(DISTRICT.key, trust, NOW)
    assert holder(fresh.key, trust, NOW)


def test_mix_a_node_that_was_installed_with_version_two_learns_version_one_by_its_hash():
    trust = of_root(ROOT_2, pinned=ROOT_2.id)
    check(ROOT, trust, pinned=ROOT_2.id)
    other = samples.signed_root(samples.root(name="lain"), (0, 1))
    with refused(Reason.OUTDATED):
        check(other, trust, pinned=ROOT_2.id)
    both = of_root(other, ROOT, ROOT_2, pinned=ROOT_2.id)
    assert both.roots == (ROOT, ROOT_2)
    chain_2 = [Heard(d, NOW_S) for d in (ROOT_2, *samples.CHAIN)]
    assert holder(V1.key, build(chain_2, ROOT_2.id).trust, NOW)


def test_mix_a_list_of_an_older_district_key_does_not_count_for_the_new_one():
    fresh = samples.Machine("Kab. Mamuju baru", Role.DISTRICT, samples.REGENCY)
    old_key = samples.revocation(NEW.key)
    trust = with_root(
        ROOT_2, samples.of_district(ROOT_2, fresh), samples.of_own_key(NEW, fresh), old_key
    )
    assert holder(NEW.key, trust, NOW)
    with refused(Reason.UNKNOWN_KEY):
        check(samples.revocation(NEW.key, number=3), trust)


# -- 6. endless data ------------------------------------------------------------------------------


def certified(count: int, **changes) -> list[Certificate]:
    people = [samples.Person(f"x{n}", 1000 + n, Role.VOLUNTEER) for n in range(count)]
    return [samples.of_radio(person, **changes) for person in people]


def test_endless_certificates_of_an_issuer(monkeypatch):
    monkeypatch.setattr(chain, "MAX_PER_ISSUER", len(samples.CHAIN) - 3 + 2)
    first, second, third = certified(3)
    trust = samples.trust(first)
    check(second, trust)
    with refused(Reason.NO_ROOM):
        check(third, samples.trust(first, second))
    check(second, samples.trust(first, second))  # known: no error


def test_endless_districts(monkeypatch):
    monkeypatch.setattr(chain, "MAX_DISTRICTS", 2)
    check(samples.of_district(ROOT, serial=2), samples.trust())
    monkeypatch.setattr(chain, "MAX_DISTRICTS", 1)
    with refused(Reason.NO_ROOM):
        check(
            samples.of_district(ROOT, samples.Machine("K", Role.DISTRICT, 7605000000)),
            samples.trust(),
        )


def test_endless_certificates_of_one_key():
    renewals = [samples.of_own_key(V1) for _ in range(chain.MAX_PER_KEY)]
    check(renewals[-2], samples.trust(*renewals[:-2]))
    with refused(Reason.NO_ROOM):
        check(renewals[-1], samples.trust(*renewals[:-1]))


def test_endless_keys_with_one_hint(monkeypatch):
    real = signing.key_id
    monkeypatch.setattr(signing, "key_id", lambda key: real(key)[:0] + b"6bytes")
    people = [samples.Person(f"x{n}", 1000 + n, Role.VOLUNTEER) for n in range(5)]
    root_only = [ROOT, samples.DISTRICT_CERT]
    made = [samples.of_radio(person) for person in people]

    def of(count: int):
        return build([Heard(d, NOW_S) for d in (*root_only, *made[:count])], ROOT.id).trust

    check(made[2], of(2))
    with refused(Reason.NO_ROOM):
        check(made[3], of(3))  # the district has it too
    check(samples.of_radio(people[0]), of(3))  # a known key is renewed


def test_endless_bytes():
    long_name = replace(samples.of_own_key(NEW), name="x" * (MAX_NAME_BYTES + 1))
    keys = tuple(bytes([n]) * 32 for n in range(9))
    entries = tuple((n.to_bytes(6, "big"), 1) for n in range(MAX_REVOKED + 1))
    for document in (
        long_name,
        samples.root(keys=keys),
        signed_by(Revocation(2, NOW_MIN, DISTRICT.key, entries), DISTRICT.seed),
    ):
        with pytest.raises(WireError):
            sealed.decode(sealed.encode(document))
