"""A villager's first visit: bytes and requests until the page with 30 messages is complete."""

import contextlib
import tempfile
from pathlib import Path

from benchmarks.measure import Plan, Row, tell
from benchmarks.page import until_open, visit
from benchmarks.processes import DISK, node, write_config
from benchmarks.talk import make_database

MESSAGES = 30
PHONES_SEND = "gzip, deflate"  # over plain HTTP browsers do not offer brotli


def run(_plan: Plan) -> list[Row]:
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kimnode-bench-", dir=DISK))
        )
        make_database(folder / "village.db", MESSAGES)
        config, port = write_config(folder)
        stack.enter_context(node(config))
        until_open(port)
        answers, plain = visit(port, PHONES_SEND), visit(port)
    for path, answer in answers.items():
        tell(
            f"  {path:28}{answer.size_bytes:7} B compressed, {plain[path].size_bytes:7} B plain,"
            f" {answer.head_bytes} B of headers"
        )
    total = sum(answer.size_bytes for answer in answers.values())
    whole = sum(answer.size_bytes for answer in plain.values())
    requests = len(answers)
    label = "the same without compression"
    return [
        Row("first load, HTML + CSS + JS, 30 messages", total, "B", label, whole, total / whole,
            "<= 14,336 B", total <= 14 * 1024),
        Row("first load, requests", requests, "requests", label, requests, 1.0,
            "<= 4", requests <= 4),
    ]  # fmt: skip
