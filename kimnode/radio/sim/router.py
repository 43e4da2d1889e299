"""Routing inside one radio: send, repeat, acknowledge (firmware: Reliable/NextHop/FloodingRouter).

An acknowledgement from the own node only says that somebody was heard repeating; only one from the
destination means delivered. Local packets take the same way as those from the air.
"""

from collections import deque
from collections.abc import Callable

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import CannotSend, Error, Port, decode, encode
from kimnode.radio.sim.frame import BROADCAST, Frame
from kimnode.radio.sim.history import PacketHistory
from kimnode.radio.sim.mac import RES_DISABLED, TURNAROUND_S, Mac
from kimnode.radio.sim.reliable import (
    OWN_TRANSMISSIONS,
    RELAYED_TRANSMISSIONS,
    Key,
    Retransmitter,
)
from kimnode.radio.sim.routing import (
    hop_limit_for_answer,
    hops_away,
    is_repeated,
    make_ack,
    priority_of,
    routing_of,
    wants_reliable_ack,
)
from kimnode.rules.lora import HEADER_BYTES

Packet = mesh_pb2.MeshPacket


class Router:
    """`on_packet(packet)` is called for every new packet, ours from the client included.

    It returns True when a module answers by itself, so that no second acknowledgement is sent.
    """

    def __init__(self, board: Board, mac: Mac, on_packet: Callable[[Packet], None]) -> None:
        self.on_unknown_key: Callable[[Packet], None] = lambda _: None
        self._board = board
        self._mac = mac
        self._on_packet = on_packet
        self._history = PacketHistory(board.num)
        self._local: deque[Packet] = deque()
        self._pending = Retransmitter(board, self._wait_s, self._send_again, self._gave_up)

    def send_local(self, packet: Packet) -> int:
        """A packet of this radio's client or modules; the queueStatus code."""
        if self._board.to_us(packet):
            self._enqueue_local(packet)
            return 0
        return self.send(packet)

    def send(self, packet: Packet) -> int:
        if packet.want_ack:
            packet.hop_limit = packet.hop_limit or self._board.state.hop_limit
            self._pending.start(packet, OWN_TRANSMISSIONS)
        self._pending.postpone(self._air_s(packet), but=packet.id)
        if packet.to == BROADCAST:
            res = self._send_flooding(packet)
        else:
            res = self._send_to_next_hop(packet)
        if res == RES_DISABLED:
            self._pending.forget((self._board.num, packet.id))
        return res

    def receive(self, frame: Frame, snr: float, rssi: int) -> None:
        """A frame from the air."""
        packet = Packet(
            to=frame.to,
            id=frame.packet_id,
            channel=frame.channel,
            encrypted=frame.payload,
            hop_limit=frame.hop_limit,
            hop_start=frame.hop_start,
            want_ack=frame.want_ack,
            rx_time=self._board.unix_time,
            rx_snr=snr,
            rx_rssi=rssi,
            next_hop=frame.next_hop if frame.hop_start else 0,
            relay_node=frame.relay if frame.hop_start else 0,
            transport_mechanism=Packet.TransportMechanism.TRANSPORT_LORA,
        )
        setattr(packet, "from", frame.sender)
        entry = self._board.nodes.get(frame.sender)
        if (entry and entry.ignored) or self._is_known(packet, self._mac.air_ms(frame.size_bytes)):
            return
        decode(self._board, packet)
        self._on_packet(packet)

    def ack(
        self,
        error: int,
        to: int,
        request_id: int,
        channel: int,
        hop_limit: int = 0,
        *,
        want_ack: bool = False,
    ) -> None:
        """Send a ROUTING answer; to ourselves it goes to the client."""
        packet = make_ack(self._board, error, to, request_id, channel, hop_limit)
        packet.want_ack = want_ack
        self.send_local(packet)

    def sniff(self, packet: Packet, answered: bool) -> None:
        """Every new packet passes here after the modules: acknowledge, learn, repeat."""
        routing = routing_of(packet)
        if self._board.to_us(packet):
            if not answered:
                self._acknowledge(packet)
            self._stop_by_answer(packet, routing)
        self._learn_next_hop(packet)
        self._repeat(packet)

    def power_off(self) -> None:
        self._pending.forget_all()
        self._local.clear()

    # --- sending ---------------------------------------------------------------------------

    def _send_flooding(self, packet: Packet) -> int:
        packet.relay_node = self._board.relay_byte
        packet.next_hop = 0
        self._history.note(packet)
        return self._transmit(packet)

    def _send_to_next_hop(self, packet: Packet) -> int:
        packet.relay_node = self._board.relay_byte
        self._history.note(packet)
        entry = self._board.nodes.get(packet.to)
        known = entry.next_hop if entry else 0
        packet.next_hop = known if known != packet.relay_node else 0
        watched = self._board.is_ours(packet) and packet.want_ack
        if packet.next_hop and not watched and (packet.hop_limit or packet.want_ack):
            self._pending.start(packet, RELAYED_TRANSMISSIONS)
        return self._transmit(packet)

    def _transmit(self, packet: Packet) -> int:
        ours = self._board.is_ours(packet)
        if ours:
            setattr(packet, "from", self._board.num)
            packet.hop_start = packet.hop_limit
        try:
            frame = encode(self._board, packet)
        except CannotSend as error:
            self.ack(error.code, self._board.num, packet.id, packet.channel)
            return error.code
        return self._mac.send(frame, priority_of(packet), None if ours else packet.rx_snr)

    def _send_again(self, packet: Packet, is_last: bool) -> None:
        if packet.to == BROADCAST:
            self._send_flooding(packet)
        elif not is_last:
            self._send_to_next_hop(packet)
        else:
            if entry := self._board.nodes.get(packet.to):
                entry.next_hop = 0
            self._send_flooding(packet)

    def _gave_up(self, packet: Packet) -> None:
        if self._board.is_ours(packet):
            self.ack(Error.MAX_RETRANSMIT, self._board.num, packet.id, packet.channel)

    def _enqueue_local(self, packet: Packet) -> None:
        self._local.append(packet)
        if len(self._local) == 1:
            self._board.timeline.after(TURNAROUND_S, self._drain_local)

    def _drain_local(self) -> None:
        while self._local:
            packet = self._local[0]
            if not self._is_known(packet, 0.0):
                self._on_packet(packet)
            if self._local:
                self._local.popleft()

    # --- receiving -------------------------------------------------------------------------

    def _is_known(self, packet: Packet, air_ms: float) -> bool:
        """True for duplicates, after doing what a duplicate asks for (shouldFilterReceived)."""
        key = (sender_of(packet), packet.id)
        if key[0] == self._board.num and (waiting := self._pending.get(key)):
            self.ack(Error.NONE, self._board.num, packet.id, waiting.packet.channel)
            self._stop(key)
        self._pending.postpone(air_ms / 1000)
        seen = self._history.note(packet)
        if not seen.before:
            return False
        if packet.to == BROADCAST:
            if not is_repeated(packet):
                self._mac.cancel(*key)
            elif not self._mac.waits(*key):
                self._repeat(packet)
            return True
        self._stop(key)
        if seen.fallback or is_repeated(packet):
            if not self._mac.waits(*key):
                self._answer_again(packet)
        elif not seen.we_were_next_hop:
            self._mac.cancel(*key)
        return True

    def _answer_again(self, packet: Packet) -> None:
        repeated = self._repeat(packet)
        if not repeated and self._board.to_us(packet) and packet.want_ack:
            self.ack(Error.NONE, sender_of(packet), packet.id, 0)

    def _acknowledge(self, packet: Packet) -> None:
        sender = sender_of(packet) or self._board.num
        hops = hop_limit_for_answer(self._board, packet)
        if not packet.want_ack:
            if packet.next_hop == self._board.relay_byte and packet.hop_limit > 0:
                self.ack(Error.NONE, sender, packet.id, packet.channel)
            return
        if packet.WhichOneof("payload_variant") != "decoded":
            unknown = packet.channel == 0 and not self._board.nodes.public_key(sender)
            code = Error.PKI_UNKNOWN_PUBKEY if unknown else Error.NO_CHANNEL
            self.ack(code, sender, packet.id, 0, hops)
        elif wants_reliable_ack(self._board, packet):
            self.ack(Error.NONE, sender, packet.id, packet.channel, hops, want_ack=True)
        elif not packet.decoded.request_id and not packet.decoded.reply_id:
            self.ack(Error.NONE, sender, packet.id, packet.channel, hops)
        elif hops_away(packet) == 0 or packet.next_hop:
            self.ack(Error.NONE, sender, packet.id, packet.channel)

    def _stop_by_answer(self, packet: Packet, routing: mesh_pb2.Routing | None) -> None:
        if packet.WhichOneof("payload_variant") != "decoded":
            return
        if routing and routing.error_reason == Error.PKI_UNKNOWN_PUBKEY:
            self.on_unknown_key(packet)
        if packet.decoded.request_id:
            self._stop((packet.to, packet.decoded.request_id))

    def _stop(self, key: Key) -> None:
        entry = self._pending.forget(key)
        if entry and entry.left < OWN_TRANSMISSIONS - 1:
            self._mac.cancel(*key)

    def _learn_next_hop(self, packet: Packet) -> None:
        """Whoever brought the answer to a packet we sent on is the way to the answerer."""
        if packet.WhichOneof("payload_variant") != "decoded":
            return
        request_id = packet.decoded.request_id or packet.decoded.reply_id
        entry = self._board.nodes.get(sender_of(packet))
        if not request_id:
            return
        if entry and sender_of(packet) != self._board.num:
            us = self._board.relay_byte
            relayers = self._history.relayers(packet.to, packet.decoded.request_id)
            both = us in relayers and packet.relay_node in relayers
            if both or (hops_away(packet) == 0 and relayers == [us]):
                entry.next_hop = packet.relay_node
        if not self._board.to_us(packet) and packet.to != BROADCAST:
            self._mac.cancel(packet.to, request_id)
            self._stop((packet.to, request_id))

    def _repeat(self, packet: Packet) -> bool:
        """Send a foreign packet on, if it is for us to do so."""
        us = self._board
        if us.to_us(packet) or us.is_ours(packet) or not packet.hop_limit or us.state.muted:
            return False
        if packet.next_hop not in (0, us.relay_byte) or not packet.id:
            return False
        copy = Packet()
        copy.CopyFrom(packet)
        copy.hop_limit -= 1
        if packet.next_hop:
            self._send_to_next_hop(copy)
        else:
            self._send_flooding(copy)
        return True

    def _air_s(self, packet: Packet) -> float:
        body = packet.encrypted if packet.HasField("encrypted") else packet.decoded.payload
        return self._mac.air_ms(HEADER_BYTES + len(body)) / 1000

    def _wait_s(self, packet: Packet) -> float:
        if packet.HasField("encrypted"):
            size = len(packet.encrypted)
        else:
            size = packet.decoded.ByteSize()
        return self._mac.retransmit_after_s(HEADER_BYTES + size)
