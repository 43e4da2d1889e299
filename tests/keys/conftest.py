"""One ceremony for all tests here: it takes forty processes."""

import pytest

from tests.keys.offices import RADIO, VILLAGE, Offices


@pytest.fixture(scope="session")
def offices(tmp_path_factory) -> Offices:
    """Root version 1, a district, a post and a volunteer, certified; `told.txt`: all output."""
    made = Offices(tmp_path_factory.mktemp("offices"))
    told = ""
    for number in range(1, 6):
        made.new_key("root", f"office{number}")
    cards = [f"secret/office{number}.pub" for number in range(1, 6)]
    told += made.done(
        *("root", "new", "--name", "Sulawesi Barat", "--area", "76", "--out", "root.1.kim"), *cards
    )
    for office in ("office1", "office4"):
        told += made.done("root", "sign", "--key", f"secret/{office}.key", "root.1.kim")
    made.new_key("district", "mamuju")
    told += made.done(
        *("district", "certify", "--root", "root.1.kim", "--area", "76.02", "--name"),
        *("Kab. Mamuju", "--out", "mamuju.kim", "secret/mamuju.pub"),
    )
    for office in ("office2", "office5"):
        sign = ("root", "sign", "--root", "root.1.kim", "--key", f"secret/{office}.key")
        told += made.done(*sign, "mamuju.kim")
    made.path("kimnode.toml").write_text('database = "post/kimnode.db"\nname = "Pos Karataun"\n')
    made.path("post").mkdir()
    told += made.done("gateway", "key")
    told += made.done(
        *("gateway", "certify", "--key", "secret/mamuju.key", "--district", "mamuju.kim"),
        *("--area", VILLAGE, "--out", "post.kim", "post/keys/gateway.pub"),
    )
    done = made.certify_person(
        "budi.kim", "--role", "VERIFIKATOR", "--person", "12", "--radio-key", RADIO
    )
    assert (done.code, done.err) == (0, "")
    made.path("told.txt").write_text(told + done.out)
    return made
