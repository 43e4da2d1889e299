"""A ready chain for everybody's tests: province root, district, hub, posts and volunteers.

    Sulawesi Barat 7600000000: five root keys, two must sign
      Kab. Mamuju 7602000000: district, hub
        desa 7602062003: Pos Karataun, Pos Salutiwo; V1..V4, KETUA, EDI (over), RINA (revoked)
        desa 7602062004: Pos Lebba; LENA (verifier there)

Every person has a radio key and an own key. Everything is made from names, so ids never change;
only sequence numbers count up with each document that a test makes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

import pytest

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.chain import Heard, build
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import Trust
from kimnode.wire import signing
from kimnode.wire.codes import (
    Form,
    HoaxType,
    KeyType,
    Mode,
    Role,
    SourceKind,
    TimeTrust,
    Topic,
    Verdict,
)
from kimnode.wire.documents import (
    AnyDocument,
    Bulletin,
    Certificate,
    Dossier,
    Mark,
    Receipt,
    Revocation,
    Root,
    Source,
    Stamp,
    TimeAnchor,
    Vote,
    signed_by,
)
from kimnode.wire.times import DAY_S, EPOCH_2025, day_of, minutes_of

NOW_S = 1_800_000_000  # 2027-01-15
NOW_MIN, TODAY = minutes_of(NOW_S), day_of(NOW_S)
NOW = Estimate(NOW_S, TimeTrust.SURE, NOW_S, 100_000)
PROVINCE, REGENCY, DESA, DESA_2 = 7600000000, 7602000000, 7602062003, 7602062004
DAY = DAY_S
_numbers = count(1)


def later(seconds: float, trust: TimeTrust = TimeTrust.SURE) -> Estimate:
    """The time so much after NOW; a floor that is sure to have come that far too."""
    return Estimate(int(NOW_S + seconds), trust, int(NOW_S + seconds), 100_000)


def seed_of(name: str) -> bytes:
    """32 bytes: the private key of everything with this name."""
    return hashlib.sha256(f"kimnode sample {name}".encode()).digest()


@dataclass(frozen=True)
class Machine:
    """District, hub or gateway."""

    name: str
    role: Role
    area: int

    @property
    def seed(self) -> bytes:
        return seed_of(self.name)

    @property
    def key(self) -> bytes:
        return signing.public_key(self.seed)


@dataclass(frozen=True)
class Person:
    """Somebody with a radio and with a key of their own."""

    name: str
    number: int
    role: Role
    area: int = DESA

    @property
    def seed(self) -> bytes:
        return seed_of(self.name)

    @property
    def key(self) -> bytes:
        return signing.public_key(self.seed)

    @property
    def radio(self) -> bytes:
        """X25519 public key of the radio."""
        return seed_of(f"radio of {self.name}")


ROOT_SEEDS = tuple(seed_of(f"root {n}") for n in range(8))
DISTRICT = Machine("Kab. Mamuju", Role.DISTRICT, REGENCY)
HUB = Machine("Hub Mamuju", Role.HUB, REGENCY)
KARATAUN = Machine("Pos Karataun", Role.GATEWAY, DESA)
SALUTIWO = Machine("Pos Salutiwo", Role.GATEWAY, DESA)
LEBBA = Machine("Pos Lebba", Role.GATEWAY, DESA_2)
MACHINES = (HUB, KARATAUN, SALUTIWO, LEBBA)
V1 = Person("Ani", 1, Role.VOLUNTEER)
V2 = Person("Budi", 2, Role.VOLUNTEER)
V3 = Person("Citra", 3, Role.VERIFIER)
V4 = Person("Dewi", 4, Role.VERIFIER)
KETUA = Person("Pak Haris", 5, Role.CHAIR)
EDI = Person("Edi", 6, Role.VERIFIER)  # certificates ended ten days ago
RINA = Person("Rina", 7, Role.VERIFIER)  # revoked, doubtful for three days
LENA = Person("Lena", 8, Role.VERIFIER, DESA_2)
PERSONS = (V1, V2, V3, V4, KETUA, EDI, RINA, LENA)

DOSSIER = Dossier(
    "Gempa besar malam ini jam 9",
    "BMKG tidak mengeluarkan peringatan.",
    "Dusun Salutiwo",
    0,
    (
        Source(SourceKind.AGENCY, "BMKG Mamuju", "telepon, 15 Jan 2027"),
        Source(SourceKind.FACT_CHECKER, "TurnBackHoax", "turnbackhoax.id"),
    ),
)


def root(version: int = 1, previous: Root | None = None, **changes) -> Root:
    """Unsigned."""
    keys = tuple(map(signing.public_key, ROOT_SEEDS[:5]))
    before = previous.id if previous else b""
    end = TODAY + 3000
    fresh = Root(version, 2, keys, PROVINCE, end, False, before, "Sulawesi Barat")
    return replace(fresh, **changes)


def signed_root(unsigned: Root, own: Iterable[int], old: Iterable[int] = (), before=None) -> Root:
    """Signed by the keys at these indexes of its own list, and of the list of `before`."""
    rings = [(0, i, unsigned.keys[i]) for i in own]
    rings += [(1, i, before.keys[i]) for i in old]
    marks = [
        Mark(ring, i, signing.sign(_seeds()[key], unsigned.signed())) for ring, i, key in rings
    ]
    return replace(unsigned, marks=tuple(marks))


def _seeds() -> dict[bytes, bytes]:
    return {signing.public_key(seed): seed for seed in ROOT_SEEDS}


def issued(
    issuer: Machine, key: bytes, role: Role, area: int, name: str, /, **changes
) -> Certificate:
    """A certificate by a district."""
    end = TODAY + (60 if role is Role.HUB else 300)
    unsigned = Certificate(
        *(role, KeyType.ED25519, key, area, 0, next(_numbers), TODAY - 20, end, issuer.key, name)
    )
    unsigned = replace(unsigned, **changes)
    mark = Mark(0, 0, signing.sign(issuer.seed, unsigned.signed()))
    return replace(unsigned, marks=(mark,))


def of_machine(machine: Machine, issuer: Machine = DISTRICT, /, **changes) -> Certificate:
    return issued(issuer, machine.key, machine.role, machine.area, machine.name, **changes)


def _of_person(issuer: Machine, person: Person, key: bytes, fields: dict) -> Certificate:
    key = fields.pop("key", key)
    area = fields.pop("area", person.area)
    return issued(issuer, key, person.role, area, person.name, **fields)


def of_radio(person: Person, issuer: Machine = DISTRICT, /, **changes) -> Certificate:
    fields = {"key_type": KeyType.RADIO, "person": person.number, **changes}
    return _of_person(issuer, person, person.radio, fields)


def of_own_key(person: Person, issuer: Machine = DISTRICT, /, **changes) -> Certificate:
    fields = {"person": person.number, **changes}
    return _of_person(issuer, person, person.key, fields)


def of_district(under: Root, machine: Machine = DISTRICT, by=(0, 1), **changes) -> Certificate:
    """A district's certificate, signed by the root's keys at these indexes."""
    unsigned = Certificate(
        *(Role.DISTRICT, KeyType.ED25519, machine.key, machine.area, 0, 1),
        *(TODAY - 30, TODAY + 1000, under.id, machine.name),
    )
    unsigned = replace(unsigned, **changes)
    marks = [Mark(0, i, signing.sign(_seeds()[under.keys[i]], unsigned.signed())) for i in by]
    return replace(unsigned, marks=tuple(marks))


def revocation(*keys: bytes, number: int = 2, since: int = TODAY - 3, **changes) -> Revocation:
    """A list of these keys, all doubtful since that day."""
    by = changes.pop("by", DISTRICT)
    made_min = changes.pop("made_min", NOW_MIN - 60)
    entries = tuple(sorted((signing.key_id(key), since) for key in keys))
    return signed_by(Revocation(number, made_min, by.key, entries), by.seed)


ROOT = signed_root(root(), (0, 1))
DISTRICT_CERT = of_district(ROOT)
MACHINE_CERTS = tuple(of_machine(machine) for machine in MACHINES)
ENDED = {"from_day": TODAY - 200, "to_day": TODAY - 10}
PERSON_CERTS = tuple(
    make(person, **(ENDED if person is EDI else {}))
    for person in PERSONS
    for make in (of_radio, of_own_key)
)
REVOCATION = revocation(RINA.key, RINA.radio, number=1)
CHAIN: tuple[AnyDocument, ...] = (
    *(ROOT, DISTRICT_CERT, *MACHINE_CERTS, *PERSON_CERTS, REVOCATION),
)


def trust(*more: AnyDocument, pinned: bytes = ROOT.id, heard_s: int = NOW_S) -> Trust:
    """What the chain and these further documents add up to."""
    return build([Heard(document, heard_s) for document in (*CHAIN, *more)], pinned).trust


def stamp(person: Person | Machine, post: Machine | None = None, **changes) -> Stamp:
    """DIRECT, or ATTESTED by this post. `seq` counts up unless it is given."""
    key = person.radio if post and isinstance(person, Person) else person.key
    made = Stamp(
        *(Mode.ATTESTED if post else Mode.DIRECT, NOW_MIN - 30, TimeTrust.SURE, 7, next(_numbers)),
        *(post.key if post else key, key),
    )
    return replace(made, **changes)


def bulletin(
    author: Person | Machine = V1, post: Machine | None = None, when=None, **changes
) -> Bulletin:
    """A verdict, signed by the author (DIRECT) or by the post for the author's radio (ATTESTED).

    when  changes to the stamp, such as {"made_min": ..., "seq": ...}
    """
    unsigned = Bulletin(
        *(Form.CHECK, False, Verdict.HOAX, HoaxType.FABRICATED, Topic.DISASTER, 2, 1, DESA, 28, 17),
        *(
            b"",
            DOSSIER.hash,
            stamp(author, post, **(when or {})),
            "Tidak ada gempa besar malam ini.",
        ),
    )
    unsigned = replace(unsigned, **changes)
    return signed_by(unsigned, (post or author).seed)


def vote(
    kind: Kind, subject: bytes, person: Person | Machine, post: Machine | None = None, **when
) -> Vote:
    unsigned = Vote(kind, subject, stamp(person, post, **when))
    return signed_by(unsigned, (post or person).seed)


def approval(
    about: Bulletin, person: Person | Machine = V3, post: Machine | None = None, **when
) -> Vote:
    return vote(Kind.APPROVAL, about.id, person, post, **when)


def rejection(about: Bulletin, person: Person = V3, post: Machine | None = None, **when) -> Vote:
    return vote(Kind.REJECTION, about.id, person, post, **when)


def suspend(key: bytes, person: Person, post: Machine | None = None, **when) -> Vote:
    return vote(Kind.SUSPENSION, key, person, post, **when)


def time_anchor(by: Machine = HUB, made_min: int = NOW_MIN) -> TimeAnchor:
    return signed_by(TimeAnchor(made_min, by.key), by.seed)


def receipt(*about: Bulletin, by: Machine = KARATAUN, made_min: int = NOW_MIN) -> Receipt:
    return signed_by(Receipt(made_min, by.key, tuple(one.id for one in about)), by.seed)


def times_end(person: Person) -> int:
    """Unix second at which the certificate of this person's own key is over."""
    certificate = next(one for one in PERSON_CERTS if one.key == person.key)
    return EPOCH_2025 + (certificate.to_day + 1) * DAY_S


def refused(reason: Reason):
    """`with refused(Reason.REVOKED):` Refused for this reason and no other."""
    return pytest.raises(Refused, match=f"^{reason.value}\\b")


def flips(data: bytes) -> list[bytes]:
    """Three bits of every byte, one at a time."""
    return [
        data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in (0, 3, 7)
    ]
