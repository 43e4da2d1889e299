"""A bulletin never stands alone: what replaced it must be seen before its own words."""

import sqlite3
from dataclasses import dataclass

from kimnode.rules.clock import Estimate
from kimnode.store import board
from kimnode.store.board import Shown
from kimnode.store.trust import TrustCache
from kimnode.web.cards import Card, Cards


@dataclass(frozen=True, slots=True)
class Around:
    """A bulletin with what it is about, and the last word of what replaced it."""

    shown: Shown
    newer: Shown | None
    older: Shown | None

    def card(self, cards: Cards) -> Card:
        """All of it in words."""
        return cards.draw(self.shown, self.newer, self.older)


def around(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate, shown: Shown
) -> Around:
    """This bulletin with its neighbours, verified as it is."""
    newer = board.last_word(connection, shown, cache, now)
    older = board.show(connection, shown.replaces, cache, now) if shown.replaces else None
    return Around(shown, newer, older)
