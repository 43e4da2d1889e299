"""From the short hints of a packet to whole keys and ids: every candidate is tried.

Two keys may share a hint, by chance or on purpose. A hint finds, it never proves: what is signed
holds the whole keys, so only the right candidate's signature verifies.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice, product

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.roots import OWN, signers
from kimnode.rules.trust import Trust
from kimnode.wire import signing
from kimnode.wire.codes import KeyType, Mode, Role
from kimnode.wire.documents import (
    ID_BYTES,
    AnyDocument,
    Bulletin,
    Certificate,
    Dossier,
    Receipt,
    Revocation,
    Root,
    Stamp,
    TimeAnchor,
    Vote,
)
from kimnode.wire.signing import KEY_BYTES

MAX_CANDIDATES = 16  # of one packet: bounds the signatures that a forger can make us verify
Subjects = Callable[[bytes], Iterable[bytes]]


def whole(document: AnyDocument, trust: Trust, subjects: Subjects) -> AnyDocument:
    """The one candidate whose signature verifies.

    Refused(NO_ROOT), Refused(UNKNOWN_KEY): no key or subject with these hints is known, it may
    come. Refused(BAD_SIGNATURE): none of the candidates has signed this.
    """
    found = False
    for candidate in resolve(document, trust, subjects):
        if is_genuine(candidate, trust):
            return candidate
        found = True
    if found:
        raise Refused(Reason.BAD_SIGNATURE)
    raise Refused(Reason.UNKNOWN_KEY if trust.root else Reason.NO_ROOT)


def resolve(document: AnyDocument, trust: Trust, subjects: Subjects) -> Iterator[AnyDocument]:
    """What the packet may have meant, at most MAX_CANDIDATES. Whole keys are left as they are.

    subjects  8-byte hint of a bulletin's id -> the whole ids known with it (for a PAIR's approval,
              whose hint is b"", the id of the bulletin beside it)
    """
    return islice(_candidates(document, trust, subjects), MAX_CANDIDATES)


def _candidates(document: AnyDocument, trust: Trust, subjects: Subjects) -> Iterator[AnyDocument]:
    match document:
        case Bulletin():
            yield from (replace(document, stamp=s) for s in _stamps(document.stamp, trust))
        case Vote():
            whole_ids = _subjects(document, trust, subjects)
            for subject, stamp in product(whole_ids, _stamps(document.stamp, trust)):
                yield replace(document, subject=subject, stamp=stamp)
        case Certificate():
            yield from (replace(document, issuer=i) for i in _issuers(document, trust))
        case Revocation() | TimeAnchor():
            yield from (replace(document, issuer=k) for k in _keys(document.issuer, trust))
        case Receipt():
            every = [_ids(one, subjects) for one in document.bulletins]
            for signer in _keys(document.signer, trust):
                for ids in product(*every):  # taken one by one: there may be 16**16
                    yield replace(document, signer=signer, bulletins=ids)
        case Root() | Dossier():
            yield document


def _keys(hint: bytes, trust: Trust) -> tuple[bytes, ...]:
    return (hint,) if len(hint) == KEY_BYTES else trust.hints.get(hint, ())


def _ids(hint: bytes, subjects: Subjects) -> list[bytes]:
    return [hint] if len(hint) == ID_BYTES else list(islice(subjects(hint), MAX_CANDIDATES))


def _stamps(stamp: Stamp, trust: Trust) -> list[Stamp]:
    signers_ = _keys(stamp.signer, trust)
    if stamp.mode is Mode.DIRECT:
        return [replace(stamp, signer=key, person=key) for key in signers_]
    persons = [key for key in _keys(stamp.person, trust) if _is_radio(key, trust)]
    return [replace(stamp, signer=s, person=p) for s, p in product(signers_, persons)]


def _is_radio(key: bytes, trust: Trust) -> bool:
    """Unknown whole keys pass: the check after this one says what is wrong with them."""
    certificates = trust.certificates.get(key, ())
    return not certificates or any(c.key_type is KeyType.RADIO for c in certificates)


def _subjects(vote: Vote, trust: Trust, subjects: Subjects) -> list[bytes]:
    if vote.kind is not Kind.SUSPENSION or len(vote.subject) == KEY_BYTES:
        return _ids(vote.subject, subjects)
    return [key for key in trust.certificates if key.startswith(vote.subject)]


def _issuers(certificate: Certificate, trust: Trust) -> tuple[bytes, ...]:
    if len(certificate.issuer) == KEY_BYTES:
        return (certificate.issuer,)
    if certificate.role is Role.DISTRICT:
        ids = (root.id for root in trust.roots)
        return tuple(one for one in ids if one.startswith(certificate.issuer))
    return _keys(certificate.issuer, trust)


def is_genuine(document: AnyDocument, trust: Trust) -> bool:
    """Whether the keys that it names have signed it; nothing about what they may do."""
    match document:
        case Bulletin() | Vote():
            return _signed(document, document.stamp.signer)
        case Certificate(role=Role.DISTRICT):
            roots = (root for root in trust.roots if root.id == document.issuer)
            return any(signers(document, document.marks, root.keys, OWN) for root in roots)
        case Certificate():
            return bool(signers(document, document.marks, (document.issuer,), OWN))
        case Revocation() | TimeAnchor():
            return _signed(document, document.issuer)
        case Receipt():
            return _signed(document, document.signer)
        case Root() | Dossier():
            return True


def _signed(document: Bulletin | Vote | Revocation | TimeAnchor | Receipt, key: bytes) -> bool:
    return signing.verify(key, document.signature, document.signed())
