"""The board, and one bulletin with its whole history. Plain pages: they read without a script."""

import sqlite3
from dataclasses import dataclass, replace

from aiohttp import web

from kimnode.errors import Reason
from kimnode.record import Kind
from kimnode.rules.bulletins import REPLY_DAYS, BulletinState
from kimnode.rules.clock import Estimate
from kimnode.store import board as boards
from kimnode.store import bulletins, claims, log, reach
from kimnode.store.board import Shown, Signed
from kimnode.store.reach import Reach
from kimnode.store.trust import TrustCache
from kimnode.web import sharing
from kimnode.web.around import Around, around
from kimnode.web.cards import Cards
from kimnode.web.claims import claim_card
from kimnode.web.frame import page, read, read_once
from kimnode.web.identity import of
from kimnode.web.site import Site
from kimnode.web.words import WORDS, Words
from kimnode.wire.codes import Mode
from kimnode.wire.documents import Bulletin
from kimnode.wire.signing import key_id
from kimnode.wire.times import DAY_S, unix_of_minutes

MAX_PINNED = 20  # bulletins that hold, on one page
MAX_ARCHIVE = 30
NEWEST_LOOKED_AT = 5
REF_BYTES = 8
SECRET = (BulletinState.WAITING, BulletinState.REJECTED)  # one person's word: nobody reads it here
HEAD_CHARS = 16
DID = {Kind.APPROVAL: "history.approval", Kind.REJECTION: "history.rejection"}


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature under a bulletin, in words. `look`: sign before it."""

    look: str
    who: str
    did: str
    how: str
    status: str
    when: str
    print: str


async def board(request: web.Request) -> web.Response:
    """GET /buletin: what holds, newest first; then what is not checked; then the archive."""
    words = request.app[WORDS]
    pinned, older, open_claims, head = await read_once(request, "board", _board)
    cards = Cards(words)
    await _was_seen(request, [one.shown.seq for one in pinned])
    return page(
        request,
        "buletin.html",
        "/buletin",
        cards=[one.card(cards) for one in pinned],
        older=[one.card(cards) for one in older],
        claims=[claim_card(words, claim) for claim in open_claims],
        head=head,
    )


async def history(request: web.Request) -> web.Response:
    """GET /buletin/<first 16 digits of the id>, or /buletin/B-17."""
    words = request.app[WORDS]
    ref = request.match_info["ref"]
    found = await read(request, lambda c, cache, now: _history(c, cache, now, ref))
    if not found:
        raise web.HTTPNotFound
    one, *others = found
    counted = await read(request, lambda c, _cache, _now: reach.counts(c, one.shown.seq))
    await _was_seen(request, [one.shown.seq])
    cards = Cards(words)
    card, stamp, name = one.card(cards), one.shown.bulletin.stamp, _site(request).config.name
    if one.shown.state in SECRET:
        card = replace(card, text=words("bulletin.not-yet"), claim="", fact="", sources=())
    return page(
        request,
        "riwayat.html",
        "/buletin",
        card=card,
        signatures=_signatures(cards, one.shown),
        reach=reach_lines(words, counted),
        reply=_reply(request, one.shown.bulletin),
        epoch=stamp.epoch,
        seq=stamp.seq,
        others=[other.card(cards) for other in others],
        share=one.shown.state not in SECRET,
        share_text=sharing.text(words, name, card),
        picture=sharing.picture(words, name, card),
    )


def newest(connection: sqlite3.Connection, cache: TrustCache, now: Estimate) -> Shown | None:
    """The bulletin that the talk's page points at: the newest that holds."""
    for seq in bulletins.in_states(connection, boards.BOARD, NEWEST_LOOKED_AT):
        shown = boards.show(connection, seq, cache, now)
        if shown is not None and shown.state in boards.BOARD:
            return shown
    return None


def reach_lines(words: Words, counted: Reach) -> list[str]:
    """Counts in words that claim no more than is known; small groups of phones are not told."""
    lines = []
    if counted.phones is None:
        lines.append(words("history.reach-few"))
    elif counted.phones:
        lines.append(words.count("history.phones", counted.phones))
    else:
        lines.append(words("history.reach-none"))
    lines.append(words.count("history.gateways", counted.gateways))
    lines.append(words.count("history.radios", counted.radios))
    return lines


def _board(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate
) -> tuple[list[Around], list[Around], list[claims.Claim], str]:
    pinned = boards.board(connection, cache, now)[:MAX_PINNED]
    older = boards.archive(connection, cache, now, MAX_ARCHIVE)
    seqs = {one.seq for one in pinned}
    older = [one for one in older if one.seq not in seqs]
    last = log.entry(connection, log.last_seq(connection))
    head = last.record.id.hex()[:HEAD_CHARS] if last else ""
    drawn = [[around(connection, cache, now, one) for one in some] for some in (pinned, older)]
    return drawn[0], drawn[1], claims.listed(connection), head


def _history(
    connection: sqlite3.Connection, cache: TrustCache, now: Estimate, ref: str
) -> list[Around]:
    """The bulletin; after it others with the same number, when it was asked for by number."""
    found = [boards.show(connection, seq, cache, now) for seq in _seqs(connection, ref)]
    shown = sorted(filter(None, found), key=lambda one: (not one.local, -one.seq))
    if len(shown) == 1 and not ref.startswith("B-"):
        same = bulletins.by_number(connection, shown[0].bulletin.number)
        twins = [boards.show(connection, seq, cache, now) for seq in same]
        shown += [twin for twin in twins if twin and twin.seq != shown[0].seq]
    return [around(connection, cache, now, one) for one in shown]


def _seqs(connection: sqlite3.Connection, ref: str) -> list[int]:
    if ref.startswith("B-"):
        return bulletins.by_number(connection, int(ref[2:]))
    ids = bulletins.by_hint(connection, bytes.fromhex(ref)[:REF_BYTES])
    seqs = [bulletins.seq_of(connection, one) for one in ids]
    return [seq for seq in seqs if seq is not None]


def _signatures(cards: Cards, shown: Shown) -> list[SignatureLine]:
    signed = (shown.author, *shown.votes)
    return [_line(cards, one) for one in signed]


def _line(cards: Cards, signed: Signed) -> SignatureLine:
    words, document = cards.words, signed.document
    did = "history.wrote" if isinstance(document, Bulletin) else DID[document.kind]
    status, look = words("history.good"), "check"
    if signed.problem is Reason.BAD_SIGNATURE:
        status, look = words("history.bad"), "failed"
    elif signed.problem in (Reason.UNKNOWN_KEY, Reason.NO_ROOT):
        why = words(f"refused.{signed.problem.value}", wait="")
        status, look = words("history.unknown", why=why), "phone"
    elif signed.problem is not None:
        why = words(f"refused.{signed.problem.value}", wait="")
        status, look = words("history.doubtful", why=why), "failed"
    key = document.stamp.signer if document.stamp.mode is Mode.DIRECT else document.stamp.person
    return SignatureLine(
        look=look,
        who=cards.who(signed),
        did=words(did),
        how=cards.how(signed),
        status=status,
        when=cards.date(document.stamp),
        print=spaced(key_id(key).hex()),
    )


def spaced(digits: str) -> str:
    """a1b2 c3d4 ...: as people compare them."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _reply(request: web.Request, bulletin: Bulletin) -> str:
    """The right of reply, as long as it runs by the time floor (a wrong clock cuts nobody off)."""
    site, words = _site(request), request.app[WORDS]
    until = unix_of_minutes(bulletin.stamp.made_min) + REPLY_DAYS * DAY_S
    if site.estimate().floor_s > until:
        return words("history.reply-over")
    return words("history.reply-open", when=words.date(until))


async def _was_seen(request: web.Request, seqs: list[int]) -> None:
    """Counted once for each phone and bulletin, and only of phones that are known already: a
    cookie is proof that somebody kept the page, and programs that look have none."""
    site, phone = of(request)
    if "Cookie" not in request.headers or not seqs:
        return
    now = int(site.clock.now())

    def count(connection: sqlite3.Connection) -> None:
        for seq in seqs:
            reach.on_screen(connection, seq, phone.id, now)

    await site.db.write(count, quiet=True)


def _site(request: web.Request) -> Site:
    site, _ = of(request)
    return site
