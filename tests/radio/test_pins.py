"""Keys of volunteers in our own radio: given once, given again when in doubt, taken away."""

import asyncio
from dataclasses import replace

import pytest

from kimnode.errors import LinkDown
from kimnode.radio.messages import Contact, NodeSeen
from kimnode.radio.pins import AGAIN_S, OTHER_KEY, Pins
from tests.radio.office import US, VILLAGER, node_of, open_office
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import EDI, RINA, V1, V2, V3, V4
from tests.waiting import until


class Keeper:
    """A link that notes what the radio is told."""

    def __init__(self) -> None:
        self.told: list[Contact | int] = []
        self.down = False

    async def add_contact(self, contact: Contact) -> None:
        self._tell(contact)

    async def remove_node(self, num: int) -> None:
        self._tell(num)

    def _tell(self, what: Contact | int) -> None:
        if self.down:
            raise LinkDown("unplugged")
        self.told.append(what)

    def take(self) -> set[Contact | int]:
        told, self.told = set(self.told), []
        return told


def contact(person) -> Contact:
    return Contact(node_of(person), person.name, person.radio)


@pytest.fixture
async def post(tmp_path):
    async with open_office(tmp_path / "x.db") as post:
        post.clock.speed = 1000
        yield post


@pytest.fixture
def keeper():
    return Keeper()


@pytest.fixture
def pins(post, keeper):
    pins = Pins(post.db, post.clock, keeper, post.intake.cache, post.office.estimate)
    pins.up(US)
    return pins


async def test_volunteers_whose_number_is_known_are_given_once(post, pins, keeper):
    await post.meet(V1, V2, EDI, RINA)
    await pins._work(US)
    assert keeper.take() == {contact(V1), contact(V2)}
    await pins._work(US)
    assert keeper.take() == set()
    post.clock.ahead_s = AGAIN_S
    await pins._work(US)
    assert keeper.take() == {contact(V1), contact(V2)}


async def test_another_radio_of_this_post_is_given_them_anew(post, pins, keeper):
    await post.meet(V1)
    await pins._work(US)
    await pins._work(replace(US, public_key=bytes(32)))
    assert keeper.told == [contact(V1), contact(V1)]


async def test_who_is_revoked_is_forgotten_and_who_is_frozen_is_not(post, pins, keeper):
    await post.meet(V1, V2)
    await pins._work(US)
    keeper.take()
    frozen = [samples.suspend(V2.radio, who) for who in (V3, V4)]
    await post.enter(*frozen, samples.revocation(RINA.key, RINA.radio, V1.radio, number=3))
    await pins._work(US)
    assert keeper.take() == {node_of(V1)}
    await pins._work(US)
    assert keeper.take() == set()


async def test_a_number_that_only_the_key_can_have_sent_from_is_taken(post, pins, keeper):
    await post.meet(V2)
    await pins._work(US)
    await post.hear(V2, "DAFTAR", sender=0x777)
    await pins._work(US)
    assert keeper.told[-1] == Contact(0x777, V2.name, V2.radio)
    assert (await post.said(0x777))[0].startswith("[otomatis] Draf:")


async def test_a_forged_nodeinfo_moves_no_volunteer_who_is_still_heard(post, pins, keeper):
    await post.meet(V2)
    await pins._work(US)
    keeper.take()
    now = int(post.clock.now())
    await post.inbound.node_seen(NodeSeen(VILLAGER, V2.name, "", V2.radio, now + 60, 0.0))
    await pins._work(US)
    assert keeper.take() == set()


async def test_another_key_under_a_volunteers_number_is_noted_and_ours_given_again(
    post, pins, keeper
):
    await post.meet(V2)
    await pins._work(US)
    keeper.take()
    await pins.seen(NodeSeen(node_of(V2), V2.name, "", bytes(range(32)), 0, 0.0))
    await pins._work(US)
    assert keeper.take() == {contact(V2)}
    assert await post.incidents() == [(OTHER_KEY, f"!{node_of(V2):08x}")]
    await pins.seen(NodeSeen(node_of(V2), V2.name, "", V2.radio, 0, 0.0))
    await pins.seen(NodeSeen(VILLAGER, "x", "", bytes(range(32)), 0, 0.0))
    await pins._work(US)
    assert keeper.take() == set()


async def test_a_radio_that_goes_away_is_given_the_rest_when_it_is_back(post, pins, keeper):
    await post.meet(V1, V2)
    keeper.down = True
    async with asyncio.TaskGroup() as tasks:
        job = tasks.create_task(pins.run())
        await post.clock.sleep(100)
        assert keeper.told == []
        keeper.down = False
        pins.up(US)
        await until(lambda: len(keeper.told) == 2)
        job.cancel()
    assert keeper.take() == {contact(V1), contact(V2)}
