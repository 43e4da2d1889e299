"""The benchmarks run and write what programs read. What they measure is not judged here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import BENCHMARKS
from benchmarks.measure import Rounds, Row

ROOT = Path(__file__).parent.parent
KEYS = {"name", "value", "unit", "reference", "reference_value", "ratio"}
ROW = Row("echo", 3.0, "ms", "bare echo", 2.0, 1.5, "<= 2x", True)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_works(name: str, tmp_path: Path):
    path = tmp_path / "results.json"
    subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick", "--json", str(path)],
        cwd=ROOT, check=True, timeout=60, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    rows = json.loads(path.read_text())
    assert rows
    for row in rows:
        assert set(row) == KEYS
        assert all(isinstance(row[key], str) for key in ("name", "unit", "reference"))
        assert all(math.isfinite(row[key]) for key in ("value", "reference_value", "ratio"))
        assert row["value"] > 0


def test_a_ratio_is_the_median_of_the_rounds_not_of_their_medians():
    rounds = Rounds()
    for ours, reference in ((10.0, 1.0), (2.0, 2.0), (9.0, 3.0)):
        rounds.add("node", ours)
        rounds.add("bare", reference)
    row = rounds.row("x", "us", "node", "bare", "bare x", "<= 5x", lambda r: r.ratio <= 5)
    assert (row.value, row.reference_value, row.ratio, row.met) == (9.0, 2.0, 3.0, True)


def test_the_table_replaces_the_old_one_and_nothing_else(tmp_path: Path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_readme([ROW], page)
    report.write_readme([ROW], page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert text.count("| echo ") == 1


def test_the_committed_results_have_the_shape_that_programs_read():
    rows = json.loads(report.RESULTS.read_text())
    assert rows
    assert all(set(row) == KEYS for row in rows)
