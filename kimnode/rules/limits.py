"""How much one phone, one radio and everybody together may say. Token buckets, bounded memory.

A check either raises and changes nothing, or counts the message. A message that is asked for again
is counted again; who refuses it must first look whether it is in the log already.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from kimnode.errors import Reason, Refused

MAX_KEYS = 4096  # phones or radios remembered; the one unheard for longest starts afresh
REPEAT_S = 30.0  # the same words again from the same phone within this time are refused
REPEATS_KEPT = 4  # so that two texts in turn do not get around it


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then one per `every_s`."""

    burst: int
    every_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    """All limits of a node; a village may know better."""

    phone: Rate = Rate(burst=5, every_s=3)
    phone_sos: Rate = Rate(burst=3, every_s=60)
    report: Rate = Rate(burst=3, every_s=300)  # rumours passed on, by phone or radio
    all_reports: Rate = Rate(burst=60, every_s=10)
    node: Rate = Rate(burst=200, every_s=1 / 30)  # sixty phones at their full rate, and some room
    # Another gateway speaks for a whole village, one text in 3 s, and our own radio hands over up
    # to a hundred texts at once when the node was away: neither may lose a word.
    radio: Rate = Rate(burst=100, every_s=3)
    all_radios: Rate = Rate(burst=120, every_s=0.25)  # node numbers can be invented
    all_radio_sos: Rate = Rate(burst=30, every_s=10)


@dataclass(slots=True)
class _Bucket:
    """Fullness as it was at `at`."""

    tokens: float
    at: float


@dataclass(slots=True)
class _Talker:
    """What is remembered about one phone or radio."""

    buckets: dict[str, _Bucket] = field(default_factory=dict)
    recent: deque[tuple[bytes, float]] = field(default_factory=lambda: deque(maxlen=REPEATS_KEPT))


class Limits:
    """The limits of one node and what has been used of them. `now` is in seconds."""

    def __init__(self, rates: Rates | None = None) -> None:
        self._rates = rates or Rates()
        self._talkers: OrderedDict[str, _Talker] = OrderedDict()
        self._everybody = _Talker()

    def check_phone(self, author: str, text_hash: bytes, now: float) -> None:
        """A phone's chat. Refused: REPEATED_TEXT, TOO_FAST, or NODE_BUSY when all are too fast."""
        rates = self._rates
        talker = self._talker(author)
        self._refuse_repeated(talker, text_hash, now)
        self._take(talker, {"phone": rates.phone}, {"phones": rates.node}, now)
        talker.recent.append((text_hash, now))

    def check_sos(self, author: str, step: str, now: float) -> None:
        """A step of an SOS: call, "I take it", cancel. Never stopped by what others do, nor a
        cancellation by calls."""
        self._take(self._talker(author), {step: self._rates.phone_sos}, {}, now)

    def check_address(self, address: str, rate: Rate, now: float) -> None:
        """What costs a phone nothing to repeat under a new token: names, calls for help."""
        self._take(self._talker(f"{address} {rate}"), {"address": rate}, {}, now)

    def check_radio_sos(self, author: str, now: float) -> None:
        """An alarm or a cancellation from the air: thirty radios at once are a disaster, more are
        somebody who invents node numbers."""
        rates = self._rates
        self._take(
            self._talker(author), {"sos": rates.phone_sos}, {"radio sos": rates.all_radio_sos}, now
        )

    def check_radio(self, author: str, now: float) -> None:
        """A text from the air that is no SOS."""
        rates = self._rates
        self._take(self._talker(author), {"radio": rates.radio}, {"radios": rates.all_radios}, now)

    def check_report(self, author: str, text_hash: bytes, now: float) -> None:
        """A rumour that somebody passes on, by phone or radio."""
        rates = self._rates
        talker = self._talker(author)
        self._refuse_repeated(talker, text_hash, now)
        self._take(talker, {"report": rates.report}, {"reports": rates.all_reports}, now)
        talker.recent.append((text_hash, now))

    def _talker(self, key: str) -> _Talker:
        talker = self._talkers.setdefault(key, _Talker())
        self._talkers.move_to_end(key)
        if len(self._talkers) > MAX_KEYS:
            self._talkers.popitem(last=False)
        return talker

    def _refuse_repeated(self, talker: _Talker, text_hash: bytes, now: float) -> None:
        for said, at in talker.recent:
            if said == text_hash and at <= now < at + REPEAT_S:
                raise Refused(Reason.REPEATED_TEXT, retry_after_s=at + REPEAT_S - now)

    def _take(
        self, talker: _Talker, own: dict[str, Rate], shared: dict[str, Rate], now: float
    ) -> None:
        """One token from every bucket, or from none."""
        own_wait_s = max(_wait_s(talker, name, rate, now) for name, rate in own.items())
        if own_wait_s > 0:
            raise Refused(Reason.TOO_FAST, retry_after_s=own_wait_s)
        for name, rate in shared.items():
            wait_s = _wait_s(self._everybody, name, rate, now)
            if wait_s > 0:
                raise Refused(Reason.NODE_BUSY, retry_after_s=wait_s)
        for owner, rates in ((talker, own), (self._everybody, shared)):
            for name, rate in rates.items():
                owner.buckets[name] = _Bucket(_tokens(owner, name, rate, now) - 1, now)


def _tokens(talker: _Talker, name: str, rate: Rate, now: float) -> float:
    """A clock that was set back refills nothing, and takes nothing away."""
    bucket = talker.buckets.get(name)
    if bucket is None:
        return rate.burst
    return min(rate.burst, bucket.tokens + max(now - bucket.at, 0) / rate.every_s)


def _wait_s(talker: _Talker, name: str, rate: Rate, now: float) -> float:
    """Seconds until a whole token is there; 0 if one is."""
    return max(1 - _tokens(talker, name, rate, now), 0) * rate.every_s
