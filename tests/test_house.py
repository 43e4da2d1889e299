"""The house rules, measured. A rule that nobody counts is broken within a month."""

import ast
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from kimnode.config import Config
from kimnode.metrics import Metrics

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "kimnode").rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in PACKAGE}
README = (ROOT / "README.md").read_text()

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_CLASS_METHODS = 15
MAX_DEPENDENCIES = 14
# file or "file:name" -> why it may be longer. Empty is best.
EXCEPTIONS: dict[str, str] = {}
TOP_LEVEL = {
    *("kimnode", "firmware_configs", "deploy", "tests", "benchmarks"),
    *("hardware.md", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "Makefile"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"),
    *(".gitignore", ".ci"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def test_files_are_short():
    long = {
        name_of(path): len(path.read_text().splitlines())
        for path in [*PACKAGE, *(ROOT / "tests").rglob("*.py")]
        if len(path.read_text().splitlines()) > MAX_FILE_LINES
    }
    assert {n: lines for n, lines in long.items() if n not in EXCEPTIONS} == {}


def test_functions_are_short():
    long = {
        f"{name_of(path)}:{node.name}": node.end_lineno - node.lineno + 1
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert {n: lines for n, lines in long.items() if n not in EXCEPTIONS} == {}


def test_classes_have_few_methods():
    large = {
        f"{name_of(path)}:{node.name}": methods
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and (
            methods := sum(
                isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
                and not m.name.startswith("__")
                for m in node.body
            )
        )
        > MAX_CLASS_METHODS
    }
    assert {n: count for n, count in large.items() if n not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed():
    assert [name for name in EXCEPTIONS if not (ROOT / name.split(":")[0]).exists()] == []


def test_every_module_says_what_it_is():
    assert [name_of(p) for p, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_the_top_level_is_the_owners():
    assert {name.split("/")[0] for name in tracked()} - TOP_LEVEL == set()


def test_no_test_is_forgotten_by_git():
    """A test file that is not tracked passes here and does not exist for anybody else."""
    here = {name_of(p) for p in (ROOT / "tests").rglob("test_*.py")}
    assert here - set(tracked()) == set()


def test_nothing_in_the_project_names_the_place_it_was_made_in():
    words = ["/work" + "/", "share" + "d/design", "firmware" + "-traces", ".libr" + "ary"]
    found = []
    for name in tracked():
        path = ROOT / name
        if path.suffix in {".png", ".gz", ".jsonl"} or name == name_of(Path(__file__)):
            continue
        text = path.read_text(errors="replace")
        found += [f"{name}: {word}" for word in words if word in text]
    assert found == []


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[<>=;\[ ]", dependency)[0] for dependency in project["dependencies"]]


def test_dependencies_are_few_and_each_has_its_reason():
    assert len(dependencies()) <= MAX_DEPENDENCIES
    assert [d for d in dependencies() if not re.search(rf"^\| `{d}` \| \S+", README, re.M)] == []


def test_dependencies_are_locked_with_hashes():
    lock = (ROOT / "requirements.lock").read_text()
    assert [d for d in dependencies() if not re.search(rf"^{d}==\S+.*\\$", lock, re.M)] == []
    entries = re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", lock, re.M | re.S)
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_setting_is_in_the_readme():
    assert [f.name for f in fields(Config) if f"`{f.name}`" not in README] == []


def test_every_metric_is_in_the_readme():
    names = {metric.name for metric in Metrics().registry.collect()}
    assert sorted(name for name in names if f"`{name}`" not in README) == []


def test_every_command_is_in_the_readme_and_has_help():
    help_text = subprocess.run(
        [sys.executable, "-m", "kimnode", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    commands = re.findall(r"^    ([a-z-]+) {2,}\S", help_text, re.M)
    assert {"run", "demo", "sim", "doctor", "version"} <= set(commands)
    assert [command for command in commands if f"`kimnode {command}" not in README] == []
