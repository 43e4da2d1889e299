"""Simulated villagers who chat now and then, so that a demonstration looks like a village.

Seeded: the same village says the same things at the same virtual times.
"""

import math
from collections.abc import Sequence

from kimnode.radio.sim.device import Device
from kimnode.radio.sim.timeline import Timeline

FIRST_WORD_S = 4.0
SENTENCES = (
    "Assalamualaikum, selamat pagi semua",
    "Jembatan bawah sudah bisa dilewati motor?",
    "Air di sungai naik sedikit, masih aman",
    "Posyandu jam 9 di balai dusun ya, bu-ibu",
    "Ada yang mau ke pasar? Titip gula 2 kilo",
    "Listrik di RT 03 padam dari subuh",
    "Pak mantri hari ini ada di puskesmas pembantu",
    "Kerja bakti besok jam 7, bawa cangkul",
    "Harga cabai turun jadi 28 ribu",
    "Jalan ke bukit licin, hati-hati",
    "Sapi saya lepas, kalau lihat tolong kabari",
    "Besok mobil bak ke kota jam 5, masih ada 3 tempat",
    "Hujan deras di atas, jemuran diangkat dulu",
    "Alhamdulillah sinyal radio sampai ke sawah",
    "Rapat RT nanti malam habis isya di rumah Pak Darmo",
    "Anak-anak sudah sampai sekolah semua",
    "Ada pupuk datang di balai desa, bawa KTP",
    "Pompa air sudah jalan lagi, terima kasih",
    "Siapa yang punya kunci masjid?",
    "Nasi bungkus untuk ronda ada di pos",
)


def start_chatter(timeline: Timeline, speakers: Sequence[Device], pause_s: float) -> None:
    """From now on one of `speakers` says something every `pause_s` seconds on average.

    The sentences are shuffled once and then told in turn, so none comes twice in a row. A radio
    that is off stays silent.
    """
    chance = timeline.chance("chatter")
    sentences = list(SENTENCES)
    chance.shuffle(sentences)
    told = 0

    def speak() -> None:
        nonlocal told
        speaker = chance.choice(list(speakers))
        if speaker.powered:
            speaker.say(sentences[told % len(sentences)])
        told += 1
        timeline.after(pause_s * -math.log(1 - chance.random()), speak)

    if speakers:
        timeline.after(FIRST_WORD_S, speak)
