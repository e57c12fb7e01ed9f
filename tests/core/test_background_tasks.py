"""Tasks that a service starts in the background, and what is heard of those that fail."""

from __future__ import annotations

import asyncio
import logging

import pytest

from livewall.background_tasks import BackgroundTasks

LOG = logging.getLogger("livewall.test")


def test_an_error_that_nobody_waits_for_is_logged(expected_logs: list[str], caplog: pytest.LogCaptureFixture) -> None:
    expected_logs.append("the work failed")

    async def fail() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        tasks = BackgroundTasks(LOG, "the work failed")
        tasks.spawn(fail())
        assert tasks
        await asyncio.wait(tasks)
        assert not tasks

    asyncio.run(work())
    [record] = caplog.records
    assert record.getMessage() == "the work failed" and record.exc_info is not None


def test_a_task_that_is_cancelled_is_no_failure() -> None:
    async def work() -> None:
        tasks = BackgroundTasks(LOG, "the work failed")
        tasks.spawn(asyncio.Event().wait())  # type: ignore[arg-type]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not tasks

    asyncio.run(work())
