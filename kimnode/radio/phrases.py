"""What the node itself says on the air. Each phrase fits one packet (tests/radio/test_phrases.py).

Stock radios show it as it is, so it is plain text in the node's language, short and without
abbreviations. Automatic answers begin with AUTOMATIC: nobody answers such a text, and no gateway
takes it for an SOS. Two gateways would else alarm and answer each other for ever.
"""

AUTOMATIC = "[otomatis]"

PHRASES = {
    "id": {
        "help": AUTOMATIC + " Ini {post}. {words}. Darurat: kirim SOS lalu keterangan. Obrolan: di"
        " kanal utama; pesan lain ke pos ini tidak disimpan.",
        "sos-received": AUTOMATIC + " SOS {who} diterima {post}. Menunggu petugas. Salah kirim?"
        " Tulis BATAL SOS",
        "sos-taken": AUTOMATIC + " SOS {who} ditangani oleh {by} lewat {post}.",
        "sos-cancelled": AUTOMATIC + " SOS {who} dibatalkan. Dicatat {post}.",
    },
    "en": {
        "help": AUTOMATIC + " This is {post}. {words}. Emergency: send SOS and what happened. Talk"
        " on the main channel; other direct messages are not kept.",
        "sos-received": AUTOMATIC + " SOS {who} received by {post}. Waiting for help. A mistake?"
        " Write CANCEL SOS",
        "sos-taken": AUTOMATIC + " SOS {who} taken by {by} at {post}.",
        "sos-cancelled": AUTOMATIC + " SOS {who} cancelled. Noted by {post}.",
    },
}

MAX_NAME_BYTES = 36  # of a radio's own name inside a phrase: firmware allows 39 bytes


def phrase(language: str, key: str, **names: str) -> str:
    """The phrase with its names filled in, each cut so that the whole fits one packet."""
    return PHRASES[language][key].format(**{k: _cut(v) for k, v in names.items()})


def _cut(name: str) -> str:
    return name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
