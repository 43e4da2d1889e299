"""The reference for both ways: one socket to a radio, and nothing else.

    python -m benchmarks.radio_reader PORT

Blocking, no asyncio, no database: it prints packet id and time of every text it parsed. Command
`say ID` writes one text to the radio and prints when.
"""

import json
import select
import socket
import sys
import time

from meshtastic.protobuf import mesh_pb2

from benchmarks.processes import READY
from kimnode.wire.stream import Deframer, frame

NONCE = 4711
TEXT_PORT = 1


def main(port: int) -> None:
    radio = socket.create_connection(("127.0.0.1", port))
    radio.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    radio.sendall(frame(mesh_pb2.ToRadio(want_config_id=NONCE).SerializeToString()))
    deframer = Deframer()
    while True:
        readable, _, _ = select.select([radio, sys.stdin], [], [])
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            say(radio, int(line.split()[1]))
        if radio in readable:
            for payload in deframer.feed(radio.recv(65_536)):
                take(mesh_pb2.FromRadio.FromString(payload))


def take(message: mesh_pb2.FromRadio) -> None:
    now_ns = time.monotonic_ns()
    if message.config_complete_id == NONCE:
        tell(READY)
    elif message.packet.decoded.portnum == TEXT_PORT:
        message.packet.decoded.payload.decode()
        tell([message.packet.id, now_ns])


def say(radio: socket.socket, packet_id: int) -> None:
    data = mesh_pb2.Data(portnum=TEXT_PORT, payload=b"Ani: halo dari pos")
    packet = mesh_pb2.MeshPacket(to=0xFFFFFFFF, id=packet_id, decoded=data, want_ack=True)
    start_ns = time.monotonic_ns()
    radio.sendall(frame(mesh_pb2.ToRadio(packet=packet).SerializeToString()))
    tell([packet_id, start_ns])


def tell(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
