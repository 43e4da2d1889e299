"""A web village with keys: Pos Karataun of the sample chain, with bulletins on its board."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from kimnode.record import Body, Kind, Seq, Via
from kimnode.store import enrolment
from kimnode.store.enrolment import Invitation
from kimnode.store.trust import pin_root, set_here
from kimnode.wire import records
from kimnode.wire.codes import Form, HoaxType, Mode, Topic, Verdict
from kimnode.wire.documents import ABOUT_BYTES, AnyDocument, Bulletin, Dossier
from tests.rules import trust_samples as chain
from tests.web.conftest import Village

DAYS = 4  # of expires_6h
TEXTS = {
    Verdict.HOAX: "Tidak ada gempa besar malam ini. BMKG tidak mengeluarkan peringatan apa pun.",
    Verdict.DISINFORMATION: "Foto banjir itu dari tahun 2020, bukan dari desa kita.",
    Verdict.PARTLY_TRUE: "Jembatan ditutup untuk truk. Motor dan pejalan kaki tetap boleh lewat.",
    Verdict.FACT: "Benar, pembagian beras dimulai hari Senin di kantor desa.",
    Verdict.UNPROVEN: "Kabar pencuri sapi belum ada buktinya. Polsek belum menerima laporan.",
    Verdict.NO_CLAIM: "Itu pendapat penulisnya, bukan kabar yang bisa diperiksa.",
}


async def trust(village: Village) -> None:
    """Believe the sample province, and be the post that the village says."""

    def pin(connection: sqlite3.Connection) -> None:
        pin_root(connection, chain.ROOT.id)
        set_here(connection, village.post.key)

    await village.db.write(pin)
    over = {chain.EDI.key, chain.EDI.radio}
    await enter(village, [one for one in chain.CHAIN if getattr(one, "key", b"") not in over])


async def enter(village: Village, documents: Iterable[AnyDocument], via: Via = Via.USB) -> Seq:
    """By the one admission, like everything else; log position of the last."""
    seq = Seq(0)
    for document in documents:
        seq = (await village.intake.accept(records.of_document(document), via)).seq
    return seq


def made(number: int, verdict: Verdict = Verdict.HOAX, **changes) -> Bulletin:
    """A bulletin of V1 (own key), thirty minutes old."""
    kind = HoaxType.FABRICATED if verdict is Verdict.HOAX else HoaxType.NONE
    days = changes.pop("days", 28)
    post, when = changes.pop("post", None), changes.pop("when", None)
    author = changes.pop("author", chain.V1)
    fields = {"text": TEXTS.get(verdict, "")} | changes
    return chain.bulletin(
        author, post, when, number=number, verdict=verdict, hoax_type=kind,
        expires_6h=days * DAYS, **fields,
    )  # fmt: skip


def about(old: Bulletin) -> bytes:
    return old.id[:ABOUT_BYTES]


async def publish(village: Village, bulletin: Bulletin, by: chain.Person = chain.V3, **how) -> Seq:
    """With its dossier and the approval of a second person; from elsewhere when attested there."""
    here = bulletin.stamp.mode is Mode.DIRECT
    via, behind = (Via.WEB, [chain.DOSSIER]) if here else (Via.USB, [])
    if not bulletin.dossier:
        behind = []
    seq = await enter(village, [*behind, bulletin], via)
    await enter(village, [chain.approval(bulletin, by, **how)], via)
    return seq


async def furnish_board(village: Village) -> dict[str, Bulletin]:
    """One of every kind and state."""
    board = {v.name: made(10 + n, v) for n, v in enumerate(TEXTS)}
    for bulletin in board.values():
        await publish(village, bulletin)
    posts = (chain.SALUTIWO, chain.SALUTIWO)
    board["VIA_POST"] = made(
        3, text="Jalan ke Dusun Lembah longsor di kilometer dua. Lewat jalan sawah dulu.",
        author=chain.V2, post=posts[0],
    )  # fmt: skip
    await publish(village, board["VIA_POST"], chain.V4, post=posts[1])
    board["NOTICE"] = made(
        20, Verdict.UNCHECKED, form=Form.NOTICE, sources=0, primary=0, dossier=b"", days=3,
        text="Kabar air sungai beracun sedang diperiksa. Masak air dulu sebelum diminum.",
        author=chain.V3,
    )  # fmt: skip
    await enter(village, [board["NOTICE"]], Via.WEB)
    board["CORRECTION"] = made(
        21, Verdict.PARTLY_TRUE, form=Form.CORRECTION, about=about(board["FACT"]),
        text="Tanggalnya salah: pembagian beras hari Selasa, bukan Senin.",
    )  # fmt: skip
    await publish(village, board["CORRECTION"])
    board["RETRACTION"] = made(
        22, Verdict.NONE, form=Form.RETRACTION, about=about(board["NO_CLAIM"]), sources=0,
        primary=0, dossier=b"", text="Dicabut karena labelnya salah. Kami periksa lagi.",
    )  # fmt: skip
    await publish(village, board["RETRACTION"])
    board["INFO"] = made(
        23, Verdict.NONE, form=Form.INFO, sources=0, primary=0, dossier=b"", days=14,
        topic=Topic.HEALTH, text="Posyandu hari Rabu pukul 08.00 di balai Dusun Atas.",
    )  # fmt: skip
    await publish(village, board["INFO"], chain.KETUA)
    board["WAITING"] = made(24, text="Draf ini belum disetujui siapa pun.", author=chain.V2)
    await enter(village, [board["WAITING"]], Via.WEB)
    return board


async def report(village: Village, text: str, phone: int) -> Seq:
    """A rumour that a phone passes on."""
    author = f"phone:{phone:016x}"
    nonce = phone.to_bytes(8, "big") + len(text).to_bytes(8, "big")
    body = Body("", text)
    record = records.written(Kind.REPORT, author, "cek", chain.NOW_S, nonce, body, bytes(8), None)
    return (await village.intake.accept(record, Via.WEB)).seq


async def furnish_claims(village: Village) -> None:
    """One that many ask about, one that one asked."""
    for phone in range(6):
        await report(village, "Katanya malam ini ada tsunami besar, semua harus naik gunung", phone)
    await report(village, "Ada yang bilang bantuan pupuk dibagi gratis di kecamatan", 99)


async def invite(village: Village, code: str, person: chain.Person) -> None:
    invitation = Invitation(person.name, person.number, person.role)
    now = int(village.clock.now())
    await village.db.write(lambda c: enrolment.invite(c, code, invitation, now))


def dossier(**changes) -> Dossier:
    return replace(chain.DOSSIER, **changes)
