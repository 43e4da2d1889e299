"""A node that can be killed: started as a process, stopped like a power cut stops it."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from pathlib import Path

import aiohttp

from kimnode.clock import Clock

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 60.0  # real seconds; the bar is measured, not enforced by this
FIRST_TRY_S = 0.05


class NodeProcess:
    """One database, one port, many lives."""

    def __init__(self, database: Path, clock: Clock, radio: str = "none") -> None:
        self.database = database
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.starts_s: list[float] = []  # real seconds from start to first page, of every life
        self.log = database.with_suffix(".log")
        self._clock = clock
        self._radio = radio
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when the first page is served."""
        clock = self._clock
        figures = (self._radio, clock.speed, clock._epoch, clock._start)
        words = [str(word) for word in (self.database, self.port, *figures)]
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.journeys.fast_node", *words, cwd=ROOT, stderr=log
            )
        await self._first_page(began)
        self.starts_s.append(time.monotonic() - began)

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As systemd stops it; it must end well."""
        assert await self._end(signal.SIGTERM) == 0, self.log.read_text()[-2000:]

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    async def _end(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        return await process.wait()

    async def _first_page(self, began: float) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                assert self._process
                code = self._process.returncode
                assert code is None, f"it ended with {code}: {self.log.read_text()[-2000:]}"
                assert time.monotonic() - began < START_LIMIT_S
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.get(self.url) as response:
                        assert response.status == 200
                        return
                await asyncio.sleep(FIRST_TRY_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
