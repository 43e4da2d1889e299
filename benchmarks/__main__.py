"""`python -m benchmarks [NAME ...]`: all of them, or some, with a table at the end.

Only a complete and thorough run writes results.json and README.md.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import (
    compression,
    durable,
    fanout,
    firstload,
    idle,
    latency,
    micro,
    report,
    startup,
)
from benchmarks.measure import Plan, Row, tell

BENCHMARKS: Mapping[str, Callable[[Plan], list[Row]]] = {
    "durable": durable.run,
    "fanout": fanout.run,
    "latency": latency.run,
    "idle": idle.run,
    "startup": startup.run,
    "firstload": firstload.run,
    "micro": micro.run,
    "compression": compression.run,
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME",
                        help=f"some of {', '.join(BENCHMARKS)}; none = all")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="small and once: proves that they work, measures nothing")  # fmt: skip
    parser.add_argument("--json", type=Path, help="write the results of this run here instead")
    options = parser.parse_args(argv)
    plan = Plan(options.quick)
    rows: list[Row] = []
    start = time.monotonic()
    for name in options.names or BENCHMARKS:
        tell(f"{name}:")
        rows += BENCHMARKS[name](plan)
    tell(f"\n{report.table(rows)}\n\n{report.machine()}, {time.monotonic() - start:.0f} s")
    if options.json is not None:
        report.write_json(rows, options.json)
    elif not options.quick and not options.names:
        report.write_json(rows)
        report.write_readme(rows)
        tell("written: benchmarks/results.json, benchmarks/README.md")


if __name__ == "__main__":
    main()
