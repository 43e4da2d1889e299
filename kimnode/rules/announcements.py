"""What KIM says in readable words on the village channel, and what only looks like it.

The words follow from the signed bulletin alone, so every gateway makes the very same text and can
tell a forged one: whoever has the channel's key can write "KIM: ..." there.
"""

import re

from kimnode.rules.names import skeleton
from kimnode.wire.airtext import CUT_MARK, MAX_TEXT_BYTES, shortened
from kimnode.wire.codes import Form, Verdict
from kimnode.wire.documents import Bulletin

PREFIX = "KIM: "
# Indonesian in every language of the pages: gateways must make the same text.
VERDICT_WORDS = {
    Verdict.HOAX: "HOAKS",
    Verdict.DISINFORMATION: "DISINFORMASI",
    Verdict.PARTLY_TRUE: "SEBAGIAN BENAR",
    Verdict.FACT: "FAKTA",
    Verdict.UNPROVEN: "TIDAK TERBUKTI",
    Verdict.NO_CLAIM: "BUKAN KLAIM",
    Verdict.UNCHECKED: "BELUM DICEK",
}
DEMO_MARK = "DEMO "
MAX_LOOKED_AT = 40  # characters of a text's beginning in which somebody may pose as KIM

# What forgers put in front of the name.
FRONT_WORDS = """
    otomatis resmi info dari tim pos pesan kanal buletin pengumuman pengurus peringatan
    terverifikasi
"""
_FRONT = "|".join(map(skeleton, FRONT_WORDS.split()))
_POSES = re.compile(
    rf"[\W_]*(?:(?:{_FRONT})[\W_]+){{0,2}}k[\W_]?[i][\W_]?m(?:[\W_]+(?:desa|resmi|pusat|node))?"
    r"(?:\s*(?:[]:;=|~>*)\u2013\u2014\u2236\ua789\ufe55\uff1a-])|[\W_]+(?:hoaks|hoax|fakta|info|koreksi"
    r"|disinformasi|dicabut|beium|belum|tidak|sebagian)\b)"
)


def head(bulletin: Bulletin, about_number: int | None) -> str:
    """HOAKS, KOREKSI B-17, DICABUT B-17 ...: the word in front of its text."""
    of = f" B-{about_number}" if about_number else ""
    if bulletin.form is Form.RETRACTION:
        return f"DICABUT{of}"
    if bulletin.form is Form.INFO:
        return "INFO"
    if bulletin.form is not Form.CORRECTION:
        return VERDICT_WORDS.get(bulletin.verdict, "INFO")
    verdict = VERDICT_WORDS.get(bulletin.verdict)
    return f"KOREKSI{of}: {verdict}" if verdict else f"KOREKSI{of}"


def announcement(bulletin: Bulletin, about_number: int | None = None) -> str:
    """One packet: "KIM: HOAKS - text (B-17)". `about_number`: of the bulletin that it is about.

    A long text loses its end ("…"); whoever wants all of it reads it on the page.
    """
    demo = DEMO_MARK if bulletin.demo else ""
    start = f"{PREFIX}{demo}{head(bulletin, about_number)} - "
    end = f" (B-{bulletin.number})"
    text = " ".join(bulletin.text.split())
    room_bytes = MAX_TEXT_BYTES - len(f"{start}{end}".encode())
    if len(text.encode()) > room_bytes:
        text = shortened(text, room_bytes - len(CUT_MARK.encode())) + CUT_MARK
    return f"{start}{text}{end}"


def poses_as_kim(text: str) -> bool:
    """Whether a text begins as if KIM said it, look-alike letters included."""
    return _POSES.match(skeleton(text[:MAX_LOOKED_AT])) is not None


def matches(text: str, bulletin: Bulletin, about_number: int | None) -> bool:
    """Whether the text is what gateways say about this bulletin.

    Where the bulletin that it is about is not known here, any number of it is taken.
    """
    if text == announcement(bulletin, about_number):
        return True
    if not bulletin.about or about_number is not None:
        return False
    named = re.search(r"(?:KOREKSI|DICABUT) B-(\d{1,5})", text)
    return named is not None and text == announcement(bulletin, int(named[1]))
