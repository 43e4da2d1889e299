"""Invitations: used once, bounded, and kept only as hashes."""

import contextlib
import sqlite3

import pytest

from kimnode.errors import Reason, Refused
from kimnode.store import enrolment, migrate
from kimnode.store.enrolment import INVITE_AGE_S, Enrolled, Invitation
from kimnode.wire.codes import Role

NOW = 1_800_000_000
CODE, KEY = "Ab-c_d1234567890", bytes(range(32))
BUDI = Invitation("Budi", 12, Role.VERIFIER)


@pytest.fixture
def connection():
    with contextlib.closing(sqlite3.connect(":memory:")) as opened:
        migrate.migrate(opened)
        yield opened


def test_an_invitation_is_used_once(connection):
    enrolment.invite(connection, CODE, BUDI, NOW)
    assert enrolment.find(connection, CODE, NOW + 5) == BUDI
    assert enrolment.enrol(connection, CODE, KEY, NOW + 9) == BUDI
    assert enrolment.find(connection, CODE, NOW + 10) is None
    with pytest.raises(Refused) as again:
        enrolment.enrol(connection, CODE, bytes(32), NOW + 11)
    assert again.value.reason is Reason.NO_INVITATION
    assert enrolment.enrolled(connection) == [Enrolled(BUDI, KEY, NOW + 9)]


def test_a_key_is_enrolled_once(connection):
    for code in (CODE, "other-code-123456"):
        enrolment.invite(connection, code, BUDI, NOW)
    enrolment.enrol(connection, CODE, KEY, NOW)
    with pytest.raises(Refused):
        enrolment.enrol(connection, "other-code-123456", KEY, NOW)


def test_a_wrong_or_old_code_opens_nothing(connection):
    enrolment.invite(connection, CODE, BUDI, NOW)
    assert enrolment.find(connection, CODE.lower(), NOW) is None
    assert enrolment.find(connection, CODE, NOW + INVITE_AGE_S - 1) == BUDI
    assert enrolment.find(connection, CODE, NOW + INVITE_AGE_S) is None
    assert enrolment.find(connection, CODE, 0) == BUDI  # a clock that was set back locks nobody out


def test_the_code_itself_is_nowhere(connection):
    enrolment.invite(connection, CODE, BUDI, NOW)
    assert CODE not in "\n".join(connection.iterdump())


def test_invitations_that_nobody_used_are_bounded(connection):
    enrolment.invite(connection, CODE, BUDI, NOW - 2)
    enrolment.enrol(connection, CODE, KEY, NOW - 1)
    for number in range(enrolment.MAX_INVITES + 7):
        enrolment.invite(connection, f"code-number-{number}", BUDI, NOW + number)
    (count,) = connection.execute("SELECT count(*) FROM enrolment").fetchone()
    assert count == enrolment.MAX_INVITES + 1
    assert enrolment.find(connection, "code-number-6", NOW) is None
    assert enrolment.find(connection, "code-number-7", NOW) == BUDI
    assert len(enrolment.enrolled(connection)) == 1
