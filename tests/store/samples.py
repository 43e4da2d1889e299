"""Records for tests, made the way the edges make them."""

from itertools import count

from kimnode.record import Body, Kind, Reception, Record, RecordId
from kimnode.wire import records

_numbers = count(1)
ANI = "phone:00000000000000aa"
BUDI = "phone:00000000000000bb"


def chat(
    text: str = "halo", room: str = "umum", author: str = ANI, nonce: bytes | None = None, **header
) -> Record:
    nonce = next(_numbers).to_bytes(16, "big") if nonce is None else nonce
    return records.written(
        header.get("kind", Kind.CHAT),
        author,
        room,
        1_800_000_000,
        nonce,
        Body(header.get("nick", "Ani"), text),
        bytes(8),
        header.get("subject"),
    )


def sos(text: str = "banjir di dusun 2", author: str = ANI) -> Record:
    return chat(text, "darurat", author, kind=Kind.SOS)


def about(kind: Kind, subject: RecordId, author: str = BUDI, nick: str = "Budi") -> Record:
    return chat("-", "darurat", author, kind=kind, subject=subject, nick=nick)


def heard(text: str = "halo dari radio", sender: int = 0x1F, packet_id: int = 7) -> Record:
    return records.heard(Kind.CHAT, sender, packet_id, "Umum", "umum", text)


def reception(sender: int = 0x1F, packet_id: int = 7) -> Reception:
    return Reception(sender, packet_id, 0, 6.0, -80, False)
