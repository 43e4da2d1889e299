"""The village's rooms, as data. A room's flags say how far its talk may travel, and nothing else.

Talk leaves the village by uplink only from a room marked so; none is.
"""

from dataclasses import dataclass

from kimnode.errors import Reason, Refused


@dataclass(frozen=True, slots=True)
class Room:
    """`id` is stored and travels; `name_key` is looked up in the catalogue at the screen."""

    id: str
    name_key: str
    wifi: bool
    radio: bool
    uplink: bool = False


UMUM = Room("umum", "room.umum", wifi=True, radio=True)
TANYA_KIM = Room("tanya-kim", "room.tanya-kim", wifi=True, radio=False)
DARURAT = Room("darurat", "room.darurat", wifi=True, radio=True)
WARUNG = Room("warung", "room.warung", wifi=True, radio=False)

ROOMS = {room.id: room for room in (UMUM, TANYA_KIM, DARURAT, WARUNG)}  # in the order of the page
RADIO_ROOM = UMUM  # where a text heard on the village channel is shown


def room(room_id: str) -> Room:
    """The room of this id, or Refused(UNKNOWN_ROOM)."""
    found = ROOMS.get(room_id)
    if found is None:
        raise Refused(Reason.UNKNOWN_ROOM)
    return found
