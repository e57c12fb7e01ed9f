"""What follows a failed task: its poll, and the pipeline that the poll starts, against one database in memory."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from test_gate_polls import HOST, NOW, Hall, InMemory, run
from test_tasks_engine import S, T, pipeline

from livewall import wire
from livewall.errors import NotFound, Refused
from livewall.store.store import Store
from livewall.tasks import rows
from livewall.tasks.follow_up_starter import FollowUpStarter
from livewall.tasks.pipelines.pipeline import Pipeline
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.tasks.rows import FollowUp
from livewall.toml_problems import Problem, TomlFault
from livewall.voting.poll import Phase

RELEASE = """params.wall.default = ""
params.ref.default = "v4"
[on_failure]
poll = { wall = "{params.wall}", title = "Undo {params.ref}?", options = ["Roll back", "Leave it"], closes_in = 120 }
starts = { pipeline = "rollback", when = "Roll back", params = { to = "{steps.build.previous}" } }
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "switch"
needs = ["build"]
run = ["true"]
"""
ROLLBACK = """params.to.pattern = "v[0-9]+"
[[steps]]
name = "back"
run = ["echo", "{params.to}"]
"""


class ReadInMemory(InMemory):
    async def read(self, ask: Any) -> Any:
        return ask(self.house.connection)


class Site(Hall):
    """A release whose last step has failed, and the pipeline `rollback`."""

    def __init__(self, text: str = RELEASE, previous: str | None = "v3", fails: bool = True, **more: str) -> None:
        self.outputs = {} if previous is None else {"previous": previous}
        super().__init__(text, **more)
        self.faults: list[Problem] = []
        self.pipelines: dict[str, Pipeline] = {"rollback": pipeline(ROLLBACK, "rollback")}
        if fails:
            self.end(self.next("switch"), S.FAILED, reason="exit status 1")

    def end(self, begin: Any, state: Any = S.SUCCEEDED, **more: Any) -> None:
        super().end(begin, state, **{"outputs": self.outputs} | more if begin.step == "build" else more)

    def get(self, name: str) -> Pipeline:
        if self.faults:
            raise TomlFault(self.faults)
        if name not in self.pipelines:
            raise NotFound("not_found", f"there is no pipeline {name}")
        return self.pipelines[name]

    def perform(self, *, anew: bool = False) -> None:
        """What the server does after the commits; `anew`, one that was killed before it came to that, and starts."""

        async def work() -> None:
            starter = FollowUpStarter(
                cast(Store, ReadInMemory(self)), self.engine, cast(Pipelines, SimpleNamespace(get=self.get)),
                lambda tx, todo: tx.after_commit(lambda: self.do(todo)), self.clock,
            )  # fmt: skip
            if anew:
                await starter.start()
            else:
                for task in self.follows * 2:  # a second start must find nothing to do
                    starter.begin(task)
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)

        if not anew and not self.follows:
            return
        asyncio.run(work())
        self.follows.clear()

    @property
    def follow_up(self) -> FollowUp:
        found = self.task(self.release).on_failure
        assert found is not UNSET
        return found

    @property
    def started(self) -> list[str]:
        return [task for (task,) in self.connection.execute("SELECT id FROM tasks WHERE pipeline = 'rollback'")]

    @property
    def outcome(self) -> tuple[str, str]:
        return self.follow_up.state, self.follow_up.reason


def test_a_failed_task_asks_its_poll_on_the_wall() -> None:
    site = Site()
    poll = site.poll
    assert (poll.title, poll.phase, poll.wall) == ("Undo v4?", Phase.OPEN, site.wall)
    assert site.follow_up == FollowUp(state="open", poll=poll.id, until="2026-01-02T03:06:05.000Z")
    assert site.task(site.release).state is T.FAILED
    assert site.audited("poll.create")[-1][3] == {"task": site.release}
    run(site.polls.timer(poll.id, wire.TimerIn(add=60), HOST, version=None))
    assert site.follow_up.until == "2026-01-02T03:07:05.000Z"


@pytest.mark.parametrize("by", ["host", "timer"])
def test_a_poll_that_passes_starts_the_pipeline_with_what_the_task_knows(by: str) -> None:
    site = Site(**{"closes_in = 120": 'closes_in = 120, quorum = 3, majority = "1/2"'})
    site.votes(3, 1)
    site.close() if by == "host" else site.pass_time(121)
    assert site.outcome == ("starting", "Roll back, 3 of 4, quorum 3") and site.follow_up.until is UNSET
    site.perform()
    assert site.outcome == ("started", "Roll back, 3 of 4, quorum 3")
    (new,) = site.started
    assert site.follow_up.started == new
    row = rows.find(site.connection, new)
    assert row.params == '{"to":"v3"}' and row.task.started_by == f"livewall (on failure of #{site.release})"
    assert row.owner == rows.find(site.connection, site.release).owner
    assert site.next("back").run.argv == ["echo", "v3"]
    about, reason = f"tasks/{site.release}", "Roll back, 3 of 4, quorum 3"
    detail = {"reason": reason, "poll": site.poll.id}
    assert site.audited("task.on_failure") == [
        ("livewall", "task.on_failure", about, {"state": "starting", **detail}),
        ("livewall", "task.on_failure", about, {"state": "started", **detail, "started": new}),
    ]
    assert site.audited("task.start") == [
        ("livewall", "task.start", f"tasks/{new}", {"pipeline": "rollback", "on_failure_of": about})
    ]


@pytest.mark.parametrize(
    ("votes", "reason"),
    [((0, 0), "no ballots"), ((1, 1), "a tie: Roll back and Leave it, 1 of 2 each"), ((1, 2), "Leave it, 2 of 3")],
)
def test_a_poll_that_does_not_pass_starts_nothing(votes: tuple[int, int], reason: str) -> None:
    site = Site()
    site.votes(*votes)
    site.close()
    site.perform(anew=True)
    assert site.outcome == ("over", reason) and site.started == []
    assert site.audited("task.on_failure")[-1][3] == {"state": "over", "reason": reason, "poll": site.poll.id}


def test_an_archived_poll_and_a_deleted_wall_start_nothing() -> None:
    site = Site()
    site.votes(2, 0)
    run(site.polls.archive(site.poll.id, HOST))
    assert site.outcome == ("over", "the poll was archived")
    site = Site()
    site.votes(2, 0)
    run(site.walls.delete(site.wall, HOST))
    assert site.outcome == ("over", "the wall of the poll was deleted") and site.poll.phase is Phase.CLOSED
    site.perform(anew=True)
    assert site.started == []


def test_a_hidden_result_is_not_told() -> None:
    site = Site(**{"closes_in = 120": 'results = "on_publish"'})
    site.votes(2, 0)
    site.close()
    site.perform()
    assert site.outcome == ("started", "the poll passed; its result is not public")


def test_a_poll_that_starts_nothing_only_asks() -> None:
    site = Site("\n".join(line for line in RELEASE.splitlines() if not line.startswith("starts")))
    site.votes(2, 0)
    site.close()
    assert site.outcome == ("over", "the poll was closed")


def test_only_failures_ask() -> None:
    def has_asked(site: Site) -> bool:
        return site.task(site.release).on_failure is not UNSET

    site = Site(fails=False)
    site.end(site.next("switch"))
    assert site.task(site.release).state is T.SUCCEEDED and not has_asked(site)
    site = Site(fails=False)
    site.cancel(site.release)
    site.end(site.next("switch"), S.FAILED)
    assert site.task(site.release).state is T.CANCELLED and not has_asked(site)
    site = Site(fails=False)
    site.end(site.next("switch"), S.LOST)
    assert site.task(site.release).state is T.LOST and site.follow_up.state == "open"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({'"{params.wall}"': '"NOWALL"'}, "there is no wall NOWALL"),
        ({'"{params.wall}"': '"{steps.switch.wall}"'}, "step switch gave no output wall"),
    ],
)
def test_a_poll_that_cannot_be_asked_is_said(
    more: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture, expected_logs: list[str]
) -> None:
    expected_logs.append("the poll on the failure of task 1 was not asked")
    site = Site(**more)
    assert site.task(site.release).state is T.FAILED and site.outcome == ("over", reason)
    assert site.follow_up.poll is UNSET and site.audited("task.on_failure")[0][3]["reason"] == reason
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("previous", "gone", "reason", "logged"),
    [
        ("v3", True, "there is no pipeline rollback", "there is no pipeline rollback"),
        ("secret", False, "the pipeline rollback refuses params.to", "params.to: must match v[0-9]+"),
        (None, False, "step build gave no output previous", "step build gave no output previous"),
    ],
)
def test_what_cannot_be_started_is_said(
    previous: str | None,
    gone: bool,
    reason: str,
    logged: str,
    caplog: pytest.LogCaptureFixture,
    expected_logs: list[str],
) -> None:
    expected_logs.append("nothing is started on the failure of task 1")
    site = Site(previous=previous)
    site.votes(1, 0)
    if gone:
        site.pipelines.clear()
    site.close()
    site.perform()
    assert site.outcome == ("over", reason) and site.started == []
    assert site.audited("task.on_failure")[-1][3]["reason"] == reason and logged in caplog.text


def test_a_pipeline_with_problems_is_not_started_and_its_text_not_shown(expected_logs: list[str]) -> None:
    expected_logs.append("rollback.toml:1: 'words'")
    site = Site()
    site.votes(1, 0)
    site.close()
    site.faults = [Problem("rollback.toml", 1, "'words' is not a key")]
    site.perform()
    assert site.outcome == ("over", "the file of the pipeline rollback has problems") and site.started == []


GATED = """params.wall.default = ""
params.ref.default = "v4"
[on_failure]
poll = { wall = "{params.wall}", title = "And now?", options = ["Roll back", "Leave it"] }
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
gate = { poll = { wall = "{params.wall}", title = "Go on?", options = ["Yes", "No"], passes = "Yes" } }
"""


def test_a_gate_whose_poll_does_not_pass_asks_on_in_the_same_write(expected_logs: list[str]) -> None:
    site = Site(GATED, fails=False)
    gate = site.poll
    site.votes(0, 1)
    site.close()
    assert site.ended == ("failed", "No, 1 of 1") and site.poll.title == "And now?" and site.poll.id != gate.id
    assert site.follow_up.poll == site.poll.id and site.poll.phase is Phase.OPEN
    expected_logs.append("was not asked: there is no wall")
    site = Site(GATED, fails=False)
    run(site.walls.delete(site.wall, HOST))
    assert site.ended == ("failed", "the wall of the poll was deleted")
    assert site.outcome == ("over", f"there is no wall {site.wall}")


def test_a_retry_closes_the_poll_and_asks_anew_if_it_fails() -> None:
    site = Site()
    site.votes(2, 0)
    first, asked = site.release, site.poll.id
    again, _ = site.retry(first)
    assert site.outcome == ("over", f"the task was retried as #{again}") and site.poll.phase is Phase.CLOSED
    site.perform(anew=True)
    assert site.started == []
    site.release = again
    site.end(site.next("switch"), S.FAILED)
    assert site.follow_up.state == "open" and site.follow_up.poll not in (UNSET, asked)


@pytest.mark.parametrize("closed", [True, False])
def test_after_a_restore_nothing_is_started(closed: bool) -> None:
    site = Site()
    site.votes(2, 0)
    if closed:
        site.close()
    site.connection.execute("UPDATE tasks SET epoch = 'earlier'")
    site.do(site.write(lambda tx: site.engine.hold_restored(tx, NOW)))
    assert site.outcome == ("over", "the database was restored from a backup") and site.poll.phase is Phase.CLOSED
    site.perform(anew=True)
    assert site.started == []


ACTS = ("vote", "against", "close", "open", "reset", "archive", "restore", "wall", "time", "perform", "kill", "retry")


@given(acts=st.lists(st.sampled_from(ACTS), max_size=12))
def test_at_most_one_task_is_started_and_the_decision_stays(acts: list[str]) -> None:
    site, voters = Site(), iter(range(100))
    poll = site.poll.id
    ended: FollowUp | None = None
    for act in [*acts, "kill", "kill"]:
        try:
            match act:
                case "vote" | "against":
                    site.vote("1" if act == "vote" else "2", f"v{next(voters)}")
                case "close":
                    run(site.polls.close(poll, HOST))
                case "open":
                    run(site.polls.open(poll, HOST))
                case "reset":
                    run(site.polls.reset(poll, site.poll.round, HOST))
                case "archive":
                    run(site.polls.archive(poll, HOST))
                case "restore":
                    run(site.polls.restore(poll, HOST))
                case "wall":
                    run(site.walls.delete(site.wall, HOST))
                case "time":
                    site.pass_time(121)
                case "perform":
                    site.perform()
                case "kill":
                    site.follows.clear()
                    site.perform(anew=True)
                case "retry":
                    site.retry(site.release)
        except (NotFound, Refused):
            pass
        now = site.follow_up
        assert len(site.started) == (now.state == "started") == len(site.audited("task.start"))
        assert ended is None or now == ended, "what is over stays as it is"
        ended = now if now.state in ("started", "over") else None
    assert site.follow_up.state != "starting"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("[on_failure]\npoll", "[on_failure]\n# poll", 3, "on_failure needs a poll"),
        ('title = "Undo {params.ref}?", ', "", 4, "the poll of on_failure needs a title"),
        ('when = "Roll back"', 'when = "Back"', 5, "when must be one of the options of the poll, not Back"),
        ('when = "Roll back", ', "", 5, "when must be one of the options of the poll"),
        ('"rollback"', '"roll back"', 5, "'roll back' is not the name of a pipeline"),
        ('pipeline = "rollback", ', "", 5, "starts needs the name of a pipeline"),
        ('"{steps.build.previous}"', "3", 5, "to must be text"),
        ("steps.build.", "steps.biuld.", 5, "there is no such step; did you mean build?"),
        ("{params.ref}", "{params.rev}", 4, "{params.rev} is not a parameter of this pipeline; did you mean ref?"),
        ("closes_in = 120", 'passes = "Roll back"', 4, "poll has no key 'passes'"),
        ("starts =", "start =", 5, "on_failure has no key 'start'"),
        ("params = {", "param = {", 5, "starts has no key 'param'"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_line(old: str, new: str, line: int, said: str) -> None:
    assert old in RELEASE
    with pytest.raises(TomlFault) as caught:
        pipeline(RELEASE.replace(old, new, 1), "release")
    problems = caught.value.problems
    assert any(problem.line == line and said in problem.reason for problem in problems), problems
