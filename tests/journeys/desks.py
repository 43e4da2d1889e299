"""A volunteer's phone at a post's desk: signed documents and signed requests, without a browser.

The phone keeps key, salt and PIN; what the post is told is what staffkey.js tells it.
"""

import hashlib
import json
import os

import aiohttp

from kimnode.record import Kind
from kimnode.rules.publishing import Draft
from kimnode.store import enrolment
from kimnode.store.enrolment import Invitation
from kimnode.web.requests import DOMAIN
from kimnode.web.unlocking import ENROL_DOMAIN
from kimnode.wire import sealed, signing
from kimnode.wire.codes import Form, HoaxType, Topic, Verdict
from kimnode.wire.documents import AnyDocument, Bulletin, Vote
from tests.journeys.posts import Post
from tests.rules import trust_samples as samples
from tests.rules.trust_samples import DESA, DOSSIER, Person

CODE = "undangan-{}-abcdefgh"
PIN = "284951"


def draft(text: str, **changes) -> Draft:
    fields = {
        "form": Form.CHECK, "text": text, "area": DESA, "topic": Topic.DISASTER,
        "verdict": Verdict.HOAX, "hoax_type": HoaxType.FABRICATED, "dossier": DOSSIER,
    }  # fmt: skip
    return Draft(**{**fields, **changes})


async def write(post: Post, wanted: Draft, person: Person) -> Bulletin:
    """A draft under the person's own key."""
    unsigned = await post.site.attestor.prepare_bulletin(wanted, person.key)
    signature = signing.sign(person.seed, unsigned.signed())
    return (await post.site.attestor.take(unsigned, signature)).document


async def vote(post: Post, kind: Kind, subject: bytes, person: Person) -> Vote:
    unsigned = await post.site.attestor.prepare_vote(kind, subject, person.key)
    signature = signing.sign(person.seed, unsigned.signed())
    return (await post.site.attestor.take(unsigned, signature)).document


async def publish(post: Post, wanted: Draft, author: Person, second: Person) -> Bulletin:
    made = await write(post, wanted, author)
    await vote(post, Kind.APPROVAL, made.id, second)
    return made


# -- over HTTP ------------------------------------------------------------------------------------


async def ask(post: Post, path: str, value: object) -> tuple[int, dict]:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{post.url}api/staf/{path}", json=value) as answer:
            return answer.status, await answer.json()


def salt_of(person: Person) -> bytes:
    """32 random bytes that never leave the phone."""
    return samples.seed_of(f"salt of {person.name}")


def token_of(person: Person) -> bytes:
    """What the post is told for the PIN."""
    return hashlib.sha512(b"kimnode/unlock/v1" + salt_of(person) + PIN.encode()).digest()[:32]


async def enrol(post: Post, person: Person) -> bytes:
    """With an invitation; the post's share of what unlocks the key."""
    code = CODE.format(person.name)
    invitation = Invitation(person.name, person.number, person.role)
    now = int(post.site.clock.now())
    await post.site.db.write(lambda c: enrolment.invite(c, code, invitation, now))
    proof = signing.to_be_signed(ENROL_DOMAIN, [post.machine.key, code, person.key])
    sig = signing.sign(person.seed, proof).hex()
    wish = {"code": code, "key": person.key.hex(), "sig": sig, "u": token_of(person).hex()}
    status, said = await ask(post, "daftar", wish)
    assert status == 200, said
    return bytes.fromhex(said["share"])


async def envelope(post: Post, path: str, body: dict, key: bytes, seed: bytes, **other) -> dict:
    """A signed request, as fresh as this post wants it unless `other` says otherwise."""
    _, told = await ask(post, "meja", {})  # a refusal tells it too
    fields = {
        "boot": bytes.fromhex(told["boot"]), "second": told["second"],
        "gateway": post.machine.key, "nonce": os.urandom(16), **other,
    }  # fmt: skip
    text = json.dumps(body)
    hashed = hashlib.sha256(text.encode()).digest()
    what = ["POST", f"/api/staf/{path}", hashed, fields["boot"], fields["second"]]
    signed = signing.to_be_signed(DOMAIN, [*what, fields["nonce"], fields["gateway"]])
    return {
        "key": key.hex(), "boot": fields["boot"].hex(), "nonce": fields["nonce"].hex(),
        "second": fields["second"], "body": text, "sig": signing.sign(seed, signed).hex(),
    }  # fmt: skip


def sending(document: AnyDocument) -> dict:
    return {"document": sealed.encode(document).hex(), "why": "", "claim": None}
