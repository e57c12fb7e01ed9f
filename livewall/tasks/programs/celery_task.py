"""The program of steps of kind `celery`: send a task to the workers of a Celery app, and follow it to its end.

The task's id is stored before the task is sent, and the task is followed by it, so a kill at any time never sends the
task twice. What is known of it comes from the result backend; workers need not send events. The addresses of broker
and backend may hold passwords: no text of an error of theirs is ever printed.
"""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from livewall.settings import environment_with
from livewall.tasks.programs import StepFailed, say, write_outputs
from livewall.tasks.programs.celery_record import Record
from livewall.tasks.programs.reporting import Progress
from livewall.tasks.supervisor.folder import INPUT_VARIABLE

POLL_SECONDS = 0.25
LONGEST_PAUSE = 2.0
"""The longest time in seconds between two attempts to reach the broker or the backend."""
SEARCH_SECONDS = 3.0
"""How long a task is looked for of which nobody knows whether it was sent."""
QUIET_SECONDS = 30.0
"""Seconds after which the log says that no worker has taken the task."""
CONNECT_SECONDS = 5.0
MAX_RESULT = 10_000
"""The number of characters of a result that the log shows."""
MAX_OUTPUT = 4_000
"""The number of characters of a result that become an output."""
INSTALL = "Celery is not installed where Livewall runs: install its extra celery, as in pip install '.[celery]'"
UNCLEAR = (
    "nobody knows whether the task was sent: neither the backend nor a worker has heard of it. Look whether it has run,"
    " and retry to send a new one"
)
_UNREADABLE = frozenset({"ContentDisallowed", "DecodeError", "SerializerNotInstalled"})
ENDS = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


class Cancelled(BaseException):
    """The step is cancelled. Not an Exception, so that no retry of a library catches it."""


def run(given: dict[str, Any]) -> None:
    """Send the task, unless an earlier attempt has, and follow it. Raises StepFailed."""
    attempt = Path(environment_with(INPUT_VARIABLE)[INPUT_VARIABLE]).parent
    workers = Workers(given)
    record = Record(attempt, Path.cwd().parent)
    signal.signal(signal.SIGTERM, _cancel)
    try:
        if record.found.ended == "SUCCESS":
            say(f"an earlier attempt was killed when its task {record.found.id} had succeeded: {record.found.result}")
            write_outputs({"id": record.found.id, "result": record.found.result})
            return
        if not record.found.id or record.found.ended or not workers.may_still_run(record):
            record.choose(str(uuid.uuid4()), given["task"])
            workers.send(record)
        follow(workers, record)
    except Cancelled:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if record.found.id and not record.found.ended:
            workers.revoke(record)
            record.end("CANCELLED")
        raise SystemExit(1) from None


def _cancel(*_: object) -> None:
    raise Cancelled


class Workers:
    """The broker and the result backend of the workers. Raises StepFailed if their addresses are missing or wrong."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        try:
            from celery import Celery
        except ModuleNotFoundError:
            raise StepFailed(INSTALL) from None
        self._given = given
        self._supervisor = os.getppid()
        broker, backend = (_address(given[key]) for key in ("broker", "backend"))
        self._app = Celery("livewall", broker=broker, backend=backend, set_as_current=False)
        self._app.conf.update(
            broker_connection_timeout=CONNECT_SECONDS,
            redis_socket_connect_timeout=CONNECT_SECONDS,
            redis_socket_timeout=4 * CONNECT_SECONDS,
            # A broker of AMQP confirms what it has stored; without this a message may vanish with the connection.
            broker_transport_options={"confirm_publish": True} if broker.startswith(("amqp", "pyamqp")) else {},
        )
        try:
            self._backend = self._app.backend
            self._app.connection_for_write()
        except Exception as error:
            raise StepFailed(f"the address of the broker or of the backend is not valid ({_name(error)})") from None
        if type(self._backend).__name__ == "DisabledBackend":
            raise StepFailed("the address of the result backend is not valid")

    def send(self, record: Record) -> None:
        """Send the task once, as soon as the broker can be reached."""
        given = self._given
        with self._app.connection_for_write() as connection:

            def connect() -> None:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_SECONDS)

            _until_done(connect, "the broker")
            if os.getppid() != self._supervisor:
                raise SystemExit(1)  # the attempt is lost, and another one may have taken its place
            try:
                self._app.send_task(
                    given["task"],
                    given["args"],
                    given["kwargs"],
                    task_id=record.found.id,
                    queue=given["queue"],
                    connection=connection,
                    retry=False,
                )
            except Exception as error:
                say(f"the broker could not be told: {_name(error)}; looking for the task")
                if not self._found(record.found.id, SEARCH_SECONDS):
                    record.note_unclear()
                    raise StepFailed(UNCLEAR) from None
        record.confirm()
        queue = f", queue {given['queue']}" if given["queue"] else ""
        say(f"sent {given['task']} as {record.found.id}{queue}")

    def meta(self, id: str) -> dict[str, Any]:
        """Return what the backend knows of a task, once it can be reached."""
        found: dict[str, Any] = _until_done(lambda: self._backend.get_task_meta(id, cache=False), "the result backend")
        return found

    def may_still_run(self, record: Record) -> bool:
        """Return whether the task of an earlier attempt is to be followed. Otherwise a new one has to be sent.

        Raises StepFailed if nobody knows whether it was sent: then a person has to look.
        """
        id = record.found.id
        say(f"an earlier attempt did not see the end of its task {id}; looking for it")
        state = self.meta(id)["status"]
        if state in ("FAILURE", "REVOKED"):
            say(f"it has ended: {state}")
            return False
        if record.found.sent or state != "PENDING":
            return True
        if self._found(id, 0 if record.found.unclear_in else SEARCH_SECONDS):
            return True
        if record.found.unclear_in not in ("", record.livewall_task):
            say("nothing is known of it, and somebody has decided to retry; a new task is sent")
            return False
        record.note_unclear()
        raise StepFailed(UNCLEAR)

    def _found(self, id: str, seconds: float) -> bool:
        """Return whether the backend or a worker knows of a task, after looking for so long."""
        until = time.monotonic() + seconds
        while True:
            if self.meta(id)["status"] != "PENDING":
                return True
            try:
                answers = self._app.control.inspect(timeout=1.0).query_task(id) or {}
            except Exception:
                answers = {}
            if any(id in tasks for tasks in answers.values()):
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(POLL_SECONDS)

    def revoke(self, record: Record) -> None:
        """Ask the workers not to run the task, or with `terminate` to end the process that runs it."""
        terminate = self._given["terminate"]
        try:
            self._app.control.revoke(record.found.id, terminate=terminate, signal="SIGTERM")
        except Exception as error:
            say(f"the task {record.found.id} could not be revoked: {_name(error)}")
            return
        if terminate:
            say(f"revoked {record.found.id}, and asked its worker to terminate it")
        else:
            say(f"revoked {record.found.id}; if it runs already, it goes on to its end (terminate = true would end it)")


def follow(workers: Workers, record: Record) -> None:
    """Follow a task to its end. Raises StepFailed if it failed."""
    progress = Progress()
    shown = Shown(progress)
    begun, reminded = time.monotonic(), False
    while True:
        meta = workers.meta(record.found.id)
        if meta["status"] in ENDS:
            break
        shown.show(meta)
        if not reminded and meta["status"] == "PENDING" and time.monotonic() - begun > QUIET_SECONDS:
            reminded = True
            say("no worker has reported a state yet: it waits in its queue, or runs without task_track_started")
        time.sleep(POLL_SECONDS)
    shown.catch_up(meta)
    progress.close()
    _end(meta, record)


class Shown:
    """What the log and the progress of the step say about the states of a task. A state is said once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: Any = None
        self._retries = 0

    def show(self, meta: Mapping[str, Any]) -> None:
        """Say a state that differs from the one before."""
        state, result = meta["status"], meta.get("result")
        key = (state, str(result), str(meta.get("traceback")), meta.get("retries"))
        if key == self._last or state == "PENDING":
            return
        self._last = key
        match state:
            case "STARTED":
                self.catch_up(meta)
                host = result.get("hostname") if isinstance(result, dict) else None
                say(f"started by {host or 'a worker'}, attempt {self._retries + 1}")
                self._progress.report(0.0, self._attempt("running"))
            case "RETRY":
                self._retries = max(self._retries + 1, (meta.get("retries") or 0) + 1)
                say(f"attempt {self._retries} failed: {_described(result)}; the worker tries again")
                self._progress.report(0.0, self._attempt("waiting to run again"))
            case _:
                self._custom(state, result)

    def catch_up(self, meta: Mapping[str, Any]) -> None:
        """Say how many attempts have failed meanwhile, if the backend tells (`result_extended`)."""
        retries = meta.get("retries") or 0
        if retries > self._retries:
            self._retries = retries
            say(f"it was tried again: {retries} {'attempt' if retries == 1 else 'attempts'} failed so far")

    def _attempt(self, words: str) -> str:
        return f"{words}, attempt {self._retries + 1}" if self._retries else words

    def _custom(self, state: str, result: Any) -> None:
        """Show a state that the task sets itself (`update_state`); `current` and `total` in it are the progress."""
        say(f"{state}: {_as_json(result, MAX_RESULT)}")
        if isinstance(result, dict):
            current, total = result.get("current"), result.get("total")
            if isinstance(current, int | float) and isinstance(total, int | float) and total > 0:
                self._progress.report(min(1.0, max(0.0, current / total)), f"{current:g} of {total:g}")


def _end(meta: Mapping[str, Any], record: Record) -> None:
    """Say how a task has ended. Raises StepFailed unless it succeeded; the reason holds no value."""
    result = meta.get("result")
    if meta["status"] == "SUCCESS":
        say(f"succeeded: {_as_json(result, MAX_RESULT)}")
        shown = _as_json(result, MAX_OUTPUT)
        write_outputs({"id": record.found.id, "result": shown})
        record.end("SUCCESS", shown)
        return
    if meta.get("traceback"):
        say(str(meta["traceback"]).rstrip())
    record.end(meta["status"])
    if meta["status"] == "REVOKED":
        say(_described(result))
        raise StepFailed("the task was revoked")
    say(f"failed: {_described(result)}")
    if _name(result) == "NotRegistered":
        raise StepFailed("the workers know no task of this name")
    raise StepFailed(f"the task failed: {_name(result)}")


def _until_done(work: Callable[[], Any], what: str) -> Any:
    """Return the result of `work`, repeated until it succeeds. The log says once that and why it does not."""
    pause, away = POLL_SECONDS, False
    while True:
        try:
            found = work()
        except Exception as error:
            if _name(error) in _UNREADABLE:
                raise StepFailed("the result cannot be read: the app must store results as JSON") from None
            if not away:
                away = True
                say(f"{what} cannot be reached ({_name(error)}); trying again")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if away:
                say(f"{what} can be reached again")
            return found


def _address(variable: str) -> str:
    value = environment_with(variable).get(variable, "")
    if not value:
        raise StepFailed(f"the variable {variable} of the server is empty")
    return value


def _name(error: Any) -> str:
    """Return the name of the class of an exception. Its text may hold values, or an address."""
    return type(error).__name__


def _described(error: Any) -> str:
    """Return an exception of a task as Python would print it, for the log."""
    if isinstance(error, BaseException):
        return f"{_name(error)}: {error}".removesuffix(": ")
    return _as_json(error, MAX_RESULT)


def _as_json(value: Any, most: int) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
