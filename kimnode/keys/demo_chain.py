"""A whole chain for `kimnode demo`: province, district, post, and volunteers with their radios.

It is made by the same ceremonies as a real one, with keys that say that they are a demonstration's:
no real root, district or post takes anything of them. They lie beside the demo's database, so that
`kimnode keys` can be practised on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import ConfigError
from kimnode.intake import Intake
from kimnode.keys import ceremony, keyfile
from kimnode.keys.cards import Purpose
from kimnode.keys.ceremony import ROOT_DAYS, Subject, Term
from kimnode.keys.keyfile import PrivateKey
from kimnode.keys.own import gateway_key_path, open_own
from kimnode.metrics import Metrics
from kimnode.record import Via
from kimnode.rules.chain import LONGEST_DAYS, WARN_DAYS, list_age_days
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import Trust
from kimnode.store import log
from kimnode.store.db import Database, open_database
from kimnode.store.trust import TrustCache, pin_root
from kimnode.timekeeper import open_timekeeper
from kimnode.wire import records
from kimnode.wire.codes import KeyType, Role, TimeTrust
from kimnode.wire.documents import AnyDocument, Certificate, Revocation, Root
from kimnode.wire.times import EPOCH_2025, day_of, minutes_of

PROVINCE, REGENCY, VILLAGE = 7600000000, 7602000000, 7602062003
OFFICES = 3
RENEW_DAYS = 30  # before its end a certificate is made anew


@dataclass(frozen=True, slots=True)
class Volunteer:
    """Somebody of the demo's village, known by the public key of their radio."""

    name: str
    role: Role
    person: int
    radio_key: bytes


async def settle(config: Config, clock: Clock, people: Sequence[Volunteer]) -> None:
    """Make what is missing of the demo's chain; ConfigError where a real village is concerned."""
    database, now = Path(config.database), clock.now()
    async with open_database(database, int(now)) as db:
        root, newest = (await db.read(TrustCache().load)).root, await db.read(log.last_seq)
        if root is None and newest > 0:
            raise ConfigError(
                f"{database} has messages, but not the demonstration's keys: it may belong to a "
                "real village. Choose another folder with --data, or delete this one."
            )
        keys = _Keys(gateway_key_path(config).parent)
        post = keys.get(gateway_key_path(config).stem, Purpose.GATEWAY)
        await open_own(config, db, demo=True)
        keeper = await open_timekeeper(db, clock, list)
        chain = _Chain(db, Intake(db, clock, Metrics(), keeper.estimate), keys, now)
        await chain.settle(post, people)


class _Keys:
    """The demo's private keys, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, purpose: Purpose) -> PrivateKey:
        path = self._folder / f"{name}.key"
        if not path.exists():
            keyfile.save(path, keyfile.generate(purpose, name, demo=True))
        return keyfile.load(path)

    def offices(self) -> list[PrivateKey]:
        return [self.get(f"office{number}", Purpose.ROOT) for number in range(1, OFFICES + 1)]


class _Chain:
    def __init__(self, db: Database, intake: Intake, keys: _Keys, now: float) -> None:
        self._db = db
        self._intake = intake
        self._keys = keys
        self._now = now
        self._today = day_of(now)

    async def settle(self, post: PrivateKey, people: Sequence[Volunteer]) -> None:
        root = (await self._trust()).root or await self._root()
        district = self._keys.get("district", Purpose.DISTRICT)
        issuer = self._lasting(await self._trust(), district.public, LONGEST_DAYS[Role.GATEWAY])
        if issuer is None:
            issuer = await self._district(root, district)
        await self._list(district)
        wanted = [Subject(Role.GATEWAY, KeyType.ED25519, post.public, VILLAGE, 0, "Pos Karataun")]
        wanted += [
            Subject(one.role, KeyType.RADIO, one.radio_key, VILLAGE, one.person, one.name)
            for one in people
        ]
        for subject in wanted:
            known = self._lasting(await self._trust(), subject.key, RENEW_DAYS)
            if known is None or known.role is not subject.role:
                term = self._term(LONGEST_DAYS[subject.role])
                await self._take(ceremony.certify(district, issuer, subject, term))

    async def _root(self) -> Root:
        offices = self._keys.offices()
        cards = [office.card for office in offices]
        root = ceremony.new_root("DEMO", PROVINCE, cards, self._term(ROOT_DAYS))
        for office in offices[: ceremony.THRESHOLD]:
            root = ceremony.sign_root(root, None, office)
        await self._db.write(lambda c: pin_root(c, root.id))
        await self._take(root)
        return root

    async def _district(self, root: Root, key: PrivateKey) -> Certificate:
        term = self._term(LONGEST_DAYS[Role.DISTRICT])
        certificate = ceremony.district(root, key.card, REGENCY, "Kab. DEMO", term)
        for office in self._keys.offices()[: ceremony.THRESHOLD]:
            certificate = ceremony.sign_district(certificate, root, office)
        await self._take(certificate)
        return certificate

    async def _list(self, district: PrivateKey) -> None:
        """Nobody new is believed when the newest revocation list is old."""
        trust = await self._trust()
        estimate = Estimate(int(self._now), TimeTrust.SURE, int(self._now), 0)
        before = next((r for r in trust.revocations if r.issuer == district.public), None)
        if before is None or list_age_days(district.public, trust, estimate) >= WARN_DAYS:
            await self._take(_list(district, before, self._now))

    def _lasting(self, trust: Trust, key: bytes, days: int) -> Certificate | None:
        """The key's newest certificate, unless it ends within so many days."""
        found = max(trust.certificates.get(key, ()), key=lambda c: c.serial, default=None)
        return found if found and found.to_day >= self._today + days else None

    def _term(self, days: int) -> Term:
        return Term(self._today, days, int(self._now) - EPOCH_2025)

    async def _trust(self) -> Trust:
        return await self._db.read(TrustCache().load)

    async def _take(self, document: AnyDocument) -> None:
        await self._intake.accept(records.of_document(document), Via.NODE)


def _list(district: PrivateKey, before: Revocation | None, now: float) -> Revocation:
    return ceremony.revoke(district, before, (), minutes_of(now))
