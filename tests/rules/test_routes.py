"""Which road each kind takes, walked over the whole table."""

import itertools

import pytest

from kimnode.record import Kind, Via
from kimnode.rules.airtime import Priority
from kimnode.rules.rooms import ROOMS
from kimnode.rules.routes import ROUTES, air_priority

NOT_RADIO = [via for via in Via if via is not Via.RADIO]
EMERGENCIES = [Kind.SOS, Kind.SOS_ACK, Kind.SOS_CANCEL]


def test_only_what_people_say_goes_out_as_text():
    """Signed documents are packets of another port (radio/exchange.py), rumours stay here."""
    assert set(ROUTES) == {Kind.CHAT, *EMERGENCIES}


@pytest.mark.parametrize("kind", set(Kind) - set(ROUTES))
@pytest.mark.parametrize("via", Via)
def test_a_kind_without_a_route_stays_off_the_air(kind, via):
    assert [air_priority(kind, room_id, via) for room_id in [*ROOMS, ""]] == [None] * (
        len(ROOMS) + 1
    )


@pytest.mark.parametrize(("kind", "room_id"), list(itertools.product(Kind, [*ROOMS, "unknown"])))
def test_nothing_from_the_radio_goes_to_the_radio_again(kind, room_id):
    assert air_priority(kind, room_id, Via.RADIO) is None


@pytest.mark.parametrize("via", NOT_RADIO)
def test_chat_goes_on_air_from_radio_rooms_only(via):
    heard = {room_id: air_priority(Kind.CHAT, room_id, via) for room_id in [*ROOMS, "unknown"]}
    assert heard == {
        "umum": Priority.CHAT,
        "tanya-kim": None,
        "darurat": Priority.CHAT,
        "warung": None,
        "unknown": None,
    }


@pytest.mark.parametrize(
    ("kind", "via", "room_id"), list(itertools.product(EMERGENCIES, NOT_RADIO, [*ROOMS, "unknown"]))
)
def test_an_emergency_always_goes_on_air(kind, via, room_id):
    assert air_priority(kind, room_id, via) is Priority.SOS
