"""The shapes of answers that combine several objects, as the API's description lists them.

A test holds them to what the server answers.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from livewall.audit import Line
from livewall.credentials import Credential
from livewall.credentials import TokenMade as TokenMade
from livewall.listing import Listing
from livewall.rooms.inbox_rows import Conversation
from livewall.rooms.rows import PersonShown, Room
from livewall.tasks.logs.lines import LogLines as LogLines
from livewall.tasks.logs.lines import Matches as Matches
from livewall.tasks.machine import Step as Step
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


class WallShown(Wall, kw_only=True):
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


class MessageShown(Struct, rename={"said_by": "from"}):
    """A message. Of one that was withdrawn there are `n`, `withdrawn` (`author` or `host`) and `at` only."""

    n: int
    at: str
    id: str | UnsetType = UNSET
    said_by: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    edited_at: str | UnsetType = UNSET
    reply_to: int | UnsetType = UNSET
    withdrawn: str | UnsetType = UNSET


class Messages(Struct):
    """A part of the history of a room or of a conversation, the newest last."""

    items: list[MessageShown]


class Muted(Struct):
    """Whether somebody is muted in a room."""

    id: str
    muted: bool


class LinkMade(Struct):
    """A link that signs in once."""

    link: str
    expires_at: str


class Done(Struct):
    """The request was carried out. The answer is empty."""


# A page of each list. The names are those of the API's description.


class PollList(Listing[Poll]):
    pass


class WallList(Listing[WallShown]):
    pass


class PersonList(Listing[PersonShown]):
    """A page of the people in a room."""


class RoomList(Listing[Room]):
    pass


class ConversationList(Listing[Conversation]):
    pass


class TaskList(Listing[Task]):
    pass


class PipelineList(Listing[PipelineShown]):
    pass


class CredentialList(Listing[Credential]):
    pass


class AuditList(Listing[Line]):
    pass
