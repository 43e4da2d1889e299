"""Everything a villager reads, by key. The Indonesian catalogue is the reference.

Machine codes travel through the node; this is the only place where they become words.
"""

import gettext
import json
import math
from datetime import datetime
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.dates import format_date
from babel.messages.pofile import read_po

CLOCKS = {"id": "%H.%M"}  # Indonesian writes 08.14; others 08:14
DEFAULT_CLOCK = "%H:%M"
DAY_PATTERN = "EEEE, d MMMM"
PHONE_PREFIX = "js."  # keys with it are handed to the script in the phone


class Words:
    """One language, loaded from its .po file at start. An unknown key is our fault: KeyError."""

    def __init__(self, language: str, timezone: str) -> None:
        self.language = language
        self._zone = ZoneInfo(timezone)
        self._clock = CLOCKS.get(language, DEFAULT_CLOCK)
        path = resources.files("kimnode.web") / "i18n" / f"{language}.po"
        with path.open("rb") as file:
            catalog = read_po(file, locale=language, abort_invalid=True)
        self._form = gettext.c2py(catalog.plural_expr)
        self._plain: dict[str, str] = {}
        self._counted: dict[str, tuple[str, ...]] = {}
        for message in catalog:
            if isinstance(message.id, str) and isinstance(message.string, str):
                self._plain[message.id] = message.string
            elif not isinstance(message.string, str):
                self._counted[message.id[0]] = tuple(message.string or ())

    def __call__(self, key: str, **values: object) -> str:
        """The words of `key` with {placeholders} filled in."""
        return self._plain[key].format(**values)

    def count(self, key: str, number: int) -> str:
        """The words for `number` of something; the catalogue writes it as {n}."""
        return self._counted[key][self._form(number)].format(n=number)

    def for_phone(self) -> str:
        """JSON of the few words that the script in the phone needs, keys without their prefix."""
        cut = len(PHONE_PREFIX)
        chosen = {k[cut:]: v for k, v in self._plain.items() if k.startswith(PHONE_PREFIX)}
        return json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))

    def duration(self, seconds: float) -> str:
        """ "30 detik", "3 menit", "2 jam": rounded up, because waiting longer than told annoys."""
        if seconds <= 50:
            return self.count("time.seconds", max(1, math.ceil(seconds / 10)) * 10)
        if seconds < 3600:
            return self.count("time.minutes", math.ceil(seconds / 60))
        return self.count("time.hours", math.ceil(seconds / 3600))

    def clock_time(self, unix_s: float) -> str:
        """Hour and minute at the node's place, the way the language writes them."""
        return datetime.fromtimestamp(unix_s, self._zone).strftime(self._clock)

    def day(self, unix_s: float) -> str:
        """Weekday, day and month: what separates the days of a talk."""
        return _day(datetime.fromtimestamp(unix_s, self._zone).date().isoformat(), self.language)


@lru_cache(maxsize=64)
def _day(iso: str, language: str) -> str:
    date = datetime.fromisoformat(iso).date()
    return format_date(date, DAY_PATTERN, locale=language)


WORDS = web.AppKey("words", Words)
