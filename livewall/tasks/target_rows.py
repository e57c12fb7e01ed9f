"""The rows of targets: the hosts of steps that run on several. SQL only; the rules are in `targets`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from livewall import wire
from livewall.store.transaction import Transaction
from livewall.tasks.machine import StepState, Target

_FIELDS = "step, host, state, reason, wave, attempt, progress, started_at, ended_at, message, host_key"
_STATES = {state.value: state for state in StepState}


class HostKey(msgspec.Struct, frozen=True):
    """The key that a host has shown, as a line of a known-hosts file has it, and its SHA-256 fingerprint."""

    fingerprint: str
    key: str


_host_key = msgspec.json.Decoder(HostKey)


def of_task(db: Any, task: str) -> dict[str, list[Target]]:
    """Return the targets of a task by step, in their order. In a transaction they are read once."""
    memo: dict[Any, Any] = getattr(db, "memo", {})
    if (cached := memo.get(_memo_key(task))) is not None:
        return {step: list(targets) for step, targets in cached.items()}
    found: dict[str, list[Target]] = {}
    for row in db.execute(f"SELECT {_FIELDS} FROM targets WHERE task = :task ORDER BY step, place", {"task": task}):
        found.setdefault(row[0], []).append(_target(row))
    memo[_memo_key(task)] = {step: list(targets) for step, targets in found.items()}
    return found


def _memo_key(task: str) -> tuple[str, str]:
    return "targets", task


def of_step(db: Any, task: str, step: str) -> list[Target]:
    """Return the targets of a step, in their order."""
    if _memo_key(task) in getattr(db, "memo", {}):
        return of_task(db, task).get(step, [])
    rows = db.execute(
        f"SELECT {_FIELDS} FROM targets WHERE task = :task AND step = :step ORDER BY place",
        {"task": task, "step": step},
    )
    return [_target(row) for row in rows]


def _target(row: Sequence[Any]) -> Target:
    return Target(
        host=row[1],
        state=_STATES[row[2]],
        reason=row[3],
        wave=row[4],
        attempt=row[5],
        progress=row[6],
        started_at=row[7],
        ended_at=row[8],
        message=row[9] or UNSET,
        fingerprint=UNSET if row[10] is None else _host_key.decode(row[10]).fingerprint,
    )


def insert(tx: Transaction, task: str, step: str, targets: Iterable[Target]) -> None:
    tx.memo.pop(_memo_key(task), None)
    for place, target in enumerate(targets):
        tx.execute(
            """INSERT INTO targets (task, step, host, place, wave, state, reason, attempt, progress, message,
                started_at, ended_at)
            VALUES (:task, :step, :host, :place, :wave, :state, :reason, :attempt, :progress, :message, :started_at,
                :ended_at)""",
            _values(task, step, target) | {"place": place, "wave": target.wave},
        )


def save(tx: Transaction, task: str, step: str, target: Target) -> None:
    """Write a target. A key that its host has shown is forgotten when it waits for it no longer."""
    tx.execute(
        """UPDATE targets SET state = :state, reason = :reason, attempt = :attempt, progress = :progress,
            message = :message, started_at = :started_at, ended_at = :ended_at,
            host_key = CASE WHEN :state = 'waiting' THEN host_key END
        WHERE task = :task AND step = :step AND host = :host""",
        _values(task, step, target),
    )
    cached = tx.memo.get(_memo_key(task))
    if cached is not None:
        cached[step] = [target if each.host == target.host else each for each in cached[step]]


def save_changed(tx: Transaction, task: str, step: str, before: Sequence[Target], after: Sequence[Target]) -> None:
    """Write the targets that have changed."""
    for was, target in zip(before, after, strict=True):
        if was != target:
            save(tx, task, step, target)


def _values(task: str, step: str, target: Target) -> dict[str, Any]:
    return {
        "task": task,
        "step": step,
        "host": target.host,
        "state": target.state.value,
        "reason": target.reason,
        "attempt": target.attempt,
        "progress": target.progress,
        "message": "" if target.message is UNSET else target.message,
        "started_at": target.started_at,
        "ended_at": target.ended_at,
    }


# -- what readers do not get


def host_key(db: Any, task: str, step: str, host: str) -> HostKey | None:
    """Return the key that a host has shown, while it waits for somebody to confirm it."""
    text = _one(db, "host_key", task, step, host)
    return None if text is None else _host_key.decode(text)


def save_host_key(tx: Transaction, task: str, step: str, host: str, key: HostKey) -> None:
    _set(tx, "host_key", wire.text(key), task, step, host)
    tx.memo.pop(_memo_key(task), None)


def accepted_key(db: Any, task: str, step: str, host: str) -> str | None:
    """Return the fingerprint that somebody confirmed last, or None."""
    fingerprint: str | None = _one(db, "accepted_key", task, step, host)
    return fingerprint


def save_accepted_key(tx: Transaction, task: str, step: str, host: str, fingerprint: str) -> None:
    _set(tx, "accepted_key", fingerprint, task, step, host)


def log_base(db: Any, task: str, step: str, host: str) -> int:
    """Return where the log of the present attempt begins, in bytes of the log of the target."""
    return int(_one(db, "log_base", task, step, host))


def add_to_log_base(tx: Transaction, task: str, step: str, host: str, size: int) -> None:
    _set(tx, "log_base", log_base(tx, task, step, host) + size, task, step, host)


def retry_at(db: Any, task: str, step: str, host: str) -> str | None:
    """Return when the next attempt of a target begins, or None."""
    at: str | None = _one(db, "retry_at", task, step, host)
    return at


def save_retry_at(tx: Transaction, task: str, step: str, host: str, at: str | None) -> None:
    _set(tx, "retry_at", at, task, step, host)


def skipped_by(db: Any, task: str, step: str, host: str) -> str | None:
    """Return who asked to leave out a host while the step ran on it, or None."""
    who: str | None = _one(db, "skipped_by", task, step, host)
    return who


def save_skipped_by(tx: Transaction, task: str, step: str, host: str, who: str | None) -> None:
    _set(tx, "skipped_by", who, task, step, host)


def _one(db: Any, field: str, task: str, step: str, host: str) -> Any:
    return db.execute(
        f"SELECT {field} FROM targets WHERE task = :task AND step = :step AND host = :host",
        {"task": task, "step": step, "host": host},
    ).fetchone()[0]


def _set(tx: Transaction, field: str, value: Any, task: str, step: str, host: str) -> None:
    tx.execute(
        f"UPDATE targets SET {field} = :value WHERE task = :task AND step = :step AND host = :host",
        {"value": value, "task": task, "step": step, "host": host},
    )
