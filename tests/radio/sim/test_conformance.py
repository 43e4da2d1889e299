"""The simulator against real firmware: every recorded scenario, replayed on virtual time.

Exact means: on every end the same frames in the same order, contents equal after `normal()`.
What the firmware leaves to chance the simulator leaves to its seed; SEEDS names one under which
chance falls as it fell in the recording.
"""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from meshtastic.protobuf import mesh_pb2

import kimnode.radio.sim
from tests.radio.sim.normal import client_ids, is_own_report, normal
from tests.radio.sim.recording import NUMBERS, Line, scenarios
from tests.radio.sim.replay import Replay
from tests.radio.sim.setups import prepare

Error = mesh_pb2.Routing.Error
IN_KIND = {"23"}
EXACT = [name for name in scenarios() if name not in IN_KIND]
# Order of two things that happen within the same quarter of a second (polling of the client).
SEEDS = {"10c": 26, "17a": 6, "17b": 2, "17c": 2, "17d": 3, "17e": 15, "18": 1}
SCENARIOS = Path(kimnode.radio.sim.__file__).parent / "SCENARIOS.md"


@cache
def replayed(name: str) -> Replay:
    replay = Replay(name, SEEDS.get(name, 0))
    prepare(replay)
    replay.run()
    return replay


def ids(replay: Replay) -> set[int]:
    lines = [x for end in replay.recording.ends.values() for x in end]
    return client_ids(x.data for x in lines if x.kind == "to_radio")


def frames(lines: list[Line]) -> list[tuple[float, mesh_pb2.FromRadio]]:
    """What the radio sent, without its own periodic telemetry."""
    sent = [(x.t, mesh_pb2.FromRadio.FromString(x.data)) for x in lines if x.kind == "from_radio"]
    return [(t, message) for t, message in sent if not is_own_report(message)]


def ended_by_radio(lines: list[Line]) -> list[float]:
    """When the radio closed a connection that its client had not closed."""
    found, closed = [], False
    for line in lines:
        if line.kind == "connect":
            closed = False
        elif line.kind == "close":
            closed = True
        elif line.kind == "eof" and not closed:
            found.append(line.t)
    return found


@pytest.mark.parametrize("name", EXACT)
def test_same_frames_in_the_same_order(name):
    replay = replayed(name)
    known = ids(replay)
    for letter, recorded in replay.recording.ends.items():
        got = replay.clients[letter].got
        wanted = [json.dumps(normal(m, known), sort_keys=True) for _, m in frames(recorded)]
        sent = [json.dumps(normal(m, known), sort_keys=True) for _, m in frames(got)]
        assert sent == wanted, letter
        assert len(ended_by_radio(got)) == len(ended_by_radio(recorded)), letter


@pytest.mark.parametrize("name", EXACT)
def test_times_are_within_the_noise_of_the_recording(name):
    """Relay delays are random up to 1.7 s by design, polling up to 0.4 s."""
    replay = replayed(name)
    for letter, recorded in replay.recording.ends.items():
        got = replay.clients[letter].got
        for (wanted, _), (t, message) in zip(frames(recorded), frames(got), strict=True):
            assert abs(t - wanted) < 2.5, (letter, message)
        for wanted, t in zip(ended_by_radio(recorded), ended_by_radio(got), strict=True):
            assert abs(t - wanted) < 0.5, letter


@pytest.mark.parametrize("name", scenarios())
def test_answers_come_within_the_windows(name):
    """queueStatus < 1 s, MAX_RETRANSMIT 15-19 s, acknowledgement of a neighbour 0.5-2 s."""
    replay = replayed(name)
    for letter, recorded in replay.recording.ends.items():
        asked: dict[int, float] = {}
        for line in recorded:
            if line.kind == "to_radio":
                asked.setdefault(mesh_pb2.ToRadio.FromString(line.data).packet.id, line.t)
        asked.pop(0, None)
        answered: set[tuple[int, int]] = set()
        for t, message in frames(replay.clients[letter].got):
            status, packet = message.queueStatus, message.packet
            if status.mesh_packet_id in asked and (0, status.mesh_packet_id) not in answered:
                answered.add((0, status.mesh_packet_id))
                assert t - asked[status.mesh_packet_id] < 1.0
            question = packet.decoded.request_id
            if question not in asked or packet.decoded.portnum != 5:
                continue
            took = t - asked[question]
            error = mesh_pb2.Routing.FromString(packet.decoded.payload).error_reason
            if error == Error.MAX_RETRANSMIT:
                assert 15 <= took <= 19
            elif direct_ack(packet) and name not in IN_KIND:
                assert 0.5 <= took <= 2.0


def direct_ack(packet: mesh_pb2.MeshPacket) -> bool:
    """From the destination itself, without a repeater in between."""
    foreign = packet.transport_mechanism != 0
    return foreign and packet.hop_start == packet.hop_limit and packet.hop_start > 0


@pytest.mark.parametrize("name", ["16a", "16b"])
def test_reboot_follows_the_write_by_seven_seconds(name):
    replay = replayed(name)
    writes = [
        line.t
        for line in replay.recording.ends["A"]
        if line.kind == "to_radio" and mesh_pb2.ToRadio.FromString(line.data).HasField("packet")
    ]
    for end in ended_by_radio(replay.clients["A"].got):
        assert 7.0 <= end - max(t for t in writes if t < end) <= 8.5


@pytest.mark.parametrize("seed", range(5))
def test_23_with_thirty_percent_loss_everything_arrives_and_errors_are_not_final(seed):
    """Which frames are lost is chance; what is determined: see the three asserts."""
    replay = Replay("23", seed)
    prepare(replay)
    replay.run()
    wanted = [
        packet.id
        for line in replay.recording.ends["A"]
        if line.kind == "to_radio"
        and (packet := mesh_pb2.ToRadio.FromString(line.data).packet).decoded.payload
    ]
    assert len(wanted) == 20
    shown = [
        message.packet.id
        for _, message in frames(replay.clients["B"].got)
        if message.packet.decoded.portnum == 1
    ]
    assert len(shown) == len(set(shown))  # a repeated packet is shown once
    said: dict[int, list[tuple[int, int]]] = {packet_id: [] for packet_id in wanted}
    queued = []
    for _, message in frames(replay.clients["A"].got):
        packet = message.packet
        if message.queueStatus.mesh_packet_id in said:
            queued.append(message.queueStatus.mesh_packet_id)
        if packet.decoded.request_id in said:
            error = mesh_pb2.Routing.FromString(packet.decoded.payload).error_reason
            said[packet.decoded.request_id].append((getattr(packet, "from"), error))
    assert queued == wanted  # each got its queueStatus, in order
    for packet_id, answers in said.items():  # each has an end, and a real ack implies delivery
        assert answers
        if (NUMBERS["B"], Error.NONE) in answers:
            assert packet_id in shown


def test_23_shows_the_late_acknowledgement_of_the_recording():
    """Under some chance MAX_RETRANSMIT is followed by the real acknowledgement, as recorded."""
    for seed in range(40):
        replay = Replay("23", seed)
        prepare(replay)
        replay.run()
        given_up: set[int] = set()
        for _, message in frames(replay.clients["A"].got):
            packet = message.packet
            if packet.decoded.portnum != 5:
                continue
            error = mesh_pb2.Routing.FromString(packet.decoded.payload).error_reason
            if error == Error.MAX_RETRANSMIT:
                given_up.add(packet.decoded.request_id)
            elif packet.decoded.request_id in given_up:
                return
    pytest.fail("no seed showed it")


def test_13_exactly_the_last_two_queue_states_survive_the_burst():
    """25 packets at once: this is not chance, the firmware's queue has two places."""
    replay = replayed("13")
    lines = replay.recording.ends["A"]
    sent = [mesh_pb2.ToRadio.FromString(x.data).packet.id for x in lines if x.kind == "to_radio"]
    states = [
        m.queueStatus for _, m in frames(replay.clients["A"].got) if m.HasField("queueStatus")
    ]
    assert [s.mesh_packet_id for s in states] == [*sent[-2:], 0]
    assert [s.res for s in states] == [32, 32, 0]
    heard = [m for _, m in frames(replay.clients["B"].got) if m.HasField("packet")]
    assert [m.packet.id for m in heard] == sent[1:17]


def test_the_table_of_scenarios_says_what_is_tested():
    rows = dict(
        re.findall(r"^\| (\d\w*) \|[^|]*\| (exact|in kind) \|", SCENARIOS.read_text(), re.M)
    )
    assert rows == {name: "in kind" if name in IN_KIND else "exact" for name in scenarios()}
