"""The state of the post in words and colours: for whoever stands in front of it."""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from kimnode.record import RadioState
from kimnode.rules.clock import Estimate
from kimnode.rules.names import radio_name
from kimnode.rules.trust import Trust
from kimnode.store import board, incidents
from kimnode.store.incidents import Incident
from kimnode.store.trust import TrustCache
from kimnode.web.cards import plain_name
from kimnode.web.frame import page, read
from kimnode.web.identity import of
from kimnode.web.shown import DRAWING, SILENT
from kimnode.web.site import Site
from kimnode.web.words import WORDS, Words
from kimnode.wire.codes import TimeTrust
from kimnode.wire.times import DAY_S, unix_of_minutes

MAX_INCIDENTS = 10
OLD_LIST_S = 14 * DAY_S  # a revocation list older than this is told
MB = 1 << 20
LOW_MB = 200
LONG_QUEUE = 20
CLOCK_LOOKS = {TimeTrust.SURE: "fine", TimeTrust.ABOUT: "care", TimeTrust.UNSURE: "bad"}


@dataclass(frozen=True, slots=True)
class Light:
    """One line: `look` is fine, care, bad or none (not measured); `mark` the same in words."""

    name: str
    look: str
    mark: str
    words: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """What was wrong, and when last."""

    words: str
    when: str


async def show(request: web.Request) -> web.Response:
    """GET /status."""
    site, _ = of(request)
    words = request.app[WORDS]
    trust, drafts, wrong = await read(request, _read)
    estimate = site.estimate()
    radio_code, radio_words = request.app[DRAWING].radio()
    lights = [
        _light(words, "radio", _radio_look(radio_code), radio_words),
        _queue(words, site),
        _clock(words, estimate),
        _province(words, trust),
        _revocation(words, trust, estimate),
        _light(words, "waiting", "fine", words.count("status.drafts", drafts)),
        _disk(words, site),
        _light(words, "power", "none", words("status.power-unknown")),
    ]
    return page(
        request,
        "status.html",
        "/status",
        lights=lights,
        incidents=[incident_line(words, one) for one in wrong],
    )


def incident_line(words: Words, incident: Incident) -> IncidentLine:
    """In words; an unknown kind is named as it is, for whoever is asked about it."""
    key = f"incident.{incident.kind}"
    if not words.has(key):
        key = "incident.other"
    said = words(key, who=radio_name(incident.who), kind=incident.kind)
    if incident.count > 1:
        said = words("status.times", words=said, count=incident.count)
    return IncidentLine(said, words.date(incident.at))


def _read(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate
) -> tuple[Trust, int, list[Incident]]:
    waiting = board.waiting(connection, cache, now)
    return cache.load(connection), len(waiting), incidents.recent(connection, MAX_INCIDENTS)


def _light(words: Words, name: str, look: str, said: str) -> Light:
    return Light(words(f"status.{name}"), look, words(f"status.{look}"), said)


def _radio_look(code: str) -> str:
    if code == RadioState.UP:
        return "fine"
    return "bad" if code in SILENT else "care"


def _queue(words: Words, site: Site) -> Light:
    waiting = site.notice().waiting
    if not waiting:
        return _light(words, "queue", "fine", words("status.queue-empty"))
    look = "care" if waiting > LONG_QUEUE else "fine"
    return _light(words, "queue", look, words.count("status.queued", waiting))


def _clock(words: Words, estimate: Estimate) -> Light:
    look = CLOCK_LOOKS[estimate.trust]
    key = f"status.clock-{estimate.trust.name.lower()}"
    return _light(words, "clock", look, words(key, when=words.date(estimate.unix_s)))


def _province(words: Words, trust: Trust) -> Light:
    if trust.root is None:
        return _light(words, "trust", "bad", words("status.trust-none"))
    named = {"name": plain_name(trust.root.name), "version": trust.root.version}
    return _light(words, "trust", "fine", words("status.trust-root", **named))


def _revocation(words: Words, trust: Trust, estimate: Estimate) -> Light:
    newest = trust.revocation
    if newest is None:
        return _light(words, "revocation", "care", words("status.revocation-none"))
    made = unix_of_minutes(newest.made_min)
    old = estimate.floor_s - made > OLD_LIST_S
    key = "status.revocation-old" if old else "status.revocation-age"
    said = words(key, number=newest.number, when=words.date(made))
    return _light(words, "revocation", "care" if old else "fine", said)


def _disk(words: Words, site: Site) -> Light:
    free = shutil.disk_usage(Path(site.config.database).resolve().parent).free // MB
    low = free < LOW_MB
    key = "status.disk-low" if low else "status.disk-fine"
    return _light(words, "disk", "care" if low else "fine", words(key, free=free))
