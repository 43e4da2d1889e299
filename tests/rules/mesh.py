"""Gateways in one radio range that speak port 302: a discrete simulation of the protocol alone.

One frame at a time is on the air (carrier sensing; who starts within the same few milliseconds
collides), each receiver loses frames independently. A gateway hands its radio a packet at least
three seconds after the one before, and none beyond its hour's budget. Trust is played: every key is
known (unless a test hides its certificate), a bulletin is verified with one approval.
"""

import hashlib
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from kimnode.record import Kind
from kimnode.rules.airtime import packet_airtime_ms
from kimnode.rules.asking import Pace
from kimnode.rules.exchange import Exchange
from kimnode.rules.hearsay import Known
from kimnode.rules.ledger import ALL_BUT_SOS_SHARE
from kimnode.rules.lora import PRESETS, Preset
from kimnode.wire import air, gossip
from kimnode.wire.codes import Form, HoaxType, KeyType, Mode, Role, TimeTrust, Topic, Verdict
from kimnode.wire.documents import (
    AnyDocument,
    Bulletin,
    Certificate,
    Mark,
    Revocation,
    Root,
    Stamp,
    Vote,
)
from kimnode.wire.gossip import Item, Want

PACING_S = 3.0
SLOT_S = 0.04
HOUR_S = 3600.0
LONG_FAST = PRESETS["LONG_FAST"]


def key(name: str) -> bytes:
    """Any 32 bytes do: here nothing is signed in earnest."""
    return hashlib.sha256(name.encode()).digest()


def noise(name: str, size: int = 64) -> bytes:
    return hashlib.shake_128(name.encode()).digest(size)


def stamp(seq: int, signer: str, person: str | None = None) -> Stamp:
    mode = Mode.DIRECT if person is None else Mode.ATTESTED
    return Stamp(mode, 1_000_000, TimeTrust.ABOUT, 7, seq, key(signer), key(person or signer))


def bulletin(
    seq: int = 1, letters: int = 48, text: str = "", signer: str = "G0", direct: bool = False
) -> Bulletin:
    """`letters`: of a text that cannot be compressed, unless a text is given."""
    by = stamp(seq, signer) if direct else stamp(seq, signer, "radio-ani")
    text = text or "".join(chr(97 + byte % 26) for byte in noise(f"{seq}{signer}", letters))
    return Bulletin(
        *(Form.CHECK, False, Verdict.HOAX, HoaxType.FABRICATED, Topic.DISASTER, 2, 1),
        *(7602062003, 28, seq, b"", noise("dossier", 16), by, text, noise(f"b{seq}{signer}")),
    )


def approval(of: Bulletin, seq: int = 2, signer: str = "G0", direct: bool = False) -> Vote:
    by = stamp(seq, signer) if direct else stamp(seq, signer, "radio-budi")
    return Vote(Kind.APPROVAL, of.id, by, noise(f"a{seq}{signer}"))


def suspension(seq: int, signer: str, person: str) -> Vote:
    return Vote(Kind.SUSPENSION, key("thief"), stamp(seq, signer, person), noise(f"s{seq}{signer}"))


def revocation(number: int, count: int = 3) -> Revocation:
    entries = tuple(sorted((noise(f"r{n}", 6), 300) for n in range(count)))
    return Revocation(number, 1_000_000, key("district"), entries, noise(f"r{number}"))


def certificate(holder: str) -> Certificate:
    return Certificate(
        *(Role.GATEWAY, KeyType.ED25519, key(holder), 7602062003, 0, 5, 300, 700),
        *(key("district"), "Pos Tapango", (Mark(0, 0, noise(holder)),)),
    )


def root(version: int) -> Root:
    keys = tuple(key(f"root{version}{n}") for n in range(5))
    marks = tuple(Mark(ring, n, noise(f"{version}{ring}{n}")) for ring in (0, 1) for n in (0, 1))
    return Root(version, 2, keys, 7600000000, 3000, False, noise("p", 32), "Sulawesi Barat", marks)


class Archive:
    """What a post has of certificates, lists and roots."""

    def __init__(self) -> None:
        self.certificates: dict[bytes, Certificate] = {}
        self.roots: dict[int, Root] = {}
        self.listed: Revocation | None = None

    def certificate(self, hint: bytes) -> Certificate | None:
        return self.certificates.get(hint)

    def revocations(self) -> tuple[Revocation, ...]:
        return (self.listed,) if self.listed else ()

    def root_after(self, version: int) -> Root | None:
        return self.roots.get(version + 1)


class Post:
    """A gateway: the machine under test with the simplest trust around it."""

    def __init__(self, name: str, mesh: "Mesh", rng: random.Random) -> None:
        self.name, self.mesh = name, mesh
        self.archive = Archive()
        pace = Pace()
        pace.set(packet_airtime_ms(mesh.preset, 12))
        hint = air.hint_of(key(name))
        self.exchange = Exchange(hint, self.archive, rng.random, pace, mesh.now)
        self.on = True
        self.known: dict[bytes, AnyDocument] = {}
        self.unknown_signers: set[bytes] = set()
        self.queue: deque[bytes] = deque()
        self.free_at = 0.0
        self.spent: deque[tuple[float, float]] = deque()
        self.held: list[bytes] = []

    def verified(self, of: Bulletin) -> bool:
        return of.id in self.exchange.shelf and bool(self.exchange.shelf.approvals(of.id[:8]))

    def publish(self, *documents: AnyDocument) -> None:
        for document in documents:
            self.take(document)
        self.queue.extend(self.exchange.publish(documents, self.mesh.now))
        self.mesh.look(self)

    def hear(self, sender: int, packet: bytes) -> None:
        for found in self.exchange.hear(sender, packet, self.mesh.now):
            self.unpacked(found)
        self.mesh.look(self)

    def unpacked(self, packet: bytes) -> None:
        documents = air.unpack(packet)
        resolved: list[AnyDocument] = []
        for document in documents:
            whole = self.mesh.whole(document)
            if isinstance(whole, Bulletin | Vote):
                hint = air.hint_of(whole.stamp.signer)
                if hint in self.unknown_signers and hint not in self.archive.certificates:
                    self.exchange.lack(Item(Want.CERTIFICATE, hint), self.mesh.now)
                    self.held.append(packet)
                    return
            if isinstance(whole, Vote) and whole.kind is Kind.APPROVAL:
                subject = resolved[0].id if resolved else whole.subject
                ids = [one for one in self.known if one.startswith(subject[:8])]
                if resolved:
                    ids = [resolved[0].id]
                if not ids:
                    self.exchange.lack(Item(Want.BULLETIN, whole.subject), self.mesh.now)
                    self.held.append(packet)
                    return
                whole = replace(whole, subject=ids[0])
            resolved.append(whole)
        for document in resolved:
            self.take(document)

    def take(self, document: AnyDocument) -> None:
        """What a gateway does with a document that is valid."""
        if document.id in self.known:
            return
        self.known[document.id] = document
        self.exchange.found(document)
        self._shelve(document, self.mesh.now)
        held, self.held = self.held, []
        for packet in held:
            self.unpacked(packet)

    def _shelve(self, document: AnyDocument, now: float) -> None:
        exchange = self.exchange
        match document:
            case Bulletin():
                exchange.lack(Item(Want.APPROVAL, document.id[:8]), now)
            case Vote(kind=Kind.APPROVAL):
                about = self.known.get(document.subject)
                if about is not None:
                    exchange.put(about, now)
                    exchange.put(document, now)
            case Vote():
                exchange.put(document, now)
            case Certificate():
                self.archive.certificates[air.hint_of(document.key)] = document
            case Revocation():
                if self.archive.listed is None or self.archive.listed.number < document.number:
                    self.archive.listed = document
            case Root():
                self.archive.roots[document.version] = document
        versions = max(self.archive.roots, default=0)
        exchange.learnt(Known(versions, gossip.lists_tag(self.archive.revocations())), now)

    def next_packet(self) -> bytes | None:
        """What it would hand to its radio now."""
        now = self.mesh.now
        if not self.on or now < self.free_at or not self.budget_left():
            return None
        if not self.queue:
            said = self.exchange.say(now)
            if said is not None:
                self.queue.append(said)
        return self.queue.popleft() if self.queue else None

    def budget_left(self) -> bool:
        while self.spent and self.spent[0][0] <= self.mesh.now - HOUR_S:
            self.spent.popleft()
        allowed_ms = self.mesh.budget_share * HOUR_S * 1000 * ALL_BUT_SOS_SHARE
        return sum(ms for _, ms in self.spent) + 2200 <= allowed_ms

    def wake_at(self) -> float:
        if not self.on:
            return float("inf")
        at = self.free_at if self.queue else max(self.exchange.wake_at(), self.free_at)
        return at if self.budget_left() else max(at, self.spent[0][0] + HOUR_S + 1)


class Mesh:
    """All of them and the air between. `air_ms` sums what was transmitted, `said` counts it."""

    def __init__(
        self,
        count: int,
        seed: int,
        *,
        loss: float = 0.2,
        preset: Preset = LONG_FAST,
        budget_share: float = 0.01,
    ) -> None:
        self.now = 0.0
        self.loss, self.preset, self.budget_share = loss, preset, budget_share
        self.rng = random.Random(seed)
        self.air_ms = 0.0
        self.said: dict[str, int] = {}
        self.heard: Callable[[Post, bytes], None] = lambda _post, _packet: None
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._keys = {air.hint_of(key(n)): key(n) for n in ["district", "radio-ani", "radio-budi"]}
        self._busy_until = 0.0
        self.posts = [Post(f"G{n}", self, random.Random(f"{seed}/{n}")) for n in range(count)]
        self.know(*(post.name for post in self.posts))
        self._wakes: dict[str, float] = {}
        for post in self.posts:
            self.look(post)

    def know(self, *names: str) -> None:
        self._keys.update({air.hint_of(key(name)): key(name) for name in names})

    def whole(self, document: AnyDocument) -> AnyDocument:
        """Hints filled in."""
        keys = self._keys
        match document:
            case Bulletin() | Vote():
                by = document.stamp
                filled = replace(by, signer=keys[by.signer], person=keys[by.person])
                if isinstance(document, Vote) and document.kind is Kind.SUSPENSION:
                    return replace(document, stamp=filled, subject=key("thief"))
                return replace(document, stamp=filled)
            case Certificate() | Revocation():
                return replace(document, issuer=keys[document.issuer])
        return document

    def at(self, when: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), work))

    def look(self, post: Post) -> None:
        """Ask the post again when it says that it may have something."""
        when = max(post.wake_at(), self.now)
        if when < self._wakes.get(post.name, float("inf")):
            self._wakes[post.name] = when
            self.at(when, lambda: self._woken(post, when))

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Whether `done` came true before `until`."""
        while self._events and self._events[0][0] <= until:
            if done():
                return True
            self.now, _, work = heapq.heappop(self._events)
            work()
        if not done():
            self.now = until
        return done()

    def _woken(self, post: Post, when: float) -> None:
        if self._wakes.get(post.name) != when:
            return
        del self._wakes[post.name]
        packet = post.next_packet()
        if packet is None:
            self.look(post)
            return
        post.free_at = float("inf")  # until the radio has said that it took it
        self._contend(post, packet)

    def _contend(self, post: Post, packet: bytes) -> None:
        """Carrier sensing, then a random slot."""
        start = max(self.now, self._busy_until) + SLOT_S * self.rng.randrange(1, 16)
        self.at(start, lambda: self._start(post, packet))

    def _start(self, post: Post, packet: bytes) -> None:
        if self.now < self._busy_until:
            self._contend(post, packet)
            return
        air_ms = packet_airtime_ms(self.preset, len(packet) + 1)
        self.air_ms += air_ms
        post.spent.append((self.now, air_ms))
        name = air.type_of(packet).name
        self.said[name] = self.said.get(name, 0) + 1
        self._busy_until = self.now + air_ms / 1000
        self.at(self._busy_until, lambda: self._arrive(post, packet))

    def _arrive(self, post: Post, packet: bytes) -> None:
        post.free_at = self.now + PACING_S
        for other in self.posts:
            if other is not post and other.on and self.rng.random() >= self.loss:
                other.hear(hash(post.name), packet)
                self.heard(other, packet)
        self.look(post)


def all_have(posts: Iterable[Post], of: Bulletin) -> Callable[[], bool]:
    chosen = list(posts)
    return lambda: all(post.verified(of) for post in chosen)
