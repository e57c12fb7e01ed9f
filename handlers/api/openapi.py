"""The API in one table: the rights, the input and the answers of each call of `/api/…`, and the description for
programs at `/api/openapi.json`. A test holds the table to the routes."""

from __future__ import annotations

import functools

from handlers.api import answers
from handlers.base import BaseHandler
from livewall import __version__, openapi, wire
from livewall.openapi import CSV, JSON, JSON_LINES, MARKDOWN, PLACED, SVG, TEXT, VERSIONED, Call, Parameter
from livewall.questions.questions import QuestionsShown, Voted
from livewall.questions.rules import Question
from livewall.rooms.erasure import MessagesErased
from livewall.rooms.inbox_rows import Conversation
from livewall.rooms.rows import Message, PersonShown, Room
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
SPEAKER = ("voter", *WATCHER)
ROLES = WATCHER

WHOLE = {"type": "integer", "minimum": 0}
PAGE = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "The number of items."),
    Parameter("before", {"type": "string"}, "The `next` of the previous answer."),
)
TASKS = (
    Parameter("state", {"enum": ["", *sorted(TaskState)]}, "Only tasks in this state. Empty: tasks in any state."),
    Parameter("q", {"type": "string"}, "Only tasks with this text in their title, or with this id or pipeline."),
)
REFS = (
    Parameter("q", {"type": "string"}, "Only refs with this text in their name or subject, or with this hash."),
    Parameter("param", {"type": "string"}, "The parameter. Default: the first one of type git_ref."),
)
AS = Parameter("as", {"enum": ["audience"]}, "Answer as the audience sees it.")
ROUND = Parameter("round", {"type": "integer", "minimum": 1}, "The round. Default: the current one.")
PICTURE = (
    ROUND,
    Parameter("theme", {"enum": ["light", "dark"], "default": "light"}, "The theme of the picture."),
    Parameter("lang", {"type": "string"}, "The language of its texts. Default: Accept-Language."),
    AS,
)
IF_MATCH = Parameter("If-Match", {"type": "string"}, "The ETag that was read. 409 if it has changed since.", "header")
BYTES = (
    Parameter("offset", WHOLE, "The first byte. In a gap: the first byte after the gap."),
    Parameter("limit", WHOLE, "The largest number of bytes."),
    Parameter("download", {"enum": ["1"]}, "Send the log as a file, with a line for each gap."),
    Parameter("Range", {"type": "string"}, "One range of bytes, if neither offset nor limit is given.", "header"),
)
LINES = (
    Parameter("from", {"type": "integer", "default": 1}, "The first line. Negative: counted from the end."),
    Parameter("count", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200}, "The number of lines."),
)
SEARCH = (
    Parameter("q", {"type": "string", "minLength": 1}, "The literal text to search for, at most 1,000 bytes."),
    Parameter("from", {"type": "integer", "minimum": 1, "default": 1}, "The first line."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "The number of lines."),
    Parameter("case", {"enum": ["0", "1"]}, "1: the search is case-sensitive."),
)
DECK_ID = (Parameter("id", {"type": "string"}, "An id of your choice. A deck is imported once under the same id."),)
APPEND = (Parameter("offset", WHOLE, "The offset of the text in the log. Bytes that are there already are dropped."),)

ROOM = "/api/rooms/{room}"
CONVERSATION = "/api/inbox/{conversation}"
HISTORY = (
    Parameter("before", {"type": "integer", "minimum": 1}, "Only messages with a lower number, the last of them."),
    Parameter("after", WHOLE, "Only messages with a higher number, the first of them."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "The number of messages."),
    Parameter("q", {"type": "string"}, "Only messages with this text, in whatever case."),
)
EXPORT = (Parameter("format", {"enum": ["txt", "csv", "jsonl"], "default": "jsonl"}, "The kind of file."),)
SAID = answers.MessageShown
POLL, WALL, TASK = "/api/polls/{id}", "/api/walls/{code}", "/api/tasks/{id}"
CODES = f"{WALL}/codes"
QUESTIONS = f"{WALL}/questions"
LOG = f"{TASK}/logs/{{step}}"
HOST_OF_STEP = f"{TASK}/steps/{{step}}/hosts/{{host}}"
HOST_ACTS = {
    "pause": "Let no other host begin",
    "resume": "Let the next hosts begin",
    "abort": "End a step with hosts early",
    "hosts/{host}/skip": "Leave out a host",
    "hosts/{host}/retry": "Run a step again on a host on which it failed",
}
MADE = VERSIONED | PLACED
EMPTY = wire.Nothing

CALLS: tuple[Call, ...] = (
    # votes
    Call("POST", "/api/voters", "Create an anonymous voter", {201: answers.Voter}, body=EMPTY, errors=(429,)),
    Call("GET", "/api/polls", "List polls, the newest first", {200: answers.PollList}, HOST, parameters=PAGE),
    Call("POST", "/api/polls", "Create a poll as a draft", {201: Poll}, HOST, wire.PollIn, errors=(404,), headers=MADE),
    Call("GET", POLL, "Get a poll, your ballot, and the tally if you may see it", {200: answers.PollShown, 304: None},
         parameters=(AS,), headers=VERSIONED),
    Call("PUT", POLL, "Change a poll. Fields that are left out do not change", {200: Poll}, HOST, wire.PollEdit,
         (IF_MATCH,), (409,), VERSIONED),
    Call("DELETE", POLL, "Archive a poll", {200: answers.Done}, HOST, parameters=(IF_MATCH,), errors=(400, 409, 422)),
    Call("POST", f"{POLL}/restore", "Restore an archived poll", {200: Poll}, HOST, EMPTY, headers=VERSIONED),
    Call("POST", f"{POLL}/open", "Open a poll", {200: Poll}, HOST, EMPTY, (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/close", "Close a poll", {200: Poll}, HOST, EMPTY, (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/publish", "Publish or withdraw the result", {200: Poll}, HOST, wire.PublishIn,
         (IF_MATCH,), (409,), VERSIONED),
    Call("POST", f"{POLL}/reset", "Begin a new round", {200: Poll}, HOST, wire.ResetIn, (IF_MATCH,), (409,),
         VERSIONED),
    Call("POST", f"{POLL}/timer", "Change the end of an open poll", {200: Poll}, HOST, wire.TimerIn, (IF_MATCH,),
         (409,), VERSIONED),
    Call("GET", f"{POLL}/rounds", "Get the tallies of all rounds that you may see", {200: answers.Rounds},
         parameters=(AS,), errors=(403,)),
    Call("POST", f"{POLL}/duplicate", "Duplicate a poll as a draft", {201: Poll}, HOST, EMPTY, headers=MADE),
    Call("PUT", f"{POLL}/ballot", "Cast your ballot. 201: new, 200: changed or the same", {200: Ballot, 201: Ballot},
         VOTER, wire.BallotIn, errors=(409, 429)),
    Call("DELETE", f"{POLL}/ballot", "Retract your ballot", {200: Ballot}, VOTER, wire.RetractIn, errors=(409, 429)),
    Call("GET", f"{POLL}/receipts/{{receipt}}", "Get the ballot that was counted under a receipt", {200: Ballot},
         errors=(403,)),
    Call("GET", f"{POLL}/replay", "Get the tally of a round over time", {200: Replay}, parameters=(ROUND, AS),
         errors=(403,)),
    Call("GET", f"{POLL}/results.svg", "Get the result of a round as a picture", {200: SVG}, parameters=PICTURE,
         errors=(403,)),
    Call("GET", f"{POLL}/race.svg", "Get the tally of a round over time as a picture", {200: SVG}, parameters=PICTURE,
         errors=(403,)),
    Call("DELETE", f"{POLL}/ballots", "Erase the ballots of a closed poll. Counts and rounds are kept", {200: Poll},
         HOST, parameters=(IF_MATCH,), errors=(400, 409, 422), headers=VERSIONED),
    Call("GET", f"{POLL}/ballots.csv", "Export all ballots with their receipts", {200: CSV}, HOST),
    Call("GET", f"{POLL}/results.json", "Export the tally of each round", {200: export.Results}, HOST),
    Call("GET", "/api/walls", "List walls, the newest first", {200: answers.WallList}, HOST, parameters=PAGE),
    Call("POST", "/api/walls", "Create a wall", {201: answers.WallShown}, HOST, wire.WallIn, headers=MADE),
    Call("GET", WALL, "Get a wall", {200: answers.WallShown, 304: None}, parameters=(AS,), headers=VERSIONED),
    Call("PUT", WALL, "Change a wall. Fields that are left out do not change", {200: answers.WallShown}, HOST,
         wire.WallEdit, (IF_MATCH,), (409,), VERSIONED),
    Call("DELETE", WALL, "Delete a wall", {200: answers.Done}, HOST, errors=(400, 422)),
    Call("PUT", f"{WALL}/screens/{{screen}}", "Report the health of a screen, every ten seconds",
         {200: answers.Here}, body=wire.ScreenIn, errors=(429,)),
    Call("GET", f"{WALL}/results", "Get the closed polls whose result you may see, and whether the wall is over",
         {200: WallResults}, parameters=(AS,)),
    Call("GET", f"{WALL}/health", "Get the state of the screens and of the audience's connections",
         {200: answers.WallHealth}, HOST),
    Call("POST", f"{WALL}/duplicate", "Duplicate a wall, with its polls as drafts", {201: answers.WallShown}, HOST,
         EMPTY, headers=MADE),
    Call("GET", f"{WALL}/deck.md", "Export the polls of a wall as a deck", {200: MARKDOWN}, HOST),
    Call("POST", f"{WALL}/deck", "Import the polls of a deck as drafts. 200: this id was imported before",
         {200: answers.DeckMade, 201: answers.DeckMade}, HOST, MARKDOWN, DECK_ID),
    Call("GET", CODES, "Count and list the voting codes of a wall, without the codes themselves",
         {200: answers.CodeList}, HOST, parameters=PAGE),
    Call("POST", CODES, "Create voting codes, which are shown only here", {201: answers.CodesMade}, HOST, wire.CodesIn),
    Call("POST", f"{CODES}/{{id}}/replace", "Replace a code for the same voter", {201: answers.CodeMade}, HOST, EMPTY,
         errors=(409,)),
    Call("DELETE", f"{CODES}/{{id}}", "Revoke a code", {200: answers.Done}, HOST, errors=(400, 422)),
    # questions and reactions
    Call("GET", QUESTIONS, "List the questions that you may see, in their order, and those that you vote up",
         {200: QuestionsShown}),
    Call("POST", QUESTIONS, "Ask something. 200: you asked it before with this id", {200: Question, 201: Question},
         SPEAKER, wire.QuestionIn, errors=(409, 429)),
    Call("PUT", f"{QUESTIONS}/{{n}}", "Show, pin, answer or hide a question", {200: Question}, HOST,
         wire.QuestionEdit),
    Call("PUT", f"{QUESTIONS}/{{n}}/vote", "Vote a question up", {200: Voted}, SPEAKER, EMPTY, errors=(409, 429)),
    Call("DELETE", f"{QUESTIONS}/{{n}}/vote", "Take such a vote back", {200: Voted}, SPEAKER,
         errors=(400, 409, 422, 429)),
    Call("POST", f"{WALL}/reactions", "Send a reaction", {200: answers.Done}, SPEAKER, wire.ReactionIn,
         errors=(409, 429)),
    # rooms
    Call("GET", "/api/rooms", "List the rooms that you may read, by name", {200: answers.RoomList}, parameters=PAGE),
    Call("POST", "/api/rooms", "Create a room", {201: Room}, HOST, wire.RoomIn, errors=(409,), headers=MADE),
    Call("GET", ROOM, "Get a room", {200: Room, 304: None}, errors=(401,), headers=VERSIONED),
    Call("PUT", ROOM, "Change a room. Fields that are left out do not change", {200: Room}, HOST, wire.RoomEdit,
         (IF_MATCH,), (409,), VERSIONED),
    Call("DELETE", ROOM, "Delete a room with all that was said there", {200: answers.Done}, HOST, errors=(400, 422)),
    Call("PUT", f"{ROOM}/me", "Take a name", {200: PersonShown}, VOTER, wire.PersonName, errors=(409, 429)),
    Call("GET", f"{ROOM}/messages", "Read or search the history, the newest last", {200: answers.Messages},
         parameters=HISTORY, errors=(401,)),
    Call("POST", f"{ROOM}/messages", "Say something. 200: you said it before with this id",
         {200: SAID, 201: Message}, SPEAKER, wire.MessageIn, errors=(403, 409, 429)),
    Call("PUT", f"{ROOM}/messages/{{n}}", "Change a message of yours, within 15 minutes", {200: SAID}, SPEAKER,
         wire.MessageEdit, errors=(403, 409)),
    Call("DELETE", f"{ROOM}/messages/{{n}}", "Withdraw a message: its author within 15 minutes, a host any time",
         {200: SAID}, SPEAKER, errors=(400, 403, 422)),
    Call("DELETE", f"{ROOM}/people/{{person}}/messages", "Erase all messages of somebody", {200: MessagesErased}, HOST,
         errors=(400, 422)),
    Call("GET", f"{ROOM}/export", "Export all messages; as text or CSV by `format`", {200: JSON_LINES}, HOST,
         parameters=EXPORT),
    Call("GET", f"{ROOM}/people", "List people: hosts all of them, others those who are there",
         {200: answers.PersonList}, parameters=PAGE, errors=(401, 403)),
    Call("PUT", f"{ROOM}/people/{{person}}", "Mute somebody, or no longer", {200: answers.Muted}, HOST,
         wire.PersonEdit),
    Call("POST", f"{ROOM}/people/{{person}}/messages", "Write a private message. 200: you wrote it before with this id",
         {200: SAID, 201: Message}, SPEAKER, wire.PrivateMessageIn, errors=(403, 409, 429)),
    Call("GET", "/api/inbox", "List your conversations, the newest activity first", {200: answers.ConversationList},
         SPEAKER, parameters=PAGE),
    Call("GET", f"{CONVERSATION}/messages", "Read a conversation of yours, the newest message last",
         {200: answers.Messages}, SPEAKER, parameters=(HISTORY[0], HISTORY[2])),
    Call("PUT", CONVERSATION, "Say what you have read, and block the other person or no longer", {200: Conversation},
         SPEAKER, wire.ConversationEdit, errors=(429,)),
    # tasks
    Call("GET", "/api/tasks", "List tasks, the newest first", {200: answers.TaskList}, READER,
         parameters=(*TASKS, *PAGE)),
    Call("POST", "/api/tasks", "Create a task that runs elsewhere. 200: it was created with this id before",
         {200: answers.TaskShown, 201: answers.TaskShown}, REPORTER, wire.TaskIn, errors=(409,), headers=PLACED),
    Call("GET", TASK, "Get a task with its steps and its chart", {200: answers.TaskShown}, errors=(403,)),
    Call("POST", f"{TASK}/cancel", "Cancel a task", {200: answers.TaskShown}, OPERATOR, EMPTY),
    Call("POST", f"{TASK}/retry",
         "Retry a task in a new one, which keeps the steps that succeeded. 200: it was created before",
         {200: answers.TaskShown, 201: answers.TaskShown}, OPERATOR, wire.TaskRetryIn, errors=(409,), headers=PLACED),
    Call("PUT", f"{TASK}/steps/{{step}}", "Report a step. Repeating a report changes nothing", {200: answers.StepShown},
         REPORTER, wire.StepReport, errors=(409,)),
    Call("POST", f"{TASK}/steps/{{step}}/decide", "Decide a gate as an approver. Repeating it changes nothing",
         {200: answers.Step}, WATCHER, wire.DecideIn, errors=(409,)),
    *(Call("POST", f"{TASK}/steps/{{step}}/{act}", f"{words}. Repeating it changes nothing",
           {200: answers.Step}, OPERATOR, EMPTY, errors=(409,)) for act, words in HOST_ACTS.items()),
    Call("POST", f"{HOST_OF_STEP}/key", "Confirm the key of a host, which the waiting step shows",
         {200: answers.Step}, OPERATOR, wire.HostKeyIn, errors=(409,)),
    Call("GET", LOG, "Get the log of a step by bytes", {200: TEXT, 206: TEXT}, REPORTER, parameters=BYTES,
         errors=(416,)),
    Call("POST", LOG, "Append to the log of a step", {200: answers.Appended}, REPORTER, TEXT, APPEND, (409,)),
    Call("GET", f"{LOG}/lines", "Get the log of a step by lines", {200: answers.LogLines}, REPORTER, parameters=LINES),
    Call("GET", f"{LOG}/search", "Search the log of a step", {200: answers.Matches}, REPORTER, parameters=SEARCH),
    Call("GET", "/api/pipelines", "List the pipelines that can be started", {200: answers.PipelineList}, OPERATOR),
    Call("POST", "/api/pipelines/{name}/tasks", "Start a task. 200: it was started with this id before",
         {200: answers.TaskShown, 201: answers.TaskShown}, OPERATOR, wire.StartIn, errors=(409,), headers=PLACED),
    Call("GET", "/api/pipelines/{name}/refs", "List the branches, tags and commits that a parameter may name",
         {200: answers.GitRefs}, OPERATOR, parameters=REFS),
    # identity
    Call("GET", "/api/tokens", "List tokens and sign-ins", {200: answers.CredentialList}, ADMIN),
    Call("POST", "/api/tokens", "Create a token", {201: answers.TokenMade}, ADMIN, wire.TokenIn),
    Call("DELETE", "/api/tokens/{id}", "Revoke a token or sign-in", {200: answers.Done}, ADMIN, errors=(400, 422)),
    Call("POST", "/api/logins", "Create a sign-in link, for a role no higher than your own", {201: answers.LinkMade},
         ROLES, wire.LoginIn),
    Call("GET", "/api/audit", "List what hosts and operators did, the newest first", {200: answers.AuditList}, READER,
         parameters=PAGE),
    Call("GET", "/api/asyncapi.json", "Get the description of the streams' messages (AsyncAPI)", {200: JSON, 304: None},
         headers={"ETag": VERSIONED["ETag"]}),
    Call("GET", "/api/openapi.json", "Get this description (OpenAPI)", {200: JSON, 304: None},
         headers={"ETag": VERSIONED["ETag"]}),
)


@functools.cache
def description() -> tuple[bytes, str]:
    """Return the description and its ETag."""
    text = openapi.text(CALLS, title="Livewall", version=__version__)
    return text, openapi.etag_of(text)


class OpenApiHandler(BaseHandler):
    """GET /api/openapi.json. It needs no sign-in, and is sent again only if it changed."""

    description = staticmethod(description)

    async def get(self) -> None:
        text, etag = self.description()
        self.set_header("ETag", etag)
        if self.client_holds(etag):
            self.set_status(304)
            return
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(text)
