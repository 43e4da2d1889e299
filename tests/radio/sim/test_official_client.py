"""The official `meshtastic` command and library judge the simulated radios, as real processes.

They know nothing of kimnode: what they understand, any Meshtastic app understands.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import yaml

from kimnode.clock import Clock
from kimnode.radio.sim.village import SimVillage
from tests.waiting import until

TIMEOUT_S = 60
SPEED = 8.0  # the radios live faster; the official client does not notice
LIBRARY_CLIENT = """
import sys, time
from pubsub import pub
from meshtastic.tcp_interface import TCPInterface

got, acked = [], []

def on_text(packet, interface):
    got.append(packet)

def on_routing(packet, interface):
    acked.append(packet)

pub.subscribe(on_text, "meshtastic.receive.text")  # it keeps weak references only
pub.subscribe(on_routing, "meshtastic.receive.routing")
radio = TCPInterface("127.0.0.1", portNumber=int(sys.argv[1]))
names = sorted(node["user"]["longName"] for node in radio.nodes.values())
print("nodes", *names, flush=True)
radio.sendText("halo dari pustaka", destinationId="!10000020", wantAck=True)
end = time.monotonic() + 30
while time.monotonic() < end and not (got and acked):
    time.sleep(0.05)
print("ack", acked[0]["decoded"]["routing"]["errorReason"], acked[0]["fromId"])
print("text", got[0]["decoded"]["text"], got[0]["fromId"])
radio.close()
"""


@pytest.fixture
async def village() -> AsyncIterator[SimVillage]:
    async with SimVillage(["Alfa", "Bukit", "Cikal"], seed=5, clock=Clock(SPEED)) as made:
        yield made


async def meshtastic(village: SimVillage, *args: str) -> str:
    """Run the official command against Alfa; its output. It must exit with 0."""
    address = f"127.0.0.1:{village.port('Alfa')}"
    return await run(sys.executable, "-m", "meshtastic", "--host", address, *args)


async def run(*argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_info(village):
    out = await meshtastic(village, "--info")
    assert "Owner: Alfa (ALFA)" in out
    assert '"firmwareVersion": "2.7.26' in out
    for text in ('"region": "KR"', '"modemPreset": "MEDIUM_FAST"', '"longName": "Bukit"'):
        assert text in out
    assert "Primary channel URL: https://meshtastic.org/e/#" in out


async def test_nodes(village):
    out = await meshtastic(village, "--nodes")
    rows = {line.split("│")[2].strip(): line for line in out.splitlines() if "│" in line}
    assert {"Alfa", "Bukit", "Cikal"} <= rows.keys()
    assert "!10000020" in rows["Bukit"]


async def test_sendtext(village):
    await meshtastic(village, "--sendtext", "rapat nanti malam")
    for name in ("Bukit", "Cikal"):
        shown = await until(lambda name=name: village.device(name).shown)
        assert [(s.text, s.sender) for s in shown] == [("rapat nanti malam", 0x1000001F)]
    assert not village.device("Alfa").shown


async def test_sendtext_with_acknowledgement(village):
    out = await meshtastic(village, "--sendtext", "rahasia", "--ack", "--dest", "!10000020")
    assert "Received an ACK." in out
    assert [(s.text, s.pki) for s in village.device("Bukit").shown] == [("rahasia", True)]
    assert not village.device("Cikal").shown


async def test_sendtext_to_a_node_that_is_off(village):
    village.device("Bukit").power_off()
    village.device("Cikal").power_off()
    village.air.observers.append(lambda event: seen.append(event.what))
    seen: list[str] = []
    out = await meshtastic(village, "--sendtext", "halo", "--ack", "--dest", "!10000020")
    assert "Received a NAK, error reason: MAX_RETRANSMIT" in out
    assert seen.count("tx") == 3


async def test_traceroute_and_telemetry(village):
    out = await meshtastic(village, "--traceroute", "!10000020")
    assert "!1000001f --> !10000020 (" in out
    assert "!10000020 --> !1000001f (" in out
    out = await meshtastic(village, "--request-telemetry", "--dest", "!10000021")
    assert "Battery level: 101.00%" in out


async def test_configure_then_export(village, tmp_path):
    """A profile is written in one edit, the radio reboots once and keeps it."""
    profile = tmp_path / "desa.yaml"
    profile.write_text(
        "owner: Balai Desa\nowner_short: BLD\n"
        "config:\n  lora:\n    region: KR\n    hopLimit: 4\n    txPower: 17\n"
        "  device:\n    role: CLIENT_MUTE\n"
        "module_config:\n  telemetry:\n    deviceUpdateInterval: 3600\n"
    )
    boots: list[bool] = []
    village.device("Alfa").on_power.append(boots.append)
    await meshtastic(village, "--configure", str(profile))
    await until(lambda: boots == [False, True])
    await until(lambda: village.servers["Alfa"]._server is not None)
    exported = yaml.safe_load(await meshtastic(village, "--export-config"))
    assert exported["owner"] == "Balai Desa"
    assert exported["owner_short"] == "BLD"
    lora = exported["config"]["lora"]
    assert (lora["region"], lora["hopLimit"], lora["txPower"]) == ("KR", 4, 17)
    assert exported["config"]["device"]["role"] == "CLIENT_MUTE"
    assert exported["module_config"]["telemetry"]["deviceUpdateInterval"] == 3600
    assert exported["channel_url"].startswith("https://meshtastic.org/e/#")


async def test_set_region_moves_the_radio_to_another_frequency(village):
    alfa = village.device("Alfa")
    assert alfa.board.state.tuning.mhz == 920.125
    await meshtastic(village, "--set", "lora.region", "SG_923")
    await until(lambda: alfa.board.state.region == "SG_923")
    assert alfa.board.state.tuning.mhz == 922.125
    await until(lambda: not alfa.powered)
    await until(lambda: village.servers["Alfa"]._server is not None and alfa.powered)
    assert '"region": "SG_923"' in await meshtastic(village, "--info")
    alfa.say("tidak ada yang dengar")
    await until(lambda: village.air.airtime_ms(by=alfa.num) > 0)
    assert not village.device("Bukit").shown


async def test_seturl_brings_two_radios_onto_a_channel_of_their_own(village):
    """The channel URL that one radio exports, given to another."""
    psk = "AgICAgICAgICAgICAgICAg=="
    await meshtastic(village, "--ch-set", "psk", f"base64:{psk}", "--ch-index", "0")
    await until(lambda: len(village.device("Alfa").board.state.channel_psk(0)) == 16)
    exported = yaml.safe_load(await meshtastic(village, "--export-config"))
    address = f"127.0.0.1:{village.port('Bukit')}"
    url = exported["channel_url"]
    await run(sys.executable, "-m", "meshtastic", "--host", address, "--seturl", url)
    await until(lambda: len(village.device("Bukit").board.state.channel_psk(0)) == 16)
    village.device("Alfa").say("hanya kita berdua")
    await until(lambda: village.device("Bukit").shown)
    assert not village.device("Cikal").shown


async def test_the_library_sends_and_receives(village):
    async with asyncio.TaskGroup() as tasks:
        port = str(village.port("Alfa"))
        client = tasks.create_task(run(sys.executable, "-c", LIBRARY_CLIENT, port))
        await until(lambda: village.device("Bukit").shown, TIMEOUT_S)
        village.device("Cikal").say("halo pustaka")
    lines = client.result().splitlines()
    assert lines == [
        "nodes Alfa Bukit Cikal",
        "ack NONE !10000020",
        "text halo pustaka !10000021",
    ]
