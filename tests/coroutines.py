"""Tests that are coroutines. They run on the loop of their fixtures, and one that hangs fails with where it waits."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Awaitable, Callable, Iterator

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

    if "io_loop" in pyfuncitem.funcargs:
        pyfuncitem.funcargs["io_loop"].run_sync(run)
    else:
        run_alone(run)
    return True


def run_alone(run: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine on a loop of its own.

    The clients of such tests speak to other processes and are cut off in the middle: tasks and connections that
    they leave behind are closed here, so that no later test is blamed for them.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made = IOLoop.current()
    try:
        made.run_sync(run)
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        made.close(all_fds=True)
        asyncio.set_event_loop(None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


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
