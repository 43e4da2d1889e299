"""Power cuts and bad cards: what a phone was told is in every image that a power cut may leave,
and a file that is beyond that is put aside, and the post opens without it and says so.
"""

import asyncio
import logging
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.store import log
from kimnode.store.db import open_database
from tests.journeys import torn
from tests.journeys.gateways import Gateway, open_gateway
from tests.journeys.phones import Doors
from tests.journeys.processes import NodeProcess
from tests.journeys.sizes import short_and_long

NOW = 1_800_000_000
SPEED = 200  # of the node's clock, so that no limit on typing holds up the writers
WRITERS = 8
FULL = 2


@dataclass(frozen=True, slots=True)
class Size:
    images: int
    seed: int = 1


@pytest.mark.parametrize("size", short_and_long(Size(12), *(Size(100, seed) for seed in (2, 3))))
async def test_every_image_that_a_power_cut_may_leave_has_all_that_was_acknowledged(size, tmp_path):
    rng = random.Random(size.seed)
    node = NodeProcess(tmp_path / "x.db", Clock(SPEED))
    acknowledged: dict[str, int] = {}
    images: list[tuple[Path, dict[str, int]]] = []
    try:
        await node.start()
        async with Doors(node.url, rng) as doors, asyncio.TaskGroup() as tasks:
            writers = [tasks.create_task(write(doors, n, acknowledged)) for n in range(WRITERS)]
            for number in range(size.images):
                await asyncio.sleep(rng.uniform(0.02, 0.4))
                node.freeze()
                image = tmp_path / f"image{number}.db"
                torn.snapshot(node.database, image)
                images.append((image, dict(acknowledged)))
                node.thaw()
            for writer in writers:
                writer.cancel()
        await node.stop()
    finally:
        await node.kill()
    damaged = 0
    for image, promised in images:
        damaged += torn.tear(image, rng)
        await check_image(image, promised)
    print(f"{len(images)} images, {damaged} torn, up to {len(acknowledged)} messages in them")
    assert damaged >= len(images) // 2


async def write(doors: Doors, number: int, acknowledged: dict[str, int]) -> None:
    """Posts for ever; what the node has confirmed is noted in the same step."""
    count = 0
    while True:
        cookie, count = doors.new_cookie(), count + 1
        cid = f"{number:04x}{count:012x}"
        answer = await doors.post(
            cookie, f"W{number}", f"kabar {count} " + "x" * 300, "warung", cid=cid
        )
        acknowledged[answer["cid"]] = answer["seq"]


async def check_image(image: Path, promised: dict[str, int]) -> None:
    """The node takes it as sound, and everything confirmed before that moment is there."""
    async with open_database(image, NOW) as database:
        assert database.quarantined is None
        (synchronous,) = await database._writer.run(
            lambda c: c.execute("PRAGMA synchronous").fetchone()
        )
        assert synchronous == FULL  # what torn.py takes for granted
        rows = await database.read(
            lambda c: c.execute(
                "SELECT lower(hex(nonce)), seq FROM log JOIN body USING (seq)"
            ).fetchall()
        )
        kept = dict(rows)
        assert {cid: kept.get(cid) for cid in promised} == promised
        assert await database.read(lambda c: list(log.verify(c))) == []
    assert torn.faults(image) == []


@pytest.mark.parametrize("damage", ["garbage", "middle", "truncated"])
async def test_a_damaged_database_is_put_aside_and_the_post_opens_and_says_so(
    damage, tmp_path, caplog
):
    path, rng = tmp_path / "x.db", random.Random(5)
    async with open_gateway(path, Clock(), None) as gateway:
        await fill(gateway, rng)
    ruin(path, damage)
    before = path.read_bytes()
    with caplog.at_level(logging.ERROR):
        async with open_gateway(path, Clock(), None) as gateway:
            health = await gateway.health()
            assert health["messages"] == 0
            assert health["damaged_file_kept_as"].startswith("x.db.damaged-")
            async with Doors(gateway.url, rng) as doors:
                answer = await doors.post(doors.new_cookie(), "Ani", "kami mulai lagi")
            assert (answer["t"], answer["seq"]) == ("ok", 1)
    (kept,) = [p for p in tmp_path.iterdir() if ".damaged-" in p.name]
    assert kept.read_bytes() == before
    assert any(kept.name in record.getMessage() for record in caplog.records)


async def fill(gateway: Gateway, rng: random.Random) -> None:
    async with Doors(gateway.url, rng) as doors:
        for number in range(100):
            answer = await doors.post(doors.new_cookie(), "Ani", f"{number} " + "x" * 500, "warung")
            assert answer["t"] == "ok"


def ruin(path: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data[:4096] = random.Random(6).randbytes(4096)
    elif damage == "middle":
        for page in range(8, len(data) // 4096, 2):
            data[page * 4096 : page * 4096 + 512] = bytes(512)
    else:
        del data[len(data) // 2 :]
    path.write_bytes(data)
