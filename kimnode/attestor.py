"""Signs with the gateway's key what a person's radio said, and prepares what a browser signs.

It proves nothing by itself: what it makes enters by accept() like everything else. Its caller has
made sure that the radio really said so; this is the only module that holds the gateway's key.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kimnode.errors import Reason, Refused
from kimnode.intake import Intake
from kimnode.record import Kind, Via
from kimnode.rules.clock import Estimate
from kimnode.rules.publishing import Draft, check_content
from kimnode.store import claims, sequence
from kimnode.store.db import Database
from kimnode.wire import records, signing
from kimnode.wire.codes import Mode, TimeTrust
from kimnode.wire.documents import (
    ABOUT_BYTES,
    MAX_RECEIPTS,
    AnyDocument,
    Bulletin,
    Receipt,
    Stamp,
    Vote,
    signed_by,
)
from kimnode.wire.times import minutes_of


@dataclass(frozen=True, slots=True)
class Made:
    """A signed document and its place in the log."""

    seq: int
    document: AnyDocument
    fresh: bool


class Attestor:
    """Of one node. `private_key`: the gateway's 32-byte seed; it leaves this object never."""

    def __init__(
        self,
        private_key: bytes,
        db: Database,
        intake: Intake,
        estimate: Callable[[], Estimate],
    ) -> None:
        self.key = signing.public_key(private_key)
        self._private_key = private_key
        self._db = db
        self._intake = intake
        self._estimate = estimate

    def __repr__(self) -> str:
        return f"Attestor({self.key.hex()[:12]})"

    # -- what a radio said ------------------------------------------------------------------------

    async def bulletin(self, draft: Draft, person: bytes) -> Made:
        """The bulletin of whose radio this is (32-byte X25519 key). Refused(reason)."""
        unsigned = await self._bulletin(draft, Mode.ATTESTED, self.key, person)
        if draft.dossier is not None:  # first: a bulletin that is made here must have it
            await self._accept(draft.dossier, Via.NODE)
        made = await self._accept(signed_by(unsigned, self._private_key), Via.NODE)
        await self._answer(draft.claim, made)
        return made

    async def vote(self, kind: Kind, subject: bytes, person: bytes) -> Made:
        """APPROVAL or REJECTION of the bulletin with this whole id, or SUSPENSION of this key."""
        stamp = await self._stamp(Mode.ATTESTED, self.key, person)
        vote = signed_by(Vote(kind, subject, stamp), self._private_key)
        return await self._accept(vote, Via.NODE)

    # -- what a person signs in a browser ---------------------------------------------------------

    async def prepare_bulletin(self, draft: Draft, key: bytes) -> Bulletin:
        """Unsigned, for the person's own Ed25519 key: `signed()` are the bytes to sign. The dossier
        enters now, so that what is signed can be looked up."""
        unsigned = await self._bulletin(draft, Mode.DIRECT, key, key)
        if draft.dossier is not None:
            await self._accept(draft.dossier, Via.WEB)
        return unsigned

    async def prepare_vote(self, kind: Kind, subject: bytes, key: bytes) -> Vote:
        """Unsigned, for the person's own Ed25519 key."""
        return Vote(kind, subject, await self._stamp(Mode.DIRECT, key, key))

    async def take(
        self, document: Bulletin | Vote, signature: bytes, claim: int | None = None
    ) -> Made:
        """What came back from the browser. accept() is the whole check. `claim`: as in Draft."""
        made = await self._accept(replace(document, signature=signature), Via.WEB)
        await self._answer(claim, made)
        return made

    # -- what this gateway itself says ------------------------------------------------------------

    async def receipt(self, bulletins: Sequence[bytes]) -> Made:
        """This gateway has verified these bulletins (whole ids, at most MAX_RECEIPTS)."""
        if not 0 < len(bulletins) <= MAX_RECEIPTS:
            raise Refused(Reason.BAD_REQUEST, f"{len(bulletins)} bulletins in a receipt")
        made_min = minutes_of(self._estimate().unix_s)
        receipt = Receipt(made_min, self.key, tuple(bulletins))
        return await self._accept(signed_by(receipt, self._private_key), Via.NODE)

    # ---------------------------------------------------------------------------------------------

    async def _bulletin(self, draft: Draft, mode: Mode, signer: bytes, person: bytes) -> Bulletin:
        """Numbers are taken only for a draft that can become something."""
        trust = await self._db.read(self._intake.cache.load)
        no_stamp = Stamp(mode, 0, TimeTrust.UNSURE, 0, 0, signer, person)
        unnumbered = unsigned_of(draft, no_stamp, trust.demo)
        check_content(unnumbered, draft.dossier)
        if draft.claim is not None:
            await self._db.read(partial(claims.check_open, claim=draft.claim))
        stamp = await self._stamp(mode, signer, person)
        number = await self._db.write(sequence.next_number, quiet=True)
        return replace(unnumbered, stamp=stamp, number=number)

    async def _stamp(self, mode: Mode, signer: bytes, person: bytes) -> Stamp:
        """The number is on disk before it is used."""
        epoch, seq = await self._db.write(partial(sequence.next_seq, signer=signer), quiet=True)
        now = self._estimate()
        return Stamp(mode, minutes_of(now.unix_s), now.trust, epoch, seq, signer, person)

    async def _answer(self, claim: int | None, made: Made) -> None:
        """The claim is being answered. Who was first to take it keeps it: the bulletin stands."""
        if claim is not None:
            now = self._estimate().unix_s
            with contextlib.suppress(Refused):
                take = partial(claims.take, claim=claim, bulletin=made.seq, now=now)
                await self._db.write(take)

    async def _accept(self, document: AnyDocument, via: Via) -> Made:
        accepted = await self._intake.accept(records.of_document(document), via)
        return Made(accepted.seq, document, accepted.fresh)


def unsigned_of(draft: Draft, stamp: Stamp, demo: bool) -> Bulletin:
    """The draft with nothing but number, time and signature missing."""
    dossier = draft.dossier
    return Bulletin(
        form=draft.form,
        demo=demo,
        verdict=draft.verdict,
        hoax_type=draft.hoax_type,
        topic=draft.topic,
        sources=len(dossier.sources) if dossier else 0,
        primary=dossier.primary if dossier else 0,
        area=draft.area,
        expires_6h=draft.expires_6h,
        number=0,
        about=draft.about[:ABOUT_BYTES],
        dossier=dossier.hash if dossier else b"",
        stamp=stamp,
        text=draft.text,
    )
