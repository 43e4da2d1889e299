"""The same bytes for ever: vectors of compressed texts, and the model file they belong to."""

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

from kimnode.errors import WireError
from kimnode.wire.text import compress, decompress
from kimnode.wire.text_model import MODEL_FILE, MODEL_NUMBER, MODEL_SHA256

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/text.json").read_text())


def test_there_are_enough():
    assert len(VECTORS["texts"]) + len(VECTORS["refused"]) + len(VECTORS["unwritable"]) >= 60


@pytest.mark.parametrize("vector", VECTORS["texts"], ids=lambda v: v["name"])
def test_a_text_has_these_bytes(vector):
    assert compress(vector["text"]).hex() == vector["hex"]
    assert decompress(bytes.fromhex(vector["hex"])) == vector["text"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_these_bytes_are_no_text(vector):
    with pytest.raises(WireError):
        decompress(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", VECTORS["unwritable"], ids=lambda v: v["name"])
def test_these_texts_have_no_bytes(vector):
    with pytest.raises(WireError):
        compress("".join(map(chr, vector["code_points"])))


def test_the_model_file_is_the_one_of_this_number():
    """A changed file under the same number would make nodes read each other's texts wrongly."""
    data = (files("kimnode.wire") / "models" / MODEL_FILE).read_bytes()
    assert sha256(data).hexdigest() == MODEL_SHA256 == VECTORS["model_sha256"]
    assert VECTORS["model_number"] == MODEL_NUMBER
    assert len(data) <= 4_000_000
    sources = (files("kimnode.wire") / "models" / "SOURCES.md").read_text(encoding="utf-8")
    assert MODEL_SHA256 in sources
