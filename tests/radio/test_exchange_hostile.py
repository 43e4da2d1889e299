"""Rows and packets that must not end the loop of port 302, nor hold up everything else."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kimnode.clock import Clock
from kimnode.radio import exchange as edge
from kimnode.record import Kind, Via
from kimnode.store import log
from kimnode.wire import air
from tests.radio.stations import ether, heard, station
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import KARATAUN
from tests.waiting import until


@pytest.mark.parametrize("document", [None, b"", b"\x82\x04\x80"])
async def test_a_row_that_holds_no_document_is_passed_over(tmp_path: Path, document):
    """Somebody wrote it into the database: it must not end the node, at this start and the next."""

    def put(connection) -> int:
        row = connection.execute(
            "INSERT INTO log (id, kind, author, room, channel, made_at, nonce, salt, body_hash,"
            " via, received_at, chain) VALUES (?, ?, 'key:00', '', '', 0, ?, ?, ?, ?, 0, ?)",
            (bytes(32), Kind.BULLETIN, b"nonce", b"", b"", Via.NODE, bytes(32)),
        )
        if document is not None:
            connection.execute("INSERT INTO document VALUES (?, ?)", (row.lastrowid, document))
        return row.lastrowid

    async with ether() as mesh, station(mesh, tmp_path / "a.db", KARATAUN, Clock(1.0)) as post:
        position = await post.db.write(put)

        async def passed() -> bool:
            return await post.db.read(lambda c: log.cursor(c, edge.CURSOR)) >= position

        await until(passed)


async def test_what_is_held_is_unpacked_once(tmp_path: Path, monkeypatch):
    """Texts are slow to unpack, and what is held is tried again with every document that comes."""
    unpacked = []

    def unpack(packet: bytes):
        unpacked.append(packet)
        return air.unpack(packet)

    monkeypatch.setattr(edge, "air", SimpleNamespace(**{**vars(air), "unpack": unpack}))
    edge._unpacked.cache_clear()
    unknown = air.pack(samples.bulletin(samples.Person("Nobody", 99, samples.Role.VOLUNTEER)))
    async with ether() as mesh, station(mesh, tmp_path / "a.db", KARATAUN, Clock(1.0)) as post:
        for n in range(4):
            if n == 1:  # the post knows its root by now
                await post.correspondent.heard(heard(unknown))
            await post.accept(samples.time_anchor(made_min=samples.NOW_MIN + n))
            last = await post.db.read(log.last_seq)

            async def carried(last=last) -> bool:
                return await post.db.read(lambda c: log.cursor(c, edge.CURSOR)) >= last

            await until(carried)
    assert unpacked.count(unknown) == 1
