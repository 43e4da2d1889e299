"""`kimnode keys inspect` and `kimnode keys qr`: what is in a file, and does it hold."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from kimnode.errors import ConfigError, Reason, Refused
from kimnode.keys import armour, files, keyfile, qr, show
from kimnode.keys.armour import Label
from kimnode.keys.office import now
from kimnode.record import Kind
from kimnode.rules.chain import Heard, TrustDocument, build, check_trust_document
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import Moment, fault
from kimnode.wire.codes import Role, TimeTrust
from kimnode.wire.documents import AnyDocument, Bulletin, Certificate, Dossier, Root, Vote
from kimnode.wire.times import day_of

ORDER = (  # what another one needs comes first
    *(Kind.ROOT, Kind.CERT, Kind.REVOCATION, Kind.TIME_ANCHOR, Kind.SUSPENSION, Kind.DOSSIER),
    *(Kind.BULLETIN, Kind.APPROVAL, Kind.REJECTION, Kind.RECEIPT),
)

LOST = {
    Reason.REVOKED: "it, or its district, was revoked",
    Reason.SUSPENDED: "its key is suspended by two verifiers, for 72 hours",
    Reason.CERT_EXPIRED: "its time, or its district's, is over",
}


def inspect(options: argparse.Namespace, out: TextIO) -> int:
    """inspect: 0 when everything holds as far as it can be told, 1 when something does not."""
    unix_s = now()
    read = {path: _documents(path, out) for path in options.files}
    every = sorted((one for found in read.values() for one in found), key=place)
    verdicts = judge(every, unix_s)
    bad = False
    for path, documents in read.items():
        for document in documents:
            holds, words = verdicts[document.id]
            bad = bad or holds is False
            told = show.describe(document, day_of(unix_s))
            out.write(f"{path}: {told}  {'':<{show.LABEL_CHARS}}{words}\n\n")
    return int(bad)


def qr_code(options: argparse.Namespace, out: TextIO) -> int:
    """qr: on the screen, or as a picture."""
    found = files.parts(options.file)
    if len(found) != 1:
        raise ConfigError(f"{options.file} holds {len(found)} parts; a QR code is made of one.")
    (label, data) = found[0]
    secret = label is Label.SECRET
    if secret and not options.i_know_this_is_secret:
        raise ConfigError(
            f"{options.file} is a PRIVATE KEY: whoever sees its QR code can sign with it. The "
            "public half is the file *.pub. For a paper copy in a safe: --i-know-this-is-secret"
        )
    text = keyfile.text_of(options.file) if secret else armour.encode(label, data)
    if options.out:
        write = files.write_private if secret else files.write_bytes
        write(options.out, qr.picture(text, options.out))
        out.write(f"The QR code is in {options.out}\n")
    else:
        out.write(f"{qr.on_screen(text)}\n{armour.paragraph(text)}")
    return 0


def place(document: AnyDocument) -> tuple[int, bool, int]:
    """Sorts what another one needs before it: roots by version, districts before their people."""
    match document:
        case Root():
            count = document.version
        case Certificate():
            return ORDER.index(Kind.CERT), document.role is not Role.DISTRICT, document.serial
        case Bulletin() | Vote():
            count = document.stamp.made_min
        case _:
            count = getattr(document, "number", 0)
    return ORDER.index(document.KIND), False, count


def judge(documents: Sequence[AnyDocument], unix_s: float) -> dict[bytes, tuple[bool | None, str]]:
    """Document id -> whether it holds by the others (None: cannot be told), and why.

    documents  sorted by `place`; the first root among them is believed, as an operator would
    """
    root = next((one for one in documents if isinstance(one, Root)), None)
    seconds = int(unix_s)
    estimate = Estimate(seconds, TimeTrust.SURE, seconds, 0)
    believed: list[Heard] = []
    verdicts: dict[bytes, tuple[bool | None, str]] = {}
    for one in documents:
        if root is None:
            verdicts[one.id] = (None, "not checked: name the root's file too")
        elif isinstance(one, Bulletin | Dossier) or one.KIND in {Kind.APPROVAL, Kind.REJECTION}:
            verdicts[one.id] = (None, "not checked here: a post checks it when it is imported")
        else:
            verdicts[one.id] = _verdict(one, believed, root, estimate)
            if verdicts[one.id][0]:
                believed.append(Heard(one, seconds))
    return verdicts | _lost(believed, root, estimate)


def _lost(
    believed: Sequence[Heard], root: Root | None, estimate: Estimate
) -> dict[bytes, tuple[bool | None, str]]:
    """Certificates whose signatures are right, and which were revoked or suspended all the same."""
    trust = build(believed, root.id if root else None).trust
    certificates = [c for kept in trust.certificates.values() for c in kept]
    found = [(one, fault(one, trust, Moment(estimate))) for one in certificates]
    return {
        one.id: (False, f"DOES NOT HOLD ANY MORE: {LOST.get(reason, reason.value)}")
        for one, reason in found
        if reason is not None
    }


def _verdict(
    one: TrustDocument, believed: Sequence[Heard], root: Root, estimate: Estimate
) -> tuple[bool, str]:
    trust = build(believed, root.id).trust
    try:
        check_trust_document(one, trust, estimate, root.id)
    except Refused as refused:
        return False, f"DOES NOT HOLD: {show.why(refused)}"
    if one == root:
        return True, "signed by enough of its offices. Compare the fingerprint."
    if isinstance(one, Root):
        return True, f"holds: it follows version {one.version - 1}, signed by enough of both"
    return True, f"holds, under the root of {root.name!r} version {(trust.root or root).version}"


def _documents(path: Path, out: TextIO) -> list[AnyDocument]:
    """The documents of a file; what else is in it is shown at once."""
    documents = []
    for label, data in files.parts(path):
        if label is Label.DOCUMENT:
            documents.append(files.document_of(path, data))
        elif label is Label.PUBLIC:
            out.write(f"{path}: {show.card(files.card_of(path, data))}\n")
        else:
            out.write(f"{path}: {show.private(*keyfile.peek(path))}\n")
    return documents
