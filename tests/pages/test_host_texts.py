"""What pages without script offer and say of steps with hosts: the same as the pages' scripts (tests/js/task)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.view_models.host_questions import node_message, progress_parts, question_of
from handlers.view_models.task_hosts import chosen_log, gates_of, hosts_shown, hosts_with_keys
from livewall.tasks.host_acts import host_acts, step_acts
from livewall.tasks.host_progress import (
    can_retry_by_host,
    counts_of,
    failed_first,
    most_relevant,
    sizes_of_waves,
    wave_under_way,
)
from livewall.tasks.machine import Step, StepState, Target, WaitsFor

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "hosts.json").read_text())


def say(key: str, count: int | None = None, **values: Any) -> str:
    """Return the key of a text with its values."""
    shown = [f"{name}={value}" for name, value in values.items()]
    return " ".join([key, *shown, *([] if count is None else [f"({count})"])])


def step_of(case: dict[str, Any]) -> Step:
    return msgspec.convert(case["step"], Step)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_the_server_and_the_scripts_say_the_same_of_hosts(case: dict[str, Any]) -> None:
    step = step_of(case)
    assert wave_under_way(step) == case["wave"]
    assert progress_parts(step, say) == case["said"]
    assert [target.host for target in failed_first(step.targets)] == case["failedFirst"]
    assert most_relevant(step.targets).host == case["mostRelevant"]
    assert [list(pair) for pair in counts_of(step.targets)] == case["counts"]
    assert sizes_of_waves(step.targets) == case["sizes"]
    assert can_retry_by_host([step]) == case["byHost"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_the_server_and_the_scripts_offer_the_same_acts(case: dict[str, Any]) -> None:
    step, cancelling = step_of(case), case.get("cancelling", False)
    assert step_acts(step, cancelling=cancelling) == case["acts"]
    assert [host_acts(step, target, cancelling=cancelling) for target in step.targets] == case["hostActs"]
    targets = {target.host: target for target in step.targets}
    for asked in case["questions"]:
        question = question_of(asked["act"], step, targets.get(asked.get("host", "")), say)
        assert question.sentences == asked["sentences"], asked
        assert (question.kind == "danger") == (asked["act"] in ("abort", "skip"))


def test_a_box_of_the_chart_names_the_failed_hosts_first() -> None:
    assert node_message(step_of(CASES[0]), say) == "hosts.failed n=1 hosts=web2 · hosts.wave_of n=2 of=3"


def test_a_resume_tells_of_the_hosts_that_failed_before_those_that_follow() -> None:
    def sentences(*states: str) -> list[str]:
        targets = [Target(host=f"web{n}", state=StepState(state)) for n, state in enumerate(states, 1)]
        step = Step(name="switch", needs=[], state=StepState.WAITING, paused=True, targets=targets)
        return question_of("resume", step, None, say).sentences

    following = "control.resume_next hosts=web3 (1)"
    assert sentences("succeeded", "skipped", "pending") == [following]
    assert sentences("failed", "succeeded", "pending") == ["control.resume_failed hosts=web1 (1)", following]
    both = "control.resume_failed hosts=hosts.list first=web1 next=web2 (2)"
    assert sentences("failed", "lost", "pending") == [both, following]


def test_hosts_are_filtered_and_ordered_as_asked() -> None:
    step = step_of(CASES[0])
    build = Step(name="build", needs=[])
    assert hosts_shown([build], build, "", in_order=False) is None
    shown = hosts_shown([build, step], build, "failed", in_order=True)
    assert shown is not None and [target.host for target in shown.targets] == ["web2"]
    everybody = hosts_shown([build, step], step, "dancing", in_order=True)
    assert everybody is not None and everybody.targets == step.targets and everybody.state == ""


def test_a_log_is_that_of_the_host_that_is_named_or_that_matters() -> None:
    step, build = step_of(CASES[0]), Step(name="build", needs=[])
    steps = [build, step]
    assert chosen_log(steps, "build") == (build, None)
    assert chosen_log(steps, "switch@web1") == (step, step.targets[0])
    for unit in ("switch", "switch@web99", "switch@"):
        assert chosen_log(steps, unit) == (step, step.targets[1]), unit
    assert chosen_log(steps, "other@web1") == (None, None)


def test_a_host_key_is_no_gate() -> None:
    waits = WaitsFor("host_key", [], host="web1", fingerprint="SHA256:abc")
    asking = msgspec.structs.replace(step_of(CASES[2]), waits_for=waits)
    gate = Step(name="go", needs=[], state=StepState.WAITING, waits_for=WaitsFor("approval", ["Lin"]))
    assert gates_of([asking, gate]) == [gate]
    assert [target.host for _, target in hosts_with_keys([asking, gate])] == ["web1"]
