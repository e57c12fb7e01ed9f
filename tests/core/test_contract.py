"""The tables of docs/contract.md are those of the code; docs/api.md has every call and docs/cli.md every command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.api.openapi import CALLS
from livewall.cli import COMMANDS
from livewall.errors import STATUS, CloseCode
from livewall.questions.rows import QuestionsInfo
from livewall.questions.rules import Question
from livewall.rooms.inbox_rows import Conversation
from livewall.rooms.rows import Message, PersonShown, Room
from livewall.tasks.machine import Step, StepState, TaskState, WaitsFor
from livewall.tasks.rows import Task
from livewall.tasks.webhooks.body import Body
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Option, Poll, Tally, Turnout
from livewall.wall_rows import Wall

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "contract.md").read_text()
PLACEHOLDERS = {
    "id": "ID",
    "code": "CODE",
    "receipt": "R",
    "step": "NAME",
    "name": "NAME",
    "screen": "ID",
    "host": "HOST",
    "room": "NAME",
    "person": "ID",
    "n": "N",
    "conversation": "ID",
}
OBJECTS: dict[str, Any] = {
    "poll": Poll,
    "option": Option,
    "tally": Tally,
    "turnout": Turnout,
    "ballot": Ballot,
    "wall": Wall,
    "room": Room,
    "message": Message,
    "person": PersonShown,
    "questions": QuestionsInfo,
    "question": Question,
    "conversation": Conversation,
    "task": Task,
    "step": Step,
    "waits_for": WaitsFor,
    "delivery": Body,
}


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_every_error_code_is_listed_with_its_status() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \|", section("Errors"), re.MULTILINE)
    assert {code: int(status) for code, status in listed} == STATUS


def test_every_close_code_is_listed() -> None:
    listed = re.findall(r"^\| (\d{4}) \|", section("Close codes"), re.MULTILINE)
    assert [int(code) for code in listed] == sorted(CloseCode)


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_the_fields_that_are_listed(name: str) -> None:
    found = re.search(rf"^\| {name} \| (.*) \|$", section("Objects"), re.MULTILINE)
    assert found is not None
    listed = [(field, optional == "[") for optional, field in re.findall(r"(\[?)`(\w+)`", found[1])]
    fields = msgspec.structs.fields(OBJECTS[name])
    assert listed == [(field.encode_name, field.default is msgspec.UNSET) for field in fields]


def test_the_states_are_listed() -> None:
    text = " ".join(section("Tasks").split())
    steps, tasks = (re.search(rf"States of a {what}: ([^.]+)\.", text) for what in ("step", "task"))
    assert steps is not None and re.findall(r"\w+", steps[1]) == [state.value for state in StepState]
    assert tasks is not None and re.findall(r"\w+", tasks[1]) == [state.value for state in TaskState]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_on_the_page_of_the_api(call: Any) -> None:
    text = (DOCS / "api.md").read_text()
    path = re.sub(r"\{(\w+)\}", lambda found: PLACEHOLDERS[found[1]], call.path)
    shorter = "/" + path.rpartition("/")[2]  # behind the whole address of its neighbour: `/open`, `/close`
    assert path in text or f"`{shorter}`" in text or re.search(rf"`{re.escape(shorter)}[ ?]", text)


def test_every_command_is_on_the_page_of_the_command_line() -> None:
    table = re.findall(r"^\| (`.*?`) \|", (DOCS / "cli.md").read_text(), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`(?:livewall )?(\w+)", row)}
    assert set(COMMANDS) <= named
