"""Cek Info: a villager passes on a rumour and gets a number; the claim's page tells what became
of it. Who reported is never shown."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from kimnode.errors import Refused
from kimnode.record import Kind
from kimnode.rules.bulletins import PUBLISHED
from kimnode.rules.claims import MAX_REPORT_CHARS, ROOM, topic_of
from kimnode.rules.clock import Estimate
from kimnode.store import board, claims
from kimnode.store.claims import Claim
from kimnode.store.trust import TrustCache
from kimnode.web.around import Around, around
from kimnode.web.cards import Cards
from kimnode.web.forms import client_id, new_token, read_form
from kimnode.web.frame import page, read
from kimnode.web.identity import of
from kimnode.web.posting import HTTP_STATUS, Wish, fulfil, refusal_words
from kimnode.web.words import WORDS, Words

MAX_PLACE_CHARS = 80
MAX_LISTED = 10  # claims below the form: whoever sees theirs there need not send it again
LOOKS = {"answered": "info", "closed": "no-claim"}


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """A claim in words. `told`: how many have reported it."""

    number: int
    text: str
    label: str
    look: str
    state_words: str
    told: str
    when: str
    topic: int


def claim_card(words: Words, claim: Claim) -> ClaimCard:
    """The claim as pages show it."""
    state = words(f"claimstate.{claim.state.value}")
    return ClaimCard(
        number=claim.id,
        text=claim.text,
        label=state,
        look=LOOKS.get(claim.state.value, "unchecked"),
        state_words=state,
        told=f"{words.count('claim.reported', max(claim.people, 1))} · {state}",
        when=words("claim.since", when=words.date(claim.opened_at)),
        topic=int(topic_of(claim.text)),
    )


async def ask(request: web.Request) -> web.Response:
    """GET /cek: the form."""
    return await _form(request, {}, 200, "")


async def send(request: web.Request) -> web.Response:
    """POST /cek: into the log, then to the page of the claim that it belongs to."""
    site, phone = of(request)
    words = request.app[WORDS]
    form = await read_form(request)
    said, place = form.get("text", ""), form.get("place", "").strip()[:MAX_PLACE_CHARS]
    if place:
        said = f"{said.rstrip()} {words('claim.seen', place=place)}"
    cid = client_id({"token": form.get("token", ""), "room": ROOM, "text": said})
    wish = Wish(Kind.REPORT, cid, ROOM, said, "", None)
    try:
        accepted = await fulfil(site, words, phone, wish)
    except Refused as refused:
        status = HTTP_STATUS.get(refused.reason, 400)
        return await _form(request, form, status, refusal_words(words, refused))
    number = await site.db.read(lambda c: claims.claim_of(c, accepted.seq))
    raise web.HTTPSeeOther(f"/klaim/{number}?baru=1")


async def show(request: web.Request) -> web.Response:
    """GET /klaim/<n>."""
    words = request.app[WORDS]
    number = int(request.match_info["number"])
    claim, answer = await read(request, lambda c, cache, now: _claim(c, cache, now, number))
    if claim is None:
        raise web.HTTPNotFound
    return page(
        request,
        "klaim.html",
        "/cek",
        claim=claim_card(words, claim),
        answer=answer.card(Cards(words)) if answer else None,
        fresh="baru" in request.query,
    )


def _claim(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate, number: int
) -> tuple[Claim | None, Around | None]:
    """The claim, and its answer once that is published: a draft is nobody's business."""
    claim = claims.get(connection, number)
    if claim is None or claim.bulletin is None:
        return claim, None
    answer = board.show(connection, claim.bulletin, cache, now)
    if answer is None or answer.state not in PUBLISHED:
        return claim, None
    return claim, around(connection, cache, now, answer)


async def _form(
    request: web.Request, form: Mapping[str, str], status: int, oops: str
) -> web.Response:
    site, _ = of(request)
    words = request.app[WORDS]
    known = await site.db.read(claims.listed)
    return page(
        request,
        "cek.html",
        "/cek",
        status,
        oops=oops,
        text=form.get("text", ""),
        place=form.get("place", ""),
        max_chars=MAX_REPORT_CHARS - MAX_PLACE_CHARS,
        token=new_token(),
        claims=[claim_card(words, claim) for claim in known[:MAX_LISTED]],
    )
