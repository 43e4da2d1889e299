"""A bulletin on its way out of the village: words to paste, and what the picture is painted from.

Both can be changed by whoever forwards them, so both say how to find the true one.
"""

from kimnode.web.cards import Card
from kimnode.web.shown import dumps
from kimnode.web.words import Words

MAX_SOURCES = 3  # named in what is shared
COLOURS = {
    "hoax": "#a61b1b",
    "disinformation": "#8a3500",
    "partly-true": "#665000",
    "fact": "#0b5a43",
    "unproven": "#3d4a57",
    "no-claim": "#4a3f73",
    "unchecked": "#1b4f8f",
    "info": "#0b5568",
    "correction": "#6a1f6f",
    "withdrawn": "#474747",
}  # as papan.css


def text(words: Words, site: str, card: Card) -> str:
    """What is pasted into WhatsApp. What replaced it comes first, what is over says so."""
    lines = [words("bulletin.demo")] if card.is_demo else []
    if card.newer:
        lines += [f"*{card.newer.label}* ({card.newer.number}): {card.newer.text}", ""]
    lines.append(f"*{card.label}*")
    if card.over:
        lines.append(f"*{card.badge_words}*: {card.badge_about}")
    if card.claim:
        lines.append(f"{words('bulletin.claim')}: {card.claim}")
    lines.append(f"~{card.text}~" if card.struck else card.text)
    if card.fact:
        lines.append(card.fact)
    lines += [words("share.source", source=source) for source in card.sources[:MAX_SOURCES]]
    lines += ["", words("share.checked", badge=card.badge_words, date=card.when), card.people]
    lines.append(words("share.from", site=site, number=card.number))
    lines.append(words("share.prove", site=site, number=card.number))
    return "\n".join(lines)


def picture(words: Words, site: str, card: Card) -> str:
    """JSON for share.js: a coloured head, rows of words, a file name."""
    rows = [_row(words("bulletin.demo"), 44, bold=True)] if card.is_demo else []
    if card.newer:
        rows.append(
            _row(f"{card.newer.label} ({card.newer.number}): {card.newer.text}", 48, bold=True)
        )
    if card.claim:
        rows += [_row(words("bulletin.claim"), 34, soft=True), _row(card.claim, 44)]
    rows.append(_row(card.text, 52, bold=True, struck=card.struck))
    if card.fact:
        rows.append(_row(card.fact, 40))
    for source in card.sources[:MAX_SOURCES]:
        rows.append(_row(words("share.source", source=source), 34, soft=True))
    about = words("share.checked", badge=card.badge_words, date=card.when)
    rows += [_row(about, 38, bold=True), _row(card.people, 34, soft=True)]
    rows.append(_row(words("share.prove", site=site, number=card.number), 34, soft=True))
    return dumps(
        {
            "label": card.badge_words if card.over else card.label,
            "under": words("share.from", site=site, number=card.number),
            "colour": COLOURS[card.look],
            "rows": rows,
            "file": f"{card.number}.png",
            "save": words("share.save"),
        }
    )


def _row(
    said: str, size: int, *, bold: bool = False, soft: bool = False, struck: bool = False
) -> dict[str, object]:
    return {"text": said, "size": size, "bold": bold, "soft": soft, "struck": struck}
