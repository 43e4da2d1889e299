"""Somebody has a post's disk: what lies on it, and every document that can be made of it.

The thief signs with that post's key alone. What is genuine here was on the disk.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kimnode.keys import keyfile
from kimnode.record import Kind
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Form, HoaxType, KeyType, Mode, Role, Verdict
from kimnode.wire.documents import (
    ABOUT_BYTES,
    AnyDocument,
    Bulletin,
    Mark,
    Vote,
    signed_by,
)
from tests.journeys.posts import DATABASE, KEY
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    DISTRICT,
    HUB,
    KETUA,
    NOW_MIN,
    V1,
    V3,
    V4,
    Machine,
    Person,
)

FALSE = "Gempa besar dan tsunami malam ini, semua lari ke gunung!"


@dataclass(frozen=True)
class Loot:
    """A copy of a post's folder."""

    folder: Path
    post: Machine

    @property
    def seed(self) -> bytes:
        """The post's private key, as it lies on the disk."""
        seed = keyfile.load(self.folder / KEY).seed
        assert seed == self.post.seed  # so that the samples sign with nothing else
        return seed

    def documents(self) -> list[AnyDocument]:
        with closing(sqlite3.connect(self.folder / DATABASE)) as database:
            rows = database.execute("SELECT bytes FROM document ORDER BY seq").fetchall()
        return [sealed.decode(data) for (data,) in rows]

    def bulletin(self, text: str) -> Bulletin:
        """The genuine one with this text."""
        found = (one for one in self.documents() if isinstance(one, Bulletin) and one.text == text)
        return next(found)

    def votes(self, *kinds: Kind) -> list[Vote]:
        return [one for one in self.documents() if isinstance(one, Vote) and one.kind in kinds]

    # -- what the stolen key signs ----------------------------------------------------------------

    def draft(self, author: Person = V1, **changes) -> Bulletin:
        return samples.bulletin(author, self.post, **{"text": FALSE, **changes})

    def approvals(self, about: Bulletin, **when) -> list[Vote]:
        """By the word of the stolen post everybody agrees."""
        return [samples.approval(about, who, self.post, **when) for who in (V3, V4, KETUA)]

    def sign(self, document):
        return signed_by(document, self.seed)


# What was on the disk when it was stolen; tests/journeys/test_stolen_gateway.py puts it there.
NEVER_APPROVED = "Beras bantuan dibagi hari Senin di kantor desa."
REFUSED = "Jembatan Dusun Atas sudah runtuh, jangan lewat."
APPROVED = "Tidak ada gempa besar malam ini."

Attack = Callable[[Loot], list[AnyDocument]]


def both_attested(loot: Loot) -> list[AnyDocument]:
    made = loot.draft()
    return [made, *loot.approvals(made)]


def genuine_draft(loot: Loot) -> list[AnyDocument]:
    made = loot.bulletin(NEVER_APPROVED)
    assert made.stamp.mode is Mode.DIRECT
    return [made, *loot.approvals(made)]


def refused_draft(loot: Loot) -> list[AnyDocument]:
    made = loot.bulletin(REFUSED)
    return [made, *loot.approvals(made)]


def old_approvals(loot: Loot) -> list[AnyDocument]:
    """Of other bulletins: as they are, turned to the false one, and signed anew."""
    made = loot.draft()
    old = loot.votes(Kind.APPROVAL)
    assert any(vote.stamp.mode is Mode.DIRECT for vote in old)
    turned = [replace(vote, subject=made.id) for vote in old]
    return [made, *turned, *map(loot.sign, turned), *loot.approvals(made)]


def retyped_votes(loot: Loot) -> list[AnyDocument]:
    """A true rejection and a true suspension called an approval."""
    made = loot.bulletin(REFUSED)
    old = loot.votes(Kind.REJECTION, Kind.SUSPENSION)
    assert {vote.kind for vote in old} == {Kind.REJECTION, Kind.SUSPENSION}
    called = [replace(vote, kind=Kind.APPROVAL, subject=made.id) for vote in old]
    return [made, *called, *map(loot.sign, called)]


def called_direct(loot: Loot) -> list[AnyDocument]:
    """The stolen key in the place of a person's own key, and the other way round."""
    made = loot.draft()
    stamps = [
        replace(samples.stamp(V3), signer=loot.post.key),
        replace(samples.stamp(V3), signer=loot.post.key, person=V3.radio),
        replace(samples.stamp(V3), signer=loot.post.key, person=loot.post.key),
        replace(samples.stamp(V3, loot.post), person=V3.key),
        samples.stamp(V3),
        samples.stamp(HUB),
        samples.stamp(DISTRICT),
    ]
    votes = [loot.sign(Vote(Kind.APPROVAL, made.id, stamp)) for stamp in stamps]
    return [made, *votes, *loot.approvals(made)]


def other_posts_name(loot: Loot) -> list[AnyDocument]:
    """The second gateway's key in the stamp, the stolen one's signature."""
    made = loot.draft()
    stamps = [samples.stamp(who, samples.SALUTIWO) for who in (V3, V4)]
    votes = [loot.sign(Vote(Kind.APPROVAL, made.id, stamp)) for stamp in stamps]
    return [made, *votes, *loot.approvals(made)]


def used_numbers(loot: Loot) -> list[AnyDocument]:
    """Sequence numbers, and the number people know, of what was truly approved."""
    true = loot.bulletin(APPROVED)
    own = [vote for vote in loot.votes(Kind.APPROVAL) if vote.stamp.signer == loot.post.key]
    numbers = [{"epoch": one.stamp.epoch, "seq": one.stamp.seq} for one in (true, *own)]
    made = loot.draft(number=true.number, when=numbers[0])
    again = loot.draft(number=true.number, when=numbers[-1])
    votes = [
        samples.approval(one, who, loot.post, **number)
        for one in (made, again)
        for who, number in zip((V3, V4), numbers * 2, strict=False)
    ]
    return [made, again, *votes, *loot.approvals(made), *loot.approvals(again)]


def other_words(loot: Loot) -> list[AnyDocument]:
    """The approved bulletin with another text, under the true signatures and signed anew."""
    true = loot.bulletin(APPROVED)
    votes = [vote for vote in loot.votes(Kind.APPROVAL) if vote.subject == true.id]
    made = replace(true, text=FALSE)
    turned = [replace(vote, subject=made.id) for vote in votes]
    return [made, loot.sign(made), *votes, *turned]


def one_person_twice(loot: Loot) -> list[AnyDocument]:
    """A true verifier's draft, approved by herself."""
    made = loot.draft(V3)
    return [made, *(samples.approval(made, V3, loot.post) for _ in range(3))]


def notice(loot: Loot) -> list[AnyDocument]:
    """BELUM DICEK needs one person: it must never become more."""
    made = loot.draft(
        V3, form=Form.NOTICE, verdict=Verdict.UNCHECKED, hoax_type=HoaxType.NONE, sources=0,
        primary=0, dossier=b"", expires_6h=12,
    )  # fmt: skip
    return [made, *loot.approvals(made)]


def own_certificates(loot: Loot) -> list[AnyDocument]:
    """The thief makes himself verifier, hub and second gateway, and has those approve."""
    helpers = [
        Person("Ani palsu", 90, Role.VERIFIER),
        Machine("Hub palsu", Role.HUB, samples.REGENCY),
        Machine("Pos Palsu", Role.GATEWAY, samples.DESA),
    ]
    made = loot.draft()
    papers: list[AnyDocument] = []
    for issuer in (loot.post, DISTRICT):
        for one in helpers:
            number = one.number if isinstance(one, Person) else 0
            unsigned = samples.issued(
                issuer, one.key, one.role, one.area, one.name,
                person=number, key_type=KeyType.ED25519,
            )  # fmt: skip
            mark = Mark(0, 0, signing.sign(loot.seed, unsigned.signed()))
            papers.append(replace(unsigned, marks=(mark,)))
    votes = [samples.approval(made, one) for one in helpers[:2]]
    votes.append(samples.approval(made, V4, helpers[2]))
    return [*papers, made, *votes, *loot.approvals(made)]


def silenced(loot: Loot) -> list[AnyDocument]:
    """A correction and a withdrawal of what was truly approved: must not take it down."""
    about = loot.bulletin(APPROVED).id[:ABOUT_BYTES]
    retraction = loot.draft(
        form=Form.RETRACTION, verdict=Verdict.NONE, hoax_type=HoaxType.NONE, sources=0, primary=0,
        dossier=b"", about=about,
    )  # fmt: skip
    correction = loot.draft(
        form=Form.CORRECTION, verdict=Verdict.FACT, hoax_type=HoaxType.NONE, about=about
    )
    papers = [retraction, correction]
    return [*papers, *(vote for one in papers for vote in loot.approvals(one))]


def dated_back(loot: Loot) -> list[AnyDocument]:
    made = loot.draft(when={"made_min": NOW_MIN - 10 * 1440})
    return [made, *loot.approvals(made, made_min=NOW_MIN - 10 * 1440)]


ATTACKS: tuple[Attack, ...] = (
    *(both_attested, genuine_draft, refused_draft, old_approvals, retyped_votes, called_direct),
    *(other_posts_name, used_numbers, other_words, one_person_twice, notice, own_certificates),
    *(silenced, dated_back),
)
