"""`livewall watch tasks/ID`: what the tree of a task shows, and in which words."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from livewall.cli.task_states import ENDED, LIVE, UNSUCCESSFUL
from livewall.cli.task_tree import (
    SHAPES,
    TaskTree,
    TreeRow,
    duration_text,
    fit,
    headline,
    rows,
    task_list,
)
from livewall.durations import format_duration
from livewall.tasks import machine

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def step(name: str, *needs: str, state: str = "pending", **more: Any) -> dict[str, Any]:
    return {"name": name, "needs": list(needs), "state": state, "reason": "", "message": "", "progress": None} | more


def at(minute: int, second: int = 0) -> str:
    return f"2026-11-21T11:{minute:02}:{second:02}.000Z"


def shown(steps: list[dict[str, Any]]) -> list[str]:
    return [f"{one.branch}{one.name}" for one in rows(steps, NOW)]


def test_a_step_stands_below_what_it_needs() -> None:
    assert shown([step("clone"), step("lint", "clone"), step("wheel", "clone"), step("install", "wheel")]) == [
        "└ clone",
        "  ├ lint",
        "  └ wheel",
        "    └ install",
    ]


def test_a_step_with_several_needs_stands_below_the_deepest_and_names_the_others() -> None:
    made = rows([step("a"), step("b", "a"), step("c"), step("d", "c", "b")], NOW)
    assert [f"{one.branch}{one.name}" for one in made] == ["├ a", "│ └ b", "│   └ d", "└ c"]
    assert made[2].details == "after c, too"


def test_the_order_in_which_steps_come_does_not_matter_to_their_depth() -> None:
    assert shown([step("install", "wheel"), step("wheel", "clone"), step("clone")]) == [
        "└ clone",
        "  └ wheel",
        "    └ install",
    ]


def test_a_long_chain_is_not_set_in_without_end() -> None:
    chain = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 100))]
    assert max(len(one.branch) for one in rows(chain, NOW)) < 24


def test_what_took_how_long_and_what_is_expected() -> None:
    assert duration_text({"started_at": None}, NOW) == ""
    assert duration_text({"started_at": at(0), "ended_at": at(1, 5)}, NOW) == "1:05"
    assert duration_text({"started_at": at(58), "ended_at": None, "eta": None}, NOW) == "2:00"
    assert duration_text({"started_at": at(58), "eta": "2026-11-21T12:01:00Z"}, NOW) == "2:00 of about 3:00"
    assert duration_text({"started_at": at(58), "eta": at(59, 48)}, NOW) == "2:00, overdue by 0:12"


def test_a_clock_that_is_behind_shows_nothing_negative() -> None:
    assert duration_text({"started_at": "2026-11-21T12:00:05Z"}, NOW) == "0:00"
    assert format_duration(3725) == "1:02:05"


def test_the_command_line_knows_the_states_of_the_server() -> None:
    assert ENDED == machine.ENDED and ENDED > machine.TASK_ENDED
    assert machine.UNDER_WAY | {machine.TaskState.CANCELLING} == LIVE
    assert UNSUCCESSFUL == machine.BLOCKING


def test_a_running_task_without_an_expected_end_says_so() -> None:
    assert headline({"started_at": at(58), "reason": ""}, NOW) == "2:00 · no estimate"
    assert headline({"started_at": at(0), "ended_at": at(2), "reason": "upload failed"}, NOW) == "2:00 · upload failed"


def test_message_reason_and_attempt_stand_beside_a_step() -> None:
    (one,) = rows([step("a", state="retrying", message="copying", reason="exit status 3", attempt=2)], NOW)
    assert one.details == "copying · exit status 3 · attempt 2"


def test_progress_is_shown_while_a_step_runs() -> None:
    made = rows([step("a", state="running", progress=0.4), step("b", state="succeeded", progress=1.0)], NOW)
    assert [one.share for one in made] == [0.4, None]


# What does not fit


def test_what_runs_or_went_wrong_is_kept_and_the_rest_is_counted() -> None:
    steps = [step(f"s{n}", state="succeeded") for n in range(50)]
    steps[20] = step("bad", state="failed")
    steps[40] = step("now", state="running")
    made = fit(rows(steps, NOW), 5)
    assert [one.name for one in made] == ["… 20 succeeded", "bad", "… 19 succeeded", "now", "… 9 succeeded"]


def test_what_fits_is_left_as_it_is() -> None:
    made = rows([step("a"), step("b")], NOW)
    assert fit(made, 2) == made


STATES = st.sampled_from([state for state in SHAPES if state != "cancelling"])


@given(st.lists(STATES, min_size=1, max_size=60), st.integers(1, 30))
def test_no_more_rows_than_room_and_every_step_shown_or_counted(states: list[str], room: int) -> None:
    tree = [TreeRow("", f"s{n}", state) for n, state in enumerate(states)]
    made = fit(tree, room)
    assert len(made) <= room
    assert sum(one.hidden or 1 for one in made) == len(tree)
    assert [one for one in tree if one in made] == [one for one in made if not one.hidden]


@given(st.data())
def test_every_step_of_any_graph_stands_once_and_below_one_of_its_needs(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 20))
    steps = []
    for number in range(count):
        needs = data.draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        steps.append(step(f"s{number}", *[f"s{need}" for need in needs]))
    made = rows(data.draw(st.permutations(steps)), NOW)
    assert sorted(one.name for one in made) == sorted(one["name"] for one in steps)
    above: set[str] = set()
    for one in made:
        needs = next(each["needs"] for each in steps if each["name"] == one.name)
        assert not needs or above & set(needs)
        above.add(one.name)


# As it is drawn


def drawn(renderable: Any, width: int = 90, height: int = 24) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, height=height).print(renderable)
    return out.getvalue().splitlines()


TASK = {
    "id": "9", "title": "Release 4.2", "state": "running", "reason": "", "created_at": at(57), "started_at": at(58),
}  # fmt: skip


def test_a_tree_has_a_sign_and_a_word_for_each_state_and_a_meter() -> None:
    steps = [
        step("build", state="succeeded", started_at=at(58), ended_at=at(59)),
        step("upload", "build", state="running", progress=0.5, message="web-3", started_at=at(59)),
    ]
    lines = drawn(TaskTree(TASK, steps, NOW))
    assert lines[0] == "Release 4.2  9"
    assert "└ build" in lines[1] and "✓ succeeded" in lines[1] and "1:00" in lines[1]
    assert "  └ upload" in lines[2] and "◐ running" in lines[2] and "████      50%" in lines[2] and "web-3" in lines[2]
    assert lines[-1].rstrip() == "◐ running  2:00 · no estimate"


def test_a_tree_is_no_wider_and_no_higher_than_the_terminal() -> None:
    steps = [step(f"a-step-with-a-long-name-{n}", state="running", message="x" * 200) for n in range(200)]
    for width in (40, 80, 120):
        lines = drawn(TaskTree(TASK, steps[:5] if width < 60 else steps, NOW), width)
        assert all(len(line) <= width for line in lines)
        assert width < 60 or len(lines) <= 24


def test_text_of_others_cannot_steer_the_terminal() -> None:
    lines = drawn(
        TaskTree(TASK | {"title": "a\x1b[2Jb"}, [step("s", state="running", message="\x1b]0;x\x07[red]")], NOW)
    )
    assert lines[0] == r"a\x1b[2Jb  9" and "\x1b" not in "".join(lines) and "[red]" in lines[1]


def test_the_list_has_what_runs_above_what_ended_each_newest_first() -> None:
    entries = {
        f"task/{n}": TASK | {"id": f"t{n}", "title": f"Title {n}", "state": state, "created_at": at(n)}
        for n, state in enumerate(["succeeded", "running", "failed", "waiting"])
    }
    lines = drawn(task_list(entries, 80, NOW), 80)
    assert [line.split()[2] for line in lines[1:]] == ["t3", "t1", "t2", "t0"]
    assert {"succeeded", "failed"} <= ENDED
