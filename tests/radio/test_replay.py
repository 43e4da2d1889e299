"""Every recording of real firmware goes through the link's own reader; packet states are right."""

import base64
import random
from itertools import pairwise

import pytest

from kimnode.clock import Clock
from kimnode.errors import LinkDown
from kimnode.radio import codec
from kimnode.radio.messages import (
    Heard,
    LinkEvent,
    LinkUp,
    MyInfo,
    QueueStatus,
    RoutingReply,
    Sealed,
)
from kimnode.radio.session import Counters, Session, Terms
from kimnode.radio.tracker import Change, Tracker
from kimnode.rules.delivery import Event, Flight, State, Why, read_routing, silence, step
from kimnode.wire.stream import Deframer, frame
from tests.radio.recordings import ALL, CLIENTS, conversations, from_radio, lines

NODES_ONLY = 69421
SYNTHETIC_PORTS = ("ROUTING_APP", "NODEINFO_APP", "TELEMETRY_APP")


def test_all_112_recordings_are_here():
    assert len(ALL) == 112


def garbled(frames: list[bytes], rng: random.Random) -> list[bytes]:
    """The frames with noise between them, cut at random byte borders."""
    stream = bytearray()
    for payload in frames:
        noise = bytes(b for b in rng.randbytes(rng.randrange(12)) if b != 0x94)
        stream += noise + frame(payload)
    cuts = sorted(rng.sample(range(1, len(stream)), min(60, len(stream) - 1)))
    return [bytes(stream[a:b]) for a, b in pairwise([0, *cuts, len(stream)])]


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_every_frame_is_read_and_means_what_the_recorder_saw(path):
    recorded = from_radio(path)
    if not recorded:
        return  # what was on the air, or a scenario without an answer
    deframer = Deframer()
    chunks = garbled([raw for raw, _ in recorded], random.Random(path.name))
    frames = [f for chunk in chunks for f in deframer.feed(chunk)]
    assert len(frames) == len(recorded)
    for payload, (raw, message) in zip(frames, recorded, strict=True):
        assert payload == raw
        compare(codec.decode(payload), message)


def compare(value, message):
    """The decoded value against the recorder's own decoding."""
    packet = message.get("packet")
    if "queueStatus" in message:
        status = message["queueStatus"]
        assert value == QueueStatus(
            status.get("mesh_packet_id", 0), status.get("res", 0), status.get("free", 0),
            status.get("maxlen", 0),
        )  # fmt: skip
    elif "my_info" in message:
        assert value.num == message["my_info"]["my_node_num"]
    elif "config_complete_id" in message:
        assert value.nonce == message["config_complete_id"]
    elif packet is None:
        return
    elif "encrypted" in packet:
        assert value == Sealed(packet["from"], packet["to"], packet["id"])
    elif packet["decoded"]["portnum"] not in SYNTHETIC_PORTS:
        compare_heard(value, packet)


def compare_heard(value, packet):
    data = packet["decoded"]
    assert isinstance(value, Heard)
    assert (value.sender, value.to, value.packet_id) == (packet["from"], packet["to"], packet["id"])
    if data["portnum"] != "ADMIN_APP":  # its session passkey is masked in the frame only
        assert value.payload == base64.b64decode(data.get("payload", ""))
    assert value.pki_encrypted == packet.get("pki_encrypted", False)
    assert value.public_key == base64.b64decode(packet.get("public_key", ""))
    assert value.reply_id == data.get("reply_id", 0)
    assert (value.hop_start, value.hop_limit) == (
        packet.get("hop_start", 0), packet.get("hop_limit", 0),
    )  # fmt: skip
    assert value.channel == packet.get("channel", 0)
    assert value.rx_time == packet.get("rx_time", 0)


class RecordedPort:
    """Stands for the connection: it plays the recording and then ends."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.written = b""

    async def read(self, _timeout_s: float) -> bytes:
        if not self.chunks:
            raise LinkDown("the recording ends here")
        return self.chunks.pop(0)

    async def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None: ...

    async def close(self) -> None: ...


class OneNonce(random.Random):
    """Random, except that it asks with the nonce of the recording."""

    nonce = 0

    def randrange(self, *_args: int) -> int:
        return self.nonce


@pytest.mark.parametrize("path", CLIENTS, ids=lambda p: p.stem)
async def test_a_session_lives_through_every_recording(path):
    rng = OneNonce(5)
    for conversation in conversations(path):
        if conversation.nonces[0] == NODES_ONLY:
            continue  # carries no my_info; the link never asks for it
        events: list[LinkEvent] = []

        async def publish(event: LinkEvent, events: list[LinkEvent] = events) -> None:
            events.append(event)

        rng.nonce = conversation.nonces[0]
        counters = Counters()
        chunks = garbled(conversation.frames, random.Random(1))
        port = RecordedPort(chunks)
        session = Session(port, Terms(Clock(), rng, None, lambda: None, counters, publish))
        with pytest.raises(LinkDown, match="ends here"):
            await session.run(wake=False)
        assert counters.undecodable == 0
        assert counters.frames == len(conversation.frames)
        ups = [e for e in events if isinstance(e, LinkUp)]
        assert len(ups) == 1
        assert ups[0].radio.firmware == "2.7.26.54e0d8d"
        assert ups[0].radio.num == next(
            m.num for f in conversation.frames if isinstance(m := codec.decode(f), MyInfo)
        )


ACCEPTED = (State.IN_RADIO, Why.ACCEPTED)
NOTHING_SAID = (State.IN_RADIO, Why.NONE)
ON_AIR = (State.ON_AIR, Why.NONE)
NOT_REPEATED = (State.ON_AIR, Why.NOT_REPEATED)
RELAYED = (State.RELAYED, Why.NONE)
DELIVERED = (State.DELIVERED, Why.NONE)
DROPPED = (State.QUEUED, Why.DROPPED)
RATE_LIMITED = (State.QUEUED, Why.RATE_LIMITED)
QUEUE_FULL = (State.QUEUED, Why.QUEUE_FULL)
NO_REGION = (State.QUEUED, Why.NO_REGION)
UNKNOWN_KEY = (State.QUEUED, Why.UNKNOWN_KEY)
TOO_LARGE = (State.FAILED, Why.TOO_LARGE)
NO_KEY = (State.FAILED, Why.NO_KEY)
NO_CHANNEL = (State.FAILED, Why.NO_CHANNEL)
MAX_RETRANSMIT = (State.FAILED, Why.MAX_RETRANSMIT)

# State of each packet that the recorded client sent, in order, when the recording ends. They are
# what can be known from the radio's words alone: several packets that nothing proves on the air
# were in fact transmitted (see the .air files), none that is called so was not.
STATES = {
    "05.a": [ACCEPTED],
    "06.a": [RELAYED],
    "07": [NOT_REPEATED],
    "08.a": [DELIVERED, DELIVERED, DELIVERED, TOO_LARGE],
    "09a": [MAX_RETRANSMIT],
    "09b.a": [RELAYED],
    "09c": [NO_KEY, NO_KEY, NO_KEY, RELAYED],
    "09d": [NO_KEY],
    "09e.a": [UNKNOWN_KEY, DELIVERED],
    "09f": [MAX_RETRANSMIT],
    "10a.a": [ON_AIR, DROPPED, ACCEPTED],
    "10b.a": [ON_AIR, RATE_LIMITED, ACCEPTED],
    "10c.a": [DELIVERED, RATE_LIMITED],
    "11.a": [ON_AIR, TOO_LARGE, ON_AIR, TOO_LARGE, TOO_LARGE, NOTHING_SAID],
    "12.a": [ACCEPTED],
    "13.a": [NOTHING_SAID] * 23 + [QUEUE_FULL] * 2,
    "14a.a": [ACCEPTED, RELAYED, ACCEPTED, DELIVERED],
    "14b.a": [DELIVERED, DELIVERED, ACCEPTED],
    "15.a": [ACCEPTED] * 6,
    "15.b": [ACCEPTED],
    "16d.b": [ACCEPTED] * 3,
    "17c": [DELIVERED],
    "17d": [ACCEPTED],
    "17i": [NO_KEY],
    "17j": [ACCEPTED],
    "18.b": [ACCEPTED, ACCEPTED, ACCEPTED, DELIVERED, ACCEPTED],
    "20.a": [ON_AIR, ON_AIR, DROPPED, DELIVERED, ON_AIR],
    "20b.a": [DELIVERED, DELIVERED],
    "21.a": [ON_AIR, DROPPED, ACCEPTED],
    "22.a": [(State.IN_RADIO, Why.LINK_RESTARTED)],
    "23.a": [DELIVERED] * 20,
    "24.a": [ON_AIR, ON_AIR, RELAYED, NO_CHANNEL, ON_AIR, DELIVERED],
    "25.a": [ON_AIR, DROPPED],
    "26": [NO_REGION] * 4,
    "27.a": [NOT_REPEATED],
}


class Sent:
    """The packets of one recording, followed as the sender follows its own."""

    def __init__(self, path) -> None:
        self.path = path
        self.flights: dict[int, Flight] = {}
        self.history: dict[int, list[tuple[State, Why]]] = {}
        self.tracker = Tracker()
        self.own = 0

    def play(self) -> None:
        for line in lines(self.path)[1:]:
            if line.get("event") == "connect":
                self.note(self.tracker.link_up(line["t"]))
            elif line.get("dir") == "to_radio" and "packet" in line["msg"]:
                self.sent(line["msg"]["packet"], line["t"])
            elif line.get("dir") == "from_radio":
                self.heard(codec.decode(bytes.fromhex(line["hex"])), line["t"])

    def sent(self, packet, now) -> None:
        if packet["decoded"].get("portnum") == "ADMIN_APP":
            return
        new = Flight(packet["id"], packet["to"], packet.get("want_ack", False))
        flight = step(self.flights.get(packet["id"], new), Event.WRITTEN)
        self.flights[packet["id"]] = flight
        self.tracker.add(packet["id"], (0, 0, 0), flight, 17.0, now)

    def heard(self, message, now) -> None:
        match message:
            case MyInfo():
                self.own = message.num
            case QueueStatus():
                self.note(self.tracker.queue_status(message, now))
            case RoutingReply() if self.tracker.holds(message.request_id):
                self.note(self.tracker.routing(message, self.own, now))
            case RoutingReply() if message.request_id in self.flights:
                self.late(message)

    def late(self, reply: RoutingReply) -> None:
        flight = self.flights[reply.request_id]
        sign = read_routing(reply.error, reply.sender, self.own, flight.dest)
        after = step(flight, *sign) if sign else flight
        self.note([Change(0, flight, after, None)])

    def note(self, changes: list[Change]) -> None:
        for change in changes:
            self.flights[change.after.packet_id] = change.after
            past = self.history.setdefault(change.after.packet_id, [])
            past.append((change.after.state, change.after.why))

    def on_air_ids(self) -> set[int]:
        """Packets that the recorder of the air saw our radio transmit."""
        scenario = self.path.name.removesuffix(".jsonl").removesuffix(".a").removesuffix(".b")
        air = self.path.with_name(f"{scenario}.air.jsonl")
        by = f"!{self.own:08x}"
        return {int(e["id"], 16) for e in lines(air) if e.get("ev") == "tx" and e.get("by") == by}


@pytest.mark.parametrize("name", STATES)
def test_the_states_of_recorded_packets(name):
    path = next(p for p in CLIENTS if p.stem == name)
    sent = Sent(path)
    sent.play()
    assert [(f.state, f.why) for f in sent.flights.values()] == STATES[name]


def test_every_recording_with_packets_of_its_own_is_in_the_table():
    sending = set()
    for path in CLIENTS:
        sent = Sent(path)
        sent.play()
        if sent.flights:
            sending.add(path.stem)
    assert sending == set(STATES)


@pytest.mark.parametrize("name", STATES)
def test_what_is_called_transmitted_was_on_the_air(name):
    path = next(p for p in CLIENTS if p.stem == name)
    sent = Sent(path)
    sent.play()
    claimed = {
        i
        for i, f in sent.flights.items()
        if f.state in (State.ON_AIR, State.RELAYED, State.DELIVERED)
        or (f.state is State.FAILED and f.why is Why.MAX_RETRANSMIT)
    }
    if claimed:
        assert claimed <= sent.on_air_ids()


def test_a_refused_packet_was_not_on_the_air():
    for name in ("10a.a", "10b.a", "10c.a", "20.a", "21.a"):
        sent = Sent(next(p for p in CLIENTS if p.stem == name))
        sent.play()
        refused = {i for i, f in sent.flights.items() if f.state is State.QUEUED}
        assert refused
        assert not refused & sent.on_air_ids()


def test_an_early_max_retransmit_is_corrected_by_the_real_ack():
    sent = Sent(next(p for p in CLIENTS if p.stem == "23.a"))
    sent.play()
    corrected = [h for h in sent.history.values() if MAX_RETRANSMIT in h]
    assert len(corrected) == 2
    assert all(h[-1] == DELIVERED for h in corrected)


def test_packets_without_a_word_go_back_to_the_queue_under_the_same_id():
    sent = Sent(next(p for p in CLIENTS if p.stem == "11.a"))
    sent.play()
    silent = sent.flights[3372538781]  # 240 bytes: no answer of any kind
    after = step(silent, *silence(silent))
    assert (after.state, after.why, after.packet_id) == (
        State.QUEUED, Why.NO_ANSWER, silent.packet_id,
    )  # fmt: skip
