"""The shapes of answers that combine several objects, as the API's description lists them.

A test holds them to what the server answers.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, defstruct

from livewall.audit import Line
from livewall.credentials import Credential
from livewall.credentials import TokenMade as TokenMade
from livewall.tasks.pipelines.git_refs import GitRefs as GitRefs
from livewall.tasks.pipelines.watched_folder import PipelineShown as PipelineShown
from livewall.tasks.rows import Task
from livewall.tasks.tasks import Appended as Appended
from livewall.tasks.tasks import StepShown as StepShown
from livewall.tasks.tasks import TaskShown as TaskShown
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
    """The tallies of a poll's rounds that the client may see, the oldest first."""

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


class LogLine(Struct):
    """A line of a log, or a `gap` of so many bytes in place of lines that are not kept. A line that was `cut` has its
    full `size`. `text` is the line as it was printed. `shown` is what a terminal shows of it in the end, if that
    differs. `spans` are its parts with their styles (`ink1 bold`), if it has any. A line that is `over` was overwritten
    by others."""

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
    """Lines of a log, the number of its lines and bytes, and the line at which the next request continues. With
    `redraws`, lines overwrite others, so that their visible text may change while the log grows."""

    items: list[LogLine]
    lines: int
    bytes: int
    next: str | None
    redraws: bool | UnsetType = UNSET


class Match(Struct):
    """A line that matches: its number, the offset of the match, the text around it as it was printed, and the visible
    text (`shown`) if that differs."""

    n: int
    offset: int
    text: str
    shown: str | UnsetType = UNSET


class Matches(Struct):
    """The lines that match, the number of lines with a match, and the line at which the next request continues."""

    items: list[Match]
    count: int
    next: str | None


class LinkMade(Struct):
    """A link that signs in once."""

    link: str
    expires_at: str


class Done(Struct):
    """The request was carried out. The answer is empty."""


def listed(kind: type[Struct], name: str) -> type[Struct]:
    """Return the shape of a page of a list, with the cursor of the next page."""
    return defstruct(name, [("items", list[kind]), ("next", str | None)])  # type: ignore[valid-type]


PollList = listed(Poll, "PollList")
WallList = listed(WallShown, "WallList")
TaskList = listed(Task, "TaskList")
PipelineList = listed(PipelineShown, "PipelineList")
CredentialList = listed(Credential, "CredentialList")
AuditList = listed(Line, "AuditList")
