"""The gateway's signature under what radios said, and what browsers are given to sign."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from kimnode.attestor import Attestor
from kimnode.errors import Reason, Refused
from kimnode.record import Body, Kind, Via
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.claims import ROOM, ClaimState
from kimnode.rules.publishing import Draft
from kimnode.store import claims, log, reach
from kimnode.wire import records, signing
from kimnode.wire.codes import Form, HoaxType, Mode, TimeTrust, Topic, Verdict
from kimnode.wire.documents import MAX_RECEIPTS, is_signed_by
from tests.published import HERE, Node, opened
from tests.rules import trust_samples as samples

V1, V3, V4 = samples.V1, samples.V3, samples.V4
DRAFT = Draft(
    Form.CHECK,
    "Tidak ada gempa besar malam ini.",
    samples.DESA,
    topic=Topic.DISASTER,
    verdict=Verdict.HOAX,
    hoax_type=HoaxType.FABRICATED,
    dossier=replace(samples.DOSSIER, claim="Gempa jam 9"),
)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with opened(tmp_path / "village.db") as node:
        yield node


@pytest.fixture
def attestor(node: Node) -> Attestor:
    return Attestor(HERE.seed, node.db, node.intake, lambda: node.now)


async def refusal(awaitable) -> Reason | None:
    try:
        await awaitable
    except Refused as refused:
        return refused.reason
    return None


async def test_two_radios_publish_at_home(node, attestor):
    draft = await attestor.bulletin(DRAFT, V1.radio)
    bulletin = draft.document
    assert await node.state(bulletin.id) is BulletinState.WAITING
    assert is_signed_by(bulletin, HERE.key)
    stamp = bulletin.stamp
    assert (stamp.mode, stamp.signer, stamp.person) == (Mode.ATTESTED, HERE.key, V1.radio)
    assert (stamp.made_min, stamp.trust) == (samples.NOW_MIN, TimeTrust.SURE)
    assert (bulletin.number, bulletin.sources, bulletin.primary) == (1, 2, 1)
    approval = await attestor.vote(Kind.APPROVAL, bulletin.id, V3.radio)
    assert approval.document.stamp.seq == stamp.seq + 1
    shown = await node.show(bulletin.id)
    assert shown.state is BulletinState.VERIFIED
    assert shown.local
    assert shown.dossier == DRAFT.dossier
    assert (await node.db.read(lambda c: log.entry(c, draft.seq))).via is Via.NODE


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (V1.radio, Reason.WRONG_ROLE),
        (samples.V2.radio, Reason.WRONG_ROLE),
        (samples.RINA.radio, Reason.REVOKED),
        (samples.EDI.radio, Reason.CERT_EXPIRED),
        (samples.LENA.radio, Reason.WRONG_AREA),
        (bytes(32), Reason.UNKNOWN_KEY),
        (V3.key, Reason.WRONG_ROLE),  # a key that signs by itself is not spoken for
    ],
    ids=lambda value: value.name if isinstance(value, Reason) else value.hex()[:6],
)
async def test_who_may_not_approve_by_radio(attestor, person, reason):
    bulletin = (await attestor.bulletin(DRAFT, V1.radio)).document
    assert await refusal(attestor.vote(Kind.APPROVAL, bulletin.id, person)) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dossier": None}, Reason.TOO_FEW_SOURCES),
        ({"verdict": Verdict.NONE}, Reason.WRONG_FORM),
        ({"text": ""}, Reason.EMPTY),
        ({"form": Form.CORRECTION, "text": "Jamnya ternyata salah."}, Reason.WRONG_FORM),
        ({"claim": 9}, Reason.UNKNOWN_SUBJECT),
        ({"days": 31}, Reason.WRONG_FORM),
    ],
)
async def test_a_draft_that_can_be_nothing_takes_no_number(node, attestor, changes, reason):
    last = await node.db.read(log.last_seq)
    assert await refusal(attestor.bulletin(replace(DRAFT, **changes), V1.radio)) is reason
    assert await node.db.read(log.last_seq) == last
    assert (await attestor.bulletin(DRAFT, V1.radio)).document.number == 1


async def test_a_correction_names_the_old_one(node, attestor):
    old = (await attestor.bulletin(DRAFT, V1.radio)).document
    change = {"form": Form.CORRECTION, "text": "Jamnya ternyata salah.", "about": old.id}
    correction = replace(DRAFT, **change)
    assert await refusal(attestor.bulletin(correction, V1.radio)) is Reason.DECIDED  # not yet out
    await attestor.vote(Kind.APPROVAL, old.id, V3.radio)
    new = (await attestor.bulletin(correction, V1.radio)).document
    assert new.about == old.id[:16]
    await attestor.vote(Kind.APPROVAL, new.id, V4.radio)
    assert await node.state(old.id) is BulletinState.CORRECTED


async def test_a_claim_is_answered(node, attestor):
    report = records.written(
        Kind.REPORT, "radio:!0000001f", ROOM, 0, bytes(4), Body("", "gempa besar jam 9"), bytes(8)
    )
    seq = (await node.intake.accept(report, Via.RADIO)).seq
    claim = await node.db.read(partial(claims.claim_of, seq=seq))
    made = await attestor.bulletin(replace(DRAFT, claim=claim), V1.radio)
    state = (await node.db.read(partial(claims.get, claim=claim))).state
    assert state is ClaimState.CHECKING
    await attestor.vote(Kind.APPROVAL, made.document.id, V3.radio)
    answered = await node.db.read(partial(claims.get, claim=claim))
    assert (answered.state, answered.bulletin) == (ClaimState.ANSWERED, made.seq)
    late = attestor.bulletin(replace(DRAFT, claim=claim), V1.radio)
    assert await refusal(late) is Reason.DECIDED


async def test_a_browser_signs_what_was_prepared(node, attestor):
    unsigned = await attestor.prepare_bulletin(DRAFT, V1.key)
    made = await attestor.take(unsigned, signing.sign(V1.seed, unsigned.signed()))
    assert made.document.stamp.mode is Mode.DIRECT
    assert (await node.db.read(lambda c: log.entry(c, made.seq))).via is Via.WEB
    vote = await attestor.prepare_vote(Kind.APPROVAL, unsigned.id, V3.key)
    assert vote.stamp.signer == V3.key
    await attestor.take(vote, signing.sign(V3.seed, vote.signed()))
    assert await node.state(unsigned.id) is BulletinState.VERIFIED
    again = await attestor.take(vote, signing.sign(V3.seed, vote.signed()))
    assert not again.fresh


async def test_what_the_browser_did_not_sign_is_refused(node, attestor):
    unsigned = await attestor.prepare_bulletin(DRAFT, V1.key)
    signature = signing.sign(V1.seed, unsigned.signed())
    changed = replace(unsigned, text="Gempa besar malam ini, lari!")
    assert await refusal(attestor.take(changed, signature)) is Reason.BAD_SIGNATURE
    assert await refusal(attestor.take(unsigned, bytes(64))) is Reason.BAD_SIGNATURE
    ours = signing.sign(HERE.seed, unsigned.signed())  # the gateway cannot sign for a person
    assert await refusal(attestor.take(unsigned, ours)) is Reason.BAD_SIGNATURE
    assert await node.show(unsigned.id) is None


async def test_two_radios_freeze_a_key(node, attestor):
    for person in (V3, V4):
        await attestor.vote(Kind.SUSPENSION, V1.radio, person.radio)
    assert await refusal(attestor.bulletin(DRAFT, V1.radio)) is Reason.SUSPENDED


async def test_receipts(node, attestor):
    bulletin = samples.bulletin(V1)
    seq = await node.accept(bulletin, Via.RADIO)
    receipt = (await attestor.receipt([bulletin.id])).document
    assert is_signed_by(receipt, HERE.key)
    assert (await node.db.read(partial(reach.counts, bulletin=seq))).gateways == 1
    assert await refusal(attestor.receipt([])) is Reason.BAD_REQUEST
    assert await refusal(attestor.receipt([bytes(32)] * (MAX_RECEIPTS + 1))) is Reason.BAD_REQUEST


def test_the_private_key_is_not_shown(attestor):
    assert HERE.seed.hex() not in repr(attestor)
    assert str(HERE.seed) not in repr(attestor)
