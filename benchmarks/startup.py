"""From the command to the first page: `python -m kimnode run` until GET / is answered."""

import contextlib
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Plan, Rounds, Row, tell, turns
from benchmarks.page import until_open
from benchmarks.processes import DISK, child, node, write_config
from benchmarks.talk import make_database


def run(plan: Plan) -> list[Row]:
    found = Rounds()
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK))
        )
        make_database(folder / "village.db", plan.pick(5000, 30))
        config, port = write_config(folder)
        with node(config):  # once for the kernel's page cache and Python's compiled files
            until_open(port)
        for number, variant in turns(plan, ("node", "bare")):
            start = time.monotonic()
            with contextlib.ExitStack() as running:
                if variant == "node":
                    running.enter_context(node(config))
                    until_open(port)
                else:
                    until_open(running.enter_context(child("echo_server")).ready)
                found.add(variant, time.monotonic() - start)
            tell(f"  round {number}  {variant:5}{found.figures[variant][-1]:6.2f} s")
    return [
        found.row(
            "start to first page, 5,000 messages stored", "s", "node", "bare",
            "bare aiohttp with the same imports from outside", "<= 3 s",
            lambda row: row.value <= 3,
        )
    ]  # fmt: skip
