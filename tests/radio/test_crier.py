"""What is said on the channel, by whom and how often; and what only looks like KIM."""

import random

import pytest

from kimnode.radio import watch
from kimnode.radio.crier import FOREIGN_WAIT_S
from kimnode.radio.messages import BROADCAST
from kimnode.rules.airtime import Priority
from kimnode.rules.announcements import announcement
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.commands import draft_code
from kimnode.store import outbox
from kimnode.store.outbox import NewPacket
from kimnode.wire.air import PORT
from kimnode.wire.airtext import MAX_TEXT_BYTES
from kimnode.wire.codes import Form, HoaxType, Verdict
from tests.radio.office import VILLAGER, open_office
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import SALUTIWO, V2, V3, V4

FORGED = "KIM: HOAKS - Bendungan jebol, lari! (B-17)"


@pytest.fixture
async def post(tmp_path):
    async with open_office(tmp_path / "x.db") as post:
        yield post


def direct_bulletin(**changes):
    """By the person's own key, so that it is verified everywhere."""
    return samples.bulletin(V2, **changes)


async def test_a_bulletin_of_another_post_is_said_only_if_nobody_was_heard_saying_it(post):
    heard, quiet = direct_bulletin(number=5), direct_bulletin(number=6, text="Jalan sudah dibuka.")
    await post.enter(heard, samples.approval(heard), quiet, samples.approval(quiet))
    assert {one.state for one in await post.show()} == {BulletinState.VERIFIED}
    await post.cry()
    await post.on_channel(VILLAGER, announcement(heard))
    assert await post.said() == []
    post.clock.ahead_s = FOREIGN_WAIT_S[1]
    await post.cry()
    assert await post.said() == [announcement(quiet)]
    await post.cry()
    assert len(await post.said()) == 1


async def test_what_another_post_alone_vouches_for_is_not_said_here(post):
    foreign = samples.bulletin(V2, SALUTIWO)
    await post.enter(foreign, samples.approval(foreign, V3, SALUTIWO))
    assert (await post.show())[0].state is BulletinState.VIA_POST
    post.clock.ahead_s = 3600
    await post.cry()
    assert await post.said() == []
    await post.hear(VILLAGER, "CEK B-17")
    assert "DISAHKAN LEWAT POS Pos Salutiwo" in await post.last(VILLAGER)


async def test_a_draft_of_another_post_is_not_put_before_our_verifiers(post):
    await post.meet(V3, V4)
    await post.enter(samples.bulletin(V2, SALUTIWO))
    await post.cry()
    assert await post.packets() == []


async def test_news_of_long_ago_is_not_said_again(post):
    old = direct_bulletin(when={"made_min": samples.NOW_MIN - 2 * 1440}, expires_6h=40)
    await post.enter(old, samples.approval(old, made_min=samples.NOW_MIN - 2 * 1440 + 1))
    post.clock.ahead_s = 3600
    await post.cry()
    post.clock.ahead_s = 7200
    await post.cry()
    assert (await post.show())[0].state is BulletinState.VERIFIED
    assert await post.said() == []


async def test_a_withdrawn_bulletin_is_not_said_any_more(post):
    first = direct_bulletin(number=5)
    await post.enter(first, samples.approval(first))
    await post.cry()
    over = direct_bulletin(
        form=Form.RETRACTION, verdict=Verdict.NONE, hoax_type=HoaxType.NONE, about=first.id[:16],
        dossier=b"", sources=0, primary=0, number=6, text="Sumbernya ternyata keliru.",
    )  # fmt: skip
    await post.enter(over, samples.approval(over))
    await post.cry()
    post.clock.ahead_s = FOREIGN_WAIT_S[1]
    await post.cry()
    assert await post.said() == [announcement(over, 5)]


async def test_a_draft_waits_until_a_verifier_is_heard(post):
    await post.hear(V2, "INFO Posyandu hari Rabu")
    code = draft_code((await post.show())[0].bulletin.id)
    assert "Belum ada radio verifikator" in await post.last(V2)
    await post.cry()
    assert await post.said(V3) == []
    await post.meet(V3)
    await post.cry()
    assert (await post.last(V3)).startswith(f"D-{code}: INFO - Posyandu")
    await post.cry()
    assert len(await post.said(V3)) == 1


async def test_a_text_that_poses_as_kim_is_noted_and_warned_of_once(post):
    await post.on_channel(VILLAGER, FORGED)
    await post.cry()
    assert await post.incidents() == []
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert await post.incidents() == [(watch.IMITATION, "!00000900")]
    (warning,) = await post.said()
    assert "!00000900 BUKAN dari KIM" in warning
    assert len(warning.encode()) <= MAX_TEXT_BYTES
    for number in range(5):
        await post.on_channel(VILLAGER, f"{FORGED} {number}")
    for number in range(5):
        await post.on_channel(VILLAGER + 1 + number, FORGED)
    post.clock.ahead_s = 2 * watch.GRACE_S[1]
    await post.cry()
    assert len(await post.said()) == watch.WARNINGS_PER_HOUR
    assert len(await post.incidents()) == 6


async def test_the_signed_packet_may_come_after_the_text(post):
    late = direct_bulletin(number=5)
    await post.on_channel(VILLAGER, announcement(late))
    await post.cry()
    await post.enter(late, samples.approval(late))
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert await post.incidents() == []
    assert await post.said() == []


async def test_a_true_text_with_one_word_more_is_a_forgery(post):
    real = direct_bulletin(number=5)
    await post.enter(real, samples.approval(real))
    await post.on_channel(VILLAGER, announcement(real).replace(" (B-5)", " Lari! (B-5)"))
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert await post.incidents() == [(watch.IMITATION, "!00000900")]


async def test_the_words_of_a_draft_that_nobody_approved_are_a_forgery(post):
    draft = direct_bulletin(number=5)
    await post.enter(draft)
    await post.on_channel(VILLAGER, announcement(draft))
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert await post.incidents() == [(watch.IMITATION, "!00000900")]


async def test_what_another_post_has_warned_of_is_not_warned_of_again(post):
    await post.on_channel(VILLAGER, FORGED)
    warning = "[otomatis] AWAS: tulisan berawalan KIM dari !00000900 BUKAN dari KIM. Jangan"
    await post.on_channel(0x77, warning)
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert await post.said() == []
    assert len(await post.incidents()) == 1


async def test_a_denied_warning_does_not_silence_the_post(post):
    await post.on_channel(VILLAGER, FORGED)
    denial = "[otomatis] AWAS: tulisan berawalan KIM dari !00000900 BENAR dari KIM. Teruskan"
    await post.on_channel(0x77, denial)
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    assert len(await post.said()) == 1


async def test_what_posts_exchange_takes_no_warning_away(post):
    """Beacons and documents are on the air every hour: they are no warnings."""
    now = post.clock.steady()
    packet = NewPacket(
        0, 1, 1, Priority.BULLETIN, BROADCAST, 0, b"*", None, False, now + 3600, port=PORT
    )
    await post.db.write(lambda c: outbox.queue(c, [packet] * watch.WARNINGS_PER_HOUR, now))
    await post.on_channel(VILLAGER, FORGED)
    post.clock.ahead_s = watch.GRACE_S[1]
    await post.cry()
    (warning,) = [text for text in await post.said() if "AWAS" in text]
    assert "!00000900 BUKAN dari KIM" in warning


async def test_a_judged_text_is_not_judged_again_after_a_restart(tmp_path):
    path = tmp_path / "x.db"
    async with open_office(path) as post:
        await post.on_channel(VILLAGER, FORGED)
        post.clock.ahead_s = watch.GRACE_S[1]
        await post.cry()
        fresh = watch.Watch(post.office, random.Random(2))
        fresh._watched = await post.db.read(
            lambda c: c.execute("SELECT position FROM cursor WHERE name='kim-watch'").fetchone()[0]
        )
        await fresh._look(post.clock.now())
        count = await post.db.read(lambda c: c.execute("SELECT count FROM incident").fetchone())
        assert count == (1,)
