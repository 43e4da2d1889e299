"""Pure rules under load: the airtime governor before a long line, and the cutting of long texts."""

import statistics
import textwrap
import time
from collections.abc import Callable
from functools import partial
from operator import attrgetter

from benchmarks.measure import Plan, Rounds, Row, tell
from benchmarks.talk import SENTENCES
from kimnode.rules.airtime import MAX_TRANSMISSIONS, Governor, Priority, Waiting
from kimnode.wire.airtext import split

NOW = 1_800_000_000.0
WAITING = 10_000
LONG_TEXT = ". ".join(SENTENCES) + ". "


def run(plan: Plan) -> list[Row]:
    line = [
        Waiting(n, n, 1, Priority(1 + n % 4), 250.0, MAX_TRANSMISSIONS, NOW + 3600)
        for n in range(WAITING)
    ]
    governor = Governor()
    text = LONG_TEXT[:500]
    work: dict[str, tuple[Callable[[], object], int]] = {
        "choose": (partial(governor.choose, line, NOW), plan.pick(20, 2)),
        "sort": (partial(sorted, line, key=attrgetter("priority")), plan.pick(20, 2)),
        "split": (partial(split, "Ani", text), plan.pick(500, 20)),
        "wrap": (partial(textwrap.wrap, text, 190), plan.pick(500, 20)),
    }
    found = Rounds()
    for _ in range(plan.rounds):
        for name, (call, times) in work.items():
            found.add(name, _milliseconds(call, times))
    tell("  " + ", ".join(f"{name} {found.median(name):.3f} ms" for name in work))
    return [
        found.row(
            f"airtime governor, one choice among {WAITING:,} waiting", "ms", "choose", "sort",
            "sorted() of the same line by class",
        ),
        found.row(
            "cutting 500 characters into radio texts", "ms", "split", "wrap",
            "textwrap.wrap() of the same text",
        ),
    ]  # fmt: skip


def _milliseconds(call: Callable[[], object], times: int) -> float:
    """CPU time of one call, the median of `times`."""
    samples = []
    for _ in range(times):
        start = time.process_time_ns()
        call()
        samples.append((time.process_time_ns() - start) / 1e6)
    return statistics.median(samples)
