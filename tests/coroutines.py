"""Tests that are coroutines. They run on the loop of their fixtures, and one that hangs fails with where it waits."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

SHARE = 0.8
"""Share of a test's time limit after which a coroutine is cancelled. The exception then shows what it awaited, where
pytest-timeout, which comes later and knows nothing of coroutines, could only show the event loop."""


def time_limit(item: pytest.Item) -> float:
    """Return the seconds that pytest-timeout allows a test."""
    marker = item.get_closest_marker("timeout")
    if marker is not None:
        return float(marker.args[0])
    return float(item.config.getoption("timeout") or item.config.getini("timeout"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def run() -> None:
        async with asyncio.timeout(SHARE * time_limit(pyfuncitem)):
            await pyfuncitem.obj(**arguments)

    loop: IOLoop = pyfuncitem.funcargs.get("io_loop") or IOLoop.current()
    loop.run_sync(run)
    return True


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """A loop that the fixtures of a test share with it. A task that is still pending when the test is over fails it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made = IOLoop.current()
    yield made
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    made.close()
    asyncio.set_event_loop(None)
    assert not left, f"left pending: {left}"
