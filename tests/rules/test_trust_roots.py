"""Root documents: what they must be, and that one follows the other."""

from dataclasses import replace

import pytest

from kimnode.errors import Reason
from tests.rules import trust_samples as samples
from tests.rules.test_tuf_attacks import KEYS_2, ROOT_2, check, of_root
from tests.rules.trust_samples import ROOT, refused


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 1},
        {"threshold": 0},
        {"threshold": 6},
        {"keys": (KEYS_2[0], KEYS_2[0], KEYS_2[1])},
        {"version": 0, "previous": b""},
        {"version": 1},
        {"previous": b""},
    ],
)
def test_a_root_that_is_no_root(changes):
    unsigned = replace(samples.root(2, ROOT), **changes)
    with refused(Reason.WRONG_FORM):
        check(unsigned, of_root(ROOT))


def test_a_root_changes_neither_its_province_nor_its_world():
    for changes, reason in (
        ({"area": 0}, Reason.WRONG_AREA),
        ({"demo": True}, Reason.DEMO),
        ({"previous": bytes(32)}, Reason.BAD_SIGNATURE),
    ):
        unsigned = replace(samples.root(2, ROOT), **changes)
        other = samples.signed_root(unsigned, (0, 1), (0, 1), ROOT)
        with refused(reason):
            check(other, of_root(ROOT))


def test_every_key_may_have_to_sign():
    all_of_two = samples.root(keys=KEYS_2[:2])
    signed = samples.signed_root(all_of_two, (0, 1))
    check(signed, of_root(), pinned=signed.id)


def test_a_demonstration_may_have_one_key():
    demo = samples.root(demo=True, threshold=1)
    alone = samples.signed_root(demo, (2,))
    check(alone, of_root(), pinned=alone.id)
    assert of_root(alone, pinned=alone.id).demo
    with refused(Reason.BAD_SIGNATURE):
        check(demo, of_root(), pinned=demo.id)


def test_root_three_follows_two():
    root_3 = samples.signed_root(samples.root(3, ROOT_2), (0, 1), (0, 1), ROOT_2)
    with refused(Reason.JUMPED):
        check(root_3, of_root(ROOT))
    check(root_3, of_root(ROOT, ROOT_2))
    assert of_root(root_3, ROOT_2, ROOT).root == root_3
    assert of_root(root_3, ROOT).root == ROOT
