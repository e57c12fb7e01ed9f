"""Whether requests that are over are freed without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any


async def kept_by_cycles(act: Callable[[], Awaitable[None]], *types: str) -> list[Any]:
    """The objects of these types that are still there after `act` was done some times without a collector."""
    await act()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            await act()
        for _ in range(10):
            await asyncio.sleep(0)
        return [each for each in gc.get_objects() if type(each).__name__ in types]
    finally:
        gc.enable()
