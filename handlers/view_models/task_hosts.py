"""The hosts of steps on a task's page without scripts: which are listed, and whose log is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET

from livewall.tasks.host_acts import host_acts
from livewall.tasks.host_progress import counts_of, failed_first, most_relevant
from livewall.tasks.hosts.units import parts_of
from livewall.tasks.machine import Step, StepState, Target

MOST_LINKS = 12
"""The number of hosts whose logs are linked beside one that is empty."""


class HostsShown(NamedTuple):
    """The hosts of a step that are listed: those of a `state`, if one was asked for."""

    step: Step
    targets: list[Target]
    counts: list[tuple[StepState, int]]
    state: str
    in_order: bool


def hosts_shown(steps: Sequence[Step], chosen: Step | None, state: str, *, in_order: bool) -> HostsShown | None:
    """Return the hosts of the chosen step, or else of the first that has hosts; None if none has."""
    step = chosen if chosen is not None and chosen.targets else next((each for each in steps if each.targets), None)
    if step is None:
        return None
    targets = step.targets if in_order else failed_first(step.targets)
    counts = counts_of(step.targets)
    if state not in dict(counts):
        state = ""
    return HostsShown(step, [target for target in targets if state in ("", target.state)], counts, state, in_order)


def chosen_log(steps: Sequence[Step], unit: str) -> tuple[Step | None, Target | None]:
    """Return the step whose log is asked for, and its host if it runs on several: the one that is named, or the one
    that is worth looking at first."""
    name, host = parts_of(unit)
    step = next((step for step in steps if step.name == name), None)
    if step is None or not step.targets:
        return step, None
    return step, next((target for target in step.targets if target.host == host), None) or most_relevant(step.targets)


def others_with_logs(step: Step, shown: Target) -> list[str]:
    """Return the hosts whose logs are worth a link: those that have begun, other than the one that is shown."""
    begun = [target for target in step.targets if target.started_at and target.host != shown.host]
    return [target.host for target in failed_first(begun)][:MOST_LINKS]


def gates_of(steps: Sequence[Step]) -> list[Step]:
    """Return the steps that wait for people or for a poll to decide."""
    return [step for step in steps if step.waits_for is not UNSET and step.waits_for.kind != "host_key"]


def hosts_with_keys(steps: Sequence[Step]) -> list[tuple[Step, Target]]:
    """Return the hosts that have shown a key which nobody has confirmed."""
    return [
        (step, target)
        for step in steps
        for target in step.targets
        if "key" in host_acts(step, target, cancelling=False)
    ]
