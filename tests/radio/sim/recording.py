"""A recorded scenario: its ends, its lines, and the starting state that the first dump shows.

Recorded public keys are exchanged for the keys of the simulated nodes byte for byte, because the
recordings hide the private halves; everything else is taken as recorded.
"""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.crypto import make_keys

TRACES = Path(__file__).parents[2] / "data" / "traces"
NUMBERS = {"A": 0x1000001F, "B": 0x10000020, "C": 0x10000021, "D": 0x10000022}
NAMES = {
    "A": ("Alpha", "ALFA"),
    "B": ("Bravo", "BRVO"),
    "C": ("Charlie", "CHAR"),
    "D": ("Delta", "DLTA"),
}
KEYS = {letter: make_keys(f"recorded {letter}".encode()) for letter in NUMBERS}
NAME = re.compile(r"^(\d+[a-j]?)(?:\.([abc]))?$")


@dataclass(frozen=True)
class Line:
    """One line that matters: kind connect, close, eof, refused, to_radio, from_radio."""

    t: float
    kind: str
    data: bytes = b""


@dataclass
class Recording:
    """One scenario. `ends` by letter; `air` the lines of the .air file as dicts."""

    name: str
    nodes: list[str]
    region: str
    preset: str
    ends: dict[str, list[Line]] = field(default_factory=dict)
    air: list[dict] = field(default_factory=list)

    @property
    def end_t(self) -> float:
        return max(lines[-1].t for lines in self.ends.values())


@cache
def _recorded_keys() -> dict[bytes, bytes]:
    """Recorded public key -> simulated public key."""
    found = {}
    letters = {num: letter for letter, num in NUMBERS.items()}
    for file in ("01", "16e"):
        for line in (TRACES / f"{file}.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry.get("dir") == "from_radio":
                info = mesh_pb2.FromRadio.FromString(bytes.fromhex(entry["hex"])).node_info
                if info.user.public_key:
                    found[bytes(info.user.public_key)] = KEYS[letters[info.num]].public
    return found


def _with_our_keys(data: bytes) -> bytes:
    for recorded, ours in _recorded_keys().items():
        data = data.replace(recorded, ours)
    return data


def scenarios() -> list[str]:
    """Names of all recorded scenarios, "01" to "27"."""
    found = {m[1] for p in TRACES.glob("*.jsonl") if (m := NAME.match(p.stem))}
    return sorted(found)


@cache
def load(name: str) -> Recording:
    recording = None
    for path in sorted(TRACES.glob(f"{name}*.jsonl")):
        match = NAME.match(path.stem)
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        if match and match[1] == name:
            head = entries[0]
            if recording is None:
                recording = Recording(
                    name, list(head["nodes"]), head["region"], head["preset"].split(" ")[0]
                )
            end = (match[2] or ("d" if name == "26" else "a")).upper()
            recording.ends[end] = [line for e in entries[1:] if (line := _line(e))]
    if (TRACES / f"{name}.air.jsonl").exists():
        text = (TRACES / f"{name}.air.jsonl").read_text()
        recording.air = [json.loads(line) for line in text.splitlines()[1:]]
    return recording


def _line(entry: dict) -> Line | None:
    if entry.get("dir") in ("to_radio", "from_radio"):
        return Line(entry["t"], entry["dir"], _with_our_keys(bytes.fromhex(entry["hex"])))
    if entry.get("dir") == "raw":
        return Line(entry["t"], "raw", bytes.fromhex(entry["hex"]))
    if entry.get("event") in ("connect", "close", "eof"):
        return Line(entry["t"], entry["event"])
    return None


def messages(lines: list[Line]) -> list[mesh_pb2.FromRadio]:
    """What the radio sent on this end."""
    return [mesh_pb2.FromRadio.FromString(x.data) for x in lines if x.kind == "from_radio"]
