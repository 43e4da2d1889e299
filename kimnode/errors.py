"""Every exception kimnode raises on purpose.

    KimnodeError
    +-- WireError      their fault: bytes that are not what the spec says; counted and dropped
    +-- Refused        their fault: understood, but not allowed; the reason goes to who sent it
    +-- LinkDown       the road's fault: the radio or its cable; retried with back-off
    |   +-- WrongRadio the radio answers but is not the one that was pinned; a person must look
    +-- ConfigError    the operator's fault: says file, key, what is allowed
    +-- StoreError     the disk's or the version's fault: says what to do next

Anything else is our own fault and crashes loudly.
"""

from enum import StrEnum


class KimnodeError(Exception):
    """Root of the tree; never raised itself."""


class WireError(KimnodeError):
    """Bytes from outside break the format."""


class Reason(StrEnum):
    """Machine codes of refusal. Words are chosen at the screen (catalogue key `refused.<code>`)."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    BAD_TEXT = "bad-text"
    UNKNOWN_ROOM = "unknown-room"
    READ_ONLY_ROOM = "read-only-room"
    BAD_NAME = "bad-name"
    BAD_ID = "bad-id"
    TOO_FAST = "too-fast"
    NODE_BUSY = "node-busy"
    REPEATED_TEXT = "repeated-text"
    UNKNOWN_SUBJECT = "unknown-subject"
    NOT_YOURS = "not-yours"
    SOS_OPEN = "sos-open"
    SOS_CLOSED = "sos-closed"
    BAD_REQUEST = "bad-request"
    DISK_FULL = "disk-full"
    # signed documents
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"  # no certificate for it yet: it may come
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    CERT_EXPIRED = "cert-expired"
    WRONG_ROLE = "wrong-role"
    WRONG_AREA = "wrong-area"
    SAME_PERSON = "same-person"  # the second person is the first one
    NEEDS_OUTSIDER = "needs-outsider"  # about the village government: one from outside it
    TOO_FEW_SOURCES = "too-few-sources"
    NO_PRIMARY_SOURCE = "no-primary-source"
    NO_DOSSIER = "no-dossier"
    WRONG_FORM = "wrong-form"  # verdict, about ... do not fit what the bulletin says it is
    DECIDED = "decided"  # approved, rejected or withdrawn already
    EXPIRED = "expired"
    SEQUENCE_USED = "sequence-used"  # this signer has used the number for something else
    OWN_KEY = "own-key"  # signed with this gateway's key, but not here: somebody has a copy of it
    OUTDATED = "outdated"  # an older version than the one that is known
    JUMPED = "jumped"  # a version or number too far ahead
    NO_ROOT = "no-root"  # not signed by the province that this node trusts
    DEMO = "demo"  # of the demonstration village, or the other way round
    VOTED = "voted"  # this person's one suspension in thirty days is used
    NO_INVITATION = "no-invitation"  # unknown, used or too old
    NO_ROOM = "no-room"  # a table that strangers could fill is full


class Refused(KimnodeError):
    """A well-formed record that may not enter. `retry_after_s` says when it might."""

    def __init__(self, reason: Reason, detail: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class LinkDown(KimnodeError):
    """The road to the radio broke. The supervisor retries."""


class WrongRadio(LinkDown):
    """The radio at the pinned place has another key. Nothing is sent to it."""


class ConfigError(KimnodeError):
    """A configuration file that cannot be obeyed."""


class StoreError(KimnodeError):
    """The database cannot be used as it is."""
