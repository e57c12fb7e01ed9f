"""The messages of streams in one table, and their description for programs at `/api/asyncapi.json`.

The shapes are those of the wire, and are the same on every transport. A test holds them to what the transports send.
"""

from __future__ import annotations

import functools
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from handlers.api.answers import Done, Here, MessageShown
from handlers.api.openapi import OpenApiHandler
from livewall import __version__, asyncapi, wire
from livewall.asyncapi import Event
from livewall.openapi import ErrorBody, etag_of
from livewall.questions.questions import Voted
from livewall.questions.rows import QuestionsInfo
from livewall.questions.rules import Question
from livewall.rooms.inbox_rows import Conversation
from livewall.rooms.presence import Here as RoomHere
from livewall.rooms.presence import TypingShown
from livewall.rooms.rows import Room
from livewall.tasks.machine import Step
from livewall.tasks.rows import Task
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Poll, Tally, Turnout
from livewall.wall_rows import Wall


class LogEnd(Struct):
    """The end of a log. The lines themselves are fetched from the API."""

    bytes: int
    lines: int


class Reset(Struct):
    """Discard what you hold of this stream: a snapshot follows, up to `synced`. With `earlier`, older events exist."""

    stream: str
    reset: Literal[True]
    earlier: bool | UnsetType = UNSET


class Synced(Struct):
    """What you hold of this stream is complete. `now` is the server's time, which pages use for countdowns."""

    stream: str
    synced: Literal[True]
    pos: str
    now: str


class StreamEnded(Struct):
    """You may not read this stream, or not any longer. The other streams of the connection continue."""

    stream: str
    error: ErrorBody


class Heartbeat(Struct):
    """The newest position of each stream that you follow, by name. It is sent every 20 seconds over a WebSocket, and
    every 15 seconds as the server-sent event `heartbeat`."""

    heartbeat: dict[str, str]
    now: str


class BallotDone(Struct):
    """The answer to `vote` and `retract`, sent after the commit."""

    ref: str
    ok: Ballot


class SayDone(Struct):
    """The answer to `say`, sent after the commit."""

    ref: str
    ok: MessageShown


class AskDone(Struct):
    """The answer to `ask`, sent after the commit."""

    ref: str
    ok: Question


class UpvoteDone(Struct):
    """The answer to `upvote`, sent after the commit."""

    ref: str
    ok: Voted


class NothingDone(Struct):
    """The answer to `typing` and `react`."""

    ref: str
    ok: Done


class Followed(Struct):
    stream: str


class FollowedDone(Struct):
    """The answer to `subscribe` and `unsubscribe`. The content of the stream follows."""

    ref: str
    ok: Followed


class Refused(Struct):
    """The answer to an act that was refused. `ref` is null if the act had none that could be read."""

    ref: str | None
    error: ErrorBody


EVENTS = (
    Event("PollEvent", "polls/ID", "poll", Poll, "The poll. While it is a draft, only hosts see it."),
    Event("TallyEvent", "polls/ID", "tally", Tally, "The counts, for readers who may see them."),
    Event("TurnoutEvent", "polls/ID", "turnout", Turnout,
          "The number of ballots, for readers who may not see the counts."),
    Event("WallEvent", "walls/CODE", "wall", Wall, "The wall, its items and the active one."),
    Event("HereEvent", "walls/CODE", "here", Here, "How many people are there. It is volatile.", volatile=True),
    Event("RoomEvent", "rooms/NAME", "room", Room, "The room."),
    Event("MessageEvent", "rooms/NAME", "message/N", MessageShown,
          "A message under its number. Of a withdrawn one only the number, the time and who withdrew it are left."),
    Event("RoomHereEvent", "rooms/NAME", "here", RoomHere,
          "How many people are there; up to 100, their names. It is volatile.", volatile=True),
    Event("TypingEvent", "rooms/NAME", "typing", TypingShown, "Who types there. It is volatile.", volatile=True),
    Event("ReactionsEvent", "walls/CODE", "reactions", dict[str, int],
          "How many reactions of each kind came since the last such event. It is volatile.", volatile=True),
    Event("QuestionsEvent", "questions/CODE", "questions", QuestionsInfo, "How the wall takes questions."),
    Event("QuestionEvent", "questions/CODE", "question/N", Question,
          "A question under its number. Hosts see also those that are pending or hidden."),
    Event("ConversationEvent", "inbox/me", "conversation/ID", Conversation,
          "A conversation of the reader's own, as the reader sees it."),
    Event("PrivateMessageEvent", "inbox/me", "message/ID/N", MessageShown,
          "A private message under its number in the conversation. Of one that was erased, only the number is left."),
    Event("TaskEvent", "tasks/ID", "task", Task, "The task."),
    Event("StepEvent", "tasks/ID", "step/NAME", Step, "One step, under its name."),
    Event("LogEndEvent", "tasks/ID/logs/STEP", "end", LogEnd, "The end of the log."),
    Event("ListedTaskEvent", "tasks", "task/ID", Task, "A task under way, or one of the last 100 that ended."),
)
CONTROL_MESSAGES = (Reset, Synced, StreamEnded, Heartbeat)
ANSWERS = (BallotDone, SayDone, AskDone, UpvoteDone, NothingDone, FollowedDone, Refused)
ACTS = (wire.Vote, wire.Retract, wire.Say, wire.Typing, wire.Ask, wire.Upvote, wire.React,
        wire.Subscribe, wire.Unsubscribe)


@functools.cache
def description() -> tuple[bytes, str]:
    """Return the description and its ETag."""
    document = asyncapi.document(EVENTS, CONTROL_MESSAGES, ANSWERS, ACTS, title="Livewall", version=__version__)
    text = wire.encode(document)
    return text, etag_of(text)


class AsyncApiHandler(OpenApiHandler):
    """GET /api/asyncapi.json. It needs no sign-in, like `/api/openapi.json`."""

    description = staticmethod(description)
