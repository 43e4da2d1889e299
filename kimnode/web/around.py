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
    """A bulletin with what it is about and what replaced it."""

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
    newer, older = max(shown.replaced_by, default=None), shown.replaces
    return Around(
        shown,
        board.show(connection, newer, cache, now) if newer else None,
        board.show(connection, older, cache, now) if older else None,
    )
