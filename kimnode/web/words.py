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
from babel.numbers import format_decimal

CLOCKS = {"id": "%H.%M"}  # Indonesian writes 08.14; others 08:14
DEFAULT_CLOCK = "%H:%M"
DAY_PATTERN = "EEEE, d MMMM"
DATE_PATTERN = "d MMM y"
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

    def has(self, key: str) -> bool:
        return key in self._plain

    def count(self, key: str, number: int) -> str:
        """The words for `number` of something; the catalogue writes it as {n}."""
        return self._counted[key][self._form(number)].format(n=number)

    def for_phone(self) -> str:
        """JSON of the few words that the script in the phone needs, keys without their prefix."""
        return json.dumps(self.family(PHONE_PREFIX), ensure_ascii=False, separators=(",", ":"))

    def family(self, prefix: str) -> dict[str, str]:
        """The words of all keys that begin so, by the rest of their keys."""
        cut = len(prefix)
        return {k[cut:]: v for k, v in self._plain.items() if k.startswith(prefix)}

    def decimal(self, value: float) -> str:
        """One digit behind the comma that the language writes."""
        return format_decimal(value, "0.0", locale=self.language)

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
        iso = datetime.fromtimestamp(unix_s, self._zone).date().isoformat()
        return _day(iso, DAY_PATTERN, self.language)

    def date(self, unix_s: float) -> str:
        """Day, month, year and time: "15 Jan 2027, 08.14"."""
        iso = datetime.fromtimestamp(unix_s, self._zone).date().isoformat()
        return f"{_day(iso, DATE_PATTERN, self.language)}, {self.clock_time(unix_s)}"

    def zone_minutes(self, unix_s: float) -> int:
        """Minutes that the node's place is ahead of UTC."""
        offset = datetime.fromtimestamp(unix_s, self._zone).utcoffset()
        return int(offset.total_seconds() // 60) if offset else 0


@lru_cache(maxsize=64)
def _day(iso: str, pattern: str, language: str) -> str:
    date = datetime.fromisoformat(iso).date()
    return format_date(date, pattern, locale=language)


WORDS = web.AppKey("words", Words)
