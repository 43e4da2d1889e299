"""What a post answers to commands and sends to single radios: one packet each, in Indonesian.

Indonesian whatever the language of the pages, as the commands themselves are. Every reply says what
happened and what to do next. Those that begin with AUTOMATIC are never answered (phrases.py).
"""

from kimnode.errors import Reason
from kimnode.radio.phrases import AUTOMATIC, MAX_NAME_BYTES
from kimnode.wire.airtext import CUT_MARK, MAX_TEXT_BYTES, shortened

LONG = "text"  # the one name in a reply that gets all the room that the others leave

# fmt: off
REPLIES = {
    "help-volunteer": "{words}",
    "incomplete": "Belum lengkap. Tulis: {words}",
    "rumour": "Kabar dicatat sebagai K-{number}. Belum dicek, jangan diteruskan dulu. Hasilnya"
        " dikirim ke radio ini.",
    "rumour-again": "Kabar itu sudah dilaporkan {count} kali: K-{number}. Sedang dicek, jangan"
        " diteruskan dulu. Hasilnya dikirim ke radio ini.",
    "rumour-answered": "Kabar itu sudah dicek. {text}",
    "rumour-late": "Kabar dicatat. Belum dicek, jangan diteruskan dulu. Lihat hasilnya nanti di"
        " kanal utama.",
    "bulletin-verified": "B-{number} SAH. {text}",
    "bulletin-via-post": "B-{number} DISAHKAN LEWAT POS {by}, belum oleh kunci kedua. {text}",
    "bulletin-doubtful": "B-{number} DIPERIKSA ULANG: kunci yang menandatanganinya dicabut. Jangan"
        " diteruskan dulu. {text}",
    "bulletin-notice": "B-{number} SAH: BELUM DICEK. {text}",
    "bulletin-corrected": "B-{number} SUDAH DIKOREKSI, jangan dipakai. {text}",
    "bulletin-withdrawn": "B-{number} DICABUT, jangan dipakai. {text}",
    "bulletin-expired": "B-{number} sudah KEDALUWARSA, jangan dipakai lagi. {text}",
    "bulletin-unknown": "B-{number} TIDAK DIKENAL di {post}. Jangan diteruskan dulu. Tanyakan ke"
        " pengurus KIM.",
    "stranger": "Perintah itu untuk relawan KIM; radio ini belum terdaftar. Warga: ketik CEK lalu"
        " kabarnya. Mau jadi relawan? Temui pengurus KIM.",
    "not-encrypted": "Perintah ditolak: tidak lewat pesan langsung bersandi. Pilih {post} di daftar"
        " node, lalu kirim lagi dari sana.",
    "other-key": "Perintah ditolak dan dicatat: kunci radio ini bukan kunci relawan yang terdaftar."
        " Radio diganti atau disetel ulang? Temui pengurus KIM.",
    "no-post-key": "Pos ini belum punya kunci sendiri, jadi belum bisa menerbitkan. Beri tahu"
        " pengurus KIM.",
    "draft": "Draf D-{code} dicatat: {verdict}, {count} sumber. Sudah dikirim ke {radios} radio"
        " verifikator; terbit bila satu orang menjawab OK D-{code}.",
    "draft-alone": "Draf D-{code} dicatat: {verdict}, {count} sumber. Belum ada radio verifikator"
        " yang terdengar. Minta satu orang kirim LIHAT D-{code} ke pos ini.",
    "notice": "B-{number} BELUM DICEK terbit dan dikirim ke kanal. Lanjutkan: cari sumber, lalu"
        " tulis HOAKS/FAKTA K-.. isi SUMBER a;b",
    "approved": "Disetujui: D-{code} terbit sebagai B-{number} dan dikirim ke kanal. Keliru? Tulis"
        " TARIK B-{number} alasan.",
    "approved-only": "Persetujuan D-{code} dicatat, tetapi belum cukup untuk terbit di sini. Lihat"
        " halaman pos, atau minta verifikator lain.",
    "not-told": "OK belum dihitung: draf D-{code} belum sampai utuh ke radio ini. Sekarang dikirim"
        " lagi. Baca dulu, lalu balas OK {letter}-{code}",
    "too-long": "Draf D-{code} terlalu panjang untuk radio. Baca dan setujui lewat halaman pos.",
    "shown": "Draf D-{code} dikirim ke radio ini. Baca dulu, lalu balas OK D-{code} atau TOLAK"
        " D-{code} alasan.",
    "unknown-code": "Tidak ada {code} yang menunggu di pos ini. Mungkin sudah diputus, atau diubah"
        " dan berkode baru. Ketik DAFTAR.",
    "two-codes": "Ada dua draf berkode {code}. Putuskan lewat halaman pos, supaya tidak tertukar.",
    "rejected": "Draf D-{code} ditolak dan tidak terbit. Penulisnya diberi tahu alasan Anda.",
    "unknown-number": "B-{number} tidak ada di pos ini. Ketik CEK B-{number} atau lihat nomornya di"
        " kanal.",
    "list": "{text} Tulis LIHAT D-.. atau HOAKS/FAKTA K-.. isi SUMBER a;b",
    "status": "{post}: radio hidup, jatah siar terpakai {airtime}%, {waiting} pesan antre, jam"
        " {clock}, {drafts} draf menunggu, umur daftar cabut {age}. Ketik DAFTAR.",
    "suspend-asked": "Permintaan bekukan {who} dicatat. Berlaku 72 jam setelah verifikator kedua"
        " menjawab OK S-{code}. Sudah diminta ke {radios} radio.",
    "suspended": "{who} DIBEKUKAN 72 jam: perintah dari kuncinya ditolak. Laporkan ke Diskominfo"
        " supaya dicabut atau dipulihkan.",
    "suspend-nobody": "Tidak ada relawan atau pos lain bernama {who}. Tulis BEKUKAN dan nama"
        " seperti di kartu relawan, atau nama posnya.",
    "suspend-many": "Ada beberapa: {text}. Tulis BEKUKAN dan nama lengkapnya.",
    "refused": "Tidak bisa: {text}",
    # Not answers: they may be answered, so they do not begin with AUTOMATIC.
    "verdict": "Hasil cek kabar yang Anda laporkan: {text}",
    "author-approved": "Draf Anda D-{code} disetujui {by} dan terbit sebagai B-{number}.",
    "author-rejected": "Draf Anda D-{code} ditolak {by}: {text} Perbaiki lalu kirim lagi.",
    "suspend-request": "{by} minta BEKUKAN {who}: perintah dari kuncinya ditolak 72 jam. Periksa"
        " dulu (telepon, temui). Setuju? Balas OK S-{code}",
    # On the channel.
    "imitation": "AWAS: tulisan berawalan KIM dari {who} BUKAN dari KIM. Jangan diteruskan. Periksa"
        " nomornya: kirim CEK B-.. ke {post}.",
}
NO_PREFIX = frozenset({"verdict", "author-approved", "author-rejected", "suspend-request"})

REFUSALS = {
    Reason.SAME_PERSON: "harus orang lain, bukan penulisnya sendiri. Minta verifikator kedua.",
    Reason.TOO_FEW_SOURCES: "sumber kurang. Perlu 2 sumber berbeda: tulis ... SUMBER a; b",
    Reason.NO_PRIMARY_SOURCE: "perlu 1 sumber langsung: instansi (BMKG, BPBD, Polsek, kades),"
        " dokumen, atau lihat langsung.",
    Reason.WRONG_FORM: "isinya belum sesuai. Koreksi, penarikan dan BELUM DICEK perlu penjelasan"
        " sedikitnya 15 huruf.",
    Reason.WRONG_ROLE: "tugas Anda belum mencakup itu. Minta verifikator atau ketua KIM.",
    Reason.WRONG_AREA: "itu di luar wilayah tugas Anda atau pos ini.",
    Reason.REVOKED: "kunci Anda sudah dicabut. Temui pengurus KIM.",
    Reason.SUSPENDED: "kunci Anda sedang dibekukan. Temui pengurus KIM.",
    Reason.CERT_EXPIRED: "masa tugas Anda sudah berakhir. Minta sertifikat baru ke Diskominfo.",
    Reason.DECIDED: "itu sudah diputus. Ketik DAFTAR untuk yang masih menunggu.",
    Reason.EXPIRED: "masa berlakunya sudah lewat. Tulis draf baru.",
    Reason.VOTED: "Anda sudah meminta pembekuan dalam 30 hari ini. Minta verifikator lain.",
    Reason.NEEDS_OUTSIDER: "soal pemerintah desa perlu satu orang dari luar desa.",
    Reason.UNKNOWN_SUBJECT: "itu tidak ada di pos ini. Ketik DAFTAR.",
    Reason.TOO_LONG: "teksnya terlalu panjang. Pendekkan lalu kirim lagi.",
    Reason.BAD_TEXT: "ada huruf yang tidak bisa dipakai. Tulis dengan huruf biasa.",
    Reason.NO_ROOM: "antrean Anda penuh. Selesaikan yang menunggu dulu: ketik DAFTAR.",
    Reason.TOO_FAST: "terlalu cepat. Tunggu beberapa menit lalu kirim lagi.",
    Reason.NODE_BUSY: "pos sedang sibuk. Tunggu beberapa menit lalu kirim lagi.",
    Reason.REPEATED_TEXT: "itu sudah Anda kirim.",
    Reason.NO_ROOT: "pos ini belum disahkan Diskominfo. Beri tahu pengurus KIM.",
}
# fmt: on
OTHER_REFUSAL = "pos ini menolaknya ({reason}). Beri tahu pengurus KIM."


def reply(key: str, **names: object) -> str:
    """The reply with its names filled in. Long names and the `text` in it lose their ends."""
    prefix = "" if key in NO_PREFIX else f"{AUTOMATIC} "
    form = prefix + REPLIES[key]
    cut = {
        name: str(value) if name == "words" else shortened(str(value), MAX_NAME_BYTES)
        for name, value in names.items()
        if name != LONG
    }
    room_bytes = MAX_TEXT_BYTES - len(form.format(**cut, text="").encode())
    return form.format(**cut, text=_fitted(str(names.get(LONG, "")), room_bytes))


def refusal(reason: Reason) -> str:
    """Why it was not done, and what to do now."""
    return reply("refused", text=REFUSALS.get(reason, OTHER_REFUSAL.format(reason=reason.value)))


def _fitted(text: str, room_bytes: int) -> str:
    if len(text.encode()) <= room_bytes:
        return text
    return shortened(text, room_bytes - len(CUT_MARK.encode())) + CUT_MARK
