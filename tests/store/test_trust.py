"""Trust as a node reads it from its file: after a restart, and from rows that nobody accepted."""

import sqlite3
import time
from pathlib import Path

import pytest

from kimnode.errors import Reason, Refused, StoreError
from kimnode.record import Via
from kimnode.rules import chain
from kimnode.rules.chain import check_trust_document
from kimnode.rules.standing import standing
from kimnode.rules.trust import StandingState, Trust, holder
from kimnode.store import log, trust
from kimnode.store.db import Database, open_database
from kimnode.store.migrate import migrate
from kimnode.store.trust import TrustCache
from kimnode.wire import records, sealed
from kimnode.wire.codes import Role
from tests.rules import trust_samples as samples
from tests.rules.test_tuf_attacks import ROOT_2, SWEPT
from tests.rules.trust_samples import (
    DISTRICT,
    HUB,
    NOW,
    NOW_MIN,
    NOW_S,
    RINA,
    ROOT,
    V1,
    V3,
    V4,
    refused,
)


@pytest.fixture
def connection(tmp_path: Path):
    made = sqlite3.connect(tmp_path / "village.db", isolation_level=None)
    migrate(made)
    trust.pin_root(made, ROOT.id)
    yield made
    made.close()


def put(connection: sqlite3.Connection, *documents, now: int = NOW_S) -> None:
    for document in documents:
        log.append(connection, records.of_document(document), Via.USB, now)


def by_hand(connection: sqlite3.Connection, document, **columns) -> None:
    """A row as somebody with the file writes it: never accepted, the chain wrong."""
    record = records.of_document(document)
    header = {
        "id": record.id,
        "kind": int(record.kind),
        "author": record.author,
        "nonce": record.nonce,
        "received_at": NOW_S,
        "chain": bytes(32),
    } | columns
    data = header.pop("bytes", record.document)
    cursor = connection.execute(
        "INSERT INTO log (id, kind, author, room, channel, made_at, nonce, salt, body_hash, via,"
        " received_at, chain) VALUES (:id, :kind, :author, '', '', 0, :nonce, x'', x'', 99,"
        " :received_at, :chain)",
        header,
    )
    if data is not None:
        connection.execute("INSERT INTO document VALUES (?, ?)", (cursor.lastrowid, data))


def load(connection: sqlite3.Connection) -> Trust:
    return TrustCache().load(connection)


# -- facts ----------------------------------------------------------------------------------------


def test_a_pinned_root_stays(connection):
    trust.pin_root(connection, ROOT.id)
    with pytest.raises(StoreError, match="another province"):
        trust.pin_root(connection, bytes(32))
    assert trust.pinned_root(connection) == ROOT.id


def test_the_gateways_own_key(connection):
    assert trust.here(connection) is None
    trust.set_here(connection, V1.key)
    trust.set_here(connection, V3.key)
    assert trust.here(connection) == V3.key


# -- reading --------------------------------------------------------------------------------------


def test_an_empty_database_trusts_nobody(connection):
    cache = TrustCache()
    assert cache.ignored == 0
    assert cache.load(connection) == Trust()


def test_the_log_adds_up_to_the_chain(connection):
    put(connection, *samples.CHAIN)
    assert load(connection) == samples.trust()


def test_without_a_pin_the_chain_counts_for_nothing(connection):
    put(connection, *samples.CHAIN)
    connection.execute("DELETE FROM fact WHERE name = 'root'")
    cache = TrustCache()
    assert cache.load(connection) == Trust()
    assert cache.ignored == len(samples.CHAIN)
    trust.pin_root(connection, ROOT.id)
    assert cache.load(connection) == samples.trust()


def test_the_same_trust_is_given_while_nothing_changes(connection):
    put(connection, *samples.CHAIN)
    cache = TrustCache()
    first = cache.load(connection)
    put(connection, samples.bulletin(), samples.time_anchor())  # other kinds change nothing
    assert cache.load(connection) is first
    put(connection, samples.revocation(V1.key))
    assert cache.load(connection) is not first
    with refused(Reason.REVOKED):
        holder(V1.key, cache.load(connection), NOW)


def test_one_by_one_is_the_same_as_at_once(connection):
    cache = TrustCache()
    votes = (samples.suspend(V1.key, V3), samples.suspend(V1.key, V4))
    for document in (*samples.CHAIN, *votes, ROOT_2):
        put(connection, document)
        assert cache.load(connection) == load(connection)
    assert len(cache.load(connection).suspensions) == 1


def test_when_a_vote_was_heard_is_read_too(connection):
    unsure = {"made_min": NOW_MIN - 5 * 1440, "trust": samples.TimeTrust.UNSURE}
    put(connection, *samples.CHAIN)
    put(
        connection,
        samples.suspend(V1.key, V3, samples.SALUTIWO, **unsure),
        samples.suspend(V1.key, V4, samples.SALUTIWO, **unsure),
        now=NOW_S - 60,
    )
    assert load(connection).suspensions[0].from_s == NOW_S - 60


def test_what_was_rolled_back_is_forgotten(connection):
    put(connection, *samples.CHAIN)
    cache = TrustCache()
    connection.execute("BEGIN")
    put(connection, samples.revocation(V1.key))
    with refused(Reason.REVOKED):
        holder(V1.key, cache.load(connection), NOW)
    connection.execute("ROLLBACK")
    assert holder(V1.key, cache.load(connection), NOW)
    connection.execute("BEGIN")  # the same place in the log, another document
    put(connection, samples.revocation(V3.key))
    assert holder(V1.key, cache.load(connection), NOW)
    connection.execute("ROLLBACK")
    assert cache.load(connection) == samples.trust()


def test_rows_that_go_or_come_in_between_are_noticed(connection):
    put(connection, ROOT, samples.DISTRICT_CERT, *samples.PERSON_CERTS, samples.REVOCATION)
    cache = TrustCache()
    assert V1.key in cache.load(connection).certificates
    seq = log.by_id(connection, next(c.id for c in samples.PERSON_CERTS if c.key == V1.key))
    for table in ("document", "seen", "log"):
        connection.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    assert V1.key not in cache.load(connection).certificates
    put(connection, samples.of_machine(HUB, serial=10**6))
    assert V1.key not in cache.load(connection).certificates
    assert HUB.key in cache.load(connection).certificates


async def test_reader_and_writer_of_one_database_share_it(db: Database):
    cache = TrustCache()
    await db.write(lambda c: trust.pin_root(c, ROOT.id))
    await db.write(lambda c: put(c, *samples.CHAIN))
    assert await db.write(cache.load) is await db.read(cache.load)


# -- rows that nobody accepted --------------------------------------------------------------------


def test_a_row_by_hand_counts_only_when_it_verifies(connection):
    new = samples.Person("Baru", 70, Role.VERIFIER)
    put(connection, *samples.CHAIN)
    cache = TrustCache()
    cache.load(connection)
    forged = samples.of_own_key(new, samples.Machine("Palsu", Role.DISTRICT, samples.REGENCY))
    by_hand(connection, forged)
    assert (cache.load(connection), cache.ignored) == (samples.trust(), 1)
    by_hand(connection, samples.of_own_key(new))
    assert holder(new.key, cache.load(connection), NOW).person == 70
    assert cache.ignored == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"bytes": b""},
        {"bytes": None},
        {"bytes": "teks"},
        {"bytes": 7},
        {"bytes": b"\xa0" * 9000},
        {"bytes": sealed.encode(samples.REVOCATION)},
        {"id": bytes(32)},
        {"kind": 16},
        {"received_at": "kemarin", "bytes": b"\x00"},
    ],
)
def test_a_row_that_holds_no_document_of_its_kind_is_counted(connection, columns):
    put(connection, *samples.CHAIN)
    cache = TrustCache()
    cache.load(connection)
    by_hand(connection, samples.revocation(V1.key), **columns)
    for each in (cache, TrustCache()):
        assert each.load(connection) == samples.trust()
        assert each.ignored == 1
    put(connection, samples.revocation(V3.key, number=9))
    with refused(Reason.REVOKED):
        holder(V3.key, cache.load(connection), NOW)
    assert cache.ignored == 1


def test_a_vote_by_hand_with_a_wrong_time_breaks_nothing(connection):
    put(connection, *samples.CHAIN)
    by_hand(connection, samples.suspend(V1.key, V3), received_at="kemarin")
    assert len(load(connection).votes) == 1


def test_a_forged_approval_in_the_file_verifies_nothing(connection):
    """Projections ask standing(), which verifies what the rows say."""
    put(connection, *samples.CHAIN)
    bulletin = samples.bulletin(V1, samples.KARATAUN)
    stolen = samples.seed_of("thief")
    vote = samples.signed_by(samples.approval(bulletin, V3), stolen)
    assert standing(bulletin, [vote], load(connection), None).state is StandingState.WAITING


# -- after a restart ------------------------------------------------------------------------------


async def reopened(path: Path, *documents) -> Trust:
    """The node was switched off after these documents were in its log; it starts again."""
    async with open_database(path, NOW_S) as db:
        await db.write(lambda c: trust.pin_root(c, ROOT.id))
        await db.write(lambda c: put(c, *documents))
    async with open_database(path, NOW_S) as db:
        return await db.read(TrustCache().load)


LISTED = samples.revocation(RINA.key, V1.key, number=3)
FROZEN = samples.revocation(RINA.key, number=2, made_min=NOW_MIN - 46 * 1440)
NEW = samples.of_own_key(samples.Person("Baru", 70, Role.VOLUNTEER))
ATTACKS = {
    "arbitrary root": ((), samples.signed_root(samples.root(2, ROOT), (0, 1)), "bad-signature"),
    "arbitrary list": ((), samples.revocation(V1.key, by=V3), "wrong-role"),
    "rollback of the root": ((ROOT_2,), ROOT, "outdated"),
    "rollback of a list": ((LISTED,), samples.revocation(number=2), "outdated"),
    "freeze": ((FROZEN,), NEW, "outdated"),
    "fast-forward of the root": (
        (),
        samples.signed_root(samples.root(9, ROOT), (0, 1), (0, 1), ROOT),
        "jumped",
    ),
    "fast-forward of a list": ((), samples.revocation(number=2**32 - 1), "jumped"),
    "mix and match": ((SWEPT,), samples.of_district(ROOT, serial=2), "bad-signature"),
    "endless data": (
        tuple(samples.of_own_key(V1) for _ in range(chain.MAX_PER_KEY - 1)),
        samples.of_own_key(V1),
        "no-room",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_each_attack_is_refused_after_a_restart_too(tmp_path: Path, attack):
    before, document, reason = ATTACKS[attack]
    old = [d for d in samples.CHAIN if attack != "freeze" or d != samples.REVOCATION]
    known = await reopened(tmp_path / "village.db", *old, *before)
    with pytest.raises(Refused, match=f"^{reason}"):
        check_trust_document(document, known, NOW, ROOT.id)


async def test_what_was_revoked_and_suspended_is_so_after_a_restart(tmp_path: Path):
    votes = (samples.suspend(V1.radio, V3), samples.suspend(V1.radio, V4))
    known = await reopened(tmp_path / "village.db", *samples.CHAIN, *votes)
    with refused(Reason.REVOKED):
        holder(RINA.key, known, NOW)
    with refused(Reason.SUSPENDED):
        holder(V1.radio, known, NOW)
    assert holder(DISTRICT.key, known, NOW)


# -- cost -----------------------------------------------------------------------------------------


def test_five_hundred_certificates_are_verified_once_each(connection, monkeypatch):
    """A village never has so many; the bound is a second at start, and next to nothing later."""
    people = [samples.Person(f"p{n}", 1000 + n, Role.VOLUNTEER) for n in range(500)]
    put(connection, *samples.CHAIN, *map(samples.of_radio, people))
    cache, calls = TrustCache(), []
    real = chain.signers
    monkeypatch.setattr(chain, "signers", lambda *a: calls.append(1) or real(*a))
    began = time.perf_counter()
    cache.load(connection)
    print(f"\n{len(calls)} certificates: {(time.perf_counter() - began) * 1000:.0f} ms")
    assert len(calls) == 500 + len(samples.MACHINE_CERTS) + len(samples.PERSON_CERTS)
    began = time.perf_counter()
    put(connection, samples.of_own_key(people[0]))
    cache.load(connection)
    print(f"one more: {(time.perf_counter() - began) * 1000:.1f} ms")
    began = time.perf_counter()
    cache.load(connection)
    print(f"nothing new: {(time.perf_counter() - began) * 1e6:.0f} us")
    assert len(calls) == 501 + len(samples.MACHINE_CERTS) + len(samples.PERSON_CERTS)
