"""The one admission, as the edges use it."""

import asyncio

from kimnode.clock import Clock
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Via
from kimnode.store import log
from tests.store import samples


async def test_a_phone_that_asks_again_before_the_answer_is_answered_the_same(db):
    """Socket and form at once, or a retry while the disk is slow."""
    intake = Intake(db, Clock(), Metrics())
    record = samples.chat("halo")
    answers = await asyncio.gather(*(intake.accept(record, Via.WEB) for _ in range(5)))
    assert sorted(answer.fresh for answer in answers) == [False] * 4 + [True]
    assert {answer.seq for answer in answers} == {1}
    assert await db.read(log.last_seq) == 1
