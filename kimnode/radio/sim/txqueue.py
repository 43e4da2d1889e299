"""The 16 places in which packets wait for the transmitter, most important first."""

from dataclasses import dataclass

from kimnode.radio.sim.frame import Frame

MAX_TX_QUEUE = 16


@dataclass(slots=True)
class Queued:
    frame: Frame
    priority: int
    heard_snr: float | None  # of a packet that is repeated; None = our own


class TxQueue:
    def __init__(self) -> None:
        self._items: list[Queued] = []

    @property
    def free(self) -> int:
        return MAX_TX_QUEUE - len(self._items)

    @property
    def front(self) -> Queued | None:
        return self._items[0] if self._items else None

    def put(self, item: Queued) -> bool:
        """Queue behind its equals. When full it displaces a less important one, or is refused."""
        if self.free == 0:
            if self._items[-1].priority >= item.priority:
                return False
            self._items.pop()
        lower = (i for i, q in enumerate(self._items) if q.priority < item.priority)
        self._items.insert(next(lower, len(self._items)), item)
        return True

    def take(self) -> Queued:
        return self._items.pop(0)

    def cancel(self, sender: int, packet_id: int) -> bool:
        """Take a packet out, if it still waits."""
        kept = [q for q in self._items if not self._is(q, sender, packet_id)]
        found = len(kept) != len(self._items)
        self._items = kept
        return found

    def waits(self, sender: int, packet_id: int) -> bool:
        return any(self._is(q, sender, packet_id) for q in self._items)

    def clear(self) -> None:
        self._items.clear()

    @staticmethod
    def _is(item: Queued, sender: int, packet_id: int) -> bool:
        return (item.frame.sender, item.frame.packet_id) == (sender, packet_id)
