"""The three types that cross borders: Record (durable), Entry (as this node knows it), Notice.

A record never changes: an acknowledgement or a cancellation is a new record about (`subject`) an
old one. Who made it, when and about what is the header; what a person typed is the body, which
can be erased later without breaking the id (wire/records.py) or the log's chain.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NewType

RecordId = NewType("RecordId", bytes)  # 32 bytes, SHA-256 over the header and the body's hash
Seq = NewType("Seq", int)  # this node's log position, from 1, never reused


class Kind(IntEnum):
    """Wire numbers, never reused. Missing ones belong to kinds that are not built yet."""

    CHAT = 1
    REPORT = 2  # a rumour that somebody passes on
    BULLETIN = 4
    APPROVAL = 5
    SOS = 9
    SOS_ACK = 10
    CERT = 11
    REVOCATION = 12
    TIME_ANCHOR = 13
    RECEIPT = 14
    SOS_CANCEL = 15
    ROOT = 16
    SUSPENSION = 17
    DOSSIER = 18  # what stands behind a bulletin: claim, sources, evidence
    REJECTION = 19


DOCUMENT_KINDS = frozenset(  # their records are a document of wire/documents.py each
    {
        *(Kind.BULLETIN, Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION, Kind.CERT, Kind.ROOT),
        *(Kind.REVOCATION, Kind.TIME_ANCHOR, Kind.RECEIPT, Kind.DOSSIER),
    }
)


class Via(IntEnum):
    """The road by which a record came in. Kept so that nothing is sent back where it came from."""

    WEB = 1
    RADIO = 2
    NODE = 3
    UPLINK = 4
    USB = 5


@dataclass(frozen=True, slots=True)
class Body:
    """What a person wrote: the only part with personal words in it, and the only erasable one."""

    nick: str  # name shown; "" when the radio's own name is to be shown
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """One immutable, content-addressed thing that was said or done. Build it with wire/records.py.

    author   "phone:<16 hex>", "radio:!1000001f", "node:<8 hex>"; of a signed document
             "key:<64 hex>", the certified key of the person or machine that wanted it
    channel  name of the radio channel it was heard on; "" when it did not come by radio
    made_at  unix seconds by its author's node; 0 for what was heard by radio (no common clock)
    nonce    packet id or the phone's client id: with `author` it names the record once for ever
    subject  id of the record that this one is about (reply, acknowledgement), or None
    body     None once erased
    document of DOCUMENT_KINDS: its bytes (wire/sealed.py); else b""
    """

    id: RecordId
    kind: Kind
    author: str
    room: str
    channel: str
    made_at: int
    nonce: bytes
    subject: RecordId | None
    salt: bytes
    body_hash: bytes
    body: Body | None
    document: bytes = b""


@dataclass(frozen=True, slots=True)
class Reception:
    """How a radio text arrived here: differs between gateways, so it is no part of the id."""

    node_num: int
    packet_id: int
    hops: int | None  # None: the sender did not say
    snr_db: float
    rssi_dbm: int
    direct: bool  # addressed to this gateway alone
    reply_id: int | None = None  # packet id of the text that it answers


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as this node knows it."""

    seq: Seq
    via: Via
    received_at: int  # unix seconds, this node's clock; of a document as it estimated the time
    record: Record
    reception: Reception | None = None


class RadioState(StrEnum):
    """What a page says about the radio."""

    NONE = "none"  # the node runs without a radio
    CONNECTING = "connecting"
    UP = "up"
    WEDGED = "wedged"  # the port is open, nothing comes
    DOWN = "down"
    WRONG = "wrong"  # another radio answers in its place
    MUTE = "mute"  # it answers, but may not transmit: no region, or its transmitter is off


@dataclass(frozen=True, slots=True)
class Notice:
    """Ephemeral news for the phones; never stored, may be lost."""

    radio: RadioState
    since: float  # unix seconds
    reason: str  # machine words for the log; pages choose their own
    waiting: int  # packets that wait for their turn on the air
    airtime_used_ms: float  # own computed airtime of the last hour
    airtime_budget_ms: float
    phones: int
    posts: int  # other radios heard in the last two hours
