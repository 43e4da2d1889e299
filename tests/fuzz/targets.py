"""One function per decoder of what comes from a radio or a phone, each fed with any bytes.

A target returns if the input was decoded or refused as the contract says. Everything else it lets
out: any exception but WireError and Refused, memory beyond the bound, a result that is not safe.
"""

from collections.abc import Callable

from kimnode.errors import Refused, WireError
from kimnode.radio import codec
from kimnode.rules.names import clean_name
from kimnode.rules.text import BIDI_CONTROLS, MAX_READABLE_BYTES, clean_text, readable
from kimnode.wire.airtext import MAX_PARTS, MAX_TEXT_BYTES, parse, parse_command, sos_packet, split
from kimnode.wire.graphemes import MAX_CLUSTER_BYTES, clusters
from kimnode.wire.stream import HEADER_BYTES, MAX_FRAME_BYTES, MAX_LOG_BYTES, Deframer

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


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (stream, packet, heard, said, named)
}
ALLOWED = (WireError, Refused)
