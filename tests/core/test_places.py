"""Tasks with gates and the places of the server: who gives one back, who waits for one, and that no two share one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_tasks_engine import House, S, T, pipeline

from livewall import wire
from livewall.identity import Who
from livewall.tasks import rows
from livewall.tasks.actions import EndWaitLater
from livewall.tasks.engine import MAX_RUNNING_STEPS, Engine
from livewall.tasks.machine import ENDED, TASK_ENDED
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.rows import Place

NOW = "2026-01-02T03:04:05.000Z"
LIN = Who(role="reporter", name="Lin", credential="c7")
TURN = "waits for its turn: this server runs one task at a time"
GATE = 'gate = { approvers = ["Lin"] }'
RUN = 'run = ["true"]'


def made_of(name: str = "release", more: str = "", **bodies: str) -> Pipeline:
    """A pipeline of steps of which each needs those that its body names after a `<`."""
    lines = [more]
    for step, body in bodies.items():
        what, _, needs = body.partition(" < ")
        lines += ["[[steps]]", f'name = "{step}"', what, f"needs = {needs.split()}"]
    return pipeline("\n".join(lines), name)


RELEASE = made_of(build=RUN, go=f"{GATE} < build", switch=f"{RUN} < go")
OTHER = made_of("other", a=RUN)


class Server(House):
    """A house that also knows the ends of waits."""

    def __init__(self, workers: int = 1) -> None:
        super().__init__(workers)
        self.waits: list[EndWaitLater] = []

    def do(self, todo: Any) -> None:
        self.waits += [what for what in todo if isinstance(what, EndWaitLater)]
        super().do(todo)

    def decide(self, task: str, step: str = "go", decision: Any = "approve") -> None:
        given = wire.DecideIn(decision)
        self.do(self.write(lambda tx: self.engine.decide(tx, task, step, given, LIN, NOW)))

    def place(self, task: str) -> Place:
        return rows.find(self.connection, task).place

    def at_gate(self, release: Pipeline = RELEASE) -> str:
        task = self.start(release)
        self.end(self.next("build", task))
        assert self.states(task)["go"] is S.WAITING
        return task

    def busy(self) -> set[str]:
        """The tasks that have a step which runs, or is between two attempts."""
        found = self.connection.execute("SELECT DISTINCT task FROM steps WHERE state IN ('running', 'retrying')")
        return {task for (task,) in found}


def test_approved_tasks_go_on_in_order_and_before_new_ones() -> None:
    house = Server()
    releases = [house.at_gate() for _ in range(3)]
    other = house.start(OTHER)
    new = house.start(OTHER)
    for task in reversed(releases):
        house.decide(task)
    assert house.busy() == {other}
    for task in releases:
        assert (house.task(task).state, house.task(task).reason) == (T.WAITING, TURN)
        assert house.states(task) == {"build": S.SUCCEEDED, "go": S.SUCCEEDED, "switch": S.PENDING}
    house.end(house.next("a", other))
    for task in releases:
        assert house.busy() == {task} and house.task(task).state is T.RUNNING and house.task(task).reason == ""
        assert house.next("switch", task).inherits
        house.end(house.next("switch", task))
        assert house.task(task).state is T.SUCCEEDED
    assert house.busy() == {new}


def test_an_approved_task_goes_on_at_once_where_a_place_is_free() -> None:
    house = Server(2)
    first, second = house.at_gate(), house.at_gate()
    house.start(OTHER)
    house.decide(first)
    assert house.place(first) is Place.TAKEN and house.task(first).state is T.RUNNING
    house.decide(second)
    assert house.place(second) is Place.QUEUED and len(house.busy()) == 2


def test_a_task_that_ends_with_its_gate_needs_no_place() -> None:
    house = Server()
    alone, rejected = house.start(made_of("alone", go=GATE)), house.at_gate()
    house.start(OTHER)
    house.decide(alone)
    house.decide(rejected, decision="reject")
    assert (house.task(alone).state, house.task(rejected).state) == (T.SUCCEEDED, T.FAILED)


def test_a_gate_after_a_gate_begins_to_wait_without_a_place() -> None:
    house = Server()
    task = house.at_gate(made_of(build=RUN, go=f"{GATE} < build", also=f"{GATE} < go", switch=f"{RUN} < also"))
    house.start(OTHER)
    house.decide(task)
    assert house.states(task)["also"] is S.WAITING and house.task(task).reason == "also: waits for Lin"
    house.decide(task, "also")
    assert house.task(task).reason == TURN


def test_a_gate_is_decided_while_its_task_waits_for_its_turn() -> None:
    house = Server()
    task = house.at_gate(made_of(
        build=RUN, go=f"{GATE} < build", also=f"{GATE} < build", switch=f"{RUN} < go", tell=f"{RUN} < also"
    ))  # fmt: skip
    other = house.start(OTHER)
    house.decide(task)
    house.decide(task, "also")
    assert house.task(task).reason == TURN and house.busy() == {other}
    house.end(house.next("a", other))
    assert house.states(task) == {
        "build": S.SUCCEEDED, "go": S.SUCCEEDED, "also": S.SUCCEEDED, "switch": S.RUNNING, "tell": S.RUNNING
    }  # fmt: skip


def test_the_pipeline_of_a_task_that_waits_for_its_turn_again_counts_it_once() -> None:
    house = Server()
    one_at_a_time = msgspec.structs.replace(RELEASE, concurrency=1)
    first = house.at_gate(one_at_a_time)
    other, second = house.start(OTHER), house.start(one_at_a_time)
    house.decide(first)
    assert house.task(second).reason == "waits for its turn: release runs one task at a time"
    house.end(house.next("a", other))
    assert house.busy() == {first}
    house.end(house.next("switch", first))
    assert house.busy() == {second}


def test_a_task_that_waits_for_its_turn_again_can_be_cancelled_and_retried() -> None:
    house = Server()
    task = house.at_gate()
    other = house.start(OTHER)
    house.decide(task)
    house.cancel(task)
    assert house.task(task).state is T.CANCELLED and house.states(task)["switch"] is S.CANCELLED
    retry, _ = house.retry(task)
    assert house.task(retry).reason == TURN and house.busy() == {other}
    house.end(house.next("a", other))
    assert house.next("switch", retry).inherits


def test_another_server_lets_those_that_wait_go_on() -> None:
    house = Server()
    task, idle = house.at_gate(), house.at_gate()
    house.start(OTHER)
    house.decide(task)
    house.engine = Engine(2, "epoch", house.engine.specs.prepare, house.engine._announcements, house.engine._polls)
    house.do(house.write(lambda tx: house.engine.admit(tx, NOW)))
    assert house.states(task)["switch"] is S.RUNNING and house.states(idle)["switch"] is S.PENDING


def test_webhooks_are_told_that_a_task_waits_for_its_turn_again() -> None:
    house = Server()
    hook = '[[webhooks]]\nurl = "https://chat.example.org/"\non = ["waiting", "running"]\n'
    task = house.at_gate(made_of(more=hook, build=RUN, go=f"{GATE} < build", switch=f"{RUN} < go"))
    other = house.start(OTHER)
    house.decide(task)
    house.end(house.next("a", other))
    bodies = house.connection.execute("SELECT body FROM deliveries ORDER BY rowid").fetchall()
    told = [msgspec.json.decode(body)["event"] for (body,) in bodies]
    assert [event["state"] for event in told] == ["running", "waiting", "waiting", "running"]
    assert TURN in bodies[2][0]


def test_gates_take_no_place_of_a_step_and_all_begin_to_wait_at_once() -> None:
    house = Server()
    gates = {f"g{n:02}": 'gate = { approvers = ["Lin"], within = 60 }' for n in range(20)}
    task = house.start(made_of(**gates, **{f"a{n:02}": RUN for n in range(20)}))
    assert len(house.waits) == 20 and len(house.begun) == MAX_RUNNING_STEPS
    while house.begun:
        house.end(house.begun[0])
    assert house.task(task).state is T.WAITING and house.task(task).reason == "g00: waits for Lin"
    assert {state for name, state in house.states(task).items() if name.startswith("a")} == {S.SUCCEEDED}


@pytest.mark.parametrize("ends", [S.SUCCEEDED, S.FAILED])
def test_a_step_beside_a_gate_and_its_retry_inherit_no_folder_of_a_gate(ends: Any) -> None:
    house = Server()
    task = house.start(made_of(go=GATE, a=f"{RUN} < go", b=RUN))
    house.decide(task)
    assert not house.next("a").inherits and not house.next("b").inherits
    house.end(house.next("a"), S.FAILED)
    house.end(house.next("b"), ends)
    again, _ = house.retry(task)
    assert house.next("a", again).inherits is (ends is S.SUCCEEDED), "only a command leaves something there"


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    bodies: dict[str, str] = {}
    for n in range(draw(st.integers(1, 5))):
        needs = draw(st.lists(st.sampled_from(sorted(bodies)), unique=True)) if bodies else []
        what = draw(st.sampled_from([GATE, RUN, f"{RUN}\nretries = 1", f'{RUN}\nwhen = "a != a"']))
        bodies[f"s{n}"] = f"{what} < {' '.join(needs)}"
    more = draw(st.sampled_from(["", "concurrency = 1", "concurrency = 2"]))
    return made_of(draw(st.sampled_from(["one", "two"])), more, **bodies)


@given(st.data())
def test_never_do_more_tasks_run_than_there_are_places_and_none_starves(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 3))
    house = Server(workers)
    tasks: list[str] = []
    for turn in range(300):
        waiting = [(task, name) for task in tasks for name, state in house.states(task).items() if state is S.WAITING]
        acts = ["start"] * 3 * (len(tasks) < 6) + ["end"] * 4 * bool(house.begun) + ["decide"] * 4 * bool(waiting)
        acts += ["again"] * 2 * bool(house.again) + ["cancel", "retry"] * (bool(tasks) and turn < 40)
        if not acts:
            break
        match data.draw(st.sampled_from(acts)):
            case "start":
                tasks.append(house.start(data.draw(pipelines())))
            case "end":
                house.end(data.draw(st.sampled_from(house.begun)), data.draw(st.sampled_from([S.SUCCEEDED, S.FAILED])))
            case "decide":
                task, name = data.draw(st.sampled_from(waiting))
                house.decide(task, name, data.draw(st.sampled_from(["approve", "approve", "reject"])))
            case "again":
                house.wait()
            case "cancel":
                house.cancel(data.draw(st.sampled_from(tasks)))
            case "retry":
                task = data.draw(st.sampled_from(tasks))
                if house.task(task).state in TASK_ENDED - {T.SUCCEEDED}:
                    new, created = house.retry(task)
                    tasks += [new] * created
        assert len(house.busy()) <= workers
        for task in tasks:
            found, states = house.task(task), set(house.states(task).values())
            queued = found.ended_at is None and house.place(task) is Place.QUEUED
            assert queued == found.reason.startswith("waits for its turn: ")
            assert not (queued and states & {S.RUNNING, S.RETRYING})
            if found.reason.startswith("waits for its turn: this server"):
                assert len(house.busy()) == workers, "a place is free, and somebody waits for it"
    assert all(house.task(task).state in TASK_ENDED and set(house.states(task).values()) <= ENDED for task in tasks)
