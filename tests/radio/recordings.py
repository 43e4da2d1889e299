"""The recordings of real firmware (tests/data/traces/README.md), as the tests read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRACES = Path(__file__).parents[1] / "data" / "traces"
ALL = sorted(TRACES.glob("*.jsonl"))
CLIENTS = [path for path in ALL if not path.name.endswith(".air.jsonl")]


def lines(path: Path) -> list[dict[str, Any]]:
    """The header and the lines after it."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def from_radio(path: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """Every frame that the radio sent, with its decoded form as the recorder wrote it."""
    return [
        (bytes.fromhex(line["hex"]), line["msg"])
        for line in lines(path)
        if line.get("dir") == "from_radio"
    ]


@dataclass(slots=True)
class Conversation:
    """One connection: the nonces asked for, and all frames of the radio."""

    nonces: list[int] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)


def conversations(path: Path) -> Iterator[Conversation]:
    """The recording cut at its connects; connections in which nothing was asked are left out."""
    now = Conversation()
    for line in lines(path):
        if line.get("event") == "connect":
            if now.nonces:
                yield now
            now = Conversation()
        elif line.get("dir") == "to_radio" and "want_config_id" in line["msg"]:
            now.nonces.append(line["msg"]["want_config_id"])
        elif line.get("dir") == "from_radio":
            now.frames.append(bytes.fromhex(line["hex"]))
    if now.nonces:
        yield now
