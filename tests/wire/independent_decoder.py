"""A second decoder of SPEC.md sections 4 to 6, written from that page alone: nothing of kimnode is
used but the text compression of section 7. Values are plain dicts with the names of the page; bytes
are hexadecimal. `Malformed` is the only refusal.
"""

import hashlib
import math

import cbor2

from kimnode.errors import WireError
from kimnode.wire.text import decompress

CODES = {"form": range(1, 6), "verdict": range(8), "hoax_type": range(8), "topic": range(13)}
CODES |= {"role": range(1, 7), "key_type": range(2), "mode": range(2), "trust": range(3)}
CODES["source"] = range(1, 7)
KINDS = "4 bulletin 5 approval 11 certificate 12 revocation 13 time 14 receipt 16 root"
KINDS = f"{KINDS} 17 suspension 18 dossier 19 rejection".split()
DOMAINS = dict(zip(map(int, KINDS[::2]), KINDS[1::2], strict=True))
MAX_AREA = 10**10


class Malformed(Exception):
    """Not what the page says."""


def need(condition: object) -> None:
    if not condition:
        raise Malformed


def code(name: str, value: object) -> int:
    need(type(value) is int and value in CODES[name])
    return value


def bits(value: int, *widths: int) -> list[int]:
    found = []
    for width in reversed(widths):
        found.append(value & (1 << width) - 1)
        value >>= width
    return found[::-1]


def uint(value: object, end: int) -> int:
    need(type(value) is int and 0 <= value < end)
    return value


def text(value: object, most: int) -> str:
    need(type(value) is str and len(value) <= most)
    return value


def items(value: object, most: int) -> list:
    need(type(value) is list and len(value) <= most)
    return value


# name:type; c code, uN below 2^N, a area, bN bytes of these lengths, tN at most N characters
STAMP = "mode:c made_min:u24 trust:c epoch:u8 seq:u32 signer:b32 person:b32"
VOTE = f"subject:b32 {STAMP}"
FIELDS = {
    4: "form:c demo:u1 verdict:c hoax_type:c topic:c sources:u4 primary:u4 area:a expires_6h:u8"
    f" number:u16 about:b0,16 dossier:b0,16 {STAMP} text:t600",
    11: "role:c key_type:c key:b32 area:a person:u32 serial:u32 from_day:u16 to_day:u16 issuer:b32"
    " name:name",
    12: "number:u32 made_min:u24 issuer:b32 entries:entries",
    13: "made_min:u24 issuer:b32",
    14: "made_min:u24 signer:b32 bulletins:ids",
    16: "version:u32 threshold:threshold keys:keys area:a to_day:u16 demo:u1 previous:b0,32"
    " name:name",
    18: "claim:t240 fact:t600 place:t200 first_seen_min:u24 sources:sources",
    **dict.fromkeys((5, 17, 19), VOTE),
}
OTHER_TYPES = {
    "a": lambda v: uint(v, MAX_AREA),
    "name": lambda v: text(v, 24 if len(text(v, 24).encode()) <= 24 else -1),
    "threshold": lambda v: uint(v, 9),
    "ids": lambda v: [field("b32", "", one) for one in items(v, 16)],
    "keys": lambda v: [field("b32", "", one) for one in items(v, 8)],
    "entries": lambda v: ascending([each(one, ENTRY) for one in items(v, 500)]),
    "sources": lambda v: [each(one, SOURCE) for one in items(v, 15)],
}


def field(kind: str, label: str, value: object) -> object:
    if kind in OTHER_TYPES:
        return OTHER_TYPES[kind](value)
    if kind == "c":
        return code(label, value)
    if kind[0] == "b":
        need(type(value) is bytes and str(len(value)) in kind[1:].split(","))
        return value.hex()
    return uint(value, 1 << int(kind[1:])) if kind[0] == "u" else text(value, int(kind[1:]))


def ascending(pairs: list) -> list:
    hints = [hint for hint, _ in pairs]
    need(hints == sorted(set(hints)))
    return pairs


MARK, ENTRY = ("ring:u1", "index:u3", "signature:b64"), ("key:b6", "day:u16")
SOURCE = ("source:c", "title:t200", "reference:t200")


def each(values: object, types: tuple[str, ...]) -> list:
    need(len(items(values, len(types))) == len(types))
    pairs = [one.split(":") for one in types]
    return [field(t, n, value) for (n, t), value in zip(pairs, values, strict=True)]


def kept(data: bytes) -> dict:
    """The document of a kept form, with its id."""
    need(len(data) <= 8192)
    try:
        whole = cbor2.loads(data)
    except Exception as error:
        raise Malformed from error
    need(len(items(whole, 3)) == 3 and type(whole[0]) is int and whole[0] in FIELDS)
    kind, values, proof = whole
    types = tuple(FIELDS[kind].split())
    names = [one.split(":")[0] for one in types]
    found = {"kind": kind, **dict(zip(names, each(values, types), strict=True))}
    if kind == 18:
        need(proof is None)
    elif kind in (11, 16):
        found["marks"] = [each(one, MARK) for one in items(proof, 16)]
        places = [tuple(one[:2]) for one in found["marks"]]
        need(places == sorted(set(places)))
    else:
        found["signature"] = field("b64", "", proof)
    need(cbor2.dumps(whole, canonical=True) == data)
    signed = cbor2.dumps([f"kimnode/{DOMAINS[kind]}/v1", *values], canonical=True)
    return {**found, "id": hashlib.sha256(signed).hexdigest()}


def numbers(highest: int, below_it: bytes) -> list[int]:
    width, value = 8 * len(below_it), int.from_bytes(below_it, "big")
    below = [highest - 1 - i for i in range(width) if value >> width - 1 - i & 1]
    need(min([highest, *below]) >= 1)
    return sorted([highest, *below])


class Packet:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        need(0 <= count <= len(self.data))
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def hex(self, count: int) -> str:
        return self.take(count).hex()

    def uint(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def layout(self, spec: str) -> dict:
        """`name:3` is a number of three bytes, `name:x6` six bytes."""
        found = {}
        for label, size in (one.split(":") for one in spec.split()):
            found[label] = self.hex(int(size[1:])) if size[0] == "x" else self.uint(int(size))
        need(found.get("area", 0) < MAX_AREA)
        return found

    def stamp(self) -> tuple[dict, int]:
        mode, trust, rest = bits(self.uint(1), 1, 2, 5)
        by = {"mode": mode, "trust": code("trust", trust)}
        by |= self.layout("made_min:3 epoch:1 seq:4 signer:x6")
        return {**by, "person": self.hex(6) if mode else by["signer"]}, rest

    def bulletin(self) -> dict:
        by, rest = self.stamp()
        demo, has_about, form = bits(rest, 1, 1, 3)
        *what, has_dossier, zero = bits(self.uint(3), 3, 3, 4, 4, 4, 1, 5)
        need(zero == 0 and code("topic", what[2]) == what[2])
        names = ("verdict", "hoax_type", "topic", "sources", "primary")
        found = {"kind": 4, "form": code("form", form), "demo": demo, **by}
        found |= zip(names, what, strict=True)
        optional = f"about:x{16 * has_about} dossier:x{16 * has_dossier}"
        found |= self.layout(f"area:5 expires_6h:1 number:2 {optional}")
        try:
            found["text"] = text(decompress(self.take(len(self.data) - 64)), 600)
        except WireError as error:
            raise Malformed from error
        return {**found, "signature": self.hex(64)}

    def vote(self, kind: int, subject_bytes: int = 8) -> dict:
        subject, (by, rest) = self.hex(subject_bytes), self.stamp()
        need(rest == 0)
        return {"kind": kind, "subject": subject, **by, "signature": self.hex(64)}

    def pair(self) -> list:
        approval = self.vote(5, 0)
        return [self.bulletin(), approval]

    def certificate(self) -> dict:
        role, key_type, zero = bits(self.uint(1), 4, 1, 3)
        need(zero == 0)
        found = {"kind": 11, "role": code("role", role), "key_type": key_type}
        found |= self.layout("key:x32 area:5 person:4 serial:4 from_day:2 to_day:2 issuer:x6")
        size = self.uint(1)
        need(size <= 24)
        try:
            found["name"] = self.take(size).decode()
        except UnicodeDecodeError as error:
            raise Malformed from error
        marks = self.uint(1) if role == 1 else 1
        return {**found, "marks": [[0, i, self.hex(64)] for i in range(8) if marks >> i & 1]}

    def revocation(self) -> dict:
        found = {"kind": 12, **self.layout("number:4 made_min:3 issuer:x6")}
        count = self.uint(2)
        need(count <= 500)
        found["entries"] = ascending([[self.hex(6), self.uint(2)] for _ in range(count)])
        return {**found, "signature": self.hex(64)}

    def root(self) -> dict:
        found = kept(self.take(len(self.data)))
        need(found.pop("id") and found["kind"] == 16)
        return found

    def receipt(self) -> dict:
        found = {"kind": 14, **self.layout("made_min:3 signer:x6")}
        count = self.uint(1)
        need(count <= 16)
        found["bulletins"] = [self.hex(8) for _ in range(count)]
        return {**found, "signature": self.hex(64)}

    def fragment(self) -> dict:
        found = self.layout("message:x8 index:1 count:1 size:2")
        need(2 <= found["count"] <= 20 and found["index"] <= found["count"] and found["size"] > 231)
        length = math.ceil(found["size"] / found["count"])
        need(length <= 218)
        return {**found, "piece": self.hex(length)}

    def repair(self) -> dict:
        found = {"tags": [self.hex(4), self.hex(4)], "sizes": [self.uint(1), self.uint(1)]}
        need(all(1 <= size <= 220 for size in found["sizes"]))
        return {**found, "mixed": self.hex(max(found["sizes"]))}

    def beacon(self) -> dict:
        found = self.layout("post:x6 root_version:4 lists:4 digest:x4")
        news = []
        while self.data:
            news.append(self.hex(8))
        need(len(news) <= 3)
        return {**found, "news": news}

    def vector(self) -> dict:
        found = {**self.layout("salt:1 first:x2 last:x2"), "entries": []}
        while self.data:
            tag, highest, size = self.hex(2), self.uint(4), self.uint(1)
            need(size <= 32 and found["first"] <= tag <= found["last"])
            here = self.take(size)
            need(not here or here[-1])
            found["entries"].append([tag, numbers(highest, here)])
        ascending(found["entries"])
        return found

    def ask(self) -> dict:
        found = []
        while self.data:
            want = self.uint(1)
            need(1 <= want <= 7)
            item = {"want": want, "hint": self.hex((8, 8, 6, 0, 0, 8, 3)[want - 1])}
            if want in (4, 5):
                item["number"] = self.uint(4)
            if want == 6:
                missing = self.uint(3)
                item["numbers"] = [i for i in range(24) if missing >> 23 - i & 1]
                need(item["numbers"] and item["numbers"][-1] <= 20)
            if want == 7:
                item["numbers"] = numbers(self.uint(4), self.take(2))
            found.append(item)
        need(1 <= len(found) <= 12)
        return {"items": found}

    def time(self) -> dict:
        return {"kind": 13, **self.layout("made_min:3 issuer:x6 signature:x64")}


NAMES = "bulletin approval rejection suspension certificate revocation root time receipt"
NAMES = f"{NAMES} beacon ask vector fragment pair repair".split()


def packet(whole: bytes) -> dict:
    """Any packet: its type, and what it holds."""
    data = Packet(whole)
    version, kind = bits(data.uint(1), 3, 5)
    need(version == 1 and 1 <= kind <= len(NAMES))
    need(kind < 10 or kind == 14 or len(whole) <= 231)  # fragments carry longer documents
    votes = {2: 5, 3: 19, 4: 17}
    found = data.vote(votes[kind]) if kind in votes else getattr(data, NAMES[kind - 1])()
    need(not data.data)
    return {"type": kind, "holds": found if isinstance(found, list) else [found]}
