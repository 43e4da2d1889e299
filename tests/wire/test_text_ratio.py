"""How small texts become that the model has never seen. Sizes are exact: they may be asserted."""

import pytest

from benchmarks.compression import bulletins, messages, times_smaller
from kimnode.wire.text import compress


@pytest.mark.parametrize(("name", "least"), [("obrolan-desa.txt", 2.7), ("media-sosial.txt", 2.1)])
def test_informal_messages(name, least):
    texts = messages(name)
    assert len(texts) >= 35
    assert times_smaller(texts) >= least


@pytest.mark.parametrize(("chars", "most_bytes"), [(140, 90), (280, 120)])
def test_bulletins(chars, most_bytes):
    texts = bulletins(chars)
    assert len(texts) == 500
    sizes = [len(compress(text)) for text in texts]
    assert sum(len(text.encode()) for text in texts) >= 3.6 * sum(sizes)
    assert sum(size <= most_bytes for size in sizes) >= 0.99 * len(texts)


def test_long_bulletins():
    texts = bulletins(600, 100)
    assert len(texts) == 100
    assert times_smaller(texts) >= 3.6
