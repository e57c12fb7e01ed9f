"""Steps that wait for a decision: who may make it, what it does, and what happens if nobody does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from test_tasks_engine import House, S, T, pipeline

from livewall import wire
from livewall.clock import later, moment
from livewall.errors import NotAllowed, Refused
from livewall.identity import Who
from livewall.tasks import gates, rows
from livewall.tasks.actions import EndWaitLater
from livewall.tasks.machine import Step, WaitsFor

NOW = "2026-01-02T03:04:05.000Z"
DECIDERS = json.loads((Path(__file__).parent.parent / "vectors" / "deciders.json").read_text())
LIN = Who(role="reporter", name="Lin", credential="c7")
HOST = Who(role="host", name="stage", credential="c8")
RELEASE = """params.who.default = "Lin"
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
gate = { approvers = ["{params.who}", "role:host"], within = 3600, otherwise = "OTHERWISE" }
[[steps]]
name = "switch"
needs = ["go"]
run = ["true"]
"""


class Gated(House):
    """A house with a release that has come to its gate."""

    def __init__(self, otherwise: str = "failed", **params: Any) -> None:
        super().__init__()
        self.waits: list[EndWaitLater] = []
        text = RELEASE.replace("OTHERWISE", otherwise)
        self.release = self.start(pipeline(text, "release"), params or {"who": "Lin"})
        self.end(self.next("build"))

    def do(self, todo: Any) -> None:
        self.waits += [what for what in todo if isinstance(what, EndWaitLater)]
        super().do(todo)

    def decide(self, who: Who, decision: Any = "approve", **more: Any) -> None:
        body = wire.DecideIn(decision, **more)
        self.do(self.write(lambda tx: self.engine.decide(tx, self.release, "go", body, who, NOW)))

    def time(self, seconds: float) -> None:
        now = later(moment(NOW), seconds)
        self.do(self.write(lambda tx: self.engine.end_wait(tx, self.release, "go", now)))

    @property
    def gate(self) -> Step:
        return rows.step(self.connection, self.release, "go")

    def audited(self) -> list[tuple[str, str, dict[str, Any]]]:
        found = self.connection.execute("SELECT who, act, detail FROM audit ORDER BY number").fetchall()
        return [(who, act, msgspec.json.decode(detail)) for who, act, detail in found]


def test_a_gate_waits_and_says_for_whom_and_until_when() -> None:
    house = Gated()
    assert house.states(house.release) == {"build": S.SUCCEEDED, "go": S.WAITING, "switch": S.PENDING}
    task = house.task(house.release)
    assert (task.state, task.reason) == (T.WAITING, "go: waits for Lin or anybody with the role host")
    assert house.gate.waits_for == WaitsFor("approval", ["Lin", "role:host"], until="2026-01-02T04:04:05.000Z")
    assert house.waits == [EndWaitLater(house.release, "go", 3600.0)]
    event = house.connection.execute("SELECT data FROM latest WHERE key = 'step/go'").fetchone()[0]
    assert msgspec.json.decode(event)["waits_for"] == {
        "kind": "approval", "approvers": ["Lin", "role:host"], "until": "2026-01-02T04:04:05.000Z"
    }  # fmt: skip
    build = house.connection.execute("SELECT data FROM latest WHERE key = 'step/build'").fetchone()[0]
    assert "waits_for" not in msgspec.json.decode(build), "other steps are as they were"


def test_a_gate_at_the_beginning_waits_for_people_and_no_longer_for_its_turn() -> None:
    house = House(workers=1)
    first = house.start(pipeline('[[steps]]\nname = "a"\nrun = ["true"]\n', "first"))
    gate = house.start(pipeline('[[steps]]\nname = "go"\ngate = { approvers = ["Lin"] }\n', "gate"))
    assert house.task(gate).reason == "waits for its turn: this server runs one task at a time"
    house.end(house.next("a", first))
    assert (house.task(gate).state, house.task(gate).reason) == (T.WAITING, "go: waits for Lin")


def test_a_step_after_a_gate_alone_inherits_no_folder() -> None:
    house = Gated()
    alone = '[[steps]]\nname = "go"\ngate = { approvers = ["Lin"] }\n'
    text = alone + '[[steps]]\nname = "a"\nneeds = ["go"]\nrun = ["true"]\n'
    task = house.start(pipeline(text, "gate"))
    house.do(house.write(lambda tx: house.engine.decide(tx, task, "go", wire.DecideIn("approve"), LIN, NOW)))
    assert house.next("a", task).inherits is False
    house.decide(LIN)
    assert house.next("switch").inherits is True


@pytest.mark.parametrize("who", [LIN, HOST])
def test_an_approver_opens_the_gate_and_the_step_says_who_it_was(who: Who) -> None:
    house = Gated()
    house.decide(who, comment="looks good")
    assert house.states(house.release) == {"build": S.SUCCEEDED, "go": S.SUCCEEDED, "switch": S.RUNNING}
    assert house.gate.reason == f"approved by {who.name}: looks good" and house.gate.waits_for is UNSET
    assert house.gate.message == "" and house.task(house.release).reason == ""
    assert house.audited() == [(who.name, "task.approve", {"step": "go", "comment": "looks good"})]


def test_a_rejected_release_has_failed_and_nothing_after_it_runs() -> None:
    house = Gated()
    house.decide(LIN, "reject")
    assert house.states(house.release) == {"build": S.SUCCEEDED, "go": S.FAILED, "switch": S.SKIPPED}
    assert house.task(house.release).reason == "go: rejected by Lin"


@pytest.mark.parametrize(
    "who",
    [
        Who(),
        Who(voter="v"),
        Who(role="operator", name="lin", credential="c1"),
        Who(role="admin", name="admin", credential="admin"),
        Who(name="Lin", step=("1", "Lin", 1)),  # a step that is called as an approver is
    ],
)
def test_others_decide_nothing(who: Who) -> None:
    house = Gated()
    with pytest.raises(NotAllowed, match="this gate is decided by Lin or anybody with the role host"):
        house.decide(who)
    assert house.gate.state is S.WAITING and house.audited() == []
    house.decide(LIN)
    with pytest.raises(NotAllowed):
        house.decide(who)


@pytest.mark.parametrize("each", DECIDERS, ids=[each["what"] for each in DECIDERS])
def test_names_and_roles_decide_by_the_rule_of_the_pages(each: dict[str, Any]) -> None:
    who = Who(role=each["role"], name=each["name"], credential="c1")
    assert list(gates.tags_of(who)) == each["me"]
    assert gates.may_decide(who, each["approvers"]) is each["may"]


@pytest.mark.parametrize("value", ["role:host", "host", " Role:admin", "\u200brole:host", "ｒｏｌｅ：host"])
def test_a_value_is_a_name_and_never_a_role(value: str) -> None:
    house = Gated(who=value)
    assert house.gate.state is S.FAILED and house.gate.waits_for is UNSET
    assert house.gate.reason == "the approver {params.who} must be the name of a token, not a role"
    assert house.states(house.release)["switch"] is S.SKIPPED


def test_no_value_completes_the_word_before_a_role() -> None:
    house = House()
    text = 'params.who = {}\n[[steps]]\nname = "go"\ngate = { approvers = ["ro{params.who}"] }\n'
    task = house.start(pipeline(text), {"who": "le:host"})
    assert house.task(task).state is T.FAILED


@pytest.mark.parametrize(("role", "state"), [("host", S.WAITING), ("hots", S.FAILED), ("", S.FAILED)])
def test_a_role_may_come_from_a_parameter_and_must_be_one(role: str, state: Any) -> None:
    house = House()
    text = 'params.who = {}\n[[steps]]\nname = "go"\ngate = { approvers = ["role:{params.who}"] }\n'
    task = house.start(pipeline(text), {"who": role})
    assert house.states(task) == {"go": state}
    if state is S.FAILED:
        said = "go: the approver role:{params.who} is not a role: reporter, operator, host or admin"
        assert house.task(task).reason == said


def test_the_first_decision_counts_and_its_repetition_is_no_second_one() -> None:
    house = Gated()
    house.decide(LIN, ref="a1")
    house.decide(LIN, ref="a1")
    for who, ref in ((HOST, "a1"), (HOST, None), (LIN, "a2"), (LIN, None)):
        with pytest.raises(Refused, match="there is nothing to decide: the state of the step is succeeded"):
            house.decide(who, ref=ref)
    with pytest.raises(Refused):
        house.decide(LIN, "reject", ref="a1")
    assert len(house.audited()) == 1 and len(house.begun) == 1


def test_there_is_nothing_to_decide_before_and_at_other_steps() -> None:
    house = House()
    task = house.start(pipeline(RELEASE.replace("OTHERWISE", "failed"), "release"), {"who": "Lin"})
    body = wire.DecideIn("approve")
    for step, said in (("go", "the state of the step is pending"), ("build", "the step build is not a gate")):
        with pytest.raises(Refused, match=said):
            house.write(lambda tx, s=step: house.engine.decide(tx, task, s, body, LIN, NOW))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("otherwise", "switch"), [("failed", S.SKIPPED), ("skipped", S.RUNNING), ("succeeded", S.RUNNING)]
)
def test_without_a_decision_the_gate_ends_as_its_definition_says(otherwise: str, switch: Any) -> None:
    house = Gated(otherwise)
    house.waits.clear()
    house.time(3599)
    assert house.gate.state is S.WAITING and house.waits == [EndWaitLater(house.release, "go", 1.0)]
    house.time(3600)
    assert (house.gate.state.value, house.gate.reason) == (otherwise, "nobody decided in time")
    assert house.states(house.release)["switch"] is switch
    assert house.audited() == [("livewall", f"task.{otherwise}", {"step": "go", "reason": "nobody decided in time"})]
    house.time(4000)
    assert len(house.audited()) == 1
    with pytest.raises(Refused):
        house.decide(LIN)


def test_a_server_that_starts_knows_how_long_a_gate_still_waits() -> None:
    house = Gated()
    for seconds, left in ((600, 3000.0), (7200, 0.0)):
        now = later(moment(NOW), seconds)
        assert house.engine.unfinished.waits(house.connection, now) == [EndWaitLater(house.release, "go", left)]
    house.decide(LIN)
    assert house.engine.unfinished.waits(house.connection, NOW) == []


def test_a_cancel_ends_the_wait_at_once() -> None:
    house = Gated()
    house.cancel(house.release)
    assert house.states(house.release) == {"build": S.SUCCEEDED, "go": S.CANCELLED, "switch": S.CANCELLED}
    assert house.gate.waits_for is UNSET and house.task(house.release).state is T.CANCELLED
    with pytest.raises(Refused):
        house.decide(LIN)


def test_a_retry_takes_a_decision_over_and_asks_again_only_where_there_was_none() -> None:
    house = Gated()
    house.decide(LIN, "reject")
    again, _ = house.retry(house.release)
    assert house.states(again) == {"build": S.SUCCEEDED, "go": S.WAITING, "switch": S.PENDING}
    house.release = again
    house.decide(HOST)
    house.end(house.next("switch"), S.FAILED)
    third, _ = house.retry(again)
    assert house.states(third)["go"] is S.SUCCEEDED


def test_tasks_that_wait_for_a_decision_keep_no_others_waiting() -> None:
    house = House(workers=1)
    text = "concurrency = 1\n" + RELEASE.replace("OTHERWISE", "failed")
    first = house.start(pipeline(text, "release"), {"who": "Lin"})
    house.end(house.next("build"))
    other = house.start(pipeline('[[steps]]\nname = "a"\nrun = ["true"]\n', "other"))
    assert house.states(other) == {"a": S.RUNNING}, "the only place is free while people think"
    second = house.start(pipeline(text, "release"), {"who": "Lin"})
    assert house.task(second).reason == "waits for its turn: release runs one task at a time"
    assert house.states(first)["go"] is S.WAITING


@given(st.lists(st.sampled_from(["approve", "reject", "later", "early", "cancel"]), max_size=6))
def test_whatever_comes_in_whatever_order_a_gate_ends_once(acts: list[str]) -> None:
    house = Gated()
    ended: Step | None = None
    for act in acts:
        try:
            if act == "later":
                house.time(3601)
            elif act == "early":
                house.time(1)
            elif act == "cancel":
                house.cancel(house.release)
            else:
                house.decide(LIN, act)
        except Refused:
            assert ended is not None
        if ended is not None:
            assert house.gate == ended, "what ended stays as it is"
        elif house.gate.state is not S.WAITING:
            ended = house.gate
    assert (ended is None) == all(act == "early" for act in acts)
    assert len([act for _, act, _ in house.audited() if act != "task.cancel"]) <= 1


def test_approvers_in_words() -> None:
    assert gates.in_words(["Lin"]) == "Lin"
    assert gates.in_words(["role:host", "Lin", "Ada"]) == "Lin, Ada or anybody with the role host"
