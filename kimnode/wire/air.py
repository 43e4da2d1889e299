"""Signed documents as packets on the private port (SPEC.md section 5).

A packet names keys and ids by their first bytes to be short. What unpack() gives is therefore not
yet what was signed: rules/trust.py finds the whole keys, and only then can anything be verified.
"""

from collections.abc import Callable
from enum import IntEnum

from kimnode.errors import WireError
from kimnode.record import Kind
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Form, HoaxType, KeyType, Mode, Role, TimeTrust, Topic, Verdict
from kimnode.wire.documents import (
    ABOUT_BYTES,
    AREA_END,
    DOSSIER_BYTES,
    MAX_NAME_BYTES,
    MAX_RECEIPTS,
    MAX_REVOKED,
    MAX_TEXT_CHARS,
    SUBJECT_HINT_BYTES,
    AnyDocument,
    Bulletin,
    Certificate,
    Dossier,
    Mark,
    Receipt,
    Revocation,
    Root,
    Stamp,
    TimeAnchor,
    Vote,
)
from kimnode.wire.octets import Bits, Octets, packed, uint
from kimnode.wire.signing import KEY_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES
from kimnode.wire.text import compress, decompress

PORT = 302  # in Meshtastic's private range (256..511)
VERSION = 1
MAX_PACKET_BYTES = 231  # the most that a radio carries on a private port


class Type(IntEnum):
    """Second half of a packet's first byte."""

    BULLETIN = 1
    APPROVAL = 2
    REJECTION = 3
    SUSPENSION = 4
    CERTIFICATE = 5
    REVOCATION = 6
    ROOT = 7
    TIME = 8
    RECEIPT = 9
    BEACON = 10  # gossip.py, as the two below
    ASK = 11
    VECTOR = 12
    FRAGMENT = 13  # fragments.py
    PAIR = 14  # a bulletin and its approval
    REPAIR = 15  # fragments.py: of two packets


VOTES = {
    Type.APPROVAL: Kind.APPROVAL,
    Type.REJECTION: Kind.REJECTION,
    Type.SUSPENSION: Kind.SUSPENSION,
}
VOTE_TYPES = {kind: packet for packet, kind in VOTES.items()}


def head(kind: Type) -> bytes:
    """First byte: version in 3 bits, type in 5."""
    return bytes([VERSION << 5 | kind])


def type_of(packet: bytes) -> Type:
    """What kind of packet this is; WireError for another version or an unknown type."""
    if not packet:
        raise WireError("an empty packet")
    if packet[0] >> 5 != VERSION:
        raise WireError(f"packet version {packet[0] >> 5}, this node knows {VERSION}")
    try:
        return Type(packet[0] & 31)
    except ValueError:
        raise WireError(f"unknown packet type {packet[0] & 31}") from None


def pack(document: AnyDocument) -> bytes:
    """The packet of one document; longer than MAX_PACKET_BYTES it needs fragments.py."""
    match document:
        case Bulletin():
            packet = head(Type.BULLETIN) + _pack_bulletin(document)
        case Vote():
            packet = head(VOTE_TYPES[document.kind]) + _pack_vote(document)
        case Certificate():
            packet = head(Type.CERTIFICATE) + _pack_certificate(document)
        case Revocation():
            packet = head(Type.REVOCATION) + _pack_revocation(document)
        case Root():
            packet = head(Type.ROOT) + sealed.encode(document)
        case TimeAnchor():
            packet = head(Type.TIME) + _pack_time(document)
        case Receipt():
            packet = head(Type.RECEIPT) + _pack_receipt(document)
        case Dossier():
            raise WireError("a dossier does not travel by radio")
    return packet


def pack_pair(bulletin: Bulletin, approval: Vote) -> bytes:
    """Both signatures in one packet: nine bytes less than apart, and one packet less to lose."""
    stamp = _pack_stamp(approval.stamp, 0, 5)
    return head(Type.PAIR) + stamp + approval.signature + _pack_bulletin(bulletin)


def unpack(packet: bytes) -> tuple[AnyDocument, ...]:
    """The documents in a packet, with hints in place of keys and ids.

    A PAIR gives two; the approval's subject is b"" and means the bulletin before it.
    """
    kind = type_of(packet)
    if kind not in UNPACK:
        raise WireError(f"a {kind.name} packet holds no document")
    octets = Octets(packet[1:])
    documents = UNPACK[kind](kind, octets)
    octets.end()
    return documents


def hint_of(key: bytes) -> bytes:
    """Six bytes for a key; a hint stays what it is."""
    return signing.key_id(key) if len(key) == KEY_BYTES else key


def issuer_hint(certificate: Certificate) -> bytes:
    """Six bytes for the issuer: of a district the beginning of the root document's id."""
    if certificate.role is Role.DISTRICT:
        return certificate.issuer[:KEY_ID_BYTES]
    return hint_of(certificate.issuer)


def _pack_stamp(stamp: Stamp, more: int, more_bits: int) -> bytes:
    flags = packed((stamp.mode, 1), (stamp.trust, 2), (more, more_bits))
    when = uint(stamp.made_min, 3) + uint(stamp.epoch, 1) + uint(stamp.seq, 4)
    person = hint_of(stamp.person) if stamp.mode is Mode.ATTESTED else b""
    return uint(flags, 1) + when + hint_of(stamp.signer) + person


def _stamp(octets: Octets) -> tuple[Stamp, Bits]:
    """The stamp, and what is left of its flags."""
    flags = Bits(octets.uint(1), 1)
    mode, trust = flags.code(Mode, 1), flags.code(TimeTrust, 2)
    made_min, epoch, seq = octets.uint(3), octets.uint(1), octets.uint(4)
    signer = octets.take(KEY_ID_BYTES)
    person = octets.take(KEY_ID_BYTES) if mode is Mode.ATTESTED else signer
    return Stamp(mode, made_min, trust, epoch, seq, signer, person), flags


def _area(area: int) -> bytes:
    if area >= AREA_END:
        raise WireError(f"area {area} has more than ten digits")
    return uint(area, 5)


def _take_area(octets: Octets) -> int:
    area = octets.uint(5)
    _area(area)
    return area


def _pack_bulletin(b: Bulletin) -> bytes:
    more = packed((b.demo, 1), (bool(b.about), 1), (b.form, 3))
    what = packed(
        *((b.verdict, 3), (b.hoax_type, 3), (b.topic, 4), (b.sources, 4), (b.primary, 4)),
        *((bool(b.dossier), 1), (0, 5)),
    )
    about = b.about + b.dossier
    fixed = uint(what, 3) + _area(b.area) + uint(b.expires_6h, 1) + uint(b.number, 2)
    return _pack_stamp(b.stamp, more, 5) + fixed + about + compress(b.text) + b.signature


def _unpack_bulletin(octets: Octets) -> Bulletin:
    stamp, flags = _stamp(octets)
    demo, has_about, form = flags.take(1) == 1, flags.take(1), flags.code(Form, 3)
    what = Bits(octets.uint(3), 3)
    verdict, hoax_type = what.code(Verdict, 3), what.code(HoaxType, 3)
    topic, sources, primary = what.code(Topic, 4), what.take(4), what.take(4)
    has_dossier = what.take(1)
    what.end()
    area, expires_6h, number = _take_area(octets), octets.uint(1), octets.uint(2)
    about = octets.take(ABOUT_BYTES * has_about)
    dossier = octets.take(DOSSIER_BYTES * has_dossier)
    text = decompress(octets.rest(keep=SIGNATURE_BYTES), MAX_TEXT_CHARS)
    return Bulletin(
        *(form, demo, verdict, hoax_type, topic, sources, primary, area, expires_6h, number),
        *(about, dossier, stamp, text, octets.take(SIGNATURE_BYTES)),
    )


def _bulletin(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    return (_unpack_bulletin(octets),)


def _pair(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    stamp, flags = _stamp(octets)
    flags.end()
    signature = octets.take(SIGNATURE_BYTES)
    return _unpack_bulletin(octets), Vote(Kind.APPROVAL, b"", stamp, signature)


def _pack_vote(vote: Vote) -> bytes:
    return vote.subject[:SUBJECT_HINT_BYTES] + _pack_stamp(vote.stamp, 0, 5) + vote.signature


def _vote(kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    subject = octets.take(SUBJECT_HINT_BYTES)
    stamp, flags = _stamp(octets)
    flags.end()
    return (Vote(VOTES[kind], subject, stamp, octets.take(SIGNATURE_BYTES)),)


def _pack_certificate(c: Certificate) -> bytes:
    name = c.name.encode()
    kinds = uint(packed((c.role, 4), (c.key_type, 1), (0, 3)), 1)
    numbers = _area(c.area) + uint(c.person, 4) + uint(c.serial, 4)
    days = uint(c.from_day, 2) + uint(c.to_day, 2)
    start = kinds + c.key + numbers + days + issuer_hint(c) + uint(len(name), 1) + name
    signatures = b"".join(mark.signature for mark in c.marks)
    if c.role is not Role.DISTRICT:
        return start + signatures
    return start + uint(sum(1 << mark.index for mark in c.marks), 1) + signatures


def _certificate(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    kinds = Bits(octets.uint(1), 1)
    role, key_type = kinds.code(Role, 4), kinds.code(KeyType, 1)
    kinds.end()
    key, area = octets.take(KEY_BYTES), _take_area(octets)
    numbers = (octets.uint(4), octets.uint(4), octets.uint(2), octets.uint(2))
    issuer, size = octets.take(KEY_ID_BYTES), octets.uint(1)
    if size > MAX_NAME_BYTES:
        raise WireError(f"a name of {size} bytes, at most {MAX_NAME_BYTES}")
    try:
        name = octets.take(size).decode()
    except UnicodeDecodeError:
        raise WireError("a name that is no UTF-8") from None
    signers = octets.uint(1) if role is Role.DISTRICT else 1  # one bit for each root key
    indexes = [index for index in range(8) if signers >> index & 1]
    marks = tuple(Mark(0, index, octets.take(SIGNATURE_BYTES)) for index in indexes)
    return (Certificate(role, key_type, key, area, *numbers, issuer, name, marks),)


def _pack_revocation(r: Revocation) -> bytes:
    entries = b"".join(hint + uint(day, 2) for hint, day in r.entries)
    start = uint(r.number, 4) + uint(r.made_min, 3) + hint_of(r.issuer)
    return start + uint(len(r.entries), 2) + entries + r.signature


def _revocation(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    number, made_min, issuer = octets.uint(4), octets.uint(3), octets.take(KEY_ID_BYTES)
    count = octets.uint(2)
    if count > MAX_REVOKED:
        raise WireError(f"{count} revoked keys, at most {MAX_REVOKED}")
    entries = tuple((octets.take(KEY_ID_BYTES), octets.uint(2)) for _ in range(count))
    hints = [hint for hint, _ in entries]
    if hints != sorted(set(hints)):
        raise WireError("revoked keys out of order or given twice")
    return (Revocation(number, made_min, issuer, entries, octets.take(SIGNATURE_BYTES)),)


def _root(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    document = sealed.decode(octets.rest())
    if not isinstance(document, Root):
        raise WireError("a root packet that holds something else")
    return (document,)


def _pack_time(anchor: TimeAnchor) -> bytes:
    return uint(anchor.made_min, 3) + hint_of(anchor.issuer) + anchor.signature


def _time(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    made_min, issuer = octets.uint(3), octets.take(KEY_ID_BYTES)
    return (TimeAnchor(made_min, issuer, octets.take(SIGNATURE_BYTES)),)


def _pack_receipt(receipt: Receipt) -> bytes:
    made, count = uint(receipt.made_min, 3), uint(len(receipt.bulletins), 1)
    ids = b"".join(one[:SUBJECT_HINT_BYTES] for one in receipt.bulletins)
    return made + hint_of(receipt.signer) + count + ids + receipt.signature


def _receipt(_kind: Type, octets: Octets) -> tuple[AnyDocument, ...]:
    made_min, signer, count = octets.uint(3), octets.take(KEY_ID_BYTES), octets.uint(1)
    if count > MAX_RECEIPTS:
        raise WireError(f"a receipt for {count} bulletins, at most {MAX_RECEIPTS}")
    ids = tuple(octets.take(SUBJECT_HINT_BYTES) for _ in range(count))
    return (Receipt(made_min, signer, ids, octets.take(SIGNATURE_BYTES)),)


UNPACK: dict[Type, Callable[[Type, Octets], tuple[AnyDocument, ...]]] = {
    Type.BULLETIN: _bulletin,
    Type.PAIR: _pair,
    Type.APPROVAL: _vote,
    Type.REJECTION: _vote,
    Type.SUSPENSION: _vote,
    Type.CERTIFICATE: _certificate,
    Type.REVOCATION: _revocation,
    Type.ROOT: _root,
    Type.TIME: _time,
    Type.RECEIPT: _receipt,
}
