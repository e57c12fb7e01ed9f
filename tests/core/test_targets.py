"""Steps on several hosts: waves, failures, pauses and keys, through the engine, without a process or a clock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tasks_engine import NOW, OPERATOR, House, pipeline

from livewall.errors import BadInput, NotFound, Refused
from livewall.tasks import rows, target_rows
from livewall.tasks.actions import StartAttempt
from livewall.tasks.attempt_result import Outcome
from livewall.tasks.hosts.step_hosts import wave_sizes
from livewall.tasks.machine import ENDED, Step, StepState, Target, TaskState
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.target_rows import HostKey
from livewall.tasks.targets import MAX_AT_ONCE

S, T = StepState, TaskState
KEY = HostKey("SHA256:abc", "ssh-ed25519 AAAA")


def release(count: int = 5, more: str = "", last: str = "") -> Pipeline:
    hosts = ", ".join(f'"web{number}"' for number in range(1, count + 1))
    return pipeline(
        f"""
        inventory = {{ web = [{hosts}] }}
        [params.hosts]
        default = "web"
        [[steps]]
        name = "switch"
        ssh = ["switch", "{{host.name}}"]
        hosts = "{{params.hosts}}"
        {more}
        {last}
        """
    )


class Hosts(House):
    """What the engine makes of steps on hosts."""

    def start(self, pipeline: Pipeline, params: dict[str, Any] | None = None, id: str | None = None) -> str:
        return super().start(pipeline, {"hosts": "web"} if params is None else params, id)

    def begun_on(self, step: str = "switch") -> list[str]:
        return [begin.step.partition("@")[2] for begin in self.begun if begin.step.partition("@")[0] == step]

    def end_on(self, host: str, state: StepState = S.SUCCEEDED, step: str = "switch", **more: Any) -> None:
        self.end(next(begin for begin in self.begun if begin.step == f"{step}@{host}"), state, **more)

    def step(self, task: str, name: str = "switch") -> Step:
        return rows.step(self.connection, task, name)

    def targets(self, task: str, name: str = "switch") -> dict[str, str]:
        return {target.host: target.state.value for target in self.step(task, name).targets}

    def target(self, task: str, host: str, name: str = "switch") -> Target:
        return rows.target(self.step(task, name), host)

    def act(self, task: str, act: str, host: str | None = None, step: str = "switch") -> None:
        self.do(self.write(lambda tx: self.engine.hosts.act(tx, task, step, act, host, OPERATOR, NOW)))

    def accept(self, task: str, host: str, fingerprint: str = KEY.fingerprint) -> None:
        self.do(
            self.write(lambda tx: self.engine.hosts.key_accepted(tx, task, "switch", host, fingerprint, OPERATOR, NOW))
        )


@pytest.mark.parametrize(
    ("count", "waves", "sizes"),
    [
        (10, [1, "25%", "rest"], [1, 3, 6]),
        (3, [1, 2, "rest"], [1, 2]),
        (5, [1, 2], [1, 2, 2]),
        (2, [5], [2]),
        (3, ["1%"], [1, 1, 1]),
        (200, ["rest"], [200]),
        (8, ["50%", "100%"], [4, 4]),
    ],
)
def test_waves_have_the_sizes_that_are_asked_for(count: int, waves: list[Any], sizes: list[int]) -> None:
    assert wave_sizes(count, waves) == sizes


@given(st.integers(1, 300), st.lists(st.one_of(st.integers(1, 50), st.integers(1, 100).map("{}%".format)), min_size=1))
def test_waves_have_every_host_once(count: int, waves: list[Any]) -> None:
    assert sum(wave_sizes(count, waves)) == count and min(wave_sizes(count, waves)) >= 1


def test_each_wave_begins_when_the_one_before_has_ended() -> None:
    house = Hosts()
    task = house.start(release(5, 'waves = [1, 2, "rest"]'))
    assert [(t.host, t.wave) for t in house.step(task).targets] == [
        ("web1", 1), ("web2", 2), ("web3", 2), ("web4", 3), ("web5", 3),
    ]  # fmt: skip
    assert house.begun_on() == ["web1"] and house.step(task).state is S.RUNNING
    house.end_on("web1")
    assert house.begun_on() == ["web2", "web3"] and house.step(task).progress == 0.2
    house.end_on("web3")
    assert house.begun_on() == ["web2"]
    house.end_on("web2")
    assert house.begun_on() == ["web4", "web5"]
    house.end_on("web4")
    house.end_on("web5")
    assert house.task(task).state is T.SUCCEEDED and house.step(task).progress == 1.0


def test_values_of_the_host_are_filled_in_and_its_log_is_its_own() -> None:
    house = Hosts()
    task = house.start(release(2))
    begin = house.next("switch@web2")
    assert begin.run.input is not None and begin.run.input["argv"] == ["switch", "web2"]
    assert begin.host is not None and begin.host.address == "web2" and begin.ssh is not None
    house.end(begin, S.FAILED, size=10)
    stream = house.connection.execute("SELECT 1 FROM streams WHERE name = ?", (f"tasks/{task}/logs/switch@web2",))
    assert stream.fetchone() and target_rows.log_base(house.connection, task, "switch", "web2") == 10


def test_after_too_many_failures_no_other_wave_begins() -> None:
    house = Hosts()
    task = house.start(release(5, 'waves = [2, "rest"]'))
    house.end_on("web1", S.FAILED, reason="exit status 3")
    assert house.step(task).state is S.RUNNING
    house.end_on("web2")
    step = house.step(task)
    assert (step.state, step.reason) == (S.FAILED, "web1: exit status 3")
    skipped = dict.fromkeys(("web3", "web4", "web5"), "skipped")
    assert house.targets(task) == {"web1": "failed", "web2": "succeeded", **skipped}
    assert house.task(task).reason == "switch: web1: exit status 3" and not house.begun


def test_as_many_failures_as_are_allowed_end_well_and_say_so() -> None:
    house = Hosts()
    task = house.start(release(3, "waves = [1]\nmax_failures = 1"))
    house.end_on("web1", S.FAILED, reason="exit status 1")
    house.end_on("web2")
    house.end_on("web3")
    assert (house.step(task).state, house.step(task).reason) == (S.SUCCEEDED, "web1: exit status 1")


def test_a_step_that_succeeded_nowhere_has_failed_whatever_is_allowed() -> None:
    house = Hosts()
    task = house.start(release(2, "max_failures = 9"))
    house.end_on("web1", S.FAILED, reason="exit status 1")
    house.end_on("web2", S.FAILED)
    assert (house.step(task).state, house.step(task).reason) == (S.FAILED, "web1: exit status 1 (and on another host)")


def test_a_host_that_failed_is_left_out_of_later_steps() -> None:
    house = Hosts()
    later = '[[steps]]\nname = "check"\nneeds = ["switch"]\nhttp = { url = "http://{host.address}/" }\nhosts = "web"'
    task = house.start(release(2, "max_failures = 1", later))
    house.end_on("web1", S.FAILED)
    house.end_on("web2")
    assert house.begun_on("check") == ["web2"]
    assert house.target(task, "web1", "check").reason == "left out: it did not succeed in switch"
    house.end_on("web2", step="check")
    assert house.task(task).state is T.SUCCEEDED


def test_a_step_that_was_skipped_by_its_condition_leaves_no_host_out() -> None:
    house = Hosts()
    later = '[[steps]]\nname = "check"\nneeds = ["switch"]\nssh = ["check"]\nhosts = "web"'
    task = house.start(release(2, 'when = "a == b"', later))
    assert house.targets(task) == {"web1": "skipped", "web2": "skipped"} and house.begun_on("check") == ["web1", "web2"]


def test_so_many_hosts_run_at_once_as_are_allowed() -> None:
    house = Hosts()
    house.start(release(5, "parallel = 2"))
    assert house.begun_on() == ["web1", "web2"]
    house.end_on("web1")
    assert house.begun_on() == ["web2", "web3"]
    many = Hosts()
    many.start(release(200))
    assert len(many.begun) == MAX_AT_ONCE


def test_with_few_at_once_nothing_begins_in_a_wave_after_too_many_failures() -> None:
    house = Hosts()
    task = house.start(release(5, "parallel = 1"))
    house.end_on("web1", S.FAILED)
    assert house.step(task).state is S.FAILED and not house.begun


def test_a_failed_host_is_retried_as_often_as_the_step_says() -> None:
    house = Hosts()
    task = house.start(release(2, "retries = 1\nretry_delay = 5"))
    house.end_on("web1", S.FAILED, reason="exit status 1")
    assert house.targets(task)["web1"] == "retrying" and [a.step for a in house.again] == ["switch@web1"]
    house.end_on("web2")
    assert house.step(task).state is S.RUNNING
    house.wait()
    assert house.next("switch@web1").attempt == 2
    house.end_on("web1")
    assert house.task(task).state is T.SUCCEEDED


@pytest.mark.parametrize(("idempotent", "state"), [(True, "retrying"), (False, "lost")])
def test_only_what_is_idempotent_is_run_again_when_its_end_was_not_seen(idempotent: bool, state: str) -> None:
    house = Hosts()
    task = house.start(release(1, f"idempotent = {str(idempotent).lower()}"))
    house.end_on("web1", S.LOST, reason="the host was restarted")
    assert house.targets(task) == {"web1": state}
    assert house.step(task).state is (S.RUNNING if idempotent else S.LOST)
    for _ in range(10):
        house.wait()
        for begin in list(house.begun):
            house.end(begin, S.LOST)
    assert house.task(task).state is T.LOST


def test_a_paused_step_begins_nothing_until_it_is_resumed() -> None:
    house = Hosts()
    task = house.start(release(3, 'waves = [1, "rest"]'))
    house.act(task, "pause")
    assert house.step(task).state is S.RUNNING and house.step(task).paused is True
    house.end_on("web1")
    step = house.step(task)
    assert (step.state, step.message, house.begun) == (S.WAITING, "paused by lin", [])
    assert (house.task(task).state, house.task(task).reason) == (T.WAITING, "switch: paused by lin")
    house.act(task, "pause")
    house.act(task, "resume")
    assert house.begun_on() == ["web2", "web3"] and house.step(task).state is S.RUNNING
    house.act(task, "resume")
    house.end_on("web2")
    house.end_on("web3")
    assert house.task(task).state is T.SUCCEEDED


def test_a_paused_task_keeps_its_place() -> None:
    house = Hosts(workers=1)
    task = house.start(release(2, "waves = [1]"))
    other = house.start(release(1))
    house.act(task, "pause")
    house.end_on("web1")
    assert house.task(task).state is T.WAITING and house.task(other).reason.startswith("waits for its turn")
    house.act(task, "resume")
    house.end_on("web2")
    assert house.task(task).state is T.SUCCEEDED and house.task(other).state is T.RUNNING


def test_while_it_is_paused_a_failed_host_can_be_retried() -> None:
    house = Hosts()
    task = house.start(release(2))
    house.act(task, "pause")
    house.end_on("web1", S.FAILED)
    house.end_on("web2")
    assert house.step(task).state is S.WAITING
    house.act(task, "retry", "web1")
    assert house.next("switch@web1").attempt == 2
    house.end_on("web1")
    assert house.step(task).state is S.WAITING
    house.act(task, "resume")
    assert house.task(task).state is T.SUCCEEDED


def test_a_host_that_has_not_failed_cannot_be_retried() -> None:
    house = Hosts()
    task = house.start(release(2, "waves = [1]"))
    for host in ("web1", "web2"):
        with pytest.raises(Refused, match="nothing to retry"):
            house.act(task, "retry", host)
    with pytest.raises(NotFound):
        house.act(task, "retry", "web9")


def test_a_host_is_skipped_before_while_and_after_it_runs() -> None:
    house = Hosts()
    task = house.start(release(3, "waves = [1]\nmax_failures = 3"))
    house.act(task, "skip", "web2")
    assert house.target(task, "web2").reason == "skipped by lin"
    house.act(task, "skip", "web2")
    house.act(task, "skip", "web1")
    assert [(stop.step, stop.attempt) for stop in house.ends] == [("switch@web1", 1)]
    house.end_on("web1", S.CANCELLED)
    assert house.targets(task) == {"web1": "skipped", "web2": "skipped", "web3": "running"}
    house.end_on("web3")
    assert house.step(task).state is S.SUCCEEDED
    with pytest.raises(Refused, match="already succeeded"):
        house.act(task, "skip", "web3")


def test_an_aborted_step_fails_and_leaves_nothing_running() -> None:
    house = Hosts()
    task = house.start(release(4, 'waves = [2, "rest"]'))
    house.end_on("web1")
    house.act(task, "abort")
    assert [stop.step for stop in house.ends] == ["switch@web2"]
    house.end_on("web2", S.CANCELLED)
    assert house.targets(task) == {"web1": "succeeded", "web2": "cancelled", "web3": "skipped", "web4": "skipped"}
    assert (house.step(task).state, house.step(task).reason) == (S.FAILED, "aborted by lin")
    house.act(task, "abort")
    with pytest.raises(Refused, match="already failed"):
        house.act(task, "pause")


def test_a_cancelled_task_ends_what_runs_and_what_waits() -> None:
    house = Hosts()
    task = house.start(release(3, "waves = [1]"))
    house.cancel(task)
    assert house.targets(task) == {"web1": "running", "web2": "cancelled", "web3": "cancelled"}
    assert [(stop.step, stop.attempt) for stop in house.ends] == [("switch@web1", 1)]
    house.end_on("web1", S.FAILED)
    assert house.step(task).state is S.CANCELLED and house.task(task).state is T.CANCELLED


def test_a_paused_step_can_be_cancelled() -> None:
    house = Hosts()
    task = house.start(release(2, "waves = [1]"))
    house.act(task, "pause")
    house.end_on("web1")
    house.cancel(task)
    assert house.task(task).state is T.CANCELLED and house.step(task).paused is not True


def test_an_unknown_key_waits_for_somebody_and_a_wrong_fingerprint_changes_nothing() -> None:
    house = Hosts()
    task = house.start(release(2))
    house.end_on("web1", S.WAITING, host_key=KEY)
    assert house.step(task).state is S.RUNNING and house.target(task, "web1").fingerprint == KEY.fingerprint
    house.end_on("web2")
    step = house.step(task)
    assert step.state is S.WAITING and house.task(task).state is T.WAITING
    assert step.waits_for and (step.waits_for.kind, step.waits_for.host, step.waits_for.fingerprint) == (
        "host_key", "web1", KEY.fingerprint,
    )  # fmt: skip
    with pytest.raises(Refused, match="another key"):
        house.accept(task, "web1", "SHA256:other")
    house.accept(task, "web1")
    house.accept(task, "web1")
    assert house.next("switch@web1").attempt == 1 and house.step(task).state is S.RUNNING
    house.end_on("web1")
    assert house.task(task).state is T.SUCCEEDED
    audit = house.connection.execute("SELECT detail FROM audit WHERE act = 'task.host_key'").fetchall()
    assert len(audit) == 1 and KEY.fingerprint in audit[0][0]


def test_a_retry_takes_over_host_by_host_only_if_it_is_asked_to() -> None:
    house = Hosts()
    for by_host, again in ((True, ["web2"]), (False, ["web1", "web2", "web3"])):
        task = house.start(release(3))
        for host in ("web1", "web2", "web3"):
            house.end_on(host, S.FAILED if host == "web2" else S.SUCCEEDED)
        new, _, todo = house.write(lambda tx, t=task, b=by_host: house.engine.retry(tx, t, OPERATOR, NOW, by_host=b))  # type: ignore[misc]
        house.do(todo)
        assert house.begun_on() == again
        for host in again:
            house.end_on(host)
        assert house.task(new).state is T.SUCCEEDED


def test_a_retry_by_host_repeats_a_step_that_ended_well_without_some_hosts() -> None:
    house = Hosts()
    last = '[[steps]]\nname = "end"\nneeds = ["switch"]\nrun = ["false"]'
    task = house.start(release(2, "max_failures = 1", last))
    house.end_on("web1", S.FAILED)
    house.end_on("web2")
    house.end(house.next("end"), S.FAILED)
    house.do(house.write(lambda tx: house.engine.retry(tx, task, OPERATOR, NOW, by_host=True))[2])
    assert house.begun_on() == ["web1"]


def test_hosts_of_a_parameter_must_be_in_the_inventory() -> None:
    house = Hosts()
    task = house.start(release(3), {"hosts": "web3, web1"})
    assert [t.host for t in house.step(task).targets] == ["web3", "web1"]
    for wrong in ("web7", "", "; rm -rf /"):
        with pytest.raises(BadInput) as refused:
            house.start(release(3), {"hosts": wrong})
        assert "hosts" in refused.value.fields


def test_after_a_restart_running_hosts_are_found_again() -> None:
    house = Hosts()
    task = house.start(release(3, "retries = 1\nretry_delay = 9"))
    house.end_on("web1", S.FAILED, size=7)
    house.end_on("web2")
    found = house.engine.unfinished.attempts(house.connection, NOW)
    units = {action.step: action for action, _, _ in found}
    assert sorted(units) == ["switch@web1", "switch@web3"] and isinstance(units["switch@web3"], StartAttempt)
    assert units["switch@web3"] == house.next("switch@web3") and task


def test_nothing_takes_an_abort_back() -> None:
    house = Hosts()
    task = house.start(release(3, "waves = [3]\nmax_failures = 3"))
    house.end_on("web1", S.FAILED)
    house.act(task, "abort")
    for act, host in (("pause", None), ("resume", None), ("retry", "web1"), ("skip", "web2")):
        with pytest.raises(Refused, match="being aborted by lin"):
            house.act(task, act, host)
    house.act(task, "abort")
    house.end_on("web2", S.SUCCEEDED)
    house.end_on("web3", S.CANCELLED)
    assert (house.step(task).state, house.step(task).reason) == (S.FAILED, "aborted by lin")
    with pytest.raises(Refused, match="already failed; retry the task instead"):
        house.act(task, "retry", "web3")
    with pytest.raises(Refused, match=r"already failed$"):
        house.act(task, "resume")


def test_a_step_that_is_skipped_on_every_host_leaves_them_out_afterwards_as_well() -> None:
    house = Hosts()
    after = '[[steps]]\nname = "check"\nneeds = ["switch"]\nssh = ["check"]\nhosts = "web"'
    task = house.start(release(2, last=after))
    for host in ("web1", "web2"):
        house.act(task, "skip", host)
        house.end_on(host, S.CANCELLED)
    assert house.step(task).reason == "left out on every host"
    assert house.targets(task, "check") == {"web1": "skipped", "web2": "skipped"} and not house.begun


def test_a_step_that_its_condition_skips_leaves_no_host_out() -> None:
    house = Hosts()
    after = '[[steps]]\nname = "check"\nneeds = ["switch"]\nssh = ["check"]\nhosts = "web"'
    task = house.start(release(2, 'when = "{params.hosts} == nobody"', last=after))
    assert house.targets(task) == {"web1": "skipped", "web2": "skipped"}
    assert house.begun_on("check") == ["web1", "web2"]


def test_an_end_that_nobody_asked_for_is_a_failure() -> None:
    """As when somebody sends SIGTERM to a supervisor."""
    house = Hosts()
    task = house.start(release(2, "max_failures = 0"))
    house.end_on("web1")
    house.end_on("web2", S.CANCELLED)
    assert house.targets(task) == {"web1": "succeeded", "web2": "failed"}
    assert house.task(task).state is T.FAILED and "by a signal from outside" in house.step(task).reason


ENDS = st.sampled_from(["succeeded", "failed", "lost", "waiting", "cancelled"])
ACTS = st.sampled_from(["pause", "resume", "abort", "skip", "retry", "cancel", "end", "accept", "wait"])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 6),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 2),
    st.lists(st.tuples(ACTS, st.integers(0, 5), ENDS), max_size=30),
)
def test_whatever_happens_the_rules_of_waves_hold_and_the_step_ends(
    count: int, waves: list[int], allowed: int, events: list[tuple[str, int, str]]
) -> None:
    house = Hosts()
    task = house.start(release(count, f"waves = {waves}\nmax_failures = {allowed}\nretries = 1"))

    def happen(act: str, number: int, end: str) -> None:
        host, under_way = f"web{number % count + 1}", house.step(task).state not in ENDED
        try:
            if act == "cancel":
                house.cancel(task)
            elif act == "wait":
                house.wait()
            elif act == "accept":
                house.accept(task, host)
            elif act == "end" and house.begun:
                key = KEY if end == "waiting" else None
                house.end(house.begun[number % len(house.begun)], S(end), host_key=key)
            elif act in ("pause", "resume", "abort"):
                house.act(task, act)
            elif act in ("skip", "retry"):
                house.act(task, act, host)
        except Refused:
            pass
        else:
            aborted.extend([act] if act in ("abort", "cancel") and under_way else [])
        check()

    def check() -> None:
        step = house.step(task)
        running = {t.host for t in step.targets if t.state is S.RUNNING}
        assert running == set(house.begun_on())
        first = min((t.wave for t in step.targets if t.state not in ENDED), default=count)
        # A host of a later wave has begun only if somebody asked for it by name.
        assert all(t.attempt == 0 or t.wave <= first or retried for t in step.targets)
        if step.state in ENDED:
            assert all(t.state in ENDED for t in step.targets) and not house.begun
            assert not aborted or step.state not in (S.SUCCEEDED, S.SKIPPED), "an abort or a cancel holds"
        elif step.state is S.WAITING:
            assert not running and (step.paused is True or step.waits_for)
        assert (step.state in ENDED) == (house.task(task).ended_at is not None)

    aborted: list[str] = []
    retried = any(act == "retry" for act, _, _ in events)
    check()
    for event in events:
        happen(*event)
    for _ in range(200):  # now let everything end
        if house.task(task).ended_at is not None:
            break
        for act in ("resume", "wait", "end"):
            happen(act, 0, "succeeded")
        for number in range(count):
            happen("accept", number, "succeeded")
    assert house.task(task).ended_at is not None


def test_an_outcome_that_comes_twice_changes_nothing() -> None:
    house = Hosts()
    task = house.start(release(2))
    begin = house.next("switch@web1")
    house.end(begin, S.FAILED, size=5)
    again = Outcome(S.SUCCEEDED, size=5)
    house.do(house.write(lambda tx: house.engine.ended(tx, task, begin.step, begin.attempt, again, NOW)))
    assert house.targets(task)["web1"] == "failed"
    assert target_rows.log_base(house.connection, task, "switch", "web1") == 5
