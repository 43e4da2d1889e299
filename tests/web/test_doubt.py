"""A bulletin that was signed with a key of which the district says since when it is in doubt."""

from dataclasses import replace

import pytest

from kimnode.record import Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.trust import Standing, StandingState
from kimnode.store import board, bulletins
from kimnode.web.cards import Cards
from kimnode.web.words import Words
from tests.published import opened
from tests.rules import trust_samples as samples

CARDS = Cards(Words("id", "Asia/Makassar"))


@pytest.mark.parametrize(
    "state", [BulletinState.VERIFIED, BulletinState.VIA_POST, BulletinState.EXPIRED]
)
async def test_it_keeps_no_badge(tmp_path, state: BulletinState):
    async with opened(tmp_path / "x.db") as node:
        bulletin = samples.bulletin(samples.V1)
        for document in (bulletin, samples.approval(bulletin, samples.V3)):
            await node.accept(document, Via.USB)

        def look(connection) -> board.Shown:
            seq = bulletins.seq_of(connection, bulletin.id)
            return board.show(connection, seq, node.cache, node.now)

        shown = replace(await node.db.read(look), state=state)
    assert shown.standing == Standing(StandingState.VERIFIED)
    assert CARDS._proof(shown)["badge"] != "none" or state is BulletinState.EXPIRED
    doubted = CARDS._proof(replace(shown, doubtful=True))
    assert doubted["badge"] == "none"
    assert doubted["badge_words"] == "DIPERIKSA ULANG"
