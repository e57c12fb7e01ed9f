"""The Celery app of the tests. Its tasks note in the file SHOP_NOTES what they do, one line each."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery

import livewall.celery

app = Celery("shop", broker=os.environ["CELERY_BROKER_URL"], backend=os.environ["CELERY_RESULT_BACKEND"])
app.conf.update(
    task_track_started=True,
    result_extended=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_connect_timeout": 5},
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
if os.environ.get("SHOP_REPORTS"):
    livewall.celery.report(app)


def note(line: str) -> None:
    with open(os.environ["SHOP_NOTES"], "a") as file:
        file.write(line + "\n")


@app.task(name="shop.add")
def add(*numbers: Any) -> int:
    note(f"add {numbers}")
    return sum(sum(each) if isinstance(each, list) else each for each in numbers)


@app.task(name="shop.fail")
def fail(*_: Any) -> None:
    note("fail")
    raise ValueError("a value of 4711")


@app.task(name="shop.flaky", bind=True, max_retries=3)
def flaky(self: Any, failures: int) -> str:
    note(f"flaky {self.request.retries}")
    if self.request.retries < failures:
        raise self.retry(exc=OSError("not yet"), countdown=0.2)
    return "at last"


@app.task(name="shop.held", bind=True)
def held(self: Any, gate: str, *_: Any) -> str:
    """Run until the file `gate` appears."""
    note(f"held {self.request.id} {os.getpid()}")
    until = time.monotonic() + 60
    while not Path(gate).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    note(f"let go {self.request.id}")
    return "let go"


@app.task(name="shop.total")
def total(numbers: Any = 0) -> int:
    note(f"total {numbers}")
    return sum(numbers) if isinstance(numbers, list) else numbers


@app.task(name="shop.counted", bind=True)
def counted(self: Any, gate: str) -> None:
    """Report how far it is, and wait for `gate`."""
    self.update_state(state="PROGRESS", meta={"current": 3, "total": 4})
    held(gate)
