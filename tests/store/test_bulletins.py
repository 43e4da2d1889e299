"""The board: order of arrival, corrections, expiry, rebuilding, and what only a table can tell."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from kimnode.record import Kind, Via
from kimnode.rules.bulletins import MIN_PINNED_DAYS, BulletinState
from kimnode.rules.clock import Estimate
from kimnode.store import board, bulletins, project
from kimnode.wire import sealed
from kimnode.wire.codes import Form, HoaxType, Role, TimeTrust, Verdict
from kimnode.wire.times import DAY_S
from tests.published import HERE, Node, opened
from tests.rules import trust_samples as samples

S = BulletinState
V1, V3, V4 = samples.V1, samples.V3, samples.V4
REASON = "Ternyata jam yang disebut salah."


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db") as node:
        yield node


def correction(about, form=Form.CORRECTION, post=None, **changes):
    if form is Form.RETRACTION:
        changes |= {"verdict": Verdict.NONE, "hoax_type": HoaxType.NONE}
    return samples.bulletin(V1, post, form=form, about=about.id[:16], text=REASON, **changes)


async def publish(node: Node, bulletin, voter=V3, post=None):
    await node.accept(bulletin, Via.RADIO)
    await node.accept(samples.approval(bulletin, voter, post), Via.RADIO)
    return bulletin


def clock(uptime_s: int, floor_s: int = samples.NOW_S, trust=TimeTrust.SURE) -> Estimate:
    return Estimate(floor_s, trust, floor_s, samples.NOW.uptime_s + uptime_s)


async def test_what_a_reader_is_told(node):
    bulletin = await publish(node, samples.bulletin(V1, samples.SALUTIWO), V3)
    shown = await node.show(bulletin.id)
    assert shown.state is S.VERIFIED
    assert not shown.local
    assert (shown.author.name, shown.author.post) == ("Ani", "Pos Salutiwo")
    assert shown.author.problem is None
    (vote,) = shown.votes
    assert (vote.name, vote.role, vote.post, vote.problem) == ("Citra", Role.VERIFIER, "", None)
    assert shown.dossier == samples.DOSSIER
    assert shown.expires_s - shown.bulletin.stamp.made_min * 60 > 0
    assert await node.on_board() == [bulletin.id]


async def test_the_word_of_another_post_says_whose_it_is(node):
    bulletin = await publish(node, samples.bulletin(V1, samples.SALUTIWO), V3, samples.SALUTIWO)
    shown = await node.show(bulletin.id)
    assert (shown.state, shown.via_post) == (S.VIA_POST, "Pos Salutiwo")
    await node.accept(samples.approval(bulletin, samples.HUB), Via.UPLINK)
    shown = await node.show(bulletin.id)
    assert (shown.state, shown.via_post) == (S.VERIFIED, "")


@pytest.mark.parametrize("form", [Form.CORRECTION, Form.RETRACTION])
@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_gives_the_same(node, form, seed):
    """Bulletin, approval, correction and its approval: votes wait for what they are about."""
    old = samples.bulletin(V1)
    new = correction(old, form)
    news = [old, samples.approval(old, V3), new, samples.approval(new, V4)]
    random.Random(seed).shuffle(news)
    for _ in range(4):
        news = [one for one in news if await node.refusal(one, Via.RADIO) is not None]
    after = S.CORRECTED if form is Form.CORRECTION else S.WITHDRAWN
    assert await node.state(old.id) is after
    assert await node.written(old.id) is after
    assert await node.on_board() == [new.id]
    shown = await node.show(old.id)
    assert len(shown.replaced_by) == 1
    assert (await node.show(new.id)).replaces == shown.seq


async def test_a_replay_of_the_old_one_does_not_win(node):
    old = await publish(node, samples.bulletin(V1))
    await publish(node, correction(old))
    before = await node.show(old.id)
    assert await node.refusal(old, Via.RADIO) is None  # known already
    await node.refresh()
    assert await node.show(old.id) == before
    again = samples.approval(old, V4)
    await node.accept(again, Via.RADIO)
    assert await node.state(old.id) is S.CORRECTED


async def test_one_person_corrects_nothing(node):
    old = await publish(node, samples.bulletin(V1))
    await node.accept(correction(old), Via.RADIO)
    assert await node.state(old.id) is S.VERIFIED


async def test_a_stolen_gateway_silences_no_other(node):
    """All of the correction is by the word of one gateway, the old one is verified."""
    old = await publish(node, samples.bulletin(V1))
    forged = correction(old, post=samples.SALUTIWO)
    await publish(node, forged, V3, samples.SALUTIWO)
    assert await node.state(forged.id) is S.VIA_POST
    assert await node.state(old.id) is S.VERIFIED


async def test_corrected_is_for_ever_even_when_an_approver_is_revoked(node):
    old = await publish(node, samples.bulletin(V1))
    new = await publish(node, correction(old), V4)
    listed = samples.revocation(samples.RINA.key, samples.RINA.radio, V4.key, since=1, number=3)
    await node.accept(listed, Via.UPLINK)
    assert await node.state(new.id) is S.WAITING
    assert await node.state(old.id) is S.CORRECTED


async def test_a_revocation_takes_the_badge_and_says_so(node):
    bulletin = await publish(node, samples.bulletin(V1), V4)
    assert await node.on_board() == [bulletin.id]
    since = samples.TODAY - 1
    listed = samples.revocation(samples.RINA.key, samples.RINA.radio, V4.key, since=since, number=3)
    await node.accept(listed, Via.UPLINK)
    assert await node.written(bulletin.id) is S.WAITING
    shown = await node.show(bulletin.id)
    assert shown.doubtful
    assert await node.on_board() == []
    await node.accept(samples.approval(bulletin, V3), Via.RADIO)
    assert await node.on_board() == [bulletin.id]


async def test_a_certificate_that_comes_late_is_no_obstacle(tmp_path):
    late = samples.PERSON_CERTS[5]  # Citra's own key
    assert late.key == V3.key
    chain = [document for document in samples.CHAIN if document is not late]
    async with opened(tmp_path / "late.db", chain) as node:
        bulletin = samples.bulletin(V1)
        await node.write_rows(bulletin, samples.approval(bulletin, V3))
        await node.refresh()
        assert await node.state(bulletin.id) is S.WAITING
        await node.accept(late, Via.UPLINK)
        assert await node.written(bulletin.id) is S.VERIFIED


async def test_a_rejection_ends_a_draft_but_not_what_two_have_published(node):
    bulletin = samples.bulletin(V1)
    await node.accept(bulletin, Via.WEB)
    await node.accept(samples.rejection(bulletin, V3), Via.WEB)
    assert await node.state(bulletin.id) is S.REJECTED
    await node.accept(samples.approval(bulletin, V4), Via.RADIO)  # given elsewhere meanwhile
    assert await node.state(bulletin.id) is S.VERIFIED
    await node.accept(samples.rejection(bulletin, samples.KETUA), Via.RADIO)
    assert await node.state(bulletin.id) is S.VERIFIED


async def test_what_is_over_stays_over(node):
    bulletin = await publish(node, samples.bulletin(V1))  # for seven days
    node.now = samples.later(8 * DAY_S)
    assert await node.state(bulletin.id) is S.EXPIRED
    assert await node.on_board() == []
    assert await node.refresh() != []
    node.now = samples.NOW  # the clock went back
    assert await node.state(bulletin.id) is S.EXPIRED
    await node.accept(samples.approval(bulletin, V4), Via.RADIO)
    assert await node.state(bulletin.id) is S.EXPIRED
    archive = await node.db.read(lambda c: board.archive(c, node.cache, node.now))
    assert [shown.bulletin.id for shown in archive] == [bulletin.id]


async def test_without_a_clock_it_is_over_after_its_length_of_running_time(node):
    bulletin = await publish(node, samples.bulletin(V1))
    node.now = clock(7 * DAY_S - 60)
    assert await node.state(bulletin.id) is S.VERIFIED
    node.now = clock(7 * DAY_S + 60)
    assert await node.state(bulletin.id) is S.EXPIRED


async def test_an_old_one_enters_and_is_shown_as_over(node):
    """Nothing is refused by a clock: it may be the clock that is wrong."""
    old = samples.bulletin(V1, when={"made_min": samples.NOW_MIN - 10 * 24 * 60})
    await publish(node, old)
    assert await node.state(old.id) is S.EXPIRED


async def test_corrections_are_pinned_above_newer_ones(node):
    old = await publish(node, samples.bulletin(V1))
    new = await publish(node, correction(old, expires_6h=80))
    newest = await publish(node, samples.bulletin(V1, text="Yang lain, sesudahnya.", expires_6h=90))
    assert await node.on_board() == [new.id, newest.id]
    node.now = clock(MIN_PINNED_DAYS * DAY_S - 60)
    assert await node.on_board() == [new.id, newest.id]
    node.now = clock(MIN_PINNED_DAYS * DAY_S + 60)
    assert await node.on_board() == [newest.id, new.id]


async def test_a_notice_is_shown_at_once_and_replaced_by_its_answer(node):
    notice = samples.bulletin(
        V3, form=Form.NOTICE, verdict=Verdict.UNCHECKED, hoax_type=HoaxType.NONE, sources=0,
        primary=0, dossier=b"", expires_6h=8, text="Belum dicek. Tetap di tempat aman dulu.",
    )  # fmt: skip
    await node.accept(notice, Via.WEB)
    assert await node.state(notice.id) is S.NOTICE
    assert await node.on_board() == [notice.id]
    answer = await publish(node, samples.bulletin(V1, about=notice.id[:16]))
    assert await node.state(notice.id) is S.CORRECTED
    assert await node.on_board() == [answer.id]


async def test_rebuilding_gives_the_same(node):
    """Also what no document tells: since when it is known, and that it is over."""
    old = await publish(node, samples.bulletin(V1))
    node.now = clock(3600)
    await publish(node, correction(old))
    await publish(node, samples.bulletin(V1, samples.SALUTIWO), V3, samples.SALUTIWO)
    over = await publish(node, samples.bulletin(V1, expires_6h=1, text="Hanya sebentar."))
    node.now = clock(3600 + 7 * 3600)
    await node.refresh()
    node.now = clock(3600)
    assert await node.written(over.id) is S.EXPIRED
    tables = ("bulletin", "sequence")

    def rows(connection) -> list:
        return [connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables]

    before = await node.db.read(rows)
    assert all(before)
    await node.db.write(project.rebuild)
    assert await node.db.read(rows) == before
    assert await node.refresh() == []


async def test_rebuilding_an_empty_table_ends_nothing_at_once(node):
    bulletin = await publish(node, samples.bulletin(V1))
    await node.db.write(lambda c: c.execute("DELETE FROM bulletin"))
    assert await node.show(bulletin.id) is None
    await node.db.write(project.rebuild)
    node.now = clock(-samples.NOW.uptime_s)
    await node.refresh()
    assert await node.written(bulletin.id) is S.VERIFIED


async def test_look_ups(node):
    two = samples.bulletin(V1, HERE, text="Yang kedua dari sini.")
    await node.accept(two, Via.NODE)
    one = await publish(node, samples.bulletin(V1))
    look = partial(node.db.read)
    first, second = [await look(partial(bulletins.seq_of, bulletin_id=b.id)) for b in (one, two)]
    assert await look(partial(bulletins.by_number, number=17)) == [second, first]  # own first
    assert await look(partial(bulletins.by_hint, hint=one.id[:8])) == [one.id]
    assert await look(partial(bulletins.by_hint, hint=bytes(8))) == []
    assert await look(partial(bulletins.drafts_by, person=V1.radio, signer=HERE.key)) == 1
    assert await look(partial(bulletins.document, seq=first)) == one
    found = await look(partial(bulletins.votes_about, bulletin_id=one.id))
    assert [vote.kind for _, vote in found] == [Kind.APPROVAL]
    assert await look(partial(bulletins.dossier, named=samples.DOSSIER.hash)) == samples.DOSSIER
    assert await look(partial(bulletins.dossier, named=bytes(16))) is None
    waiting = await look(lambda c: board.waiting(c, node.cache, node.now))
    assert [shown.bulletin.id for shown in waiting] == [two.id]


async def test_a_row_whose_document_was_exchanged_is_nothing(node):
    """Neither shown as this one nor as that: with a forged text, or with another true bulletin."""
    bulletin = await publish(node, samples.bulletin(V1))
    true = await publish(node, samples.bulletin(V1, text="Yang lain, juga benar."))
    forged = replace(bulletin, text="Gempa besar malam ini, lari!")
    seq = await node.db.read(partial(bulletins.seq_of, bulletin_id=bulletin.id))
    for other in (forged, true):
        data = sealed.encode(other)
        await node.db.write(
            lambda c, d=data: c.execute("UPDATE document SET bytes = ? WHERE seq = ?", (d, seq))
        )
        assert await node.on_board() == [true.id]
        assert await node.show(bulletin.id) is None


async def test_a_correction_that_counts_only_later_reaches_even_what_is_over(tmp_path):
    late = samples.of_own_key(V4, serial=900)
    chain = [one for one in samples.CHAIN if getattr(one, "key", None) != V4.key]
    async with opened(tmp_path / "late.db", chain) as node:
        old = await publish(node, samples.bulletin(V1, expires_6h=1))
        new = correction(old, expires_6h=80)
        await node.write_rows(new, samples.approval(new, V4))
        node.now = samples.later(DAY_S)
        await node.refresh()
        assert await node.written(old.id) is S.EXPIRED
        await node.accept(late, Via.UPLINK)
        assert await node.written(new.id) is S.VERIFIED
        assert await node.written(old.id) is S.CORRECTED
