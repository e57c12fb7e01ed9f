"""The rows of tasks and steps, and the events that describe them. SQL only; the rules are in `machine`.

The stream `tasks/ID` has the key `task` and one key for each step. The stream `tasks` has one key for each unfinished
task and for the last hundred that ended. The stream `tasks/ID/logs/NAME` has the key `end`, the length of a step's log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from livewall import wire
from livewall.errors import NotFound
from livewall.hub.position import View
from livewall.store.transaction import Transaction
from livewall.tasks import target_rows, targets
from livewall.tasks.gates import Decision
from livewall.tasks.hosts.units import parts_of
from livewall.tasks.logs.chunks import End
from livewall.tasks.machine import ENDED, Step, StepState, Target, TaskState, WaitsFor, task_state

LISTED_ENDED = 100
"""The number of ended tasks that stay in the stream of the list."""
FORGET_EVERY = 128
"""After so many tasks that left the list, its old deletions are forgotten."""

TASK_FIELDS = (
    "id, pipeline, title, state, reason, retry_of, created_at, started_at, ended_at, eta, started_by, on_failure"
)
_OWN_FIELDS = "owner, cancelled, admitted, root, epoch, params, definition, room"
# Hundreds of steps are read whenever one ends, so states and decoders are looked up, not constructed.
_STATES = {state.value: state for state in StepState}
_names = msgspec.json.Decoder(list[str])
_waits_for = msgspec.json.Decoder(WaitsFor)
STEP_FIELDS = "name, needs, state, reason, attempt, progress, message, started_at, ended_at, eta, waits_for"
_READ_FIELDS = f"{STEP_FIELDS}, paused_by"


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a failed task asks, as it is sent to readers: a `poll`, which closes at `until`, and what came of it.

    It is `starting` from the end of a poll that passed until the other pipeline was started as the task `started`. It
    is `over` if nothing is started; then `reason` says why.
    """

    state: Literal["open", "starting", "started", "over"]
    reason: str = ""
    poll: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    started: str | UnsetType = UNSET


class Task(msgspec.Struct, kw_only=True):
    """A task, as it is sent to readers."""

    id: str
    pipeline: str | None
    title: str
    state: TaskState
    reason: str = ""
    retry_of: str | None = None
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    eta: str | None = None
    started_by: str
    on_failure: FollowUp | UnsetType = UNSET


_follow_up = msgspec.json.Decoder(FollowUp)


class Place(IntEnum):
    """Whether a task has one of the places of the server's `--workers`, as the column `admitted` has it."""

    QUEUED = 0
    """It waits for its turn: to begin, or to go on after a decision."""
    TAKEN = 1
    GIVEN_BACK = 2
    """It waits for decisions, and for nothing else."""


class TaskRow(NamedTuple):
    """A task with the fields that readers do not get.

    These are its owner's credential, whether it is cancelled, its place, the first task of its chain of retries, the
    room that is told of it and, for a task that runs here, the epoch in which it began, its parameters and its
    definition as JSON.
    """

    task: Task
    owner: str
    cancelled: bool
    place: Place
    root: str
    epoch: str | None = None
    params: str | None = None
    definition: str | None = None
    room: str | None = None

    @property
    def local(self) -> bool:
        """Whether its steps run on this server."""
        return self.definition is not None


class Owner(msgspec.Struct, omit_defaults=True):
    """The state that the rule of a stream reads besides `stage`: the owner, and whether the stream is a log."""

    credential: str
    log: bool = False


def stream_of(task: str) -> str:
    return f"tasks/{task}"


def log_stream(task: str, step: str) -> str:
    return f"tasks/{task}/logs/{step}"


# -- reading


def find(db: Any, task_id: str) -> TaskRow:
    """Return a task. Raises NotFound."""
    row = db.execute(f"SELECT {TASK_FIELDS}, {_OWN_FIELDS} FROM tasks WHERE id = :id", {"id": task_id}).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no task {task_id[:80]}")
    owner, cancelled, place, root, *last_fields = row[12:]
    return TaskRow(task(row), owner, bool(cancelled), Place(place), root or task_id, *last_fields)


def is_told(db: Any, task_id: str) -> bool:
    """Return whether a room is told what becomes of a task."""
    return db.execute("SELECT 1 FROM tasks WHERE id = :id AND room IS NOT NULL", {"id": task_id}).fetchone() is not None


def task(row: Sequence[Any]) -> Task:
    return Task(
        id=row[0],
        pipeline=row[1],
        title=row[2],
        state=TaskState(row[3]),
        reason=row[4],
        retry_of=row[5],
        created_at=row[6],
        started_at=row[7],
        ended_at=row[8],
        eta=row[9],
        started_by=row[10],
        on_failure=UNSET if row[11] is None else _follow_up.decode(row[11]),
    )


def steps(db: Any, task_id: str) -> list[Step]:
    """Return the steps of a task, in its order."""
    rows = db.execute(f"SELECT {_READ_FIELDS} FROM steps WHERE task = :task ORDER BY place", {"task": task_id})
    found = [_step(row) for row in rows]
    on_hosts = target_rows.of_task(db, task_id)
    for step in found if on_hosts else ():
        step.targets = on_hosts.get(step.name, [])
    return found


def step(db: Any, task_id: str, name: str) -> Step:
    """Return one step of a task. Raises NotFound."""
    row = db.execute(
        f"SELECT {_READ_FIELDS} FROM steps WHERE task = :task AND name = :name", {"task": task_id, "name": name}
    ).fetchone()
    if row is None:
        raise NotFound("not_found", f"task {task_id[:80]} has no step {name[:80]}")
    found = _step(row)
    found.targets = target_rows.of_step(db, task_id, name)
    return found


def target(step: Step, host: str) -> Target:
    """Return a target of a step. Raises NotFound."""
    for target in step.targets:
        if target.host == host:
            return target
    raise NotFound("not_found", f"the step {step.name} does not run on a host {host[:80]}")


def check_unit(db: Any, task_id: str, unit: str) -> None:
    """Raise NotFound unless there is such a step of a task, on a host if the name of the unit has one."""
    name, host = parts_of(unit)
    found = step(db, task_id, name)
    if host is not None:
        target(found, host)


def control(db: Any, task_id: str, name: str) -> targets.Control:
    """Return what operators asked of a step with hosts."""
    row = db.execute(
        "SELECT paused_by, aborted_by FROM steps WHERE task = :task AND name = :name", {"task": task_id, "name": name}
    ).fetchone()
    return targets.Control(*row)


def save_control(tx: Transaction, task_id: str, name: str, asked: targets.Control) -> None:
    tx.execute(
        "UPDATE steps SET paused_by = :paused_by, aborted_by = :aborted_by WHERE task = :task AND name = :name",
        {"paused_by": asked.paused_by, "aborted_by": asked.aborted_by, "task": task_id, "name": name},
    )


def _step(row: Sequence[Any]) -> Step:
    return Step(
        name=row[0],
        needs=_names.decode(row[1]),
        state=_STATES[row[2]],
        reason=row[3],
        attempt=row[4],
        progress=row[5],
        message=row[6],
        started_at=row[7],
        ended_at=row[8],
        eta=row[9],
        waits_for=UNSET if row[10] is None else _waits_for.decode(row[10]),
        paused=UNSET if row[11] is None or row[2] in ENDED else True,
    )


def with_follow_up(db: Any, state: str, poll: str | None = None) -> list[str]:
    """Return the ids of the tasks whose follow-up has this state, and this poll if one is given."""
    found = db.execute(
        """SELECT id FROM tasks WHERE on_failure IS NOT NULL AND json_extract(on_failure, '$.state') = :state
        AND (:poll IS NULL OR json_extract(on_failure, '$.poll') = :poll) ORDER BY number""",
        {"state": state, "poll": poll},
    )
    return [task_id for (task_id,) in found.fetchall()]


def outputs(db: Any, task_id: str) -> dict[str, dict[str, str]]:
    """Return the outputs of the steps of a task, by step."""
    rows = db.execute("SELECT name, outputs FROM steps WHERE task = :task AND outputs <> '{}'", {"task": task_id})
    return {name: msgspec.json.decode(text, type=dict[str, str]) for name, text in rows}


def previous_outputs(db: Any, pipeline: str, step: str) -> dict[str, str]:
    """Return the outputs of a step in the last task of a pipeline that succeeded; nothing if there is none."""
    row = db.execute(
        """SELECT outputs FROM steps WHERE name = :step AND task = (SELECT id FROM tasks
        WHERE state = 'succeeded' AND pipeline = :pipeline AND definition IS NOT NULL ORDER BY number DESC LIMIT 1)""",
        {"pipeline": pipeline, "step": step},
    ).fetchone()
    return msgspec.json.decode(row[0], type=dict[str, str]) if row else {}


def with_outputs(db: Any) -> set[str]:
    """Return the ids of the tasks whose steps have outputs."""
    return {task_id for (task_id,) in db.execute("SELECT DISTINCT task FROM steps WHERE outputs <> '{}'")}


def forget_outputs(tx: Transaction, task_id: str) -> None:
    tx.execute("UPDATE steps SET outputs = '{}' WHERE task = :task AND outputs <> '{}'", {"task": task_id})


def decision(db: Any, task_id: str, name: str) -> Decision | None:
    """Return the decision of a gate, or None."""
    row = db.execute(
        "SELECT decision FROM steps WHERE task = :task AND name = :name", {"task": task_id, "name": name}
    ).fetchone()
    return None if row is None or row[0] is None else msgspec.json.decode(row[0], type=Decision)


def save_decision(tx: Transaction, task_id: str, name: str, made: Decision) -> None:
    tx.execute(
        "UPDATE steps SET decision = :decision WHERE task = :task AND name = :name",
        {"decision": wire.text(made), "task": task_id, "name": name},
    )


def asked_polls(db: Any, task_id: str) -> set[str]:
    """Return the polls that the gates of a task have asked."""
    found = db.execute("SELECT asked FROM steps WHERE task = :task AND asked IS NOT NULL", {"task": task_id})
    return {poll for (poll,) in found.fetchall()}


def save_asked(tx: Transaction, task_id: str, name: str, poll: str) -> None:
    tx.execute(
        "UPDATE steps SET asked = :poll WHERE task = :task AND name = :name",
        {"poll": poll, "task": task_id, "name": name},
    )


# -- writing


def free_id(tx: Transaction) -> tuple[int, str]:
    """Return the next number, and a free id near it: programs may have taken such ids for their tasks."""
    number: int = tx.one("SELECT COALESCE(MAX(number), 0) + 1 FROM tasks", {})[0]
    task_id = number
    while tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": str(task_id)}):
        task_id += 1
    return number, str(task_id)


def insert(tx: Transaction, row: TaskRow, number: int, steps: Iterable[Step]) -> None:
    """Insert a task with its steps, and append the first events of its streams."""
    task = row.task
    values = _task_values(task) | {
        "number": number,
        "owner": row.owner,
        "admitted": int(row.place),
        "root": row.root,
        "epoch": row.epoch,
        "params": row.params,
        "definition": row.definition,
        "room": row.room,
    }
    tx.execute(
        f"""INSERT INTO tasks (number, cancelled, {TASK_FIELDS}, owner, admitted, root, epoch, params, definition, room)
        VALUES (:number, 0, :id, :pipeline, :title, :state, :reason, :retry_of, :created_at, :started_at, :ended_at,
            :eta, :started_by, :on_failure, :owner, :admitted, :root, :epoch, :params, :definition, :room)""",
        values,
    )
    tx.append(stream_of(task.id), "owner", wire.text(Owner(row.owner)), view=View.NONE)
    append_task_events(tx, task)
    for index, step in enumerate(steps):
        tx.execute(
            f"""INSERT INTO steps (task, place, {STEP_FIELDS})
            VALUES (:task, :place, :name, :needs, :state, :reason, :attempt, :progress, :message, :started_at,
                :ended_at, :eta, :waits_for)""",
            _values(task.id, step) | {"place": index, "needs": wire.text(step.needs)},
        )
        target_rows.insert(tx, task.id, step.name, step.targets)
        tx.append(stream_of(task.id), f"step/{step.name}", wire.text(step), view=View.FULL)


def _task_values(task: Task) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(task)
    return values | {"on_failure": None if task.on_failure is UNSET else wire.text(task.on_failure)}


def _values(task: str, step: Step) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(step) | {"task": task}
    for field in ("needs", "targets", "paused"):
        values.pop(field, None)
    values["waits_for"] = None if step.waits_for is UNSET else wire.text(step.waits_for)
    return values


def save_step(tx: Transaction, task: str, step: Step) -> None:
    """Write a step, and append its event. The targets of a step that has ended without them end with it."""
    if step.targets and step.state in ENDED:
        before, step = step.targets, targets.closed(step, step.ended_at or "")
        target_rows.save_changed(tx, task, step.name, before, step.targets)
    tx.execute(
        """UPDATE steps SET state = :state, reason = :reason, attempt = :attempt, progress = :progress,
            message = :message, started_at = :started_at, ended_at = :ended_at, eta = :eta, waits_for = :waits_for
        WHERE task = :task AND name = :name""",
        _values(task, step),
    )
    tx.append(stream_of(task), f"step/{step.name}", wire.text(step), view=View.FULL)


def save_task(tx: Transaction, task: Task) -> None:
    """Write a task, and append its events."""
    tx.execute(
        """UPDATE tasks SET state = :state, reason = :reason, started_at = :started_at, ended_at = :ended_at,
            eta = :eta, on_failure = :on_failure
        WHERE id = :id""",
        _task_values(task),
    )
    append_task_events(tx, task)


def save_place(tx: Transaction, task_id: str, place: Place) -> None:
    tx.execute("UPDATE tasks SET admitted = :place WHERE id = :id", {"place": int(place), "id": task_id})


def places_taken(tx: Transaction) -> int:
    """Return how many of the tasks that run here have a place."""
    count: int = tx.one(
        "SELECT COUNT(*) FROM tasks WHERE ended_at IS NULL AND admitted = :place AND definition IS NOT NULL",
        {"place": int(Place.TAKEN)},
    )[0]
    return count


def update_task(
    tx: Transaction, row: TaskRow, steps: Sequence[Step], now: str, *, eta: str | None = None, turn: str = ""
) -> Task:
    """Set the state of a task from its steps, and write it if it has changed; return the task.

    `turn` is the reason of a task that waits for its turn after a decision.
    """
    task = row.task
    state = TaskState.WAITING if turn else task_state((s.state for s in steps), cancelled=row.cancelled)
    ended = all(s.state in ENDED for s in steps)
    changed = msgspec.structs.replace(
        task,
        state=state,
        reason=turn
        or (task.reason if state is task.state and state is not TaskState.WAITING else first_reason(steps, state)),
        started_at=task.started_at or (now if state is not TaskState.PENDING else None),
        ended_at=(task.ended_at or max((s.ended_at for s in steps if s.ended_at), default=now)) if ended else None,
        eta=None if ended else eta or task.eta,
    )
    if changed != task:
        save_task(tx, changed)
    return changed


def correct_future_times(tx: Transaction, now: str) -> None:
    """Replace start times that lie in the future by `now`, when a server starts.

    The clock of the machine was set back meanwhile. The end of a step corrects its times from the measured duration.
    """
    for (task_id,) in tx.all("SELECT id FROM tasks WHERE ended_at IS NULL"):
        for step in steps(tx, task_id):
            if step.ended_at is None and step.started_at is not None and step.started_at > now:
                save_step(tx, task_id, msgspec.structs.replace(step, started_at=now))
        task = find(tx, task_id).task
        if task.started_at is not None and task.started_at > now:
            save_task(tx, msgspec.structs.replace(task, started_at=now))


def first_reason(steps: Sequence[Step], state: TaskState) -> str:
    """Return why a task failed or is lost: the reason, or else the message, of its first step in that state.

    Of a task that waits for a decision, return for whose.
    """
    if state is TaskState.WAITING:
        return next((f"{step.name}: {step.message}" for step in steps if step.state is StepState.WAITING), "")
    for step in steps:
        if step.state.value == state.value and state in (TaskState.FAILED, TaskState.LOST):
            cause = step.reason or step.message
            return f"{step.name}: {cause}" if cause else step.name
    return ""


def append_task_events(tx: Transaction, task: Task) -> None:
    """Append the event `task` of the task's stream and that of the list, and remove the oldest ended task from the
    list.
    """
    data = wire.text(task)
    tx.append(stream_of(task.id), "task", data, view=View.FULL)
    tx.append("tasks", f"task/{task.id}", data, view=View.FULL)
    if task.ended_at is None:
        return
    first = tx.one(
        "SELECT ended_at, number, id FROM tasks WHERE ended_at IS NOT NULL"
        " ORDER BY ended_at DESC, number DESC LIMIT 1 OFFSET :n",
        {"n": LISTED_ENDED},
    )
    if first is None:
        return
    # One task leaves the list. It is this one if its end lies far back, after a late report or a change of the clock.
    ended, number, task_id = first
    mine = tx.one("SELECT number FROM tasks WHERE id = :id", {"id": task.id})[0]
    unlisted = task.id if (task.ended_at, mine) < (ended, number) else task_id
    tx.append("tasks", f"task/{unlisted}", None, view=View.FULL)
    if number % FORGET_EVERY == 0:
        tx.forget_deletions("tasks")


def begin_log(tx: Transaction, row: TaskRow, step: str) -> None:
    """Create the stream of a step's log, unless it exists."""
    name = log_stream(row.task.id, step)
    if tx.one("SELECT 1 FROM streams WHERE name = :name", {"name": name}):
        return
    tx.append(name, "owner", wire.text(Owner(row.owner, log=True)), view=View.NONE)
    tx.append(name, "end", wire.text(End(0, 0)._asdict()), view=View.FULL)


def publish_log_end(tx: Transaction, task: str, step: str, end: End) -> None:
    """Append the event `end` of a log, if it has changed."""
    stream, data = log_stream(task, step), wire.text(end._asdict())
    published = tx.one("SELECT data FROM latest WHERE stream = :stream AND key = 'end'", {"stream": stream})
    if published is None or published[0] != data:
        tx.append(stream, "end", data, view=View.FULL)
