"""What a phone may ask of the node, whichever way it asks: socket, JSON or form.

The answer comes after the commit. A request that cannot be read is told so, counted and forgotten.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kimnode.errors import Reason, Refused, StoreError
from kimnode.intake import Accepted
from kimnode.record import Body, Kind, RecordId, Via
from kimnode.rules.admission import CLIENT_ID_BYTES, MAX_TEXT_CHARS, SOS_ROOM
from kimnode.rules.claims import MAX_REPORT_CHARS
from kimnode.rules.limits import Rate
from kimnode.rules.text import clean_text, readable
from kimnode.store import log
from kimnode.web.identity import Phone, check_address, take_nick
from kimnode.web.shown import dumps
from kimnode.web.site import Site
from kimnode.web.words import Words
from kimnode.wire.records import SALT_BYTES, written

MAX_REQUEST_BYTES = 16_384  # the longest text fits several times over
DISK_RETRY_S = 60.0
ALARMS = Rate(burst=12, every_s=30)  # of one address, under whatever tokens
REPORTS = Rate(burst=30, every_s=20)  # rumours of one address
KINDS = {"post": Kind.CHAT, "sos": Kind.SOS, "take": Kind.SOS_ACK, "cancel": Kind.SOS_CANCEL}
RATES = {Kind.SOS: ALARMS, Kind.REPORT: REPORTS}
NAMELESS = (Kind.SOS, Kind.SOS_CANCEL)  # these need no name
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can spell it, UTF-8 cannot
JUDGED = ("text", "nick")  # rules of their own say what may stand in these
# 400 unless listed. 429 and 503 come with the time after which the phone may ask again.
HTTP_STATUS = {
    Reason.NOT_YOURS: 403,
    Reason.READ_ONLY_ROOM: 403,
    Reason.TOO_LONG: 413,
    Reason.TOO_FAST: 429,
    Reason.NODE_BUSY: 429,
    Reason.REPEATED_TEXT: 429,
    Reason.DISK_FULL: 503,
}
# Only for these is it of use to send the very same again.
RETRY_HELPS = (Reason.TOO_FAST, Reason.NODE_BUSY, Reason.DISK_FULL)


@dataclass(frozen=True, slots=True)
class Wish:
    """One request. `about`: log position of the message that is answered, taken or cancelled."""

    kind: Kind
    cid: str  # hex, made by the phone: the same one again is the same message
    room: str
    text: str
    nick: str  # "" = as before
    about: int | None


async def fulfil(site: Site, words: Words, phone: Phone, wish: Wish) -> Accepted:
    """Into the log. Refused says why not; repeated requests are answered like the first."""
    try:
        return await _accept(site, words, phone, wish)
    except StoreError as error:
        raise Refused(Reason.DISK_FULL, str(error), DISK_RETRY_S) from error


async def _accept(site: Site, words: Words, phone: Phone, wish: Wish) -> Accepted:
    try:
        if wish.kind in RATES:
            check_address(site, phone, RATES[wish.kind])
        nonce = _nonce(wish.cid)
        nick = await _name(site, words, phone, wish)
        text = _text(words, wish)
        subject = None if wish.about is None else await _subject(site, wish.about)
    except Refused as refused:  # what the intake refuses, it counts itself
        site.metrics.refused.labels(Via.WEB.name, refused.reason.value).inc()
        raise
    record = written(
        wish.kind,
        phone.author,
        wish.room,
        int(site.clock.now()),
        nonce,
        Body(nick, text),
        os.urandom(SALT_BYTES),
        subject,
    )
    return await site.intake.accept(record, Via.WEB)


async def _name(site: Site, words: Words, phone: Phone, wish: Wish) -> str:
    if wish.kind is Kind.REPORT:
        return ""
    try:
        return await take_nick(site, phone, wish.nick)
    except Refused:
        if wish.kind not in NAMELESS:
            raise
        return words("name.nobody")  # who calls for help is not asked to think of a name first


def _text(words: Words, wish: Wish) -> str:
    if wish.kind is Kind.CHAT:
        return clean_text(wish.text, MAX_TEXT_CHARS)
    if wish.kind is Kind.REPORT:
        return clean_text(wish.text, MAX_REPORT_CHARS)
    if wish.kind is Kind.SOS:  # made readable, never refused for a strange character
        return readable(wish.text.encode(errors="replace")) or words("js.sosText")
    return ""


async def answer(site: Site, words: Words, phone: Phone, raw: str | bytes) -> tuple[int, str]:
    """(HTTP status, JSON answer) to a JSON request; never raises for what the request says."""
    cid = ""
    try:
        request = _loaded(site, raw)
        cid = _cid_of(request)
        accepted = await fulfil(site, words, phone, _wish(site, request))
    except Refused as refused:
        return refusal(words, cid, refused)
    return 200, dumps({"t": "ok", "cid": cid, "seq": accepted.seq})


def refusal(words: Words, cid: str, refused: Refused) -> tuple[int, str]:
    """(HTTP status, JSON) that says no, why, and what to do next."""
    again_s = round(refused.retry_after_s, 1) if refused.reason in RETRY_HELPS else 0
    said = refusal_words(words, refused)
    parts = {"cid": cid, "reason": refused.reason.value, "words": said, "retry_after": again_s}
    return HTTP_STATUS.get(refused.reason, 400), dumps({"t": "refused", **parts})


def refusal_words(words: Words, refused: Refused) -> str:
    """The sentence for a person."""
    wait = words.duration(refused.retry_after_s)
    return words(f"refused.{refused.reason.value}", wait=wait)


def unreadable(site: Site, detail: str) -> Refused:
    """Count a request that could not be read."""
    site.metrics.wire_errors.labels("phone").inc()
    return Refused(Reason.BAD_REQUEST, detail)


def _loaded(site: Site, raw: str | bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(raw)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested to exhaust us
        raise unreadable(site, "not JSON") from error
    if not isinstance(request, dict):
        raise unreadable(site, "not a JSON object")
    return request


def _cid_of(request: Mapping[str, Any]) -> str:
    """Echoed in the answer as it came, but only if it may be one."""
    cid = request.get("cid", "")
    known = isinstance(cid, str) and len(cid) <= 2 * CLIENT_ID_BYTES[1] and cid.isascii()
    return cid if known else ""


def _wish(site: Site, request: Mapping[str, Any]) -> Wish:
    kind = KINDS.get(_text_of(site, request, "t", "post"))
    if kind is None:
        raise unreadable(site, "unknown request")
    about = request.get("about")
    if about is not None and (type(about) is not int or not 0 < about < 2**62):
        raise unreadable(site, "about is no message")
    return Wish(
        kind=kind,
        cid=_text_of(site, request, "cid", ""),
        room=_text_of(site, request, "room", "") if kind is Kind.CHAT else SOS_ROOM,
        text=_text_of(site, request, "text", ""),
        nick=_text_of(site, request, "nick", ""),
        about=about,
    )


def _text_of(site: Site, request: Mapping[str, Any], key: str, missing: str) -> str:
    value = request.get(key, missing)
    if not isinstance(value, str) or (key not in JUDGED and LONE_SURROGATE.search(value)):
        raise unreadable(site, f"{key} is no text")
    return value


def _nonce(cid: str) -> bytes:
    try:
        return bytes.fromhex(cid)
    except ValueError as error:
        raise Refused(Reason.BAD_ID) from error


async def _subject(site: Site, seq: int) -> RecordId:
    entry = await site.db.read(lambda c: log.entry(c, seq))
    if entry is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    return entry.record.id
