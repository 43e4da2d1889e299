"""A post takes what was certified, refuses the rest in words, and invites volunteers."""

import contextlib
import re
import shutil
import sqlite3
from dataclasses import replace

import pytest

from kimnode.keys import files
from kimnode.store import enrolment
from kimnode.store.trust import TrustCache
from kimnode.wire.codes import Role
from tests.keys.offices import VILLAGE, Offices
from tests.rules import trust_samples as sample

FINGERPRINT = re.compile(r"^  ((?:[0-9a-f]{4} ){7}[0-9a-f]{4})$", re.M)
CHAIN = ("root.1.kim", "mamuju.kim", "post.kim", "budi.kim")


@pytest.fixture
def post(offices, tmp_path) -> Offices:
    """A copy of the offices' folder in which a post has its settings and key, and no database."""
    shutil.copytree(offices.folder, tmp_path / "copy")
    return Offices(tmp_path / "copy")


def database(post: Offices) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(post.path("post/kimnode.db")))


def test_the_first_root_is_compared_then_taken_with_all_under_it(post):
    asked = post.keys("import", *reversed(CHAIN))
    assert asked.code == 2
    assert "Compare the fingerprint by telephone with two offices" in asked.err
    shown = FINGERPRINT.search(asked.out)[1]
    wrong = post.keys("import", "--accept-root", "0" * 32, *CHAIN)
    assert (wrong.code, "is not the fingerprint of any root" in wrong.err) == (2, True)
    with database(post) as connection:
        assert TrustCache().load(connection).root is None
    told = post.done("import", "--accept-root", shown, *reversed(CHAIN))
    first, second, *others = re.findall(r"^taken    (.*)$", told, re.M)
    assert first == "root of 'Sulawesi Barat', version 1"
    assert second == "certificate of 'Kab. Mamuju'"
    # Made in the same second they have one serial: their order is nobody's business.
    assert sorted(others) == ["certificate of 'Budi'", "certificate of 'Pos Karataun'"]
    assert "4 here, 0 refused." in told
    again = post.done("import", *CHAIN)
    assert len(re.findall(r"^known    ", again, re.M)) == 4
    with database(post) as connection:
        trust = TrustCache().load(connection)
    assert trust.certificates[bytes.fromhex("ab" * 32)][0].person == 12
    _refuses_what_does_not_hold(post)
    _invites(post)


def _refuses_what_does_not_hold(post: Offices) -> None:
    half = replace(files.read_document(post.path("mamuju.kim")), serial=9)
    files.write_documents(post.path("half.kim"), [half])
    files.write_documents(post.path("other.kim"), [sample.ROOT])
    files.write_documents(post.path("demo.kim"), [replace(sample.ROOT, demo=True)])
    told = post.keys("import", "half.kim", "other.kim")
    assert told.code == 1
    assert "REFUSED  certificate of 'Kab. Mamuju':\n         its signature is wrong" in told.out
    assert "REFUSED  root of " in told.out
    assert "0 here, 2 refused." in told.out
    demo = post.keys("import", "demo.kim")
    assert (demo.code, "root of a demonstration" in demo.err) == (2, True)
    secret = post.keys("import", "secret/mamuju.key")
    assert (secret.code, "is a PRIVATE KEY, not a document" in secret.err) == (2, True)


def _invites(post: Offices) -> None:
    words = ("invite", "--name", "Citra", "--role", "KETUA", "--person", "13")
    told = post.done(*words)
    code = re.search(r"^  http://10\.10\.10\.10:8080/staf/daftar#([\w-]{16,})$", told, re.M)[1]
    assert "█" in told
    post.done(*words, "--host", "kim.local", "--out", "code.svg")
    assert post.path("code.svg").read_bytes().startswith(b"<?xml")
    wrong = post.keys(*words, "--out", "code.pdf")
    assert (wrong.code, ".svg or .png" in wrong.err) == (2, True)
    assert "Nobody has made a key yet" in post.done("enrolled")
    with database(post) as connection:
        assert connection.execute("SELECT count(*) FROM enrolment").fetchone() == (2,)
        assert code.encode() not in post.path("post/kimnode.db").read_bytes()
        assert enrolment.find(connection, code, 0) == enrolment.Invitation("Citra", 13, Role.CHAIR)
        enrolment.enrol(connection, code, bytes(range(32)), 1)
        connection.commit()
    told = post.done("enrolled")
    assert f"own key      {bytes(range(32)).hex()}" in told
    assert "certified    not yet" in told


def test_what_is_missing_is_said_with_the_next_step(post):
    no_root = post.keys("import", "budi.kim")
    assert (no_root.code, "Import the root first" in no_root.err) == (2, True)
    none = post.keys("import", "nothing.kim")
    assert (none.code, "nothing.kim cannot be read" in none.err) == (2, True)
    post.path("post/kimnode.db").unlink()  # import has made it
    early = post.keys("invite", "--name", "x", "--role", "KETUA", "--person", "1")
    assert (early.code, "Start the node once: kimnode run" in early.err) == (2, True)
    settings = post.keys("import", "--config", "other.toml", "root.1.kim")
    assert (settings.code, "kimnode example-config" in settings.err) == (2, True)


def test_a_gateway_key_is_made_once_and_certified_for_its_post_only(post):
    again = post.keys("gateway", "key")
    assert (again.code, "is there already" in again.err) == (2, True)
    mixed = post.keys(
        *("gateway", "certify", "--key", "secret/mamuju.key", "--district", "mamuju.kim"),
        *("--area", VILLAGE, "--out", "x.kim", "secret/office1.pub"),
    )
    assert (mixed.code, "is the public key of a root, not of a gateway" in mixed.err) == (2, True)
    assert not post.path("x.kim").exists()
