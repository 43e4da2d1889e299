"""The trust documents that a gateway can hand out, and which of them a packet makes it miss."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kimnode.record import Kind
from kimnode.rules.hearsay import Known
from kimnode.rules.trust import Trust
from kimnode.wire.codes import Role
from kimnode.wire.documents import (
    SUBJECT_HINT_BYTES,
    AnyDocument,
    Bulletin,
    Certificate,
    Receipt,
    Revocation,
    Root,
    TimeAnchor,
    Vote,
)
from kimnode.wire.gossip import Item, Want, lists_tag
from kimnode.wire.signing import KEY_ID_BYTES


@dataclass(slots=True)
class Books:
    """An Archive (answering.py) over what is believed now; `trust` is exchanged as it changes."""

    trust: Trust

    @property
    def known(self) -> Known:
        root = self.trust.root
        return Known(root.version if root else 0, lists_tag(self.trust.revocations))

    def certificate(self, hint: bytes) -> Certificate | None:
        """The newest of the keys with this hint."""
        for key in self.trust.hints.get(hint, ()):
            for certificate in reversed(self.trust.certificates.get(key, ())):
                return certificate
        return None

    def revocations(self) -> Sequence[Revocation]:
        """The list that counts of each issuer."""
        return self.trust.revocations

    def root_after(self, version: int) -> Root | None:
        return next((root for root in self.trust.roots if root.version == version + 1), None)


def missing(
    document: AnyDocument, trust: Trust, is_known: Callable[[bytes], bool]
) -> Iterator[Item]:
    """What must come before this document of a packet can be verified.

    is_known  whether a bulletin is here, by the 8-byte hint of its id
    """
    for hint in _key_hints(document):
        if len(hint) == KEY_ID_BYTES and hint not in trust.hints:
            yield Item(Want.CERTIFICATE, hint)
    if isinstance(document, Certificate) and document.role is Role.DISTRICT:
        ids = [root.id for root in trust.roots if root.id.startswith(document.issuer)]
        newest = trust.root.version if trust.root and not ids else 0
        yield from [Item(Want.ROOT, number=newest)] if newest else []
    if isinstance(document, Vote) and document.subject:
        if document.kind is Kind.SUSPENSION:
            return  # nobody can name a key by eight bytes that no certificate here has
        if not is_known(document.subject[:SUBJECT_HINT_BYTES]):
            yield Item(Want.BULLETIN, document.subject[:SUBJECT_HINT_BYTES])


def _key_hints(document: AnyDocument) -> tuple[bytes, ...]:
    match document:
        case Bulletin() | Vote():
            return (document.stamp.signer, document.stamp.person)
        case Certificate():
            return () if document.role is Role.DISTRICT else (document.issuer,)
        case Revocation() | TimeAnchor():
            return (document.issuer,)
        case Receipt():
            return (document.signer,)
    return ()
