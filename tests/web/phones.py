"""A real browser as the villagers' phones, and a node that is stopped and started under them."""

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from kimnode.clock import Clock
from kimnode.rules.limits import Limits, Rate, Rates
from kimnode.store.db import open_database
from kimnode.web.app import create_app
from kimnode.web.site import THIS_MACHINE
from tests.conftest import need
from tests.rules.trust_samples import KARATAUN, Machine
from tests.web.conftest import Village

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
FREE = Rate(burst=10_000, every_s=0.001)
# Limits have tests of their own; these phones write faster than any villager.
RATES = Rates(phone=FREE, phone_sos=FREE, node=FREE)
WAIT_MS = 15_000


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's own Chromium; what it lacks is skipped here and a failure in CI."""
    path = need("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


class Node:
    """The web of one village on one database file and one port; `start` and `stop` as often."""

    def __init__(self, folder: Path, post: Machine = KARATAUN) -> None:
        self._post = post
        self._path = folder / "village.db"
        self._stack: contextlib.AsyncExitStack | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.staff_networks = THIS_MACHINE
        self.village: Village

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        stack = contextlib.AsyncExitStack()
        db = await stack.enter_async_context(open_database(self._path, 1_800_000_000))
        self.village = Village(db, Clock(), staff_networks=self.staff_networks, post=self._post)
        self.village.intake._limits = Limits(RATES)
        runner = web.AppRunner(create_app(self.village.site), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self._stack = stack

    async def stop(self) -> None:
        if self._stack is not None:
            await self._stack.aclose()
            self._stack = None


@contextlib.asynccontextmanager
async def running(folder: Path, post: Machine = KARATAUN) -> AsyncIterator[Node]:
    node = Node(folder, post)
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


class Faults:
    """What the browser complained about."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        page.on("console", lambda line: self._console(line.type, line.text))

    def _console(self, kind: str, text: str) -> None:
        # A node that is down is told in the console, too; that is no fault of the page.
        # Nor is a refusal with a sentence: "the server responded with a status of 429".
        known = ("ERR_CONNECTION", "WebSocket", "responded with a status of")
        if kind == "error" and not any(part in text for part in known):
            self.said.append(f"console: {text}")


@contextlib.asynccontextmanager
async def handset(browser: Browser, **how: object) -> AsyncIterator[tuple[BrowserContext, Faults]]:
    """A phone with storage of its own; fails the test when a page of it made an error."""
    settings = {"viewport": {"width": 360, "height": 640}, "locale": "id-ID", **how}
    context = await browser.new_context(**settings)
    context.set_default_timeout(WAIT_MS)
    faults = Faults()
    context.on("page", faults.watch)
    try:
        yield context, faults
    finally:
        await context.close()
    assert faults.said == []


async def write(page: Page, text: str, nick: str = "") -> None:
    if nick:
        await page.fill("#nick", nick)
    await page.fill("#text", text)
    await page.click("#write [type=submit]")


async def texts(page: Page) -> list[str]:
    """What the room shows, top to bottom."""
    return [t.strip() for t in await page.locator("#list .text").all_inner_texts()]


async def settled(page: Page) -> None:
    """Until the phone has nothing left to send."""
    await page.wait_for_function("() => !document.querySelector('.waiting')")
    await page.wait_for_function("() => (localStorage.getItem('kim.outbox') || '[]') === '[]'")


async def enter(phone: BrowserContext, node: Node, room: str = "umum") -> Page:
    page = await phone.new_page()
    await page.goto(f"{node.url}/r/{room}")
    return page
