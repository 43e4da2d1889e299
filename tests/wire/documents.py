"""Hypothesis strategies for signed documents with any values in their fields; nothing is signed."""

from hypothesis import strategies as st

from kimnode.record import Kind
from kimnode.wire import air
from kimnode.wire.codes import (
    Form,
    HoaxType,
    KeyType,
    Mode,
    Role,
    SourceKind,
    TimeTrust,
    Topic,
    Verdict,
)
from kimnode.wire.documents import (
    MAX_NAME_BYTES,
    Bulletin,
    Certificate,
    Dossier,
    Mark,
    Receipt,
    Revocation,
    Root,
    Source,
    Stamp,
    TimeAnchor,
    Vote,
)

keys = st.binary(min_size=32, max_size=32)
hints = st.binary(min_size=6, max_size=6)
signatures = st.binary(min_size=64, max_size=64)
minutes = st.integers(0, (1 << 24) - 1)
days = st.integers(0, (1 << 16) - 1)
long = st.integers(0, (1 << 32) - 1)
areas = st.integers(0, 10**10 - 1)
names = st.text(max_size=12).filter(lambda name: len(name.encode(errors="replace")) <= 24)
names = names.filter(lambda name: name.isprintable() and len(name.encode()) <= MAX_NAME_BYTES)
writable = st.characters(exclude_categories=["Cs"])


@st.composite
def stamps(draw) -> Stamp:
    mode, signer = draw(st.sampled_from(Mode)), draw(keys)
    person = signer if mode is Mode.DIRECT else draw(keys)
    trust, epoch = draw(st.sampled_from(TimeTrust)), draw(st.integers(0, 255))
    return Stamp(mode, draw(minutes), trust, epoch, draw(long), signer, person)


def optional(size: int) -> st.SearchStrategy[bytes]:
    return st.just(b"") | st.binary(min_size=size, max_size=size)


bulletins = st.builds(
    Bulletin,
    form=st.sampled_from(Form), demo=st.booleans(), verdict=st.sampled_from(Verdict),
    hoax_type=st.sampled_from(HoaxType), topic=st.sampled_from(Topic),
    sources=st.integers(0, 15), primary=st.integers(0, 15), area=areas,
    expires_6h=st.integers(0, 255), number=days, about=optional(16), dossier=optional(16),
    stamp=stamps(), text=st.text(writable, max_size=200), signature=signatures,
)  # fmt: skip
votes = st.builds(
    Vote,
    st.sampled_from([Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION]),
    keys, stamps(), signatures,
)  # fmt: skip


@st.composite
def certificates(draw) -> Certificate:
    role = draw(st.sampled_from(Role))
    indexes = sorted(draw(st.sets(st.integers(0, 7), max_size=5))) if role is Role.DISTRICT else [0]
    marks = tuple(Mark(0, index, draw(signatures)) for index in indexes)
    return Certificate(
        *(role, draw(st.sampled_from(KeyType)), draw(keys), draw(areas), draw(long), draw(long)),
        *(draw(days), draw(days), draw(keys), draw(names), marks),
    )


@st.composite
def roots(draw) -> Root:
    places = sorted(draw(st.sets(st.tuples(st.integers(0, 1), st.integers(0, 7)), max_size=6)))
    marks = tuple(Mark(ring, index, draw(signatures)) for ring, index in places)
    own = tuple(draw(st.lists(keys, max_size=8)))
    return Root(
        *(draw(long), draw(st.integers(0, 8)), own, draw(areas), draw(days), draw(st.booleans())),
        *(draw(optional(32)), draw(names), marks),
    )


revocations = st.builds(
    Revocation, long, minutes, keys,
    st.dictionaries(hints, days, max_size=40).map(lambda found: tuple(sorted(found.items()))),
    signatures,
)  # fmt: skip
times = st.builds(TimeAnchor, minutes, keys, signatures)
receipts = st.builds(Receipt, minutes, keys, st.lists(keys, max_size=16).map(tuple), signatures)
sources = st.builds(
    Source,
    st.sampled_from(SourceKind),
    st.text(writable, max_size=40),
    st.text(writable, max_size=40),
)
dossiers = st.builds(
    Dossier, st.text(writable, max_size=240), st.text(writable, max_size=300),
    st.text(writable, max_size=200), minutes, st.lists(sources, max_size=15).map(tuple),
)  # fmt: skip
on_air = st.one_of(bulletins, votes, certificates(), roots(), revocations, times, receipts)
kept = st.one_of(on_air, dossiers)


def heard(document):
    """The document as a packet gives it: hints in place of keys and ids."""
    return air.unpack(air.pack(document))[0]
