"""What the doctor says about keys and trust."""

import io
import shutil
from pathlib import Path

import pytest

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.doctor import examine
from kimnode.intake import Intake
from kimnode.keys import ceremony, demo_chain, files, keyfile
from kimnode.keys.cards import Purpose
from kimnode.keys.own import gateway_key_path
from kimnode.metrics import Metrics
from kimnode.record import Via
from kimnode.store.db import open_database
from kimnode.store.trust import pin_root
from kimnode.wire import records, signing
from kimnode.wire.times import day_of, minutes_of
from tests.test_cli import free_port

CHAIN = ("root.1.kim", "mamuju.kim", "post.kim")


class Place:
    """A post in a copy of the offices' folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Config(
            database=str(folder / "post" / "kimnode.db"), port=free_port(), language="en"
        )

    async def take(self, *documents) -> None:
        now = int(Clock().now())
        async with open_database(Path(self.config.database), now) as db:
            intake = Intake(db, Clock(), Metrics())
            for one in documents:
                await intake.accept(records.of_document(one), Via.USB)

    async def take_chain(self) -> None:
        documents = [files.read_document(self.folder / name) for name in CHAIN]
        async with open_database(Path(self.config.database), int(Clock().now())) as db:
            await db.write(lambda c: pin_root(c, documents[0].id))
        await self.take(*documents)

    async def report(self) -> tuple[int, str]:
        paper = io.StringIO()
        return await examine(self.config, False, paper), paper.getvalue()


@pytest.fixture
def place(offices, tmp_path) -> Place:
    shutil.copytree(offices.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


async def test_no_trust_is_no_fault(place):
    await place.take()
    code, text = await place.report()
    assert code == 0
    assert "Bulletins: not possible yet, no root of trust is installed." in text
    assert "kimnode keys --help" in text


async def test_all_well(place):
    await place.take_chain()
    code, text = await place.report()
    assert code == 0
    assert "Root: Sulawesi Barat, version 1, fingerprint " in text
    assert "Certificate of the post: Pos Karataun, until 20" in text
    assert "Revocation list of Kab. Mamuju: 0 days old." in text


async def test_a_key_that_others_can_read_is_broken(place):
    await place.take_chain()
    gateway_key_path(place.config).chmod(0o644)
    code, text = await place.report()
    assert (code, "The post's key cannot be used." in text, "chmod 600" in text) == (1, True, True)


async def test_a_key_that_is_missing_or_unknown_is_told(place):
    await place.take_chain()
    path = gateway_key_path(place.config)
    path.unlink()
    path.with_suffix(".pub").unlink()
    code, text = await place.report()
    assert (code, "has no key yet" in text, "kimnode keys gateway key" in text) == (0, True, True)
    keyfile.save(path, keyfile.generate(Purpose.GATEWAY, "new"))
    code, text = await place.report()
    assert (code, "is not certified yet. Bring " in text, "gateway.pub" in text) == (0, True, True)


async def test_a_revoked_post_is_broken(place):
    await place.take_chain()
    now, district = Clock().now(), keyfile.load(place.folder / "secret/mamuju.key")
    post = signing.key_id(keyfile.load(gateway_key_path(place.config)).public)
    await place.take(ceremony.revoke(district, None, [(post, day_of(now))], minutes_of(now)))
    code, text = await place.report()
    assert (code, "does not hold (revoked)" in text) == (1, True)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (20, "is 20 days old. Ask the district for a new one"),
        (50, "is 50 days old: no new certificate is accepted"),
        (380, "The post's certificate Pos Karataun ends on 20"),
        (500, "does not hold (cert-expired)"),
    ],
)
async def test_what_grows_old_is_told(place, monkeypatch, days, words):
    await place.take_chain()
    later = Clock().now() + days * 86_400
    monkeypatch.setattr(Clock, "now", lambda _: later)
    _, text = await place.report()
    assert words in text


async def test_a_demonstration_is_no_post(tmp_path):
    place = Place(tmp_path)
    await demo_chain.settle(place.config, Clock(), [])
    code, text = await place.report()
    assert (code, "This root is a DEMONSTRATION's: DEMO" in text) == (1, True)
