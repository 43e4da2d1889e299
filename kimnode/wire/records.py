"""Records <-> the bytes that their ids cover (SPEC.md section 3).

    id        = SHA-256("kimnode/record/v1" 00 | CBOR[kind, author, room, channel, made_at, nonce,
                                                      subject, body_hash])
    body_hash = SHA-256(salt(8) | CBOR[nick, text])

So a body can be erased and the id still verifies. CBOR is deterministic (RFC 8949 section 4.2).
A signed document is its own record: the id covers what is signed, the header repeats parts of it.
"""

import hashlib
from dataclasses import replace

import cbor2

from kimnode.errors import WireError
from kimnode.record import DOCUMENT_KINDS, Body, Kind, Record, RecordId
from kimnode.wire import sealed
from kimnode.wire.documents import AnyDocument, Bulletin, Certificate, Dossier, Receipt, Root, Vote
from kimnode.wire.times import unix_of_minutes

SALT_BYTES = 8
NONCE_BYTES = 16  # of a signed document's id
ID_DOMAIN = b"kimnode/record/v1\0"
HEARD_SALT_DOMAIN = b"kimnode/heard-salt/v1\0"


def written(
    kind: Kind,
    author: str,
    room: str,
    made_at: int,
    nonce: bytes,
    body: Body,
    salt: bytes,
    subject: RecordId | None = None,
) -> Record:
    """A record made at this node; `salt` is SALT_BYTES of fresh randomness."""
    return _seal(kind, author, room, "", made_at, nonce, subject, body, salt)


def heard(  # the four things the id covers, and what the text meant
    kind: Kind,
    sender: int,
    packet_id: int,
    channel: str,
    room: str,
    text: str,
    subject: RecordId | None = None,
) -> Record:
    """A record of one radio text: the same at every gateway that hears it, whenever it does.

    The salt is derived from the packet, not random: two gateways must reach the same id.
    """
    author = radio_author(sender)
    nonce = packet_id.to_bytes(4, "big")
    salt = hashlib.sha256(HEARD_SALT_DOMAIN + _cbor([author, nonce, channel])).digest()
    body = Body("", text)
    return _seal(kind, author, room, channel, 0, nonce, subject, body, salt[:SALT_BYTES])


def of_document(document: AnyDocument) -> Record:
    """The record that a signed document is. It has no body: nothing of it can be erased."""
    match document:
        case Bulletin() | Vote():
            author, made_min = document.stamp.person, document.stamp.made_min
        case Certificate():
            author, made_min = document.key, 0
        case Root() | Dossier():
            author, made_min = document.id, 0
        case Receipt():
            author, made_min = document.signer, document.made_min
        case _:
            author, made_min = document.issuer, document.made_min
    subject = document.subject if isinstance(document, Vote) else None
    return Record(
        id=RecordId(document.id),
        kind=document.KIND,
        author=f"key:{author.hex()}",
        room="",
        channel="",
        made_at=unix_of_minutes(made_min) if made_min else 0,
        nonce=document.id[:NONCE_BYTES],
        subject=RecordId(subject) if subject else None,
        salt=b"",
        body_hash=b"",
        body=None,
        document=sealed.encode(document),
    )


def document_of(record: Record) -> AnyDocument:
    """The signed document that the record is; WireError when the two do not agree."""
    document = sealed.decode(record.document)
    if of_document(document) != record:
        raise WireError("the record's header is not that of its signed document")
    return document


def radio_author(node_num: int) -> str:
    """`radio:!1000001f`, the way Meshtastic apps print a node number."""
    return f"radio:!{node_num:08x}"


def body_hash(body: Body, salt: bytes) -> bytes:
    """32 bytes over salt and body; equal hashes mean equal bodies."""
    return hashlib.sha256(salt + _cbor([body.nick, body.text])).digest()


def record_id(record: Record) -> RecordId:
    """The id that the record's fields give; works for an erased body too."""
    header = [
        int(record.kind),
        record.author,
        record.room,
        record.channel,
        record.made_at,
        record.nonce,
        record.subject,
        record.body_hash,
    ]
    return RecordId(hashlib.sha256(ID_DOMAIN + _cbor(header)).digest())


def check(record: Record) -> None:
    """WireError unless the id and, where it is not erased, the body are what they claim."""
    if record.kind in DOCUMENT_KINDS:
        document_of(record)
        return
    if record.body is not None and body_hash(record.body, record.salt) != record.body_hash:
        raise WireError("the body is not the one that the record was made with")
    if record_id(record) != record.id:
        raise WireError("the record's id does not cover its header")


def link(previous: bytes, record: RecordId) -> bytes:
    """The log's chain: each value covers the one before, so a cut or an edit shows."""
    return hashlib.sha256(previous + record).digest()


def _seal(
    kind: Kind,
    author: str,
    room: str,
    channel: str,
    made_at: int,
    nonce: bytes,
    subject: RecordId | None,
    body: Body,
    salt: bytes,
) -> Record:
    if len(salt) != SALT_BYTES:
        raise WireError(f"salt of {len(salt)} bytes, {SALT_BYTES} are needed")
    hashed = body_hash(body, salt)
    unsealed = Record(
        RecordId(b""), kind, author, room, channel, made_at, nonce, subject, salt, hashed, body
    )
    return replace(unsealed, id=record_id(unsealed))


def _cbor(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)
