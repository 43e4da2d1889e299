"""One function per decoder of what comes from a radio or a phone, each fed with any bytes.

A target returns if the input was decoded or refused as the contract says. Everything else it lets
out: any exception but WireError and Refused, memory beyond the bound, a result that is not safe.
"""

import random
from collections.abc import Callable, Sequence

from kimnode.errors import Refused, WireError
from kimnode.radio import codec
from kimnode.rules.asking import MAX_LACKS, Pace
from kimnode.rules.exchange import Exchange
from kimnode.rules.names import clean_name
from kimnode.rules.text import BIDI_CONTROLS, MAX_READABLE_BYTES, clean_text, readable
from kimnode.wire import air, fragments, gossip, sealed
from kimnode.wire.airtext import MAX_PARTS, MAX_TEXT_BYTES, parse, parse_command, sos_packet, split
from kimnode.wire.documents import Certificate, Revocation, Root
from kimnode.wire.fragments import MAX_PARTIALS, MAX_PIECES, MAX_VARIANTS, Reassembler
from kimnode.wire.graphemes import MAX_CLUSTER_BYTES, clusters
from kimnode.wire.stream import HEADER_BYTES, MAX_FRAME_BYTES, MAX_LOG_BYTES, Deframer
from kimnode.wire.text import MAX_TEXT_CHARS, compress, decompress

MAX_CHARS = 300


class Broken(AssertionError):
    """A decoder let something through that it may not."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Broken(what)


def stream(data: bytes) -> None:
    """The first byte says how long the chunks are and whether payloads are rejected."""
    step = 1 + (data[0] & 0x7F) if data else 1
    rejects = bool(data and data[0] & 0x80)
    deframer = Deframer()
    framed = 0
    for start in range(0, len(data), step):
        for payload in deframer.feed(data[start : start + step]):
            expect(len(payload) <= MAX_FRAME_BYTES, "payload too long")
            if rejects:
                deframer.reject(payload)
            else:
                framed += HEADER_BYTES + len(payload)
        held = len(deframer._buffer)
        expect(held < HEADER_BYTES + MAX_FRAME_BYTES, "buffer too long")
        taken = min(start + step, len(data))
        expect(framed + deframer.noise_bytes + held == taken, "bytes lost or doubled")
    expect(len(deframer.take_log()) <= MAX_LOG_BYTES, "log too long")


def heard(data: bytes) -> None:
    """A text from the air, all the way to what is shown."""
    text = readable(data)
    expect(len(text) <= MAX_READABLE_BYTES, "text too long")
    expect(not set(text) & BIDI_CONTROLS, "bidi control shown")
    expect(all(c == "\n" or c.isprintable() or ord(c) > 0x9F for c in text), "control shown")
    found = parse(text)
    expect(found.text in text and 1 <= found.part <= found.parts <= 9, "wrong parts")
    parse_command(text)
    expect("".join(clusters(text)) == text, "characters lost")
    expect(all(len(c.encode()) <= MAX_CLUSTER_BYTES for c in clusters(text)), "cluster too long")


def said(data: bytes) -> None:
    """A text from a phone, all the way to its packets."""
    try:
        text = clean_text(data, MAX_CHARS)
    except Refused:
        return
    expect(clean_text(text, MAX_CHARS) == text, "not stable")
    packet = sos_packet("Ani", text)
    expect(len(packet) <= MAX_TEXT_BYTES, "SOS too long")
    try:
        packets = split("Ani", text)
    except Refused:
        return
    expect(1 <= len(packets) <= MAX_PARTS, "wrong number of parts")
    expect(all(len(p) <= MAX_TEXT_BYTES for p in packets), "part too long")
    back = "".join(parse(p.decode()).text for p in packets)
    expect("".join(back.split()) == "".join(text.split()), "text changed")


def named(data: bytes) -> None:
    """A nickname from a phone."""
    try:
        name = clean_name(data.decode("utf-8", "surrogatepass"))
    except (Refused, UnicodeDecodeError):  # the latter is this target's own decoding
        return
    expect(clean_name(name) == name, "not stable")
    expect(parse(f"{name}: x").nick == name, "not parseable on the air")


def packet(data: bytes) -> None:
    """One frame of the radio; what it says may be nonsense, but never more than the frame."""
    message = codec.decode(data)
    expect(len(repr(message)) < 4096 + 8 * len(data), "a value larger than its frame")


def document(data: bytes) -> None:
    """A packet with a document but no text (texts are slow): one packet for each document."""
    if air.type_of(data) in (air.Type.BULLETIN, air.Type.PAIR):
        return
    found = air.unpack(data)
    expect(air.pack(found[0]) == data, "two packets for one document")
    expect(len(repr(found)) < 4096 + 40 * len(data), "a document larger than its packet")


def bulletin(data: bytes) -> None:
    """A bulletin, or the pair of one and its approval."""
    if air.type_of(data) in (air.Type.BULLETIN, air.Type.PAIR):
        found = air.unpack(data[: air.MAX_PACKET_BYTES])
        expect(len(repr(found)) < 8192 + 40 * len(data), "a document larger than its packet")


def kept(data: bytes) -> None:
    """The kept form: one encoding for each document."""
    expect(sealed.encode(sealed.decode(data)) == data, "two encodings of one document")


def hints(data: bytes) -> None:
    """Beacons, vectors, asks, repairs."""
    match air.type_of(data):
        case air.Type.BEACON:
            expect(gossip.parse_beacon(data).pack() == data, "two beacons")
        case air.Type.VECTOR:
            found = gossip.parse_vector(data)
            expect(sum(map(len, found.entries.values())) <= 8 * len(data), "numbers made up")
        case air.Type.ASK:
            expect(gossip.pack_ask(gossip.parse_ask(data)) == data, "two asks")
        case _:
            expect(fragments.parse_repair(data).pack() == data, "two repairs")


def pieces(data: bytes) -> None:
    """Made-up fragments of one message, then the true ones of another."""
    reassembler, whole = Reassembler(), bytes(data * 3)[:1500].ljust(300, b"x")
    true = fragments.split(whole)
    given = [fragments.Fragment(b"8 octets", n % 21, 20, 400, data[n : n + 20]) for n in data]
    for number, piece in enumerate([*given, *true]):
        try:
            packed = fragments.parse_fragment(piece.pack())
        except WireError:
            continue
        found = reassembler.feed(number % 5, packed, float(number))
        expect(found in (None, whole), "a message that nobody sent")
        partials = list(reassembler._partials.values())
        expect(len(partials) <= MAX_PARTIALS, "too many unfinished messages")
        held = [one for partial in partials for one in partial.pieces.values()]
        expect(len(held) <= MAX_PARTIALS * (MAX_PIECES + 1), "too many pieces")
        expect(all(len(one) <= MAX_VARIANTS for one in held), "too many forms of a piece")


class _Nothing:
    """An archive of a gateway that has nothing."""

    def certificate(self, _hint: bytes) -> Certificate | None:
        return None

    def revocations(self) -> Sequence[Revocation]:
        return ()

    def root_after(self, _version: int) -> Root | None:
        return None


def exchange(data: bytes) -> None:
    """Packets of port 302 one after another, each with its length before it."""
    machine = Exchange(b"abcdef", _Nothing(), random.Random(1).random, Pace(), 0.0)
    now, place, said = 0.0, 0, 0
    while place < len(data):
        packet = data[place + 1 : place + 1 + data[place]]
        place, now = place + 1 + data[place], now + 5.0
        try:
            for found in machine.hear(data[0], packet, now):
                air.unpack(found)
        except WireError:
            pass
        said += machine.say(now) is not None
        expect(len(machine._lacks._lacks) <= MAX_LACKS, "too much to ask for")
    expect(said <= 60, "too much said")


def text(data: bytes) -> None:
    """A compressed text: never more than its UTF-8, one encoding."""
    data = data[: air.MAX_PACKET_BYTES]
    found = decompress(data)
    expect(len(found) <= max(MAX_TEXT_CHARS, len(data)), "a text that explodes")
    expect(compress(found) == data, "two encodings of one text")
    expect(len(data) <= len(found.encode()), "longer than raw")


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(stream, packet, heard, said, named),
        *(document, bulletin, kept, hints, pieces, exchange, text),
    )
}
ALLOWED = (WireError, Refused)
