"""A thief has the whole disk of one post, its key too. What another post shows, by every road.

Pos Karataun is the stolen one, Pos Salutiwo looks on. Whatever the thief makes, nobody there reads
TERVERIFIKASI above it, and what was verified before stays so.
"""

import base64
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from kimnode.errors import Reason
from kimnode.radio.sim.village import SimVillage
from kimnode.record import Kind, Via
from kimnode.store import log, project
from kimnode.wire import records
from kimnode.wire.documents import AnyDocument, signed_by
from tests.journeys import desks, thief
from tests.journeys.desks import draft
from tests.journeys.posts import CHAIN, DATABASE, Post, VillageClock, furnish, open_post
from tests.journeys.robbed import Scene, Thief, live_a_little, tell_the_truth
from tests.journeys.staffed import with_radio
from tests.journeys.thief import ATTACKS, FALSE, Attack, Loot
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    KARATAUN,
    NOW_MIN,
    NOW_S,
    RINA,
    SALUTIWO,
    V1,
    V2,
    V3,
    V4,
    Person,
)
from tests.waiting import until

SPEED = 100.0


@pytest.fixture
def clock() -> VillageClock:
    return VillageClock(SPEED)


# -- the village before the theft -----------------------------------------------------------------


@pytest.fixture
async def loot(tmp_path, clock, monkeypatch) -> Loot:
    await furnish(tmp_path / "karataun", KARATAUN)
    async with open_post(tmp_path / "karataun", KARATAUN, clock, monkeypatch) as post:
        await live_a_little(post)
        for person in (V1, V3):
            await desks.enrol(post, person)
    shutil.copytree(tmp_path / "karataun", tmp_path / "loot")
    return Loot(tmp_path / "loot", KARATAUN)


@pytest.fixture
async def scene(tmp_path, clock, monkeypatch, loot) -> AsyncIterator[Scene]:
    """The other post has the true bulletin, and runs."""
    await furnish(tmp_path / "salutiwo", SALUTIWO)
    async with open_post(tmp_path / "salutiwo", SALUTIWO, clock, monkeypatch) as watcher:
        true = await tell_the_truth(watcher, loot)
        yield Scene(loot, watcher, true)


# -- the roads to the other post ------------------------------------------------------------------


async def by_stick(scene: Scene, documents: Sequence[AnyDocument]) -> None:
    """A file that the operator was talked into importing, in any order."""
    for order in (documents, documents[::-1], documents):
        for document in order:
            await scene.watcher.enter(document, Via.USB)


async def by_hub(scene: Scene, documents: Sequence[AnyDocument]) -> None:
    for document in documents:
        await scene.watcher.enter(document, Via.UPLINK)


async def by_desk(scene: Scene, documents: Sequence[AnyDocument]) -> None:
    """The staff's own door. The thief even has a key that was enrolled there, of nobody certified,
    and stands in the staff's network."""
    mask = Person("Orang asing", 99, V3.role)
    await desks.enrol(scene.watcher, mask)
    asked = [(mask.key, mask.seed), (scene.loot.post.key, scene.loot.seed)]
    asked += [(who.key, scene.loot.seed) for who in (V1, V3)]
    for document in documents:
        body = desks.sending(document)
        for key, seed in asked:
            sent = await desks.envelope(scene.watcher, "kirim", body, key, seed)
            status, said = await desks.ask(scene.watcher, "kirim", sent)
            assert (status, said["t"]) != (200, "ok"), said


async def by_hand(scene: Scene, documents: Sequence[AnyDocument]) -> None:
    """Rows in the other post's own file, with every road that a row can name, and the read tables
    changed to say what the thief wants."""
    roads = (Via.NODE, Via.WEB, Via.RADIO, Via.USB)
    with closing(sqlite3.connect(scene.watcher.path, timeout=20)) as database:
        for number, document in enumerate(documents):
            record = records.of_document(document)
            if log.find(database, record.author, record.nonce) is None:
                entry = log.append(database, record, roads[number % len(roads)], NOW_S)
                project.apply(database, entry)
        database.commit()
    rows = "UPDATE bulletin SET standing = 'verified', state = ? WHERE id != ?"
    for state in ("verified", "via-post", "notice"):
        with closing(sqlite3.connect(scene.watcher.path, timeout=20)) as database:
            database.execute(rows, (state, scene.true.id))
            database.commit()
        for card in await scene.watcher.cards():
            assert card.badge != "verified" or FALSE not in card.html
    await scene.watcher.site.clock.sleep(130)  # the node looks at everything anew once a minute


ROADS: dict[str, Callable[[Scene, Sequence[AnyDocument]], Awaitable[None]]] = {
    "stick": by_stick, "hub": by_hub, "desk": by_desk, "hand": by_hand,
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("road", ROADS)
async def test_no_false_word_is_verified_at_the_other_post(scene: Scene, attack: Attack, road: str):
    documents = attack(scene.loot)
    await ROADS[road](scene, documents)
    await scene.nothing_false_is_verified()


@pytest.mark.parametrize("road", [by_stick, by_hub])
async def test_the_thief_gets_as_far_as_the_posts_own_name(scene: Scene, road):
    """The attacks would be easy to survive for a post that takes nothing."""
    for attack in (thief.both_attested, thief.genuine_draft):
        documents = attack(scene.loot)
        await road(scene, documents)
        assert scene.watcher.state(documents[0]) == "via-post"
        card = next(c for c in await scene.watcher.cards() if c.badge == "via-post")
        assert card.words == "DISAHKAN LEWAT POS Karataun"
    await scene.nothing_false_is_verified()


async def test_what_nobody_approved_is_not_even_read_when_it_is_over(scene: Scene):
    """Dated back, so that it is over as it comes: over is what was public before."""
    made = scene.loot.draft(when={"made_min": NOW_MIN - 10 * 1440})
    assert await scene.watcher.enter(made, Via.RADIO) is None
    for path in ("buletin", f"buletin/{made.id.hex()[:16]}", "buletin/B-17", "staf"):
        assert FALSE not in await scene.watcher.page(path)
    for approval in (*scene.loot.approvals(made), samples.approval(made, V3)):
        assert await scene.watcher.enter(approval, Via.RADIO) is None
    assert scene.watcher.state(made) == "expired"
    archive = (await scene.watcher.page("buletin")).split('id="arsip"')[1]
    assert (archive.count(FALSE), archive.count("KEDALUWARSA")) == (1, 1)
    await scene.nothing_false_is_verified()


# -- the volunteers' own keys ---------------------------------------------------------------------


async def test_nothing_on_the_disk_opens_a_volunteers_key(scene: Scene, clock, monkeypatch):
    """Two volunteers have enrolled at the stolen post: of their keys only the public half is there,
    and of what wraps them the post's share."""
    files = [path for path in scene.loot.folder.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    for person in (V1, V3):
        assert person.key in kept
        secrets = [person.seed, desks.salt_of(person), desks.token_of(person), desks.PIN.encode()]
        for secret in secrets:
            forms = {secret, secret.hex().encode(), base64.b64encode(secret)}
            assert not any(form in kept for form in forms)
    ((shares,),) = _rows(scene.loot, "SELECT count(*) FROM share")
    assert shares == 2
    async with open_post(scene.loot.folder, KARATAUN, clock, monkeypatch) as stolen:
        share = await _share(stolen, V3, bytes(32))
        assert share != await _share(stolen, V3, desks.token_of(V3))  # a guess gives another one
    status, said = await desks.ask(
        scene.watcher, "bagian", {"key": V3.key.hex(), "u": desks.token_of(V3).hex()}
    )
    assert (status, said["reason"]) == (400, "unknown-key")  # each post has its own share


async def test_whatever_script_the_stolen_post_serves_it_lacks_the_persons_signature(
    scene: Scene, clock, monkeypatch
):
    """No volunteer is there: the script may ask its own post for everything, and sign with every
    key that the post has."""
    false = scene.loot.draft()
    async with open_post(scene.loot.folder, KARATAUN, clock, monkeypatch) as stolen:
        assert await stolen.enter(false, Via.NODE) is None
        unsigned = await stolen.site.attestor.prepare_vote(Kind.APPROVAL, false.id, V3.key)
        ((share,),) = _rows(scene.loot, "SELECT secret FROM share WHERE public_key = ?", V3.key)
        wrapped = await _share(stolen, V3, bytes(32))
        tried = [replace(unsigned, signature=bytes(64))]
        seeds = (scene.loot.seed, share, wrapped, desks.PIN.encode() + bytes(26))
        tried += [signed_by(unsigned, seed) for seed in seeds]
        for vote in tried:
            assert await stolen.enter(vote, Via.WEB) is Reason.BAD_SIGNATURE
            assert await scene.watcher.enter(vote, Via.USB) is not None
    await scene.watcher.enter(false, Via.USB)
    for vote in tried:
        assert await scene.watcher.enter(vote, Via.USB) is Reason.BAD_SIGNATURE
    assert await scene.watcher.badge_alone(false) == "none"
    await scene.nothing_false_is_verified()


async def test_a_recorded_request_is_good_for_one_post_and_once(scene: Scene):
    """What a volunteer once signed at the stolen post, played to the other, where she is enrolled
    too; and her true request there, played again."""
    await desks.enrol(scene.watcher, V3)
    await scene.watcher.enter(scene.loot.bulletin(thief.NEVER_APPROVED), Via.UPLINK)
    vote = scene.loot.votes(Kind.APPROVAL)[0]
    body = desks.sending(vote)
    signed_there = await desks.envelope(
        scene.watcher, "kirim", body, V3.key, V3.seed, gateway=KARATAUN.key
    )
    assert (await desks.ask(scene.watcher, "kirim", signed_there))[1]["reason"] == "bad-signature"
    before = await desks.envelope(
        scene.watcher, "meja", {}, V3.key, V3.seed, boot=os.urandom(16), gateway=KARATAUN.key
    )
    assert (await desks.ask(scene.watcher, "meja", before))[1]["reason"] == "outdated"
    true = await desks.envelope(scene.watcher, "meja", {}, V3.key, V3.seed)
    assert (await desks.ask(scene.watcher, "meja", true))[0] == 200
    assert (await desks.ask(scene.watcher, "meja", true))[1]["reason"] == "outdated"
    assert (await desks.ask(scene.watcher, "kirim", true))[1]["reason"] == "bad-signature"


async def test_a_verifier_sees_the_posts_at_her_desk_to_freeze_one(scene: Scene):
    await desks.enrol(scene.watcher, V3)
    asked = await desks.envelope(scene.watcher, "meja", {}, V3.key, V3.seed)
    _, desk = await desks.ask(scene.watcher, "meja", asked)
    named = {key["name"] for key in desk["keys"] if key["key"] == KARATAUN.key.hex()}
    assert named == {"Pos Karataun"}
    for person in (V3, V4):
        await desks.vote(scene.watcher, Kind.SUSPENSION, KARATAUN.key, person)
    false = scene.loot.draft()
    assert await scene.watcher.enter(false, Via.USB) is Reason.SUSPENDED
    assert await scene.watcher.badge_alone(false) == ""


def _rows(loot: Loot, sql: str, *values: object) -> list[tuple]:
    with closing(sqlite3.connect(loot.folder / DATABASE)) as database:
        return database.execute(sql, values).fetchall()


async def _share(post: Post, person: Person, token: bytes) -> bytes:
    _, said = await desks.ask(post, "bagian", {"key": person.key.hex(), "u": token.hex()})
    return bytes.fromhex(said["share"])


# -- a copy of the post that runs -----------------------------------------------------------------


async def test_a_copy_of_the_post_that_runs_beside_it(scene: Scene, tmp_path, clock, monkeypatch):
    """The thief starts the copy: it counts on where the disk was copied, as the true post does."""
    copy = open_post(scene.loot.folder, KARATAUN, clock, monkeypatch)
    true = open_post(tmp_path / "karataun", KARATAUN, clock, monkeypatch)
    async with copy as stolen, true as robbed:
        false = (await stolen.site.attestor.bulletin(draft(FALSE), V1.radio)).document
        approval = (await stolen.site.attestor.vote(Kind.APPROVAL, false.id, V3.radio)).document
        honest = (await robbed.site.attestor.bulletin(draft("Air bersih."), V2.radio)).document
        assert (false.stamp.epoch, false.stamp.seq) == (honest.stamp.epoch, honest.stamp.seq)
        assert await robbed.enter(false, Via.RADIO) in (Reason.SEQUENCE_USED, Reason.OWN_KEY)
        assert robbed.incidents() & {"own-key", "sequence-used"}
        assert await robbed.badge_alone(false) == ""
        for document in (false, approval):
            assert await scene.watcher.enter(document, Via.RADIO) is None
        assert await scene.watcher.badge(false) == "via-post"
        assert await scene.watcher.enter(honest, Via.RADIO) is Reason.SEQUENCE_USED
        assert scene.watcher.incidents() == {"sequence-used"}
    await scene.nothing_false_is_verified()


async def test_an_old_backup_that_is_put_back_counts_anew(scene: Scene, clock, monkeypatch):
    """Only the database was copied, as a backup is: nothing that it makes now clashes, and nothing
    of it is worth more than the post's word."""
    scene.loot.folder.joinpath(f"{DATABASE}.started").unlink()
    epoch = scene.loot.bulletin(thief.APPROVED).stamp.epoch
    async with open_post(scene.loot.folder, KARATAUN, clock, monkeypatch) as back:
        false = (await back.site.attestor.bulletin(draft(FALSE), V1.radio)).document
        approval = (await back.site.attestor.vote(Kind.APPROVAL, false.id, V3.radio)).document
        assert false.stamp.epoch != epoch
        for document in (false, approval):
            assert await scene.watcher.enter(document, Via.RADIO) is None
    assert await scene.watcher.badge(false) == "via-post"
    assert scene.watcher.incidents() == set()
    await scene.nothing_false_is_verified()


# -- on the village's channel, and what ends it ---------------------------------------------------

RADIOS = ["Pos Karataun", "Pos Salutiwo", "Citra", "Dewi", "Pustu"]


@pytest.fixture
async def village(clock) -> AsyncIterator[SimVillage]:
    async with SimVillage(RADIOS, seed=3, clock=clock) as made:
        yield made


@pytest.fixture
async def on_air(tmp_path, clock, monkeypatch, village, loot) -> AsyncIterator[Scene]:
    """The other post with its radio; it knows the radios of two verifiers."""
    known = [with_radio(village, "Citra", V3), with_radio(village, "Dewi", V4)]
    await furnish(tmp_path / "salutiwo", SALUTIWO, (*CHAIN, *known))
    port = village.port("Pos Salutiwo")
    post = open_post(tmp_path / "salutiwo", SALUTIWO, clock, monkeypatch, port)
    async with post as watcher:
        yield Scene(loot, watcher, await tell_the_truth(watcher, loot))


async def test_the_thief_on_the_air_and_how_the_village_stops_him(on_air: Scene, village):
    thiefs, watcher, to = (
        Thief(village, on_air.watcher),
        on_air.watcher,
        village.device(RADIOS[1]).num,
    )
    for attack in ATTACKS:
        await thiefs.send(*attack(on_air.loot))
        await on_air.nothing_false_is_verified()
    by_post = [card for card in await watcher.cards() if card.badge == "via-post"]
    assert by_post
    for card in by_post:
        assert card.words == "DISAHKAN LEWAT POS Karataun"

    async def type_(name: str, text: str, answer: str) -> None:
        village.device(name).dm(to, text)
        await until(lambda: any(answer in one.text for one in village.device(name).shown), 60)

    await type_("Citra", "BEKUKAN Pos Karataun", "Permintaan bekukan Pos Karataun")
    await type_("Dewi", "bekukan karataun", "Pos Karataun DIBEKUKAN 72 jam")
    late = on_air.loot.draft(text="Bendungan jebol, semua lari!")
    await thiefs.send(late, *on_air.loot.approvals(late))
    assert await watcher.badge_alone(late) == ""

    await thiefs.send(samples.revocation(KARATAUN.key, RINA.key, RINA.radio))
    await until(lambda: not watcher.rows("SELECT 1 FROM bulletin WHERE state = 'via-post'"), 60)
    assert not [card for card in await watcher.cards() if card.badge in ("via-post", "notice")]
    board, archive = (await watcher.page("buletin")).split('id="arsip"')
    assert FALSE not in board
    assert archive.count(FALSE) == archive.count("DIPERIKSA ULANG")
    for (found,) in watcher.rows("SELECT id FROM bulletin WHERE id != ?", on_air.true.id):
        page = await watcher.page(f"buletin/{found.hex()[:16]}")
        assert "b-via-post" not in page.split("</article>")[0]
    await on_air.nothing_false_is_verified()
