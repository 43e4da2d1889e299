"""Admin messages of the radio's own client: read and write settings, node list, clock.

A getter is answered by the value; everything else by ROUTING NONE, which only says "understood".
Remote administration is refused: a village does not use it.
"""

from collections.abc import Callable

from meshtastic.protobuf import admin_pb2, channel_pb2, config_pb2, mesh_pb2

from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Error, Port
from kimnode.radio.sim.config_state import (
    CHANNELS,
    CONFIG_SECTIONS,
    LORA_REBOOT_FIELDS,
    MODULE_SECTIONS,
    REGION_POWER_DBM,
    apply_preset,
    make_config,
    make_metadata,
)
from kimnode.radio.sim.crypto import make_keys
from kimnode.radio.sim.dump import config_section, module_section
from kimnode.radio.sim.modules import parse
from kimnode.radio.sim.nodes import NodeEntry
from kimnode.radio.sim.routing import make_ack, reply_to

REBOOT_DELAY_S = 7.0
SET_TIME_PAUSE_S = 1800.0
PASSKEY_S = 300.0
SECONDS_40_YEARS = 40 * 365 * 86400
FIRMWARE_BUILT_AT = 1_767_225_600  # unix; a clock before this is refused (1 Jan 2026)

Admin = admin_pb2.AdminMessage
Packet = mesh_pb2.MeshPacket


class AdminModule:
    """`reboot_in(seconds)` and `send_position()` reach the rest of the radio."""

    def __init__(
        self,
        board: Board,
        reboot_in: Callable[[float], None],
        send_position: Callable[[], None],
    ) -> None:
        self._board = board
        self._reboot_in = reboot_in
        self._send_position = send_position
        self._editing = False
        self._time_set_at: float | None = None
        self._passkey = b""
        self._passkey_at = 0.0
        self._getters: dict[str, Callable[[Admin, Admin], None]] = {
            "get_channel_request": self._get_channel,
            "get_owner_request": self._get_owner,
            "get_config_request": self._get_config,
            "get_module_config_request": self._get_module_config,
            "get_device_metadata_request": self._get_metadata,
            "get_ringtone_request": self._get_ringtone,
            "get_canned_message_module_messages_request": self._get_canned,
        }
        self._setters: dict[str, Callable[[Admin], None]] = {
            "set_owner": self._set_owner,
            "set_channel": self._set_channel,
            "set_config": self._set_config,
            "set_module_config": self._set_module_config,
            "begin_edit_settings": lambda _: self._edit(True),
            "commit_edit_settings": lambda _: self._edit(False),
            "set_time_only": self._set_time,
            "add_contact": self._add_contact,
            "remove_by_nodenum": self._remove_node,
            "set_favorite_node": lambda m: self._flag(m.set_favorite_node, favorite=True),
            "remove_favorite_node": lambda m: self._flag(m.remove_favorite_node, favorite=False),
            "set_ignored_node": lambda m: self._flag(m.set_ignored_node, ignored=True),
            "remove_ignored_node": lambda m: self._flag(m.remove_ignored_node, ignored=False),
            "set_fixed_position": self._set_fixed_position,
            "remove_fixed_position": self._remove_fixed_position,
            "set_ringtone_message": self._set_ringtone,
            "set_canned_message_module_messages": self._set_canned,
            "reboot_seconds": lambda m: self._reboot_in(m.reboot_seconds),
            "nodedb_reset": self._reset_nodes,
            "factory_reset_config": self._factory_reset,
        }

    def handle(self, packet: Packet) -> Packet | None:
        """Obey an admin packet addressed to us; the reply, if one is due."""
        if sender_of(packet) not in (0, self._board.num):
            return self._answer(packet, Error.ADMIN_PUBLIC_KEY_UNAUTHORIZED)
        message = parse(Admin, packet.decoded.payload)
        if message is None:
            return self._answer(packet, Error.BAD_REQUEST)
        kind = message.WhichOneof("payload_variant") or ""
        if getter := self._getters.get(kind):
            response = Admin(session_passkey=self._session_passkey())
            getter(message, response)
            reply = self._board.new_packet(0, Port.ADMIN_APP, response.SerializeToString())
            reply.pki_encrypted = packet.pki_encrypted
            return reply_to(self._board, packet, reply)
        if setter := self._setters.get(kind):
            setter(message)
        return self._answer(packet, Error.NONE)

    def _answer(self, packet: Packet, error: int) -> Packet | None:
        if not packet.decoded.want_response:
            return None
        ack = make_ack(self._board, error, 0, packet.id, packet.channel, 0)
        ack.pki_encrypted = packet.pki_encrypted
        return reply_to(self._board, packet, ack)

    def _session_passkey(self) -> bytes:
        now = self._board.timeline.now
        if not self._passkey or now - self._passkey_at > PASSKEY_S:
            self._passkey = self._board.chance.randbytes(8)
            self._passkey_at = now
        return self._passkey

    def _save(self, *, reboot: bool) -> None:
        """Settings changed: reboot 7 s later, or when the edit that is open ends."""
        self._board.nodes.save(self._board.timeline.now)
        if reboot and not self._editing:
            self._reboot_in(REBOOT_DELAY_S)

    def _edit(self, begin: bool) -> None:
        self._editing = begin
        if not begin:
            self._save(reboot=True)

    # --- getters ---------------------------------------------------------------------------

    def _get_channel(self, message: Admin, response: Admin) -> None:
        index = message.get_channel_request - 1  # the question counts from 1
        if 0 <= index < CHANNELS:
            response.get_channel_response.CopyFrom(self._board.state.channels[index])

    def _get_owner(self, _: Admin, response: Admin) -> None:
        response.get_owner_response.CopyFrom(self._board.state.owner)

    def _get_config(self, message: Admin, response: Admin) -> None:
        if message.get_config_request < len(CONFIG_SECTIONS):
            name = CONFIG_SECTIONS[message.get_config_request]
            if name == "sessionkey" or hasattr(self._board.state.config, name):
                response.get_config_response.CopyFrom(config_section(self._board, name))

    def _get_module_config(self, message: Admin, response: Admin) -> None:
        index = message.get_module_config_request
        name = MODULE_SECTIONS[index] if index < len(MODULE_SECTIONS) else ""
        response.get_module_config_response.CopyFrom(module_section(self._board, name))

    def _get_metadata(self, _: Admin, response: Admin) -> None:
        response.get_device_metadata_response.CopyFrom(make_metadata(self._board.state))

    def _get_ringtone(self, _: Admin, response: Admin) -> None:
        response.get_ringtone_response = self._board.state.ringtone

    def _get_canned(self, _: Admin, response: Admin) -> None:
        response.get_canned_message_module_messages_response = self._board.state.canned_messages

    # --- setters ---------------------------------------------------------------------------

    def _set_owner(self, message: Admin) -> None:
        owner, new = self._board.state.owner, message.set_owner
        before = owner.SerializeToString()
        owner.long_name = new.long_name or owner.long_name
        owner.short_name = new.short_name or owner.short_name
        owner.is_licensed = new.is_licensed
        if owner.SerializeToString() != before:
            self._save(reboot=True)

    def _set_channel(self, message: Admin) -> None:
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
        self._save(reboot=False)

    def _set_config(self, message: Admin) -> None:
        name = message.set_config.WhichOneof("payload_variant")
        if name is None or not hasattr(self._board.state.config, name):
            return
        section = getattr(self._board.state.config, name)
        new = getattr(message.set_config, name)
        before = type(section)()
        before.CopyFrom(section)
        section.CopyFrom(new)
        reboot = True
        if name == "lora":
            self._after_lora(before)
            reboot = any(getattr(before, f) != getattr(section, f) for f in LORA_REBOOT_FIELDS)
        elif name == "device":
            self._board.state.owner.role = section.role
            reboot = before != section
        elif name == "security":
            self._keep_keys(before)
        self._save(reboot=reboot)

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

    def _set_module_config(self, message: Admin) -> None:
        name = message.set_module_config.WhichOneof("payload_variant")
        if name is None or not hasattr(self._board.state.modules, name):
            return
        getattr(self._board.state.modules, name).CopyFrom(getattr(message.set_module_config, name))
        self._save(reboot=True)

    def _set_time(self, message: Admin) -> None:
        now, epoch = self._board.timeline.now, message.set_time_only
        lately = self._time_set_at is not None and now - self._time_set_at < SET_TIME_PAUSE_S
        if lately or not FIRMWARE_BUILT_AT <= epoch <= FIRMWARE_BUILT_AT + SECONDS_40_YEARS:
            return
        self._time_set_at = now
        self._board.rtc_s = epoch - now

    def _add_contact(self, message: Admin) -> None:
        contact = message.add_contact
        entry = self._board.nodes.get_or_add(contact.node_num)
        entry.user = mesh_pb2.User()
        entry.user.CopyFrom(contact.user)
        entry.favorite = True
        entry.verified = contact.manually_verified
        self._save(reboot=False)

    def _remove_node(self, message: Admin) -> None:
        self._board.nodes.remove(message.remove_by_nodenum)
        self._save(reboot=False)

    def _flag(self, num: int, *, favorite: bool | None = None, ignored: bool | None = None) -> None:
        entry: NodeEntry | None = self._board.nodes.get(num)
        if entry is None:
            return
        entry.favorite = entry.favorite if favorite is None else favorite
        entry.ignored = entry.ignored if ignored is None else ignored
        self._save(reboot=False)

    def _set_fixed_position(self, message: Admin) -> None:
        own = self._board.nodes.entries[self._board.num]
        own.position = mesh_pb2.Position()
        own.position.CopyFrom(message.set_fixed_position)
        self._board.state.config.position.fixed_position = True
        self._save(reboot=False)
        self._send_position()

    def _remove_fixed_position(self, _: Admin) -> None:
        self._board.nodes.entries[self._board.num].position = None
        self._board.state.config.position.fixed_position = False
        self._save(reboot=False)

    def _set_ringtone(self, message: Admin) -> None:
        self._board.state.ringtone = message.set_ringtone_message

    def _set_canned(self, message: Admin) -> None:
        self._board.state.canned_messages = message.set_canned_message_module_messages

    def _reset_nodes(self, _: Admin) -> None:
        for num in list(self._board.nodes.entries):
            self._board.nodes.remove(num)
        self._save(reboot=True)

    def _factory_reset(self, message: Admin) -> None:
        self._board.state = make_config(
            self._board.num,
            f"Meshtastic {self._board.num & 0xFFFF:04x}",
            f"{self._board.num & 0xFFFF:04x}",
            self._board.state.keys,
            "UNSET",
            "LONG_FAST",
        )
        self._reset_nodes(message)
