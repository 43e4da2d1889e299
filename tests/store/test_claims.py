"""Reports in the database: grouped, listed, answered, bounded; and retention."""

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from kimnode.errors import Reason, Refused
from kimnode.record import Body, Kind, Via
from kimnode.rules.claims import LIST_WITHIN_S, MAX_OPEN_CLAIMS, ROOM, ClaimState, ClaimStep
from kimnode.store import board, claims, log, project, retention, views
from kimnode.store.retention import Budget
from kimnode.wire import records
from kimnode.wire.codes import Form, HoaxType, Verdict
from tests.published import Node, opened
from tests.rules import trust_samples as samples
from tests.rules.rumours import TELLINGS
from tests.store import samples as talk

NOW = 1_800_000_000
DAM = TELLINGS["bendungan"].strip().splitlines()
LETTERS = str.maketrans("0123456789", "ghjklmnpqr")
_numbers = count(1)


def report(text: str, who: int = 1):
    number = next(_numbers).to_bytes(16, "big")
    author = f"phone:{who:016x}"
    return records.written(Kind.REPORT, author, ROOM, NOW, number, Body("", text), bytes(8))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db") as node:
        yield node


async def told(node: Node, text: str, who: int = 1, at: int = NOW) -> int:
    """The claim to which the report went; past the door, whose limits are tested elsewhere."""

    def append(connection) -> int:
        entry = log.append(connection, report(text, who), Via.WEB, at)
        project.apply(connection, entry)
        return claims.claim_of(connection, entry.seq)

    return await node.db.write(append)


async def claim(node: Node, number: int):
    return await node.db.read(partial(claims.get, claim=number))


async def advance(node: Node, number: int, happened: ClaimStep) -> None:
    await node.db.write(partial(claims.advance, claim=number, happened=happened, now=NOW))


async def test_reports_of_one_rumour_are_one_claim(node):
    numbers = {await told(node, text, who) for who, text in enumerate(DAM)}
    assert numbers == {1}
    other = await told(node, "vaksin campak bikin anak lumpuh")
    assert other == 2
    one = await claim(node, 1)
    assert (one.text, one.reports, one.people) == (DAM[0], len(DAM), len(DAM))
    assert len(await node.db.read(partial(claims.reports, claim=1))) == len(DAM)
    assert [c.id for c in await node.db.read(claims.unsettled)] == [1, 2]


async def test_five_people_within_an_hour_list_it(node):
    for who in range(4):
        await told(node, DAM[who], who)
    assert await node.db.read(claims.listed) == []
    await told(node, DAM[4], 0)  # one of them again
    assert await node.db.read(claims.listed) == []
    await told(node, DAM[5], 5)
    assert [c.id for c in await node.db.read(claims.listed)] == [1]
    assert (await claim(node, 1)).state is ClaimState.LISTED


async def test_five_people_in_a_week_do_not(node):
    for who in range(5):
        await told(node, DAM[who], who, NOW + who * LIST_WITHIN_S // 2)
    assert await node.db.read(claims.listed) == []


async def test_while_it_is_checked_it_is_still_listed(node):
    await told(node, DAM[0])
    await advance(node, 1, ClaimStep.TAKE)
    for who in range(2, 6):
        await told(node, DAM[who], who)
    assert (await claim(node, 1)).state is ClaimState.CHECKING
    assert [c.id for c in await node.db.read(claims.listed)] == [1]


async def bulletin_for(node: Node, number: int, **changes) -> int:
    bulletin = samples.bulletin(samples.V1, **changes)
    seq = await node.accept(bulletin, Via.WEB)
    await node.db.write(partial(claims.take, claim=number, bulletin=seq, now=NOW))
    return seq


async def test_a_claim_follows_its_bulletin(node):
    await told(node, DAM[0])
    seq = await bulletin_for(node, 1)
    assert (await claim(node, 1)).state is ClaimState.CHECKING
    bulletin = (await node.db.read(lambda c: board.show(c, seq, node.cache, node.now))).bulletin
    await node.accept(samples.approval(bulletin), Via.WEB)
    answered = await claim(node, 1)
    assert (answered.state, answered.bulletin) == (ClaimState.ANSWERED, seq)
    assert await node.db.read(claims.listed) == []
    assert await told(node, DAM[1], 2) == 1  # whoever asks now gets the answer
    assert [c.id for c in await node.db.read(partial(claims.answering, bulletin=seq))] == [1]
    withdrawal = samples.bulletin(
        samples.V1, form=Form.RETRACTION, about=bulletin.id[:16], verdict=Verdict.NONE,
        hoax_type=HoaxType.NONE, text="Sumbernya ternyata keliru.",
    )  # fmt: skip
    await node.accept(withdrawal, Via.WEB)
    await node.accept(samples.approval(withdrawal), Via.WEB)
    assert (await claim(node, 1)).state is ClaimState.OPEN


async def test_a_rejected_draft_gives_the_claim_back(node):
    await told(node, DAM[0])
    seq = await bulletin_for(node, 1)
    bulletin = (await node.db.read(lambda c: board.show(c, seq, node.cache, node.now))).bulletin
    await node.accept(samples.rejection(bulletin), Via.WEB)
    assert (await claim(node, 1)).state is ClaimState.OPEN


async def test_a_notice_answers_nothing(node):
    await told(node, DAM[0])
    notice = samples.bulletin(
        samples.V3, form=Form.NOTICE, verdict=Verdict.UNCHECKED, hoax_type=HoaxType.NONE,
        sources=0, primary=0, dossier=b"", expires_6h=8, text="Belum dicek. Tetap tenang dulu.",
    )  # fmt: skip
    seq = await node.accept(notice, Via.WEB)
    await node.db.write(partial(claims.take, claim=1, bulletin=seq, now=NOW))
    assert (await claim(node, 1)).state is ClaimState.OPEN


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [
        (9, None, Reason.UNKNOWN_SUBJECT),
        (1, ClaimStep.CLOSE, Reason.DECIDED),
        (1, ClaimStep.ANSWER, Reason.DECIDED),
    ],
)
async def test_what_cannot_be_taken(node, number, state, reason):
    await told(node, DAM[0])
    if state is not None:
        await advance(node, 1, state)
    with pytest.raises(Refused) as refused:
        await bulletin_for(node, number)
    assert refused.value.reason is reason


async def test_a_closed_claim_takes_no_more_reports(node):
    await told(node, DAM[0])
    await node.db.write(partial(claims.close, claim=1, now=NOW))
    assert await told(node, DAM[0], 2) == 2
    with pytest.raises(Refused) as refused:
        await node.db.write(partial(claims.close, claim=1, now=NOW))
    assert refused.value.reason is Reason.DECIDED


async def test_a_flood_of_inventions_closes_the_least_told(node):
    many = await told(node, DAM[0])
    await told(node, DAM[1], 2)
    for place in range(MAX_OPEN_CLAIMS + 3):
        noise = hashlib.sha256(bytes([place])).hexdigest().translate(LETTERS)
        await told(node, f"{noise[:9]} {noise[9:18]} {noise[18:27]}", 100 + place)
    unsettled = await node.db.read(claims.unsettled)
    assert len(unsettled) == MAX_OPEN_CLAIMS
    assert many in [c.id for c in unsettled]
    assert 2 not in [c.id for c in unsettled]


async def test_rebuilding_leaves_claims_as_they_are(node):
    await told(node, DAM[0])
    await advance(node, 1, ClaimStep.CLOSE)
    await node.db.write(project.rebuild)
    assert (await claim(node, 1)).state is ClaimState.CLOSED


async def test_reports_and_documents_are_no_talk(node):
    await node.accept(samples.bulletin(samples.V1), Via.RADIO)
    await told(node, DAM[0])
    said = await node.db.write(lambda c: log.append(c, talk.chat(), Via.WEB, NOW))
    assert [m.seq for m in await node.db.read(lambda c: views.since(c, 0, 500))] == [said.seq]
    assert await node.db.read(lambda c: views.recent(c, ROOM, 10)) == []
    assert await node.db.read(lambda c: views.one(c, said.seq - 1)) is None


async def test_retention_keeps_what_is_asked_and_what_is_believed(node):
    """Old talk, answered reports, receipts and time anchors go; nothing else ever does."""
    bulletin = samples.bulletin(samples.V1)
    kept = [bulletin, samples.approval(bulletin)]
    for document in (*kept, samples.receipt(bulletin), samples.time_anchor()):
        await node.accept(document, Via.RADIO)
    await told(node, DAM[0])
    answered = await told(node, "vaksin campak bikin anak lumpuh", 2)
    await advance(node, answered, ClaimStep.CLOSE)
    await node.db.write(lambda c: log.append(c, talk.chat(), Via.WEB, NOW))
    before = await node.db.read(log.last_seq)
    far = NOW + 400 * 86_400
    deleted = await node.db.write(partial(retention.delete_batch, budget=Budget(30, 1), now=far))
    assert deleted == 4

    def left(connection) -> list[int]:
        return [k for (k,) in connection.execute("SELECT kind FROM log ORDER BY seq")]

    kinds = [one.KIND for one in (*samples.CHAIN, samples.DOSSIER, *kept)]
    assert await node.db.read(left) == [*kinds, Kind.REPORT]
    assert before == len(kinds) + 5
    assert await node.refusal(samples.receipt(bulletin), Via.RADIO) is None  # and no error
