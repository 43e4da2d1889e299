"""Who may not: every fault by every road, and by a row that somebody wrote into the database.

Each cell enters two documents into a real database, one of them with a fault. It passes when the
faulty one is refused for that reason, and when nobody is shown the bulletin as published.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kimnode.errors import Reason
from kimnode.record import Kind, Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.publishing import MAX_DRAFTS
from kimnode.store import incidents, project, sequence
from kimnode.store.board import BOARD
from kimnode.wire.codes import Form, HoaxType, Role, Topic, Verdict
from kimnode.wire.documents import AnyDocument, Bulletin, Vote, signed_by
from tests.published import HERE, Node, opened
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import Machine, Person

ROADS = {  # road -> by which post a radio's word came in that way; None: signed with an own key
    Via.WEB: None,
    Via.NODE: HERE,
    Via.RADIO: None,
    Via.UPLINK: samples.SALUTIWO,
    Via.USB: None,
}
V1, V3, V4, KETUA = samples.V1, samples.V3, samples.V4, samples.KETUA
STRANGER = Person("Orang asing", 99, Role.VERIFIER)
# One person as the district knows it, with another key and another radio.
CITRA_AGAIN = Person("Citra lain", V3.number, Role.VERIFIER)
FAR_POST = samples.LEBBA  # a true gateway, of another desa
THIEF_POST = Machine("Pos curian", Role.GATEWAY, samples.DESA)  # of which nobody has a certificate
MORE = (samples.of_radio(CITRA_AGAIN), samples.of_own_key(CITRA_AGAIN))
Post = Machine | None


@dataclass(frozen=True)
class Pair:
    """A bulletin and its approval, or a bulletin alone; `more` is in the log before."""

    bulletin: Bulletin
    vote: Vote | None
    more: tuple[AnyDocument, ...] = ()


def pair(author=V1, voter=V3, *, post: Post, voter_post: Post = None, **changes) -> Pair:
    bulletin = samples.bulletin(author, post, **changes)
    return Pair(bulletin, samples.approval(bulletin, voter, voter_post or post))


def alone(author: Person, *, post: Post, **changes) -> Pair:
    return Pair(samples.bulletin(author, post, **changes), None)


def frozen(person: Person, post: Post) -> tuple[Vote, ...]:
    """Two verifiers have suspended the key that this person uses here."""
    key = person.radio if post else person.key
    early = samples.NOW_MIN - 120
    return tuple(samples.suspend(key, by, made_min=early) for by in (V3, V4))


def broken(document):
    """The same with one bit of the signature turned."""
    first = document.signature[0] ^ 1
    return replace(document, signature=bytes([first]) + document.signature[1:])


def notice(author: Person, post: Post) -> Pair:
    return alone(
        author, post=post, form=Form.NOTICE, verdict=Verdict.UNCHECKED, expires_6h=8, sources=0,
        hoax_type=HoaxType.NONE, primary=0, dossier=b"", text="Belum dicek. Tetap tenang dulu.",
    )  # fmt: skip


def other_author(post: Post) -> Pair:
    """The thief has the signature of one bulletin and puts it under another text."""
    true = samples.bulletin(V1, post)
    return Pair(replace(true, text="Gempa besar malam ini, lari!"), None)


def approval_of_another(post: Post) -> Pair:
    """An approval is moved to another bulletin by the same author."""
    one, two = samples.bulletin(V1, post), samples.bulletin(V1, post, text="Hoaks yang lain.")
    moved = replace(samples.approval(one, V3, post), subject=two.id)
    return Pair(two, moved)


def rejection_as_approval(post: Post) -> Pair:
    bulletin = samples.bulletin(V1, post)
    return Pair(bulletin, replace(samples.rejection(bulletin, V3, post), kind=Kind.APPROVAL))


def number_again(post: Post) -> Pair:
    """The same sequence number for something else, signed by the right key."""
    first = samples.bulletin(V1, post)
    second = samples.bulletin(V1, post, text="Yang kedua.", when={"seq": first.stamp.seq})
    return Pair(second, None, more=(first,))


R = Reason
# name -> (how it is made, given the post of the road; why the faulty document is refused; whether
# that is the approval). Everything else in it is in order.
AUTHOR_FAULTS: dict[str, tuple[Callable[[Post], Pair], Reason]] = {
    "author has no certificate": (lambda p: pair(STRANGER, post=p), R.UNKNOWN_KEY),
    "author is revoked": (lambda p: pair(samples.RINA, post=p), R.REVOKED),
    "author's certificate has ended": (lambda p: pair(samples.EDI, post=p), R.CERT_EXPIRED),
    "author is of another area": (lambda p: pair(samples.LENA, post=p), R.WRONG_AREA),
    "author writes for another area": (
        lambda p: pair(V1, samples.LENA, post=p, area=samples.DESA_2), R.WRONG_AREA,
    ),
    "author writes for the whole regency": (
        lambda p: pair(V1, samples.HUB, post=p, area=samples.REGENCY), R.WRONG_AREA,
    ),
    "author is suspended": (
        lambda p: replace(pair(V1, KETUA, post=p), more=frozen(V1, p)), R.SUSPENDED,
    ),
    "author's signature is broken": (lambda p: Pair(broken(samples.bulletin(V1, p)), None),
                                     R.BAD_SIGNATURE),
    "author's signature is of another text": (other_author, R.BAD_SIGNATURE),
    "author is a gateway": (lambda _: pair(samples.SALUTIWO, post=None), R.WRONG_ROLE),
    "author is the hub": (lambda _: pair(samples.HUB, post=None), R.WRONG_ROLE),
    "author is the district": (lambda _: pair(samples.DISTRICT, post=None), R.WRONG_ROLE),
    "post of the author has no certificate": (
        lambda _: pair(V1, post=THIEF_POST), R.UNKNOWN_KEY,
    ),
    "post of the author is of another area": (lambda _: pair(V1, post=FAR_POST), R.WRONG_AREA),
    "volunteer publishes a notice": (lambda p: notice(V1, p), R.WRONG_ROLE),
    "revoked verifier publishes a notice": (lambda p: notice(samples.RINA, p), R.REVOKED),
    "no sources": (
        lambda p: pair(post=p, sources=0, primary=0, dossier=b""), R.TOO_FEW_SOURCES,
    ),
    "one source": (lambda p: pair(post=p, sources=1), R.TOO_FEW_SOURCES),
    "no first-hand source": (lambda p: pair(post=p, primary=0), R.NO_PRIMARY_SOURCE),
    "more sources than the dossier has": (lambda p: pair(post=p, sources=3), R.TOO_FEW_SOURCES),
    "no dossier": (lambda p: pair(post=p, dossier=b""), R.NO_DOSSIER),
    "no verdict": (lambda p: pair(post=p, verdict=Verdict.NONE), R.WRONG_FORM),
    "correction of nothing": (lambda p: pair(post=p, form=Form.CORRECTION), R.WRONG_FORM),
    "holds for ever": (lambda p: pair(post=p, expires_6h=255), R.WRONG_FORM),
    "of the demonstration": (lambda p: pair(post=p, demo=True), R.DEMO),
    "sequence number was used": (number_again, R.SEQUENCE_USED),
}  # fmt: skip
VOTE_FAULTS: dict[str, tuple[Callable[[Post], Pair], Reason]] = {
    "approver is the author": (lambda p: pair(V3, V3, post=p), R.SAME_PERSON),
    "approver is the author with another key": (
        lambda p: pair(V3, CITRA_AGAIN, post=p), R.SAME_PERSON,
    ),
    "approver has no certificate": (lambda p: pair(V1, STRANGER, post=p), R.UNKNOWN_KEY),
    "approver is a volunteer": (lambda p: pair(V1, samples.V2, post=p), R.WRONG_ROLE),
    "approver is a gateway": (lambda _: pair(V1, samples.SALUTIWO, post=None), R.WRONG_ROLE),
    "approver is revoked": (lambda p: pair(V1, samples.RINA, post=p), R.REVOKED),
    "approver's certificate has ended": (lambda p: pair(V1, samples.EDI, post=p), R.CERT_EXPIRED),
    "approver is of another area": (lambda p: pair(V1, samples.LENA, post=p), R.WRONG_AREA),
    "approver is suspended": (
        lambda p: replace(pair(V1, KETUA, post=p), more=frozen(KETUA, p)), R.SUSPENDED,
    ),
    "approval is broken": (
        lambda p: Pair(b := samples.bulletin(V1, p), broken(samples.approval(b, V3, p))),
        R.BAD_SIGNATURE,
    ),
    "approval is of another bulletin": (approval_of_another, R.BAD_SIGNATURE),
    "approval was a rejection": (rejection_as_approval, R.BAD_SIGNATURE),
    "approval is signed by somebody else": (
        lambda p: Pair(b := samples.bulletin(V1, p), signed_by(samples.approval(b, V3), V4.seed)),
        R.BAD_SIGNATURE,
    ),
    "post of the approver has no certificate": (
        lambda p: pair(V1, post=p, voter_post=THIEF_POST), R.UNKNOWN_KEY,
    ),
    "post of the approver is of another area": (
        lambda p: pair(V1, post=p, voter_post=FAR_POST), R.WRONG_AREA,
    ),
    "both are of the village that it is about": (
        lambda p: pair(post=p, topic=Topic.GOVERNMENT), R.NEEDS_OUTSIDER,
    ),
}  # fmt: skip
FAULTS = {**AUTHOR_FAULTS, **VOTE_FAULTS}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db", (*samples.CHAIN, *MORE)) as node:
        yield node


def is_radio(document: Bulletin | Vote) -> bool:
    return document.stamp.person != document.stamp.signer


async def published(node: Node, bulletin: Bulletin) -> bool:
    """Whether anybody is shown it: by the board, by itself, or by what the table says."""
    return (
        bulletin.id in await node.on_board()
        or await node.state(bulletin.id) in BOARD
        or await node.written(bulletin.id) in BOARD
    )


@pytest.mark.parametrize("road", ROADS, ids=lambda via: via.name)
@pytest.mark.parametrize("name", FAULTS)
async def test_no_faulty_document_enters(node, name, road):
    make, reason = FAULTS[name]
    made = make(ROADS[road])
    await node.write_rows(*made.more)
    faulty = made.vote if name in VOTE_FAULTS else made.bulletin
    if faulty is made.vote:
        await node.accept(made.bulletin, Via.NODE if is_radio(made.bulletin) else Via.WEB)
    assert await node.refusal(faulty, road) is reason
    if made.vote is not None:  # a true approval does not heal it
        await node.refusal(made.vote, road)
    assert not await published(node, made.bulletin)
    known = (await node.show(made.bulletin.id)) is not None
    assert known == (name in VOTE_FAULTS)


# What the log cannot tell when a row is written by hand; everything else is found at each look.
UNSEEN = {"sequence number was used"}


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in UNSEEN])
@pytest.mark.parametrize("post", [None, HERE, samples.SALUTIWO], ids=["own key", "here", "there"])
async def test_no_row_written_by_hand_is_shown(node, name, post):
    """Log and read table are both forged, as well as somebody can who has the file."""
    made = FAULTS[name][0](post)
    votes = () if made.vote is None else (made.vote,)
    await node.write_rows(*made.more, made.bulletin, *votes)
    forged = "UPDATE bulletin SET state = ?, standing = 'verified'"
    for state in (BulletinState.VERIFIED, BulletinState.VIA_POST, BulletinState.NOTICE):
        await node.db.write(lambda c, state=state: c.execute(forged, (state,)))
        assert made.bulletin.id not in await node.on_board()
        assert await node.state(made.bulletin.id) not in BOARD
    await node.refresh()
    assert not await published(node, made.bulletin)
    await node.db.write(lambda c: c.execute(forged, (BulletinState.VERIFIED,)))
    await node.db.write(project.rebuild)
    await node.refresh()
    assert not await published(node, made.bulletin)


@pytest.mark.parametrize(
    ("road", "post", "voter", "state"),
    [
        (Via.WEB, None, V3, BulletinState.VERIFIED),
        (Via.RADIO, None, V3, BulletinState.VERIFIED),
        (Via.UPLINK, None, samples.HUB, BulletinState.WAITING),  # the hub is nobody's second person
        (Via.USB, None, KETUA, BulletinState.VERIFIED),
        (Via.NODE, HERE, V3, BulletinState.VERIFIED),
        (Via.USB, samples.SALUTIWO, V3, BulletinState.VIA_POST),
        (Via.RADIO, samples.SALUTIWO, V3, BulletinState.VIA_POST),
    ],
)  # fmt: skip
async def test_two_persons_do_publish(node, road, post, voter, state):
    """The matrix would be easy to pass for a node that refuses everything."""
    made = pair(V1, voter, post=None if isinstance(voter, Machine) else post)
    await node.accept(made.bulletin, road)
    assert await node.state(made.bulletin.id) is BulletinState.WAITING
    assert made.bulletin.id not in await node.on_board()
    await node.accept(made.vote, road)
    assert await node.state(made.bulletin.id) is state
    assert await node.written(made.bulletin.id) is state
    assert (made.bulletin.id in await node.on_board()) == (state in BOARD)


@pytest.mark.parametrize("road", [Via.RADIO, Via.UPLINK, Via.USB])
async def test_this_gateways_own_signature_never_comes_from_elsewhere(node, road):
    """A clone of its disk signs what this node would believe at home."""
    epoch = await node.db.write(sequence.epoch)
    made = pair(V1, V3, post=HERE, when={"epoch": epoch})
    assert await node.refusal(made.bulletin, road) is Reason.OWN_KEY
    await node.accept(made.bulletin, Via.NODE)
    forged = samples.approval(made.bulletin, V3, HERE, epoch=epoch)
    assert await node.refusal(forged, road) is Reason.OWN_KEY
    assert await node.state(made.bulletin.id) is BulletinState.WAITING
    known = await node.db.read(lambda c: incidents.recent(c, 10))
    assert {(one.kind, one.count) for one in known} == {("own-key", 1)}
    assert len(known) == 2  # one for each person in whose name it was tried


@pytest.mark.parametrize("road", [Via.RADIO, Via.UPLINK, Via.USB])
async def test_this_gateways_own_past_is_only_as_good_as_another_posts_word(node, road):
    """After the card was made anew its old bulletins come back from the neighbours, or a clone
    writes another epoch: nobody can tell them apart."""
    past = (await node.db.write(sequence.epoch) + 1) % 256
    made = pair(V1, V3, post=HERE, when={"epoch": past})
    await node.accept(made.bulletin, road)
    await node.accept(samples.approval(made.bulletin, V3, HERE, epoch=past), road)
    assert await node.state(made.bulletin.id) is BulletinState.VIA_POST
    await node.accept(samples.approval(made.bulletin, V4, HERE), Via.NODE)
    assert await node.state(made.bulletin.id) is BulletinState.VERIFIED


async def test_a_page_takes_only_what_a_person_signed(node):
    made = pair(V1, V3, post=samples.SALUTIWO)
    assert await node.refusal(made.bulletin, Via.WEB) is Reason.BAD_REQUEST


async def test_a_suspension_ends_and_the_bulletin_comes_back(node):
    made = pair(V1, KETUA, post=None)
    await node.write_rows(*frozen(KETUA, None))
    assert await node.refusal(made.bulletin, Via.WEB) is None
    assert await node.refusal(made.vote, Via.WEB) is Reason.SUSPENDED
    node.now = samples.later(73 * 3600)
    late = samples.approval(made.bulletin, KETUA, made_min=samples.NOW_MIN + 74 * 60)
    assert await node.refusal(late, Via.WEB) is None
    assert await node.state(made.bulletin.id) is BulletinState.VERIFIED


async def test_one_key_cannot_fill_the_queue(node):
    """A stolen radio writes drafts; from elsewhere more may wait, their approvals come last."""
    for n in range(MAX_DRAFTS):
        await node.accept(samples.bulletin(V1, HERE, text=f"Kabar nomor {n}."), Via.NODE)
    one_more = samples.bulletin(V1, HERE, text="Satu lagi.")
    assert await node.refusal(one_more, Via.NODE) is Reason.NO_ROOM
    other = samples.bulletin(V1, samples.SALUTIWO, text="Satu lagi dari pos lain.")
    assert await node.refusal(other, Via.RADIO) is None
    await node.accept(samples.bulletin(samples.V2, HERE), Via.NODE)
