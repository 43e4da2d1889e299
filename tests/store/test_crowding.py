"""Whoever has stolen one post or one key fills neither board, queue nor card, and takes nobody's
vote or draft away at another post."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kimnode.errors import Reason
from kimnode.record import Via
from kimnode.rules import publishing
from kimnode.rules.publishing import MAX_NOTICES, MAX_UNCONFIRMED, MAX_VOTES_EACH
from kimnode.store import board
from kimnode.wire.codes import Form, HoaxType, Verdict
from tests.published import HERE, Node, opened
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import SALUTIWO, V1, V2, V3, V4

NOTHING_KNOWN = {
    "form": Form.NOTICE, "verdict": Verdict.UNCHECKED, "hoax_type": HoaxType.NONE,
    "sources": 0, "primary": 0, "dossier": b"", "expires_6h": 12,
}  # fmt: skip


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db") as node:
        yield node


def made_up(n: int, author=V1, **changes):
    """What the thief of Pos Salutiwo says that this person's radio wrote."""
    return samples.bulletin(author, SALUTIWO, text=f"Karangan pencuri nomor {n}.", **changes)


async def waiting(node: Node) -> list[bytes]:
    found = await node.db.read(lambda c: board.waiting(c, node.cache, node.now))
    return [shown.bulletin.id for shown in found]


async def test_notices_in_force_by_one_key_are_few(node):
    for n in range(MAX_NOTICES):
        await node.accept(made_up(n, V3, **NOTHING_KNOWN), Via.RADIO)
    for person in (V3, V4):
        one_more = made_up(99, person, **NOTHING_KNOWN)
        assert await node.refusal(one_more, Via.RADIO) is Reason.NO_ROOM
    own = samples.bulletin(V3, HERE, text="Air sumur sedang diperiksa.", **NOTHING_KNOWN)
    assert await node.refusal(own, Via.NODE) is None


@pytest.mark.parametrize("changes", [{}, {"expires_6h": 1, "when": {"made_min": 1}}])
async def test_what_nobody_confirms_is_bounded(node, monkeypatch, changes):
    """Also what is over when it comes: it is kept for ever."""
    assert MAX_UNCONFIRMED == 200
    monkeypatch.setattr(publishing, "MAX_UNCONFIRMED", 10)
    people = (V1, V2)
    for n in range(10):
        await node.accept(made_up(n, people[n % 2], **changes), Via.RADIO)
    assert await node.refusal(made_up(99, V3, **changes), Via.RADIO) is Reason.NO_ROOM
    node.now = samples.later(60 * samples.DAY)
    assert await node.refusal(samples.bulletin(V1), Via.RADIO) is None  # by the own key


async def test_what_two_persons_approved_at_one_post_is_bounded(node, monkeypatch):
    monkeypatch.setattr(publishing, "MAX_UNCONFIRMED", 3)
    for n in range(3):
        forged = made_up(n)
        await node.accept(forged, Via.RADIO)
        await node.accept(samples.approval(forged, V3, SALUTIWO), Via.RADIO)
    assert await node.refusal(made_up(99), Via.RADIO) is Reason.NO_ROOM


async def test_the_queue_shows_what_was_written_here_before_what_came(node, monkeypatch):
    monkeypatch.setattr(board, "MAX_SHOWN", 5)
    own = samples.bulletin(V1, HERE)
    await node.accept(own, Via.NODE)
    for n in range(9):
        await node.accept(made_up(n, V2), Via.RADIO)
    assert (await waiting(node))[0] == own.id
    assert len(await waiting(node)) == 5


async def test_the_board_keeps_what_is_verified(node, monkeypatch):
    monkeypatch.setattr(board, "MAX_SHOWN", 5)
    true = samples.bulletin(V1)
    await node.accept(true, Via.RADIO)
    await node.accept(samples.approval(true, V3), Via.RADIO)
    for n in range(9):
        await node.accept(made_up(n, V3, **NOTHING_KNOWN), Via.RADIO)
    assert (await node.on_board())[-1] == true.id
    assert len(await node.on_board()) == 5


async def test_drafts_in_my_name_elsewhere_do_not_keep_me_from_writing(node):
    for n in range(publishing.MAX_DRAFTS):
        await node.accept(made_up(n), Via.RADIO)
    assert await node.refusal(samples.bulletin(V1, HERE), Via.NODE) is None


async def test_votes_in_my_name_elsewhere_do_not_use_up_mine(node):
    true = samples.bulletin(V1)
    await node.accept(true, Via.RADIO)
    for _ in range(MAX_VOTES_EACH):
        await node.accept(samples.rejection(true, V3, SALUTIWO), Via.RADIO)
    one_more = samples.rejection(true, V3, SALUTIWO)
    assert await node.refusal(one_more, Via.RADIO) is Reason.NO_ROOM
    assert await node.refusal(samples.approval(true, V3), Via.RADIO) is None
    assert true.id in await node.on_board()
