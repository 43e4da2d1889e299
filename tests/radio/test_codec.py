"""Whatever a radio sends, the decoder knows it or raises WireError; what we say is exact."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshtastic.protobuf import admin_pb2, mesh_pb2, portnums_pb2, telemetry_pb2

from kimnode.errors import WireError
from kimnode.radio import codec
from kimnode.radio.messages import (
    ALERT_PRIORITY,
    CONFIG_ONLY,
    ChannelInfo,
    Contact,
    Heard,
    LoraConfig,
    NodeSeen,
    Notification,
    Outgoing,
    Rebooted,
    RoutingReply,
    Telemetry,
)
from kimnode.rules.airtime import packet_airtime_ms
from tests.radio.recordings import CLIENTS, from_radio

KEY = bytes(range(32))
RECORDED = sorted({raw for path in CLIENTS for raw, _ in from_radio(path)})
ports = st.sampled_from([1, 4, 5, 6, 67, 300])


@given(st.binary(max_size=512))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(WireError):
        codec.decode(data)


@given(st.sampled_from(RECORDED), st.data())
def test_a_damaged_frame_is_read_or_refused(raw, data):
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    with contextlib.suppress(WireError):
        codec.decode(bytes(damaged[:cut]))


@given(ports, st.binary(max_size=233), st.integers(0, 2**32 - 1))
def test_any_payload_on_any_port(port, payload, sender):
    packet = mesh_pb2.MeshPacket(
        to=1, id=2, decoded=mesh_pb2.Data(portnum=port, payload=payload, request_id=9)
    )
    setattr(packet, "from", sender)
    with contextlib.suppress(WireError):
        value = codec.decode(mesh_pb2.FromRadio(packet=packet).SerializeToString())
        if port in (1, 300):
            assert isinstance(value, Heard)
            assert value.payload == payload


def decode(**fields):
    return codec.decode(mesh_pb2.FromRadio(**fields).SerializeToString())


def heard(portnum, payload, sender=7, **data):
    packet = mesh_pb2.MeshPacket(
        to=1, id=2, decoded=mesh_pb2.Data(portnum=portnum, payload=payload, **data)
    )
    setattr(packet, "from", sender)
    return decode(packet=packet)


def test_routing_is_an_answer_only_with_the_id_it_answers():
    error = mesh_pb2.Routing(error_reason=5).SerializeToString()
    assert heard(5, error, request_id=9) == RoutingReply(9, 7, 5)
    assert heard(5, error) is None
    assert heard(5, b"", request_id=9) == RoutingReply(9, 7, 0)
    route = mesh_pb2.Routing(route_reply=mesh_pb2.RouteDiscovery()).SerializeToString()
    assert heard(5, route, request_id=9) is None


def test_names_come_from_the_node_list_and_from_the_air():
    user = mesh_pb2.User(long_name="Pak RT", short_name="RT", public_key=b"k" * 32)
    expected = NodeSeen(7, "Pak RT", "RT", b"k" * 32, 0, 0.0)
    assert decode(node_info=mesh_pb2.NodeInfo(num=7, user=user)) == expected
    assert heard(4, user.SerializeToString()) == expected
    assert decode(node_info=mesh_pb2.NodeInfo(num=7)) == NodeSeen(7, "", "", b"", 0, 0.0)


def test_telemetry_keeps_what_was_said_and_nothing_that_is_no_number():
    def of(**metrics):
        device = telemetry_pb2.DeviceMetrics(**metrics)
        return heard(67, telemetry_pb2.Telemetry(device_metrics=device).SerializeToString())

    assert of(channel_utilization=2.5, battery_level=101) == Telemetry(7, 2.5, None, 101, None)
    assert of(channel_utilization=float("nan"), air_util_tx=float("inf")) == Telemetry(
        7, None, None, None, None
    )
    local = telemetry_pb2.Telemetry(local_stats=telemetry_pb2.LocalStats())
    assert heard(67, local.SerializeToString()) is None


def test_channels_and_their_keys():
    public = mesh_pb2.FromRadio()
    public.channel.role = 1
    public.channel.settings.psk = b"\x01"
    assert codec.decode(public.SerializeToString()) == ChannelInfo(0, "", "PRIMARY", True)
    private = mesh_pb2.FromRadio()
    private.channel.index = 1
    private.channel.role = 2
    private.channel.settings.psk = b"k" * 32
    private.channel.settings.name = "desa"
    assert codec.decode(private.SerializeToString()) == ChannelInfo(1, "desa", "SECONDARY", False)


def test_a_modem_of_ones_own_and_a_region_from_the_future():
    message = mesh_pb2.FromRadio()
    lora = message.config.lora
    lora.spread_factor, lora.bandwidth, lora.coding_rate, lora.region = 8, 125, 6, 99
    value = codec.decode(message.SerializeToString())
    assert isinstance(value, LoraConfig)
    assert value.region == "99"
    assert (value.preset.spreading, value.preset.bandwidth_khz, value.preset.coding) == (8, 125, 6)
    lora.use_preset, lora.modem_preset = True, 42
    assert isinstance(codec.decode(message.SerializeToString()), LoraConfig)


@pytest.mark.parametrize("absurd", [2**32 - 1, 2000, 1])
def test_a_modem_that_cannot_be_is_reckoned_as_a_slow_one(absurd):
    message = mesh_pb2.FromRadio()
    lora = message.config.lora
    lora.spread_factor, lora.bandwidth, lora.coding_rate = absurd, absurd, absurd
    value = codec.decode(message.SerializeToString())
    assert isinstance(value, LoraConfig)
    assert 0.1 < packet_airtime_ms(value.preset, 100) < 10_000


def own_packet(**fields):
    reply = mesh_pb2.Routing(error_reason=0).SerializeToString()
    data = mesh_pb2.Data(portnum=5, payload=reply, request_id=9)
    packet = mesh_pb2.MeshPacket(to=1, id=2, decoded=data, **fields)
    setattr(packet, "from", 7)
    return codec.decode(mesh_pb2.FromRadio(packet=packet).SerializeToString(), own_node=7)


@pytest.mark.parametrize("forged", [{"transport_mechanism": 1}, {"rx_rssi": -90}])
def test_what_the_air_says_in_our_own_radios_name_is_not_its_word(forged):
    assert own_packet() == RoutingReply(9, 7, 0)
    assert own_packet(**forged) is None


def test_our_own_radios_words_are_kept_in_every_recording():
    words = 0
    for path in CLIENTS:
        own_node = None
        for raw, message in from_radio(path):
            own_node = message.get("my_info", {}).get("my_node_num", own_node)
            words += message.get("packet", {}).get("from") == own_node is not None
            assert codec.decode(raw, own_node) == codec.decode(raw)
    assert words > 50


def test_the_rest():
    assert decode(rebooted=True) == Rebooted()
    note = mesh_pb2.ClientNotification(message="Duty cycle", reply_id=5)
    assert decode(clientNotification=note) == Notification("Duty cycle", 5)
    assert decode(fileInfo=mesh_pb2.FileInfo(file_name="/prefs/nodes")) is None
    assert codec.decode(b"") is None


def test_what_we_say_byte_for_byte():
    assert codec.want_config(CONFIG_ONLY).hex() == "18ac9e04"
    assert codec.heartbeat().hex() == "3a00"
    packet = Outgoing(
        packet_id=399635608, to=0xFFFFFFFF, channel=0,
        payload=b"halo semua, ada yang dengar?", want_ack=True,
    )  # fmt: skip
    assert codec.packet(packet, 268435487, 3).hex() == (  # recorded, scenario 06
        "0a350d1f00001015ffffffff22200801121c68616c6f2073656d75612c206164612079616e672064656e6761"
        "723f3598f4d11748035001"
    )


def test_the_time_goes_to_our_own_radio_only():
    message = mesh_pb2.ToRadio.FromString(codec.set_time(1_795_314_026, 7, 4711)).packet
    assert (message.to, getattr(message, "from"), message.id) == (7, 7, 4711)
    assert message.decoded.portnum == portnums_pb2.ADMIN_APP
    assert admin_pb2.AdminMessage.FromString(message.decoded.payload).set_time_only == 1_795_314_026
    assert not message.want_ack


def test_reply_and_priority_travel():
    packet = Outgoing(1, 2, 1, b"x", want_ack=False, reply_id=9, priority=ALERT_PRIORITY)
    message = mesh_pb2.ToRadio.FromString(codec.packet(packet, 7, 0)).packet
    assert (message.channel, message.decoded.reply_id, message.priority) == (1, 9, 110)


@pytest.mark.parametrize(("payload", "packet_id"), [(b"", 1), (b"x" * 201, 1), (b"x", 0)])
def test_a_packet_that_must_not_exist_is_our_own_fault(payload, packet_id):
    with pytest.raises(ValueError, match="packet of"):
        codec.packet(Outgoing(packet_id, 2, 0, payload, want_ack=True), 7, 3)


def test_a_signed_document_goes_on_its_own_port_and_may_fill_the_packet():
    packet = Outgoing(1, 0xFFFFFFFF, 0, bytes([33] * 231), want_ack=False, portnum=302)
    data = mesh_pb2.ToRadio.FromString(codec.packet(packet, 7, 3)).packet.decoded
    assert (data.portnum, len(data.payload)) == (302, 231)
    with pytest.raises(ValueError, match="packet of"):
        codec.packet(Outgoing(1, 2, 0, bytes(232), want_ack=False, portnum=302), 7, 3)


def test_a_contact_is_given_to_the_radio_as_checked_by_a_person():
    sent = mesh_pb2.ToRadio.FromString(codec.add_contact(Contact(0x20, "Sari", KEY), 0x1F, 9))
    admin = admin_pb2.AdminMessage.FromString(sent.packet.decoded.payload)
    shared = admin.add_contact
    assert (sent.packet.to, sent.packet.id, sent.packet.decoded.portnum) == (0x1F, 9, 6)
    assert not sent.packet.want_ack
    assert not sent.packet.decoded.want_response
    assert (shared.node_num, shared.manually_verified) == (0x20, True)
    assert (shared.user.id, shared.user.long_name) == ("!00000020", "Sari")
    assert shared.user.public_key == KEY


def test_a_node_is_forgotten_by_its_number():
    sent = mesh_pb2.ToRadio.FromString(codec.remove_node(0x20, 0x1F, 9))
    admin = admin_pb2.AdminMessage.FromString(sent.packet.decoded.payload)
    assert admin.remove_by_nodenum == 0x20
