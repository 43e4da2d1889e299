"""What a bulletin says and who may vote: every refusal has its reason."""

import itertools
from dataclasses import replace

import pytest

from kimnode.errors import Reason, Refused
from kimnode.record import Kind
from kimnode.rules.bulletins import BulletinState
from kimnode.rules.publishing import (
    MAX_VOTES,
    MAX_VOTES_EACH,
    MIN_REASON_CHARS,
    SHAPES,
    About,
    Draft,
    check_bulletin,
    check_content,
    check_dossier,
    check_vote,
)
from kimnode.rules.trust import Holder
from kimnode.wire.codes import Form, HoaxType, Role, SourceKind, Topic, Verdict
from kimnode.wire.documents import Source
from tests.rules import trust_samples as samples

TRUST = samples.trust()
D, V = samples.DOSSIER, Verdict
ABOUT = bytes(16)
REASON = "Ternyata jam yang disebut salah."
GOOD = {  # a bulletin of each form, as changes to the sample
    Form.CHECK: {},
    Form.INFO: {"verdict": V.NONE, "hoax_type": HoaxType.NONE},
    Form.CORRECTION: {"about": ABOUT, "text": REASON},
    Form.RETRACTION: {
        "about": ABOUT,
        "text": REASON,
        "verdict": V.NONE,
        "hoax_type": HoaxType.NONE,
        "sources": 0,
        "primary": 0,
        "dossier": b"",
    },
    Form.NOTICE: {
        "verdict": V.UNCHECKED,
        "hoax_type": HoaxType.NONE,
        "expires_6h": 8,
        "sources": 0,
        "primary": 0,
        "dossier": b"",
        "text": "Belum dicek. Tetap di tempat aman.",
    },
}


def made(form: Form = Form.CHECK, **changes):
    fields = {"form": form, **GOOD[form], **changes}
    return samples.bulletin(samples.V3, **fields)


def refusal(check, *args) -> Reason | None:
    try:
        check(*args)
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("form", Form)
def test_a_good_one_of_each_form(form):
    bulletin = made(form)
    check_content(bulletin, D if bulletin.dossier else None)
    about = About(samples.bulletin(), BulletinState.VERIFIED)
    dossier = D if bulletin.dossier else None
    author = check_bulletin(bulletin, dossier, about, TRUST, samples.NOW, local=True)
    assert author.person == samples.V3.number


@pytest.mark.parametrize(("form", "verdict"), list(itertools.product(Form, Verdict)))
def test_which_verdicts_a_form_may_have(form, verdict):
    bulletin = made(form, verdict=verdict, hoax_type=HoaxType.NONE, sources=2, primary=1,
                    dossier=D.hash)  # fmt: skip
    expected = None if verdict in SHAPES[form].verdicts else Reason.WRONG_FORM
    assert refusal(check_content, bulletin, None) is expected


@pytest.mark.parametrize(
    ("form", "changes", "reason"),
    [
        (Form.CHECK, {"verdict": V.NONE}, Reason.WRONG_FORM),
        (Form.CHECK, {"verdict": V.UNCHECKED}, Reason.WRONG_FORM),
        (Form.CHECK, {"verdict": V.FACT}, Reason.WRONG_FORM),  # a fact has no hoax type
        (Form.CHECK, {"verdict": V.NO_CLAIM}, Reason.WRONG_FORM),
        (Form.CHECK, {"sources": 1}, Reason.TOO_FEW_SOURCES),
        (Form.CHECK, {"sources": 0, "primary": 0, "dossier": b""}, Reason.TOO_FEW_SOURCES),
        (Form.CHECK, {"primary": 0}, Reason.NO_PRIMARY_SOURCE),
        (Form.CHECK, {"primary": 3}, Reason.TOO_FEW_SOURCES),
        (Form.CHECK, {"dossier": b""}, Reason.NO_DOSSIER),
        (Form.CHECK, {"expires_6h": 0}, Reason.WRONG_FORM),
        (Form.CHECK, {"expires_6h": 121}, Reason.WRONG_FORM),
        (Form.CHECK, {"text": ""}, Reason.EMPTY),
        (Form.CHECK, {"text": "Tidak ada gempa. "}, Reason.BAD_TEXT),
        (Form.CHECK, {"text": "a\u202eb"}, Reason.BAD_TEXT),
        (Form.CHECK, {"text": "e\u0301"}, Reason.BAD_TEXT),  # not NFC: shown as another text signed
        (Form.CHECK, {"text": "x" * 601}, Reason.TOO_LONG),
        (Form.INFO, {"expires_6h": 57}, Reason.WRONG_FORM),
        (Form.INFO, {"about": ABOUT}, Reason.WRONG_FORM),
        (Form.INFO, {"hoax_type": HoaxType.SATIRE}, Reason.WRONG_FORM),
        (Form.CORRECTION, {"about": b""}, Reason.WRONG_FORM),
        (Form.CORRECTION, {"text": "x" * (MIN_REASON_CHARS - 1)}, Reason.WRONG_FORM),
        (Form.CORRECTION, {"expires_6h": 27}, Reason.WRONG_FORM),  # pinned for seven days
        (Form.CORRECTION, {"sources": 1}, Reason.TOO_FEW_SOURCES),
        (Form.RETRACTION, {"about": b""}, Reason.WRONG_FORM),
        (Form.RETRACTION, {"text": "salah"}, Reason.WRONG_FORM),
        (Form.NOTICE, {"verdict": V.HOAX}, Reason.WRONG_FORM),  # one person gives no verdict
        (Form.NOTICE, {"expires_6h": 13}, Reason.WRONG_FORM),
        (Form.NOTICE, {"text": "awas"}, Reason.WRONG_FORM),
    ],
)
def test_what_may_not_be_said(form, changes, reason):
    assert refusal(check_content, made(form, **changes), None) is reason


def test_the_dossier_must_be_what_the_bulletin_says():
    one = replace(D, sources=D.sources[:1])
    assert refusal(check_content, made(), one) is Reason.NO_DOSSIER  # another one
    assert refusal(check_content, made(dossier=one.hash), one) is Reason.TOO_FEW_SOURCES
    media = replace(D, sources=(Source(SourceKind.MEDIA, "TV", ""), D.sources[1]))
    assert refusal(check_content, made(dossier=media.hash), media) is Reason.TOO_FEW_SOURCES
    here = (None, TRUST, samples.NOW)
    assert refusal(check_bulletin, made(), None, *here, True) is Reason.NO_DOSSIER
    assert refusal(check_bulletin, made(), None, *here, False) is None  # it comes another way


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sources": (D.sources[0], D.sources[0])}, Reason.TOO_FEW_SOURCES),
        ({"sources": (replace(D.sources[0], title=""),)}, Reason.TOO_FEW_SOURCES),
        ({"claim": "a\u202eb"}, Reason.BAD_TEXT),
        ({"sources": (replace(D.sources[0], reference="a\x00"),)}, Reason.BAD_TEXT),
        ({"fact": ""}, None),
    ],
)
def test_dossiers(changes, reason):
    assert refusal(check_dossier, replace(D, **changes)) is reason


@pytest.mark.parametrize(
    ("old", "state", "form", "reason"),
    [
        ({}, BulletinState.VERIFIED, Form.CORRECTION, None),
        ({}, BulletinState.EXPIRED, Form.RETRACTION, None),
        ({}, BulletinState.CORRECTED, Form.RETRACTION, None),
        ({}, BulletinState.CORRECTED, Form.CORRECTION, Reason.DECIDED),
        ({}, BulletinState.WAITING, Form.CORRECTION, Reason.DECIDED),  # a draft is rejected
        ({}, BulletinState.REJECTED, Form.RETRACTION, Reason.DECIDED),
        ({}, BulletinState.WITHDRAWN, Form.CORRECTION, Reason.DECIDED),
        ({"area": samples.DESA_2}, BulletinState.VERIFIED, Form.CORRECTION, Reason.WRONG_AREA),
        ({}, BulletinState.VERIFIED, Form.CHECK, Reason.WRONG_FORM),
        (GOOD[Form.NOTICE] | {"form": Form.NOTICE}, BulletinState.NOTICE, Form.CHECK, None),
    ],
)
def test_what_may_be_corrected_here(old, state, form, reason):
    about = About(samples.bulletin(**old), state)
    bulletin = made(form, about=about.bulletin.id[:16])
    dossier = D if bulletin.dossier else None
    args = (bulletin, dossier, about, TRUST, samples.NOW)
    assert refusal(check_bulletin, *args, True) is reason
    assert refusal(check_bulletin, *args, False) is None  # elsewhere it was in order
    assert refusal(check_bulletin, bulletin, dossier, None, TRUST, samples.NOW, True) is (
        Reason.UNKNOWN_SUBJECT
    )


MINE = samples.vote(Kind.APPROVAL, bytes(32), samples.V3)
MADE_UP = samples.vote(Kind.APPROVAL, bytes(32), samples.V3, samples.SALUTIWO)


def holder(person=samples.V2, **changes) -> Holder:
    return Holder(samples.of_own_key(person, **changes))


def vote(kind=Kind.APPROVAL, by=samples.V3, state=BulletinState.WAITING, author=None, **how):
    bulletin = samples.bulletin(samples.V2, **how.pop("changes", {}))
    local, votes = how.pop("local", True), how.pop("votes", ())
    cast = samples.vote(kind, bulletin.id, by, how.pop("post", None))
    about = About(bulletin, state)
    args = (cast, about, author or holder(), votes, TRUST, samples.NOW, local)
    return refusal(check_vote, *args)


@pytest.mark.parametrize(
    ("cast", "reason"),
    [
        ({}, None),
        ({"by": samples.KETUA}, None),
        ({"by": samples.HUB}, None),  # countersigns
        ({"post": samples.SALUTIWO}, None),
        ({"by": samples.V1}, Reason.WRONG_ROLE),
        ({"by": samples.LENA}, Reason.WRONG_AREA),
        ({"by": samples.EDI}, Reason.CERT_EXPIRED),
        ({"by": samples.RINA}, Reason.REVOKED),
        ({"by": samples.KARATAUN}, Reason.WRONG_ROLE),
        ({"author": holder(samples.V3)}, Reason.SAME_PERSON),
        ({"kind": Kind.REJECTION}, None),
        ({"kind": Kind.REJECTION, "by": samples.V2}, None),  # takes the own draft back
        ({"kind": Kind.REJECTION, "by": samples.V1}, Reason.WRONG_ROLE),
        ({"kind": Kind.REJECTION, "by": samples.HUB}, Reason.WRONG_ROLE),
        ({"votes": [(MINE, 3)] * MAX_VOTES_EACH}, Reason.NO_ROOM),
        ({"votes": [(MADE_UP, 3)] * MAX_VOTES_EACH}, None),  # a post says that V3 has voted
        ({"votes": [(MINE, n) for n in range(10, 10 + MAX_VOTES)]}, Reason.NO_ROOM),
    ],
)
def test_who_may_vote(cast, reason):
    assert vote(**cast) is reason
    assert vote(**cast, local=False) is reason


@pytest.mark.parametrize("state", BulletinState)
@pytest.mark.parametrize("kind", [Kind.APPROVAL, Kind.REJECTION])
def test_when_somebody_here_may_vote(kind, state):
    """From elsewhere a vote is news and enters in every state."""
    open_to = {
        Kind.APPROVAL: {BulletinState.WAITING, BulletinState.VIA_POST},
        Kind.REJECTION: {BulletinState.WAITING},
    }[kind]
    closed = Reason.EXPIRED if state is BulletinState.EXPIRED else Reason.DECIDED
    assert vote(kind, state=state) is (None if state in open_to else closed)
    assert vote(kind, state=state, local=False) is None


def test_a_notice_is_not_voted_on():
    assert vote(changes=GOOD[Form.NOTICE] | {"form": Form.NOTICE}) is Reason.DECIDED


@pytest.mark.parametrize(
    ("author", "by", "reason"),
    [
        (samples.DESA, samples.V3, Reason.NEEDS_OUTSIDER),
        (samples.DESA, samples.HUB, None),
        (samples.REGENCY, samples.V3, None),
        (7602060000, samples.V3, None),  # somebody of the kecamatan
    ],
)
def test_about_the_village_government_one_of_two_is_from_outside(author, by, reason):
    topic = {"topic": Topic.GOVERNMENT}
    assert vote(by=by, author=holder(area=author), changes=topic) is reason
    assert vote(by=by, author=holder(area=author)) is None


def test_a_draft_holds_as_long_as_its_form_may():
    assert Draft(Form.NOTICE, "", samples.DESA).expires_6h == 12
    assert Draft(Form.CHECK, "", samples.DESA, days=2).expires_6h == 8
    assert samples.V3.role is Role.VERIFIER
