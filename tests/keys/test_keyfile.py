"""Private keys on disk: who may read them, what they say when they are damaged, and to whom."""

import logging
from pathlib import Path

import pytest

from kimnode.errors import ConfigError
from kimnode.keys import armour, cards, files, keyfile
from kimnode.keys.armour import Label
from kimnode.keys.cards import Card, Purpose
from kimnode.wire import signing

PASSPHRASE = "sawah hujan kopi malam"  # noqa: S105


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "secret"
    made.mkdir(0o700)
    return made


@pytest.fixture
def path(folder) -> Path:
    path = folder / "post.key"
    keyfile.save(path, keyfile.generate(Purpose.GATEWAY, "Pos"))
    return path


def test_a_key_comes_back(path):
    key = keyfile.load(path)
    assert (key.purpose, key.demo, key.name, len(key.seed)) == (Purpose.GATEWAY, False, "Pos", 32)
    assert files.read_card(keyfile.card_path(path)) == key.card
    assert keyfile.peek(path) == (key.card, False)


def test_a_key_tells_nothing_of_itself(path, caplog):
    key = keyfile.load(path)
    logging.getLogger("test").warning("%s %r", key, [key])
    for told in (repr(key), str(key), f"{key}", caplog.text):
        assert repr(key.seed)[2:-1] not in told
        assert key.seed.hex() not in told
        assert signing.key_id(key.public).hex() in told


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_file_that_others_may_use_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(ConfigError, match=r"other users of this machine.*chmod 600"):
        keyfile.load(path)


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o770, 0o707])
def test_a_folder_that_others_may_open_is_refused(path, mode):
    path.parent.chmod(mode)
    with pytest.raises(ConfigError, match=r"open to other users.*chmod 700"):
        keyfile.load(path)
    with pytest.raises(ConfigError, match="chmod 700"):
        keyfile.save(path.with_name("other.key"), keyfile.generate(Purpose.ROOT, "x"))
    assert not path.with_name("other.key").exists()


def test_a_key_of_another_user_is_refused(path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    if path.stat().st_uid == 0:
        assert keyfile.load(path)  # the system's own files are as good as ours
    else:
        with pytest.raises(ConfigError, match="belongs to another user"):
            keyfile.load(path)


def test_nothing_is_overwritten(path):
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(ConfigError, match="is there already"):
            keyfile.save(path, keyfile.generate(Purpose.ROOT, "x"))
        keyfile.card_path(path).unlink(missing_ok=True)
    assert path.read_bytes() == before


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path):
    keyfile.save(tmp_path / "new" / "a.key", keyfile.generate(Purpose.ROOT, "x"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    with pytest.raises(ConfigError, match="cannot be written"):
        keyfile.save(tmp_path / "far" / "off" / "a.key", keyfile.generate(Purpose.ROOT, "x"))


def test_a_passphrase(folder):
    path, key = folder / "office.key", keyfile.generate(Purpose.ROOT, "Kantor")
    keyfile.save(path, key, PASSPHRASE)
    assert keyfile.load(path, lambda _: PASSPHRASE) == key
    assert keyfile.peek(path) == (key.card, True)
    with pytest.raises(ConfigError, match=r"passphrase of .* is wrong") as wrong:
        keyfile.load(path, lambda _: PASSPHRASE + "x")
    assert PASSPHRASE not in str(wrong.value)


def test_what_is_beside_a_closed_seed_cannot_be_changed(folder):
    path, key = folder / "office.key", keyfile.generate(Purpose.ROOT, "Kantor")
    keyfile.save(path, key, PASSPHRASE)
    data = files.parts(path)[0][1]
    path.write_text(armour.encode(Label.SECRET, data.replace(b"Kantor", b"Bupati")))
    with pytest.raises(ConfigError, match="is wrong"):
        keyfile.load(path, lambda _: PASSPHRASE)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "cannot be understood"),
        ("KIMSECRET1:AAAAAAA", "cannot be understood"),
        (armour.encode(Label.DOCUMENT, b"x"), "is no private key"),
        (armour.encode(Label.SECRET, b"x"), "is no private key"),
        (armour.encode(Label.SECRET, b"\x80"), "is no private key"),
        ("x" * 300_000, "too large"),
        ("\u00e4", "is no key"),
    ],
)
def test_another_file_is_refused_in_words(folder, content, why):
    path = folder / "x.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=why):
        keyfile.load(path)


def test_a_damaged_seed_is_found(path):
    key, data = keyfile.load(path), files.parts(path)[0][1]
    path.write_text(armour.encode(Label.SECRET, data.replace(key.seed, bytes(32))))
    with pytest.raises(ConfigError, match="two halves do not fit") as damaged:
        keyfile.load(path)
    assert key.seed.hex() not in str(damaged.value)


def test_numbers_of_a_key_file_never_come_twice(path):
    numbers = [keyfile.next_number(path) for _ in range(5)]
    assert [seq for _, seq in numbers] == [1, 2, 3, 4, 5]
    assert len({epoch for epoch, _ in numbers}) == 1
    count = path.with_suffix(".count")
    assert count.stat().st_mode & 0o777 == 0o600
    count.write_text("nonsense")
    with pytest.raises(ConfigError, match="Delete it"):
        keyfile.next_number(path)


def test_a_card_proves_its_key(path):
    key = keyfile.load(path)
    data = cards.encode(key.card, key.seed)
    assert cards.decode(data) == key.card
    other = Card(key.purpose, key.demo, "Pos Palsu", key.public)
    stolen = cards.encode(other, bytes(range(32)))
    with pytest.raises(Exception, match="signature is wrong"):
        cards.decode(stolen)
    for at in range(len(data)):
        with pytest.raises(Exception, match="card"):
            cards.decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
