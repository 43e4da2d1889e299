"""One virtual radio and a few neighbours on virtual time: what no recording shows, or only once."""

import pytest
from meshtastic.protobuf import admin_pb2, config_pb2, mesh_pb2, telemetry_pb2

from kimnode.radio.sim.crypto import (
    DEFAULT_PSK,
    channel_crypt,
    channel_hash,
    expand_psk,
    make_keys,
    pki_open,
    pki_seal,
)
from kimnode.radio.sim.device import Device
from kimnode.radio.sim.frame import Frame
from kimnode.radio.sim.mac import slot_ms
from kimnode.radio.sim.phone_stream import FirmwareDeframer
from kimnode.radio.sim.txqueue import MAX_TX_QUEUE, Queued, TxQueue
from kimnode.radio.sim.village import SimVillage
from kimnode.wire.stream import frame

Error = mesh_pb2.Routing.Error


class Phone:
    """A client on virtual time: connects, keeps what it gets."""

    congested = False

    def __init__(self, device: Device) -> None:
        self.got: list[mesh_pb2.FromRadio] = []
        self._deframer = FirmwareDeframer()
        self.api = device.connect(self)

    def send(self, **fields) -> None:
        self.api.feed(frame(mesh_pb2.ToRadio(**fields).SerializeToString()))

    def write(self, data: bytes) -> None:
        self.got += [mesh_pb2.FromRadio.FromString(f) for f in self._deframer.feed(data)]

    def of(self, kind: str) -> list:
        return [getattr(m, kind) for m in self.got if m.HasField(kind)]

    def close(self) -> None: ...

    def pause(self, paused: bool) -> None: ...


def texts(device: Device) -> list[str]:
    return [s.text for s in device.shown]


def test_channel_hash_and_key_of_the_public_channel():
    """31 for MEDIUM_FAST is what every recorded air shows, 8 for LONG_FAST is known everywhere."""
    assert channel_hash("MediumFast", b"\x01") == 31
    assert channel_hash("LongFast", b"\x01") == 8
    assert expand_psk(b"\x01") == DEFAULT_PSK
    assert expand_psk(b"\x02")[-1] == DEFAULT_PSK[-1] + 1
    assert (expand_psk(b""), expand_psk(b"\x00")) == (b"", b"")
    assert (len(expand_psk(b"abc")), len(expand_psk(bytes(20)))) == (16, 32)


def test_channel_encryption_hides_and_returns():
    sealed = channel_crypt(b"\x01", 5, 6, b"halo")
    assert sealed != b"halo"
    assert channel_crypt(b"\x01", 5, 6, sealed) == b"halo"
    assert channel_crypt(b"\x01", 5, 7, sealed) != b"halo"
    assert channel_crypt(b"", 5, 6, b"halo") == b"halo"


def test_pki_opens_only_for_the_right_two_and_the_right_header():
    ani, budi, citra = (make_keys(name) for name in (b"ani", b"budi", b"citra"))
    sealed = pki_seal(ani.private, budi.public, 1, 2, b"abcd", b"rahasia")
    assert len(sealed) == len(b"rahasia") + 12
    assert pki_open(budi.private, ani.public, 1, 2, sealed) == b"rahasia"
    assert pki_open(citra.private, ani.public, 1, 2, sealed) is None
    assert pki_open(budi.private, citra.public, 1, 2, sealed) is None
    assert pki_open(budi.private, ani.public, 1, 3, sealed) is None
    assert pki_open(budi.private, ani.public, 9, 2, sealed) is None
    assert pki_open(budi.private, b"", 1, 2, sealed) is None


def test_the_same_seed_gives_the_same_history():
    def history(seed: int) -> list[tuple]:
        village = SimVillage(4, seed=seed, loss=0.2)
        for n, device in enumerate(village.devices.values()):
            village.timeline.at(n * 0.3, lambda d=device: d.say("halo"))
        village.timeline.run_until(60)
        return [(e.t, e.what, e.by, e.at, e.frame.packet_id) for e in village.air.log]

    assert history(1) == history(1)
    assert history(1) != history(2)


def test_a_text_crosses_a_valley_hop_by_hop_and_stops_at_the_hop_limit():
    names = ["A", "B", "C", "D", "E", "F"]
    village = SimVillage(names, seed=2)
    village.line(*names)
    village.device("A").say("dari hulu")
    village.timeline.run_until(60)
    assert [texts(village.device(n)) for n in names] == [[]] + [["dari hulu"]] * 4 + [[]]


def test_each_text_is_shown_once_however_often_it_is_heard():
    village = SimVillage(8, seed=3)
    village.device("R1").say("sekali")
    village.timeline.run_until(60)
    assert [texts(d) for d in village.devices.values()] == [[]] + [["sekali"]] * 7
    sent = [e for e in village.air.log if e.what == "tx"]
    assert 2 <= len(sent) < 8  # neighbours that hear a repeater cancel their own repetition


def test_what_became_of_a_direct_text_is_told():
    village = SimVillage(["A", "B", "C"], seed=4)
    a, b = village.device("A"), village.device("B")
    near = a.dm(b.num, "satu")
    village.timeline.run_until(20)
    village.partition(["A"], ["B", "C"])
    far = a.dm(b.num, "dua")
    village.timeline.run_until(60)
    said = [(o.packet_id, o.by, o.error) for o in a.outcomes]
    assert (near, b.num, Error.NONE) in said
    assert [(o[1], o[2]) for o in said if o[0] == far] == [(a.num, Error.MAX_RETRANSMIT)]
    assert (texts(b), texts(village.device("C"))) == (["satu"], [])


def test_strangers_cannot_send_direct_texts_until_they_met():
    village = SimVillage(["A", "B"], seed=5, know_each_other=False)
    a, b = village.device("A"), village.device("B")
    first = a.dm(b.num, "halo")
    village.timeline.run_until(2)
    assert [(o.packet_id, o.error) for o in a.outcomes] == [(first, Error.PKI_SEND_FAIL_PUBLIC_KEY)]
    b.firmware.modules.send_nodeinfo()
    village.timeline.run_until(10)
    second = a.dm(b.num, "halo lagi")  # B lacks A's key: error 35, and A introduces itself
    village.timeline.run_until(30)
    assert (second, b.num, Error.PKI_UNKNOWN_PUBKEY) in [
        (o.packet_id, o.by, o.error) for o in a.outcomes
    ]
    a.dm(b.num, "akhirnya")
    village.timeline.run_until(60)
    assert texts(b) == ["akhirnya"]


def test_a_second_key_for_a_known_node_is_ignored():
    village = SimVillage(["A", "B"], seed=6)
    a, b = village.device("A"), village.device("B")
    known = a.board.nodes.public_key(b.num)
    b.board.state.keys = make_keys(b"a new radio under the old number")
    b.board.state.owner.public_key = b.board.state.keys.public
    b.firmware.modules.send_nodeinfo()
    village.timeline.run_until(20)
    assert a.board.nodes.public_key(b.num) == known


def test_what_was_learnt_lately_is_lost_at_a_reboot_what_was_saved_stays():
    village = SimVillage(["A", "B"], seed=7, know_each_other=False)
    a, b = village.device("A"), village.device("B")
    village.timeline.run_until(1)
    a.reboot()
    village.timeline.run_until(10)
    b.firmware.modules.send_nodeinfo()
    village.timeline.run_until(20)
    assert a.board.nodes.public_key(b.num)
    a.reboot()  # within the first minute after boot nothing was saved
    village.timeline.run_until(25)
    assert not a.board.nodes.public_key(b.num)
    village.timeline.run_until(100)
    b.firmware.modules.send_nodeinfo()
    village.timeline.run_until(110)
    b.say("halo")
    village.timeline.run_until(120)
    a.reboot()
    village.timeline.run_until(130)
    assert a.board.nodes.public_key(b.num)


def test_the_way_over_a_repeater_is_learnt_from_the_acknowledgement():
    """The first direct text floods, the second names the next hop, on every radio of the way."""
    village = SimVillage(["A", "B", "C"], seed=8)
    village.line("A", "B", "C")
    a, b, c = village.devices.values()
    hops = []
    for n in range(2):
        a.dm(c.num, f"surat {n}")
        village.timeline.run_until(30 * (n + 1))
        sent = [e for e in village.air.log if e.what == "tx" and e.frame.to == c.num]
        hops.append([e.frame.next_hop for e in sent if e.frame.channel == 0])
        village.air.log.clear()
    assert hops == [[0, 0], [b.num & 0xFF, c.num & 0xFF]]
    assert texts(c) == ["surat 0", "surat 1"]


def test_the_clock_is_set_once_in_half_an_hour_and_never_to_nonsense():
    village = SimVillage(["A"], seed=9)
    a = village.device("A")
    a.reboot()
    village.timeline.run_until(1)

    def tell(epoch: int) -> int:
        phone = Phone(a)
        packet = mesh_pb2.MeshPacket(to=a.num)
        packet.decoded.portnum = 6
        admin = admin_pb2.AdminMessage(set_time_only=epoch)
        packet.decoded.payload = admin.SerializeToString()
        phone.send(packet=packet)
        village.timeline.run_until(village.timeline.now + 2)
        return a.board.unix_time

    now = 1_795_314_026
    assert a.board.unix_time == 0
    assert tell(1_000_000) == 0  # before the firmware was built
    assert abs(tell(now) - now) < 5
    assert abs(tell(now + 500) - now) < 10  # too soon, ignored
    village.timeline.run_until(1900)
    assert abs(tell(now + 9000) - (now + 9000)) < 5


def test_traceroute_names_the_repeater_on_both_ways():
    village = SimVillage(["A", "B", "C"], seed=8)
    village.line("A", "B", "C")
    phone = Phone(village.device("A"))
    phone.send(want_config_id=1)
    packet = mesh_pb2.MeshPacket(to=village.device("C").num, id=5, hop_limit=3)
    packet.decoded.portnum = 70
    packet.decoded.want_response = True
    phone.send(packet=packet)
    village.timeline.run_until(30)
    answers = [p for p in phone.of("packet") if p.decoded.portnum == 70]
    route = mesh_pb2.RouteDiscovery.FromString(answers[0].decoded.payload)
    b = village.device("B").num
    assert (list(route.route), list(route.route_back)) == ([b], [b])
    assert (len(route.snr_towards), len(route.snr_back)) == (2, 2)


def test_telemetry_to_the_client_every_minute_tells_the_airtime():
    """Also what the replay of the recordings leaves out: content and period of own telemetry."""
    village = SimVillage(["A", "B"], seed=9)
    a = village.device("A")
    phone = Phone(a)
    phone.send(want_config_id=1)
    for n in range(20):
        village.timeline.at(40 + n * 2, lambda: a.say("x" * 100))
    village.timeline.run_until(95)
    told = [p for p in phone.of("packet") if p.decoded.portnum == 67]
    metrics = [
        t.device_metrics
        for p in told
        if (t := telemetry_pb2.Telemetry.FromString(p.decoded.payload)).HasField("device_metrics")
    ]
    assert [p.priority for p in told] == [mesh_pb2.MeshPacket.Priority.BACKGROUND] * len(told)
    assert [m.uptime_seconds - metrics[0].uptime_seconds for m in metrics] == [0, 60]
    sent_ms = village.air.airtime_ms(by=a.num)
    assert metrics[1].air_util_tx == pytest.approx(sent_ms / 36000, rel=0.2)
    assert metrics[1].channel_utilization > 10
    assert metrics[0].battery_level == 101
    stats = [
        t.local_stats
        for p in told
        if (t := telemetry_pb2.Telemetry.FromString(p.decoded.payload)).HasField("local_stats")
    ]
    assert [s.num_total_nodes for s in stats] == [2]


def test_the_queue_for_an_absent_client_is_bounded_and_prefers_new_texts():
    village = SimVillage(["A", "B"], seed=10)
    a, b = village.device("A"), village.device("B")
    for n in range(120):
        village.timeline.at(n * 4.0, lambda n=n: b.say(f"pesan {n}"))
    village.timeline.run_until(600)
    assert texts(a) == [f"pesan {n}" for n in range(120)]
    phone = Phone(a)
    phone.send(want_config_id=69420)
    village.timeline.run_until(602)
    kept = [p.decoded.payload.decode() for p in phone.of("packet") if p.decoded.portnum == 1]
    assert kept[-1] == "pesan 119"
    assert 90 <= len(kept) <= 100
    assert kept == [f"pesan {n}" for n in range(120 - len(kept), 120)]


def test_an_id_is_refused_until_twenty_others_came():
    village = SimVillage(["A"], seed=10)
    phone = Phone(village.device("A"))

    def send(packet_id: int) -> None:
        packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=packet_id)
        packet.decoded.portnum = 300
        phone.send(packet=packet)
        village.timeline.run_until(village.timeline.now + 3)

    phone.send(want_config_id=69421)
    for packet_id in [1, *range(2, 21), 1, 21, 1]:
        send(packet_id)
    accepted = [s.mesh_packet_id for s in phone.of("queueStatus")]
    assert accepted == [*range(1, 22), 1]


def test_the_transmit_queue_lets_the_important_pass():
    queue = TxQueue()
    frames = [Frame(1, 1, n, 3, 3, False, 8, 0, 1, b"") for n in range(MAX_TX_QUEUE + 3)]
    for n in range(MAX_TX_QUEUE):
        assert queue.put(Queued(frames[n], 64, None))
    assert not queue.put(Queued(frames[16], 64, None))  # full of equals
    assert queue.put(Queued(frames[17], 120, None))  # an acknowledgement displaces the last
    assert queue.take().frame.packet_id == 17
    assert not queue.waits(1, 15)
    assert queue.cancel(1, 3)
    assert not queue.cancel(1, 3)
    assert queue.free == 2


def test_muted_radios_do_not_repeat():
    village = SimVillage(["A", "B", "C"], seed=11)
    village.line("A", "B", "C")
    role = config_pb2.Config.DeviceConfig.Role.CLIENT_MUTE
    village.device("B").board.state.config.device.role = role
    village.device("A").say("sampai?")
    village.timeline.run_until(30)
    assert (texts(village.device("B")), texts(village.device("C"))) == (["sampai?"], [])


def test_a_radio_that_is_off_is_deaf_and_dumb():
    village = SimVillage(["A", "B"], seed=12)
    a, b = village.device("A"), village.device("B")
    b.power_off()
    b.power_off()
    a.say("satu")
    village.timeline.run_until(10)
    b.power_on()
    b.power_on()
    a.say("dua")
    village.timeline.run_until(40)
    assert texts(b) == ["dua"]


def test_an_idle_client_is_thrown_out_after_a_quarter_of_an_hour():
    village = SimVillage(["A"], seed=13)
    a = village.device("A")
    phone = Phone(a)
    phone.send(want_config_id=1)
    village.timeline.run_until(600)
    phone.send(heartbeat=mesh_pb2.Heartbeat())
    village.timeline.run_until(1490)
    assert a.client is phone.api
    village.timeline.run_until(1520)
    assert a.client is None


def test_without_a_region_nothing_is_sent_and_only_the_queue_state_tells():
    village = SimVillage(["A"], seed=13, region="UNSET", preset="LONG_FAST")
    phone = Phone(village.device("A"))
    phone.send(want_config_id=69421)
    packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=7, want_ack=True)
    packet.decoded.portnum = 1
    phone.send(packet=packet)
    village.timeline.run_until(120)
    assert [(s.mesh_packet_id, s.res) for s in phone.of("queueStatus")] == [(7, 34)]
    assert [p for p in phone.of("packet") if p.decoded.portnum == 5] == []
    assert not village.air.log


def test_slots_are_as_long_as_the_preset_asks():
    """12 ms at MEDIUM_FAST: with 3 to 8 bits of contention that is what the recordings show."""
    assert slot_ms("MEDIUM_FAST") == 12
    assert slot_ms("LONG_FAST") == 28


def test_a_message_to_a_channel_only_some_have():
    village = SimVillage(["A", "B", "C"], seed=14)
    for name in ("A", "B"):
        channel = village.device(name).board.state.channels[1]
        channel.settings.name, channel.settings.psk = "desa", bytes(range(32))
        channel.role = 2
    village.device("A").say("untuk desa", channel=1)
    village.timeline.run_until(20)
    assert [(s.text, s.channel) for s in village.device("B").shown] == [("untuk desa", 1)]
    assert texts(village.device("C")) == []
