"""The same bytes for ever, and a second reader of SPEC.md that agrees about every one of them."""

import json
from pathlib import Path

import pytest

from kimnode.errors import WireError
from kimnode.wire import air, sealed
from tests.vectors import make
from tests.wire import independent_decoder as independent

HERE = Path(__file__).parent.parent / "vectors"
PACKETS = json.loads((HERE / "packets.json").read_text())["vectors"]
DOCUMENTS = json.loads((HERE / "documents.json").read_text())["vectors"]
MAX_DECODER_LINES = 300


def of(read, refusal, data: bytes) -> tuple[str, object]:
    try:
        return "ok", json.loads(json.dumps(read(data)))
    except refusal:
        return "refused", None


def wanted(vector) -> tuple[str, object]:
    return vector["verdict"], vector.get("value")


def test_vectors_of_every_kind_good_and_bad():
    assert {v["value"]["type"] for v in PACKETS if v["verdict"] == "ok"} == set(air.Type)
    assert {v["value"]["kind"] for v in DOCUMENTS if v["verdict"] == "ok"} == set(sealed.BUILDERS)
    for vectors in (PACKETS, DOCUMENTS):
        refused = sum(vector["verdict"] == "refused" for vector in vectors)
        assert len(vectors) / 4 < refused < len(vectors)


@pytest.mark.parametrize("vector", PACKETS, ids=lambda v: v["name"])
def test_a_packet_means_this(vector):
    data = bytes.fromhex(vector["hex"])
    assert of(make.packet_of, WireError, data) == wanted(vector)
    assert of(independent.packet, independent.Malformed, data) == wanted(vector)


@pytest.mark.parametrize("vector", DOCUMENTS, ids=lambda v: v["name"])
def test_a_kept_document_means_this(vector):
    data = bytes.fromhex(vector["hex"])
    assert of(make._kept, WireError, data) == wanted(vector)
    assert of(independent.kept, independent.Malformed, data) == wanted(vector)


@pytest.mark.parametrize("name", make.FILES)
def test_the_code_still_writes_these_files(name):
    what, vectors = make.FILES[name]
    assert make.text_of(what, vectors()) == (HERE / name).read_text()


def test_the_second_decoder_is_small_and_reads_the_page_alone():
    source = Path(independent.__file__).read_text()
    assert len(source.splitlines()) <= MAX_DECODER_LINES
    used = [line for line in source.splitlines() if "kimnode." in line and "import" in line]
    assert used == [
        "from kimnode.errors import WireError",
        "from kimnode.wire.text import decompress",
    ]
