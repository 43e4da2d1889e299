"""A draft as a browser writes it (JSON), read strictly. What it may say is judged by the rules."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeVar

from kimnode.errors import Reason, Refused
from kimnode.rules.publishing import Draft
from kimnode.web.requests import octets, text
from kimnode.wire.codes import Form, HoaxType, SourceKind, Topic, Verdict
from kimnode.wire.documents import (
    MAX_CLAIM_CHARS,
    MAX_SOURCE_CHARS,
    MAX_SOURCES,
    MAX_TEXT_CHARS,
    Dossier,
    Source,
)

C = TypeVar("C", bound=IntEnum)


def draft(value: object, area: int) -> Draft:
    """The draft for this area. Refused(BAD_REQUEST) when something is missing or no code."""
    if not isinstance(value, dict):
        raise Refused(Reason.BAD_REQUEST, "no draft")
    days = value.get("days")
    return Draft(
        form=code(Form, value, "form"),
        text=text(value, "text", MAX_TEXT_CHARS),
        area=area,
        topic=code(Topic, value, "topic"),
        verdict=code(Verdict, value, "verdict"),
        hoax_type=code(HoaxType, value, "hoax_type"),
        about=octets(value, "about"),
        days=days if type(days) is int else None,
        dossier=_dossier(value["dossier"]) if value.get("dossier") else None,
    )


def _dossier(value: object) -> Dossier:
    sources = value.get("sources") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(sources, list):
        raise Refused(Reason.BAD_REQUEST, "no dossier")
    return Dossier(
        claim=text(value, "claim", MAX_CLAIM_CHARS),
        fact=text(value, "fact", MAX_CLAIM_CHARS),
        place=text(value, "place", MAX_CLAIM_CHARS),
        first_seen_min=0,
        sources=tuple(_source(one) for one in sources[: MAX_SOURCES + 1]),
    )


def _source(value: object) -> Source:
    if not isinstance(value, dict):
        raise Refused(Reason.BAD_REQUEST, "no source")
    title, reference = (text(value, name, MAX_SOURCE_CHARS) for name in ("title", "reference"))
    return Source(code(SourceKind, value, "kind"), title, reference)


def code(codes: type[C], values: Mapping[str, Any], name: str) -> C:
    """The code with this number. Refused(BAD_REQUEST) when there is none."""
    value = values.get(name)
    try:
        return codes(value) if type(value) is int else codes(-1)
    except ValueError as error:
        raise Refused(Reason.BAD_REQUEST, f"{name} is no code") from error
