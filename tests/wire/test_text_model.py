"""The model file and the coder under compressed texts."""

import random
from importlib.resources import files

import pytest

from kimnode.errors import WireError
from kimnode.wire.range_coder import CHANCE_BITS, Decoder, Encoder
from kimnode.wire.text_model import LEAF, MODEL_FILE, SPACE, WORD_CHARACTERS, Model, load

DATA = (files("kimnode.wire") / "models" / MODEL_FILE).read_bytes()


@pytest.mark.parametrize("damaged", [DATA[:-1], DATA + b"\0", b"kimtext2" + DATA[8:]])
def test_a_damaged_file_is_not_used(damaged):
    with pytest.raises(ValueError, match="install kimnode again"):
        Model(damaged)


def test_the_file_is_mapped_once():
    assert load() is load()


def test_every_symbol_has_its_leaf_in_every_tree():
    model = load()
    count = len(model.alphabet) + SPACE
    for tree in range(count):
        for symbol in range(count):
            place = 0
            for node, bit in model.path(tree, symbol):
                assert place == node
                place = model.child(tree, place, bit)
            assert place == LEAF + symbol


def test_the_alphabet_is_what_the_coder_needs():
    model = load()
    assert model.alphabet[0] == " "
    assert len(set(model.alphabet)) == len(model.alphabet)
    assert not any("A" <= c <= "Z" for c in model.alphabet)
    assert set(model.alphabet) > WORD_CHARACTERS


def test_a_chance_is_never_none_nor_all():
    model, rng = load(), random.Random(1)
    for _ in range(2_000):
        contexts = [rng.randrange(1 << 32) for _ in range(10)]
        chance = model.chance(contexts, rng.randrange(112), rng.randrange(111))
        assert 1 <= chance < 1 << CHANCE_BITS


@pytest.mark.parametrize("seed", range(20))
def test_bits_come_back_whatever_their_chances(seed):
    rng = random.Random(seed)
    chances = [rng.choice((1, 16, 300, 1 << 15, 65_000, 65_535)) for _ in range(2_000)]
    bits = [int(rng.random() < (0.5 if seed % 2 else c / 65_536)) for c in chances]
    coder = Encoder(0xB)
    for bit, chance in zip(bits, chances, strict=True):
        coder.write(bit, chance)
    data = coder.finish()
    assert data[0] >> 4 == 0xB
    reader = Decoder(data)
    assert [reader.read(chance) for chance in chances] == bits


def test_likely_bits_cost_next_to_nothing_and_reading_on_ends():
    coder = Encoder(0x8)
    for _ in range(1_000):
        coder.write(1, 65_520)
    data = coder.finish()
    assert len(data) <= 2
    reader = Decoder(data)
    for _ in range(8 * len(data) - 4):
        reader.read(1 << CHANCE_BITS - 1)
    with pytest.raises(WireError):
        [reader.read(1 << CHANCE_BITS - 1) for _ in range(8)]
