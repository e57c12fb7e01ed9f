"""The API in one table: each call of `/api/…`, who may make it, what it takes and what it answers; and its description
for machines at `/api/openapi.json`. A test sees to it that the table is what the routes are."""

from __future__ import annotations

import functools

from handlers.api import answers
from handlers.base import BaseHandler
from livewall import __version__, openapi, wire
from livewall.openapi import CSV, JSON, MARKDOWN, PLACED, SVG, TEXT, VERSIONED, Call, Parameter
from livewall.tasks.machine import TaskState
from livewall.voting import export
from livewall.voting.ballots import Ballot
from livewall.voting.poll import Poll
from livewall.voting.replay import Replay
from livewall.walls.wall_results import WallResults

HOST = ("host", "admin")
OPERATOR = ("operator", "admin")
READER = ("operator", "host", "admin")
REPORTER = ("reporter", "operator", "admin")
WATCHER = ("reporter", "operator", "host", "admin")
ADMIN = ("admin",)
VOTER = ("voter",)
ROLES = WATCHER

WHOLE = {"type": "integer", "minimum": 0}
PAGE = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "How many."),
    Parameter("before", {"type": "string"}, "The `next` of the answer before this one."),
)
TASKS = (
    Parameter("state", {"enum": ["", *sorted(TaskState)]}, "Only tasks in this state; empty, in any."),
    Parameter("q", {"type": "string"}, "Only tasks with this in their title, or as their id or pipeline."),
)
AS = Parameter("as", {"enum": ["audience"]}, "What the audience sees, whoever asks.")
ROUND = Parameter("round", {"type": "integer", "minimum": 1}, "This round; else the current one.")
PICTURE = (
    ROUND,
    Parameter("theme", {"enum": ["light", "dark"], "default": "light"}, "Dark on light, or light on dark."),
    Parameter("lang", {"type": "string"}, "The language of what it says; else Accept-Language."),
    AS,
)
IF_MATCH = Parameter("If-Match", {"type": "string"}, "The ETag it was read with: 409 if it changed since.", "header")
BYTES = (
    Parameter("offset", WHOLE, "From this byte on, or from behind the gap it is in."),
    Parameter("limit", WHOLE, "So many bytes at most."),
    Parameter("download", {"enum": ["1"]}, "As a file, with a line for each gap."),
    Parameter("Range", {"type": "string"}, "One range of bytes, where neither offset nor limit is given.", "header"),
)
LINES = (
    Parameter("from", {"type": "integer", "default": 1}, "The first line; counted from the end where it is negative."),
    Parameter("count", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200}, "How many lines."),
)
SEARCH = (
    Parameter("q", {"type": "string", "minLength": 1}, "What is searched for, literally; at most 1,000 bytes."),
    Parameter("from", {"type": "integer", "minimum": 1, "default": 1}, "The first line."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "How many lines."),
    Parameter("case", {"enum": ["0", "1"]}, "1: upper and lower case differ."),
)
DECK_ID = (Parameter("id", {"type": "string"}, "Of your choice: the same deck is imported under it once."),)
APPEND = (Parameter("offset", WHOLE, "Where in the log the text begins; what is there already is dropped."),)

POLL, WALL, TASK = "/api/polls/{id}", "/api/walls/{code}", "/api/tasks/{id}"
CODES = f"{WALL}/codes"
LOG = f"{TASK}/logs/{{step}}"
MADE = VERSIONED | PLACED
EMPTY = wire.Nothing

CALLS: tuple[Call, ...] = (
    # votes
    Call("POST", "/api/voters", "An anonymous voter", {201: answers.Voter}, body=EMPTY, errors=(429,)),
    Call("GET", "/api/polls", "Polls, the newest first", {200: answers.PollList}, HOST, parameters=PAGE),
    Call("POST", "/api/polls", "Make a poll, a draft", {201: Poll}, HOST, wire.PollIn, errors=(404,), headers=MADE),
    Call("GET", POLL, "A poll, its tally if you may see it, your ballot", {200: answers.PollShown, 304: None},
         parameters=(AS,), headers=VERSIONED),
    Call("PUT", POLL, "Change a poll; fields left out stay", {200: Poll}, HOST, wire.PollEdit, (IF_MATCH,), (409,),
         VERSIONED),
    Call("DELETE", POLL, "Archive a poll", {200: answers.Done}, HOST, parameters=(IF_MATCH,), errors=(400, 409, 422)),
    Call("POST", f"{POLL}/restore", "Put an archived poll back", {200: Poll}, HOST, EMPTY, headers=VERSIONED),
    Call("POST", f"{POLL}/open", "Open it", {200: Poll}, HOST, EMPTY, (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/close", "Close it", {200: Poll}, HOST, EMPTY, (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/publish", "Show the results to all, or no more", {200: Poll}, HOST, wire.PublishIn,
         (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/reset", "Leave a round for a new one", {200: Poll}, HOST, wire.ResetIn, (IF_MATCH,), (409,),
         VERSIONED),
    Call("POST", f"{POLL}/timer", "Give an open poll another end", {200: Poll}, HOST, wire.TimerIn, (IF_MATCH,), (409,),
         VERSIONED),
    Call("GET", f"{POLL}/rounds", "The tallies of its rounds, as far as you may see them", {200: answers.Rounds},
         parameters=(AS,), errors=(403,)),
    Call("POST", f"{POLL}/duplicate", "A draft like it", {201: Poll}, HOST, EMPTY, headers=MADE),
    Call("PUT", f"{POLL}/ballot", "Your ballot: 201 new, 200 the same or changed", {200: Ballot, 201: Ballot}, VOTER,
         wire.BallotIn, errors=(409, 429)),
    Call("DELETE", f"{POLL}/ballot", "Take your ballot back", {200: Ballot}, VOTER, wire.RetractIn, errors=(409, 429)),
    Call("GET", f"{POLL}/receipts/{{receipt}}", "What was counted under a receipt", {200: Ballot}, errors=(403,)),
    Call("GET", f"{POLL}/replay", "The tally of a round over time", {200: Replay}, parameters=(ROUND, AS),
         errors=(403,)),
    Call("GET", f"{POLL}/results.svg", "The result of a round as a picture", {200: SVG}, parameters=PICTURE,
         errors=(403,)),
    Call("GET", f"{POLL}/race.svg", "The tally of a round over time as a picture", {200: SVG}, parameters=PICTURE,
         errors=(403,)),
    Call("DELETE", f"{POLL}/ballots", "Erase the ballots of a closed poll; counts and rounds stay", {200: Poll}, HOST,
         parameters=(IF_MATCH,), errors=(400, 409, 422), headers=VERSIONED),
    Call("GET", f"{POLL}/ballots.csv", "All ballots under their receipts", {200: CSV}, HOST),
    Call("GET", f"{POLL}/results.json", "The tally of each round", {200: export.Results}, HOST),
    Call("GET", "/api/walls", "Walls, the newest first", {200: answers.WallList}, HOST, parameters=PAGE),
    Call("POST", "/api/walls", "Make a wall", {201: answers.WallShown}, HOST, wire.WallIn, headers=MADE),
    Call("GET", WALL, "A wall", {200: answers.WallShown, 304: None}, parameters=(AS,), headers=VERSIONED),
    Call("PUT", WALL, "Change a wall; fields left out stay", {200: answers.WallShown}, HOST, wire.WallEdit,
         (IF_MATCH,), (409,), VERSIONED),
    Call("DELETE", WALL, "Take a wall away", {200: answers.Done}, HOST, errors=(400, 422)),
    Call("PUT", f"{WALL}/screens/{{screen}}", "A screen of a wall says how it is, every ten seconds",
         {200: answers.Here}, body=wire.ScreenIn, errors=(429,)),
    Call("GET", f"{WALL}/results", "Its closed polls whose result you may see, and whether that was all",
         {200: WallResults}, parameters=(AS,)),
    Call("GET", f"{WALL}/health", "The screens that are there, and how the audience is connected",
         {200: answers.WallHealth}, HOST),
    Call("POST", f"{WALL}/duplicate", "A wall with the same polls, as drafts", {201: answers.WallShown}, HOST, EMPTY,
         headers=MADE),
    Call("GET", f"{WALL}/deck.md", "The polls of a wall as a deck", {200: MARKDOWN}, HOST),
    Call("POST", f"{WALL}/deck", "The polls of a deck, as drafts; 200 where it was imported under this id before",
         {200: answers.DeckMade, 201: answers.DeckMade}, HOST, MARKDOWN, DECK_ID),
    Call("GET", CODES, "How many codes a wall has, and the codes without what stands on them",
         {200: answers.CodeList}, HOST, parameters=PAGE),
    Call("POST", CODES, "New codes to vote with, shown this once", {201: answers.CodesMade}, HOST, wire.CodesIn),
    Call("POST", f"{CODES}/{{id}}/replace", "Another code for the same voter", {201: answers.CodeMade}, HOST, EMPTY,
         errors=(409,)),
    Call("DELETE", f"{CODES}/{{id}}", "Revoke a code", {200: answers.Done}, HOST, errors=(400, 422)),
    # tasks
    Call("GET", "/api/tasks", "Tasks, the newest first", {200: answers.TaskList}, READER, parameters=(*TASKS, *PAGE)),
    Call("POST", "/api/tasks", "A task that runs elsewhere; 200 where this id was used for it before",
         {200: answers.TaskShown, 201: answers.TaskShown}, REPORTER, wire.TaskIn, errors=(409,), headers=PLACED),
    Call("GET", TASK, "A task with its steps and its chart", {200: answers.TaskShown}, errors=(403,)),
    Call("POST", f"{TASK}/cancel", "End a task", {200: answers.TaskShown}, OPERATOR, EMPTY),
    Call("POST", f"{TASK}/retry", "A new task that takes over what succeeded; 200 where it was made before",
         {200: answers.TaskShown, 201: answers.TaskShown}, OPERATOR, EMPTY, errors=(409,), headers=PLACED),
    Call("PUT", f"{TASK}/steps/{{step}}", "Report a step; the same again is harmless", {200: answers.StepShown},
         REPORTER, wire.StepReport, errors=(409,)),
    Call("GET", LOG, "The log of a step, by bytes", {200: TEXT, 206: TEXT}, REPORTER, parameters=BYTES, errors=(416,)),
    Call("POST", LOG, "Append to the log of a step", {200: answers.Appended}, REPORTER, TEXT, APPEND, (409,)),
    Call("GET", f"{LOG}/lines", "The log of a step, by lines", {200: answers.LogLines}, REPORTER, parameters=LINES),
    Call("GET", f"{LOG}/search", "The lines with a text", {200: answers.Matches}, REPORTER, parameters=SEARCH),
    Call("GET", "/api/pipelines", "What can be started here", {200: answers.PipelineList}, OPERATOR),
    Call("POST", "/api/pipelines/{name}/tasks", "Start a task; 200 where this id was used for it before",
         {200: answers.TaskShown, 201: answers.TaskShown}, OPERATOR, wire.StartIn, errors=(409,), headers=PLACED),
    # who is asking
    Call("GET", "/api/tokens", "Tokens and sign-ins", {200: answers.CredentialList}, ADMIN),
    Call("POST", "/api/tokens", "Make a token", {201: answers.TokenMade}, ADMIN, wire.TokenIn),
    Call("DELETE", "/api/tokens/{id}", "Take back a token or sign-in", {200: answers.Done}, ADMIN, errors=(400, 422)),
    Call("POST", "/api/logins", "A link that signs in, for a role not above one's own", {201: answers.LinkMade}, ROLES,
         wire.LoginIn),
    Call("GET", "/api/audit", "What hosts and operators did, the newest first", {200: answers.AuditList}, READER,
         parameters=PAGE),
    Call("GET", "/api/asyncapi.json", "The messages of streams: AsyncAPI", {200: JSON, 304: None},
         headers={"ETag": VERSIONED["ETag"]}),
    Call("GET", "/api/openapi.json", "This description", {200: JSON, 304: None}, headers={"ETag": VERSIONED["ETag"]}),
)


@functools.cache
def description() -> tuple[bytes, str]:
    """The description and its ETag."""
    text = openapi.text(CALLS, title="Livewall", version=__version__)
    return text, openapi.etag_of(text)


class OpenApiHandler(BaseHandler):
    """GET /api/openapi.json: for anyone, and asked for again only when it changed."""

    description = staticmethod(description)

    async def get(self) -> None:
        text, etag = self.description()
        self.set_header("ETag", etag)
        if self.holds(etag):
            self.set_status(304)
            return
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(text)
