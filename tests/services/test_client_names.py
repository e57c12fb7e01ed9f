"""The three names of `livewall.client` that a program needs, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from child_server import Server

from livewall.client import NotReached, Refusal, Task, vote, watch
from livewall.client.choices import NoSuchChoice

pytest_plugins = ("server_fixtures",)


@pytest.fixture
def poll(child: Server) -> str:
    made = child.host("POST", "/api/polls", {"title": "Who?", "options": ["Clinton", "Dole", "1"]})
    child.host("POST", f"/api/polls/{made['id']}/open")
    return str(made["id"])


@pytest.fixture(autouse=True)
def a_new_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("LIVEWALL_URL", "LIVEWALL_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield


def test_voting_again_changes_the_ballot_of_the_same_voter(child: Server, poll: str) -> None:
    first = vote(poll, "Dole", url=child.url)
    again = vote(f"{child.url}/polls/{poll}", "Clinton")
    assert (first["labels"], again["choices"]) == (["Dole"], ["1"])
    assert first["receipt"] == again["receipt"]
    assert vote(poll, "Dole", url=child.url, name="another")["receipt"] != first["receipt"]
    assert child.host("GET", f"/api/polls/{poll}")["tally"]["counts"] == {"1": 1, "2": 1, "3": 0}


def test_a_choice_that_is_no_option_is_a_value_error(child: Server, poll: str) -> None:
    with pytest.raises(NoSuchChoice, match="No option is called 'Perot'") as problem:
        vote(poll, "Perot", url=child.url)
    assert isinstance(problem.value, ValueError) and len(problem.value.options) == 3
    with pytest.raises(NoSuchChoice, match="more than one"):
        vote(poll, "1", url=child.url)
    assert vote(poll, "1", url=child.url, by="label")["choices"] == ["3"]


def tallies(source: Any) -> Iterator[int]:
    for event in source:
        if event.get("key") == "tally":
            yield event["data"]["ballots"]


def test_a_loop_over_events_misses_nothing_while_the_server_is_killed(
    new_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server()
    server.start()
    made = server.host("POST", "/api/polls", {"title": "Who?", "options": ["a", "b"]})
    server.host("POST", f"/api/polls/{made['id']}/open")
    monkeypatch.setenv("LIVEWALL_URL", server.url)
    seen = tallies(watch(f"polls/{made['id']}"))
    assert next(seen) == 0
    vote(made["id"], "a")
    assert next(seen) == 1
    server.kill()
    server.start()
    vote(made["id"], "b", name="another")
    assert next(count for count in seen if count == 2)
    seen.close()


def test_a_loop_of_coroutines_sees_the_same(child: Server, poll: str) -> None:
    async def first() -> tuple[list[Any], Any]:
        source = watch(f"polls/{poll}", url=child.url)
        seen = []
        async for event in source:
            seen.append(event.get("key") or next(iter(event.keys() - {"stream", "pos", "now"})))
            if "synced" in event:
                break
        return seen, source.held[f"polls/{poll}"].entries["tally"]["ballots"]

    assert asyncio.run(first()) == (["reset", "poll", "tally", "synced"], 0)


def test_a_refused_stream_says_where_a_token_comes_from(child: Server) -> None:
    with pytest.raises(Refusal) as problem:
        list(watch("tasks", url=child.url))
    assert problem.value.code == "unauthenticated"
    assert "LIVEWALL_TOKEN" in problem.value.__notes__[0] and "livewall token create" in problem.value.__notes__[0]


def test_a_task_without_a_token_says_where_one_comes_from(
    child: Server, caplog: pytest.LogCaptureFixture, expected_logs: list[str]
) -> None:
    expected_logs += ["refuses the task", "was not reported in full"]
    with Task("Nightly load", url=child.url) as task, task.step("run"):
        pass
    assert "LIVEWALL_TOKEN" in caplog.text and "livewall token create reporter" in caplog.text


def test_a_server_that_is_away_is_not_waited_for_without_being_asked() -> None:
    with pytest.raises(NotReached):
        list(watch("polls/x", url="http://127.0.0.1:1"))


@pytest.mark.parametrize(("streams", "since"), [((), None), (("polls/a", "polls/b"), "k.1")])
def test_a_wrong_call_is_a_value_error(streams: tuple[str, ...], since: str | None) -> None:
    with pytest.raises(ValueError, match="one or more streams"):
        watch(*streams, since=since)
