"""Results for people and programs: the table on the screen, results.json, README.md's table."""

import json
import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of results -->"


def table(rows: Sequence[Row]) -> str:
    """Markdown, columns in line."""
    head = ("what", "kimnode", "reference", "", "ratio", "bar", "met")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [_line(line, widths) for line in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def machine() -> str:
    """What the figures depend on; no names."""
    cpu = _found(r"^model name\s*: (.+)$", Path("/proc/cpuinfo"), platform.machine())
    memory_kb = int(_found(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo"), "0"))
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory_kb / 1e6:.0f} GB of memory,"
        f" {platform.system()} {platform.release().split('-')[0]},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def write_json(rows: Sequence[Row], path: Path = RESULTS) -> None:
    """The list that programs read."""
    path.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")


def write_readme(rows: Sequence[Row], path: Path = README) -> None:
    """Put the table between its marks; the rest of the page is written by hand."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    day = datetime.now(UTC).date().isoformat()
    found = f"Measured {day} on {machine()}.\n\n{table(rows)}"
    path.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{after}")


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "yes", False: "**no**", None: ""}[row.met]
    value, base = f"{_number(row.value)} {row.unit}", f"{_number(row.reference_value)} {row.unit}"
    return (row.name, value, row.reference, base, f"{row.ratio:.2f}", row.bar, met)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True))} |"


def _number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _found(pattern: str, path: Path, otherwise: str) -> str:
    if not path.exists():
        return otherwise
    found = re.search(pattern, path.read_text(), re.M)
    return found[1].strip() if found else otherwise
