"""What this gateway would hand out to others: published bulletins, their approvals, suspensions.

Never on it: what only waits for a second person. Equal shelves have equal digests.
"""

from collections.abc import Iterator

from kimnode.record import Kind
from kimnode.wire import gossip
from kimnode.wire.air import hint_of
from kimnode.wire.documents import SUBJECT_HINT_BYTES, Bulletin, Vote
from kimnode.wire.gossip import MAX_NEWS, Origin

MAX_SHELVED = 512  # documents; the oldest go first
Shelved = Bulletin | Vote


def place_of(document: Shelved) -> tuple[Origin, int]:
    """Where a document stands among those of its signer."""
    stamp = document.stamp
    return gossip.origin(hint_of(stamp.signer), stamp.epoch), stamp.seq


def bulletin_hint(document: Shelved) -> bytes:
    """Eight bytes for the bulletin that a document is, or is about."""
    whole = document.id if isinstance(document, Bulletin) else document.subject
    return whole[:SUBJECT_HINT_BYTES]


class Shelf:
    """Documents with whole keys, by id."""

    def __init__(self) -> None:
        self._documents: dict[bytes, Shelved] = {}
        self._digest: bytes | None = None

    def put(self, document: Shelved) -> bool:
        """Whether it is new."""
        if document.id in self._documents:
            return False
        self._documents[document.id] = document
        while len(self._documents) > MAX_SHELVED:
            del self._documents[next(iter(self._documents))]
        self._digest = None
        return True

    def drop(self, document_id: bytes) -> None:
        """It is not to be handed out any more (over, withdrawn, its key revoked)."""
        if self._documents.pop(document_id, None):
            self._digest = None

    def __contains__(self, document_id: bytes) -> bool:
        return document_id in self._documents

    def __iter__(self) -> Iterator[Shelved]:
        return iter(list(self._documents.values()))

    def ids(self) -> set[bytes]:
        """Of everything on it."""
        return set(self._documents)

    def numbers(self) -> dict[Origin, set[int]]:
        """Everything on the shelf as a vector tells it."""
        found: dict[Origin, set[int]] = {}
        for document in self:
            origin, number = place_of(document)
            found.setdefault(origin, set()).add(number)
        return found

    def digest(self) -> bytes:
        """Four bytes over all of it."""
        if self._digest is None:
            self._digest = gossip.digest(place_of(document) for document in self)
        return self._digest

    def bulletin(self, hint: bytes) -> Bulletin | None:
        """The bulletin whose id begins so."""
        for whole, document in self._documents.items():
            if isinstance(document, Bulletin) and whole.startswith(hint):
                return document
        return None

    def approvals(self, hint: bytes) -> list[Vote]:
        """The approvals of that bulletin."""
        return [
            document
            for document in self
            if document.KIND is Kind.APPROVAL and bulletin_hint(document) == hint
            if isinstance(document, Vote)
        ]

    def news(self) -> tuple[bytes, ...]:
        """Hints of the newest bulletins."""
        ids = [whole for whole, one in self._documents.items() if isinstance(one, Bulletin)]
        return tuple(whole[:SUBJECT_HINT_BYTES] for whole in ids[-MAX_NEWS:])
