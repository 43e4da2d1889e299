"""The rooms as promised to the village: who can hear what is said where."""

import pytest

from kimnode.errors import Reason, Refused
from kimnode.rules.rooms import RADIO_ROOM, ROOMS, room

CARRIED = {  # Wi-Fi, radio, uplink
    "umum": (True, True, False),
    "tanya-kim": (True, False, False),
    "darurat": (True, True, False),
    "warung": (True, False, False),
}


def test_rooms_and_their_flags():
    assert {r.id: (r.wifi, r.radio, r.uplink) for r in ROOMS.values()} == CARRIED
    assert list(ROOMS) == list(CARRIED)


def test_every_room_has_a_name_in_the_catalogue():
    assert [r.name_key for r in ROOMS.values()] == [f"room.{room_id}" for room_id in CARRIED]


def test_radio_texts_are_shown_in_a_room_that_radios_hear():
    assert RADIO_ROOM.id == "umum"
    assert RADIO_ROOM.radio


def test_a_room_is_found_by_its_id():
    assert room("warung") is ROOMS["warung"]


@pytest.mark.parametrize("room_id", ["", "Umum", "kabupaten", "umum "])
def test_an_unknown_room_is_refused(room_id):
    with pytest.raises(Refused) as refused:
        room(room_id)
    assert refused.value.reason is Reason.UNKNOWN_ROOM
