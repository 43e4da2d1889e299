"""`kimnode doctor`: looks at settings, disk, clock, database, pages and radio, and says in words
what is wrong and what to do. It changes nothing, unless it is asked to rebuild the read tables.

A radio serves one client: while the node runs, the doctor asks the node and leaves the radio alone.
"""

import asyncio
import contextlib
import json
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.errors import ConfigError, KimnodeError, Reason, Refused
from kimnode.keys.keyfile import card_path
from kimnode.keys.own import gateway_key_path, load_gateway_key
from kimnode.keys.show import date_text, fingerprint, key_text
from kimnode.radio.desk import PINNED_KEY, UNSET_REGION
from kimnode.radio.link import Link
from kimnode.radio.messages import LinkUp, Radio
from kimnode.radio.transport import parse_address
from kimnode.record import RadioState
from kimnode.rules.chain import BLOCK_DAYS, WARN_DAYS, list_age_days
from kimnode.rules.clock import Estimate
from kimnode.rules.trust import Trust, holder
from kimnode.store import counts, log, people, project, retention
from kimnode.store.db import open_database
from kimnode.store.migrate import schema_files
from kimnode.store.trust import TrustCache
from kimnode.web.words import Words
from kimnode.wire.codes import Role, TimeTrust
from kimnode.wire.times import day_of

ASK_TIMEOUT_S = 3.0
RADIO_TIMEOUT_S = 20.0
DISK_SCARCE_MB, DISK_FULL_MB = 500, 50
MB = 1_000_000
DAY_S, REFUSED_DAYS = 86_400, 7
MAKE_KEY = "kimnode keys gateway key"
CERTIFICATE_SHORT_DAYS = 30  # time enough for a trip to the district
BUILT_AFTER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()  # no true clock shows less than this


class Level(StrEnum):
    """How a finding is marked; the catalogue has a word for each."""

    GOOD = "good"
    CARE = "care"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: catalogue key `doctor.<key>` and what goes into it."""

    level: Level
    key: str
    values: dict[str, object]


def _found(level: Level, key: str, **values: object) -> Finding:
    return Finding(level, key, values)


async def examine(config: Config, rebuild: bool, out: TextIO) -> int:
    """Print the report; 1 when something is broken, else 0."""
    words = Words(config.language, config.timezone)
    worst = Level.GOOD
    async for finding in _all(config, rebuild):
        mark = words(f"doctor.mark-{finding.level}")
        text = words(f"doctor.{finding.key}", **finding.values)
        out.write(f"{mark:<10} {text}\n")
        out.flush()
        if worst is not Level.BAD and finding.level is not Level.GOOD:
            worst = finding.level
    out.write(f"\n{words(f'doctor.all-{worst}')}\n")
    return int(worst is Level.BAD)


async def _all(config: Config, rebuild: bool) -> AsyncIterator[Finding]:
    now = Clock().now()
    yield _found(Level.GOOD, "settings", name=config.name, radio=config.radio)
    yield _disk(Path(config.database))
    running = await _running(config)
    yield await _pages(config, running)
    if rebuild:
        yield await _rebuild(config, running, now)
    for finding in await asyncio.to_thread(lambda: list(_database(config, now))):
        yield finding
    if config.radio == "none":
        yield _found(Level.CARE, "radio-none")
    elif running:
        yield _heard_of_radio(running.get("radio"))
    else:
        yield await _radio(config)


def _disk(path: Path) -> Finding:
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    free_mb = shutil.disk_usage(place).free // MB
    level, key = Level.GOOD, "disk"
    if free_mb < DISK_SCARCE_MB:
        level, key = (Level.BAD if free_mb < DISK_FULL_MB else Level.CARE), "disk-scarce"
    return _found(level, key, free=free_mb)


async def _running(config: Config) -> dict[str, Any]:
    """What a node that runs with these settings says of itself; empty when none answers."""
    url = f"http://{_reachable(config.listen)}:{config.port}/healthz"
    timeout = aiohttp.ClientTimeout(total=ASK_TIMEOUT_S)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            said = json.loads(await answer.text())
            return said if isinstance(said, dict) and "database" in said else {}
    return {}


async def _pages(config: Config, running: dict[str, Any]) -> Finding:
    where = f"http://{_reachable(config.listen)}:{config.port}/"
    if running:
        return _found(Level.GOOD, "pages-running", where=where)
    try:
        server = await asyncio.start_server(lambda _r, w: w.close(), config.listen, config.port)
    except OSError as error:
        return _found(Level.BAD, "pages-taken", where=where, reason=error.strerror or "")
    server.close()
    return _found(Level.GOOD, "pages-free", where=where)


def _reachable(listen: str) -> str:
    return "127.0.0.1" if listen in {"0.0.0.0", "::"} else listen  # noqa: S104 - compared only


async def _rebuild(config: Config, running: dict[str, Any], now: float) -> Finding:
    if running:
        return _found(Level.BAD, "rebuild-running")
    async with open_database(Path(config.database), int(now)) as db:
        count = await db.write(project.rebuild)
    return _found(Level.GOOD, "rebuilt", count=count)


def _database(config: Config, now: float) -> Iterator[Finding]:
    path = Path(config.database)
    damaged = sorted(str(p) for p in path.parent.glob(f"{path.name}.damaged-*[0-9]"))
    if damaged:
        yield _found(Level.CARE, "database-aside", files=", ".join(damaged))
    if not path.exists():
        yield _found(Level.GOOD, "database-new", path=path)
        yield _clock(now, 0)
        return
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            yield from _opened(connection, config, now)
    except sqlite3.DatabaseError as error:
        yield _found(Level.BAD, "database-damaged", path=path, reason=error)


def _opened(connection: sqlite3.Connection, config: Config, now: float) -> Iterator[Finding]:
    path = config.database
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        yield _found(Level.BAD, "database-damaged", path=path, reason=verdict)
        return
    (have,) = connection.execute("PRAGMA user_version").fetchone()
    knows = schema_files()[-1][0]
    if have > knows:
        yield _found(Level.BAD, "database-newer", have=have, knows=knows)
        return
    newest = connection.execute("SELECT coalesce(max(received_at), 0) FROM log").fetchone()[0]
    if have < knows:
        yield _found(Level.GOOD, "database-older", path=path)
        yield _clock(now, newest)
        return
    faults = list(log.verify(connection))
    if faults:
        yield _found(Level.BAD, "log-broken", count=len(faults), seq=faults[0].seq)
    used_mb = retention.used_bytes(connection) // MB
    yield _found(Level.GOOD, "database", count=log.last_seq(connection), used=used_mb)
    refused = counts.refused_since(connection, int(now) // DAY_S - REFUSED_DAYS)
    if refused:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(refused.items()))
        yield _found(Level.GOOD, "refused", count=sum(refused.values()), reasons=reasons)
    yield _clock(now, newest)
    yield from _trust(connection, config, now)


def _trust(connection: sqlite3.Connection, config: Config, now: float) -> Iterator[Finding]:
    """What bulletins need. Chat and SOS need none of it, so what is missing is no fault."""
    cache = TrustCache()
    trust = cache.load(connection)
    if trust.root is None:
        yield _found(Level.CARE, "trust-none")
        return
    root, shown = trust.root, fingerprint(trust.root.id)
    level, key = (Level.BAD, "trust-demo") if root.demo else (Level.GOOD, "trust-root")
    yield _found(level, key, name=root.name, version=root.version, shown=shown)
    if cache.ignored:
        yield _found(Level.CARE, "trust-ignored", count=cache.ignored)
    estimate = Estimate(int(now), TimeTrust.SURE, int(now), 0)
    try:
        own = load_gateway_key(config)
    except ConfigError as error:
        yield _found(Level.BAD, "trust-key-bad", reason=error)
        return
    path = gateway_key_path(config)
    if own is None:
        yield _found(Level.CARE, "trust-key-none", path=path, command=MAKE_KEY)
    else:
        yield _certified(own.public, card_path(path), trust, estimate)
    yield from _lists(trust, estimate)


def _certified(key: bytes, card: Path, trust: Trust, estimate: Estimate) -> Finding:
    """Whether this post may sign, and for how long."""
    try:
        certificate = holder(key, trust, estimate).certificate
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_KEY:
            return _found(Level.CARE, "trust-key-uncertified", short=key_text(key), file=card)
        return _found(
            Level.BAD, "trust-certificate-bad", short=key_text(key), reason=refused.reason
        )
    until, left = date_text(certificate.to_day), certificate.to_day - day_of(estimate.unix_s)
    if left < CERTIFICATE_SHORT_DAYS:
        return _found(Level.CARE, "trust-certificate-ends", name=certificate.name, until=until)
    return _found(Level.GOOD, "trust-certificate", name=certificate.name, until=until)


def _lists(trust: Trust, estimate: Estimate) -> Iterator[Finding]:
    """Old revocation lists: a thief's key may be on one that has not come here."""
    newest = [kept[-1] for kept in trust.certificates.values()]
    for district in (one for one in newest if one.role is Role.DISTRICT):
        days = list_age_days(district.key, trust, estimate)
        level, key = Level.GOOD, "trust-list"
        if days > WARN_DAYS:
            level, key = Level.CARE, "trust-list-block" if days > BLOCK_DAYS else "trust-list-old"
        yield _found(level, key, name=district.name, days=days)


def _clock(now: float, newest: int) -> Finding:
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M")
    if now < max(BUILT_AFTER, newest):
        return _found(Level.BAD, "clock-behind", time=shown)
    return _found(Level.GOOD, "clock", time=shown)


def _heard_of_radio(state: object) -> Finding:
    """What the running node says; it alone may talk to the radio."""
    if state == RadioState.UP:
        return _found(Level.GOOD, "radio-up")
    if state == RadioState.MUTE:
        return _found(Level.BAD, "radio-mute")
    return _found(Level.BAD, "radio-down", reason="")


async def _radio(config: Config) -> Finding:
    clock = Clock()
    pinned = bytes.fromhex(config.radio_key) or _pinned(Path(config.database))
    link = Link(parse_address(config.radio), clock, rng=random.SystemRandom(), pinned_key=pinned)
    try:
        async with asyncio.timeout(RADIO_TIMEOUT_S):
            radio = await _first_up(link)
    except TimeoutError:
        return _found(Level.BAD, "radio-down", reason=link.status().reason)
    return _judge(radio)


async def _first_up(link: Link) -> Radio:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run(), name="doctor-link")
        async for event in link.events():
            if isinstance(event, LinkUp):
                running.cancel()
                return event.radio
    raise KimnodeError("the link ended without a word")


def _judge(radio: Radio) -> Finding:
    lora = radio.lora
    if lora is None or lora.region == UNSET_REGION:
        return _found(Level.BAD, "radio-region", num=f"!{radio.num:08x}")
    if not lora.tx_enabled:
        return _found(Level.BAD, "radio-silent", num=f"!{radio.num:08x}")
    return _found(
        Level.GOOD,
        "radio",
        num=f"!{radio.num:08x}",
        firmware=radio.firmware,
        region=lora.region,
        preset=lora.preset.name,
    )


def _pinned(path: Path) -> bytes | None:
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return people.fact(connection, PINNED_KEY)
    except sqlite3.DatabaseError:
        return None  # reported by the check of the database itself
