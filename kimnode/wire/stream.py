"""Meshtastic stream framing: `94 C3 len_hi len_lo` + protobuf (SPEC.md section 1).

Bytes outside frames are the radio's text log. A stray 94 directly before a frame must not lose that
frame (real firmware loses it, we do not): after a bad header the search goes on one byte later.
"""

from collections.abc import Iterator

from kimnode.errors import WireError

START1, START2 = 0x94, 0xC3
MAX_FRAME_BYTES = 512  # PhoneAPI.h, firmware 2.7: longer headers are noise
HEADER_BYTES = 4
WAKE = bytes([START2]) * 32  # wakes a sleeping serial console; harmless otherwise
MAX_LOG_BYTES = 4096  # text outside frames kept for one feed(); the rest is only counted


def frame(payload: bytes) -> bytes:
    """One frame around a protobuf of at most MAX_FRAME_BYTES; WireError if it is longer."""
    if len(payload) > MAX_FRAME_BYTES:
        raise WireError(f"frame of {len(payload)} bytes, {MAX_FRAME_BYTES} are allowed")
    return bytes([START1, START2]) + len(payload).to_bytes(2, "big") + payload


class Deframer:
    """Cuts a byte stream into frames. Memory is bounded by one frame plus one chunk.

    `noise_bytes` counts everything that was not part of a frame; `take_log()` returns that text.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._log = bytearray()
        self.noise_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Frames completed by `data`, in order, cut as the iterator is consumed. Never raises."""
        self._buffer += data
        return self._frames()

    def reject(self, payload: bytes) -> None:
        """Search inside the frame that was yielded last: it was no protobuf.

        A frame that lost bytes on the cable has swallowed the beginning of the next one.
        """
        self.noise_bytes += HEADER_BYTES
        self._buffer[:0] = payload

    def take_log(self) -> bytes:
        """Bytes seen outside frames since the last call (at most MAX_LOG_BYTES)."""
        text, self._log = bytes(self._log), bytearray()
        return text

    def _frames(self) -> Iterator[bytes]:
        while (payload := self._next()) is not None:
            yield payload

    def _next(self) -> bytes | None:
        while True:
            start = self._buffer.find(START1)
            self._skip(len(self._buffer) if start < 0 else start)
            if len(self._buffer) < HEADER_BYTES:
                if len(self._buffer) > 1 and self._buffer[1] != START2:
                    self._skip(1)
                    continue
                return None
            size = int.from_bytes(self._buffer[2:HEADER_BYTES], "big")
            if self._buffer[1] != START2 or size > MAX_FRAME_BYTES:
                self._skip(1)
                continue
            end = HEADER_BYTES + size
            if len(self._buffer) < end:
                return None
            payload = bytes(self._buffer[HEADER_BYTES:end])
            del self._buffer[:end]
            return payload

    def _skip(self, count: int) -> None:
        self.noise_bytes += count
        self._log += self._buffer[: min(count, MAX_LOG_BYTES - len(self._log))]
        del self._buffer[:count]
