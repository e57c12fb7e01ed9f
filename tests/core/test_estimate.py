"""When steps and tasks are expected to end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livewall.tasks.estimate import ExpectedEnds, StepTiming, expected_ends, median
from livewall.tasks.machine import ENDED, StepState

S = StepState
NOW = 1000.0


def step(
    name: str, *needs: str, state: StepState = S.PENDING, started: float | None = None, usual: float | None = 10.0
) -> StepTiming:
    ended = NOW if state in ENDED else None
    return StepTiming(name, needs, state, started, ended, usual)


def test_fewer_than_three_runs_say_nothing() -> None:
    assert median([]) is None
    assert median([5, 5]) is None
    assert median([1, 100, 3]) == 3


def test_the_longest_path_decides() -> None:
    steps = [step("end", "short", "long"), step("short", usual=5), step("long", usual=60)]
    assert expected_ends(steps, NOW) == ExpectedEnds({"short": 1005.0, "long": 1060.0, "end": 1070.0}, 1070.0)


def test_a_running_step_counts_from_its_start() -> None:
    steps = [step("a", state=S.RUNNING, started=995.0), step("b", "a")]
    assert expected_ends(steps, NOW) == ExpectedEnds({"a": 1005.0, "b": 1015.0}, 1015.0)


def test_an_overdue_step_stays_overdue_and_what_needs_it_counts_from_now() -> None:
    found = expected_ends([step("a", state=S.RUNNING, started=900.0), step("b", "a")], NOW)
    assert found == ExpectedEnds({"a": 910.0, "b": 1010.0}, 1010.0)
    assert expected_ends([step("a", state=S.RUNNING, started=900.0)], NOW).task == 910.0


def test_an_unknown_step_leaves_what_depends_on_it_without_an_estimate() -> None:
    found = expected_ends([step("a", usual=None), step("b", "a"), step("c", "b"), step("d")], NOW)
    assert found == ExpectedEnds({"a": None, "b": None, "c": None, "d": 1010.0}, None)


def test_an_unknown_step_that_has_ended_does_no_harm() -> None:
    found = expected_ends([step("a", state=S.SUCCEEDED, usual=None), step("b", "a")], NOW)
    assert found == ExpectedEnds({"a": None, "b": 1010.0}, 1010.0)


def test_a_step_between_two_tries_takes_its_time_once_more() -> None:
    assert expected_ends([step("a", state=S.RETRYING, started=900.0)], NOW).task == 1010.0


def test_a_task_that_has_ended_expects_nothing() -> None:
    assert expected_ends([step("a", state=S.FAILED), step("b", "a", state=S.SKIPPED)], NOW) == ExpectedEnds(
        {"a": None, "b": None}, None
    )
    assert expected_ends([], NOW) == ExpectedEnds({}, None)


@given(st.data())
def test_nothing_is_expected_before_what_it_needs(data: st.DataObject) -> None:
    steps: list[StepTiming] = []
    for number in range(data.draw(st.integers(1, 12))):
        needs = data.draw(st.lists(st.sampled_from([s.name for s in steps]), unique=True) if steps else st.just([]))
        usual = data.draw(st.none() | st.floats(0.1, 1000))
        steps.append(step(f"s{number}", *needs, usual=usual))
    found = expected_ends(data.draw(st.permutations(steps)), NOW)
    for each in steps:
        end = found.steps[each.name]
        before = [found.steps[need] for need in each.needs]
        if each.duration is None or None in before:
            assert end is None
        else:
            assert end == max([NOW, *[b for b in before if b is not None]]) + each.duration
