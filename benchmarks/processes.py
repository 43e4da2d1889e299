"""Child processes that are measured, and what the kernel knows about them (Linux /proc).

A child reads commands from stdin, one line each, and answers each with one line of JSON. It ends
when its stdin ends, so none outlives the run.
"""

import asyncio
import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Not /tmp: where that is memory, nothing is durable and nothing is written.
DISK = Path("/var/tmp")  # noqa: S108 - every user of it makes a folder with an unguessable name
READY = "ready"
ANSWER_S = 120.0
STOP_S = 15.0

Command = Callable[..., Awaitable[Any]]


class Child:
    """The parent's end. `ready` is what the child said first."""

    def __init__(self, process: subprocess.Popen[bytes], name: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        self._stdin, self._stdout = process.stdin, process.stdout
        self._name = name
        self._lines = b""
        self.ready = self.answer()

    def ask(self, command: str, *words: object) -> Any:
        """Send a command, wait for its answer."""
        self.send(command, *words)
        return self.answer()

    def send(self, command: str, *words: object) -> None:
        line = " ".join([command, *map(str, words)])
        self._stdin.write(f"{line}\n".encode())
        self._stdin.flush()

    def answer(self, limit_s: float = ANSWER_S) -> Any:
        """The next line. RuntimeError when the child died or is silent for too long."""
        end = time.monotonic() + limit_s
        while b"\n" not in self._lines:
            wait_s = max(end - time.monotonic(), 0)
            if not select.select([self._stdout], [], [], wait_s)[0]:
                raise RuntimeError(f"benchmarks.{self._name} says nothing for {limit_s:.0f} s")
            data = os.read(self._stdout.fileno(), 1 << 20)
            if not data:
                raise RuntimeError(f"benchmarks.{self._name} died; its words are above")
            self._lines += data
        line, self._lines = self._lines.split(b"\n", 1)
        return json.loads(line)


@contextlib.contextmanager
def child(module: str, *words: object) -> Iterator[Child]:
    """`python -m benchmarks.MODULE WORDS`, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Child(process, module)
    finally:
        process.communicate(timeout=STOP_S)


@contextlib.contextmanager
def node(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m kimnode run`, the real command; its log goes beside the settings."""
    with config.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kimnode", "run", "--config", str(config)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def write_config(folder: Path, **settings: object) -> tuple[Path, int]:
    """kimnode.toml in `folder`: (its path, the port of the pages)."""
    port = free_port()
    values = {"port": port, "database": str(folder / "village.db"), "log_level": "WARNING"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in (values | settings).items()]
    path = folder / "kimnode.toml"
    path.write_text("\n".join(lines))
    return path, port


def cpu_s(pid: int) -> float:
    """CPU seconds of all living threads of a process so far, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def own_cpu_s() -> float:
    """CPU seconds of this process, all threads, to the microsecond."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def own_io() -> Mapping[str, int]:
    """This process's /proc/self/io: wchar = bytes written, write_bytes = sent to the disk."""
    lines = Path("/proc/self/io").read_text().split("\n")
    return {key: int(value) for key, _, value in (line.partition(": ") for line in lines if line)}


async def obey(commands: Mapping[str, Command], first: object) -> None:
    """The child's end: says `first`, then answers commands until stdin ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(first)
    while line := (await reader.readline()).decode():
        command, *words = line.split()
        _say(await commands[command](*words))


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)
