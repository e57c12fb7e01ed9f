"""The client for programs that report their own task, against a real server that is there, comes back, or never was."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from child_server import Server
from children import free_port
from hypothesis import given
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from livewall.client.reporting import Reports
from livewall.client.spool import DiskStorage, Spool
from livewall.client.steps import StepReports
from livewall.client.tasks import Task, outcome

pytest_plugins = ("server_fixtures",)


def task(server: Server, steps: list[str], **more: Any) -> Task:
    return Task("Nightly load", steps, url=server.url, token=server.admin, **more)


def found(server: Server, made: Task) -> Any:
    return server.host("GET", f"/api/tasks/{made.id}")


def until_state(server: Server, made: Task, state: str) -> None:
    until(lambda: server.ask("GET", f"/api/tasks/{made.id}")[1].get("state") == state)


def message_of(server: Server, made: Task) -> str:
    """That of the first step; none where the task is not there yet."""
    status, task = server.ask("GET", f"/api/tasks/{made.id}")
    return str(task["steps"][0]["message"]) if status == 200 else ""


def states(server: Server, made: Task) -> dict[str, str]:
    return {step["name"]: step["state"] for step in found(server, made)["steps"]}


def log_of(server: Server, made: Task, step: str) -> bytes:
    address = f"{server.url}/api/tasks/{made.id}/logs/{step}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {server.admin}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        data: bytes = answer.read()
        return data


def until(fulfilled: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_steps_begin_move_on_and_end(child: Server) -> None:
    with task(child, ["extract", "load:extract"]) as made:
        with made.step("extract") as step:
            step.progress(0.4, "2 of 5 files")
            until_state(child, made, "running")
            until(lambda: found(child, made)["steps"][0]["progress"] == 0.4)
            assert found(child, made)["steps"][0]["message"] == "2 of 5 files"
        with made.step("load") as step:
            step.log("first line\n")
            step.log(b"\xff raw\n")
    assert states(child, made) == {"extract": "succeeded", "load": "succeeded"}
    assert found(child, made)["state"] == "succeeded" and found(child, made)["title"] == "Nightly load"
    assert log_of(child, made, "load") == b"first line\n\xff raw\n"


def test_an_exception_makes_its_step_failed_and_is_raised_on(child: Server) -> None:
    made = task(child, ["extract", "load:extract", "mail"])
    with pytest.raises(RuntimeError, match="disk full"), made, made.step("extract"):
        raise RuntimeError("disk full")
    (extract, load, mail) = found(child, made)["steps"]
    assert (extract["state"], extract["message"]) == ("failed", "RuntimeError: disk full")
    assert load["state"] == "skipped"
    assert (mail["state"], mail["message"]) == ("cancelled", "RuntimeError: disk full")
    assert found(child, made)["state"] == "failed"


def test_steps_that_never_began_are_skipped(child: Server) -> None:
    with task(child, ["a", "b"]) as made, made.step("a"):
        pass
    assert states(child, made) == {"a": "succeeded", "b": "skipped"}
    assert found(child, made)["state"] == "succeeded"


def test_whoever_sees_that_a_cancel_was_asked_ends_cancelled(child: Server) -> None:
    with task(child, ["a", "b:a"]) as made, made.step("a"):
        until_state(child, made, "running")
        child.host("POST", f"/api/tasks/{made.id}/cancel", {})
        until(lambda: made.cancelled)
    assert states(child, made) == {"a": "cancelled", "b": "cancelled"}
    assert found(child, made)["state"] == "cancelled"


def test_a_step_may_be_left_and_entered_by_a_coroutine(child: Server) -> None:
    async def work() -> Task:
        async with task(child, ["a", "b:a"]) as made:
            async with made.step("a") as step:
                step.log("one")
            with made.step("b"):
                pass
        return made

    made = asyncio.run(work())
    assert states(child, made) == {"a": "succeeded", "b": "succeeded"} and log_of(child, made, "a") == b"one"


def test_a_step_that_was_asked_for_and_never_entered_ends_with_the_task(child: Server) -> None:
    with pytest.raises(ZeroDivisionError), task(child, ["a", "b"]) as made:
        made.step("a")
        raise ZeroDivisionError
    assert states(child, made) == {"a": "cancelled", "b": "cancelled"}


def test_a_step_keeps_its_lease_while_it_says_nothing(child: Server) -> None:
    with task(child, ["a"], lease=1.0) as made, made.step("a"):
        until_state(child, made, "running")
        child.outlive_lease(1.0)
        assert states(child, made) == {"a": "running"}
    assert states(child, made) == {"a": "succeeded"}


def test_a_task_keeps_its_lease_before_the_first_step_and_between_two(child: Server) -> None:
    with task(child, ["a", "b:a"], lease=1.0) as made:
        child.outlive_lease(1.0)
        assert states(child, made) == {"a": "pending", "b": "pending"}
        with made.step("a"):
            pass
        until(lambda: states(child, made)["a"] == "succeeded")
        child.outlive_lease(1.0)
        assert states(child, made) == {"a": "succeeded", "b": "pending"}
        with made.step("b"):
            pass
    assert found(child, made)["state"] == "succeeded"


def test_a_step_that_prints_without_end_does_not_cost_another_its_lease(
    child: Server, expected_logs: list[str]
) -> None:
    expected_logs.append("bytes in the middle of its log could not be kept")
    with task(child, ["a", "b"], lease=2.0, flush=30) as made, made.step("a"), made.step("b") as step:
        until_state(child, made, "running")
        outlived = threading.Thread(target=child.outlive_lease, args=(2.0,))
        outlived.start()
        while outlived.is_alive():
            step.log(b"x" * 1023 + b"\n")
        assert states(child, made) == {"a": "running", "b": "running"}
    assert states(child, made) == {"a": "succeeded", "b": "succeeded"}


def test_many_reports_become_few(child: Server) -> None:
    with task(child, ["a"]) as made, made.step("a") as step:
        for number in range(20_000):
            step.progress(number / 20_000, f"file {number}")
        until(lambda: message_of(child, made) == "file 19999")
    with_events = child.host("GET", f"/updates/tasks/{made.id}?wait=0")["events"]
    assert int(with_events[-1]["pos"].rpartition(".")[2]) < 40
    assert found(child, made)["steps"][0]["message"] == ""


@pytest.mark.parametrize(("error", "message"), [(None, ""), (RuntimeError("disk full"), "RuntimeError: disk full")])
def test_what_was_said_last_and_not_sent_is_no_message_of_a_success(error: Exception | None, message: str) -> None:
    step = StepReports("a")
    step.update(None, 0.5, "compiling")
    state, said = outcome(error)
    step.update(state, None, said)
    assert step.fields.get("message", "") == message


def test_a_step_that_ends_while_its_log_is_sent_keeps_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []

    class Listener:
        url = "http://nowhere"

        async def put(self, path: str, body: dict[str, Any]) -> None:
            told.append(body)

    async def ends_meanwhile(server: Any, task: str, step: str, data: bytes, offset: int) -> dict[str, int]:
        reports.end("a", "succeeded", "exit status 0")
        return {"bytes": len(data)}

    monkeypatch.setattr("livewall.client.reporting.append", ends_meanwhile)
    reports = Reports(Listener(), "t", "T", [{"name": "a"}], lease=30.0, new_spool=lambda: Spool(1000))  # type: ignore[arg-type]
    reports.begin("a")
    reports.log("a", b"the last line")
    for _ in range(2):
        asyncio.run(reports._send_step(reports._steps["a"]))
    assert told[-1] == {"state": "succeeded", "message": "exit status 0"}
    assert all("message" not in body for body in told[:-1])


def test_a_killed_server_loses_nothing_and_the_work_does_not_wait(child: Server) -> None:
    lines = [f"line {number}\n" for number in range(3000)]
    starting: threading.Thread | None = None
    with task(child, ["a"], flush=30) as made, made.step("a") as step:
        for number, line in enumerate(lines):
            step.log(line)
            if number in (500, 1500):
                until(lambda: bool(step._reports._steps["a"].offset))
                if starting is not None:
                    starting.join()
                child.kill()
                starting = threading.Thread(target=child.start)
                starting.start()
            if number % 100 == 0:
                time.sleep(0.02)
        step.progress(0.9)
        assert starting is not None
        starting.join()
    assert log_of(child, made, "a").decode() == "".join(lines)
    assert states(child, made) == {"a": "succeeded"}


def test_without_a_server_the_work_goes_on_and_what_was_lost_is_said(expected_logs: list[str]) -> None:
    expected_logs.append("was not reported in full: the task as a whole")
    start = time.monotonic()
    with Task("x", ["a"], url=f"http://127.0.0.1:{free_port()}", flush=0.5) as made, made.step("a") as step:
        for number in range(10_000):
            step.log(f"line {number}\n")
            step.progress(number / 10_000)
    assert time.monotonic() - start < 20, "each line waited for the server"


def test_a_token_that_will_not_do_is_said(child: Server, expected_logs: list[str]) -> None:
    expected_logs += ["refuses the task 'x'", "was not reported in full: the task was refused"]
    with Task("x", ["a"], url=child.url, token="nonsense") as made, made.step("a"):
        pass


def test_log_records_become_lines(child: Server, expected_logs: list[str]) -> None:
    logger = logging.getLogger("nightly")
    logger.setLevel(logging.INFO)
    with task(child, ["a"]) as made, made.step("a") as step:
        handler = step.log_handler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
        for number in range(1000):
            logger.info("record %d", number)
    logger.info("after the end")
    logger.removeHandler(handler)
    assert log_of(child, made, "a").decode() == "".join(f"INFO record {number}\n" for number in range(1000))


def test_an_id_goes_on_with_the_same_task_and_an_ended_one_stays_as_it_is(
    child: Server, expected_logs: list[str]
) -> None:
    child.host("POST", "/api/tasks", {"title": "Nightly load", "steps": [{"name": "a"}], "id": "nightly-7"})
    child.host("PUT", "/api/tasks/nightly-7/steps/a", {"state": "running"})
    with task(child, ["a"], id="nightly-7") as made, made.step("a") as step:
        step.log("one\n")
    assert states(child, made) == {"a": "succeeded"} and log_of(child, made, "a") == b"one\n"
    expected_logs += ["has already ended; choose another id"]
    with task(child, ["a"], id="nightly-7") as made, made.step("a") as step:
        step.log("two\n")
    assert log_of(child, made, "a") == b"one\n"


async def test_an_asyncio_program_is_not_held_up(child: Server, io_loop: IOLoop) -> None:
    longest = 0.0

    async def pulse() -> None:
        nonlocal longest
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - start)

    beating = asyncio.ensure_future(pulse())
    async with task(child, ["a"]) as made:
        with made.step("a") as step:
            for number in range(20):
                step.log(f"{number}\n")
                await asyncio.sleep(0.01)
    beating.cancel()
    assert longest < 1
    assert await asyncio.to_thread(states, child, made) == {"a": "succeeded"}


# Without a server


def test_names_are_checked_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="not a name"):
        Task("x", ["a b"])
    with pytest.raises(ValueError, match="no step"):
        Task("x", ["a"]).step("b")


def test_how_a_step_is_left_says_how_it_ended() -> None:
    assert outcome(None) == ("succeeded", None)
    assert outcome(SystemExit(0)) == ("succeeded", None)
    assert outcome(SystemExit("no"))[0] == "failed"
    assert outcome(KeyboardInterrupt()) == ("cancelled", "ended by SIGINT")
    assert outcome(ValueError("x"), cancelled=True) == ("cancelled", "ValueError: x")
    assert outcome(None, cancelled=True)[0] == "cancelled"


def test_a_step_takes_no_log_after_its_end() -> None:
    made = Task("x", ["a"], url="http://127.0.0.1:9")
    with made.step("a") as step:
        step.log("before")
    step.log("after")
    spool = made._reports._steps["a"].spool
    assert spool is not None and spool.peek(100) == b"before"


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.integers(1, 30)), max_size=40),
    st.sampled_from([8, 20, 64]),
    st.booleans(),
)
def test_a_spool_gives_back_what_it_was_given_or_says_how_much_it_left_out(
    acts: list[bytes | int], size: int, disk: bool
) -> None:
    """Whatever is written and taken: in order, never more than fits, and nothing left out in silence."""
    spool = Spool(size, DiskStorage() if disk else None)
    given_bytes, taken = b"", b""
    for act in acts:
        if isinstance(act, bytes):
            spool.write(act)
            given_bytes += act
        else:
            data = spool.peek(act)
            assert data == spool.peek(act)
            spool.drop(len(data))
            taken += data
    assert len(spool) <= size + 60
    while data := spool.peek(1000):
        spool.drop(len(data))
        taken += data
    if not spool.left_out:
        assert taken == given_bytes
    else:
        said = re.findall("\n\\[… (\\d+) bytes left out …\\]\n".encode(), taken)
        assert sum(map(int, said)) == spool.left_out
        assert len(taken) == len(given_bytes) - spool.left_out + sum(
            len(f"\n[… {int(count)} bytes left out …]\n".encode()) for count in said
        )


def test_a_disk_that_is_full_leaves_out_and_does_not_fail() -> None:
    class Full:
        def write(self, at: int, data: memoryview) -> None:
            raise OSError("no space left")

        def read(self, at: int, count: int) -> bytes:
            return b""

    spool = Spool(64, Full())
    spool.write(b"12345")
    assert spool.peek(100) == "\n[… 5 bytes left out …]\n".encode()
