"""The settings a client may write, and when the radio reboots because of one.

`Settings` methods take the AdminMessage; each saves, and most make the radio reboot 7 s later
(or when the open edit is committed).
"""

from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import admin_pb2, channel_pb2, config_pb2

from kimnode.radio.sim.board import Board
from kimnode.radio.sim.config_state import (
    CHANNELS,
    LORA_REBOOT_FIELDS,
    REGION_POWER_DBM,
    apply_preset,
    make_config,
)
from kimnode.radio.sim.crypto import make_keys

REBOOT_DELAY_S = 7.0

Admin: TypeAlias = admin_pb2.AdminMessage


class Settings:
    """`reboot_in(seconds)` plans the radio's restart."""

    def __init__(self, board: Board, reboot_in: Callable[[float], None]) -> None:
        self._board = board
        self._reboot_in = reboot_in
        self._editing = False

    def save(self, *, reboot: bool = False) -> None:
        """Write to flash; reboot 7 s later if asked, or when the edit that is open ends."""
        self._board.nodes.save(self._board.timeline.now)
        if reboot and not self._editing:
            self._reboot_in(REBOOT_DELAY_S)

    def begin_edit(self, _: Admin) -> None:
        self._editing = True

    def commit_edit(self, _: Admin) -> None:
        self._editing = False
        self.save(reboot=True)

    def set_owner(self, message: Admin) -> None:
        owner, new = self._board.state.owner, message.set_owner
        before = owner.SerializeToString()
        owner.long_name = new.long_name or owner.long_name
        owner.short_name = new.short_name or owner.short_name
        owner.is_licensed = new.is_licensed
        if owner.SerializeToString() != before:
            self.save(reboot=True)

    def set_channel(self, message: Admin) -> None:
        channel = message.set_channel
        if not 0 <= channel.index < CHANNELS:
            return
        slot = self._board.state.channels[channel.index]
        slot.CopyFrom(channel)
        slot.settings.SetInParent()
        if channel.role == channel_pb2.Channel.Role.PRIMARY:
            for other in self._board.state.channels:
                if other.index != channel.index and other.role == channel.role:
                    other.role = channel_pb2.Channel.Role.SECONDARY
        self.save()

    def set_config(self, message: Admin) -> None:
        name = message.set_config.WhichOneof("payload_variant")
        if name is None or not hasattr(self._board.state.config, name):
            return
        section = getattr(self._board.state.config, name)
        before = type(section)()
        before.CopyFrom(section)
        section.CopyFrom(getattr(message.set_config, name))
        reboot = True
        if name == "lora":
            self._after_lora(before)
            reboot = any(getattr(before, f) != getattr(section, f) for f in LORA_REBOOT_FIELDS)
        elif name == "device":
            self._board.state.owner.role = section.role
            reboot = before != section
        elif name == "security":
            self._keep_keys(before)
        self.save(reboot=reboot)

    def set_module_config(self, message: Admin) -> None:
        name = message.set_module_config.WhichOneof("payload_variant")
        if name is None or not hasattr(self._board.state.modules, name):
            return
        getattr(self._board.state.modules, name).CopyFrom(getattr(message.set_module_config, name))
        self.save(reboot=True)

    def set_ringtone(self, message: Admin) -> None:
        self._board.state.ringtone = message.set_ringtone_message

    def set_canned_messages(self, message: Admin) -> None:
        self._board.state.canned_messages = message.set_canned_message_module_messages

    def factory_reset(self, _: Admin) -> None:
        board = self._board
        short = f"{board.num & 0xFFFF:04x}"
        keys = board.state.keys
        board.state = make_config(
            board.num, f"Meshtastic {short}", short, keys, "UNSET", "LONG_FAST"
        )
        for num in list(board.nodes.entries):
            board.nodes.remove(num)
        self.save(reboot=True)

    def _after_lora(self, before: config_pb2.Config.LoRaConfig) -> None:
        """Fill in what follows from region and preset; a first region makes the keys."""
        state, lora = self._board.state, self._board.state.config.lora
        apply_preset(state.config)
        limit = REGION_POWER_DBM.get(state.region, 30)
        if lora.region != before.region:
            lora.tx_power = min(lora.tx_power or limit, limit)
            state.modules.mqtt.root = f"msh/{state.region}"
        if not before.region and lora.region and not state.keys.private:
            state.keys = make_keys(self._board.chance.randbytes(32))
            state.owner.public_key = state.keys.public
            state.config.security.public_key = state.keys.public
            state.config.security.private_key = state.keys.private

    def _keep_keys(self, before: config_pb2.Config.SecurityConfig) -> None:
        """A security section without keys does not wipe ours."""
        security = self._board.state.config.security
        if not security.private_key:
            security.private_key, security.public_key = before.private_key, before.public_key
