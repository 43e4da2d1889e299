"""One client's connection to a radio: frames in, limits, config dump, queues out (PhoneAPI).

The firmware looks at the connection every 5 to 250 ms; in one pass it reads everything, then
writes everything. Bursts therefore lose queue states, and two heartbeats get one answer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import DecodeError
from meshtastic.protobuf import mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Error, Port
from kimnode.radio.sim.dump import dump
from kimnode.radio.sim.outgoing import Outgoing
from kimnode.radio.sim.phone_stream import FirmwareDeframer
from kimnode.radio.sim.service import Service
from kimnode.radio.sim.timeline import Event
from kimnode.wire.stream import frame

REMEMBERED_IDS = 20
MAX_PAYLOAD_BYTES = 233  # the firmware's array; a longer one fails to parse, without any answer
TEXT_PAUSE_S = 2.0
SLOW_PORT_PAUSE_S = 10.0
TRACEROUTE_PAUSE_S = 30.0
SLOW_PORTS = {Port.POSITION_APP, Port.WAYPOINT_APP, Port.ALERT_APP, Port.TELEMETRY_APP}
POLL_MIN_S, POLL_FAST_S, POLL_SLOW_S, POLL_FAST_FOR_S = 0.005, 0.1, 0.25, 2.0
IDLE_TIMEOUT_S = 900.0
HEARTBEAT_NODEINFO = 1


class Sink(Protocol):
    """The connection's far end: a TCP socket, a pseudo-terminal, or a test's list."""

    @property
    def congested(self) -> bool:
        """The client does not read; hold back."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def pause(self, paused: bool) -> None: ...


@dataclass(slots=True)
class Hooks:
    """What the API asks of the rest of the radio."""

    send_nodeinfo: Callable[[], None]
    closed: Callable[["PhoneApi"], None]


class PhoneApi:
    """Lives from connect to close. `feed()` takes the client's bytes."""

    def __init__(
        self, board: Board, service: Service, out: Outgoing, sink: Sink, hooks: Hooks
    ) -> None:
        self.sink = sink
        self._board = board
        self._service = service
        self._outgoing = out
        self._hooks = hooks
        self._inbox: list[bytes] = []
        self._deframer = FirmwareDeframer()
        self._recent_ids: deque[int] = deque(maxlen=REMEMBERED_IDS)
        self._last_sent: dict[int, float] = {}
        self._heartbeat = False
        self._streaming = False
        self._out: deque[mesh_pb2.FromRadio] = deque()
        self._last_input = board.timeline.now
        self._pass: Event | None = None
        self._wedged = False
        self._open = True
        self._hung_up = False
        self._idle = board.timeline.after(IDLE_TIMEOUT_S, self._check_idle)

    def feed(self, data: bytes) -> None:
        """Bytes from the client; handled at the next pass."""
        self._inbox.append(data)
        self.nudge()

    def nudge(self) -> None:
        """Something waits in or out: plan a pass."""
        if self._pass is None and self._open and not self._wedged:
            recent = self._board.timeline.now - self._last_input < POLL_FAST_FOR_S
            longest = POLL_FAST_S if recent else POLL_SLOW_S
            delay = self._board.chance.uniform(POLL_MIN_S, longest)
            self._pass = self._board.timeline.after(delay, self._run_pass)

    def wedge(self, wedged: bool) -> None:
        """Stop (or go on) reading and writing while the connection stays open."""
        self._wedged = wedged
        self.sink.pause(wedged)
        if wedged and self._pass:
            self._pass.cancel()
            self._pass = None
        self.nudge()

    def hang_up(self) -> None:
        """The client closed its end; what it wrote before is still obeyed, as in the firmware."""
        self._hung_up = True
        self.nudge()

    def close(self) -> None:
        """End the connection. The queues stay for the next client."""
        if not self._open:
            return
        self._open = False
        self._idle.cancel()
        if self._pass:
            self._pass.cancel()
        self.sink.close()
        self._hooks.closed(self)

    def _run_pass(self) -> None:
        self._pass = None
        inbox, self._inbox = self._inbox, []
        if inbox:
            self._last_input = self._board.timeline.now
        for payload in self._deframer.feed(b"".join(inbox)):
            self._handle(payload)
            if not self._open:
                return
        if self._hung_up:
            self.close()
        else:
            self._drain()

    def _drain(self) -> None:
        while (message := self._next_out()) is not None:
            if self.sink.congested:
                self._out.appendleft(message)
                self._pass = self._board.timeline.after(POLL_SLOW_S, self._run_pass)
                return
            self.sink.write(frame(message.SerializeToString()))

    def _next_out(self) -> mesh_pb2.FromRadio | None:
        if self._heartbeat:
            self._heartbeat = False
            return mesh_pb2.FromRadio(queueStatus=self._service.queue_status())
        if self._out:
            return self._out.popleft()
        return self._service.next_for_client() if self._streaming else None

    def _handle(self, payload: bytes) -> None:
        try:
            message = mesh_pb2.ToRadio.FromString(payload)
        except DecodeError:
            return
        kind = message.WhichOneof("payload_variant")
        if kind == "want_config_id":
            self._out = deque(dump(self._board, message.want_config_id))
            self._streaming = True
        elif kind == "heartbeat":
            if message.heartbeat.nonce == HEARTBEAT_NODEINFO:
                self._hooks.send_nodeinfo()
            else:
                self._heartbeat = True
        elif kind == "disconnect":
            self.close()
        elif kind == "packet":
            self._packet(message.packet)

    def _packet(self, packet: mesh_pb2.MeshPacket) -> None:
        if len(packet.decoded.payload) > MAX_PAYLOAD_BYTES:
            return
        if packet.id and packet.id in self._recent_ids:
            return
        self._recent_ids.append(packet.id)
        if self._too_soon(packet):
            return
        self._last_sent[packet.decoded.portnum] = self._board.timeline.now
        self._service.from_client(packet)

    def _too_soon(self, packet: mesh_pb2.MeshPacket) -> bool:
        """The firmware's limits. A refused packet still gets a queueStatus that says "ok"."""
        port = packet.decoded.portnum
        ago = self._board.timeline.now - self._last_sent.get(port, -TRACEROUTE_PAUSE_S)
        if port == Port.TRACEROUTE_APP and ago < TRACEROUTE_PAUSE_S:
            self._service.report(0, packet.id)
            self._service.notify(packet.id, "TraceRoute can only be sent once every 30 seconds")
            return True
        if port in SLOW_PORTS and ago < SLOW_PORT_PAUSE_S:
            self._service.report(0, packet.id)
            return True
        if port == Port.TEXT_MESSAGE_APP and ago < TEXT_PAUSE_S:
            self._service.report(0, packet.id)
            # Addressed to p.from: with from = 0 the refusal goes on the air, to nobody.
            self._outgoing.ack(
                Error.RATE_LIMIT_EXCEEDED, sender_of(packet), packet.id, packet.channel
            )
            return True
        return False

    def _check_idle(self) -> None:
        silent_s = self._board.timeline.now - self._last_input
        if silent_s >= IDLE_TIMEOUT_S:
            self.close()
        else:
            self._idle = self._board.timeline.after(IDLE_TIMEOUT_S - silent_s, self._check_idle)
