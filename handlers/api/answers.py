"""The shapes of answers that are more than one thing of the product: what the API's description says of them.

A test holds them against what the server answers.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, defstruct

from livewall.audit import Line
from livewall.charts.task_layout import Layout
from livewall.credentials import Credential
from livewall.credentials import TokenMade as TokenMade
from livewall.tasks.machine import Step
from livewall.tasks.pipelines.params import Param
from livewall.tasks.rows import Task
from livewall.toml_problems import Problem
from livewall.voting.decks.service import DeckMade as DeckMade
from livewall.voting.poll import Poll, Tally
from livewall.voting.polls import PollShown as PollShown
from livewall.voting.voter_codes.service import CodeList as CodeList
from livewall.voting.voter_codes.service import CodeMade as CodeMade
from livewall.voting.voter_codes.service import CodesMade as CodesMade
from livewall.wall_rows import Wall
from livewall.walls.presence import Audience
from livewall.walls.screens import Screen


class Voter(Struct):
    """The token of an anonymous voter."""

    token: str


class Rounds(Struct):
    """The tallies of a poll's rounds that the asker may see, the oldest first."""

    items: list[Tally]


class Links(Struct):
    """The addresses of a wall's pages."""

    audience: str
    screen: str
    host: str


class WallShown(Wall):
    """A wall and the addresses of its pages."""

    links: Links


class Here(Struct):
    """How many people are at a wall."""

    people: int


class WallHealth(Struct):
    """The screens of a wall and the connections of its audience."""

    screens: list[Screen]
    audience: Audience
    now: str


class StepShown(Step, kw_only=True):
    """A step, and whether its reporter is asked to end."""

    cancel: bool


class TaskShown(Task, kw_only=True):
    """A task with its steps and its chart; `params` for those who may see them."""

    steps: list[Step]
    layout: Layout
    params: dict[str, Any] | UnsetType = UNSET


class Appended(Struct):
    """Where a log ends now, and whether its reporter is asked to end."""

    bytes: int
    lines: int
    cancel: bool


class LogLine(Struct):
    """A line of a log; a `gap` of so many bytes in the place of lines that are not kept. A line that was `cut` has its
    whole `size`. `text` is the line as it was printed. `shown` is what a terminal shows of it in the end, where that is
    something else, `spans` are its parts with their looks (`ink1 bold`) where it has any, and a line that was `over`
    is one that others were drawn over."""

    n: int
    offset: int | UnsetType = UNSET
    text: str | UnsetType = UNSET
    at: str | UnsetType = UNSET
    cut: bool | UnsetType = UNSET
    size: int | UnsetType = UNSET
    gap: int | UnsetType = UNSET
    shown: str | UnsetType = UNSET
    spans: list[tuple[str, str]] | UnsetType = UNSET
    over: bool | UnsetType = UNSET


class LogLines(Struct):
    """Lines of a log, how many it has, its bytes, and the line to go on with. With `redraws`, lines here draw over
    others, so that what is seen of them may change while the log goes on."""

    items: list[LogLine]
    lines: int
    bytes: int
    next: str | None
    redraws: bool | UnsetType = UNSET


class Match(Struct):
    """A line with a match in what is seen of it: its number, where the match begins, the text around it as it was
    printed, and as it is `shown` where that is something else."""

    n: int
    offset: int
    text: str
    shown: str | UnsetType = UNSET


class Matches(Struct):
    """Lines with a match, how many have one, and the line to go on with."""

    items: list[Match]
    count: int
    next: str | None


class PipelineStep(Struct):
    name: str
    needs: list[str]


class PipelineShown(Struct):
    """What can be started here; one whose file is wrong has its errors and no steps."""

    name: str
    title: str
    params: list[Param]
    steps: list[PipelineStep]
    errors: list[Problem]


class LinkMade(Struct):
    """A link that signs in once."""

    link: str
    expires_at: str


class Done(Struct):
    """It was done; there is nothing to say."""


def listed(kind: type[Struct], name: str) -> type[Struct]:
    """Some of a list, and the cursor of what follows."""
    return defstruct(name, [("items", list[kind]), ("next", str | None)])  # type: ignore[valid-type]


PollList = listed(Poll, "PollList")
WallList = listed(WallShown, "WallList")
TaskList = listed(Task, "TaskList")
PipelineList = listed(PipelineShown, "PipelineList")
CredentialList = listed(Credential, "CredentialList")
AuditList = listed(Line, "AuditList")
