"""When a gateway says what it has, and what it makes of what others say they have.

A beacon is rare while nothing changes: every 30 to 60 minutes, and less often still where two
others have said the same. Nothing that is heard is proven, so each reaction has a bound.
"""

from collections import OrderedDict, deque

from kimnode.rules.asking import Chance

FIRST_S = 60.0, 180.0  # after start
QUIET_S = 1800.0, 3600.0
CHANGED_S = 240.0, 480.0  # after something new
URGENT_S = 60.0, 120.0  # after a suspension or revocation
SAME_ENOUGH = 2  # equal beacons of others that make ours unnecessary
HOUR_S = 3600.0
PAIR_S = 6 * HOUR_S
PAIR_TRIES = 2  # vectors for the same difference, in that time
MAX_PAIRS = 64
POST_S = 3 * HOUR_S  # so long a gateway counts as being around
MAX_POSTS = 64


class Allowance:
    """At most `most` in a rolling hour."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._at: deque[float] = deque(maxlen=most)

    def left(self, now: float) -> bool:
        return len(self._at) < self._most or now - self._at[0] >= HOUR_S

    def use(self, now: float) -> None:
        self._at.append(now)


class Rhythm:
    """When the next beacon is due. Times are Clock.monotonic() seconds."""

    def __init__(self, chance: Chance, now: float) -> None:
        self._chance = chance
        self._same = 0
        self.at = now + self._between(FIRST_S)

    def changed(self, now: float, *, urgent: bool = False) -> None:
        """We have something new."""
        self._same = 0
        self.at = min(self.at, now + self._between(URGENT_S if urgent else CHANGED_S))

    def soon(self, now: float, spread_s: float) -> None:
        """Somebody is behind: hear from us that there is more."""
        self.at = min(self.at, now + spread_s * (0.5 + self._chance()))

    def heard_same(self, now: float) -> None:
        self._same += 1
        if self._same >= SAME_ENOUGH:
            self._wait(now)

    def said(self, now: float) -> None:
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._same = 0
        self.at = now + self._between(QUIET_S)

    def _between(self, bounds: tuple[float, float]) -> float:
        return bounds[0] + (bounds[1] - bounds[0]) * self._chance()


class Differences:
    """Differences that were spoken about already, and who is around."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[bytes, list[float]] = OrderedDict()
        self._posts: OrderedDict[bytes, float] = OrderedDict()

    def worth_a_vector(self, own: bytes, theirs: bytes, now: float) -> bool:
        """Whether this difference was not spoken about often enough; counts it."""
        past = [at for at in self._pairs.get(own + theirs, []) if now - at < PAIR_S]
        if len(past) >= PAIR_TRIES:
            return False
        self._pairs[own + theirs] = [*past, now]
        self._pairs.move_to_end(own + theirs)
        while len(self._pairs) > MAX_PAIRS:
            self._pairs.popitem(last=False)
        return True

    def posts(self, post: bytes, now: float) -> int:
        """Gateways around, this one included."""
        self._posts[post] = now
        self._posts.move_to_end(post)
        for known, at in list(self._posts.items()):
            if now - at >= POST_S or len(self._posts) > MAX_POSTS:
                del self._posts[known]
        return len(self._posts)
