"""The one admission, as the edges use it."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from kimnode.clock import Clock
from kimnode.errors import Reason, Refused
from kimnode.intake import FORGED_BURST, Intake
from kimnode.metrics import Metrics
from kimnode.record import Body, Kind, Via
from kimnode.rules.claims import ROOM
from kimnode.store import incidents, log
from kimnode.wire import records
from tests.published import opened
from tests.rules import trust_samples
from tests.store import samples


async def test_a_phone_that_asks_again_before_the_answer_is_answered_the_same(db):
    """Socket and form at once, or a retry while the disk is slow."""
    intake = Intake(db, Clock(), Metrics())
    record = samples.chat("halo")
    answers = await asyncio.gather(*(intake.accept(record, Via.WEB) for _ in range(5)))
    assert sorted(answer.fresh for answer in answers) == [False] * 4 + [True]
    assert {answer.seq for answer in answers} == {1}
    assert await db.read(log.last_seq) == 1


async def kinds_of_incidents(db) -> list[tuple[str, str]]:
    known = await db.read(partial(incidents.recent, limit=9))
    return [(incident.kind, incident.who) for incident in known]


async def test_many_forged_documents_by_one_road_are_an_incident(tmp_path):
    async with opened(tmp_path / "village.db") as node:
        for n in range(2 * FORGED_BURST - 1):
            known = await node.db.read(partial(incidents.recent, limit=9))
            assert [one.count for one in known] == [1] * (n >= FORGED_BURST)  # once for each burst
            true = trust_samples.bulletin(text=f"Gempa nomor {n}.")
            forged = replace(true, signature=bytes(64))
            assert await node.refusal(forged, Via.RADIO) is Reason.BAD_SIGNATURE
        assert await kinds_of_incidents(node.db) == [("bad-signature", "RADIO")]


async def test_a_number_that_is_used_twice_is_an_incident_with_a_name(tmp_path):
    async with opened(tmp_path / "village.db") as node:
        one = trust_samples.bulletin()
        two = trust_samples.bulletin(text="Yang kedua.", when={"seq": one.stamp.seq})
        await node.accept(one, Via.RADIO)
        for _ in range(2):
            assert await node.refusal(two, Via.USB) is Reason.SEQUENCE_USED
        assert await kinds_of_incidents(node.db) == [
            ("sequence-used", f"key:{trust_samples.V1.key.hex()}")
        ]
        # Whoever cannot sign cannot make anybody look like a cheat.
        other = replace(two, text="Yang ketiga.")
        assert await node.refusal(other, Via.RADIO) is Reason.BAD_SIGNATURE


async def test_a_record_that_is_not_its_document_does_not_enter(tmp_path):
    """The header repeats parts of the document; one that lies is refused, whatever is signed."""
    async with opened(tmp_path / "village.db") as node:
        record = records.of_document(trust_samples.bulletin())
        other = records.of_document(trust_samples.bulletin(text="Yang lain."))
        for lie in (
            replace(record, document=other.document),
            replace(record, author="key:" + "00" * 32),
            replace(record, kind=Kind.APPROVAL),
            replace(record, made_at=record.made_at + 60),
            replace(record, document=b"\x80"),
            replace(record, document=b""),
        ):
            with pytest.raises(Refused) as refused:
                await node.intake.accept(lie, Via.USB)
            assert refused.value.reason is Reason.BAD_REQUEST


async def test_a_document_is_accepted_once(tmp_path):
    async with opened(tmp_path / "village.db") as node:
        record = records.of_document(trust_samples.bulletin())
        answers = [await node.intake.accept(record, via) for via in Via if via is not Via.NODE]
        assert [answer.fresh for answer in answers] == [True, False, False, False]


async def test_votes_wait_for_what_they_are_about(tmp_path):
    async with opened(tmp_path / "village.db") as node:
        bulletin = trust_samples.bulletin()
        approval = trust_samples.approval(bulletin)
        assert await node.refusal(approval, Via.RADIO) is Reason.UNKNOWN_SUBJECT
        await node.accept(bulletin, Via.RADIO)
        assert await node.refusal(approval, Via.RADIO) is None


async def test_a_dossier_from_elsewhere_needs_its_bulletin(tmp_path):
    async with opened(tmp_path / "village.db") as node:
        dossier = replace(trust_samples.DOSSIER, claim="Kabar yang lain")
        assert await node.refusal(dossier, Via.USB) is Reason.UNKNOWN_SUBJECT
        await node.accept(trust_samples.bulletin(dossier=dossier.hash), Via.USB)
        assert await node.refusal(dossier, Via.USB) is None


async def test_who_passes_on_too_many_rumours_waits(db):
    intake = Intake(db, Clock(), Metrics())

    async def pass_on(text: str, author: str, via: Via) -> Reason | None:
        nonce = len(text).to_bytes(8, "big")
        record = records.written(Kind.REPORT, author, ROOM, 0, nonce, Body("", text), bytes(8))
        try:
            await intake.accept(record, via)
        except Refused as refused:
            return refused.reason
        return None

    for author, via in (("phone:00000000000000aa", Via.WEB), ("radio:!0000001f", Via.RADIO)):
        reasons = [await pass_on("kabar" + "!" * n, author, via) for n in range(4)]
        assert reasons == [None, None, None, Reason.TOO_FAST]
