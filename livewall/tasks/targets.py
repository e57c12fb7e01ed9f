"""The rules of a step that runs on several hosts: which of its targets begin, in waves, and what the step is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from livewall.tasks.hosts.step_hosts import StepHosts, wave_sizes
from livewall.tasks.machine import ENDED, Step, StepState, Target, WaitsFor, transition

MAX_AT_ONCE = 64
"""The largest number of targets of a step that run at once, if its definition does not ask for fewer."""
_S = StepState
ACTIVE = frozenset({_S.RUNNING, _S.RETRYING})
FAILURES = frozenset({_S.FAILED, _S.LOST})
ON_EVERY_HOST = "left out on every host"
"""The reason of a step that was skipped because each of its targets was."""


class Control(NamedTuple):
    """What operators asked of a step: who paused it and who aborted it, or None. `stopping` says that its task is being
    cancelled."""

    paused_by: str | None = None
    aborted_by: str | None = None
    stopping: bool = False


def planned(hosts: Sequence[str], definition: StepHosts) -> list[Target]:
    """Return the targets of a step that has not begun, each in its wave."""
    targets: list[Target] = []
    for wave, size in enumerate(wave_sizes(len(hosts), definition.waves), 1):
        targets += [Target(host=host, wave=wave) for host in hosts[len(targets) : len(targets) + size]]
    return targets


def left_out(targets: Iterable[Target], causes: Mapping[str, str], now: str) -> list[Target]:
    """Return the targets, those skipped whose host has failed, or was left out, in the step that `causes` names."""
    return [
        ended(target, _S.SKIPPED, now, f"left out: it did not succeed in {causes[target.host]}")
        if target.state is _S.PENDING and target.host in causes
        else target
        for target in targets
    ]


def failures(targets: Iterable[Target]) -> int:
    """Return on how many hosts a step has failed."""
    return sum(target.state in FAILURES for target in targets)


def to_begin(targets: Sequence[Target], definition: StepHosts, control: Control) -> list[Target]:
    """Return the targets that begin now, in their order.

    Those of one wave run side by side. The next wave begins when all of one have ended. Nothing begins while the step
    is paused, or after more than `max_failures` hosts have failed.
    """
    if control != Control() or failures(targets) > definition.max_failures:
        return []
    wave = min((target.wave for target in targets if target.state not in ENDED), default=None)
    room = min(definition.parallel or MAX_AT_ONCE, MAX_AT_ONCE) - sum(target.state in ACTIVE for target in targets)
    pending = [target for target in targets if target.wave == wave and target.state is _S.PENDING]
    return pending[: max(0, room)]


def begun(target: Target, now: str) -> Target:
    """Return the target with another attempt that runs."""
    return msgspec.structs.replace(
        target,
        state=_S.RUNNING,
        reason="",
        attempt=target.attempt + 1,
        progress=None,
        message=UNSET,
        fingerprint=UNSET,
        started_at=target.started_at or now,
        ended_at=None,
    )


def ended(target: Target, state: StepState, now: str, reason: str = "") -> Target:
    """Return the target in a state in which it does not run: an end, a wait or a delay."""
    return msgspec.structs.replace(
        target,
        state=state,
        reason=reason,
        progress=1.0 if state is _S.SUCCEEDED else target.progress,
        message=UNSET,
        fingerprint=UNSET,
        ended_at=max(now, target.started_at or now) if state in ENDED else None,
    )


def waiting(target: Target, fingerprint: str, now: str) -> Target:
    """Return the target that waits until somebody confirms the key of its host. What was tried does not count."""
    reason = f"its host key is not known: {fingerprint}"
    waits = msgspec.structs.replace(ended(target, _S.WAITING, now, reason), attempt=target.attempt - 1)
    return msgspec.structs.replace(waits, fingerprint=fingerprint)


def with_target(step: Step, changed: Target) -> Step:
    """Return a step with a target replaced."""
    return msgspec.structs.replace(
        step, targets=[changed if target.host == changed.host else target for target in step.targets]
    )


def stopped(targets: Iterable[Target], control: Control, now: str) -> list[Target]:
    """Return the targets of a step that is being ended: those that do not run end now."""
    state, reason = (_S.CANCELLED, "") if control.stopping else (_S.SKIPPED, f"aborted by {control.aborted_by}")
    return [
        target if target.state in ENDED or target.state is _S.RUNNING else ended(target, state, now, reason)
        for target in targets
    ]


def settled(step: Step, definition: StepHosts, control: Control, now: str) -> Step:
    """Return the step as follows from its targets, after those that could begin have begun."""
    targets, done = step.targets, sum(target.state in ENDED for target in step.targets)
    step = msgspec.structs.replace(
        step,
        progress=done / len(targets),
        message="",
        waits_for=UNSET,
        paused=UNSET if control.paused_by is None else True,
    )
    if any(target.state in ACTIVE for target in targets):
        pausing = "" if control.paused_by is None else f"{control.paused_by} pauses it"
        return _under_way(step, _S.RUNNING, pausing, now)
    if control.stopping or control.aborted_by is not None:
        lost = any(target.state is _S.LOST for target in targets)
        state = _S.LOST if lost else _S.CANCELLED if control.stopping else _S.FAILED
        return _ended(step, state, f"aborted by {control.aborted_by}" if control.aborted_by else "", now)
    if control.paused_by is not None:
        return _under_way(step, _S.WAITING, f"paused by {control.paused_by}", now)
    if failures(targets) > definition.max_failures:
        return _failed(step, now)
    asks = next((target for target in targets if target.state is _S.WAITING), None)
    if asks is not None:
        waits = _under_way(step, _S.WAITING, f"waits for somebody to confirm the host key of {asks.host}", now)
        return msgspec.structs.replace(
            waits, waits_for=WaitsFor("host_key", [], host=asks.host, fingerprint=asks.fingerprint)
        )
    if done < len(targets):
        return _under_way(step, _S.RUNNING, "", now)
    if all(target.state is _S.SKIPPED for target in targets):
        return _ended(step, _S.SKIPPED, ON_EVERY_HOST, now)
    if not any(target.state is _S.SUCCEEDED for target in targets):  # whatever may fail: nothing was done
        return _failed(step, now)
    return _ended(step, _S.SUCCEEDED, _in_words(targets) if failures(targets) else "", now)


def closed(step: Step, now: str) -> Step:
    """Return a step that has ended with targets that have ended, too: those that never began end as it does."""
    if step.state not in ENDED or all(target.state in ENDED for target in step.targets):
        return step
    state = _S.CANCELLED if step.state is _S.CANCELLED else _S.SKIPPED
    reason = step.reason if step.state is _S.SKIPPED else "it never began"
    targets = [t if t.state in ENDED else ended(t, state, now, reason) for t in step.targets]
    return msgspec.structs.replace(step, targets=targets)


def _under_way(step: Step, state: StepState, message: str, now: str) -> Step:
    return msgspec.structs.replace(transition(step, state, now), message=message)


def _ended(step: Step, state: StepState, reason: str, now: str) -> Step:
    return closed(msgspec.structs.replace(transition(step, state, now, reason=reason), paused=UNSET), now)


def _failed(step: Step, now: str) -> Step:
    lost = any(target.state is _S.LOST for target in step.targets)
    return _ended(step, _S.LOST if lost else _S.FAILED, _in_words(step.targets), now)


def _in_words(targets: Sequence[Target]) -> str:
    """Return on which hosts a step has failed, and why: "web3: exit status 1 (and on 2 other hosts)"."""
    failed = [target for target in targets if target.state in FAILURES]
    if not failed:
        return ""
    first, others = failed[0], len(failed) - 1
    more = "" if not others else f" (and on {'another host' if others == 1 else f'{others} other hosts'})"
    return f"{first.host}: {first.reason or first.state.value}{more}"
