"""A public key on its way to whoever certifies it (KIMKEY1, the file *.pub).

Its signature proves that whoever made the card has the private key. The name in it is a wish; the
certificate's name is chosen by who certifies.
"""

from dataclasses import dataclass
from enum import StrEnum

import cbor2

from kimnode.errors import WireError
from kimnode.wire import signing

DOMAIN = "kimnode/key-card/v1"


class Purpose(StrEnum):
    """What a key is made for. It cannot be used for anything else."""

    ROOT = "root"
    DISTRICT = "district"
    HUB = "hub"
    GATEWAY = "gateway"
    VOLUNTEER = "volunteer"


@dataclass(frozen=True, slots=True)
class Card:
    """`demo`: of a demonstration, never to be certified for a real village."""

    purpose: Purpose
    demo: bool
    name: str
    public: bytes


def encode(card: Card, seed: bytes) -> bytes:
    """The card, signed by its own key."""
    return cbor2.dumps([_fields(card), signing.sign(seed, _signed(card))], canonical=True)


def decode(data: bytes) -> Card:
    """WireError unless these bytes are a card whose signature is right."""
    try:
        (purpose, demo, name, public), signature = cbor2.loads(data)
        card = Card(Purpose(purpose), bool(demo), str(name), bytes(public))
        verified = signing.verify(card.public, bytes(signature), _signed(card))
    except Exception as error:  # the CBOR library raises many kinds on bad bytes
        raise WireError("it is no public key card") from error
    if not verified:
        raise WireError("the card's own signature is wrong: it was changed or is damaged")
    return card


def _fields(card: Card) -> list[object]:
    return [card.purpose.value, card.demo, card.name, card.public]


def _signed(card: Card) -> bytes:
    return signing.to_be_signed(DOMAIN, _fields(card))
