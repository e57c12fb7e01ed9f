"""All commands there are: each with an example, each with JSON, and one for each call of the API. No server."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from handlers.api.openapi import CALLS
from livewall.cli import livewall
from livewall.cli.poll import with_abstention
from livewall.cli.wall import ordered

# What prints no facts, or prints them in a form of their own.
WITHOUT_JSON = {
    "serve": "runs until it is stopped",
    "demo": "runs until it is stopped",
    "run": "prints what the command prints",
    "celery watch": "runs until it is stopped",
    "restore": "has nothing to tell",
    "completion": "prints a script",
    "task logs": "prints the bytes of a log",
    "poll ballots": "prints CSV",
    "room export": "prints text, CSV or lines of JSON",
    "poll picture": "prints SVG",
}
COMMAND_OF = {
    "POST /api/voters": "vote",
    "GET /api/polls": "poll list",
    "POST /api/polls": "poll create",
    "GET /api/polls/{id}": "poll show",
    "PUT /api/polls/{id}": "poll edit",
    "DELETE /api/polls/{id}": "poll archive",
    "POST /api/polls/{id}/restore": "poll restore",
    "POST /api/polls/{id}/open": "poll open",
    "POST /api/polls/{id}/close": "poll close",
    "POST /api/polls/{id}/publish": "poll publish",
    "POST /api/polls/{id}/reset": "poll reset",
    "POST /api/polls/{id}/timer": "poll timer",
    "GET /api/polls/{id}/rounds": "poll rounds",
    "POST /api/polls/{id}/duplicate": "poll duplicate",
    "PUT /api/polls/{id}/ballot": "vote",
    "DELETE /api/polls/{id}/ballot": "vote",
    "GET /api/polls/{id}/receipts/{receipt}": "poll receipt",
    "GET /api/polls/{id}/replay": "poll replay",
    "GET /api/polls/{id}/results.svg": "poll picture",
    "GET /api/polls/{id}/race.svg": "poll picture",
    "DELETE /api/polls/{id}/ballots": "poll erase",
    "GET /api/polls/{id}/ballots.csv": "poll ballots",
    "GET /api/polls/{id}/results.json": "poll results",
    "GET /api/walls": "wall list",
    "POST /api/walls": "wall create",
    "GET /api/walls/{code}": "wall show",
    "PUT /api/walls/{code}": "wall edit",
    "DELETE /api/walls/{code}": "wall archive",
    "GET /api/walls/{code}/results": "wall results",
    "GET /api/walls/{code}/health": "wall health",
    "POST /api/walls/{code}/duplicate": "wall duplicate",
    "GET /api/walls/{code}/deck.md": "poll export",
    "POST /api/walls/{code}/deck": "poll import",
    "GET /api/walls/{code}/codes": "wall codes list",
    "POST /api/walls/{code}/codes": "wall codes make",
    "POST /api/walls/{code}/codes/{id}/replace": "wall codes replace",
    "DELETE /api/walls/{code}/codes/{id}": "wall codes revoke",
    "GET /api/tasks": "task list",
    "POST /api/tasks": "report",
    "GET /api/tasks/{id}": "task show",
    "POST /api/tasks/{id}/cancel": "task cancel",
    "POST /api/tasks/{id}/steps/{step}/decide": "task approve",
    "POST /api/tasks/{id}/retry": "task retry",
    "POST /api/tasks/{id}/steps/{step}/pause": "task pause",
    "POST /api/tasks/{id}/steps/{step}/resume": "task resume",
    "POST /api/tasks/{id}/steps/{step}/abort": "task abort",
    "POST /api/tasks/{id}/steps/{step}/hosts/{host}/skip": "task skip",
    "POST /api/tasks/{id}/steps/{step}/hosts/{host}/retry": "task retry",
    "POST /api/tasks/{id}/steps/{step}/hosts/{host}/key": "task key",
    "PUT /api/tasks/{id}/steps/{step}": "report",
    "GET /api/tasks/{id}/logs/{step}": "task logs",
    "POST /api/tasks/{id}/logs/{step}": "report",
    "GET /api/tasks/{id}/logs/{step}/lines": "task logs",
    "GET /api/tasks/{id}/logs/{step}/search": "task search",
    "GET /api/pipelines": "pipeline list",
    "GET /api/pipelines/{name}/refs": "pipeline refs",
    "POST /api/pipelines/{name}/tasks": "task start",
    "GET /api/rooms": "room list",
    "POST /api/rooms": "room create",
    "GET /api/rooms/{room}": "room show",
    "PUT /api/rooms/{room}": "room edit",
    "DELETE /api/rooms/{room}": "room delete",
    "GET /api/rooms/{room}/messages": "room history",
    "POST /api/rooms/{room}/messages": "say",
    "PUT /api/rooms/{room}/messages/{n}": "room change",
    "DELETE /api/rooms/{room}/messages/{n}": "room withdraw",
    "GET /api/rooms/{room}/people": "room people",
    "GET /api/rooms/{room}/export": "room export",
    "DELETE /api/rooms/{room}/people/{person}/messages": "room erase",
    "PUT /api/rooms/{room}/people/{person}": "room mute",
    "GET /api/walls/{code}/questions": "question list",
    "POST /api/walls/{code}/questions": "ask",
    "PUT /api/walls/{code}/questions/{n}": "question answer",
    "PUT /api/walls/{code}/questions/{n}/vote": "question vote",
    "DELETE /api/walls/{code}/questions/{n}/vote": "question vote",
    "POST /api/rooms/{room}/people/{person}/messages": "inbox send",
    "GET /api/inbox": "inbox list",
    "GET /api/inbox/{conversation}/messages": "inbox show",
    "PUT /api/inbox/{conversation}": "inbox block",
    "GET /api/tokens": "token list",
    "POST /api/tokens": "token create",
    "DELETE /api/tokens/{id}": "token revoke",
    "POST /api/logins": "login",
    "GET /api/audit": "audit",
}
FOR_PROGRAMS = {
    "GET /api/openapi.json": "the description of all this",
    "GET /api/asyncapi.json": "the description of streams",
    "POST /api/walls/{code}/reactions": "people react on the page, in the moment",
    "PUT /api/walls/{code}/screens/{screen}": "what a screen's page says of itself",
    "PUT /api/rooms/{room}/me": "guests choose a name where they talk; who has a token has that of the token",
}


def commands(command: click.Command = livewall, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its whole name, groups too."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from commands(found, f"{name} {each}".strip())


EVERY = dict(commands())


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if not command.hidden])
def test_the_help_of_every_command_has_an_example(name: str) -> None:
    lines = [line.strip() for line in (EVERY[name].help or "").splitlines()]
    assert any(f"livewall {name}".strip() in line for line in lines), EVERY[name].help


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if not isinstance(command, click.Group)])
def test_every_command_prints_json_when_it_is_asked_to(name: str) -> None:
    has = any("--json" in option.opts for option in EVERY[name].params)
    assert has is (name not in WITHOUT_JSON)


def test_there_is_a_command_for_every_call_of_the_api() -> None:
    calls = {f"{call.method} {call.path}" for call in CALLS}
    assert calls - COMMAND_OF.keys() - FOR_PROGRAMS.keys() == set()
    assert (COMMAND_OF.keys() | FOR_PROGRAMS.keys()) - calls == set()
    assert set(COMMAND_OF.values()) - EVERY.keys() == set()


def test_an_abstention_is_one_of_the_options_or_one_more() -> None:
    assert with_abstention(["Yes", "No"], None) == ["Yes", "No"]
    assert with_abstention(["Yes", "No"], "Away") == ["Yes", "No", {"label": "Away", "abstain": True}]
    assert with_abstention(["Yes", "Away"], "Away") == [{"label": "Yes"}, {"label": "Away", "abstain": True}]
    yes, away = {"id": "1", "label": "Yes"}, {"id": "3", "label": "Abstention", "abstain": True}
    assert with_abstention([yes, away], "Yes") == [{**yes, "abstain": True}, {"id": "3", "label": "Abstention"}]


def test_items_of_a_wall_are_ordered_added_and_taken_off() -> None:
    assert ordered(["a", "b", "c"], ["c", "a"], [], []) == ["c", "a", "b"]
    assert ordered(["a", "b"], [], ["c", "a"], ["b"]) == ["a", "c"]
    with pytest.raises(click.UsageError, match="not an item"):
        ordered(["a"], ["b"], [], [])


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if isinstance(command, click.Group)])
def test_a_listing_of_commands_cuts_no_description_off(name: str) -> None:
    shown = CliRunner().invoke(livewall, [*name.split(), "--help"])
    assert shown.exit_code == 0 and "..." not in shown.output.partition("Commands:")[2]
