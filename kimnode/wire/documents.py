"""Signed documents: what they hold, and the bytes that are signed (SPEC.md section 4).

How they are kept and sent is in sealed.py and air.py. What is signed always holds whole keys and
whole ids; the air shortens them to hints, so a document that came by radio holds 6- or 8-byte hints
until rules/trust.py has found the keys.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from kimnode.record import Kind
from kimnode.wire import signing
from kimnode.wire.codes import (
    PRIMARY_SOURCES,
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

ID_BYTES = 32
ABOUT_BYTES = 16  # of the id of the bulletin that is corrected or withdrawn
DOSSIER_BYTES = 16
SUBJECT_HINT_BYTES = 8
MAX_TEXT_CHARS = 600
MAX_NAME_BYTES = 24
MAX_ROOT_KEYS = 8
MAX_SIGNATURES = 2 * MAX_ROOT_KEYS
MAX_REVOKED = 500
MAX_RECEIPTS = 16
MAX_SOURCES = 15
MAX_CLAIM_CHARS = 240
MAX_SOURCE_CHARS = 200
AREA_END = 10**10  # a Kemendagri desa code has ten digits: 7602062003; 7602000000 is the regency


@dataclass(frozen=True, slots=True)
class Mark:
    """One of several signatures: which key of which list (0 this document's, 1 the one before)."""

    ring: int
    index: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who signed, when, in which order: the same in bulletins and votes.

    made_min  minutes since 2025-01-01 UTC (times.py), by the clock of where it was signed
    epoch     one byte of the random number that the signing database was born with
    seq       counts the documents of this signer and epoch, from 1; gaps are packets not heard
    signer    public key whose signature it carries (6-byte hint while unresolved)
    person    certified key of the person who wanted it: `signer` itself when DIRECT, the key of
              the person's radio when ATTESTED by a gateway (6-byte hint while unresolved)
    """

    mode: Mode
    made_min: int
    trust: TimeTrust
    epoch: int
    seq: int
    signer: bytes
    person: bytes

    def fields(self) -> list[object]:
        """As signed."""
        return [
            int(self.mode),
            self.made_min,
            int(self.trust),
            self.epoch,
            self.seq,
            self.signer,
            self.person,
        ]


class Document:
    """What every signed document can do. `fields()` are the ones that are signed, in order."""

    __slots__ = ()
    KIND: ClassVar[Kind]
    DOMAIN: ClassVar[str]

    def fields(self) -> list[object]:
        raise NotImplementedError

    def signed(self) -> bytes:
        """The bytes that the signatures cover."""
        return signing.to_be_signed(self.DOMAIN, self.fields())

    @property
    def id(self) -> bytes:
        """32 bytes over what is signed: the id of the record that it becomes."""
        return signing.document_id(self.signed())


@dataclass(frozen=True, slots=True)
class Bulletin(Document):
    """KIM says something. Nobody is shown it as verified before an approval verifies too.

    area         Kemendagri code of the author's area, ten digits as a number
    sources      how many sources the dossier holds; `primary` of them are first-hand (0..15)
    expires_6h   it holds for this many times six hours after `made_min`
    number       the 17 of "B-17", counted by the gateway where it was written
    about        first 16 bytes of the id of the bulletin that it corrects or withdraws, or b""
    dossier      first 16 bytes of the SHA-256 of the dossier (claim, sources ...), or b""
    """

    KIND = Kind.BULLETIN
    DOMAIN = "kimnode/bulletin/v1"
    form: Form
    demo: bool
    verdict: Verdict
    hoax_type: HoaxType
    topic: Topic
    sources: int
    primary: int
    area: int
    expires_6h: int
    number: int
    about: bytes
    dossier: bytes
    stamp: Stamp
    text: str
    signature: bytes = b""

    def fields(self) -> list[object]:
        return [
            int(self.form),
            int(self.demo),
            int(self.verdict),
            int(self.hoax_type),
            int(self.topic),
            self.sources,
            self.primary,
            self.area,
            self.expires_6h,
            self.number,
            self.about,
            self.dossier,
            *self.stamp.fields(),
            self.text,
        ]


@dataclass(frozen=True, slots=True)
class Vote(Document):
    """A person's word about one thing, by its whole 32-byte id. Approve, reject and suspend share
    the shape; the domain, and so the signature, differs.

    subject  id of the bulletin, or the public key that is to be suspended (8-byte hint from air)
    """

    kind: Kind  # APPROVAL, REJECTION or SUSPENSION
    subject: bytes
    stamp: Stamp
    signature: bytes = b""

    @property
    def KIND(self) -> Kind:  # type: ignore[override]  # noqa: N802
        return self.kind

    @property
    def DOMAIN(self) -> str:  # type: ignore[override]  # noqa: N802
        return VOTE_DOMAINS[self.kind]

    def fields(self) -> list[object]:
        return [self.subject, *self.stamp.fields()]


VOTE_DOMAINS = {
    Kind.APPROVAL: "kimnode/approval/v1",
    Kind.REJECTION: "kimnode/rejection/v1",
    Kind.SUSPENSION: "kimnode/suspension/v1",
}


@dataclass(frozen=True, slots=True)
class Certificate(Document):
    """Its issuer says: this key acts in this role, for this area, in this time.

    key       public key; of KeyType RADIO the X25519 key of a Meshtastic radio
    person    the district's number of the person, 0 for machines: two keys can be one person
    serial    counted by the issuer
    from_day, to_day  days since 2025-01-01 UTC, both included
    issuer    public key of the district; for a DISTRICT the id of the root document (32 bytes,
              or a 6-byte hint: its first bytes, while unresolved)
    marks     one signature; of a DISTRICT one per root key (index into the root's keys)
    """

    KIND = Kind.CERT
    DOMAIN = "kimnode/certificate/v1"
    role: Role
    key_type: KeyType
    key: bytes
    area: int
    person: int
    serial: int
    from_day: int
    to_day: int
    issuer: bytes
    name: str
    marks: tuple[Mark, ...] = ()

    def fields(self) -> list[object]:
        return [
            int(self.role),
            int(self.key_type),
            self.key,
            self.area,
            self.person,
            self.serial,
            self.from_day,
            self.to_day,
            self.issuer,
            self.name,
        ]


@dataclass(frozen=True, slots=True)
class Root(Document):
    """The province's keys. Version N+1 is signed by `threshold` keys of N and of itself.

    previous  id of version N, b"" in version 1
    """

    KIND = Kind.ROOT
    DOMAIN = "kimnode/root/v1"
    version: int
    threshold: int
    keys: tuple[bytes, ...]
    area: int
    to_day: int
    demo: bool
    previous: bytes
    name: str
    marks: tuple[Mark, ...] = ()

    def fields(self) -> list[object]:
        return [
            self.version,
            self.threshold,
            list(self.keys),
            self.area,
            self.to_day,
            int(self.demo),
            self.previous,
            self.name,
        ]


@dataclass(frozen=True, slots=True)
class Revocation(Document):
    """The whole list of keys that are not believed any more. `number` only grows.

    entries  (6-byte key id, day from which its signatures are doubtful), ascending by key id
    issuer   the district's key, or a hub key that it certified (6-byte hint while unresolved)
    """

    KIND = Kind.REVOCATION
    DOMAIN = "kimnode/revocation/v1"
    number: int
    made_min: int
    issuer: bytes
    entries: tuple[tuple[bytes, int], ...]
    signature: bytes = b""

    def fields(self) -> list[object]:
        entries = [[hint, day] for hint, day in self.entries]
        return [self.number, self.made_min, self.issuer, entries]


@dataclass(frozen=True, slots=True)
class TimeAnchor(Document):
    """A district or its hub says what time it is; an old one can only be too early."""

    KIND = Kind.TIME_ANCHOR
    DOMAIN = "kimnode/time/v1"
    made_min: int
    issuer: bytes
    signature: bytes = b""

    def fields(self) -> list[object]:
        return [self.made_min, self.issuer]


@dataclass(frozen=True, slots=True)
class Receipt(Document):
    """A gateway has verified these bulletins (whole ids; 8-byte hints while unresolved)."""

    KIND = Kind.RECEIPT
    DOMAIN = "kimnode/receipt/v1"
    made_min: int
    signer: bytes
    bulletins: tuple[bytes, ...]
    signature: bytes = b""

    def fields(self) -> list[object]:
        return [self.made_min, self.signer, list(self.bulletins)]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a checker looked. `reference` is an address, a page, or who was asked and when."""

    kind: SourceKind
    title: str
    reference: str


@dataclass(frozen=True, slots=True)
class Dossier(Document):
    """What stands behind a bulletin. Unsigned: the bulletin's signature covers 16 bytes of its id.

    Travels by Wi-Fi, network and USB, never by radio. `first_seen_min` 0: nobody knows.
    """

    KIND = Kind.DOSSIER
    DOMAIN = "kimnode/dossier/v1"
    claim: str
    fact: str
    place: str
    first_seen_min: int
    sources: tuple[Source, ...]

    def fields(self) -> list[object]:
        sources = [[int(s.kind), s.title, s.reference] for s in self.sources]
        return [self.claim, self.fact, self.place, self.first_seen_min, sources]

    @property
    def hash(self) -> bytes:
        """16 bytes, as the bulletin names it."""
        return self.id[:DOSSIER_BYTES]

    @property
    def primary(self) -> int:
        """How many sources are first-hand."""
        return sum(source.kind in PRIMARY_SOURCES for source in self.sources)


AnyDocument = Bulletin | Vote | Certificate | Root | Revocation | TimeAnchor | Receipt | Dossier
D = TypeVar("D", Bulletin, Vote, Revocation, TimeAnchor, Receipt)


def signed_by(document: D, private_key: bytes) -> D:
    """The document with the signature of this key."""
    return replace(document, signature=signing.sign(private_key, document.signed()))


def is_signed_by(
    document: Bulletin | Vote | Revocation | TimeAnchor | Receipt, public_key: bytes
) -> bool:
    """Whether the document's one signature was made by this key."""
    return signing.verify(public_key, document.signature, document.signed())
