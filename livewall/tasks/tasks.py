"""Tasks that foreign programs report: made with their steps, moved on by reports, listed and shown live.

Streams: `tasks/ID` has `task` and a key per step; `tasks` a key per task, the live and the last hundred that ended.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from livewall import wire
from livewall.clock import Clock, iso
from livewall.errors import NotAllowed, NotFound, Refused
from livewall.hub.position import View
from livewall.hub.service import LiveHub
from livewall.identity import Who
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks.machine import Step, StepState, TaskState, order, reported, settle, task_state
from livewall.walls import title_of

LISTED = 100
"""Ended tasks that stay in the list's stream."""

_TASK = "id, pipeline, title, state, reason, retry_of, created_at, started_at, ended_at, started_by"
_STEP = "name, needs, state, reason, attempt, progress, message, started_at, ended_at"


class Task(msgspec.Struct, kw_only=True):
    """A task as it stands on the wire (DESIGN §4)."""

    id: str
    pipeline: str | None
    title: str
    state: TaskState
    reason: str
    retry_of: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    eta: str | None = None
    started_by: str


class Owner(msgspec.Struct):
    """What the rule of a task's stream looks at beside its stage: whose it is."""

    credential: str


class TaskRule:
    """The rule of `tasks/ID` and of `tasks`: operators and hosts, the reporter its own, anyone what is on a stage."""

    keys = frozenset({"task", "owner", "stage"})

    def __init__(self, name: str = "") -> None:
        self._name = name

    def view(self, state: dict[str, Any], who: Who, facts: Any) -> View:
        if "owner" not in state:
            return self._list(who)
        if who.operator or who.host or state.get("stage"):
            return View.FULL
        if who.reporter and state["owner"]["credential"] == who.credential:
            return View.FULL
        raise denied(who, "this task is not on a wall now")

    def _list(self, who: Who) -> View:
        if who.operator or who.host:
            return View.FULL
        raise denied(who, "the list of tasks is for operators and hosts")

    def needs_facts(self, state: dict[str, Any], who: Who) -> bool:
        return False

    def tag(self, name: str, who: Who) -> str | None:
        return None

    async def facts(self, name: str, who: Who) -> None:
        return None


def denied(who: Who, why: str) -> NotAllowed:
    """What somebody without the right is told: to sign in, or that signing in as this is not enough."""
    if who.role is None:
        return NotAllowed("unauthenticated", f"{why}; sign in")
    return NotAllowed("forbidden", why)


def stream_of(task: str) -> str:
    return f"tasks/{task}"


class Tasks:
    def __init__(self, store: Store, hub: LiveHub, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock

    async def create(self, given: wire.TaskIn, who: Who) -> tuple[dict[str, Any], bool]:
        """A foreign task; with an id of the caller's the same call again gives the same task. True when it is new.

        Raises BadInput; Refused (`conflict`) where the id is another's, or the task another.
        """
        title = title_of(given.title)
        order([(s.name, s.needs) for s in given.steps])
        now = iso(self._clock())

        def write(tx: Transaction) -> tuple[Task, list[Step], bool]:
            if given.id is not None:
                held = tx.one("SELECT owner FROM tasks WHERE id = :id", {"id": given.id})
                if held is not None:
                    return _again(tx, given, title, held[0], who)
            number = tx.one("SELECT COALESCE(MAX(number), 0) + 1 FROM tasks", {})[0]
            id = given.id or _free_id(tx, number)
            task = Task(
                id=id, pipeline=None, title=title, state=TaskState.PENDING, reason="", retry_of=None,
                created_at=now, started_at=None, ended_at=None, started_by=who.name,
            )
            tx.execute(
                """INSERT INTO tasks (id, number, title, state, reason, owner, started_by, created_at)
                VALUES (:id, :number, :title, :state, '', :owner, :by, :now)""",
                {"id": id, "number": number, "title": title, "state": task.state.value, "owner": who.credential,
                 "by": who.name, "now": now},
            )
            steps = [Step(name=s.name, needs=list(s.needs)) for s in given.steps]
            for place, step in enumerate(steps):
                tx.execute(
                    """INSERT INTO steps (task, place, name, needs, state, reason, attempt, message)
                    VALUES (:task, :place, :name, :needs, 'pending', '', 0, '')""",
                    {"task": id, "place": place, "name": step.name, "needs": wire.text(step.needs)},
                )
            tx.append(stream_of(id), "owner", wire.text(Owner(who.credential)), view=View.NONE)
            _tell(tx, task)
            for step in steps:
                tx.append(stream_of(id), f"step/{step.name}", wire.text(step), view=View.FULL)
            return task, steps, True

        task, steps, created = await self._store.write(write)
        return _detail(task, steps), created

    async def report(self, id: str, name: str, report: wire.StepReport, who: Who) -> dict[str, Any]:
        """Move a step on; the same report again is harmless. Raises NotFound, NotAllowed, StepConflict."""
        now = iso(self._clock())
        state = None if report.state is msgspec.UNSET else StepState(report.state)
        progress = None if report.progress is msgspec.UNSET else report.progress
        message = None if report.message is msgspec.UNSET else report.message

        def write(tx: Transaction) -> Step:
            task, owner = _find(tx, id)
            if not who.operator and owner != who.credential:
                raise NotAllowed("forbidden", "this task is another's")
            before = _step(tx, id, name)
            after = reported(before, state, progress, message, now)
            if after == before:
                return after
            _save_step(tx, id, after)
            if after.state is not before.state:  # else no other step is touched: they may be many, and reports frequent
                steps = _steps(tx, id)
                skipped = {s.name: s for s in settle(steps, now)}
                for step in skipped.values():
                    _save_step(tx, id, step)
                _follow(tx, task, [skipped.get(s.name, s) for s in steps], now)
            return after

        found: dict[str, Any] = msgspec.to_builtins(await self._store.write(write))
        return found | {"cancel": False}

    async def detail(self, id: str, who: Who) -> dict[str, Any]:
        """A task with its steps, as `who` may see it. Raises NotFound, NotAllowed."""
        try:
            await self._hub.view(stream_of(id), who)
        except NotFound:
            raise NotFound("not_found", f"there is no task {id}") from None

        def ask(connection: sqlite3.Connection) -> dict[str, Any]:
            return _detail(_find(connection, id)[0], _steps(connection, id))

        return await self._store.read(ask)

    async def list(
        self, *, state: str | None = None, q: str = "", limit: int = 50, before: str | None = None
    ) -> dict[str, Any]:
        """Tasks, the newest first."""

        def ask(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                f"""SELECT {_TASK}, number FROM tasks
                WHERE number < :before AND (:state IS NULL OR state = :state)
                    AND (:q = '' OR instr(lower(title), lower(:q)) > 0 OR id = :q)
                ORDER BY number DESC LIMIT :limit""",
                {"before": _number(before), "state": state, "q": q, "limit": limit + 1},
            ).fetchall()

        rows = await self._store.read(ask)
        more = str(rows[limit - 1][10]) if len(rows) > limit else None
        return {"items": [msgspec.to_builtins(_task(r)) for r in rows[:limit]], "next": more}


def _number(before: str | None) -> int:
    return int(before) if before and before.isdecimal() and len(before) < 18 else 1 << 62


def _free_id(tx: Transaction, number: int) -> str:
    """A number as id; callers may have taken some."""
    while tx.one("SELECT 1 FROM tasks WHERE id = :id", {"id": str(number)}):
        number += 1
    return str(number)


def _again(
    tx: Transaction, given: wire.TaskIn, title: str, owner: str, who: Who
) -> tuple[Task, list[Step], bool]:
    assert given.id is not None
    if owner != who.credential:
        raise Refused("conflict", "this id is taken; choose another")
    task, _ = _find(tx, given.id)
    steps = _steps(tx, given.id)
    if task.title != title or [(s.name, s.needs) for s in steps] != [(s.name, list(s.needs)) for s in given.steps]:
        raise Refused("conflict", "you have used this id for another task; choose another")
    return task, steps, False


def _task(row: Any) -> Task:
    return Task(
        id=row[0], pipeline=row[1], title=row[2], state=TaskState(row[3]), reason=row[4], retry_of=row[5],
        created_at=row[6], started_at=row[7], ended_at=row[8], started_by=row[9],
    )


def _find(asks: Any, id: str) -> tuple[Task, str]:
    row = asks.execute(f"SELECT {_TASK}, owner FROM tasks WHERE id = :id", {"id": id}).fetchone()
    if row is None:
        raise NotFound("not_found", f"there is no task {id[:80]}")
    return _task(row), row[10]


def _steps(asks: Any, id: str) -> list[Step]:
    rows = asks.execute(f"SELECT {_STEP} FROM steps WHERE task = :task ORDER BY place", {"task": id})
    return [_made(row) for row in rows]


def _step(asks: Any, id: str, name: str) -> Step:
    row = asks.execute(
        f"SELECT {_STEP} FROM steps WHERE task = :task AND name = :name", {"task": id, "name": name}
    ).fetchone()
    if row is None:
        raise NotFound("not_found", f"task {id} has no step {name}")
    return _made(row)


def _made(row: Any) -> Step:
    return Step(
        name=row[0], needs=msgspec.json.decode(row[1], type=list[str]), state=StepState(row[2]), reason=row[3],
        attempt=row[4], progress=row[5], message=row[6], started_at=row[7], ended_at=row[8],
    )


def _detail(task: Task, steps: list[Step]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(task)
    found["steps"] = msgspec.to_builtins(steps)
    return found


def _save_step(tx: Transaction, task: str, step: Step) -> None:
    values = msgspec.to_builtins(step) | {"task": task}
    for field in ("needs", "targets", "eta"):
        del values[field]
    tx.execute(
        """UPDATE steps SET state = :state, reason = :reason, attempt = :attempt, progress = :progress,
            message = :message, started_at = :started_at, ended_at = :ended_at
        WHERE task = :task AND name = :name""",
        values,
    )
    tx.append(stream_of(task), f"step/{step.name}", wire.text(step), view=View.FULL)


def _follow(tx: Transaction, task: Task, steps: list[Step], now: str) -> None:
    """Bring a task to what its steps make of it, and tell."""
    state = task_state((s.state for s in steps), cancelled=False)
    if state is task.state:
        return
    ended = all(s.ended_at for s in steps)
    changed = msgspec.structs.replace(
        task,
        state=state,
        started_at=task.started_at or (now if state is not TaskState.PENDING else None),
        ended_at=now if ended else None,
    )
    tx.execute(
        "UPDATE tasks SET state = :state, started_at = :started, ended_at = :ended WHERE id = :id",
        {"state": state.value, "started": changed.started_at, "ended": changed.ended_at, "id": task.id},
    )
    _tell(tx, changed)


def _tell(tx: Transaction, task: Task) -> None:
    """The `task` event of the task's stream and its line in the list, which forgets the oldest that ended."""
    data = wire.text(task)
    tx.append(stream_of(task.id), "task", data, view=View.FULL)
    tx.append("tasks", f"task/{task.id}", data, view=View.FULL)
    if task.ended_at is None:
        return
    old = tx.all(
        "SELECT id FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC, number DESC LIMIT 1 OFFSET :n",
        {"n": LISTED},
    )
    for (id,) in old:
        tx.append("tasks", f"task/{id}", None, view=View.FULL)
