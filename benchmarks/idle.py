"""What the node costs while nobody writes: CPU and memory with a radio and 60 phones connected."""

import contextlib
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Plan, Rounds, Row, tell
from benchmarks.page import until_open
from benchmarks.processes import DISK, child, cpu_s, node, rss_mb, write_config
from benchmarks.talk import make_database

PHONES = 60
SETTLE_S = 5
WINDOW_S = 30
LABEL = "bare aiohttp + aiosqlite + meshtastic protobufs, same phones"


def run(plan: Plan) -> list[Row]:
    phones = plan.pick(PHONES, 8)
    window_s = plan.pick(WINDOW_S, 3)
    cpu, rss = Rounds(), Rounds()
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        folder = Path(enter(tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK)))
        make_database(folder / "village.db", plan.pick(5000, 30))
        village = enter(child("village"))
        config, port = write_config(folder, radio=f"tcp:127.0.0.1:{village.ready}")
        ours = enter(node(config))
        until_open(port)
        bare = enter(child("echo_server"))
        crowds = [enter(child("phones", where, phones)) for where in (port, bare.ready)]
        time.sleep(plan.pick(SETTLE_S, 1))
        pids = {"node": ours.pid, "bare": bare.pid}
        for number in range(1, plan.rounds + 1):
            before = {variant: cpu_s(pid) for variant, pid in pids.items()}
            start = time.monotonic()
            time.sleep(window_s)
            for variant, pid in pids.items():
                share = (cpu_s(pid) - before[variant]) / (time.monotonic() - start)
                cpu.add(variant, share * 100)
                rss.add(variant, rss_mb(pid))
            tell(
                f"  round {number}  node {cpu.figures['node'][-1]:.2f} % CPU,"
                f" {rss.figures['node'][-1]:.1f} MB   bare {cpu.figures['bare'][-1]:.2f} % CPU,"
                f" {rss.figures['bare'][-1]:.1f} MB"
            )
        if any(crowd.ask("closed") for crowd in crowds):
            raise RuntimeError("a phone lost its connection while it was idle")
    return [
        cpu.row(
            f"idle CPU, radio and {phones} phones", "% of a core", "node", "bare", LABEL,
            "<= 1 % of a core", lambda row: row.value <= 1,
        ),
        rss.row(
            f"memory (RSS), radio and {phones} phones", "MB", "node", "bare", LABEL,
            "<= 90 MB", lambda row: row.value <= 90,
        ),
    ]  # fmt: skip
