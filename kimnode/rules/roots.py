"""The province's root documents: exactly N -> N+1, signed by enough keys of both, as TUF does.

The first one is believed because the operator compared its id; every other because of it. Version
N-1 of a believed root is believed too, by the hash that N holds: only its keys that are still
listed count for anything.
"""

from collections.abc import Collection, Iterable

from kimnode.errors import Reason, Refused
from kimnode.rules.trust import covers
from kimnode.wire import signing
from kimnode.wire.codes import KeyType, Role
from kimnode.wire.documents import Certificate, Document, Mark, Root

OWN, PREVIOUS = 0, 1  # rings of a root's marks
MIN_THRESHOLD = 2  # of a root that is no demonstration


def check_root(root: Root, roots: tuple[Root, ...], pinned_root_id: bytes | None) -> None:
    """May this root enter? Refused(NO_ROOT, OUTDATED, JUMPED, DEMO, WRONG_FORM, BAD_SIGNATURE).

    roots           believed so far, ascending without a gap
    pinned_root_id  id of the root that the operator accepted; None: nobody did
    """
    _check_form(root)
    if not roots:
        if pinned_root_id is None or root.id != pinned_root_id:
            raise Refused(Reason.NO_ROOT, "this is not the root that the operator accepted")
        _want(signers(root, root.marks, root.keys, OWN), root)
    elif root.version == roots[0].version - 1 and root.id == roots[0].previous:
        return
    else:
        _check_next(root, roots[-1])


def _check_next(root: Root, newest: Root) -> None:
    if root.version <= newest.version:
        raise Refused(Reason.OUTDATED, f"version {newest.version} is known")
    if root.version > newest.version + 1:
        raise Refused(Reason.JUMPED, f"version {newest.version + 1} comes first")
    if root.previous != newest.id:
        raise Refused(Reason.BAD_SIGNATURE, "it follows another root")
    if root.demo != newest.demo:
        raise Refused(Reason.DEMO)
    if root.area != newest.area:
        raise Refused(Reason.WRONG_AREA)
    _want(signers(root, root.marks, newest.keys, PREVIOUS), newest)
    _want(signers(root, root.marks, root.keys, OWN), root)


def _check_form(root: Root) -> None:
    least = 1 if root.demo else MIN_THRESHOLD
    if not least <= root.threshold <= len(root.keys):
        raise Refused(Reason.WRONG_FORM, f"threshold {root.threshold} of {len(root.keys)} keys")
    if len(set(root.keys)) != len(root.keys):
        raise Refused(Reason.WRONG_FORM, "a key is listed twice")
    if root.version < 1 or (root.version == 1) != (root.previous == b""):
        raise Refused(Reason.WRONG_FORM, "version and predecessor do not fit")


def _want(found: Collection[bytes], root: Root) -> None:
    if len(found) < root.threshold:
        raise Refused(
            Reason.BAD_SIGNATURE, f"{len(found)} of {root.threshold} signatures are right"
        )


def signers(
    document: Document, marks: Iterable[Mark], keys: tuple[bytes, ...], ring: int
) -> frozenset[bytes]:
    """The keys of this list that have really signed."""
    signed = document.signed()
    return frozenset(
        keys[mark.index]
        for mark in marks
        if mark.ring == ring
        and mark.index < len(keys)
        and signing.verify(keys[mark.index], mark.signature, signed)
    )


def check_district(certificate: Certificate, roots: tuple[Root, ...]) -> None:
    """Signed by enough keys? Only keys that the newest root still lists count, so that keys which
    were replaced because somebody lost or stole them certify nobody any more, old or new.

    Refused(NO_ROOT, WRONG_FORM, WRONG_AREA, BAD_SIGNATURE).
    """
    issuer = next((root for root in roots if root.id == certificate.issuer), None)
    if issuer is None:
        raise Refused(Reason.NO_ROOT)
    if certificate.key_type is not KeyType.ED25519 or certificate.person:
        raise Refused(Reason.WRONG_FORM, "a district is no person and no radio")
    newest = roots[-1]
    if not covers(newest.area, certificate.area):
        raise Refused(Reason.WRONG_AREA)
    _want(signers(certificate, certificate.marks, issuer.keys, OWN) & set(newest.keys), newest)


def is_replaced(
    certificate: Certificate, districts: Iterable[Certificate], roots: tuple[Root, ...]
) -> bool:
    """Whether a district's certificate ended because a newer root certified its area anew.

    So the province takes a district's key away: next root version, new certificate for the area.
    Two certificates under one root both hold: that is how a key is handed over in peace.
    """
    versions = {root.id: root.version for root in roots}
    return any(
        other.role is Role.DISTRICT
        and other.area == certificate.area
        and versions[other.issuer] > versions[certificate.issuer]
        for other in districts
    )
