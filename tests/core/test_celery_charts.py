"""The charts of Celery tasks: the same events give the same chart, in whatever order and however often they come."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.celery.broker import event_of
from livewall.celery.canvas import EVENT, members
from livewall.celery.charts import Charts
from livewall.celery.steps import MAX_STEPS, Shown, reports, shown, steps, task_id, title
from livewall.celery.workers import Workers
from livewall.names import is_name
from livewall.tasks.machine import StepState

S = StepState


def event(kind: str, uuid: str, at: float, **fields: Any) -> dict[str, Any]:
    return {"type": f"task-{kind}", "uuid": uuid, "timestamp": at, "hostname": "w1", **fields}


def begun(uuid: str, name: str, at: float) -> list[dict[str, Any]]:
    return [
        event("sent", uuid, at, name=name), event("received", uuid, at + 0.1, name=name),
        event("started", uuid, at + 0.2),
    ]  # fmt: skip


def single(uuid: str, name: str, at: float, end: str = "succeeded", **fields: Any) -> list[dict[str, Any]]:
    return [*begun(uuid, name, at), event(end, uuid, at + 0.3, **fields)]


FAILED = {"exception": "ValueError('4711')", "traceback": "Traceback …\nValueError: 4711"}
# chain(a, chord([b, c], d), e), in which b is tried twice and c fails.
CANVAS = [
    ["a", "shop.a", None, 0, []], ["b", "shop.b", "g", 0, ["a"]], ["c", "shop.b", "g", 1, ["a"]],
    ["d", "shop.d", None, 0, ["b", "c"]], ["e", "shop.e", None, 0, ["d"]],
]  # fmt: skip
RECORDED = [
    {"type": EVENT, "tasks": CANVAS},
    *single("a", "shop.a", 1.0),
    {"type": EVENT, "tasks": [*CANVAS[1:2], *CANVAS[3:]]},
    {"type": EVENT, "tasks": CANVAS[2:]},
    *begun("b", "shop.b", 2.0),
    event("retried", "b", 2.3, exception="OSError('x')", traceback="…"),
    *single("b", "shop.b", 3.0),
    *single("c", "shop.b", 2.0, "failed", **FAILED),
    *begun("alone", "shop.alone", 1.5),
    # group(x, chain(y, z)): each message tells a part.
    {"type": EVENT, "tasks": [["x", "shop.x", "h", 0, []]]},
    {"type": EVENT, "tasks": [["y", "shop.y", None, 0, []], ["z", "shop.z", "h", 1, ["y"]]]},
]


def drawn(events: list[dict[str, Any]]) -> Any:
    """Everything that is reported of the charts after these events."""
    charts = Charts()
    for each in events:
        charts.apply(each)
    found = []
    for chart in charts:
        planned = steps(chart)
        looks = shown(chart, planned)
        found.append((title(chart), [(s.name, s.needs, s.members, looks[s.name]) for s in planned]))
    return sorted(found)


def test_a_chain_with_a_chord_whose_header_fails() -> None:
    whole, alone, group = drawn(RECORDED)
    assert whole[0] == "shop.a (5 tasks)" and alone[0] == "shop.alone"
    assert [(name, needs, look.state, look.begun) for name, needs, _, look in whole[1]] == [
        ("shop.a", [], S.SUCCEEDED, 1), ("shop.b", ["shop.a"], S.SUCCEEDED, 2),
        ("shop.b-2", ["shop.a"], S.FAILED, 1), ("shop.d", ["shop.b", "shop.b-2"], S.SKIPPED, 0),
        ("shop.e", ["shop.d"], S.SKIPPED, 0),
    ]  # fmt: skip
    assert group[0] == "shop.y, shop.x (3 tasks)"
    assert whole[1][2][3].message == "ValueError", "no value of the exception"


@given(st.data())
def test_any_order_and_any_number_of_times_give_the_same_chart(data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(range(len(RECORDED))), max_size=20))
    order = data.draw(st.permutations([*range(len(RECORDED)), *again]))
    assert drawn([RECORDED[place] for place in order]) == drawn(RECORDED)


@given(st.integers(0, len(RECORDED)), st.randoms(use_true_random=False))
def test_a_beginning_in_any_order_gives_the_same_chart(length: int, chance: random.Random) -> None:
    part = RECORDED[:length]
    assert drawn(chance.sample(part, len(part))) == drawn(part)


@pytest.mark.parametrize(
    ("events", "state", "attempts", "reason"),
    [
        ([event("sent", "x", 1, name="t")], S.PENDING, 0, ""),
        ([event("started", "x", 1), event("sent", "x", 2, name="t")], S.RUNNING, 1, ""),
        ([event("sent", "x", 1, name="t"), event("revoked", "x", 2)], S.CANCELLED, 0, ""),
        ([*begun("x", "t", 1), event("revoked", "x", 2, terminated=True)], S.CANCELLED, 1, ""),
        ([event("received", "x", 1, name="t"), event("revoked", "x", 2, expired=True)], S.CANCELLED, 0, "it expired"),
        ([*begun("x", "t", 1), event("rejected", "x", 2)], S.FAILED, 1, "rejected by its worker"),
        ([*begun("x", "t", 1), event("rejected", "x", 2, requeue=True)], S.RUNNING, 1, ""),
        ([*begun("x", "t", 1), event("retried", "x", 2, exception="a.B(1)")], S.RETRYING, 1, "a.B"),
        ([*begun("x", "t", 1), event("failed", "x", 2, exception="a secret")], S.FAILED, 1, "an exception"),
        ([*single("x", "t", 1), event("started", "x", 9)], S.SUCCEEDED, 1, ""),
        ([*single("x", "t", 1), event("failed", "x", 9, **FAILED)], S.SUCCEEDED, 1, ""),
    ],
)
def test_what_the_events_of_one_task_mean(
    events: list[dict[str, Any]], state: StepState, attempts: int, reason: str
) -> None:
    [(_, [(_, _, _, found)])] = drawn(events)
    assert (found.state, found.begun, found.message) == (state, attempts, reason)


class ChordError(Exception):
    pass


@pytest.mark.parametrize(
    ("status", "result", "kind"),
    [
        ("PENDING", None, None), ("RETRY", OSError(), None), ("PROGRESS", {"current": 1}, None),
        ("STARTED", {"hostname": "w1", "pid": 1}, "task-started"), ("SUCCESS", "a secret", "task-succeeded"),
        ("FAILURE", ValueError("a secret"), "task-failed"), ("FAILURE", ChordError(), None),
        ("REVOKED", None, "task-revoked"),
    ],
)  # fmt: skip
def test_what_the_backend_knows_is_as_the_event_that_would_have_said_it(
    status: str, result: Any, kind: str | None
) -> None:
    found = event_of("x", {"status": status, "result": result, "traceback": None}, 5.0)
    assert (found and found["type"]) == kind
    assert "secret" not in str(found)


def test_the_structure_draws_the_chart_before_anything_runs() -> None:
    [(_, planned)] = drawn(RECORDED[:1])
    assert [(name, look.state) for name, _, _, look in planned] == [
        ("shop.a", S.PENDING), ("shop.b", S.PENDING), ("shop.b-2", S.PENDING), ("shop.d", S.PENDING),
        ("shop.e", S.PENDING),
    ]  # fmt: skip


def test_without_the_structure_tasks_stand_alone() -> None:
    assert [title for title, _ in drawn([e for e in RECORDED if e["type"] != EVENT])] == [
        "shop.a", "shop.alone", "shop.b", "shop.b"
    ]  # fmt: skip


def test_a_chart_that_is_reported_keeps_its_tasks() -> None:
    charts = Charts()
    charts.apply(RECORDED[1])
    [chart] = charts
    chart.id = "a"
    charts.apply(RECORDED[0])
    assert list(chart.tasks) == ["a"] and sorted(len(each.tasks) for each in charts) == [1, 4]


@pytest.mark.parametrize(
    "damaged",
    [
        {"type": "task-sent", "uuid": "x", "timestamp": 10**400}, {"type": "task-sent", "uuid": "x", "timestamp": 1e99},
        {"type": "task-sent", "uuid": "\udcff", "timestamp": 1},
        {"type": EVENT, "tasks": [["\udcff", "t", None, 0, []]]},
        {}, {"type": "task-sent"}, {"type": "task-sent", "uuid": 7, "timestamp": 1}, {"type": "worker-online"},
        {"type": "task-sent", "uuid": "x", "timestamp": "y"}, {"type": EVENT}, {"type": EVENT, "tasks": [[1]]},
        event("sent", "x", 1.0, name="celery.chord"), {"type": EVENT, "tasks": [["x", "celery.group", None, 0, []]]},
        {"type": ["task-sent"], "uuid": "x", "timestamp": 1},
    ],
)  # fmt: skip
def test_what_is_no_event_of_a_task_is_left_out(damaged: dict[str, Any]) -> None:
    assert drawn([damaged]) == []


def test_a_circle_of_needs_is_drawn_without_an_end() -> None:
    tasks = [["a", "a", None, 0, ["b"]], ["b", "b", None, 0, ["a"]]]
    [(_, planned)] = drawn([{"type": EVENT, "tasks": tasks}])
    assert sum(len(needs) for _, needs, _, _ in planned) == 1


def test_tasks_of_a_large_group_share_a_step() -> None:
    tasks = [[f"t{n:04}", "shop.resize", "g", n, []] for n in range(1000)]
    body = ["z", "shop.z", None, 0, [task[0] for task in tasks]]
    events = [{"type": EVENT, "tasks": [*tasks, body]}]
    events += [each for n in range(250) for each in single(f"t{n:04}", "shop.resize", 1.0)]
    [(name, planned)] = drawn(events)
    assert name == "shop.resize, shop.z (1,001 tasks)" or name.endswith("(1,001 tasks)")
    assert [(n, needs, look.state, look.progress, look.message) for n, needs, _, look in planned] == [
        ("shop.resize", [], S.RUNNING, 0.25, "250 of 1,000"), ("shop.z", ["shop.resize"], S.PENDING, None, ""),
    ]  # fmt: skip
    assert len(planned) <= MAX_STEPS


def test_names_that_livewall_does_not_allow_and_names_that_meet_are_changed() -> None:
    tasks = [[f"{n}", name, "g", n, []] for n, name in enumerate(["a b", "a b", "a-b-2", "…", "x" * 100, "x" * 100])]
    [(_, planned)] = drawn([{"type": EVENT, "tasks": tasks}])
    names = [name for name, *_ in planned]
    assert len(set(names)) == 6 and all(len(name) <= 80 for name in names) and names[0] == "a-b"


def test_the_id_is_that_of_the_first_task_if_livewall_takes_it() -> None:
    ids = []
    for id in ("2b8ad9fe-68ba-4c1b-9f6b-4d6c1d3f2a10", "orders/7", "x" * 81):
        charts = Charts()
        charts.apply(event("sent", id, 1.0, name="a\nb"))
        [chart] = charts
        ids.append(task_id(chart))
        assert title(chart) == "a\ufffdb"
    assert ids[0].startswith("2b8ad9fe") and all(is_name(id) for id in ids) and len(set(ids)) == 3


def look(state: StepState, begun: int = 0, message: str = "") -> Shown:
    return Shown(state, begun, None, message)


@pytest.mark.parametrize(
    ("before", "after", "states"),
    [
        (None, look(S.PENDING), []),
        (None, look(S.RUNNING, 1), ["running"]),
        (None, look(S.SUCCEEDED, 1), ["succeeded"]),
        (None, look(S.SUCCEEDED, 3), ["running", "retrying", "running", "retrying", "running", "succeeded"]),
        (look(S.RUNNING, 1), look(S.RETRYING, 1), ["retrying"]),
        (look(S.RETRYING, 1), look(S.RUNNING, 2), ["running"]),
        (look(S.RUNNING, 1), look(S.RUNNING, 2), ["retrying", "running"]),
        (look(S.RUNNING, 1), look(S.LOST, 1), ["lost"]),
        (look(S.LOST, 1), look(S.SUCCEEDED, 1), ["succeeded"]),
        (look(S.PENDING), look(S.CANCELLED), ["cancelled"]),
        (look(S.PENDING), look(S.SKIPPED), []),
        (look(S.SUCCEEDED, 1), look(S.FAILED, 1), []),
    ],
)
def test_every_attempt_is_reported(before: Shown | None, after: Shown, states: list[str]) -> None:
    assert [report["state"] for report in reports(before, after)] == states


def sig(id: str, **options: Any) -> dict[str, Any]:
    return {"task": f"shop.{id}", "options": {"task_id": id, **options}, "kwargs": {"secret": 1}, "subtask_type": None}


def test_a_message_tells_the_rest_of_its_chain_with_a_chord_in_it() -> None:
    header = {"subtask_type": "group", "kwargs": {"tasks": [sig("b", group_id="g"), sig("c", group_id="g")]}}
    chord = {
        "task": "celery.chord",
        "subtask_type": "chord",
        "options": {},
        "kwargs": {"header": header, "body": sig("d")},
    }
    found = members({"id": "a", "task": "shop.a"}, {"chain": [sig("e"), chord], "chord": None, "callbacks": None})
    assert [(m.id, m.group, m.needs) for m in found] == [
        ("a", None, []), ("b", "g", ["a"]), ("c", "g", ["a"]), ("d", None, ["b", "c"]), ("e", None, ["d"])
    ]  # fmt: skip
    assert "secret" not in str(found)


def test_a_task_alone_tells_nothing() -> None:
    assert members({"id": "a", "task": "t", "group": None}, {"chain": None, "chord": None, "callbacks": None}) == []


def test_a_worker_is_silent_after_three_of_its_heartbeats() -> None:
    workers = Workers()
    workers.hear("fast", 10.0, 1.0)
    workers.hear("slow", 10.0, 5.0)
    workers.expect("unheard", 10.0)
    assert workers.silent(13.0) == []
    assert workers.silent(13.1) == ["fast"]
    assert workers.silent(16.1) == ["fast", "unheard"]
    workers.hear("fast", 16.0)
    assert workers.silent(16.1) == ["unheard"] and workers.silent(25.1) == ["fast", "slow", "unheard"]
    assert workers.heard_since("fast", 15.9) and not workers.heard_since("fast", 16.0)
    workers.expect_all(25.0)
    assert workers.silent(25.1) == [], "nothing could be heard without a connection"
    workers.forget("slow")
    assert workers.silent(99.0) == ["fast", "unheard"]


def test_a_traceback_that_is_no_utf_8_is_kept_as_far_as_it_is() -> None:
    charts = Charts()
    charts.apply(event("failed", "x", 1.0, name="t", exception="ValueError('\udcff')", traceback="at \udcff"))
    task = charts.task("x")
    assert task is not None and task.end is not None and task.end.text == "at ?"
