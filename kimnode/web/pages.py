"""HTML: the templates, and answers made of them. Everything is escaped unless a template says no,
and none does."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from kimnode.web.site import Site
from kimnode.web.words import Words

GZIP_LEVEL_PAGE = 6  # made for every answer
GZIP_LEVEL_STATIC = 9  # made once
STATIC_TYPES = {".js": "text/javascript", ".css": "text/css"}
STATIC_AGE = "public, max-age=31536000, immutable"
HASH_CHARS = 10
BLOCK_COMMENT = re.compile(r"^\s*/\*.*?\*/$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of static/, ready to be sent."""

    body: bytes
    packed: bytes
    content_type: str


class Pages:
    """Templates and static files of one node, loaded at start."""

    def __init__(self, site: Site, words: Words) -> None:
        self._assets: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        static = resources.files("kimnode.web") / "static"
        for file in static.iterdir():
            if file.is_file():
                self._add(file.name, _slim(file.read_text("utf-8")).encode())
        for file in (static / "vendor").iterdir():
            if file.name.endswith(".js"):
                self._add(file.name, file.read_bytes())  # as their authors published them
        self._templates = Environment(
            loader=PackageLoader("kimnode.web"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._templates.globals.update(
            t=words, static=self._urls.__getitem__, site_name=site.config.name, demo=site.demo
        )

    def _add(self, name: str, body: bytes) -> None:
        stem, _, ending = name.rpartition(".")
        url = f"/static/{stem}.{hashlib.sha256(body).hexdigest()[:HASH_CHARS]}.{ending}"
        packed = gzip.compress(body, GZIP_LEVEL_STATIC, mtime=0)
        self._assets[url] = Asset(body, packed, STATIC_TYPES[f".{ending}"])
        self._urls[name] = url

    def html(
        self, request: web.Request, template: str, status: int = 200, **values: object
    ) -> web.Response:
        """A page, packed when the phone can unpack it."""
        body = self._templates.get_template(template).render(values).encode()
        response = web.Response(status=status, content_type="text/html", charset="utf-8")
        if _unpacks(request):
            body = gzip.compress(body, GZIP_LEVEL_PAGE, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = "no-cache"
        response.body = body
        return response

    def card(
        self, request: web.Request, look: str, heading: str, status: int = 200, **values: object
    ) -> web.Response:
        """A page with one thing to do; see card.html for the values."""
        blank = {"sentences": (), "oops": "", "action": "", "ask_nick": False, "ask_text": False}
        blank |= {"nick": "", "text": "", "token": "", "button": "", "back": "umum"}
        filled = {**blank, "look": look, "heading": heading, **values}
        return self.html(request, "card.html", status, **filled)

    def asset(self, request: web.Request) -> web.Response:
        """A static file; its URL holds a hash of it, so a phone keeps it for ever."""
        found = self._assets.get(request.path)
        if found is None:
            raise web.HTTPNotFound
        response = web.Response(content_type=found.content_type, charset="utf-8")
        response.headers["Cache-Control"] = STATIC_AGE
        response.headers["Vary"] = "Accept-Encoding"
        if _unpacks(request):
            response.headers["Content-Encoding"] = "gzip"
        response.body = found.packed if _unpacks(request) else found.body
        return response


def _slim(source: str) -> str:
    """Without indentation and without the lines that are comments: a tenth of the weight.

    Holds for sources in which a comment has its lines for itself and no string spans lines.
    """
    lines = [line.strip() for line in BLOCK_COMMENT.sub("", source).splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def _unpacks(request: web.Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


PAGES = web.AppKey("pages", Pages)


async def static_file(request: web.Request) -> web.Response:
    """GET /static/<name>.<hash>.<ending>."""
    return request.app[PAGES].asset(request)
