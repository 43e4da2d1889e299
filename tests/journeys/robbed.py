"""A robbed village: what lay on its disk, the other post that looks on, the thief and his radio."""

from collections.abc import Sequence
from dataclasses import dataclass

from kimnode.radio.messages import BROADCAST
from kimnode.radio.sim.village import SimVillage
from kimnode.record import Kind, Via
from kimnode.wire import air
from kimnode.wire.air import PORT
from kimnode.wire.codes import Mode
from kimnode.wire.documents import AnyDocument, Bulletin, Vote
from tests.journeys import desks, thief
from tests.journeys.desks import draft
from tests.journeys.posts import Post
from tests.journeys.thief import FALSE, Loot
from tests.rules.trust_samples import V1, V2, V3, V4

HEARD = "kimnode_exchange_heard_total"


@dataclass(frozen=True)
class Scene:
    """`loot`: a copy of the stolen disk. `watcher`: the other post. `true`: verified there."""

    loot: Loot
    watcher: Post
    true: Bulletin

    async def nothing_false_is_verified(self) -> None:
        """On the board, on each bulletin's own page, and in the tables."""
        for card in await self.watcher.cards():
            if card.badge == "verified":
                assert f'id="b{self.true.id.hex()[:16]}"' in card.html
                assert FALSE not in card.html
        for (found,) in self.watcher.rows("SELECT id FROM bulletin"):
            if found != self.true.id:
                page = await self.watcher.page(f"buletin/{found.hex()[:16]}")
                assert "b-verified" not in page.split("</article>")[0]
        rows = self.watcher.rows("SELECT id FROM bulletin WHERE state = 'verified'")
        assert rows == [(self.true.id,)]
        assert await self.watcher.badge(self.true) == "verified"


async def live_a_little(post: Post) -> None:
    """What the volunteers of Karataun did while their post was theirs."""
    for text, author in (
        (thief.APPROVED, V1), (thief.NEVER_APPROVED, V1), (thief.REFUSED, V2),
    ):  # fmt: skip
        made = await desks.write(post, draft(text), author)
        if text == thief.APPROVED:
            await desks.vote(post, Kind.APPROVAL, made.id, V3)
        if text == thief.REFUSED:
            await desks.vote(post, Kind.REJECTION, made.id, V3)
    await desks.vote(post, Kind.SUSPENSION, V2.radio, V4)
    radio = await post.site.attestor.bulletin(draft("Pasar besok tetap buka."), V2.radio)
    await post.site.attestor.vote(Kind.APPROVAL, radio.document.id, V3.radio)


async def tell_the_truth(watcher: Post, loot: Loot) -> Bulletin:
    true = loot.bulletin(thief.APPROVED)
    direct = [
        vote
        for vote in loot.votes(Kind.APPROVAL)
        if vote.subject == true.id and vote.stamp.mode is Mode.DIRECT
    ]
    assert len(direct) == 1
    for document in (true, *direct):
        assert await watcher.enter(document, Via.UPLINK) is None
    assert await watcher.badge(true) == "verified"
    return true


class Thief:
    """The stolen post's own radio, with whatever packets the thief wants to send."""

    def __init__(self, village: SimVillage, watcher: Post) -> None:
        self._radio = village.device("Pos Karataun")
        self._clock = village.clock
        self._watcher = watcher

    async def send(self, *documents: AnyDocument) -> None:
        """One by one, and as often as it takes until the other post has heard each."""
        for packet in packets_of(documents):
            before = await self._heard()
            for _ in range(5):
                await self.say(packet)
                if await self._heard() > before:
                    break
            else:
                raise AssertionError("the other post hears nothing")

    async def say(self, packet: bytes) -> None:
        """Whatever it is, once, whoever hears it."""
        sent = self._radio.board.new_packet(BROADCAST, PORT, packet)
        self._radio.firmware.service.send_to_mesh(sent)
        await self._clock.sleep(12)

    async def _heard(self) -> float:
        lines = (await self._watcher.metrics()).splitlines()
        return sum(float(one.split()[-1]) for one in lines if one.startswith(HEARD))


def packets_of(documents: Sequence[AnyDocument]) -> list[bytes]:
    """Each alone, and every bulletin together with each approval of it."""
    packets = [air.pack(one) for one in documents]
    for one in documents:
        if isinstance(one, Bulletin):
            votes = [vote for vote in documents if isinstance(vote, Vote)]
            about = [vote for vote in votes if (vote.kind, vote.subject) == (Kind.APPROVAL, one.id)]
            packets += [air.pack_pair(one, vote) for vote in about]
    return [packet for packet in packets if len(packet) <= air.MAX_PACKET_BYTES]
