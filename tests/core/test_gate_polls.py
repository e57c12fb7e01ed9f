"""Gates that are decided by polls: the engine and the polls against one database in memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from test_tasks_engine import House, S, T, announcements, pipeline

from livewall import wall_rows, wire
from livewall.clock import iso, moment
from livewall.errors import LivewallError, Refused
from livewall.gate_polls import GatePolls
from livewall.hub.live_hub import LiveHub
from livewall.identity import Secrets, Who
from livewall.publisher import Publisher
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.tasks import rows
from livewall.tasks.engine import Engine
from livewall.tasks.machine import ENDED, Step, WaitsFor
from livewall.tasks.poll_gates import PollGates
from livewall.voting import rows as poll_rows
from livewall.voting.access import PollRule
from livewall.voting.booth import Booth
from livewall.voting.deadlines import Deadlines
from livewall.voting.poll import Option, Phase, Poll, Tally
from livewall.voting.polls import Polls
from livewall.voting.verdict import verdict
from livewall.walls.walls import Walls

NOW = "2026-01-02T03:04:05.000Z"
HOST = Who(role="host", name="stage", credential="c8")
R = TypeVar("R")
RELEASE = """params.wall.default = ""
params.ref.default = "v4"
[[steps]]
name = "build"
run = ["true"]
[[steps]]
name = "go"
needs = ["build"]
[steps.gate]
otherwise = "failed"
[steps.gate.poll]
wall = "{params.wall}"
title = "Release {params.ref} to everybody?"
options = ["Yes", "No"]
passes = "Yes"
closes_in = 120
[[steps]]
name = "switch"
needs = ["go"]
run = ["true"]
"""


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return cast(R, ended.value)
    raise AssertionError("it waits for something")


class InMemory:
    """The part of a store that writes, on one connection."""

    def __init__(self, house: Hall) -> None:
        self.house = house

    async def write(self, act: Callable[[Transaction], R]) -> R:
        return self.house.write(act)

    def submit(self, act: Callable[[Transaction], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        try:
            result = self.house.write(act)
        except LivewallError as error:
            done(None, error)
        else:
            done(result, None)


class Hall(House):
    """A house with walls, polls and a clock, and a release that has come to its gate."""

    def __init__(self, text: str = RELEASE, **more: str) -> None:
        super().__init__()
        self.now = moment(NOW)
        self.timers: list[Callable[[], None]] = []
        store, secrets = cast(Store, InMemory(self)), Secrets(b"c", b"b", "a")
        rule = PollRule(secrets, store)
        hub = cast(LiveHub, SimpleNamespace(set_viewer_state=lambda *each: None))
        publisher = cast(Publisher, SimpleNamespace(changed=lambda poll: None))
        deadlines = Deadlines(self.clock, self.call_later)
        self.polls = Polls(store, hub, rule, publisher, deadlines, self.clock)
        self.booth = Booth(store, hub, rule, publisher, self.clock, self.polls.close_over)
        gate_polls = GatePolls(self.polls)
        self.engine = Engine(4, "epoch", lambda task, step, attempt: None, announcements("epoch"), gate_polls)
        self.follows: list[str] = []
        after_commit = lambda tx, todo: tx.after_commit(lambda: self.do(todo))  # noqa: E731
        gate_polls.connect(PollGates(self.engine, after_commit, self.follows.append))
        self.walls = Walls(store, hub, self.clock, gate_polls.wall_deleted)
        self.wall = self.write(lambda tx: wall_rows.insert(tx, "Forum", NOW)).code
        for old, new in more.items():
            text = text.replace(old, new)
        self.release = self.start(pipeline(text, "release"), {"wall": self.wall.lower(), "ref": "v4"})
        self.end(self.next("build"))

    def clock(self) -> datetime:
        return self.now

    def call_later(self, delay: float, act: Callable[[], None]) -> Any:
        self.timers.append(act)
        return SimpleNamespace(cancel=lambda: act in self.timers and self.timers.remove(act))

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for timer in list(self.timers):
            if timer in self.timers:
                self.timers.remove(timer)
                timer()

    def write(self, act: Callable[[Transaction], R]) -> R:
        self.connection.execute("BEGIN")
        tx = Transaction(self.connection)
        try:
            found = act(tx)
            tx.run_before_commit()
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        for callback in tx.callbacks:
            callback()
        return found

    def vote(self, choice: str, voter: str) -> str:
        """The code of the refusal, or an empty text."""
        found: list[BaseException | None] = []
        ballot = wire.BallotIn([choice])
        self.booth.cast(self.poll.id, voter, ballot, lambda cast, error: found.append(error))
        error = found[0]
        return error.code if isinstance(error, LivewallError) else ""

    def votes(self, yes: int, no: int) -> None:
        for number in range(yes + no):
            assert not self.vote("1" if number < yes else "2", f"v{number}")

    def close(self) -> None:
        run(self.polls.close(self.poll.id, HOST))

    @property
    def gate(self) -> Step:
        return rows.step(self.connection, self.release, "go")

    @property
    def poll(self) -> Poll:
        """The newest poll."""
        _, _, about, _ = self.audited("poll.create")[-1]
        return poll_rows.find(self.connection, about.removeprefix("polls/"), archived=True).poll

    @property
    def ended(self) -> tuple[str, str]:
        return self.gate.state.value, self.gate.reason

    def audited(self, act: str = "") -> list[tuple[str, str, str, dict[str, Any]]]:
        found = self.connection.execute("SELECT who, act, about, detail FROM audit ORDER BY number").fetchall()
        return [(who, did, about, msgspec.json.decode(detail)) for who, did, about, detail in found if act in (did, "")]


def test_a_gate_asks_a_poll_on_its_wall_and_waits_for_it() -> None:
    hall = Hall()
    poll = hall.poll
    assert (poll.title, poll.phase, poll.wall) == ("Release v4 to everybody?", Phase.OPEN, hall.wall)
    assert [option.label for option in poll.options] == ["Yes", "No"] and poll.closes_at == "2026-01-02T03:06:05.000Z"
    assert hall.gate.waits_for == WaitsFor("poll", [], poll.id, poll.closes_at)
    assert hall.task(hall.release).state is T.WAITING
    assert hall.task(hall.release).reason == f"go: waits for a poll on wall {hall.wall}"
    wall = wall_rows.find(hall.connection, hall.wall).wall
    assert wall.items == [f"polls/{poll.id}"] and wall.active == f"polls/{poll.id}", "the wall showed nothing"
    assert hall.audited() == [
        ("livewall", "poll.create", f"polls/{poll.id}", {"task": hall.release}),
        ("livewall", "poll.open", f"polls/{poll.id}", {"round": 1}),
        ("livewall", "wall.activate", f"walls/{hall.wall}", {"item": f"polls/{poll.id}"}),
    ]
    assert hall.engine.unfinished.waits(hall.connection, NOW) == [], "the poll has a timer of its own"


@pytest.mark.parametrize(
    ("active", "follows"), [(None, True), ("tasks/mine", True), ("tasks/another", False), ("polls/p", False)]
)
def test_the_wall_shows_the_poll_if_it_showed_nothing_or_this_task(active: str | None, follows: bool) -> None:
    hall = Hall()
    before = wall_rows.find(hall.connection, hall.wall).wall
    hall.write(lambda tx: wall_rows.save(tx, before, msgspec.structs.replace(before, active=active)))
    hall.start(pipeline(RELEASE.replace('needs = ["build"]', ""), "release"), {"wall": hall.wall, "ref": "v5"}, "mine")
    wall = wall_rows.find(hall.connection, hall.wall).wall
    assert wall.active == (f"polls/{hall.poll.id}" if follows else active)
    assert wall.items[-1] == f"polls/{hall.poll.id}"


@pytest.mark.parametrize("by", ["host", "timer", "late ballot"])
def test_a_poll_that_passes_opens_the_gate_whoever_closes_it(by: str) -> None:
    hall = Hall(**{"closes_in = 120": 'closes_in = 120\nquorum = 3\nmajority = "1/2"'})
    hall.votes(3, 1)
    if by == "host":
        hall.close()
    elif by == "timer":
        hall.pass_time(121)
    else:
        hall.now += timedelta(seconds=121)
        assert hall.vote("2", "late") == "closed"
    assert hall.ended == ("succeeded", "Yes, 3 of 4, quorum 3")
    assert hall.gate.waits_for is UNSET and hall.gate.message == ""
    assert hall.states(hall.release)["switch"] is S.RUNNING and hall.next("switch").task == hall.release
    assert hall.audited("task.poll") == [
        (
            "livewall", "task.poll", f"tasks/{hall.release}",
            {"step": "go", "poll": hall.poll.id, "state": "succeeded", "reason": "Yes, 3 of 4, quorum 3"},
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("otherwise", "switch"), [("failed", S.SKIPPED), ("skipped", S.RUNNING), ("succeeded", S.RUNNING)]
)
def test_a_poll_that_does_not_pass_ends_the_gate_as_its_definition_says(otherwise: str, switch: Any) -> None:
    hall = Hall(**{'"failed"': f'"{otherwise}"'})
    hall.votes(1, 2)
    hall.close()
    assert hall.ended == (otherwise, "No, 2 of 3") and hall.states(hall.release)["switch"] is switch


@pytest.mark.parametrize(
    ("results", "seen", "words"),
    [
        ("live", True, "Yes, 2 of 3"),
        ("after_close", True, "Yes, 2 of 3"),
        ("after_vote", True, "Yes, 2 of 3"),
        ("on_publish", False, "the poll passed; its result is not public"),
    ],
)
def test_the_reason_says_no_more_than_everybody_may_see(results: str, seen: bool, words: str) -> None:
    hall = Hall(**{"closes_in = 120": f'closes_in = 120\nresults = "{results}"'})
    hall.votes(2, 1)
    hall.close()
    assert hall.ended == ("succeeded", words)
    stored = "\n".join(
        text
        for (text,) in hall.connection.execute(
            "SELECT data FROM latest WHERE stream LIKE 'tasks%' AND data IS NOT NULL UNION SELECT detail FROM audit"
        )
    )
    assert ("2 of 3" in stored) is seen
    run(hall.polls.publish(hall.poll.id, True, HOST))
    assert hall.ended == ("succeeded", words), "what ended stays as it is"


def test_a_hidden_poll_that_does_not_pass_says_only_that() -> None:
    hall = Hall(**{"closes_in = 120": 'results = "on_publish"'})
    hall.votes(1, 1)
    hall.close()
    assert hall.ended == ("failed", "the poll did not pass; its result is not public")


def test_an_archived_poll_and_a_deleted_wall_end_the_gate_with_the_reason() -> None:
    hall = Hall(**{'"failed"': '"skipped"'})
    hall.votes(2, 0)
    run(hall.polls.archive(hall.poll.id, HOST))
    assert hall.ended == ("skipped", "the poll was archived")
    hall = Hall(**{'"failed"': '"skipped"'})
    run(hall.walls.delete(hall.wall, HOST))
    assert hall.ended == ("failed", "the wall of the poll was deleted")
    assert hall.poll.phase is Phase.CLOSED and hall.poll.wall is None
    assert [act for _, act, _, _ in hall.audited()][3:] == ["task.poll", "poll.close", "wall.delete"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wall": ""}, "wall: must not be empty"),
        ({"wall": "NOWALL"}, "there is no wall NOWALL"),
        ({"ref": "v" * 500}, "title: must have at most 500 characters"),
        ({"ref": "\x1b[31m"}, "title: has control characters"),
    ],
)
def test_a_poll_that_cannot_be_asked_fails_the_step_and_leaves_nothing(given: dict[str, str], said: str) -> None:
    hall = Hall()
    before = hall.connection.execute("SELECT COUNT(*) FROM polls").fetchone()
    task = hall.start(pipeline(RELEASE, "release"), {"wall": hall.wall, "ref": "v5", **given})
    hall.end(hall.next("build", task))
    step = rows.step(hall.connection, task, "go")
    assert (step.state, step.reason) == (S.FAILED, said) and hall.states(task)["switch"] is S.SKIPPED
    assert hall.connection.execute("SELECT COUNT(*) FROM polls").fetchone() == before


def test_a_cancel_closes_the_poll_and_nothing_is_decided() -> None:
    hall = Hall()
    hall.votes(2, 0)
    hall.cancel(hall.release)
    assert hall.ended == ("cancelled", "") and hall.poll.phase is Phase.CLOSED
    assert hall.audited("task.poll") == [] and len(hall.audited("poll.close")) == 1
    hall.pass_time(200)
    assert len(hall.audited("poll.close")) == 1


def test_after_a_restore_the_poll_is_closed_and_the_step_cancelled() -> None:
    hall = Hall()
    hall.votes(2, 0)
    hall.connection.execute("UPDATE tasks SET epoch = 'earlier'")
    hall.do(hall.write(lambda tx: hall.engine.hold_restored(tx, NOW)))
    assert hall.gate.state is S.CANCELLED and "restored" in hall.gate.reason and hall.poll.phase is Phase.CLOSED


def test_a_retry_asks_anew_and_takes_over_what_a_poll_has_opened() -> None:
    hall = Hall()
    first = hall.poll.id
    hall.close()
    assert hall.ended == ("failed", "no ballots")
    hall.release, _ = hall.retry(hall.release)
    assert hall.poll.id != first and hall.gate.waits_for == WaitsFor("poll", [], hall.poll.id, hall.poll.closes_at)
    hall.votes(1, 0)
    hall.close()
    hall.end(hall.next("switch"), S.FAILED)
    second = hall.poll.id
    hall.release, _ = hall.retry(hall.release)
    assert hall.gate.state is S.SUCCEEDED and hall.poll.id == second


def test_what_becomes_of_the_poll_afterwards_changes_nothing() -> None:
    hall = Hall()
    hall.votes(0, 2)
    hall.close()
    ended = hall.gate
    run(hall.polls.open(hall.poll.id, HOST))
    hall.vote("1", "v0"), hall.vote("1", "v1")
    hall.close()
    run(hall.polls.reset(hall.poll.id, 1, HOST))
    run(hall.polls.open(hall.poll.id, HOST))
    hall.vote("1", "v0")
    hall.close()
    run(hall.polls.archive(hall.poll.id, HOST))
    assert hall.gate == ended and len(hall.audited("task.poll")) == 1


def test_the_step_says_until_when_it_waits_as_the_poll_is_given_more_time() -> None:
    hall = Hall()
    run(hall.polls.timer(hall.poll.id, wire.TimerIn(add=60), HOST, version=None))
    assert hall.gate.waits_for == WaitsFor("poll", [], hall.poll.id, "2026-01-02T03:07:05.000Z")
    run(hall.polls.timer(hall.poll.id, wire.TimerIn(left=None), HOST, version=None))
    assert hall.gate.waits_for == WaitsFor("poll", [], hall.poll.id)
    hall.pass_time(1000)
    assert hall.gate.state is S.WAITING
    hall.close()
    assert hall.ended == ("failed", "no ballots")


def test_nobody_approves_a_gate_that_a_poll_decides_and_its_time_is_that_of_the_poll() -> None:
    hall = Hall()
    with pytest.raises(Refused, match="the step go is decided by a poll"):
        hall.write(lambda tx: hall.engine.decide(tx, hall.release, "go", wire.DecideIn("approve"), HOST, NOW))
    late = iso(hall.now + timedelta(days=1))
    assert hall.write(lambda tx: hall.engine.end_wait(tx, hall.release, "go", late)) == []
    assert hall.gate.state is S.WAITING


VOTES = ["yes", "no", "late"]
ACTS = [*VOTES, "close", "time", "archive", "restore", "cancel", "reopen", "reset", "add", "wall", "publish"]


@given(st.lists(st.sampled_from(ACTS), max_size=9), st.sampled_from(["live", "on_publish"]))
def test_whatever_comes_in_whatever_order_a_gate_ends_once(acts: list[str], results: str) -> None:
    hall = Hall(**{"closes_in = 120": f'closes_in = 120\nquorum = 1\nresults = "{results}"'})
    poll, ended = hall.poll.id, None
    do: dict[str, Callable[[str], Any]] = {
        "yes": lambda voter: hall.vote("1", voter),
        "no": lambda voter: hall.vote("2", voter),
        "close": lambda _: hall.close(),
        "time": lambda _: hall.pass_time(130),
        "archive": lambda _: run(hall.polls.archive(poll, HOST)),
        "restore": lambda _: run(hall.polls.restore(poll, HOST)),
        "cancel": lambda _: hall.cancel(hall.release),
        "reopen": lambda _: run(hall.polls.open(poll, HOST)),
        "reset": lambda _: run(hall.polls.reset(poll, hall.poll.round, HOST)),
        "add": lambda _: run(hall.polls.timer(poll, wire.TimerIn(add=60), HOST, version=None)),
        "wall": lambda _: run(hall.walls.delete(hall.wall, HOST)),
        "publish": lambda _: run(hall.polls.publish(poll, True, HOST)),
    }
    for number, act in enumerate(acts):
        try:
            if act == "late":
                hall.now += timedelta(seconds=130)
                hall.vote("1", f"v{number}")
            else:
                do[act](f"v{number}")
        except LivewallError:
            pass  # what cannot be done at the moment is refused, and changes nothing
        now = hall.poll
        if ended is not None:
            assert hall.gate == ended, "what ended stays as it is"
        elif hall.gate.state in ENDED:
            ended = hall.gate
        else:
            assert hall.gate.waits_for == WaitsFor("poll", [], poll, now.closes_at or UNSET)
            assert now.phase is Phase.OPEN and not poll_rows.is_archived(hall.connection, poll)
    decided = hall.audited("task.poll")
    assert len(decided) == (ended is not None and ended.state is not S.CANCELLED)
    assert len(hall.audited("poll.create")) == 1 and hall.poll.id == poll
    assert [begin.step for begin in hall.begun] == (["switch"] if ended and ended.state is S.SUCCEEDED else [])


def polled(*options: str, **more: Any) -> Poll:
    return Poll(
        id="p", wall=None, title="?", kind="single", phase=Phase.CLOSED, round=1, results="live", published=False,
        options=[Option(str(n), label, label == "Abstain" or UNSET) for n, label in enumerate(options, 1)],
        assurance="open", allow_change=True, max_choices=1, closes_at=None, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "counts", "passed", "words"),
    [
        ({}, (31, 13, 0), True, "Yes, 31 of 44"),
        ({"quorum": 10}, (31, 13, 2), True, "Yes, 31 of 44, quorum 10"),
        ({"quorum": 10}, (3, 1, 0), False, "quorum missed: 4 of 10 ballots"),
        ({"quorum": 10, "majority": "1/2"}, (9, 0, 0), False, "quorum missed: 9 of 10 ballots"),
        ({"quorum": 4}, (2, 2, 0), False, "a tie: Yes and No, 2 of 4 each, quorum 4"),
        ({}, (0, 0, 0), False, "no ballots"),
        ({}, (0, 0, 2), False, "nobody chose an option"),
        ({}, (1, 3, 0), False, "No, 3 of 4"),
        ({"majority": "1/2"}, (2, 2, 0), False, "majority missed: Yes, 2 of 4, and 3 are needed"),
        ({"majority": "2/3"}, (6, 4, 5), False, "majority missed: Yes, 6 of 10, and 7 are needed"),
        ({"majority": "2/3"}, (3, 7, 0), False, "No, 7 of 10"),
        ({"majority": "3/4"}, (3, 1, 9), True, "Yes, 3 of 4"),
    ],
)
def test_a_verdict_in_words(more: dict[str, Any], counts: tuple[int, int, int], passed: bool, words: str) -> None:
    tally = Tally(1, {str(n): count for n, count in enumerate(counts, 1)}, sum(counts))
    found = verdict(polled("Yes", "No", "Abstain", **more), tally, "Yes")
    assert found == (passed, words)
    said = "passed" if passed else "did not pass"
    assert found.public_words == f"the poll {said}; its result is not public"


def test_an_option_that_a_host_has_renamed_does_not_open_the_gate() -> None:
    hall = Hall()
    run(hall.polls.edit(hall.poll.id, wire.PollEdit(options=["No", "Yes, now"]), HOST, version=None))
    hall.votes(1, 2)
    hall.close()
    assert hall.ended == ("failed", "the poll has no option Yes")
