"""Wait for a condition instead of sleeping for luck."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], T | Awaitable[T]], limit_s: float = 20.0) -> T:
    """The first true value of `condition`; fails after `limit_s` real seconds with the last one."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit_s} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(0.02)
