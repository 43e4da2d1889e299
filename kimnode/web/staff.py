"""The volunteers' pages: the desk and the enrolment. The keys and what they sign stay in the
browser; these pages only bring the scripts, the words and what everybody may read anyway."""

import sqlite3
from enum import IntEnum

from aiohttp import web

from kimnode.rules.clock import Estimate
from kimnode.rules.publishing import SHAPES
from kimnode.store import board, claims
from kimnode.store.board import Shown
from kimnode.store.claims import Claim
from kimnode.store.trust import TrustCache, here
from kimnode.web.cards import Cards, code_of
from kimnode.web.claims import claim_card
from kimnode.web.frame import page, read_once
from kimnode.web.identity import of
from kimnode.web.requests import REQUESTS
from kimnode.web.shown import dumps
from kimnode.web.staffnet import may_sign
from kimnode.web.words import WORDS, Words
from kimnode.wire.codes import Form, HoaxType, Role, SourceKind, Topic, Verdict

MAX_CLAIMS = 30
DAYS = (1, 3, 7, 14, 30)
REASONS = ("sources", "words", "wrong", "harm", "known")
SOURCED = (Form.CHECK, Form.CORRECTION)
NEVER_CHOSEN = (Verdict.NONE, Verdict.UNCHECKED)
Choice = tuple[int, str]


async def desk(request: web.Request) -> web.Response:
    """GET /staf."""
    words = request.app[WORDS]
    open_claims, published = await read_once(request, "desk", _public)
    cards = Cards(words)
    chosen = [verdict for verdict in Verdict if verdict not in NEVER_CHOSEN]
    return page(
        request,
        "staf.html",
        "/staf",
        200,
        **await _told(request),
        claims=[claim_card(words, claim) for claim in open_claims],
        cards=[cards.draw(shown) for shown in published],
        verdicts=[
            {"code": int(v), "look": code_of(v.name), "words": words(f"verdict.{code_of(v.name)}")}
            for v in chosen
        ],
        types=choices(words, HoaxType, "hoaxtype"),
        topics=choices(words, Topic, "topic"),
        sources=choices(words, SourceKind, "sourcekind"),
        days=DAYS,
    )


async def sign_up(request: web.Request) -> web.Response:
    """GET /staf/daftar#<code>: what follows the # never reaches this node by itself."""
    return page(request, "daftar.html", "/staf", 200, **await _told(request))


def choices(words: Words, codes: type[IntEnum], family: str) -> list[Choice]:
    """(number, words) of every code."""
    return [(int(code), words(f"{family}.{code_of(code.name)}")) for code in codes]


def _public(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate
) -> tuple[list[Claim], list[Shown]]:
    return claims.unsettled(connection)[:MAX_CLAIMS], board.board(connection, cache, now)


async def _told(request: web.Request) -> dict[str, object]:
    """What both pages and their scripts are told."""
    site, _ = of(request)
    words, requests = request.app[WORDS], request.app[REQUESTS]
    gateway = await site.db.read(here) or b""
    trust = await site.db.read(site.intake.cache.load)
    sign = may_sign(request)
    codes = {
        "form": dict(choices(words, Form, "form")),
        "verdict": dict(choices(words, Verdict, "verdict")),
        "type": dict(choices(words, HoaxType, "hoaxtype")),
        "topic": dict(choices(words, Topic, "topic")),
        "source": dict(choices(words, SourceKind, "sourcekind")),
        "role": dict(choices(words, Role, "role")),
        "reasons": [words(f"reject.{reason}") for reason in REASONS],
    }
    told = {
        "boot": requests.boot.hex(),
        "second": requests.second,
        "gateway": gateway.hex(),
        "zone": words.zone_minutes(site.estimate().unix_s),
        "sign": sign,
        "demo": trust.demo,
        "forms": {int(form): _asks(form) for form in Form},
        "codes": codes,
        "words": words.family("desk."),
    }
    return {"page": dumps(told), "sign": sign, "networks": ", ".join(site.staff_networks)}


def _asks(form: Form) -> dict[str, object]:
    """What the form asks for, as the rules say."""
    shape = SHAPES[form]
    single = next(iter(shape.verdicts)) if len(shape.verdicts) == 1 else None
    return {
        "verdict": single is None,
        "fixed": int(single or 0),
        "optional": Verdict.NONE in shape.verdicts,
        "sources": form in SOURCED,
        "days": shape.max_days,
        "least": max(shape.min_days, 1),
    }
