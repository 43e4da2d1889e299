"""A node with a true time that it does not know, and clocks around it that may lie."""

from dataclasses import dataclass, field

from kimnode.rules import clock
from kimnode.rules.clock import EARLIEST_S, HOLD_S, Estimate, Evidence, Source
from kimnode.wire.codes import TimeTrust

HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400
START = EARLIEST_S + 100 * DAY  # true time at which the tests begin
LATE = START + 90 * DAY  # end of the hub's certificate


@dataclass
class Box:
    """`truth` passes with `run` and `outage`; the node sees monotonic time and evidence only."""

    truth: float = START
    mono: float = 5.0
    keeper: clock.Keeper = field(default_factory=lambda: clock.wake(None, 5.0))

    def run(self, seconds: float) -> "Box":
        self.truth += seconds
        self.mono += seconds
        return self

    def outage(self, seconds: float) -> "Box":
        """Power off for so long; monotonic time begins anew."""
        kept = clock.saved(clock.advance(self.keeper, self.mono))
        self.truth += seconds
        self.mono = 3.0
        self.keeper = clock.wake(kept, self.mono)
        return self

    def say(self, source: Source, error_s: float = 0.0, who: str = "", end: float = LATE) -> "Box":
        """One time that is wrong by `error_s`."""
        signed = source in clock.NEEDS_BOUND
        evidence = Evidence(source, self.truth + error_s, end if signed else None, who)
        self.keeper = clock.take(self.keeper, evidence, self.mono)
        return self

    def steady(self, source: Source, error_s: float = 0.0, lasts_s: float = HOLD_S) -> "Box":
        """The same source every five minutes, always wrong by the same."""
        self.say(source, error_s)
        for _ in range(int(lasts_s // 300)):
            self.run(300).say(source, error_s)
        return self

    @property
    def now(self) -> Estimate:
        return clock.estimate(self.keeper, self.mono)

    @property
    def behind(self) -> float:
        """Seconds by which the floor is behind the truth; negative would be a lie."""
        return self.truth - clock.advance(self.keeper, self.mono).floor_s

    @property
    def off(self) -> float:
        """Seconds by which the estimate is ahead of the truth."""
        return self.now.unix_s - self.truth

    @property
    def trust(self) -> TimeTrust:
        return self.now.trust


def anchored(source: Source = Source.HUB) -> Box:
    """A node that has known the right time and has run for an hour since."""
    return Box().say(Source.HUB).outage(0).steady(source).run(HOUR)
