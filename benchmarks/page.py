"""A browser's first visit, seen from the wire: how many bytes, how many requests, how soon."""

import http.client
import re
import time
from dataclasses import dataclass

LIMIT_S = 30.0
NEEDED = re.compile(rb'<(?:link|script|img)\b[^>]*?\s(?:href|src)="?([^">\s]+)')

NO_SCRIPT = re.compile(rb"<noscript>.*?</noscript>", re.S)  # what a phone with a script skips


@dataclass(frozen=True, slots=True)
class Answer:
    """`size_bytes` is the body as it crossed the wire, `head_bytes` what the headers add."""

    size_bytes: int
    head_bytes: int
    body: bytes
    location: str  # where a redirection points, or ""


def get(port: int, path: str, encoding: str = "identity") -> Answer:
    """GET `path`. RuntimeError unless it is answered with 200 or a redirection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status >= http.client.BAD_REQUEST:
        raise RuntimeError(f"GET {path}: {response.status}")
    head_bytes = sum(len(f"{key}: {value}\r\n") for key, value in response.getheaders())
    return Answer(len(body), head_bytes, body, response.headers.get("Location", ""))


def visit(port: int, encoding: str = "identity") -> dict[str, Answer]:
    """Everything a browser asks for that is told "go to this address", in order, by path."""
    path, asked = "/", {"/": get(port, "/", encoding)}
    while asked[path].location:
        path = asked[path].location.partition("#")[0]
        asked[path] = get(port, path, encoding)
    page = NO_SCRIPT.sub(b"", get(port, path).body)
    needed = [found.decode() for found in NEEDED.findall(page)]
    if b'rel="icon"' not in page:
        needed.append("/favicon.ico")  # then a browser asks for it unasked
    for path in needed:
        if not path.startswith("data:"):
            asked[path] = get(port, path, encoding)
    return asked


def until_open(port: int) -> None:
    """Return as soon as the first page is served."""
    end = time.monotonic() + LIMIT_S
    path = "/"
    while path:
        try:
            path = get(port, path).location.partition("#")[0]
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
