"""What the server says of steps that wait is what the page's scripts say (tests/js/task/stepwords.test.mjs)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from handlers.view_models.step_words import said_of, steps_text, wait_text
from livewall.tasks.machine import Step, StepState, WaitsFor

WAITING, RUNNING = StepState.WAITING, StepState.RUNNING


def say(key: str, count: int | None = None, **values: Any) -> str:
    return " ".join([key, *(f"{name}={value}" for name, value in values.items())])


@pytest.mark.parametrize(
    ("state", "paused", "message", "wait", "said"),
    [
        (WAITING, True, "paused by Lin", None, "hosts.paused_by name=Lin"),
        (RUNNING, True, "Lin pauses it", None, "hosts.pausing_by name=Lin"),
        (RUNNING, True, "", None, "hosts.pausing"),
        (WAITING, True, "else", None, "hosts.paused"),
        (WAITING, False, "x", WaitsFor("host_key", [], host="web1"), "hosts.asks_key_of host=web1"),
        (WAITING, False, "x", WaitsFor("poll", [], poll="P"), "task.waits_poll"),
        (WAITING, False, "x", WaitsFor("approval", ["Lin"]), "gate.waits who=Lin"),
        (RUNNING, False, "compiles", None, ""),
        (WAITING, False, "for the night", None, ""),
    ],
)
def test_a_step_that_waits_is_described(
    state: StepState, paused: bool, message: str, wait: WaitsFor | None, said: str
) -> None:
    step = Step(name="switch", needs=[], state=state, message=message, paused=paused or UNSET, waits_for=wait or UNSET)
    assert wait_text(step, say) == said
    assert said_of(step, say) == (said or message)


def test_the_steps_that_succeeded_are_counted() -> None:
    def steps(*states: str) -> list[Step]:
        return [Step(name=state, needs=[], state=StepState(state)) for state in states]

    assert steps_text(steps("succeeded", "running"), say) == "task.done n=1 of=2"
    assert steps_text(steps("succeeded", "failed", "lost", "skipped", "cancelled"), say) == (
        "task.done n=1 of=5 · task.of_state n=2 state=state.failed · task.of_state n=1 state=state.skipped"
    )
