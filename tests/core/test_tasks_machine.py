"""The states of steps and tasks."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import LivewallError
from livewall.tasks.machine import (
    ENDED,
    Step,
    StepConflict,
    StepState,
    TaskState,
    check_graph,
    reported,
    skip_blocked,
    task_state,
)

S = StepState


def test_a_step_that_runs_has_a_start_and_an_attempt() -> None:
    step = reported(Step(name="a", needs=[]), S.RUNNING, 0.1, None, "t1")
    assert (step.state, step.started_at, step.attempt, step.progress) == (S.RUNNING, "t1", 1, 0.1)


def test_the_same_report_again_changes_nothing() -> None:
    step = reported(Step(name="a", needs=[]), S.RUNNING, 0.1, "m", "t1")
    assert reported(step, S.RUNNING, 0.1, "m", "t2") == step


def test_the_end_may_be_reported_twice_but_not_two_ends() -> None:
    step = reported(Step(name="a", needs=[]), S.SUCCEEDED, None, None, "t1")
    assert reported(step, S.SUCCEEDED, None, None, "t2") == step
    with pytest.raises(StepConflict, match="the step has already succeeded; it cannot become failed"):
        reported(step, S.FAILED, None, None, "t2")


@given(st.sampled_from(S), st.sampled_from(S))
def test_terminal_states_are_final(first: StepState, second: StepState) -> None:
    step = Step(name="a", needs=[], state=first)
    if first in ENDED and second is not first:
        with pytest.raises(StepConflict):
            reported(step, second, None, None, "t")
    elif second is not S.PENDING or first is S.PENDING:
        assert reported(step, second, None, None, "t").state is second


def test_what_needs_a_failed_step_is_skipped_with_the_reason() -> None:
    steps = [
        Step(name="a", needs=[], state=S.FAILED),
        Step(name="b", needs=["a"]),
        Step(name="c", needs=["b"]),
        Step(name="d", needs=[]),
    ]
    assert [(s.name, s.state, s.reason) for s in skip_blocked(steps, "t")] == [
        ("b", S.SKIPPED, "a failed"),
        ("c", S.SKIPPED, "a failed"),
    ]


def test_what_needs_a_step_that_skipped_itself_goes_on() -> None:
    assert skip_blocked([Step(name="a", needs=[], state=S.SKIPPED), Step(name="b", needs=["a"])], "t") == []


@pytest.mark.parametrize(
    ("states", "cancelled", "expected"),
    [
        ([S.SUCCEEDED, S.SKIPPED], False, TaskState.SUCCEEDED),
        ([S.SUCCEEDED, S.FAILED], False, TaskState.FAILED),
        ([S.LOST, S.FAILED], False, TaskState.LOST),
        ([S.LOST, S.FAILED], True, TaskState.CANCELLED),
        ([S.PENDING, S.PENDING], False, TaskState.PENDING),
        ([S.SUCCEEDED, S.PENDING], False, TaskState.RUNNING),
        ([S.WAITING, S.PENDING], False, TaskState.WAITING),
        ([S.RUNNING, S.PENDING], True, TaskState.CANCELLING),
    ],
)
def test_a_task_is_what_its_steps_make_of_it(states: list[StepState], cancelled: bool, expected: TaskState) -> None:
    assert task_state(states, cancelled=cancelled) is expected


@pytest.mark.parametrize(
    "steps", [[("a", []), ("a", [])], [("a", ["b"])], [("a", ["b"]), ("b", ["a"])], [("a", ["a"])]]
)
def test_steps_must_be_a_graph_without_cycles(steps: list[tuple[str, list[str]]]) -> None:
    with pytest.raises(LivewallError) as raised:
        check_graph(steps)
    assert raised.value.code == "invalid"


def test_a_failure_reaches_the_end_of_the_longest_chain_listed_backwards() -> None:
    steps = [Step(name=f"s{n}", needs=[f"s{n - 1}"] if n else []) for n in range(500)][::-1]
    steps[-1] = msgspec.structs.replace(steps[-1], state=StepState.FAILED)
    skipped = skip_blocked(steps, "2026-01-01T00:00:00.000Z")
    assert len(skipped) == 499 and {s.reason for s in skipped} == {"s0 failed"}


def test_what_a_step_was_doing_is_gone_when_it_succeeded_or_is_tried_again() -> None:
    doing = reported(Step(name="a", needs=[]), S.RUNNING, 0.4, "compiling", "t1")
    done = reported(doing, S.SUCCEEDED, None, None, "t2")
    assert (done.message, done.progress) == ("", 1.0)
    assert reported(doing, S.SUCCEEDED, None, "12 files", "t2").message == "12 files"
    assert reported(done, S.SUCCEEDED, None, "later", "t3") == done
    for state in (S.FAILED, S.CANCELLED, S.RETRYING, S.WAITING):
        assert reported(doing, state, None, None, "t2").message == "compiling", "it tells how far it came"
    again = reported(reported(doing, S.RETRYING, None, None, "t2"), S.RUNNING, None, None, "t3")
    assert (again.message, again.progress, again.attempt) == ("", None, 2)


def test_a_step_never_ends_before_it_began() -> None:
    step = reported(Step(name="a", needs=[]), S.RUNNING, None, None, "t2")
    assert reported(step, S.SUCCEEDED, None, None, "t1").ended_at == "t2"
