"""What every phone shows above the talk, in all rooms: radio line, open alarms, newest bulletin.

A state, not an event: the newest board replaces the one before, so a missed one does no harm.
"""

from collections.abc import Sequence

from kimnode.store.views import Message
from kimnode.web.cards import Card
from kimnode.web.shown import Drawing, Shown, dumps

MAX_ALARMS = 20  # shown at once
FIRST_ALARMS = 5  # of these the oldest; the others are the newest
ALARM_PARTS = ("seq", "mark", "name", "tag", "text", "origin", "time")


class Board:
    """`renew()` after something may have changed; `text(version)` is the item for phones."""

    def __init__(self, drawing: Drawing) -> None:
        self.alarms: Sequence[Shown] = ()  # every SOS that nobody has taken, oldest first
        self.bulletin: Card | None = None  # the newest that holds
        self._drawing = drawing
        self._parts = ""

    def set_alarms(self, alarms: Sequence[Message]) -> None:
        """Of very many the first and the newest: inventing alarms must not hide the true one."""
        if len(alarms) > MAX_ALARMS:
            alarms = [*alarms[:FIRST_ALARMS], *alarms[FIRST_ALARMS - MAX_ALARMS :]]
        self.alarms = [self._drawing.show(alarm) for alarm in alarms]

    def renew(self) -> bool:
        """Whether it says something else than before."""
        code, words = self._drawing.radio()
        alarms = [{part: getattr(alarm, part) for part in ALARM_PARTS} for alarm in self.alarms]
        bulletin = [self.bulletin.label, self.bulletin.short] if self.bulletin else None
        radio = {"code": code, "words": words}
        parts = dumps({"radio": radio, "alarms": alarms, "bulletin": bulletin})
        changed = parts != self._parts
        self._parts = parts
        return changed

    def text(self, version: int) -> str:
        """The board as a JSON item."""
        return f'{{"t":"board","board":{version},{self._parts[1:]}'
