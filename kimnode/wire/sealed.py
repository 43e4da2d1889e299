"""The form in which a signed document is kept in the log and travels by file (SPEC.md section 4).

    CBOR [kind, [field, ...], signature]      root, certificate: [[ring, index, signature], ...]
                                              dossier: null

There is one encoding of a document: what decodes but would be encoded in another way is refused.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar

import cbor2

from kimnode.errors import WireError
from kimnode.record import Kind
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
    ABOUT_BYTES,
    AREA_END,
    DOSSIER_BYTES,
    ID_BYTES,
    MAX_CLAIM_CHARS,
    MAX_NAME_BYTES,
    MAX_RECEIPTS,
    MAX_REVOKED,
    MAX_ROOT_KEYS,
    MAX_SIGNATURES,
    MAX_SOURCE_CHARS,
    MAX_SOURCES,
    MAX_TEXT_CHARS,
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
)
from kimnode.wire.signing import KEY_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES
from kimnode.wire.times import DAYS_END, MINUTES_END

MAX_DOCUMENT_BYTES = 8192  # the longest: a revocation list of MAX_REVOKED entries
NIBBLE_END = 1 << 4
BYTE_END = 1 << 8
SHORT_END = 1 << 16
LONG_END = 1 << 32
C = TypeVar("C", bound=IntEnum)


def encode(document: AnyDocument) -> bytes:
    """The form in which a document is kept and travels by file: CBOR [kind, fields, signatures]."""
    if isinstance(document, Dossier):
        proof: object = None
    elif isinstance(document, Certificate | Root):
        proof = [[m.ring, m.index, m.signature] for m in document.marks]
    else:
        proof = document.signature
    return cbor2.dumps([int(document.KIND), document.fields(), proof], canonical=True)


def decode(data: bytes) -> AnyDocument:
    """The document in these bytes; WireError unless they are exactly what encode() makes."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise WireError(f"a document of {len(data)} bytes, at most {MAX_DOCUMENT_BYTES}")
    try:
        kind, values, proof = cbor2.loads(data)
        fields = Fields(values)
        document = BUILDERS[Kind(kind)](Kind(kind), fields, proof)
        fields.end()
    except WireError:
        raise
    except Exception as error:  # the CBOR library raises many kinds on bad bytes
        raise WireError(f"no document: {error}") from error
    if encode(document) != data:
        raise WireError("a document that is not in its one canonical form")
    return document


class Fields:
    """The fields of a document, taken one by one, each checked as it is taken."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, list):
            raise WireError("a document's fields are no list")
        self._values: list[object] = values
        self._place = 0

    def take(self) -> object:
        if self._place >= len(self._values):
            raise WireError("a document with too few fields")
        self._place += 1
        return self._values[self._place - 1]

    def uint(self, end: int) -> int:
        """0 <= value < end."""
        value = self.take()
        if type(value) is not int or not 0 <= value < end:
            raise WireError(f"{value!r:.40} is no number below {end}")
        return value

    def flag(self) -> bool:
        return self.uint(2) == 1

    def code(self, codes: type[C]) -> C:
        value = self.uint(256)
        try:
            return codes(value)
        except ValueError:
            raise WireError(f"unknown {codes.__name__} {value}") from None

    def octets(self, *sizes: int) -> bytes:
        """Bytes of one of these sizes."""
        value = self.take()
        if not isinstance(value, bytes) or len(value) not in sizes:
            raise WireError(f"bytes of {sizes} expected")
        return value

    def text(self, max_chars: int) -> str:
        value = self.take()
        if not isinstance(value, str) or len(value) > max_chars:
            raise WireError(f"text of at most {max_chars} characters expected")
        return value

    def name(self) -> str:
        value = self.text(MAX_NAME_BYTES)
        if len(value.encode()) > MAX_NAME_BYTES:
            raise WireError(f"a name of more than {MAX_NAME_BYTES} bytes")
        return value

    def items(self, most: int) -> list[object]:
        value = self.take()
        if not isinstance(value, list) or len(value) > most:
            raise WireError(f"a list of at most {most} expected")
        return value

    def end(self) -> None:
        if self._place != len(self._values):
            raise WireError("a document with too many fields")


def _signature(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != SIGNATURE_BYTES:
        raise WireError("no signature of 64 bytes")
    return value


def _marks(value: object) -> tuple[Mark, ...]:
    marks = []
    for item in Fields([value]).items(MAX_SIGNATURES):
        fields = Fields(item)
        ring, index = fields.uint(2), fields.uint(MAX_ROOT_KEYS)
        marks.append(Mark(ring, index, fields.octets(SIGNATURE_BYTES)))
        fields.end()
    places = [(mark.ring, mark.index) for mark in marks]
    if places != sorted(set(places)):
        raise WireError("signatures out of order or given twice")
    return tuple(marks)


def _stamp(fields: Fields) -> Stamp:
    return Stamp(
        fields.code(Mode),
        fields.uint(MINUTES_END),
        fields.code(TimeTrust),
        fields.uint(BYTE_END),
        fields.uint(LONG_END),
        fields.octets(KEY_BYTES),
        fields.octets(KEY_BYTES),
    )


def _bulletin(_kind: Kind, fields: Fields, proof: object) -> Bulletin:
    return Bulletin(
        form=fields.code(Form),
        demo=fields.flag(),
        verdict=fields.code(Verdict),
        hoax_type=fields.code(HoaxType),
        topic=fields.code(Topic),
        sources=fields.uint(NIBBLE_END),
        primary=fields.uint(NIBBLE_END),
        area=fields.uint(AREA_END),
        expires_6h=fields.uint(BYTE_END),
        number=fields.uint(SHORT_END),
        about=fields.octets(0, ABOUT_BYTES),
        dossier=fields.octets(0, DOSSIER_BYTES),
        stamp=_stamp(fields),
        text=fields.text(MAX_TEXT_CHARS),
        signature=_signature(proof),
    )


def _vote(kind: Kind, fields: Fields, proof: object) -> Vote:
    return Vote(kind, fields.octets(ID_BYTES), _stamp(fields), _signature(proof))


def _certificate(_kind: Kind, fields: Fields, proof: object) -> Certificate:
    return Certificate(
        role=fields.code(Role),
        key_type=fields.code(KeyType),
        key=fields.octets(KEY_BYTES),
        area=fields.uint(AREA_END),
        person=fields.uint(LONG_END),
        serial=fields.uint(LONG_END),
        from_day=fields.uint(DAYS_END),
        to_day=fields.uint(DAYS_END),
        issuer=fields.octets(KEY_BYTES),
        name=fields.name(),
        marks=_marks(proof),
    )


def _root(_kind: Kind, fields: Fields, proof: object) -> Root:
    version, threshold = fields.uint(LONG_END), fields.uint(MAX_ROOT_KEYS + 1)
    keys = tuple(Fields([key]).octets(KEY_BYTES) for key in fields.items(MAX_ROOT_KEYS))
    return Root(
        version,
        threshold,
        keys,
        area=fields.uint(AREA_END),
        to_day=fields.uint(DAYS_END),
        demo=fields.flag(),
        previous=fields.octets(0, ID_BYTES),
        name=fields.name(),
        marks=_marks(proof),
    )


def _revocation(_kind: Kind, fields: Fields, proof: object) -> Revocation:
    number, made_min = fields.uint(LONG_END), fields.uint(MINUTES_END)
    issuer = fields.octets(KEY_BYTES)
    entries = []
    for item in fields.items(MAX_REVOKED):
        entry = Fields(item)
        entries.append((entry.octets(KEY_ID_BYTES), entry.uint(DAYS_END)))
        entry.end()
    hints = [hint for hint, _ in entries]
    if hints != sorted(set(hints)):
        raise WireError("revoked keys out of order or given twice")
    return Revocation(number, made_min, issuer, tuple(entries), _signature(proof))


def _time(_kind: Kind, fields: Fields, proof: object) -> TimeAnchor:
    return TimeAnchor(fields.uint(MINUTES_END), fields.octets(KEY_BYTES), _signature(proof))


def _receipt(_kind: Kind, fields: Fields, proof: object) -> Receipt:
    made_min, signer = fields.uint(MINUTES_END), fields.octets(KEY_BYTES)
    ids = tuple(Fields([one]).octets(ID_BYTES) for one in fields.items(MAX_RECEIPTS))
    return Receipt(made_min, signer, ids, _signature(proof))


def _dossier(_kind: Kind, fields: Fields, _proof: object) -> Dossier:
    claim, fact = fields.text(MAX_CLAIM_CHARS), fields.text(MAX_TEXT_CHARS)
    place, first_seen_min = fields.text(MAX_SOURCE_CHARS), fields.uint(MINUTES_END)
    sources = []
    for item in fields.items(MAX_SOURCES):
        source = Fields(item)
        sources.append(
            Source(
                source.code(SourceKind),
                source.text(MAX_SOURCE_CHARS),
                source.text(MAX_SOURCE_CHARS),
            )
        )
        source.end()
    return Dossier(claim, fact, place, first_seen_min, tuple(sources))


BUILDERS: dict[Kind, Callable[[Kind, Fields, object], AnyDocument]] = {
    Kind.BULLETIN: _bulletin,
    Kind.APPROVAL: _vote,
    Kind.REJECTION: _vote,
    Kind.SUSPENSION: _vote,
    Kind.CERT: _certificate,
    Kind.ROOT: _root,
    Kind.REVOCATION: _revocation,
    Kind.TIME_ANCHOR: _time,
    Kind.RECEIPT: _receipt,
    Kind.DOSSIER: _dossier,
}
