"""Admin messages of the radio's own client: read and write settings, node list, clock.

A getter is answered by the value; everything else by ROUTING NONE, which only says "understood".
Remote administration is refused: a village does not use it.
"""

from collections.abc import Callable
from typing import TypeAlias

from meshtastic.protobuf import admin_pb2, mesh_pb2

from kimnode.radio.sim.admin_settings import Settings
from kimnode.radio.sim.board import Board, sender_of
from kimnode.radio.sim.codec import Error, Port
from kimnode.radio.sim.config_state import CHANNELS, CONFIG_SECTIONS, MODULE_SECTIONS, make_metadata
from kimnode.radio.sim.dump import config_section, module_section
from kimnode.radio.sim.modules import parse
from kimnode.radio.sim.routing import make_ack, reply_to

SET_TIME_PAUSE_S = 1800.0
PASSKEY_S = 300.0
SECONDS_40_YEARS = 40 * 365 * 86400
FIRMWARE_BUILT_AT = 1_767_225_600  # unix; a clock before this is refused (1 Jan 2026)

Admin: TypeAlias = admin_pb2.AdminMessage
Packet: TypeAlias = mesh_pb2.MeshPacket


def _get(board: Board, kind: str, message: Admin, response: Admin) -> bool:
    """Fill the response to a getter; False if `kind` is none."""
    if kind == "get_channel_request":
        index = message.get_channel_request - 1  # the question counts from 1
        if 0 <= index < CHANNELS:
            response.get_channel_response.CopyFrom(board.state.channels[index])
    elif kind == "get_owner_request":
        response.get_owner_response.CopyFrom(board.state.owner)
    elif kind == "get_config_request":
        name = CONFIG_SECTIONS[message.get_config_request % len(CONFIG_SECTIONS)]
        response.get_config_response.CopyFrom(config_section(board, name))
    elif kind == "get_module_config_request":
        name = MODULE_SECTIONS[message.get_module_config_request % len(MODULE_SECTIONS)]
        response.get_module_config_response.CopyFrom(module_section(board, name))
    elif kind == "get_device_metadata_request":
        response.get_device_metadata_response.CopyFrom(make_metadata(board.state))
    elif kind == "get_ringtone_request":
        response.get_ringtone_response = board.state.ringtone
    elif kind == "get_canned_message_module_messages_request":
        response.get_canned_message_module_messages_response = board.state.canned_messages
    else:
        return False
    return True


class AdminModule:
    """`reboot_in(seconds)` and `send_position()` reach the rest of the radio."""

    def __init__(
        self,
        board: Board,
        reboot_in: Callable[[float], None],
        send_position: Callable[[], None],
    ) -> None:
        self._board = board
        self._send_position = send_position
        self._time_set_at: float | None = None
        self._passkey = b""
        self._passkey_at = 0.0
        self._settings = settings = Settings(board, reboot_in)
        self._setters: dict[str, Callable[[Admin], None]] = {
            "set_owner": settings.set_owner,
            "set_channel": settings.set_channel,
            "set_config": settings.set_config,
            "set_module_config": settings.set_module_config,
            "begin_edit_settings": settings.begin_edit,
            "commit_edit_settings": settings.commit_edit,
            "set_ringtone_message": settings.set_ringtone,
            "set_canned_message_module_messages": settings.set_canned_messages,
            "factory_reset_config": settings.factory_reset,
            "reboot_seconds": lambda m: reboot_in(m.reboot_seconds),
            "set_time_only": self._set_time,
            "add_contact": self._add_contact,
            "remove_by_nodenum": lambda m: board.nodes.remove(m.remove_by_nodenum),
            "set_favorite_node": lambda m: self._flag(m.set_favorite_node, "favorite", True),
            "remove_favorite_node": lambda m: self._flag(m.remove_favorite_node, "favorite", False),
            "set_ignored_node": lambda m: self._flag(m.set_ignored_node, "ignored", True),
            "remove_ignored_node": lambda m: self._flag(m.remove_ignored_node, "ignored", False),
            "set_fixed_position": self._set_fixed_position,
            "remove_fixed_position": self._remove_fixed_position,
        }

    def handle(self, packet: Packet) -> Packet | None:
        """Obey an admin packet addressed to us; the reply, if one is due."""
        if sender_of(packet) not in (0, self._board.num):
            return self._answer(packet, Error.ADMIN_PUBLIC_KEY_UNAUTHORIZED)
        message = parse(Admin, packet.decoded.payload)
        if message is None:
            return self._answer(packet, Error.BAD_REQUEST)
        kind = message.WhichOneof("payload_variant") or ""
        response = Admin()
        if _get(self._board, kind, message, response):
            response.session_passkey = self._session_passkey()
            reply = self._board.new_packet(0, Port.ADMIN_APP, response.SerializeToString())
            reply.pki_encrypted = packet.pki_encrypted
            return reply_to(self._board, packet, reply)
        if setter := self._setters.get(kind):
            setter(message)
            self._settings.save()
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

    def _flag(self, num: int, flag: str, value: bool) -> None:
        if entry := self._board.nodes.get(num):
            setattr(entry, flag, value)

    def _set_fixed_position(self, message: Admin) -> None:
        position = mesh_pb2.Position()
        position.CopyFrom(message.set_fixed_position)
        self._board.nodes.entries[self._board.num].position = position
        self._board.state.config.position.fixed_position = True
        self._send_position()

    def _remove_fixed_position(self, _: Admin) -> None:
        self._board.nodes.entries[self._board.num].position = None
        self._board.state.config.position.fixed_position = False
