"""Writes packets.json and documents.json anew: `python -m tests.vectors.make`.

Vectors are the format's memory: if this changes a file, every packet on the air has changed. Keys
and times are made from names, so the same code writes the same files.
"""

import json
import random
from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from typing import Any

from kimnode.errors import WireError
from kimnode.record import Kind
from kimnode.wire import air, fragments, gossip, sealed
from kimnode.wire.air import Type
from kimnode.wire.codes import Form, HoaxType, Verdict
from kimnode.wire.documents import AnyDocument, Bulletin, Dossier, Mark, Stamp, Vote, signed_by
from kimnode.wire.gossip import Beacon, Item, Want
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import DISTRICT, KARATAUN, ROOT, SALUTIWO, V1, V3

HERE = Path(__file__).parent
FLIPS = 10  # damaged forms of each kind
TEXTS = (
    "Tidak ada gempa besar malam ini. Tetap tenang.",
    "Bantuan sosial TIDAK perlu biaya admin. Jangan kirim pulsa ke siapa pun; tanya kantor desa.",
    "ok",
    "Jembatan Salutiwo ditutup pukul 18.00 😀",
    "x" * 600,
)


def value_of(value: Any) -> Any:
    """JSON of a document's or packet's field."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [value_of(one) for one in value]
    return value if isinstance(value, str) else int(value)


def document_of(document: AnyDocument) -> dict[str, Any]:
    """A document with the names of SPEC.md."""
    found: dict[str, Any] = {"kind": int(document.KIND)}
    for one in fields(document):
        value = getattr(document, one.name)
        match value:
            case Stamp():
                found |= {f.name: value_of(getattr(value, f.name)) for f in fields(value)}
            case tuple() if one.name == "marks":
                found["marks"] = [[m.ring, m.index, m.signature.hex()] for m in value]
            case tuple() if one.name == "sources" and isinstance(document, Dossier):
                found["sources"] = [[int(s.kind), s.title, s.reference] for s in value]
            case _ if not (isinstance(document, Vote) and one.name == "kind"):
                found[one.name] = value_of(value)
    return found


def packet_of(packet: bytes) -> dict[str, Any]:
    """A packet as the code under test reads it. WireError: refused."""
    kind = air.type_of(packet)
    match kind:
        case Type.BEACON:
            beacon = gossip.parse_beacon(packet)
            held: list[Any] = [{f.name: value_of(getattr(beacon, f.name)) for f in fields(beacon)}]
        case Type.VECTOR:
            vector = gossip.parse_vector(packet)
            entries = [[tag.hex(), sorted(numbers)] for tag, numbers in vector.entries.items()]
            ends = {"first": vector.first.hex(), "last": vector.last.hex()}
            held = [{"salt": vector.salt, **ends, "entries": entries}]
        case Type.ASK:
            held = [{"items": [_item(item) for item in gossip.parse_ask(packet)]}]
        case Type.FRAGMENT:
            piece = fragments.parse_fragment(packet)
            held = [{f.name: value_of(getattr(piece, f.name)) for f in fields(piece)}]
        case Type.REPAIR:
            mend = fragments.parse_repair(packet)
            held = [{f.name: value_of(getattr(mend, f.name)) for f in fields(mend)}]
        case _:
            held = [document_of(document) for document in air.unpack(packet)]
    return {"type": int(kind), "holds": held}


def _item(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {"want": int(item.want), "hint": item.hint.hex()}
    if item.want in (Want.REVOCATION, Want.ROOT):
        found["number"] = item.number
    if item.want in (Want.FRAGMENTS, Want.NUMBERS):
        found["numbers"] = sorted(item.numbers)
    return found


def documents() -> list[tuple[str, AnyDocument]]:
    """One of every kind and form, signed in earnest by keys made from names."""
    numbers = count(1)

    def when() -> dict[str, int]:
        return {"seq": next(numbers)}

    direct = samples.bulletin(V1, when=when())
    attested = samples.bulletin(V1, KARATAUN, when=when(), about=direct.id[:16])
    made: list[tuple[str, AnyDocument]] = [("direct", direct), ("correction", attested)]
    for number, text in enumerate(TEXTS):
        post = KARATAUN if number % 2 else None
        made.append((f"text {number}", samples.bulletin(V1, post, when=when(), text=text)))
    plain = replace(
        samples.bulletin(V3, SALUTIWO, when=when(), dossier=b"", sources=0, primary=0),
        form=Form.NOTICE, verdict=Verdict.UNCHECKED, hoax_type=HoaxType.NONE, demo=True,
    )  # fmt: skip
    made.append(("notice", signed_by(plain, SALUTIWO.seed)))
    made += [
        ("approval", samples.approval(direct, V3, **when())),
        ("attested approval", samples.approval(direct, V3, SALUTIWO, **when())),
        ("rejection", samples.rejection(direct, V3, **when())),
        ("suspension", samples.suspend(V1.radio, V3, KARATAUN, **when())),
        ("certificate", replace(samples.MACHINE_CERTS[1], serial=7)),
        ("radio's certificate", replace(samples.PERSON_CERTS[0], serial=8)),
        ("district's certificate", samples.DISTRICT_CERT),
        ("root", ROOT),
        ("root 2", _second_root()),
        ("revocation", samples.REVOCATION),
        ("empty revocation", samples.revocation(number=3)),
        ("long revocation", samples.revocation(*map(samples.seed_of, map(str, range(60))))),
        ("time", samples.time_anchor()),
        ("receipt", samples.receipt(direct, attested)),
        ("dossier", samples.DOSSIER),
    ]
    return [(name, _remade(document)) for name, document in made]


def _second_root() -> AnyDocument:
    unsigned = samples.root(2, ROOT)
    return samples.signed_root(unsigned, (0, 2), (1, 3), ROOT)


def _remade(document: AnyDocument) -> AnyDocument:
    """Certificates got a fixed serial above: signed again."""
    if document.KIND is not Kind.CERT or document is samples.DISTRICT_CERT:
        return document
    signature = samples.signing.sign(DISTRICT.seed, document.signed())
    return replace(document, marks=(Mark(0, 0, signature),))


def packets() -> list[tuple[str, bytes]]:
    """Packets of every type, all well-formed."""
    made = [(name, air.pack(one)) for name, one in documents() if not isinstance(one, Dossier)]
    by_name = dict(documents())
    bulletin, approval = by_name["direct"], by_name["approval"]
    attested = by_name["attested approval"]
    assert isinstance(bulletin, Bulletin)
    assert isinstance(approval, Vote)
    assert isinstance(attested, Vote)
    made.append(("pair", air.pack_pair(bulletin, approval)))
    made.append(("attested pair", air.pack_pair(bulletin, attested)))
    pieces = fragments.split(air.pack(by_name["root"]))
    made += [(f"fragment {piece.index} of {piece.count}", piece.pack()) for piece in pieces]
    made.append(("repair", fragments.repair(air.pack(bulletin), air.pack(approval))))
    post, shelf = air.hint_of(KARATAUN.key), [(gossip.origin(air.hint_of(V1.key), 7), 12)]
    beacon = Beacon(post, 1, 4, gossip.digest(shelf))
    made.append(("beacon", beacon.pack()))
    made.append(("beacon with news", replace(beacon, news=(bulletin.id[:8],) * 3).pack()))
    origins = {
        gossip.origin(samples.seed_of(str(n))[:6], n): {1 + n, 2 + n, 9 + n, 400} for n in range(40)
    }
    for number, vector in enumerate(gossip.vectors(origins, 5, 3)):
        made.append((f"vector {number}", vector.pack()))
    made.append(("empty vector", gossip.vectors({}, 0, 1)[0].pack()))
    made.append(("ask", gossip.pack_ask(ITEMS)))
    made += [(f"ask {item.want.name}", gossip.pack_ask([item])) for item in ITEMS]
    return made


ITEMS = (
    Item(Want.BULLETIN, b"12345678"),
    Item(Want.APPROVAL, b"12345678"),
    Item(Want.CERTIFICATE, b"123456"),
    Item(Want.REVOCATION, number=3),
    Item(Want.ROOT, number=1),
    Item(Want.FRAGMENTS, b"12345678", numbers=frozenset({0, 2, 20})),
    Item(Want.NUMBERS, b"\x05ab", numbers=frozenset({17, 16, 3})),
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Cut, lengthened, or with some bits or bytes changed."""
    broken = bytearray(data)
    match rng.randrange(5):
        case 0:
            del broken[rng.randrange(len(broken)) :]
        case 1:
            broken += rng.randbytes(rng.randrange(1, 9))
        case 2:
            place = rng.randrange(len(broken))
            broken[place:place] = rng.randbytes(1)
        case 3:
            broken[rng.randrange(min(len(broken), 40))] ^= 1 << rng.randrange(8)
        case _:
            broken[rng.randrange(len(broken))] = rng.randrange(256)
    return bytes(broken)


def packet_vectors() -> list[dict[str, Any]]:
    rng = random.Random(302)
    made = []
    for name, packet in packets():
        made.append((name, packet))
        made += [(f"{name}, damaged {n}", damaged(packet, rng)) for n in range(FLIPS)]
    made += [("nothing", b""), ("version 0", b"\x01"), ("type 0", b"\x20"), ("type 16", b"\x30")]
    return [_judged(name, data, packet_of) for name, data in made]


def document_vectors() -> list[dict[str, Any]]:
    rng = random.Random(303)
    made = []
    for name, document in documents():
        data = sealed.encode(document)
        made.append((name, data))
        made += [(f"{name}, damaged {n}", damaged(data, rng)) for n in range(FLIPS)]
    return [_judged(name, data, _kept) for name, data in made]


def _kept(data: bytes) -> dict[str, Any]:
    document = sealed.decode(data)
    return {**document_of(document), "id": document.id.hex()}


def _judged(name: str, data: bytes, read: Any) -> dict[str, Any]:
    try:
        return {"name": name, "hex": data.hex(), "verdict": "ok", "value": read(data)}
    except WireError:
        return {"name": name, "hex": data.hex(), "verdict": "refused"}


def text_of(what: str, vectors: list[dict[str, Any]]) -> str:
    """The file: one vector a line, so that a change can be read."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in vectors)
    return f'{{"what": {json.dumps(what)}, "vectors": [\n{lines}\n]}}\n'


FILES = {
    "packets.json": ("SPEC.md sections 5 and 6: packets on port 302", packet_vectors),
    "documents.json": ("SPEC.md section 4: the kept form of documents", document_vectors),
}


def main() -> None:
    for name, (what, make) in FILES.items():
        (HERE / name).write_text(text_of(what, make()))


if __name__ == "__main__":
    main()
