"""Replays a recorded scenario against the simulator, on virtual time.

The starting state (who is known, fixed position, clock) is what the first recorded dump of each
end shows, and the next hops are those the recorded air shows; from then on the simulator is alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.air import Air
from kimnode.radio.sim.board import Board
from kimnode.radio.sim.config_state import make_config
from kimnode.radio.sim.crypto import KeyPair
from kimnode.radio.sim.device import Device
from kimnode.radio.sim.nodes import NodeList
from kimnode.radio.sim.timeline import Timeline
from kimnode.wire.stream import Deframer, frame
from tests.radio.sim.recording import KEYS, NAMES, NUMBERS, Line, Recording, load, messages

MET_EACH_OTHER = "ABC"  # D met nobody before 09d
UNIX_START = 1_795_313_600
SETTLE_S = 1.0  # after the last recorded line
RETRY_S = 0.01  # how often the replayed client tries to connect to a radio that is down


@dataclass
class Client:
    """The recorded client of one end, and what the simulator sent to it: lines like recorded."""

    got: list[Line] = field(default_factory=list)
    late_s: float = 0.0  # behind the recording, because the radio came back later


class RecordingSink:
    """The far end of one connection; notes frames with their virtual time."""

    congested = False

    def __init__(self, timeline: Timeline, client: Client) -> None:
        self._timeline = timeline
        self._client = client
        self._deframer = Deframer()
        self.hung_up = False

    def write(self, data: bytes) -> None:
        for payload in self._deframer.feed(data):
            self._client.got.append(Line(self._timeline.now, "from_radio", payload))

    def close(self) -> None:
        if not self.hung_up:
            self._client.got.append(Line(self._timeline.now, "eof"))

    def pause(self, paused: bool) -> None:
        raise AssertionError(f"no scenario wedges the radio ({paused})")


def first_dump(lines: list[Line]) -> list[mesh_pb2.FromRadio]:
    """What an end was told first, up to config_complete_id."""
    dump = []
    for message in messages(lines):
        dump.append(message)
        if message.config_complete_id:
            break
    return dump


class Replay:
    """The simulated nodes of one scenario; `run()` lives it through."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.recording: Recording = load(name)
        self.timeline = Timeline(seed)
        self.air = Air(self.timeline)
        self.devices: dict[str, Device] = {}
        self.clients = {letter: Client() for letter in self.recording.ends}
        for letter in self.recording.nodes:
            self.devices[letter] = Device(self._board(letter), self.air, letter)
            self._next_hops(letter)

    def at(self, t: float, action: Callable[[], object]) -> None:
        """Something the recorder did besides what its clients wrote."""
        self.timeline.at(t, lambda: action() and None)

    def run(self) -> None:
        for letter, lines in self.recording.ends.items():
            self._play(letter, list(lines), None)
        self.timeline.run_until(self.recording.end_t + SETTLE_S)

    def _play(self, letter: str, lines: list[Line], connection: object) -> None:
        """Do the next input of one end, then plan the one after."""
        client, device = self.clients[letter], self.devices[letter]
        lines = [x for x in lines if x.kind in ("connect", "to_radio", "raw", "close")]
        if not lines:
            return

        def step() -> None:
            api, line = connection, lines[0]
            if line.kind == "connect":
                if not device.powered:
                    client.late_s += RETRY_S
                    self.timeline.after(RETRY_S, step)
                    return
                api = device.connect(RecordingSink(self.timeline, client))
            elif line.kind == "close":
                api.sink.hung_up = True
                api.hang_up()
            else:
                api.feed(frame(line.data) if line.kind == "to_radio" else line.data)
            self._play(letter, lines[1:], api)

        self.timeline.at(lines[0].t + client.late_s, step)

    def _board(self, letter: str) -> Board:
        recording, num = self.recording, NUMBERS[letter]
        dump = first_dump(recording.ends.get(letter, []))
        own = next((m.node_info for m in dump if m.node_info.num == num), None)
        keys = KEYS[letter] if recording.region != "UNSET" else KeyPair(b"", b"")
        state = make_config(num, *NAMES[letter], keys, recording.region, recording.preset)
        if own is not None:
            state.owner.long_name = own.user.long_name
            state.owner.short_name = own.user.short_name
            state.config.position.fixed_position = bool(own.position.latitude_i)
        for message in dump:  # what earlier scenarios of the same recording had changed
            if message.moduleConfig.HasField("telemetry"):
                state.modules.telemetry.CopyFrom(message.moduleConfig.telemetry)
            if message.config.HasField("device"):
                state.config.device.CopyFrom(message.config.device)
                state.owner.role = message.config.device.role
            if message.config.HasField("lora"):
                state.config.lora.CopyFrom(message.config.lora)
        state.nodeinfo_sent_at = -500.0
        chance = self.timeline.chance(letter)
        nodes = self._node_list(letter, dump)
        clock = self._unix_start if own is None or own.last_heard else None
        return Board(num, self.timeline, chance, state, nodes, clock, booted_at=-300.0)

    def _node_list(self, letter: str, dump: list[mesh_pb2.FromRadio]) -> NodeList:
        nodes = NodeList(NUMBERS[letter])
        nodes.get_or_add(NUMBERS[letter])
        infos = [m.node_info for m in dump if m.HasField("node_info")]
        if not any(m.HasField("node_info") and m.node_info.num != nodes.own for m in dump):
            for friend in MET_EACH_OTHER if letter in MET_EACH_OTHER else "":
                state = make_config(
                    NUMBERS[friend], *NAMES[friend], KEYS[friend], "KR", "LONG_FAST"
                )
                nodes.get_or_add(NUMBERS[friend]).user = state.owner
        for info in infos:
            entry = nodes.get_or_add(info.num)
            entry.user = info.user if info.HasField("user") else None
            entry.snr, entry.last_heard = info.snr, info.last_heard
            entry.hops_away = info.hops_away if info.HasField("hops_away") else None
            entry.favorite, entry.verified = info.is_favorite, info.is_key_manually_verified
            entry.position = info.position if info.HasField("position") else None
            entry.metrics = info.device_metrics if info.HasField("device_metrics") else None
        return nodes

    @property
    def _unix_start(self) -> float:
        """Unix time of the scenario's second 0, from the first dump that shows a clock."""
        for letter, lines in self.recording.ends.items():
            for line in lines:
                if line.kind == "from_radio":
                    info = mesh_pb2.FromRadio.FromString(line.data).node_info
                    if info.num == NUMBERS[letter] and info.last_heard:
                        return info.last_heard - line.t
        return UNIX_START

    def _next_hops(self, letter: str) -> None:
        """What the recorded air shows this node to know before the first packet went that way."""
        numbers = {f"!{num:08x}": num for num in NUMBERS.values()}
        seen: set[str] = set()
        for event in self.recording.air:
            if event["ev"] == "tx" and numbers[event["by"]] == NUMBERS[letter]:
                to = event["to"]
                if to in numbers and to not in seen:
                    seen.add(to)
                    if entry := self.devices[letter].board.nodes.get(numbers[to]):
                        entry.next_hop = event["nh"]
