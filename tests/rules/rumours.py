"""A hundred rumours as villagers pass them on: 84 tellings of six, and sixteen of their own.

Written for these tests after the kinds of messages that went round: short forms, slips, embroidery.
"""

TELLINGS = {
    "tsunami": """
Ada info dari BMKG akan gempa susulan M 8,2 dan tsunami, semua harus tinggalkan Mamuju
benarkah BMKG suruh tinggalkan mamuju karena mau tsunami gempa 8.2
kata grup WA bmkg bilang ada gempa 8,2 lagi dan tsunami, warga disuruh keluar dari mamuju
BMKG: tinggalkan Mamuju segera, gempa 8,2 disertai tsunami akan datang
tolong cek, katanya bakal tsunami di mamuju stlh gempa susulan 8,2 menurut bmkg
gempa susulan magnitudo 8,2 dan tsunami mengancam Mamuju, kita disuruh mengungsi
Ini benar? BMKG umumkan potensi gempa 8,2 dan tsunami di mamuju malam ini
org2 pada lari ke gunung krn dengar tsunami mau datang di mamuju habis gempa 8,2
mamuju mau tsunami kata BMKG, gempanya 8,2
Segera tinggalkan mamuju!! gempa besar 8.2 dan tsunami kata bmkg!!!
apa betul ada peringatan tsunami mamuju dr BMKG gempa 8,2
teman saya kirim pesan bmkg kalau mamuju akan kena gempa susulan 8,2 dan tsunami besar
beredar pesan suara petugas bmkg minta warga tinggalkan mamuju karena gempa dan tsunami
hoax kah? gempa 8,2 + tsunami mamuju, semua warga disuruh tinggalkan kota
""",
    "bansos": """
Bantuan sosial 2,4 juta dari kemensos, daftar lewat link ini sebelum tanggal 20
ada link daftar bansos 2,4 juta kemensos katanya terakhir tanggal 20
Daftar bansos kemensos Rp 2,4 juta klik link di bawah ini
katanya kemensos bagi bansos 2,4jt, daftarnya lewat link, benar tidak?
cek dulu: link pendaftaran bansos kemensos 2,4 juta per keluarga
dapat WA suruh isi link untuk bansos 2,4 juta dari kemensos
bansos 2,4 juta cair bulan ini kalau daftar di link kemensos, minta nomor KTP
link bansos kemensos minta foto ktp, katanya dapat 2,4 juta, apa benar
saya disuruh isi data di link bansos dapat 2,4 juta
pendaftaran bansos kemensos 2,4 juta dibuka lewat link sampai tanggal 20 saja
Kemensos bagikan bansos 2,4 juta utk semua KK, isi link
apakah link bansos kemensos 2,4 juta itu penipuan
tetangga sudah isi link bansos 2,4 juta, KTPnya difoto, aman tidak
bansos kemensos 2,4 juta daftar online lewat link whatsapp
""",
    "culik": """
Awas ada penculik anak pakai mobil putih keliling di dusun 3, sudah ada korban
penculikan anak pakai mobil putih di dusun tiga, benarkah?
katanya ada mobil putih culik anak sekolah di dusun 3
Hati2 mobil putih menculik anak anak pulang sekolah
anak2 jangan main di luar, ada penculik anak naik mobil putih
mobil putih tanpa plat keliling dusun cari anak untuk diculik
tolong cek kabar penculik anak mobil putih di desa sebelah
dengar2 dua anak diculik mobil putih kemarin sore di dusun 3
penculik anak sudah masuk dusun kita, pakai mobil avanza putih
apa benar ada anak diculik orang naik mobil putih
Waspada penculikan anak! mobil putih, korban dari dusun 3
ibu2 takut ada mobil putih yg menculik anak kecil
penculik anak berkeliaran, ciri-ciri mobil warna putih
mobil putih penculik anak terlihat lagi di jalan dusun 3
""",
    "bendungan": """
Bendungan Karataun retak dan mau jebol malam ini, warga hilir diminta mengungsi
bendungan karataun mau jebol? katanya sudah retak
kabar bendungan karataun jebol jam 12 malam, warga hilir harus pindah
Bendungan retak di karataun, air bisa menghanyutkan kampung hilir
apakah betul bendungan karataun sudah retak retak dan akan jebol
tadi orang bilang bendungan karataun jebol, semua yang di hilir mengungsi
BENDUNGAN KARATAUN JEBOL!!! cepat naik ke atas
bendungan di karataun mau pecah kata pekerja proyek
retakan di bendungan karataun makin besar, warga hilir siap2 mengungsi
bendunagn karataun retak dan jebol mlm ini, benar kah
tolong pastikan bendungan karataun aman atau mau jebol
dengar suara gemuruh dari bendungan karataun, katanya retak
yang tinggal di hilir harus ngungsi, bendungan karataun jebol nanti malam
apa benar petugas suruh ngungsi krn bendungan karataun retak
""",
    "vaksin": """
Vaksin campak di puskesmas bikin anak lumpuh, jangan mau disuntik
anak lumpuh setelah vaksin campak di puskesmas, benar?
katanya ada anak lumpuh habis disuntik vaksin campak
jangan bawa anak vaksin campak nanti lumpuh
vaksin campak berbahaya, dua anak di kampung sebelah lumpuh
imunisasi campak dari puskesmas menyebabkan kelumpuhan pada anak
Tolong dicek: anak lumpuh karena suntik campak puskesmas
ibu2 tidak mau imunisasi krn kabar anak lumpuh habis vaksin campak
Puskesmas kasih vaksin campak kadaluarsa, anak jadi lumpuh
ada bayi lumpuh sesudah imunisasi campak
apakah betul vaksin campak bikin lumpuh
vaksin campak katanya bikin anak lumpuh dan mandul
suntikan campak di posyandu membuat anak tetangga lumpuh
anak saya mau vaksin campak tapi katanya bisa lumpuh, benar tidak
""",
    "bensin": """
Bensin di SPBU habis sampai bulan depan karena jalan putus
BBM habis sebulan, jalan putus, antre bensin sekarang
katanya bensin tidak masuk lagi sampai bulan depan krn jalan putus
stok bensin spbu habis dan tidak ada kiriman sampai bulan depan
besok bensin habis semua, jalan putus, harga jadi 30 ribu
benarkah bensin langka satu bulan karena jalan longsor putus
Cepat beli bensin! SPBU tutup sampai bulan depan
spbu tutup sebulan karena bensin tidak bisa lewat jalan putus
bbm tidak datang sampai bulan depan, spbu sudah kosong
harga bensin 30 ribu per liter karena jalan putus, betul?
bensin naik jadi 30ribu seliter krn jalan putus
dengar2 spbu tidak jual bensin lagi sampai bulan depan
kabarnya bensin kosong di spbu karena jalan putus kena longsor
bensin habis di spbu, tolong cek apa benar sampai bulan depan
""",
}
SINGLE = """
besok sekolah libur karena ada rapat guru se kecamatan
listrik akan padam dua hari mulai jumat kata orang PLN
ada ular besar masuk ke kebun kakao di dusun lima
air sumur dekat pasar tercemar minyak tanah
beras bantuan dari bulog ada yang campur plastik
kepala desa dipanggil polisi soal dana desa
pilkada di kabupaten ditunda tahun depan
gunung di belakang desa mengeluarkan asap
ada wabah rabies, semua anjing harus dibunuh
jembatan gantung dusun empat putus tadi subuh
undian motor dari bank tinggal kirim nomor rekening
daun kelor bisa menyembuhkan covid tanpa obat
petani dilarang menanam cokelat oleh pemerintah
pupuk subsidi diganti dengan pupuk palsu
hujan asam turun malam ini, tutup tandon air
kapal ke mamuju tidak jalan seminggu karena ombak
"""


def tellings() -> dict[str, list[str]]:
    """Name of the rumour -> its tellings; the sixteen others under a name each."""
    groups = {name: text.strip().splitlines() for name, text in TELLINGS.items()}
    return groups | {f"alone {n}": [line] for n, line in enumerate(SINGLE.strip().splitlines())}
