"""Text compression for the air: any text -> as few bytes as the model knows how, never more than
its UTF-8 (SPEC.md section 7).

One text has exactly one encoding; decompress() refuses every other, so that packets can be told
apart by their bytes. A text that UTF-8 cannot write (a lone surrogate) is refused both ways.
"""

import re
from collections.abc import Iterator, Mapping

from kimnode.errors import WireError
from kimnode.wire.range_coder import HALF, Decoder, Encoder
from kimnode.wire.text_model import (
    CAPITAL,
    CAPITALS,
    END,
    ESCAPE,
    LEAF,
    MODEL_NUMBER,
    SPACE,
    Model,
    Past,
    load,
)

MAX_TEXT_CHARS = 4096  # longer texts stay UTF-8; a decoder never makes more of a few bytes
MAX_SYMBOLS = 2 * MAX_TEXT_CHARS + 1  # each character may have a case mark; then the end
_COMPRESSED = 0b10  # no UTF-8 begins with these two bits
_MARK = _COMPRESSED << 2 | MODEL_NUMBER
# How a character outside the alphabet is written: (first code point, bits of what is above it).
_ESCAPES = ((0, 8), (0, 12), (0, 16), (0x1F000, 12), (0x10000, 20))
_KIND_BITS = 3
_CASES = re.compile("[A-Z]{2,}(?![A-Za-z])|[A-Z]|[^A-Z]")


def compress(text: str) -> bytes:
    """At most len(text.encode()) bytes; b"" for ""; WireError for a lone surrogate."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise WireError("text with a lone surrogate") from error
    if not raw or len(text) > MAX_TEXT_CHARS:
        return raw
    packed = _pack(text, load())
    return packed if len(packed) < len(raw) else raw


def decompress(data: bytes, max_chars: int | None = None) -> str:
    """The text whose compress() is `data`; WireError for everything else, and as soon as it has
    more than `max_chars` characters: a few forged bytes must not cost the work of a long text.
    """
    if data and data[0] >> 6 == _COMPRESSED:
        if data[0] >> 4 != _MARK:
            raise WireError(f"text of model {data[0] >> 4 & 3}, which this version does not have")
        text = _unpack(data, load(), max_chars)
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise WireError("text is not UTF-8") from error
    if max_chars is not None and len(text) > max_chars:
        raise WireError(f"a text of {len(text)} characters, at most {max_chars}")
    if compress(text) != data:
        raise WireError("text is not in its one encoding")
    return text


def spell(text: str, symbols: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Symbols with the characters they stand for; letters A to Z become case marks and a to z."""
    for piece in _CASES.findall(text):
        characters = piece
        if "A" <= piece[0] <= "Z":
            characters = piece.lower()
            yield (CAPITAL if len(piece) == 1 else CAPITALS), ""
        for character in characters:
            yield symbols.get(character, ESCAPE), character
    yield END, ""


def _pack(text: str, model: Model) -> bytes:
    coder = Encoder(_MARK)
    past = model.past()
    for symbol, character in spell(text, model.symbols):
        contexts, tree = past.contexts(), past.tree
        for node, bit in model.path(tree, symbol):
            coder.write(bit, model.chance(contexts, tree, node))
        if symbol == ESCAPE:
            _write_escaped(coder, ord(character))
        past.push(symbol)
    return coder.finish()


def _unpack(data: bytes, model: Model, max_chars: int | None) -> str:
    coder = Decoder(data)
    past = model.past()
    found: list[str] = []
    case = 0
    for _ in range(MAX_SYMBOLS if max_chars is None else 2 * max_chars + 1):
        symbol = _read_symbol(coder, model, past)
        past.push(symbol)
        if symbol == END:
            return "".join(found)
        if symbol in (CAPITAL, CAPITALS):
            case = symbol
            continue
        escaped = symbol == ESCAPE
        character = _read_escaped(coder) if escaped else model.alphabet[symbol - SPACE]
        if not "a" <= character <= "z":
            case = 0
        found.append(character.upper() if case else character)
        case = CAPITALS if case == CAPITALS else 0
    raise WireError("compressed text too long")


def _read_symbol(coder: Decoder, model: Model, past: Past) -> int:
    contexts, tree = past.contexts(), past.tree
    place = 0
    while place < LEAF:
        place = model.child(tree, place, coder.read(model.chance(contexts, tree, place)))
    return place - LEAF


def _write_escaped(coder: Encoder, code_point: int) -> None:
    kind, first, bits = next(
        (kind, first, bits)
        for kind, (first, bits) in enumerate(_ESCAPES)
        if 0 <= code_point - first < 1 << bits
    )
    value = kind << bits | code_point - first
    for shift in reversed(range(_KIND_BITS + bits)):
        coder.write(value >> shift & 1, HALF)


def _read_escaped(coder: Decoder) -> str:
    kind = _read_number(coder, _KIND_BITS)
    if kind >= len(_ESCAPES):
        raise WireError("unknown kind of escaped character")
    first, bits = _ESCAPES[kind]
    return chr(first + _read_number(coder, bits))


def _read_number(coder: Decoder, bits: int) -> int:
    value = 0
    for _ in range(bits):
        value = value << 1 | coder.read(HALF)
    return value
