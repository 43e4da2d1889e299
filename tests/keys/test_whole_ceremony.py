"""The whole way from five offices to a revoked volunteer, by the real command, file by file."""

import re
from dataclasses import replace

import pytest

from kimnode.errors import ConfigError
from kimnode.keys import files, keyfile
from tests.keys.offices import RADIO

PUBLIC = ("*.kim", "*.pub", "secret/*.pub", "post/keys/*.pub", "*.svg", "*.png", "told.txt")


def test_the_chain_holds(offices):
    told = offices.done("inspect", "budi.kim", "post.kim", "mamuju.kim", "root.1.kim")
    assert told.count("holds, under the root of 'Sulawesi Barat' version 1") == 3
    assert "signed by enough of its offices" in told
    assert "certificate of 'Pos Karataun'" in told  # the name of the post's own settings
    assert "role         VERIFIKATOR" in told
    assert "person       number 12" in told


def test_every_step_says_the_next_one_and_fits_the_screen(offices):
    told = offices.path("told.txt").read_text()
    for words in ("1 more signature needed: pass the file on.", "It is complete.", "kimnode keys"):
        assert words in told
    assert [line for line in told.splitlines() if len(line) > 80] == []


def test_a_chain_without_its_root_or_its_signatures_does_not_hold(offices, tmp_path):
    assert "not checked: name the root's file too" in offices.done("inspect", "mamuju.kim")
    one = files.read_document(offices.path("mamuju.kim"))
    half = tmp_path / "half.kim"
    files.write_documents(half, [replace(one, marks=one.marks[:1])])
    told = offices.keys("inspect", str(half), "root.1.kim")
    assert told.code == 1
    assert "DOES NOT HOLD: its signature is wrong, missing, or not enough offices" in told.out


def test_no_private_key_is_in_anything_that_was_printed_or_may_travel(offices):
    seeds = [
        keyfile.load(path).seed
        for path in [*offices.folder.glob("secret/*.key"), offices.path("post/keys/gateway.key")]
    ]
    assert len(seeds) == 7
    offices.done("qr", "budi.kim", "--out", "budi.svg")
    for path in {path for pattern in PUBLIC for path in offices.folder.glob(pattern)}:
        found = path.read_bytes()
        for seed in seeds:
            assert seed not in found
            assert seed.hex() not in found.decode("latin-1").lower()
        letters = re.sub(r"\s", "", found.decode("latin-1"))
        assert "KIMSECRET1" not in letters
        if path.suffix in {".kim", ".pub"}:
            assert not any(seed in data for _, data in files.parts(path) for seed in seeds)


def test_keys_are_their_owners_alone_and_never_overwritten(offices):
    modes = {path.stat().st_mode & 0o777 for path in offices.folder.glob("secret/*.key")}
    assert modes == {0o600}
    assert offices.path("secret").stat().st_mode & 0o777 == 0o700
    assert offices.path("post/keys/gateway.key").stat().st_mode & 0o777 == 0o600
    before = offices.path("secret/office1.key").read_bytes()
    told = offices.keys(
        *("root", "key", "--no-passphrase", "--name", "X", "--out", "secret/office1.key")
    )
    assert told.code == 2
    assert "is there already" in told.err
    assert offices.path("secret/office1.key").read_bytes() == before


def test_rotation_needs_two_of_the_old_and_two_of_the_new(offices):
    for name in ("office6", "office7"):
        offices.new_key("root", name)
    offices.done(
        *("root", "rotate", "root.1.kim", "--drop", "1", "--drop", "2", "--add"),
        *("secret/office6.pub", "--add", "secret/office7.pub", "--out", "root.2.kim"),
    )

    def sign(office: str) -> str:
        key = f"secret/{office}.key"
        return offices.done("root", "sign", "--root", "root.1.kim", "--key", key, "root.2.kim")

    assert "3 more signatures needed" in sign("office1")  # leaves: old list only
    assert "2 more signatures needed" in sign("office6")  # comes: new list only
    told = offices.keys("inspect", "root.1.kim", "root.2.kim")
    assert (told.code, "DOES NOT HOLD" in told.out) == (1, True)
    assert "It is complete." in sign("office3")  # in both lists
    told = offices.done("inspect", "root.1.kim", "root.2.kim")
    assert "holds: it follows version 1, signed by enough of both" in told
    assert "and of version 1 by office 1, office 3" in told
    again = offices.keys(
        *("root", "sign", "--root", "root.1.kim", "--key", "secret/office3.key", "root.2.kim")
    )
    assert (again.code, "has signed it already" in again.err) == (2, True)


def test_revocation_lists_only_grow(offices):
    key = ("revoke", "--key", "secret/mamuju.key")
    offices.done(*key, "--first", "--out", "list.1.kim")
    offices.done(*key, "--previous", "list.1.kim", "--out", "list.2.kim", "budi.kim")
    offices.done(*key, "--previous", "list.2.kim", "--out", "list.3.kim", "aabbccddeeff")
    lists = [files.read_document(offices.path(f"list.{number}.kim")) for number in (1, 2, 3)]
    assert [one.number for one in lists] == [1, 2, 3]
    assert [len(one.entries) for one in lists] == [0, 1, 2]
    told = offices.keys("inspect", "root.1.kim", "mamuju.kim", "budi.kim", "list.3.kim")
    assert told.code == 1
    assert "DOES NOT HOLD ANY MORE: it, or its district, was revoked" in told.out
    back = offices.keys(*key, "--previous", "list.2.kim", "--out", "list.4.kim", "ffffffffffff")
    assert (back.code, "signed list 3 already, and a list never goes back" in back.err) == (2, True)
    assert not offices.path("list.4.kim").exists()
    both = offices.keys(*key, "--out", "list.4.kim", "budi.kim")
    assert (both.code, "--previous --first is required" in both.err) == (2, True)


def test_a_hub_revokes_too(offices):
    offices.new_key("hub", "hub")
    offices.done(
        *("hub", "certify", "--key", "secret/mamuju.key", "--district", "mamuju.kim"),
        *("--area", "76.02", "--out", "hub.kim", "secret/hub.pub"),
    )
    words = ("revoke", "--key", "secret/hub.key", "--first", "--out", "hub.1.kim")
    offices.done(*words, "112233445566", "--since", "2026-01-31")
    told = offices.done("inspect", "root.1.kim", "mamuju.kim", "hub.kim", "hub.1.kim")
    assert "revoked      key 112233445566, from 2026-01-31" in told
    assert "role         HUB" in told
    late = offices.keys(*words, "--since", "31.1.2026")
    assert (late.code, "Write it as 2026-11-22" in late.err) == (2, True)


def test_a_persons_own_key_votes_with_numbers_that_never_come_twice(offices):
    offices.new_key("volunteer", "citra")
    done = offices.certify_person(
        "citra.kim", "--role", "KETUA", "--person", "13", "--own-key", "secret/citra.pub"
    )
    assert (done.code, done.err) == (0, "")
    for number in (1, 2):
        vote = ("suspend", "--key", "secret/citra.key", "--out", f"vote.{number}.kim")
        offices.done(*vote, "budi.kim")
    stamps = [files.read_document(offices.path(f"vote.{n}.kim")).stamp for n in (1, 2)]
    assert [stamp.seq for stamp in stamps] == [1, 2]
    assert stamps[0].epoch == stamps[1].epoch
    told = offices.done(
        "inspect", "root.1.kim", "mamuju.kim", "budi.kim", "citra.kim", "vote.1.kim"
    )
    assert "vote to suspend a key for 72 hours" in told


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999"])
def test_a_person_has_a_number(offices, number):
    told = offices.certify_person(
        "x.kim", "--role", "KETUA", f"--person={number}", "--radio-key", RADIO
    )
    assert (told.code, "is no number from 1 on" in told.err) == (2, True)


def test_a_passphrase_closes_a_key(offices):
    key, right = offices.path("secret/closed.key"), "empat kata yang panjang"
    new = ("root", "key", "--name", "Closed", "--out", "secret/closed.key")
    assert "12 characters or more" in offices.keys(*new, typed="short\nshort\n").err
    assert "differ" in offices.keys(*new, typed=f"{right}\n{right}!\n").err
    assert not key.exists()
    assert offices.keys(*new, typed=f"{right}\n{right}\n").code == 0
    with pytest.raises(ConfigError, match="nobody can be asked"):
        keyfile.load(key)
    seed = keyfile.load(key, lambda _question: right).seed
    assert seed not in files.parts(key)[0][1]
    sign = ("root", "sign", "--key", "secret/closed.key", "root.1.kim")
    wrong = offices.keys(*sign, typed="empat kata yang salah\n")
    assert (wrong.code, "The passphrase of secret/closed.key is wrong" in wrong.err) == (2, True)
    assert "Traceback" not in wrong.err
    none = offices.keys(*sign)
    assert (none.code, "No passphrase was given" in none.err) == (2, True)


def test_a_private_key_is_shown_only_to_who_says_it_is_secret(offices):
    refused = offices.keys("qr", "secret/office1.key")
    assert (refused.code, refused.out) == (2, "")
    assert "is a PRIVATE KEY: whoever sees" in refused.err
    shown = offices.done("qr", "secret/office1.key", "--i-know-this-is-secret")
    copy = offices.path("secret/copy.key")
    copy.write_text(shown[shown.index("KIMSECRET1") :].lower())
    copy.chmod(0o600)
    assert keyfile.load(copy) == keyfile.load(offices.path("secret/office1.key"))


def test_help_alone_leads_through(offices):
    told = offices.done("--help")
    assert [line for line in told.splitlines() if len(line) > 80] == []
    steps = ("root key", "root new", "root sign", "district certify", "gateway key", "import")
    for step in (*steps, "revoke --key secret/mamuju.key --first"):  # without: a warning for ever
        assert f"kimnode keys {step}" in told
    for words in (["root", "sign"], ["volunteer", "certify"], ["revoke"], ["import"], ["invite"]):
        assert "usage: kimnode keys" in offices.done(*words, "--help")
