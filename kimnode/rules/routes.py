"""Which record goes by which road, and how urgently: one table, read by every outbound loop.

Nothing that came by radio goes out by radio again: all radios in reach have it, and two gateways
on one channel would echo each other for ever. Signed documents travel by radio/exchange.py and, as
readable text, by radio/crier.py: not for being new in the log, but when they hold or are asked for.
"""

from dataclasses import dataclass

from kimnode.record import Kind, Via
from kimnode.rules.ledger import Priority
from kimnode.rules.rooms import ROOMS


@dataclass(frozen=True, slots=True)
class Route:
    """`by_room`: the room's flags decide; otherwise the kind goes everywhere that it can."""

    air: Priority
    by_room: bool


ROUTES = {
    Kind.CHAT: Route(Priority.CHAT, by_room=True),
    Kind.SOS: Route(Priority.SOS, by_room=False),
    Kind.SOS_ACK: Route(Priority.SOS, by_room=False),  # who asked for help must learn that it comes
    Kind.SOS_CANCEL: Route(Priority.SOS, by_room=False),  # or helpers walk out for nothing
}


def air_priority(kind: Kind, room_id: str, via: Via) -> Priority | None:
    """The class in which it waits for the radio; None when it does not go on the air.

    A kind or room that is not in the tables is carried nowhere.
    """
    route = ROUTES.get(kind)
    if route is None or via is Via.RADIO:
        return None
    if route.by_room:
        room = ROOMS.get(room_id)
        return route.air if room and room.radio else None
    return route.air
