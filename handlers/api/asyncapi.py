"""The messages of streams in one table, and their description for machines at `/api/asyncapi.json`.

The shapes are those of the wire, the same on every transport; a test holds them against what the transports send.
"""

from __future__ import annotations

import functools
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from handlers.api.answers import Here
from handlers.api.openapi import OpenApiHandler
from livewall import __version__, asyncapi, wire
from livewall.asyncapi import Event
from livewall.openapi import ErrorBody, etag_of
from livewall.tasks.machine import Step
from livewall.tasks.rows import Task
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Poll, Tally, Turnout
from livewall.wall_rows import Wall


class LogEnd(Struct):
    """How far a log goes; the lines themselves are fetched from the API."""

    bytes: int
    lines: int


class Reset(Struct):
    """Forget what you hold of this stream: a snapshot follows, up to `synced`. `earlier`: older events exist."""

    stream: str
    reset: Literal[True]
    earlier: bool | UnsetType = UNSET


class Synced(Struct):
    """What you hold of this stream is whole. `now` is the server's time, by which a page counts down."""

    stream: str
    synced: Literal[True]
    pos: str
    now: str


class StreamEnded(Struct):
    """You may not read this stream, or may not any longer; the others of the connection go on."""

    stream: str
    error: ErrorBody


class Heartbeat(Struct):
    """The newest position of each stream that you follow, by its name: every 20 seconds over a WebSocket, every 15 as
    the server-sent event `heartbeat`."""

    heartbeat: dict[str, str]
    now: str


class BallotDone(Struct):
    """The answer to `vote` and `retract`, after the commit."""

    ref: str
    ok: Ballot


class Followed(Struct):
    stream: str


class FollowedDone(Struct):
    """The answer to `subscribe` and `unsubscribe`; what the stream holds follows."""

    ref: str
    ok: Followed


class Refused(Struct):
    """The answer to an act that is refused. `ref` is null where the act had none that could be read."""

    ref: str | None
    error: ErrorBody


EVENTS = (
    Event("PollEvent", "polls/ID", "poll", Poll, "The poll; to all but hosts it is deleted while it is a draft."),
    Event("TallyEvent", "polls/ID", "tally", Tally, "The counts, in the view of those who may see them."),
    Event("TurnoutEvent", "polls/ID", "turnout", Turnout, "The ballots, where the counts are hidden."),
    Event("WallEvent", "walls/CODE", "wall", Wall, "The wall, its items and the active one."),
    Event("HereEvent", "walls/CODE", "here", Here, "How many people are there; volatile.", volatile=True),
    Event("TaskEvent", "tasks/ID", "task", Task, "The task."),
    Event("StepEvent", "tasks/ID", "step/NAME", Step, "One step, under its name."),
    Event("LogEndEvent", "tasks/ID/logs/STEP", "end", LogEnd, "How far the log goes."),
    Event("ListedTaskEvent", "tasks", "task/ID", Task, "Those under way, and the last 100 that ended."),
)
SAID = (Reset, Synced, StreamEnded, Heartbeat)
ANSWERS = (BallotDone, FollowedDone, Refused)
ACTS = (wire.Vote, wire.Retract, wire.Subscribe, wire.Unsubscribe)


@functools.cache
def description() -> tuple[bytes, str]:
    """Return the description and its ETag."""
    document = asyncapi.document(EVENTS, SAID, ANSWERS, ACTS, title="Livewall", version=__version__)
    text = wire.encode(document)
    return text, etag_of(text)


class AsyncApiHandler(OpenApiHandler):
    """GET /api/asyncapi.json: for anyone, as `/api/openapi.json` is."""

    description = staticmethod(description)
