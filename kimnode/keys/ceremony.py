"""What each ceremony makes, pure: documents and keys in, a document out, or a sentence that says
what is wrong.

Whoever sits at the machine is believed about the world (names, areas, persons), never about the
chain: a key that is not in the root, an area outside the district's or a date beyond its end is
refused here, so that nobody carries a useless document up a mountain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kimnode.errors import ConfigError
from kimnode.keys.areas import area_text
from kimnode.keys.cards import Card, Purpose
from kimnode.keys.keyfile import PrivateKey
from kimnode.record import Kind
from kimnode.rules.chain import LONGEST_DAYS
from kimnode.rules.roots import OWN, PREVIOUS, signers
from kimnode.rules.trust import PERSONS, covers
from kimnode.wire import air, signing
from kimnode.wire.codes import KeyType, Mode, Role, TimeTrust
from kimnode.wire.documents import (
    MAX_NAME_BYTES,
    MAX_REVOKED,
    MAX_ROOT_KEYS,
    Certificate,
    Mark,
    Revocation,
    Root,
    Stamp,
    Vote,
    is_signed_by,
    signed_by,
)
from kimnode.wire.times import DAYS_END

THRESHOLD = 2  # with three signatures a district's certificate would not fit a radio packet
MIN_OFFICES = 3  # one key may be lost and two still sign
MAX_CERTIFICATE_BYTES = 200  # on the air
DISTRICT_MARKS_BYTES = THRESHOLD * signing.SIGNATURE_BYTES
ROOT_DAYS = 3652


@dataclass(frozen=True, slots=True)
class Term:
    """From which day for how many days; `serial` counts the issuer's certificates."""

    from_day: int
    days: int
    serial: int

    @property
    def to_day(self) -> int:
        return min(self.from_day + self.days - 1, DAYS_END - 1)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is to be certified, for what. `person` is 0 for machines."""

    role: Role
    key_type: KeyType
    key: bytes
    area: int
    person: int
    name: str


def new_root(name: str, area: int, cards: Sequence[Card], term: Term) -> Root:
    """Version 1, not signed yet."""
    keys = _root_keys((), cards)
    return Root(1, THRESHOLD, keys, area, term.to_day, _one_world(cards), b"", check_name(name))


def rotate(old: Root, drop: Sequence[int], cards: Sequence[Card], term: Term) -> Root:
    """Version N+1, not signed yet: without the keys at the indexes `drop`, with the new cards."""
    _want_complete(old)
    if any(index not in range(len(old.keys)) for index in drop):
        raise ConfigError(f"The root has the offices 1 to {len(old.keys)}; --drop one of these.")
    if cards and _one_world(cards) != old.demo:
        raise ConfigError(
            "A demonstration's key cannot be in a real root, nor the other way round."
        )
    kept = [key for index, key in enumerate(old.keys) if index not in drop]
    return replace(
        old,
        version=old.version + 1,
        keys=_root_keys(kept, cards),
        to_day=term.to_day,
        previous=old.id,
        marks=(),
    )


def sign_root(root: Root, old: Root | None, key: PrivateKey) -> Root:
    """The root with this office's signature, in every list that the office is in."""
    _want_purpose(key, Purpose.ROOT, root.demo)
    _want_previous(root, old)
    rings = {OWN: root.keys, PREVIOUS: old.keys if old else ()}
    wanted = [
        Mark(ring, keys.index(key.public), signing.sign(key.seed, root.signed()))
        for ring, keys in rings.items()
        if key.public in keys
    ]
    if not wanted:
        raise ConfigError(f"The key {_id(key.public)} is in no list of this root. {_WRONG_KEY}")
    return replace(root, marks=_joined(root.marks, wanted))


def district(root: Root, card: Card, area: int, name: str, term: Term) -> Certificate:
    """A district's certificate, not signed yet."""
    _want_complete(root)
    if card.purpose is not Purpose.DISTRICT or card.demo != root.demo:
        raise ConfigError(_misfit(card.purpose, card.demo, Purpose.DISTRICT, root.demo))
    certificate = Certificate(
        *(Role.DISTRICT, KeyType.ED25519, card.public, area, 0, term.serial),
        *(term.from_day, term.to_day, root.id, check_name(name)),
    )
    over = len(air.pack(certificate)) + DISTRICT_MARKS_BYTES - MAX_CERTIFICATE_BYTES
    if over > 0:
        raise ConfigError(
            f"The name {name!r} is {over} bytes too long: with its two signatures the certificate "
            f"would not fit one radio packet. Use at most {len(name.encode()) - over}."
        )
    _want_inside(certificate, root.area, root.to_day, "root")
    return certificate


def sign_district(certificate: Certificate, root: Root, key: PrivateKey) -> Certificate:
    """The district's certificate with one more office's signature."""
    _want_purpose(key, Purpose.ROOT, root.demo)
    if certificate.role is not Role.DISTRICT or certificate.issuer != root.id:
        raise ConfigError("This certificate was not made for this root. Name the root it names.")
    if key.public not in root.keys:
        raise ConfigError(f"The key {_id(key.public)} is not in this root. {_WRONG_KEY}")
    mark = Mark(OWN, root.keys.index(key.public), signing.sign(key.seed, certificate.signed()))
    joined = _joined(certificate.marks, [mark])
    if len(joined) > THRESHOLD:
        raise ConfigError("It has its two signatures already; a third would not fit the radio.")
    return replace(certificate, marks=joined)


def certify(key: PrivateKey, issuer: Certificate, subject: Subject, term: Term) -> Certificate:
    """A certificate by a district. ConfigError when its chain would not hold."""
    _want_purpose(key, Purpose.DISTRICT, key.demo)
    if issuer.role is not Role.DISTRICT or issuer.key != key.public:
        raise ConfigError("--district is not the certificate of the district key that signs.")
    if bool(subject.person) != (subject.role in PERSONS):
        raise ConfigError("People have a person number, machines have none.")
    if len(subject.key) != signing.KEY_BYTES or subject.key == key.public:
        raise ConfigError("A certificate needs the 32-byte public key of its holder.")
    unsigned = Certificate(
        *(subject.role, subject.key_type, subject.key, subject.area, subject.person),
        *(term.serial, term.from_day, term.to_day, issuer.key, check_name(subject.name)),
    )
    if not 1 <= term.days <= LONGEST_DAYS[subject.role]:
        raise ConfigError(f"--days is 1 to {LONGEST_DAYS[subject.role]} for this role.")
    _want_inside(unsigned, issuer.area, issuer.to_day, "district")
    mark = Mark(OWN, 0, signing.sign(key.seed, unsigned.signed()))
    return replace(unsigned, marks=(mark,))


def revoke(
    key: PrivateKey, old: Revocation | None, revoked: Sequence[tuple[bytes, int]], made_min: int
) -> Revocation:
    """List N+1: everything of list N and `revoked` (6-byte key id, day of doubt).

    A key stays on the list for ever, and with the earliest day that was ever said.
    """
    if key.purpose not in {Purpose.DISTRICT, Purpose.HUB}:
        raise ConfigError("Only a district's or a hub's key makes revocation lists.")
    if old is not None and old.issuer != key.public:
        raise ConfigError(
            "The list before was made by another key. Every issuer counts its own lists: name your "
            "own last list, or begin with --first."
        )
    if old is not None and not is_signed_by(old, old.issuer):
        raise ConfigError("The signature of the list before is wrong: get it again.")
    if old is not None and old.made_min > made_min:
        raise ConfigError("The list before is from the future: set the clock of this machine.")
    entries = dict(old.entries) if old else {}
    for hint, day in revoked:
        entries[hint] = min(day, entries.get(hint, day))
    if len(entries) > MAX_REVOKED:
        raise ConfigError(f"{len(entries)} revoked keys; a list holds {MAX_REVOKED}.")
    number = old.number + 1 if old else 1
    listed = tuple(sorted(entries.items()))
    return signed_by(Revocation(number, made_min, key.public, listed, bytes(64)), key.seed)


def suspend(key: PrivateKey, subject: bytes, made_min: int, epoch: int, seq: int) -> Vote:
    """A person's own vote to suspend the key `subject` (32 bytes) for 72 hours."""
    if key.purpose is not Purpose.VOLUNTEER:
        raise ConfigError("Only a person's own key votes. Name the key file of a verifier.")
    if subject == key.public:
        raise ConfigError("Nobody suspends their own key: ask the district to revoke it.")
    stamp = Stamp(Mode.DIRECT, made_min, TimeTrust.ABOUT, epoch, seq, key.public, key.public)
    return signed_by(Vote(Kind.SUSPENSION, subject, stamp), key.seed)


def missing(document: Root | Certificate, root: Root | None) -> int:
    """How many signatures it still needs. `root`: the version before, or the certificate's root."""
    if isinstance(document, Root):
        rings = [(OWN, document)] + ([(PREVIOUS, root)] if root else [])
    else:
        rings = [(OWN, root)] if root else []
    return sum(
        max(0, by.threshold - len(signers(document, document.marks, by.keys, ring)))
        for ring, by in rings
    )


def check_name(name: str) -> str:
    """The name itself, when people can read it and a radio packet can hold it."""
    size = len(name.encode())
    if not name or name != name.strip() or not name.isprintable() or size > MAX_NAME_BYTES:
        raise ConfigError(
            f"The name {name!r} has {size} bytes. Use 1 to {MAX_NAME_BYTES} visible letters "
            "in one line."
        )
    return name


_WRONG_KEY = "Use the key file of an office that `kimnode keys inspect` lists."


def _joined(marks: Sequence[Mark], wanted: Sequence[Mark]) -> tuple[Mark, ...]:
    have = {(mark.ring, mark.index) for mark in marks}
    fresh = [mark for mark in wanted if (mark.ring, mark.index) not in have]
    if not fresh:
        raise ConfigError("This office has signed it already. Pass it on to the next office.")
    return tuple(sorted([*marks, *fresh], key=lambda mark: (mark.ring, mark.index)))


def _root_keys(kept: Sequence[bytes], cards: Sequence[Card]) -> tuple[bytes, ...]:
    if any(card.purpose is not Purpose.ROOT for card in cards):
        raise ConfigError("A root is made of the *.pub files of: kimnode keys root key")
    keys = (*kept, *(card.public for card in cards))
    if len(set(keys)) != len(keys):
        raise ConfigError("One office's key is named twice. Every office needs a key of its own.")
    if not MIN_OFFICES <= len(keys) <= MAX_ROOT_KEYS:
        raise ConfigError(
            f"A root has {MIN_OFFICES} to {MAX_ROOT_KEYS} offices, usually 5; not {len(keys)}."
        )
    return keys


def _one_world(cards: Sequence[Card]) -> bool:
    demo = {card.demo for card in cards}
    if len(demo) != 1:
        raise ConfigError("Keys of a demonstration and real keys cannot be mixed.")
    return demo.pop()


def _want_previous(root: Root, old: Root | None) -> None:
    if (root.version == 1) != (old is None):
        raise ConfigError(
            f"This root is version {root.version}. "
            + ("It has none before it: leave --root out." if old else "Name the one before: --root")
        )
    if old is not None and (root.previous != old.id or root.version != old.version + 1):
        raise ConfigError(f"--root is not version {root.version - 1} of this root.")


def _want_complete(root: Root) -> None:
    if missing(root, None):
        raise ConfigError(
            f"The root {root.name!r} version {root.version} has not enough signatures yet. "
            "Let two offices sign it first: kimnode keys root sign"
        )


def _want_purpose(key: PrivateKey, purpose: Purpose, demo: bool) -> None:
    if key.purpose is not purpose or key.demo != demo:
        raise ConfigError(_misfit(key.purpose, key.demo, purpose, demo))


def _want_inside(certificate: Certificate, area: int, to_day: int, issuer: str) -> None:
    if not covers(area, certificate.area):
        raise ConfigError(
            f"The area {area_text(certificate.area)} is outside the {issuer}'s {area_text(area)}."
        )
    if certificate.to_day > to_day:
        raise ConfigError(
            f"It would end {certificate.to_day - to_day} days after the {issuer}'s own end. "
            f"Use fewer --days, or renew the {issuer} first."
        )


def _misfit(purpose: Purpose, demo: bool, wanted: Purpose, wanted_demo: bool) -> str:
    have = f"{'demonstration ' * demo}{purpose} key"
    want = f"{'demonstration ' * wanted_demo}{wanted} key"
    return f"This is a {have}; a {want} is needed."


def _id(public: bytes) -> str:
    return signing.key_id(public).hex()
