"""Documents and keys in words, for the eyes of the people who sign them. Pure; 80 columns.

The words describe what a document says. Whether it is to be believed is another line (chain.py).
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from kimnode.errors import Reason, Refused
from kimnode.keys.areas import area_text
from kimnode.keys.cards import Card, Purpose
from kimnode.record import Kind
from kimnode.rules.roots import OWN, PREVIOUS
from kimnode.wire import air, signing
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import (
    AnyDocument,
    Certificate,
    Mark,
    Revocation,
    Root,
    TimeAnchor,
    Vote,
)
from kimnode.wire.times import unix_of_day, unix_of_minutes

FINGERPRINT_BYTES = 16
LABEL_CHARS = 13
ROLES = {
    Role.DISTRICT: "DISTRICT",
    Role.HUB: "HUB",
    Role.GATEWAY: "POST",
    Role.VOLUNTEER: "RELAWAN",
    Role.VERIFIER: "VERIFIKATOR",
    Role.CHAIR: "KETUA",
}
HOLDERS = {
    Purpose.ROOT: "an office of the province",
    Purpose.DISTRICT: "a district",
    Purpose.HUB: "a district's hub",
    Purpose.GATEWAY: "a post",
    Purpose.VOLUNTEER: "a volunteer",
}
VOTES = {
    Kind.APPROVAL: "vote to approve a bulletin",
    Kind.REJECTION: "vote to reject a bulletin",
    Kind.SUSPENSION: "vote to suspend a key for 72 hours",
}

WHY = {
    Reason.NO_ROOT: "its chain does not end in the root that this post trusts",
    Reason.UNKNOWN_KEY: "the certificate of its issuer is not here. Import that one too",
    Reason.UNKNOWN_SUBJECT: "what it is about is not here. Import that one too",
    Reason.BAD_SIGNATURE: "its signature is wrong, missing, or not enough offices have signed",
    Reason.WRONG_FORM: "it does not fit together, or its key is somebody else's already",
    Reason.NO_ROOM: "there are too many of its kind",
    Reason.SAME_PERSON: "nobody votes about themselves",
    Reason.REVOKED: "its issuer was revoked",
    Reason.SUSPENDED: "its issuer is suspended",
    Reason.CERT_EXPIRED: "its time is over, or the time of its issuer",
    Reason.WRONG_ROLE: "its issuer has no right to make it",
    Reason.WRONG_AREA: "its area is outside its issuer's",
    Reason.OUTDATED: "a newer one is here, or the newest revocation list is too old",
    Reason.JUMPED: "the ones between are missing. Import them in order, oldest first",
    Reason.DEMO: "a demonstration and a real village do not mix",
    Reason.SEQUENCE_USED: "its signer has used its number for something else: tell the district",
    Reason.VOTED: "this person has suspended somebody in the last thirty days",
}


def why(refused: Refused) -> str:
    """Why something is not believed, and what to do."""
    return WHY.get(refused.reason, refused.reason.value)


def fingerprint(digest: bytes) -> str:
    """The first 16 bytes as groups of four digits, to be read out over the telephone."""
    digits = digest[:FINGERPRINT_BYTES].hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def key_text(key: bytes) -> str:
    """The 12 digits of a key's id, by which lists and packets name it."""
    return signing.key_id(key).hex() if len(key) == signing.KEY_BYTES else key.hex()


def date_text(day: int) -> str:
    """Days since 2025 -> 2026-11-22."""
    return datetime.fromtimestamp(unix_of_day(day), UTC).strftime("%Y-%m-%d")


def minute_text(made_min: int) -> str:
    return datetime.fromtimestamp(unix_of_minutes(made_min), UTC).strftime("%Y-%m-%d %H:%M UTC")


def lines(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A block of text: the title, then the rows under it."""
    return "\n".join([title, *(f"  {label:<{LABEL_CHARS}}{value}" for label, value in rows), ""])


def describe(document: AnyDocument, today: int) -> str:
    """What a document says. `today` in days since 2025, for "ended" and "days left"."""
    match document:
        case Root():
            return _root(document, today)
        case Certificate():
            return _certificate(document, today)
        case Revocation():
            return _revocation(document)
        case Vote():
            rows = [
                ("about", document.subject.hex()[:32] + " ..."),
                ("made", minute_text(document.stamp.made_min)),
                ("by key", key_text(document.stamp.person)),
                (
                    "signed by",
                    f"key {key_text(document.stamp.signer)} ({document.stamp.mode.name})",
                ),
            ]
            return lines(VOTES[document.kind], rows)
        case TimeAnchor():
            rows = [
                ("says", minute_text(document.made_min)),
                ("issued by", f"key {key_text(document.issuer)}"),
            ]
            return lines("the time, as a district or hub says it", rows)
        case _:
            return lines(document.KIND.name.lower(), [("id", fingerprint(document.id))])


def title(document: AnyDocument) -> str:
    """In one line what it is."""
    return describe(document, 0).partition("\n")[0]


def card(found: Card) -> str:
    """A public key on its way to be certified."""
    rows = [
        ("name", f"{found.name!r}, as its owner wishes"),
        ("key id", key_text(found.public)),
        ("fingerprint", key_fingerprint(found.public)),
        ("next", "compare the fingerprint with its owner, then certify it"),
    ]
    return lines(f"{_demo(found.demo)}public key of {HOLDERS[found.purpose]}", rows)


def private(found: Card, closed: bool) -> str:
    """A private key's file, without its secret."""
    rows = [
        ("name", repr(found.name)),
        ("key id", key_text(found.public)),
        ("fingerprint", key_fingerprint(found.public)),
        ("passphrase", "yes" if closed else "none: whoever has the file can sign"),
    ]
    return lines(f"{_demo(found.demo)}PRIVATE KEY of {HOLDERS[found.purpose]}", rows)


def key_fingerprint(public: bytes) -> str:
    """Of a public key; begins with its key id."""
    return fingerprint(hashlib.sha256(signing.KEY_ID_DOMAIN + public).digest())


def _root(root: Root, today: int) -> str:
    rows = [
        ("fingerprint", fingerprint(root.id)),
        ("area", area_text(root.area)),
        ("until", _until(root.to_day, today)),
        ("rule", _rule(root)),
        *((f"office {at}", key_fingerprint(key)) for at, key in enumerate(root.keys, 1)),
        ("signed by", _signers(root.marks, OWN) or "nobody yet"),
    ]
    if root.version > 1:
        before = _signers(root.marks, PREVIOUS) or "nobody"
        rows.append(("", f"and of version {root.version - 1} by {before}"))
    demo = "  *** DEMONSTRATION ***" if root.demo else ""
    return lines(f"root of {root.name!r}, version {root.version}{demo}", rows)


def _rule(root: Root) -> str:
    before = f", and {root.threshold} of version {root.version - 1}" if root.version > 1 else ""
    return f"{root.threshold} of {len(root.keys)} offices sign{before}"


def _certificate(certificate: Certificate, today: int) -> str:
    radio = certificate.key_type is KeyType.RADIO
    issuer = certificate.issuer
    district = certificate.role is Role.DISTRICT
    rows = [
        ("role", ROLES[certificate.role]),
        ("area", area_text(certificate.area)),
        ("key", f"{key_text(certificate.key)} ({'of a radio' if radio else 'signs by itself'})"),
        ("fingerprint", key_fingerprint(certificate.key)),
        ("valid", f"{date_text(certificate.from_day)} to {_until(certificate.to_day, today)}"),
        ("serial", str(certificate.serial)),
        ("issued by", f"root {fingerprint(issuer)}" if district else f"key {key_text(issuer)}"),
    ]
    if certificate.marks:
        rows.append(("on the air", f"{len(air.pack(certificate))} bytes"))
    if certificate.person:
        rows.insert(2, ("person", f"number {certificate.person}"))
    if district:
        rows.append(("signed by", _signers(certificate.marks, OWN) or "nobody yet"))
    return lines(f"certificate of {certificate.name!r}", rows)


def _revocation(revoked: Revocation) -> str:
    rows = [
        ("made", minute_text(revoked.made_min)),
        ("issued by", f"key {key_text(revoked.issuer)}"),
        *(("revoked", f"key {hint.hex()}, from {date_text(day)}") for hint, day in revoked.entries),
    ]
    return lines(f"revocation list number {revoked.number}", rows)


def _signers(marks: Iterable[Mark], ring: int) -> str:
    return ", ".join(f"office {mark.index + 1}" for mark in marks if mark.ring == ring)


def _until(to_day: int, today: int) -> str:
    left = to_day - today + 1
    return f"{date_text(to_day)} ({f'{left} days left' if left > 0 else 'ENDED'})"


def _demo(demo: bool) -> str:
    return "DEMONSTRATION " if demo else ""
