"""The command as a person uses it: real processes, words, exit codes, signals."""

import asyncio
import contextlib
import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from kimnode import __version__
from kimnode.clock import Clock
from kimnode.config import Config, parse
from kimnode.doctor import examine
from kimnode.node import open_node
from kimnode.radio.sim.village import SimVillage
from tests.waiting import until

ROOT = Path(__file__).parent.parent
START_LIMIT_S = 30.0


def kimnode(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kimnode", *words],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_version_and_example():
    assert kimnode("version").stdout == f"kimnode {__version__}\n"
    assert parse(kimnode("example-config").stdout, "stdout") == Config()


@pytest.mark.parametrize("command", ["run", "demo", "sim", "doctor", "keys"])
def test_every_command_explains_itself(command):
    told = kimnode(command, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert f"usage: kimnode {command}" in told.stdout


def test_a_missing_file_is_answered_with_the_next_step(tmp_path):
    told = kimnode("run", "--config", "none.toml", cwd=tmp_path)
    assert told.returncode == 2
    assert "none.toml cannot be read (No such file or directory). Make one with:" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'raido = "none"', "unknown key 'raido'. Did you mean 'radio'?"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'radio = "tcp:host"', "kimnode.toml: radio = 'tcp:host' is not allowed. Use"),
    ],
)
def test_a_wrong_file_is_refused_in_words(tmp_path, content, words):
    (tmp_path / "kimnode.toml").write_bytes(content + b"\nport = 1")
    told = kimnode("run", cwd=tmp_path)
    assert told.returncode == 2
    assert words in told.stderr
    assert "Traceback" not in told.stderr


@contextlib.asynccontextmanager
async def running(*words: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kimnode", *words),
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def served(url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    return False


async def says(url: str, words: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return words in await answer.text()


async def say(url: str, text: str) -> dict[str, object]:
    request = {"t": "post", "cid": "ab" * 16, "room": "umum", "text": text, "nick": "Ani"}
    headers = {"Origin": url.rstrip("/"), "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{url}api/post", data=json.dumps(request)) as answer:
            return json.loads(await answer.text())


async def test_the_demo_is_a_village_and_ends_on_ctrl_c(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    async with running("demo", "--port", str(port), cwd=tmp_path) as process:
        await until(lambda: served(url), START_LIMIT_S)
        assert (await say(url, "halo dari halaman"))["t"] == "ok"
        async with asyncio.timeout(60):
            while b"| Ani: halo dari halaman" not in await process.stdout.readline():
                continue
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), 15)
        assert (process.returncode, errors) == (0, b"")
    with contextlib.closing(sqlite3.connect(tmp_path / "demo-data" / "kimnode.db")) as database:
        texts = database.execute("SELECT text FROM body").fetchall()
    assert ("halo dari halaman",) in texts


async def test_a_real_node_never_runs_on_what_the_demo_left(tmp_path):
    port = free_port()
    async with running("demo", "--port", str(port), cwd=tmp_path) as process:
        await until(lambda: served(f"http://127.0.0.1:{port}/"), START_LIMIT_S)
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 15)
    (tmp_path / "kimnode.toml").write_text('database = "demo-data/kimnode.db"\n')
    told = kimnode("run", cwd=tmp_path)
    assert told.returncode == 2
    assert "A real post never runs on it: name another database and gateway_key" in told.stderr
    assert "Traceback" not in told.stderr


async def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        async with running("demo", "--port", port, cwd=tmp_path) as process:
            _, errors = await asyncio.wait_for(process.communicate(), START_LIMIT_S)
    assert process.returncode == 2
    assert b"Stop the program that uses it, or set another port." in errors
    assert b"Traceback" not in errors


async def test_the_daemon_runs_with_a_radio_and_ends_on_sigterm(tmp_path):
    async with SimVillage(["gerbang", "bukit"], seed=3, clock=Clock()) as village:
        port = free_port()
        config = f'radio = "tcp:127.0.0.1:{village.port("gerbang")}"\nport = {port}\n'
        (tmp_path / "kimnode.toml").write_text(config)
        url = f"http://127.0.0.1:{port}/"
        async with running("run", cwd=tmp_path) as process:
            await until(lambda: served(url), START_LIMIT_S)
            assert (await say(url, "halo"))["t"] == "ok"
            screen = village.device("bukit").shown
            await until(lambda: [text.text for text in screen] == ["Ani: halo"], 30)
            process.send_signal(signal.SIGTERM)
            _, errors = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0
        assert b"Traceback" not in errors


async def report(config: Config, *, rebuild: bool = False) -> tuple[int, str]:
    class Paper:
        text = ""

        def write(self, words: str) -> None:
            self.text += words

        def flush(self) -> None:
            """Nothing is held back."""

    paper = Paper()
    return await examine(config, rebuild, paper), paper.text


async def test_the_doctor_finds_all_well(tmp_path):
    async with SimVillage(["gerbang"], seed=3, clock=Clock()) as village:
        config = Config(
            radio=f"tcp:127.0.0.1:{village.port('gerbang')}",
            port=free_port(),
            database=str(tmp_path / "x.db"),
        )
        code, text = await report(config)
    assert code == 0
    assert "RUSAK" not in text
    assert "wilayah KR, MEDIUM_FAST" in text


async def test_the_doctor_makes_the_read_tables_again(tmp_path):
    path = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript((ROOT / "tests/databases/v1.sql").read_text())
        before = database.execute("SELECT * FROM sos").fetchall()
        database.execute("DELETE FROM sos")
        database.commit()
        config = Config(database=str(path), port=free_port(), language="en")
        _, text = await report(config, rebuild=True)
        assert "Read tables made again from 5 entries." in text
        assert database.execute("SELECT * FROM sos").fetchall() == before != []


async def test_the_doctor_names_a_region_that_is_not_set(tmp_path):
    async with SimVillage(["gerbang"], seed=3, clock=Clock(), region="UNSET") as village:
        config = Config(
            radio=f"tcp:127.0.0.1:{village.port('gerbang')}",
            port=free_port(),
            database=str(tmp_path / "x.db"),
        )
        code, text = await report(config)
        assert (code, "Pilih wilayah KR" in text) == (1, True)
        async with open_node(config, Clock(), random.Random(1)) as url:
            await until(lambda: says(f"{url}healthz", '"mute"'))
            code, text = await report(config)
            assert (code, "Radio tidak memancar" in text) == (1, True)
            await until(lambda: says(f"{url}r/umum", "Radio belum boleh memancar"))


async def test_the_doctor_names_a_damaged_database_and_a_taken_port(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all" * 1000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = await report(Config(database=str(path), port=port, language="en"))
    assert code == 1
    assert "is damaged" in text
    assert "cannot be used" in text
    assert "BROKEN" in text


async def test_the_doctor_names_a_schema_from_the_future_and_a_clock_from_the_past(tmp_path):
    path = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript((ROOT / "tests/databases/v1.sql").read_text())
        database.execute("UPDATE log SET received_at = 9000000000")
        database.commit()
        code, text = await report(Config(database=str(path), port=free_port()))
        assert (code, "Jam salah" in text) == (1, True)
        database.execute("PRAGMA user_version = 99")
        database.commit()
    code, text = await report(Config(database=str(path), port=free_port()))
    assert (code, "Pasang kimnode yang lebih baru" in text) == (1, True)
