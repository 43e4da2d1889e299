"""Commands by line, the chatting villagers, and `kimnode sim` itself."""

import argparse
import asyncio
import io
import sys
from collections.abc import AsyncIterator

import pytest

from kimnode.clock import Clock
from kimnode.errors import ConfigError
from kimnode.radio.sim.chatter import SENTENCES, start_chatter
from kimnode.radio.sim.cli import add_arguments, run_sim
from kimnode.radio.sim.control import COMMANDS, Control
from kimnode.radio.sim.village import SimVillage
from tests.waiting import until


@pytest.fixture
async def village() -> AsyncIterator[SimVillage]:
    async with SimVillage(["R1", "R2", "R3"], seed=3, clock=Clock(20.0)) as made:
        yield made


async def test_type_and_read(village):
    control = Control(village)
    assert control.execute("say R1 halo semua orang") == "ok"
    await until(lambda: village.device("R2").shown)
    assert control.execute("dm R2 R3 untukmu saja") == "ok"
    await until(lambda: len(village.device("R3").shown) == 2)
    shown = control.execute("shown R3")
    assert "R1: halo semua orang" in shown
    assert "R2: untukmu saja" in shown
    assert control.execute("shown R1") == "nothing yet"


async def test_the_list_tells_ports_power_and_clients(village):
    control = Control(village)
    control.execute("off R2")
    _, writer = await asyncio.open_connection("127.0.0.1", village.port("R1"))
    await until(lambda: village.device("R1").client)
    lines = control.execute("list").splitlines()
    assert f"tcp:127.0.0.1:{village.port('R1')}" in lines[0]
    assert lines[0].endswith("client connected")
    assert lines[1].endswith("off")
    assert control.execute("drop R1") == "ok"
    assert village.device("R1").client is None
    assert control.execute("on R2") == "ok"
    assert village.device("R2").powered
    writer.close()


async def test_faults_reach_the_radio(village):
    control, radio = Control(village), village.device("R1")
    for line, check in (
        ("full R1 on", lambda: radio.faults.no_space),
        ("full R1 off", lambda: not radio.faults.no_space),
        ("mumble R1 on", lambda: radio.faults.lose_statuses),
        ("loss 0.25", lambda: village.air.loss == 0.25),
        ("reboot R1 100", lambda: not radio.powered),
        ("wedge R2 5", lambda: True),
        ("garbage R2 10", lambda: True),
        ("refuse R3 10", lambda: village.servers["R3"]._server is None),
        ("partition R1 R2 / R3", lambda: village.air._groups[radio.num] == 0),
        ("heal", lambda: village.air._groups == {}),
    ):
        assert control.execute(line) == "ok", line
        assert check(), line


async def test_a_serial_cable_by_command(village):
    control = Control(village)
    path = control.execute("serial R1")
    assert path.endswith("usb-R1-if00")
    assert control.execute("unplug R1") == "ok"
    assert control.execute("serial R1") == path


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("tidur R1", "no command 'tidur'"),
        ("reboot", "the radios are R1, R2, R3"),
        ("reboot R9", "the radios are R1, R2, R3"),
        ("wedge R1 lama", "'lama' is no number"),
        ("loss 2", "between 0 and 1"),
        ("loss", "between 0 and 1"),
        ("full R1 maybe", "on or off"),
        ("say R1", "the text is missing"),
        ("partition R1 / R7", "the radios are"),
    ],
)
async def test_a_wrong_line_is_told_what_is_possible(village, line, answer):
    said = Control(village).execute(line)
    assert said.startswith("error: ")
    assert answer in said


async def test_every_command_is_in_the_help(village):
    control = Control(village)
    said = control.execute("help")
    assert all(name in said for name in COMMANDS)
    assert control.execute("   ") == ""


async def test_the_control_port_answers_and_survives_an_endless_line(village):
    control = Control(village)
    server = await control.listen(0)
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"say R1 halo\nnix\n")
    assert await reader.readline() == b"ok\n"
    assert (await reader.readline()).startswith(b"error: no command")
    writer.write(b"x" * 5000 + b"\n")
    assert await reader.read() == b""
    writer.close()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"list\n")
    assert (await reader.readline()).startswith(b"R1")
    writer.close()
    server.close()


def test_villagers_chat_by_turns_and_repeatably():
    def hear(seed: int) -> list[tuple[float, str]]:
        village = SimVillage(4, seed=seed)
        radios = list(village.devices.values())
        start_chatter(village.timeline, radios[1:], 40)
        village.timeline.run_until(3600)
        return [(s.t, s.text) for s in radios[0].shown]

    said = hear(1)
    assert 60 < len(said) < 130
    assert {text for _, text in said} == set(SENTENCES)
    assert said == hear(1) != hear(2)
    assert all(len(text.encode()) <= 200 for text in SENTENCES)


def options(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["--radios", "0"],
        ["--radios", "65"],
        ["--names", "a,,b"],
        ["--names", "a,a"],
        ["--loss", "1.5"],
        ["--speed", "0"],
        ["--chatter", "-1"],
    ],
)
async def test_options_that_make_no_sense_are_refused(argv):
    with pytest.raises(ConfigError, match=argv[0].replace("--radios", "1 to 64")):
        await run_sim(options(*argv), io.StringIO())


async def test_the_command_runs_a_village_and_obeys_lines_from_a_pipe():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, argparse\n"
        "from kimnode.radio.sim.cli import add_arguments, run_sim\n"
        "parser = argparse.ArgumentParser(); add_arguments(parser)\n"
        "asyncio.run(run_sim(parser.parse_args()))",
        *("--names", "gerbang,bukit", "--port", "0", "--control", "0", "--chatter", "1"),
        *("--line", "--speed", "10"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            first = await process.stdout.readline()
            assert first.startswith(b"gerbang")
            assert b"tcp:127.0.0.1:" in first
            while not (await process.stdout.readline()).startswith(b"control 127.0.0.1:"):
                pass
            answer = b""
            while b"bukit: " not in answer:  # a villager speaks after a while
                process.stdin.write(b"shown gerbang\n")
                answer = await process.stdout.readline()
    finally:
        process.terminate()
        await process.wait()
