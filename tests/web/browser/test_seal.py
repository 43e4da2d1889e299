"""The bytes that the browser signs are those of kimnode.wire, one by one."""

import hashlib
import random

import cbor2
import pytest
from playwright.async_api import BrowserContext, Page

from kimnode.keys.show import fingerprint, key_fingerprint
from kimnode.record import Kind
from kimnode.rules.commands import draft_code
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Form, HoaxType, Mode, SourceKind, TimeTrust, Topic, Verdict
from kimnode.wire.documents import AREA_END, Bulletin, Dossier, Source, Stamp, Vote, signed_by
from tests.rules import trust_samples as chain
from tests.web.phones import Node

pytestmark = pytest.mark.browser
ROUNDS = 150
VOTES = (Kind.APPROVAL, Kind.REJECTION, Kind.SUSPENSION)
TEXTS = ("", "Tidak benar.", "é ĳ \U0001d7d8 ﷽ \u200d 👩‍🌾", "x" * 600, "'\"\\<&>\u0000\n")
OPEN = """(datas) => datas.map((hex) => {
  const S = window.kimSeal, found = S.open(S.unhex(hex));
  return [S.hex(found.id), S.hex(S.signed(found.kind, found.doc)),
    S.hex(S.seal(found.kind, found.doc, found.signature)), S.print(found.id)];
})"""


@pytest.fixture
async def page(phone: BrowserContext, node: Node) -> Page:
    page = await phone.new_page()
    await page.goto(f"{node.url}/staf")
    return page


def stamp(rng: random.Random) -> Stamp:
    return Stamp(
        rng.choice(list(Mode)), rng.randrange(1 << 24), rng.choice(list(TimeTrust)),
        rng.randrange(256), rng.randrange(1 << 32), rng.randbytes(32), rng.randbytes(32),
    )  # fmt: skip


def bulletin(rng: random.Random) -> Bulletin:
    return Bulletin(
        form=rng.choice(list(Form)),
        demo=rng.random() < 0.5,
        verdict=rng.choice(list(Verdict)),
        hoax_type=rng.choice(list(HoaxType)),
        topic=rng.choice(list(Topic)),
        sources=rng.randrange(16),
        primary=rng.randrange(16),
        area=rng.choice((0, 7602062003, AREA_END - 1, (1 << 32) - 1, 1 << 32)),
        expires_6h=rng.randrange(256),
        number=rng.choice((0, 23, 24, 255, 256, 65_535)),
        about=rng.choice((b"", rng.randbytes(16))),
        dossier=rng.choice((b"", rng.randbytes(16))),
        stamp=stamp(rng),
        text=rng.choice(TEXTS),
    )


def dossier(rng: random.Random) -> Dossier:
    sources = tuple(
        Source(rng.choice(list(SourceKind)), rng.choice(TEXTS)[:80], f"halaman {n}")
        for n in range(rng.randrange(15))
    )
    return Dossier(TEXTS[1], TEXTS[2], "", rng.randrange(1 << 24), sources)


async def test_documents_are_encoded_alike(page: Page):
    rng = random.Random(7)
    made = []
    for _ in range(ROUNDS):
        vote = Vote(rng.choice(VOTES), rng.randbytes(32), stamp(rng))
        made += [signed_by(one, rng.randbytes(32)) for one in (bulletin(rng), vote)]
        made.append(dossier(rng))
    answers = await page.evaluate(OPEN, [sealed.encode(one).hex() for one in made])
    for document, (found_id, signed, kept, print_) in zip(made, answers, strict=True):
        assert found_id == document.id.hex()
        assert signed == document.signed().hex()
        assert kept == sealed.encode(document).hex()
        assert print_ == fingerprint(document.id)


async def test_drafts_are_called_alike_on_radio_and_page(page: Page):
    rng = random.Random(9)
    ids = [rng.randbytes(32) for _ in range(50)] + [bytes(32), b"\xff" * 32]
    called = await page.evaluate(
        "(all) => all.map((id) => kimSeal.draftCode(kimSeal.unhex(id)))", [i.hex() for i in ids]
    )
    assert called == [f"D-{draft_code(one)}" for one in ids]


async def test_hashes_and_numbers(page: Page):
    rng = random.Random(8)
    datas = [rng.randbytes(n) for n in (0, 1, 55, 56, 57, 63, 64, 65, 119, 128, 1000, 20_000)]
    hashed = await page.evaluate(
        "(all) => all.map((d) => kimSeal.hex(kimSeal.sha256(kimSeal.unhex(d))))",
        [data.hex() for data in datas],
    )
    assert hashed == [hashlib.sha256(data).hexdigest() for data in datas]
    numbers = [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, None, [], [[1]]]
    encoded = await page.evaluate(
        "(all) => all.map((v) => window.kimSeal.hex(window.kimSeal.encode(v)))", numbers
    )
    assert encoded == [cbor2.dumps(value, canonical=True).hex() for value in numbers]


@pytest.mark.parametrize(
    "data",
    [
        "", "00ff", "1800", "190018", "5800", "9f01ff", "a0", "f5", "c001", "fb0000000000000000",
        "8104", "6100" "ff", "82048101", "7f6161ff", "61ff", "81" * 11 + "01", "9b" + "7f" * 8,
    ],
)  # fmt: skip
async def test_what_is_no_document_is_refused(page: Page, data: str):
    """Other encodings, other types, cut, nested, endless."""
    tried = "(hex) => { try { window.kimSeal.open(window.kimSeal.unhex(hex)); return 'taken'; }"
    assert await page.evaluate(tried + " catch (e) { return 'refused'; } }", data) == "refused"


async def test_signatures_are_the_same(page: Page):
    """RFC 8032 signatures are deterministic: both libraries must make the very same."""
    said = b"kimnode"
    made = await page.evaluate(
        """([seed, said]) => {
          const S = window.kimSeal, pair = window.nacl.sign.keyPair.fromSeed(S.unhex(seed));
          const signature = window.nacl.sign.detached(S.unhex(said), pair.secretKey);
          return [S.hex(pair.publicKey), S.hex(signature)];
        }""",
        [chain.V1.seed.hex(), said.hex()],
    )
    assert made == [chain.V1.key.hex(), signing.sign(chain.V1.seed, said).hex()]


async def test_a_key_is_printed_as_the_commands_print_it(page: Page):
    printed = await page.evaluate(
        "(k) => window.kimKey.fingerprint(window.kimSeal.unhex(k))", "07" * 32
    )
    assert printed == key_fingerprint(bytes([7]) * 32)
