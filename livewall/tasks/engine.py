"""What becomes of tasks that run here, decided inside transactions: which step begins, which waits, how a task ends.

Every happening (a start, the end of a command, a cancel, a delay that is over, a restart of the server) is one write
that applies the rules of `machine` and says what is to be done once it is committed. Nothing here starts a process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from livewall import wire
from livewall.clock import later, moment
from livewall.errors import LivewallError, Refused
from livewall.identity import Who
from livewall.store.transaction import Transaction
from livewall.tasks import estimate, rows
from livewall.tasks.attempt_result import Outcome
from livewall.tasks.kinds import RunSpec, Values, kinds
from livewall.tasks.machine import (
    TASK_ENDED,
    Step,
    StepState,
    TaskState,
    cancelled,
    moved,
    ready,
    retried,
    settle,
)
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef
from livewall.tasks.queue import Waiting, turns
from livewall.tasks.rows import Task, TaskRow
from livewall.tasks.template import MissingOutput, when_holds

STEPS_AT_ONCE = 16
"""Steps of one task that run at once; each has a supervisor of some 10 MB."""
MOST_SECONDS = 24 * 3600.0
"""A step without a timeout of its own ends then."""
RESTORED = "the database was restored from a backup; retry the task to start this"
UNMEASURED = 2.0
"""Seconds by which a step may seem to take longer than its command did: its supervisor starts, its log is read."""
REMEMBERED = 20
"""Runs of a step from which its usual time is taken."""


class Begin(NamedTuple):
    """An attempt that is intended: to be begun once this is committed. `log_base` is where its log begins; `inherits`
    says that a step succeeded before it, so that the working folder was there."""

    task: str
    root: str
    step: str
    attempt: int
    run: RunSpec
    timeout: float
    secrets: tuple[str, ...]
    log_base: int
    inherits: bool


class End(NamedTuple):
    """An attempt whose command is to be ended: a cancel was asked for."""

    task: str
    step: str
    attempt: int


class Again(NamedTuple):
    """A step to be tried again after a delay in seconds."""

    task: str
    step: str
    attempt: int
    delay: float


ToDo = list[Begin | End | Again]




def definition_of(row: TaskRow) -> Pipeline:
    assert row.definition is not None
    return msgspec.json.decode(row.definition, type=Pipeline)


class Engine:
    """`workers` tasks run at once; `epoch` is the database's. `prepare(task, step, attempt)` makes the folder of an
    attempt before it is intended, so that one that is missing later was deleted; harmless when repeated."""

    def __init__(self, workers: int, epoch: str, prepare: Callable[[str, str, int], None]) -> None:
        self._workers = workers
        self._epoch = epoch
        self._prepare = prepare

    # -- what people ask for

    def start(
        self, tx: Transaction, pipeline: Pipeline, params: dict[str, Any], task_id: str | None, who: Who, now: str
    ) -> tuple[str, bool, ToDo]:
        """A new task of a pipeline, or the one that was made with this id. Raises Refused (`conflict`)."""
        given = wire.text(params)
        if task_id is not None and tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": task_id}):
            held = rows.find(tx, task_id)
            if held.owner != who.credential or held.task.pipeline != pipeline.name or held.params != given:
                raise Refused("conflict", "this id is taken by another task; choose another")
            return task_id, False, []
        number, free = rows.free_id(tx)
        task = Task(
            id=task_id or free, pipeline=pipeline.name, title=pipeline.title, state=TaskState.WAITING, created_at=now,
            started_by=who.name,
        )
        row = TaskRow(task, who.credential, False, False, task.id, self._epoch, given, wire.text(pipeline))
        rows.insert(tx, row, number, [Step(name=s.name, needs=list(s.needs)) for s in pipeline.steps])
        return task.id, True, self.admit(tx, now)

    def retry(self, tx: Transaction, task_id: str, who: Who, now: str) -> tuple[str, bool, ToDo]:
        """A new task that takes over what succeeded in one that ended; the same one when asked again. Raises NotFound,
        Refused."""
        old = rows.find(tx, task_id)
        held = tx.one("SELECT id FROM tasks WHERE retry_of = :id", {"id": task_id})
        if held is not None:
            return held[0], False, []
        if not old.local:
            raise Refused("conflict", "this task was reported from elsewhere; it is started again there")
        if old.task.state not in TASK_ENDED:
            raise Refused("conflict", f"the task is {old.task.state.value}; it can be retried when it has ended")
        if old.task.state is TaskState.SUCCEEDED:
            raise Refused("conflict", "the task succeeded; start a new one")
        number, new = rows.free_id(tx)
        task = Task(
            id=new, pipeline=old.task.pipeline, title=old.task.title, state=TaskState.WAITING, retry_of=task_id,
            created_at=now, started_by=who.name,
        )
        row = TaskRow(task, who.credential, False, False, old.root, self._epoch, old.params, old.definition)
        rows.insert(tx, row, number, retried(rows.steps(tx, task_id)))
        for step, found in rows.outputs(tx, task_id).items():
            self._put_out(tx, new, step, found)
        return new, True, self.admit(tx, now)

    def cancel(self, tx: Transaction, task_id: str, now: str) -> ToDo:
        """What never started is cancelled, what runs is to be ended. Asked of what ended, it changes nothing."""
        row = rows.find(tx, task_id)
        if row.task.state in TASK_ENDED:
            return []
        tx.execute("UPDATE tasks SET cancelled = 1 WHERE id = :id", {"id": task_id})
        return self.advance(tx, row._replace(cancelled=True), now) + [
            End(task_id, s.name, s.attempt) for s in rows.steps(tx, task_id) if s.state is StepState.RUNNING
        ]

    # -- what happens

    def ended(self, tx: Transaction, task_id: str, name: str, attempt: int, outcome: Outcome, now: str) -> ToDo:
        """An attempt ended. Told twice, or too late, it changes nothing."""
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        if step.state is not StepState.RUNNING or step.attempt != attempt:
            return []
        defined = _defined(definition_of(row), name)
        again: ToDo = []
        state, reason = outcome.state, outcome.reason
        if row.cancelled and state is not StepState.LOST:
            state, reason = StepState.CANCELLED, ""
        elif state is StepState.FAILED and attempt <= defined.retries:
            state = StepState.RETRYING
            again.append(Again(task_id, name, attempt, defined.retry_delay))
        rows.save_step(tx, task_id, measured(moved(step, state, now, reason=reason), outcome.seconds))
        retry_at = later(moment(now), defined.retry_delay) if again else None
        tx.execute(
            """UPDATE steps SET log_base = log_base + :size, retry_at = :retry_at
            WHERE task = :task AND name = :name""",
            {"size": outcome.size, "retry_at": retry_at, "task": task_id, "name": name},
        )
        if state is StepState.SUCCEEDED:
            self._put_out(tx, task_id, name, outcome.outputs)
            if outcome.seconds is not None and row.task.pipeline is not None:
                _remember(tx, row.task.pipeline, name, outcome.seconds)
        return again + self.advance(tx, row, now)

    def again(self, tx: Transaction, task_id: str, name: str, attempt: int, now: str) -> ToDo:
        """The delay before another attempt is over."""
        row, step = rows.find(tx, task_id), rows.step(tx, task_id, name)
        if step.state is not StepState.RETRYING or step.attempt != attempt:
            return []
        todo: ToDo = []
        self._begin(tx, row, definition_of(row), step, now, todo)
        return todo + self.advance(tx, row, now)

    def admit(self, tx: Transaction, now: str) -> ToDo:
        """Let those begin whose turn it is."""
        todo: ToDo = []
        while True:
            waiting, said = _waiting(tx)
            begin, reasons = turns(waiting, _running(tx), workers=self._workers)
            for task_id in begin:
                tx.execute("UPDATE tasks SET admitted = 1 WHERE id = :id", {"id": task_id})
                todo += self._advance(tx, rows.find(tx, task_id), now)
            if not begin:  # one that ended at once made room for another
                break
        for task_id, reason in reasons.items():
            if said[task_id] != reason:
                rows.save_task(tx, msgspec.structs.replace(rows.find(tx, task_id).task, reason=reason))
        return todo

    def advance(self, tx: Transaction, row: TaskRow, now: str) -> ToDo:
        """Whatever follows from how the steps of a task stand, for it and for those that wait for it."""
        todo = self._advance(tx, row, now)
        return todo + self.admit(tx, now) if rows.find(tx, row.task.id).task.state in TASK_ENDED else todo

    def _advance(self, tx: Transaction, row: TaskRow, now: str) -> ToDo:
        task_id: str = row.task.id
        todo: ToDo = []
        steps = rows.steps(tx, task_id)
        if row.cancelled:
            for step in cancelled(steps, now):
                rows.save_step(tx, task_id, step)
        elif row.epoch != self._epoch:  # it may have begun long ago, and nobody wants yesterday's release once more
            for step in cancelled(steps, now):
                rows.save_step(tx, task_id, msgspec.structs.replace(step, reason=RESTORED))
        elif row.admitted:
            pipeline = definition_of(row)
            while self._turn(tx, row, pipeline, steps, now, todo):
                steps = rows.steps(tx, task_id)
        else:
            return todo
        steps = rows.steps(tx, task_id)
        rows.follow(tx, row, steps, now, eta=self._eta(tx, row, steps, now))
        return todo

    def _turn(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, steps: Sequence[Step], now: str, todo: ToDo
    ) -> bool:
        """Skip and begin what can be; True when something ended by it, so that more may follow."""
        task_id, ended = row.task.id, False
        for step in settle(steps, now):
            rows.save_step(tx, task_id, step)
            ended = True
        free = STEPS_AT_ONCE - sum(s.state is StepState.RUNNING for s in steps)
        params, outputs = _params(row), rows.outputs(tx, task_id)
        by_name = {defined.name: defined for defined in pipeline.steps}
        for step in ready(steps):
            defined = by_name[step.name]
            if free <= 0 and defined.when is None:
                continue
            try:
                holds = defined.when is None or when_holds(defined.when, params, outputs)
            except MissingOutput as missing:
                rows.save_step(tx, task_id, moved(step, StepState.FAILED, now, reason=str(missing)))
                ended = True
                continue
            if not holds:
                rows.save_step(tx, task_id, moved(step, StepState.SKIPPED, now, reason=f"only when {defined.when}"))
                ended = True
            elif free > 0:
                free -= 1
                ended = not self._begin(tx, row, pipeline, step, now, todo) or ended
        return ended

    def _begin(
        self, tx: Transaction, row: TaskRow, pipeline: Pipeline, step: Step, now: str, todo: ToDo
    ) -> bool:
        """Write a step as intended; False when it failed instead, because an output it takes is missing."""
        task_id, defined = row.task.id, _defined(pipeline, step.name)
        begun = moved(step, StepState.RUNNING, now)
        try:
            run = self._run_of(tx, row, defined)
            self._prepare(task_id, step.name, begun.attempt)
        except (LivewallError, OSError) as error:
            reason = error.message if isinstance(error, LivewallError) else f"no folder for it: {error.strerror}"
            rows.save_step(tx, task_id, moved(begun, StepState.FAILED, now, reason=reason))
            return False
        usual = _usual(tx, pipeline.name).get(step.name)
        if usual is not None:
            begun.eta = later(moment(now), usual)
        rows.save_step(tx, task_id, begun)
        rows.begin_log(tx, row, step.name)
        base, inherits = _log_base(tx, task_id, step.name), _inherits(tx, task_id)
        timeout = defined.timeout or MOST_SECONDS
        todo.append(Begin(task_id, row.root, step.name, begun.attempt, run, timeout, pipeline.secrets, base, inherits))
        return True

    def _run_of(self, asks: Any, row: TaskRow, defined: StepDef) -> RunSpec:
        """What a step runs. Raises MissingOutput."""
        params, outputs = _params(row), rows.outputs(asks, row.task.id)
        return kinds()[defined.kind].spec(defined.body, Values(params, outputs))

    # -- after a restart

    def restored(self, tx: Transaction, now: str) -> ToDo:
        """In a database that was put back nothing begins that did not: of its tasks only what runs goes on."""
        found = tx.all(
            "SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL AND epoch <> :epoch",
            {"epoch": self._epoch},
        )
        return [what for (task_id,) in found for what in self._advance(tx, rows.find(tx, task_id), now)]

    def under_way(self, asks: Any, now: str) -> list[tuple[Begin | Again, bool, bool]]:
        """Every attempt that is intended or runs and what is left of every delay, with whether its task was cancelled
        and whether it belongs to this database (it does not in a restored one)."""
        found = asks.execute(
            """SELECT task, name, retry_at FROM steps WHERE ended_at IS NULL AND state IN ('running', 'retrying')
            AND task IN (SELECT id FROM tasks WHERE ended_at IS NULL AND definition IS NOT NULL)"""
        ).fetchall()
        known: list[tuple[Begin | Again, bool, bool]] = []
        for task_id, name, retry_at in found:
            row, step = rows.find(asks, task_id), rows.step(asks, task_id, name)
            pipeline = definition_of(row)
            defined = _defined(pipeline, name)
            ours = row.epoch == self._epoch
            if step.state is StepState.RETRYING:
                delay = defined.retry_delay
                if retry_at is not None:  # clocks may have been set meanwhile: never more than the whole of it
                    delay = min(delay, max(0.0, (moment(retry_at) - moment(now)).total_seconds()))
                known.append((Again(task_id, name, step.attempt, delay), row.cancelled, ours))
                continue
            run, timeout = self._run_of(asks, row, defined), defined.timeout or MOST_SECONDS
            base, inherits = _log_base(asks, task_id, name), _inherits(asks, task_id)
            begin = Begin(task_id, row.root, name, step.attempt, run, timeout, pipeline.secrets, base, inherits)
            known.append((begin, row.cancelled, ours))
        return known

    # -- time

    def _eta(self, tx: Transaction, row: TaskRow, steps: Sequence[Step], now: str) -> str | None:
        """When a task may be expected to end, from the usual times of its steps along the longest path."""
        usual = _usual(tx, row.task.pipeline or "")
        if not usual:
            return None
        facts = [
            estimate.StepFacts(
                s.name, s.needs, s.state, _seconds(s.started_at), _seconds(s.ended_at), usual.get(s.name)
            )
            for s in steps
        ]
        found = estimate.ends(facts, moment(now).timestamp()).task
        return None if found is None else later(moment(now), found - moment(now).timestamp())

    def _put_out(self, tx: Transaction, task: str, step: str, outputs: dict[str, str]) -> None:
        tx.execute(
            "UPDATE steps SET outputs = :outputs WHERE task = :task AND name = :name",
            {"outputs": wire.text(outputs), "task": task, "name": step},
        )


def measured(step: Step, seconds: float | None) -> Step:
    """An ended step with the times of its supervisor's stopwatch, where they differ from those of the wall clock: no
    server may have been there at its end, or the clock was set. What was tried more than once is not measured whole."""
    if seconds is None or step.attempt != 1 or step.started_at is None or step.ended_at is None:
        return step
    began, ended = moment(step.started_at), moment(step.ended_at)
    if abs((ended - began).total_seconds() - seconds) < UNMEASURED:
        return step
    end = later(began, seconds)
    if end <= step.ended_at:
        return msgspec.structs.replace(step, ended_at=end)
    return msgspec.structs.replace(step, started_at=later(ended, -seconds))


def _waiting(tx: Transaction) -> tuple[list[Waiting], dict[str, str]]:
    """The tasks that wait, in the order of coming, and what each says of it."""
    found = tx.all(
        """SELECT id, pipeline, definition, reason FROM tasks
        WHERE ended_at IS NULL AND admitted = 0 AND definition IS NOT NULL ORDER BY number"""
    )
    waiting = [Waiting(task_id, name, _concurrency.decode(text).concurrency) for task_id, name, text, _ in found]
    return waiting, {task_id: reason for task_id, _, _, reason in found}


def _running(tx: Transaction) -> dict[str, int]:
    """How many tasks of each pipeline have their turn now."""
    return dict(
        tx.all(
            """SELECT pipeline, COUNT(*) FROM tasks
            WHERE ended_at IS NULL AND admitted = 1 AND definition IS NOT NULL GROUP BY pipeline"""
        )
    )


class _Concurrency(msgspec.Struct):
    """What the queue looks at of a definition."""

    concurrency: int | None = None


_concurrency = msgspec.json.Decoder(_Concurrency)


def _defined(pipeline: Pipeline, name: str) -> StepDef:
    return next(s for s in pipeline.steps if s.name == name)


def _params(row: TaskRow) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(row.params or "{}")
    return found


def _log_base(asks: Any, task: str, step: str) -> int:
    found = asks.execute(
        "SELECT log_base FROM steps WHERE task = :task AND name = :name", {"task": task, "name": step}
    ).fetchone()
    return int(found[0])


def _inherits(asks: Any, task: str) -> bool:
    """Whether a step of a task succeeded here, or in one that it takes over from."""
    found = asks.execute("SELECT 1 FROM steps WHERE task = :task AND state = 'succeeded' LIMIT 1", {"task": task})
    return found.fetchone() is not None


def _seconds(text: str | None) -> float | None:
    return None if text is None else moment(text).timestamp()


def _usual(tx: Transaction, pipeline: str) -> dict[str, float]:
    """The usual seconds of each step that has run often enough."""
    held: dict[str, float] | None = tx.memo.get(("usual", pipeline))
    if held is None:
        found = tx.all("SELECT step, seconds FROM usual WHERE pipeline = :pipeline", {"pipeline": pipeline})
        times = {step: estimate.median(msgspec.json.decode(text, type=list[float])) for step, text in found}
        held = tx.memo["usual", pipeline] = {step: seconds for step, seconds in times.items() if seconds is not None}
    return held


def _remember(tx: Transaction, pipeline: str, step: str, seconds: float) -> None:
    row = tx.one(
        "SELECT seconds FROM usual WHERE pipeline = :pipeline AND step = :step", {"pipeline": pipeline, "step": step}
    )
    held = msgspec.json.decode(row[0], type=list[float]) if row else []
    tx.execute(
        """INSERT INTO usual (pipeline, step, seconds) VALUES (:pipeline, :step, :seconds)
        ON CONFLICT (pipeline, step) DO UPDATE SET seconds = excluded.seconds""",
        {"pipeline": pipeline, "step": step, "seconds": wire.text([*held, round(seconds, 3)][-REMEMBERED:])},
    )
    tx.memo.pop(("usual", pipeline), None)
