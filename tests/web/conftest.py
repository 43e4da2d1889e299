"""A village web on a real database, without a radio: what the tests of this floor start from."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kimnode.clock import Clock
from kimnode.config import Config
from kimnode.intake import Intake
from kimnode.metrics import Metrics
from kimnode.record import Notice, RadioState
from kimnode.store.db import Database, Signal
from kimnode.web.app import Bounds, Site, create_app


@dataclass
class Village:
    """A Site whose radio says what the test wants."""

    db: Database
    clock: Clock
    metrics: Metrics = field(default_factory=Metrics)
    radio: RadioState = RadioState.UP
    wait: float = 170.0
    bounds: Bounds = field(default_factory=Bounds)
    config: Config = field(
        default_factory=lambda: Config(radio="tcp:127.0.0.1:4403", name="Pos Sukamaju")
    )
    noticed: Signal = field(default_factory=Signal)

    def __post_init__(self) -> None:
        self.intake = Intake(self.db, self.clock, self.metrics)

    def notice(self) -> Notice:
        since = 1_800_000_000 - 3600.0
        return Notice(self.radio, since, "", 0, 120.0, 36_000.0, 14, 3)

    @property
    def site(self) -> Site:
        return Site(
            config=self.config,
            db=self.db,
            intake=self.intake,
            clock=self.clock,
            metrics=self.metrics,
            notice=self.notice,
            noticed=self.noticed,
            wait_s=lambda _size: self.wait,
            price_s=lambda size: 0.3 + 0.004 * size,
            bounds=self.bounds,
        )


@pytest.fixture
def village(db: Database, clock: Clock) -> Village:
    return Village(db, clock)


NewPhone = Callable[[], TestClient]


@pytest.fixture
async def server(village: Village) -> AsyncIterator[TestServer]:
    server = TestServer(create_app(village.site))
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def phone(server: TestServer) -> AsyncIterator[TestClient]:
    """A phone with a cookie jar of its own."""
    async with TestClient(server) as client:
        yield client
