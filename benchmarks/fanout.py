"""One message to many phones: CPU time of the serving process per delivered message."""

import contextlib
import tempfile
from pathlib import Path

from benchmarks.measure import Plan, Rounds, Row, tell, turns
from benchmarks.processes import DISK, Child, child

VARIANTS = ("node", "aiohttp", "stored", "raw")
LABELS = {
    "aiohttp": "bare aiohttp broadcast, send_str() in a loop",
    "stored": "the same broadcast after one committed row (bare SQLite)",
    "raw": "asyncio transport loop, one prepared frame",
}
# A message has a price of its own (commit, read, draw), and a processor that slept between two of
# them makes it dearer: so 200 phones are measured at two paces. The node takes 30 messages a second
# from all phones together for ever, and 200 at once.
CALM_MS = 50
LIVELY_MS = 10
MANY_MS = 200


def run(plan: Plan) -> list[Row]:
    if plan.quick:
        return _crowd(plan, 20, 5, LIVELY_MS)
    return [
        *_crowd(plan, 200, 60, CALM_MS),
        *_crowd(plan, 200, 60, LIVELY_MS),
        *_crowd(plan, 1000, 20, MANY_MS),
    ]


def _crowd(plan: Plan, phones: int, messages: int, every_ms: int) -> list[Row]:
    name = f"fan-out to {phones:,} phones, {1000 // every_ms} messages/s"
    cpu, slowest, wrong = Rounds(), Rounds(), 0.0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK))
        pairs: dict[str, tuple[Child, Child]] = {}
        for variant in VARIANTS:
            server = stack.enter_context(child("fanout_server", variant, Path(folder)))
            crowd = stack.enter_context(child("phones", server.ready, phones))
            pairs[variant] = (server, crowd)
        for variant in VARIANTS:  # code paths warm, buffers of the kernel allocated
            _measure(*pairs[variant], 1, 5, every_ms)
        for number, variant in turns(plan, VARIANTS):
            first = 6 + (number - 1) * messages
            cpu_s, found = _measure(*pairs[variant], first, messages, every_ms)
            cpu.add(variant, cpu_s / messages / phones * 1e6)
            slowest.add(variant, found["all_ms"])
            wrong += found["wrong"]
            tell(
                f"  {name}, round {number}  {variant:8}"
                f"{cpu.figures[variant][-1]:6.1f} us CPU per delivery, {found['all_ms']:6.1f} ms"
                f" until the last has it, {found['wrong']:.0f} wrong"
            )
    if wrong:
        raise RuntimeError(f"{wrong} messages were missing, doubled or out of order")
    return [
        cpu.row(
            f"{name}, CPU per delivery", "us", "node", "aiohttp", LABELS["aiohttp"],
            "<= 1.3x of the reference", lambda row: row.ratio <= 1.3,
        ),
        cpu.row(f"{name}, CPU, both stored first", "us", "node", "stored", LABELS["stored"]),
        cpu.row(f"{name}, CPU above the floor", "us", "node", "raw", LABELS["raw"]),
        slowest.row(f"{name}, last phone has it", "ms", "node", "aiohttp", LABELS["aiohttp"]),
    ]  # fmt: skip


def _measure(
    server: Child, crowd: Child, first: int, messages: int, every_ms: int
) -> tuple[float, dict[str, float]]:
    """CPU seconds of the server, and what the phones saw."""
    before = server.ask("cpu")
    server.ask("say", first, messages, every_ms)
    found = crowd.ask("wait", first + messages - 1)
    return server.ask("cpu") - before, found
