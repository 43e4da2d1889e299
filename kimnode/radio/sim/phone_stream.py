"""How firmware 2.7 cuts frames out of what a client writes, weaknesses included.

Unlike `kimnode.wire.stream` it does lose the frame that follows a stray 0x94: a simulated radio
must not be kinder than a real one.
"""

from collections.abc import Iterator

from kimnode.wire.stream import HEADER_BYTES, MAX_FRAME_BYTES, START1, START2


class FirmwareDeframer:
    """Byte by byte state machine of StreamAPI::readStream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Payloads completed by `data`, in order."""
        start = 0 if self._buffer else max(data.find(START1), 0)  # noise before a frame: skip
        for byte in data[start:]:
            place = len(self._buffer)
            self._buffer.append(byte)
            if (place == 0 and byte != START1) or (place == 1 and byte != START2):
                self._buffer.clear()
            elif place >= HEADER_BYTES - 1:
                size = int.from_bytes(self._buffer[2:HEADER_BYTES], "big")
                if size > MAX_FRAME_BYTES:
                    self._buffer.clear()
                elif place + 1 >= size + HEADER_BYTES:
                    payload = bytes(self._buffer[HEADER_BYTES:])
                    self._buffer.clear()
                    yield payload
