"""`kimnode keys` on the machine of an office: make keys, certify, sign, revoke. No node is needed.

Every command prints what it made in words, and what to do with it next.
"""

import argparse
import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO, TypeVar

from kimnode.clock import Clock
from kimnode.config import load as load_config
from kimnode.errors import ConfigError
from kimnode.keys import ceremony, files, keyfile, show
from kimnode.keys.areas import parse_area
from kimnode.keys.cards import Card, Purpose
from kimnode.keys.ceremony import ROOT_DAYS, Subject, Term
from kimnode.keys.keyfile import MIN_PASSPHRASE_CHARS, PrivateKey
from kimnode.keys.own import gateway_key_path
from kimnode.keys.radio_key import parse_key
from kimnode.rules.chain import LONGEST_DAYS
from kimnode.rules.clock import EARLIEST_S
from kimnode.wire import signing
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import AnyDocument, Certificate, Revocation, Root
from kimnode.wire.times import EPOCH_2025, day_of, minutes_of

ROLES = {"RELAWAN": Role.VOLUNTEER, "VERIFIKATOR": Role.VERIFIER, "KETUA": Role.CHAIR}
HEX_DIGITS = frozenset("0123456789abcdef")
D = TypeVar("D", Root, Certificate, Revocation)


def now() -> float:
    """Unix seconds. ConfigError when this machine's clock is certainly wrong."""
    unix_s = Clock().now()
    if unix_s < EARLIEST_S:
        raise ConfigError(
            f"The clock of this machine says {datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d}. "
            'Set it first (date -s "2026-11-22 09:00"): certificates carry dates.'
        )
    return unix_s


def ask(question: str) -> str:
    """A passphrase, typed unseen."""
    try:
        return getpass.getpass(question)
    except EOFError:
        raise ConfigError("No passphrase was given. Run this in a terminal.") from None


def new_key(options: argparse.Namespace, out: TextIO) -> int:
    """root|district|hub|volunteer key: a private key and its public half."""
    passphrase = "" if options.no_passphrase else _new_passphrase()
    key = keyfile.generate(Purpose(options.purpose), options.name, demo=options.demo)
    _tell_key(options.out, keyfile.save(options.out, key, passphrase), key, out)
    return 0


def new_gateway_key(options: argparse.Namespace, out: TextIO) -> int:
    """gateway key: where the settings say, without passphrase, for an unattended start."""
    config = load_config(options.config)
    path = gateway_key_path(config)
    key = keyfile.generate(Purpose.GATEWAY, config.name)
    _tell_key(path, keyfile.save(path, key), key, out)
    return 0


def new_root(options: argparse.Namespace, out: TextIO) -> int:
    """root new: version 1 out of the offices' public keys."""
    cards = [files.read_card(path) for path in options.cards]
    area = parse_area(options.area)
    root = ceremony.new_root(options.name, area, cards, _term(options, ROOT_DAYS))
    files.write_documents(options.out, [root])
    _tell(root, out)
    out.write(f"Now two offices sign it: kimnode keys root sign --key FILE.key {options.out}\n")
    return 0


def rotate_root(options: argparse.Namespace, out: TextIO) -> int:
    """root rotate: version N+1."""
    old = _read(options.root, Root)
    cards = [files.read_card(path) for path in options.cards]
    drop = [number - 1 for number in options.drop]
    root = ceremony.rotate(old, drop, cards, _term(options, ROOT_DAYS))
    files.write_documents(options.out, [root])
    _tell(root, out)
    out.write(
        "Now two offices of the version before and two of this one sign it:\n"
        f"  kimnode keys root sign --key FILE.key --root {options.root} {options.out}\n"
    )
    return 0


def root_sign(options: argparse.Namespace, out: TextIO) -> int:
    """root sign: one office's signature, on a root or on a district's certificate."""
    document = files.read_document(options.document)
    root = _read(options.root, Root) if options.root else None
    _tell(document, out)
    signed: Root | Certificate
    if isinstance(document, Root):
        key = keyfile.load(options.key, ask)
        signed = ceremony.sign_root(document, root, key)
    elif isinstance(document, Certificate):
        if root is None:
            raise ConfigError("Name the root that the certificate stands under: --root FILE")
        key = keyfile.load(options.key, ask)
        signed = ceremony.sign_district(document, root, key)
    else:
        raise ConfigError(f"{options.document}: the root signs roots and districts only.")
    files.replace(options.document, signed)
    lacking = ceremony.missing(signed, root)
    out.write(f"Signed with the key {show.key_text(key.public)}. ")
    out.write(
        f"{lacking} more signature{'s' * (lacking > 1)} needed: pass the file on.\n"
        if lacking > 0
        else "It is complete.\n"
    )
    return 0


def certify_district(options: argparse.Namespace, out: TextIO) -> int:
    """district certify: an unsigned certificate, for two offices to sign."""
    root, card = _read(options.root, Root), files.read_card(options.card)
    term = _term(options, LONGEST_DAYS[Role.DISTRICT])
    name = options.name or card.name
    certificate = ceremony.district(root, card, parse_area(options.area), name, term)
    files.write_documents(options.out, [certificate])
    _tell(certificate, out)
    out.write(
        "Now two offices sign it:\n"
        f"  kimnode keys root sign --key FILE.key --root {options.root} {options.out}\n"
    )
    return 0


def certify_machine(options: argparse.Namespace, out: TextIO) -> int:
    """hub|gateway certify."""
    role = Role[options.purpose.upper()]
    card = _card(options.card, Purpose(options.purpose))
    return _certify(options, role, KeyType.ED25519, card, out)


def certify_person(options: argparse.Namespace, out: TextIO) -> int:
    """volunteer certify: for the key of a radio or for the person's own key."""
    if options.radio_key:
        card = Card(Purpose.VOLUNTEER, _demo(options), "", parse_key(options.radio_key))
        return _certify(options, ROLES[options.role], KeyType.RADIO, card, out)
    if set(options.own_key.lower()) <= HEX_DIGITS:
        card = Card(Purpose.VOLUNTEER, _demo(options), "", parse_key(options.own_key))
    else:
        card = _card(Path(options.own_key), Purpose.VOLUNTEER)
    return _certify(options, ROLES[options.role], KeyType.ED25519, card, out)


def revoke(options: argparse.Namespace, out: TextIO) -> int:
    """revoke: list N+1."""
    old = _read(options.previous, Revocation) if options.previous else None
    made_min = minutes_of(now())
    day = _day(options.since) if options.since else day_of(now())
    revoked = [(_key_id(what), day) for what in options.what]
    newest = keyfile.last_list(options.key)
    if (old.number if old else 0) < newest:
        raise ConfigError(
            f"This key has signed list {newest} already, and a list never goes back. "
            "Name that one: --previous"
        )
    made = ceremony.revoke(keyfile.load(options.key, ask), old, revoked, made_min)
    files.write_documents(options.out, [made])
    keyfile.note_list(options.key, made.number)
    _tell(made, out)
    out.write("Keep this file: the next list is made from it. Import it on every post.\n")
    return 0


def suspend(options: argparse.Namespace, out: TextIO) -> int:
    """suspend: a verifier's own vote, made by key file."""
    subject = _whole_key(options.what)
    key = keyfile.load(options.key, ask)
    epoch, seq = keyfile.next_number(options.key)
    vote = ceremony.suspend(key, subject, minutes_of(now()), epoch, seq)
    files.write_documents(options.out, [vote])
    _tell(vote, out)
    out.write("It counts once a second verifier of the village has voted too.\n")
    return 0


def _certify(
    options: argparse.Namespace, role: Role, key_type: KeyType, card: Card, out: TextIO
) -> int:
    issuer = _read(options.district, Certificate)
    term = _term(options, LONGEST_DAYS[role])
    name = options.name or card.name
    person = getattr(options, "person", 0)
    subject = Subject(role, key_type, card.public, parse_area(options.area), person, name)
    key = keyfile.load(options.key, ask)
    if card.demo != key.demo:
        raise ConfigError("A demonstration's key and a real key cannot certify each other.")
    certificate = ceremony.certify(key, issuer, subject, term)
    files.write_documents(options.out, [certificate])
    _tell(certificate, out)
    out.write(f"Now import it on the posts: kimnode keys import {options.out}\n")
    return 0


def _demo(options: argparse.Namespace) -> bool:
    """A radio has no card that says so: it is what the district is."""
    return keyfile.peek(options.key)[0].demo


def _card(path: Path, purpose: Purpose) -> Card:
    card = files.read_card(path)
    if card.purpose is not purpose:
        raise ConfigError(f"{path} is the public key of a {card.purpose}, not of a {purpose}.")
    return card


def _term(options: argparse.Namespace, longest: int) -> Term:
    today_s = now()
    first = _day(options.first_day) if options.first_day else day_of(today_s)
    days = longest if options.days is None else options.days
    if not 1 <= days <= longest:
        raise ConfigError(f"--days {days}: choose 1 to {longest}.")
    return Term(first, days, int(today_s) - EPOCH_2025)


def _day(text: str) -> int:
    try:
        return (date.fromisoformat(text) - date(2025, 1, 1)).days
    except ValueError:
        raise ConfigError(f"{text!r} is no date. Write it as 2026-11-22.") from None


def _key_id(what: str) -> bytes:
    """Of a certificate's file, a whole key, or the 12 digits themselves."""
    if len(what) == 2 * signing.KEY_ID_BYTES and set(what.lower()) <= HEX_DIGITS:
        return bytes.fromhex(what)
    return signing.key_id(_whole_key(what))


def _whole_key(what: str) -> bytes:
    if not Path(what).exists():
        return parse_key(what)
    return _read(Path(what), Certificate).key


def _read(path: Path, kind: type[D]) -> D:
    document = files.read_document(path)
    if not isinstance(document, kind):
        raise ConfigError(
            f"{path} is a {type(document).__name__.lower()}, not a {kind.__name__.lower()}."
        )
    return document


def _tell(document: AnyDocument, out: TextIO) -> None:
    out.write(show.describe(document, day_of(now())) + "\n")
    out.flush()


def _tell_key(path: Path, public: Path, key: PrivateKey, out: TextIO) -> None:
    out.write(show.card(key.card) + "\n")
    out.write(f"private key  {path}\n             It stays here. Keep one copy in a safe.\n")
    out.write(f"public key   {public}\n             Give this file to whoever certifies it.\n")


def _new_passphrase() -> str:
    passphrase = ask(f"New passphrase, {MIN_PASSPHRASE_CHARS} characters or more: ")
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise ConfigError(
            f"A passphrase has {MIN_PASSPHRASE_CHARS} characters or more: four words do well."
        )
    if ask("The same again: ") != passphrase:
        raise ConfigError("The two passphrases differ. No key was made; begin again.")
    return passphrase
