"""The way in: duplicates, acknowledgements, next hops learnt, packets repeated for others.

Firmware: Reliable/NextHop/FloodingRouter. An acknowledgement from the own node only says that
somebody was heard repeating; only one from the destination means delivered.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Error, decode
from kimnode.radio.sim.frame import BROADCAST, Frame
from kimnode.radio.sim.history import PacketHistory
from kimnode.radio.sim.mac import TURNAROUND_S, Mac
from kimnode.radio.sim.outgoing import Outgoing
from kimnode.radio.sim.routing import (
    hop_limit_for_answer,
    hops_away,
    is_repeated,
    routing_of,
    wants_reliable_ack,
)

Packet: TypeAlias = mesh_pb2.MeshPacket


class Router:
    """`on_packet(packet)` gets every new packet, those of our own client included.

    Whoever handles it calls `sniff()` afterwards. Packets to ourselves take the same way.
    """

    def __init__(self, board: Board, mac: Mac, on_packet: Callable[[Packet], None]) -> None:
        self.on_unknown_key: Callable[[Packet], None] = lambda _: None
        self._board = board
        self._mac = mac
        self._on_packet = on_packet
        self._history = PacketHistory(board.num)
        self._local: deque[Packet] = deque()
        self.out = Outgoing(board, mac, self._history, self._enqueue_local)

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

    def sniff(self, packet: Packet, answered: bool) -> None:
        """After the modules: acknowledge (unless one of them answers), learn, repeat."""
        if self._board.to_us(packet):
            if not answered:
                self._acknowledge(packet)
            self._stop_by_answer(packet)
        self._learn_next_hop(packet)
        self._repeat(packet)

    def power_off(self) -> None:
        self.out.pending.forget_all()
        self._local.clear()

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

    def _is_known(self, packet: Packet, air_ms: float) -> bool:
        """True for duplicates, after doing what a duplicate asks for (shouldFilterReceived)."""
        key = (sender_of(packet), packet.id)
        if key[0] == self._board.num and (waiting := self.out.pending.get(key)):
            self.out.ack(Error.NONE, self._board.num, packet.id, waiting.packet.channel)
            self.out.stop(key)
        self.out.pending.postpone(air_ms / 1000)
        seen = self._history.note(packet)
        if not seen.before:
            return False
        if packet.to == BROADCAST:
            if not is_repeated(packet):
                self._mac.queue.cancel(*key)
            elif not self._mac.queue.waits(*key):
                self._repeat(packet)
            return True
        self.out.stop(key)
        if seen.fallback or is_repeated(packet):
            if not self._mac.queue.waits(*key):
                self._answer_again(packet)
        elif not seen.we_were_next_hop:
            self._mac.queue.cancel(*key)
        return True

    def _answer_again(self, packet: Packet) -> None:
        repeated = self._repeat(packet)
        if not repeated and self._board.to_us(packet) and packet.want_ack:
            self.out.ack(Error.NONE, sender_of(packet), packet.id, 0)

    def _acknowledge(self, packet: Packet) -> None:
        sender = sender_of(packet) or self._board.num
        hops = hop_limit_for_answer(self._board, packet)
        if not packet.want_ack:
            if packet.next_hop == self._board.relay_byte and packet.hop_limit > 0:
                self.out.ack(Error.NONE, sender, packet.id, packet.channel)
            return
        if packet.WhichOneof("payload_variant") != "decoded":
            unknown = packet.channel == 0 and not self._board.nodes.public_key(sender)
            code = Error.PKI_UNKNOWN_PUBKEY if unknown else Error.NO_CHANNEL
            self.out.ack(code, sender, packet.id, 0, hops)
        elif wants_reliable_ack(self._board, packet):
            self.out.ack(Error.NONE, sender, packet.id, packet.channel, hops, want_ack=True)
        elif not packet.decoded.request_id and not packet.decoded.reply_id:
            self.out.ack(Error.NONE, sender, packet.id, packet.channel, hops)
        elif hops_away(packet) == 0 or packet.next_hop:
            self.out.ack(Error.NONE, sender, packet.id, packet.channel)

    def _stop_by_answer(self, packet: Packet) -> None:
        if packet.WhichOneof("payload_variant") != "decoded":
            return
        routing = routing_of(packet)
        if routing and routing.error_reason == Error.PKI_UNKNOWN_PUBKEY:
            self.on_unknown_key(packet)
        if packet.decoded.request_id:
            self.out.stop((packet.to, packet.decoded.request_id))

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
            self._mac.queue.cancel(packet.to, request_id)
            self.out.stop((packet.to, request_id))

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
            self.out.to_next_hop(copy)
        else:
            self.out.flood(copy)
        return True
