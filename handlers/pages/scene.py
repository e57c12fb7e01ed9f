"""What a page shows of one item: a poll, a task, questions, a room, a lobby, or the end of a wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.view_models.option_rows import OptionRow
from handlers.view_models.screen_talk import ScreenQuestions
from livewall.rooms.rows import Message
from livewall.tasks.tasks import TaskShown
from livewall.voting.polls import PollShown


@dataclass(frozen=True)
class EndedPoll:
    """A poll at the end of a wall, and the facts about its result in words."""

    title: str
    rows: list[OptionRow]
    facts: str


@dataclass(frozen=True)
class WallEnd:
    """The results at the end of a wall: the number of `polls`, those that fit, and how many are left out, in words."""

    polls: int = 0
    items: list[EndedPoll] = field(default_factory=list)
    omissions: str = ""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Templates get the fields by their names. Those that do not belong to the `kind` are empty."""

    kind: str
    """One of "poll", "task", "questions", "room", "lobby" and "end"."""
    title: str
    poll: PollShown | None = None
    task: TaskShown | None = None

    control: str = ""
    """The type of the inputs that mark options."""
    rows: list[OptionRow] = field(default_factory=list)
    counted: bool = False
    """Whether the reader sees the tally."""
    closed: str = ""
    ballots_number: str = ""
    ballots_text: str = ""
    ballots_word: str = ""
    chosen: Sequence[str] = ()
    receipt: str = ""

    limit: str = ""
    """Where the line of the majority stands; empty without one."""
    compared: bool = False
    quorum: str = ""
    note: str = ""

    lobby_title: str = ""
    lobby_head: str = ""
    lobby_note: str = ""
    lobby_here: str = ""
    lobby_end: str | None = None
    """The address of all results of a wall that is over, empty if none is public; None before its end."""

    results: WallEnd = field(default_factory=WallEnd)

    asked: ScreenQuestions = field(default_factory=ScreenQuestions)
    lines: list[Message] = field(default_factory=list)
    """The newest messages of a room."""

    def values(self) -> dict[str, Any]:
        """Return the values for a template."""
        return dict(vars(self))
