"""Durable posts with 32 waiting writers: how many per second, and how many bytes reach the disk."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import Plan, Rounds, Row, tell, turns
from benchmarks.processes import DISK, child
from benchmarks.talk import make_database

LABELS = {
    "bare": "bare SQLite, same schema and SQL, 32 posts per commit, WAL + FULL",
    "default": "bare SQLite, default settings (DELETE journal), one commit per post",
}


def run(plan: Plan) -> list[Row]:
    old = plan.pick(full=5000, quick=100)
    counts = {
        "store": plan.pick(9600, 320),
        "admitted": plan.pick(9600, 320),
        "bare": plan.pick(9600, 320),
        "default": plan.pick(320, 32),
    }
    rates, blocks, calls, cpu = Rounds(), Rounds(), Rounds(), Rounds()
    with tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK) as name:
        folder = Path(name)
        make_database(folder / "old.db", old)
        for number, variant in turns(plan, tuple(counts)):
            path = folder / f"{variant}.db"
            shutil.copy(folder / "old.db", path)
            with child("durable_worker", variant, path, counts[variant]) as worker:
                found = worker.ready
            rates.add(variant, found["posts_per_s"])
            blocks.add(variant, found["write_bytes"])
            calls.add(variant, found["wchar"])
            cpu.add(variant, found["cpu_us"])
            tell(
                f"  round {number}  {variant:9}{found['posts_per_s']:9.0f} posts/s"
                f"{found['cpu_us']:8.1f} us CPU{found['write_bytes']:9.0f} B to disk per post"
                f"   {found['group']:.1f} posts per commit"
            )
    return [
        rates.row(
            "durable posts, 32 waiting writers", "posts/s", "store", "bare", LABELS["bare"],
            ">= 0.6x of the reference", lambda row: row.ratio >= 0.6,
        ),
        rates.row(
            "durable posts, each text judged by the writer", "posts/s", "admitted", "bare",
            LABELS["bare"],
        ),
        blocks.row(
            "block bytes per durable post, groups of 32", "B", "store", "default",
            LABELS["default"], "<= 1/10 of the reference", lambda row: row.ratio <= 0.1,
        ),
        blocks.row(
            "block bytes per durable post, same group size", "B", "store", "bare", LABELS["bare"]
        ),
        calls.row("bytes handed to write() per durable post", "B", "store", "bare", LABELS["bare"]),
        cpu.row("CPU per durable post", "us", "store", "bare", LABELS["bare"]),
    ]  # fmt: skip
