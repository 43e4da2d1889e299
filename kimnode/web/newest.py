"""The bulletin that every page of the talk points at: the newest that holds."""

from kimnode.store import log
from kimnode.web.bulletins import newest
from kimnode.web.cards import Card, Cards
from kimnode.web.site import Site

JUDGE_EVERY_S = 60.0  # when nothing came: time ends it


class Newest:
    """`look()` is cheap while nothing has come; `card` is what it found last."""

    def __init__(self, site: Site, cards: Cards) -> None:
        self.card: Card | None = None
        self._site = site
        self._cards = cards
        self._judged_seq, self._judged_at = -1, 0.0

    async def look(self) -> Card | None:
        """The card, judged anew when the log has grown, and each minute."""
        seq = await self._site.db.read(log.last_seq)
        now = self._site.clock.monotonic()
        if seq == self._judged_seq and now - self._judged_at < JUDGE_EVERY_S:
            return self.card
        self._judged_seq, self._judged_at = seq, now
        cache, estimate = self._site.intake.cache, self._site.estimate()
        shown = await self._site.db.read(lambda c: newest(c, cache, estimate))
        self.card = self._cards.draw(shown) if shown else None
        return self.card
