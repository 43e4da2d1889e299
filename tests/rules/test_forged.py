"""What a person with the channel's key can make: nothing of it is ever believed.

Every packet goes the whole way: unpacked, keys found for the hints, signature, certificate, role,
area, two persons. The long numbers are for the campaign.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import pytest

from kimnode.errors import Refused, WireError
from kimnode.record import Kind
from kimnode.rules import hints
from kimnode.rules.chain import check_trust_document
from kimnode.rules.standing import standing
from kimnode.rules.trust import StandingState, Trust, author, voter
from kimnode.wire import air, signing
from kimnode.wire.air import MAX_PACKET_BYTES, Type
from kimnode.wire.documents import AnyDocument, Bulletin, Vote, signed_by
from tests.journeys.sizes import short_and_long
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import (
    CHAIN,
    DISTRICT,
    HUB,
    KARATAUN,
    NOW,
    ROOT,
    SALUTIWO,
    V1,
    V2,
    V3,
    V4,
    Machine,
    Person,
)

VOTE_TYPES = (Type.APPROVAL, Type.REJECTION, Type.SUSPENSION)


@cache
def here() -> Trust:
    return samples.trust()


@cache
def another_village() -> Trust:
    """Another province's chain: other keys, the same names."""
    seeds = samples.ROOT_SEEDS[3:8]
    keys = tuple(map(signing.public_key, seeds))
    unsigned = replace(ROOT, keys=keys, marks=(), name="Sulawesi Selatan")
    marks = tuple(samples.Mark(0, n, signing.sign(seeds[n], unsigned.signed())) for n in (0, 1))
    root = replace(unsigned, marks=marks)
    far = Machine("Kab. Lain", samples.Role.DISTRICT, samples.REGENCY)
    far_cert = replace(samples.DISTRICT_CERT, key=far.key, issuer=root.id, name=far.name, marks=())
    far_marks = tuple(samples.Mark(0, n, signing.sign(seeds[n], far_cert.signed())) for n in (0, 1))
    papers = [root, replace(far_cert, marks=far_marks)]
    papers += [samples.of_machine(machine, far) for machine in FAR_POSTS]
    papers += [make(one, far) for one in FAR for make in (samples.of_radio, samples.of_own_key)]
    return samples.build([samples.Heard(one, samples.NOW_S) for one in papers], root.id).trust


FAR_POSTS = (Machine("Pos Jauh", samples.Role.GATEWAY, samples.DESA),)
FAR = (
    Person("Ani Jauh", 1, samples.Role.VOLUNTEER),
    Person("Citra Jauh", 3, samples.Role.VERIFIER),
)


def believed(packet: bytes, trust: Trust, known: tuple[Bulletin, ...]) -> list[AnyDocument]:
    """The documents of a packet that may enter the log, in whole."""
    found: list[AnyDocument] = []
    try:
        documents = air.unpack(packet)
    except WireError:
        return []
    for document in documents:
        try:
            whole = hints.whole(document, trust, partial(_subjects, (*known, *found), tuple(found)))
            _check(whole, trust, (*known, *found))
        except Refused:
            continue
        found.append(whole)
    return found


def _subjects(
    known: tuple[AnyDocument, ...], beside: tuple[AnyDocument, ...], hint: bytes
) -> list[bytes]:
    """Of a pair's approval, which has no hint, the bulletin beside it."""
    return [one.id for one in (known if hint else beside) if one.id.startswith(hint)]


def _check(document: AnyDocument, trust: Trust, known: tuple[AnyDocument, ...]) -> None:
    match document:
        case Bulletin():
            author(document, trust, NOW)
        case Vote() if document.kind is not Kind.SUSPENSION:
            (about,) = [one for one in known if one.id == document.subject]
            voter(document, about.area, trust, NOW)
        case _:
            check_trust_document(document, trust, NOW, ROOT.id)


def is_verified(bulletin: Bulletin, votes: list[Vote], trust: Trust) -> bool:
    return standing(bulletin, votes, trust, None).state is not StandingState.WAITING


def genuine() -> Iterator[tuple[bytes, tuple[Bulletin, ...]]]:
    """Packets of all kinds with what must be known before, without end."""
    number = 0
    while True:
        number += 1
        post = (None, KARATAUN, SALUTIWO)[number % 3]
        text = f"Kabar nomor {number}: jembatan Salutiwo tidak putus, bisa dilewati."
        one = samples.bulletin(V1, post, text=text)
        approval = samples.approval(one, V3, post)
        yield air.pack(one), ()
        yield air.pack(approval), (one,)
        pair = air.pack_pair(one, approval)
        if len(pair) <= MAX_PACKET_BYTES:
            yield pair, ()
        yield air.pack(samples.rejection(one, V4)), (one,)
        yield air.pack(samples.suspend(V2.radio, V3, KARATAUN)), ()
        yield air.pack(samples.of_radio(replace(V2, name=f"Warga {number}"), key=_key(number))), ()
        yield air.pack(samples.revocation(_key(number), number=2 + number)), ()
        yield air.pack(samples.time_anchor(HUB, samples.NOW_MIN - number)), ()
        yield air.pack(samples.receipt(one)), (one,)
        yield air.pack(_root(number)), ()


def _key(number: int) -> bytes:
    return samples.seed_of(f"radio number {number}")


@cache
def _root(number: int):
    unsigned = samples.root(2, ROOT, to_day=samples.TODAY + 3000 + number)
    return samples.signed_root(unsigned, (0, 2), (1, 3), ROOT)


def test_what_is_genuine_is_believed():
    """Without this the tests below would prove nothing."""
    packets = genuine()
    for _ in range(20):
        packet, known = next(packets)
        assert believed(packet, here(), known) != [], air.type_of(packet)
    one = samples.bulletin(V1, KARATAUN)
    pair = believed(air.pack_pair(one, samples.approval(one, V3)), here(), ())
    assert is_verified(pair[0], pair[1:], here())


@pytest.mark.parametrize("count", short_and_long(30, 1000))
def test_a_bit_flipped_in_any_byte_of_any_packet(count):
    rng = random.Random(11)
    packets = genuine()
    accepted, flips = [], 0
    for _ in range(count):
        packet, known = next(packets)
        true = {one.id for one in believed(packet, here(), known)}
        pair = air.type_of(packet) is Type.PAIR
        for place in range(len(packet)):
            forged = bytearray(packet)
            forged[place] ^= 1 << rng.randrange(8)
            found = believed(bytes(forged), here(), known)
            flips += 1
            if found and not (pair and len(found) == 1 and found[0].id in true):
                accepted.append((air.type_of(packet), place))
    print(f"\n{flips} packets with a flipped bit: {len(accepted)} believed")
    assert accepted == []


@pytest.mark.parametrize("count", short_and_long(1500, 10_000))
def test_packets_of_one_kind_replayed_as_another_or_in_another_village(count):
    rng = random.Random(12)
    packets = genuine()
    pool = [next(packets) for _ in range(120)]
    accepted, tried = [], 0
    while tried < count:
        packet, known = rng.choice(pool)
        kind = air.type_of(packet)
        other = rng.choice([one for one in Type if one is not kind])
        moves = [air.head(other) + packet[1:], air.head(rng.choice(VOTE_TYPES)) + packet[1:]]
        tried += 3
        accepted += [kind for move in moves if move != packet and believed(move, here(), known)]
        # a province's own root means nothing to another
        accepted += [
            kind for one in believed(packet, another_village(), known) if one.id != ROOT.id
        ]
    print(f"\n{tried} replays: {len(accepted)} believed")
    assert accepted == []


def test_the_other_village_is_a_working_one():
    one = signed_by(
        replace(
            samples.bulletin(V1),
            stamp=samples.stamp(FAR[0]),
        ),
        FAR[0].seed,
    )
    found = believed(air.pack(one), another_village(), ())
    assert [document.id for document in found] == [one.id]
    assert believed(air.pack(one), here(), ()) == []


def spoof(rng: random.Random) -> tuple[Bulletin, list[Vote]]:
    """A false bulletin by somebody who has every packet that was ever on the air, and own keys."""
    liar = samples.seed_of(f"liar {rng.randrange(9)}")
    mine = signing.public_key(liar)
    post = rng.choice([None, KARATAUN, SALUTIWO])
    true = samples.bulletin(V1, post)
    approvals = [samples.approval(true, V3), samples.approval(true, V4, KARATAUN)]
    false = replace(true, text=f"Gempa besar datang jam {rng.randrange(24)}. Lari ke bukit!")
    match rng.randrange(6):
        case 0:  # another text under the true signature
            return false, approvals
        case 1:  # signed with an own key in the name of a volunteer
            return signed_by(false, liar), [signed_by(vote, liar) for vote in approvals]
        case 2:  # as an unknown person
            by = replace(true.stamp, signer=mine, person=mine, mode=samples.Mode.DIRECT)
            return signed_by(replace(false, stamp=by), liar), approvals
        case 3:  # old approvals for a new subject
            votes = [replace(vote, subject=false.id) for vote in approvals]
            return signed_by(false, liar), votes
        case 4:  # the author approves herself
            own = samples.bulletin(V3, text=false.text)
            return own, [samples.approval(own, V3), samples.approval(own, V3, SALUTIWO)]
        case _:  # attested by a post that is none
            by = replace(false.stamp, signer=mine, person=V1.radio, mode=samples.Mode.ATTESTED)
            by_two = replace(approvals[1].stamp, signer=mine, person=V3.radio)
            made = signed_by(replace(false, stamp=by), liar)
            return made, [signed_by(replace(approvals[1], subject=made.id, stamp=by_two), liar)]


@pytest.mark.parametrize("count", short_and_long(200, 1000))
def test_spoofed_bulletins_with_the_channel_key_are_never_shown_as_verified(count):
    rng = random.Random(13)
    shown = []
    for number in range(count):
        bulletin, votes = spoof(rng)
        entered = believed(air.pack(bulletin), here(), ())
        known = tuple(one for one in entered if isinstance(one, Bulletin))
        cast = [v for vote in votes for v in believed(air.pack(vote), here(), known)]
        if entered and is_verified(known[0], cast, here()):
            shown.append(number)
        if is_verified(bulletin, votes, here()):  # put into the log by hand
            shown.append(number)
    print(f"\n{count} spoofed bulletins: {len(shown)} shown as verified")
    assert shown == []


@pytest.mark.parametrize("domain", ["kimnode/bulletin/v1", "kimnode/approval/v1"])
def test_a_signature_under_another_domain_is_worth_nothing(domain):
    one = samples.bulletin(V1)
    vote = samples.approval(one, V3)
    signed = signing.to_be_signed(domain, vote.fields())
    forged = replace(vote, kind=Kind.REJECTION, signature=signing.sign(V3.seed, signed))
    assert believed(air.pack(forged), here(), (one,)) == []


def test_everybody_of_the_chain_is_in_it():
    assert DISTRICT.key in here().certificates
    assert len(CHAIN) > 10
