"""The radio's self-description while it streams in after want_config, with its deadlines.

The key is checked as soon as the radio names its own node (third frame), so that nothing that a
wrong radio says later is believed.
"""

from kimnode.errors import LinkDown, WrongRadio
from kimnode.radio.messages import (
    ChannelInfo,
    FromRadio,
    LoraConfig,
    Metadata,
    MyInfo,
    NodeSeen,
    Radio,
)

SILENCE_S = 15.0  # without a byte
TOTAL_S = 60.0  # with bytes, but no end


class Wedged(LinkDown):
    """The port is open, the radio says nothing."""


class Handshake:
    """One want_config with `nonce`. `pinned_key`: the only key that is accepted, or None."""

    def __init__(self, nonce: int, pinned_key: bytes | None, now: float) -> None:
        self.nonce = nonce
        self.key: bytes | None = None  # of our own radio, b"" when it has none yet
        self._pinned_key = pinned_key
        self._silent_by = now + SILENCE_S
        self._end_by = now + TOTAL_S
        self._num: int | None = None
        self._firmware = ""
        self._lora: LoraConfig | None = None
        self._channels: dict[int, ChannelInfo] = {}

    def due(self) -> float:
        """When to call `check` again."""
        return min(self._silent_by, self._end_by)

    def byte_at(self, now: float) -> None:
        self._silent_by = now + SILENCE_S

    def check(self, now: float, *, silent: bool) -> None:
        """Wedged or LinkDown when the radio takes too long."""
        if silent and now >= self._silent_by:
            raise Wedged(f"the radio did not answer within {SILENCE_S:.0f} s")
        if now >= self._end_by:
            raise LinkDown(f"the radio did not end its configuration within {TOTAL_S:.0f} s")

    def note(self, message: FromRadio) -> None:
        """Keep what belongs to the description. WrongRadio when the key is not the pinned one."""
        match message:
            case MyInfo():
                self._num = message.num
            case Metadata():
                self._firmware = message.firmware
            case LoraConfig():
                self._lora = message
            case ChannelInfo():
                self._channels[message.index] = message
            case NodeSeen() if message.num == self._num and self.key is None:
                self._accept_key(message.public_key)

    def radio(self) -> Radio:
        """The whole, at the end. LinkDown when the radio left out who it is."""
        if self._num is None:
            raise LinkDown("the radio sent a configuration without its own number")
        if self.key is None:
            self._accept_key(b"")
        channels = tuple(self._channels[index] for index in sorted(self._channels))
        return Radio(self._num, self.key or b"", self._firmware, self._lora, channels)

    def _accept_key(self, key: bytes) -> None:
        if self._pinned_key is not None and key != self._pinned_key:
            raise WrongRadio(
                f"this radio has the key {key.hex()[:16] or '(none)'}, pinned is"
                f" {self._pinned_key.hex()[:16]}: plug in the right radio or change the pinned key"
            )
        self.key = key
