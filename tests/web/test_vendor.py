"""The one library that is not ours: unchanged, as its authors published it."""

import hashlib
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "kimnode" / "web" / "static" / "vendor"
# npm tweetnacl 1.0.3, audited by Cure53 in 2017, public domain (the Unlicense).
PINNED = {
    "nacl-fast.min.js": "3ec535c004aeeb225785d8e93fb33bf99f52e399bd7dfc01969b5629baea5131",
    "nacl-fast.LICENSE": None,
}


def test_it_is_the_published_file():
    assert {path.name for path in VENDOR.iterdir()} == set(PINNED)
    for name, digest in PINNED.items():
        data = (VENDOR / name).read_bytes()
        assert digest in (None, hashlib.sha256(data).hexdigest()), name


def test_its_licence_is_beside_it():
    assert "released into the public domain" in (VENDOR / "nacl-fast.LICENSE").read_text()
