"""What the pages without script say of steps on hosts, and what they ask before an act, as the page's scripts do
(static/js/task/hosts.js, static/js/task/hostacts.js)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple, Protocol

from msgspec import UNSET

from livewall.tasks.host_progress import FAILURES, progress_of, wave_under_way
from livewall.tasks.machine import Step, StepState, Target

RANGE = 4
"""Fewer hosts than these are all named."""


class Say(Protocol):
    """Returns a text of the catalogue, for a count in its singular or plural."""

    def __call__(self, key: str, count: int | None = None, **values: Any) -> str: ...


class Question(NamedTuple):
    """What is asked before an act, and what the act will do; the kind of the button that does it."""

    title: str
    sentences: list[str]
    yes: str
    kind: str


def names_text(names: Sequence[str], say: Say, most: int) -> str:
    """Return names as a list of at most `most`, with the number of the others."""
    shown = names[: max(1, most - 1)] if len(names) > most else names
    listed = reduce(lambda first, following: say("hosts.list", first=first, next=following), shown)
    more = len(names) - len(shown)
    return say("hosts.and_more", more, hosts=listed, n=more) if more else listed


def progress_parts(step: Step, say: Say, names: int = 3) -> list[str]:
    """Return a text about the hosts of a step: on how many it succeeded ("37 of 200 hosts"), "2 failed: web3, web17",
    "wave 2 of 3", "1 skipped"."""
    progress = progress_of(step)
    parts = [say("hosts.done", progress.total, n=succeeded(step.targets), of=progress.total)]
    if progress.failed:
        parts.append(say("hosts.failed", n=len(progress.failed), hosts=names_text(progress.failed, say, names)))
    if progress.wave is not None and progress.waves > 1:
        parts.append(say("hosts.wave_of", n=progress.wave, of=progress.waves))
    if progress.skipped:
        parts.append(say("task.of_state", n=progress.skipped, state=say("state.skipped")))
    return parts


def succeeded(timed: Sequence[Step] | Sequence[Target]) -> int:
    """Return how many steps succeeded, or on how many hosts a step did."""
    return sum(each.state is StepState.SUCCEEDED for each in timed)


def node_message(step: Step, say: Say) -> str:
    """Return what the box of a step in the chart says of its hosts: on which it failed, and its wave."""
    without_skipped = progress_parts(step, say, 2)[1:]
    return " · ".join(without_skipped[:-1] if progress_of(step).skipped else without_skipped)


def detail_of(target: Target, say: Say) -> str:
    """Return why a host is in its state, or what it is doing."""
    if target.fingerprint is not UNSET:
        return say("hosts.asks_key")
    return target.reason if target.message is UNSET else target.message


def range_text(chosen: Sequence[Target], step: Step, say: Say) -> str:
    """Return hosts in words: each by its name, or the first and the last of those that follow one another."""
    names = [target.host for target in chosen]
    start = step.targets.index(chosen[0])
    in_a_row = step.targets[start : start + len(chosen)] == list(chosen)
    if len(names) < RANGE or not in_a_row:
        return names_text(names, say, RANGE - 1)
    return say("hosts.range", first=names[0], last=names[-1], n=len(names))


def question_of(act: str, step: Step, target: Target | None, say: Say) -> Question:
    """Return the question that is asked before an act."""
    host = "" if target is None else target.host
    match act:
        case "pause" | "resume" | "abort":
            sentences = _step_sentences(act, step, say)
        case "skip":
            running = target is not None and target.state is StepState.RUNNING
            sentences = [say("control.skip_run", host=host)] if running else []
            sentences.append(say("control.skip_means", host=host))
        case _:
            sentences = [say(f"control.{act}_means", host=host)]
    return Question(
        title=say(f"control.{act}_sure", step=step.name, host=host),
        sentences=[sentence for sentence in sentences if sentence],
        yes=say(f"control.{act}_do"),
        kind="danger" if act in ("abort", "skip") else "primary",
    )


def _step_sentences(act: str, step: Step, say: Say) -> list[str]:
    pending = [target for target in step.targets if target.state is StepState.PENDING]
    running = [target for target in step.targets if target.state in (StepState.RUNNING, StepState.RETRYING)]

    def about(key: str, chosen: Sequence[Target]) -> str:
        return say(key, len(chosen), hosts=range_text(chosen, step, say)) if chosen else ""

    if act == "pause":
        return [
            about("control.pause_wait", pending) or say("control.pause_nobody"),
            about("control.pause_run", running),
        ]
    if act == "resume":
        wave = wave_under_way(step)
        coming = [target for target in pending if target.wave == wave]
        # The page does not know how many failures the pipeline allows.
        failed = [target for target in step.targets if target.state in FAILURES]
        return [
            about("control.resume_failed", failed),
            about("control.resume_next", coming) or say("control.resume_on"),
        ]
    return [
        say("control.abort_means"),
        about("control.abort_run", running),
        about("control.abort_skip", pending),
    ]
