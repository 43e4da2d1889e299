"""Coverage-guided fuzzing of the targets with atheris: `python -m tests.fuzz.run --seconds 60`.

Each target runs in a process of its own, since libFuzzer ends its process. Exit code 1 if any
target found something; the input is then in the directory that is printed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_INPUT_BYTES = 4096
MEMORY_LIMIT_MB = 512  # the interpreter, its coverage map and a decoder need about 100
SLOWEST_INPUT_S = 5
TRACED = ["kimnode.wire", "kimnode.rules", "kimnode.radio"]
TRACE = Path(__file__).parent.parent / "data" / "traces" / "08.a.jsonl"  # recorded from a radio


def recorded_frames(path: Path) -> list[bytes]:
    """What a real radio sent."""
    steps = [json.loads(line) for line in path.read_text().splitlines()]
    return [bytes.fromhex(s["hex"]) for s in steps if s.get("dir") == "from_radio"]


def vectors(name: str, types: range) -> list[bytes]:
    """Well-formed packets of these types, or documents of these kinds."""
    path = Path(__file__).parent.parent / "vectors" / name
    good = [v for v in json.loads(path.read_text())["vectors"] if v["verdict"] == "ok"]
    found = [v for v in good if v["value"].get("type", v["value"].get("kind")) in types]
    return [bytes.fromhex(v["hex"]) for v in found]


def texts() -> list[bytes]:
    """Compressed texts. (No module that is to be traced may be imported here.)"""
    path = Path(__file__).parent.parent / "vectors" / "text.json"
    return [bytes.fromhex(v["hex"]) for v in json.loads(path.read_text())["texts"]]


def run_on(packets: list[bytes]) -> bytes:
    """Packets with their lengths, as the target `exchange` reads them."""
    return b"".join(bytes([len(p)]) + p for p in packets if len(p) < 256)[:4000]


DOCUMENTS, GOSSIP = range(2, 10), (10, 11, 12, 15)
SEEDS = {
    "document": vectors("packets.json", DOCUMENTS),
    "bulletin": vectors("packets.json", range(1, 2)) + vectors("packets.json", range(14, 15)),
    "kept": vectors("documents.json", range(20)),
    "hints": [p for n in GOSSIP for p in vectors("packets.json", range(n, n + 1))],
    "pieces": [b"kabar", bytes(range(200))],
    "exchange": [run_on(vectors("packets.json", range(n, 16))) for n in (1, 5, 10, 13)],
    "text": texts(),
    "packet": recorded_frames(TRACE),
    "stream": [b"\x10\x94\xc3\x00\x02hi", b"\x85\x94\x94\xc3\x00\x00log\n\x94\xc3\x02\x01"],
    "heard": [b"Ani (1/3): halo", b"SOS: banjir", b"batal sos", b"\xff\xe2\x80\xae\xc2\xad"],
    "said": ["👨\u200d👩\u200d👧 air naik".encode(), b"kata " * 50, b"\xe2\x80\x8b\r\n\r\n\r\nx"],
    "named": [b"Ani", "АdmіN".encode(), b"K I M", "Ma’ruf".encode()],  # noqa: RUF001
}


def fuzz_here(name: str, arguments: list[str]) -> None:
    """Runs libFuzzer in this process; does not return. Only imports made here are traced."""
    import atheris  # noqa: PLC0415 (an extra; and only this process needs it)

    for hook in ("RegEx", "str"):  # let it look inside patterns and comparisons of text
        atheris.enabled_hooks.add(hook)
    with atheris.instrument_imports(include=TRACED):
        from tests.fuzz import targets  # noqa: PLC0415

    def one_input(data: bytes) -> None:
        try:
            targets.TARGETS[name](data)
        except targets.ALLOWED:
            return

    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


def fuzz_apart(name: str, seconds: int, seed: int, found: Path) -> bool:
    """One target in a process of its own; whether it held."""
    corpus = found / f"corpus-{name}"
    corpus.mkdir()
    for number, data in enumerate(SEEDS[name]):
        (corpus / str(number)).write_bytes(data)
    command = [
        *(sys.executable, "-m", "tests.fuzz.run", "--target", name, "--", str(corpus)),
        *(f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MAX_INPUT_BYTES}"),
        *(f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-timeout={SLOWEST_INPUT_S}"),
        *(f"-artifact_prefix={found}/{name}-", "-print_final_stats=1"),
    ]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 120, check=False
    )
    report = result.stderr
    traced = "Is the code instrumented" not in report
    held = result.returncode == 0 and traced
    print(f"{name}: {'held' if held else 'BROKEN' if traced else 'NOT TRACED'}")
    wanted = ("DONE ", "stat::number_of_executed", "stat::average_exec", "stat::peak_rss")
    lines = [line for line in report.splitlines() if any(w in line for w in wanted)]
    print(*(lines if held else [result.stdout[-2000:], report[-4000:]]), sep="\n  ", flush=True)
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    parser.add_argument("--target", choices=SEEDS, help="run libFuzzer on it in this process")
    parser.add_argument("libfuzzer", nargs="*", help="arguments for libFuzzer, with --target")
    options = parser.parse_args()
    if options.target:
        fuzz_here(options.target, options.libfuzzer)
        return 0
    found = Path(tempfile.mkdtemp(prefix="kimnode-fuzz-"))
    held = [fuzz_apart(name, options.seconds, options.seed, found) for name in SEEDS]
    print(f"{sum(held)} of {len(held)} targets held; inputs found: {found}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
