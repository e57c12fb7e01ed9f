"""Every address of the server, in one table. The first match wins."""

from __future__ import annotations

from typing import Any

from tornado.routing import URLSpec

from handlers.api import (
    asyncapi,
    audit,
    codes,
    decks,
    inbox,
    logs,
    openapi,
    ops,
    pictures,
    polls,
    questions,
    replay,
    rooms,
    screens,
    tasks,
    tokens,
    walls,
)
from handlers.assets import static
from handlers.live import polling, socket, sse
from handlers.live.connections import Connections
from handlers.pages import asking, audience, desk, host, joining, login, phone, prints
from handlers.pages import audit as audit_page
from handlers.pages import codes as codes_page
from handlers.pages import decks as decks_page
from handlers.pages import inbox as inbox_page
from handlers.pages import questions as questions_page
from handlers.pages import replay as replay_page
from handlers.pages import rooms as rooms_page
from handlers.pages import screens as screens_page
from handlers.pages import tasks as tasks_page
from handlers.pages import wall as wall_page
from livewall.services import Services

ID = r"([A-Za-z0-9._-]{1,80})"
UNIT = r"([A-Za-z0-9._@%-]{1,170})"
"""A step, or STEP@HOST for a step on one of its hosts; clients may percent-encode the sign."""
SLASH = "(?:/|%2[Ff])"
"""Scripts may percent-encode the slash in the name of a stream."""


def routes(services: Services, connections: Connections) -> list[URLSpec]:
    """Return the table. Templates build addresses from its names with `reverse_url`."""
    kwargs: dict[str, Any] = {"services": services}
    live_kwargs: dict[str, Any] = {"services": services, "connections": connections}
    return [
        # streams
        URLSpec(rf"/ws/(polls{SLASH}[^/,%]+)", socket.PollSocket, live_kwargs),
        URLSpec(rf"/ws/(walls{SLASH}[^/,%]+)", socket.WallSocket, live_kwargs),
        URLSpec(rf"/ws/(tasks(?:{SLASH}[^/,%]+)?)", socket.TaskSocket, live_kwargs),
        URLSpec(r"/ws/(.+)", socket.LiveSocket, live_kwargs, name="ws"),
        URLSpec(r"/sse/(.+)", sse.SseHandler, live_kwargs, name="sse"),
        URLSpec(r"/updates/(.+)", polling.UpdatesHandler, live_kwargs, name="updates"),
        # calls: polls and ballots
        URLSpec(r"/api/voters", polls.VotersHandler, kwargs),
        URLSpec(r"/api/polls", polls.PollsHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}", polls.PollHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/(open|close|publish|reset)", polls.PhaseHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/timer", polls.TimerHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/rounds", polls.RoundsHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/duplicate", polls.DuplicateHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/restore", polls.RestoreHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/receipts/([^/]{{1,120}})", polls.ReceiptHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/ballot", polls.BallotHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/ballots", polls.BallotsHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/ballots\.csv", polls.BallotsCsvHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/results\.json", polls.ResultsHandler, kwargs),
        URLSpec(rf"/api/polls/{ID}/results\.svg", pictures.ResultsPicture, kwargs),
        URLSpec(rf"/api/polls/{ID}/race\.svg", pictures.RacePicture, kwargs),
        URLSpec(rf"/api/polls/{ID}/replay", replay.ReplayHandler, kwargs),
        # calls: walls
        URLSpec(r"/api/walls", walls.WallsHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}", walls.WallHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/screens/{ID}", screens.ScreenHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/health", screens.WallHealthHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/results", screens.WallResultsHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/codes", codes.CodesHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/codes/{ID}", codes.CodeHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/codes/{ID}/replace", codes.ReplaceHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/deck", decks.DeckHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/deck\.md", decks.DeckFileHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/duplicate", decks.WallDuplicateHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/questions", questions.QuestionsHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/questions/{ID}", questions.QuestionHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/questions/{ID}/vote", questions.QuestionVoteHandler, kwargs),
        URLSpec(rf"/api/walls/{ID}/reactions", questions.ReactionsHandler, kwargs),
        # calls: rooms
        URLSpec(r"/api/rooms", rooms.RoomsHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}", rooms.RoomHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/me", rooms.NameHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/messages", rooms.MessagesHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/messages/{ID}", rooms.MessageHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/export", rooms.ExportHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/people/{ID}/messages", rooms.MessagesOfPersonHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/people", rooms.PeopleHandler, kwargs),
        URLSpec(rf"/api/rooms/{ID}/people/{ID}", rooms.PersonHandler, kwargs),
        URLSpec(r"/api/inbox", inbox.InboxHandler, kwargs),
        URLSpec(rf"/api/inbox/{ID}", inbox.ConversationHandler, kwargs),
        URLSpec(rf"/api/inbox/{ID}/messages", inbox.ConversationMessagesHandler, kwargs),
        # calls: tasks
        URLSpec(r"/api/tasks", tasks.TasksHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}", tasks.TaskHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/cancel", tasks.CancelHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/retry", tasks.RetryHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/steps/{UNIT}", tasks.StepHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/steps/{ID}/decide", tasks.DecideHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/steps/{ID}/(pause|resume|abort)", tasks.HostsHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/steps/{ID}/hosts/{ID}/key", tasks.HostKeyHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/steps/{ID}/hosts/{ID}/(skip|retry)", tasks.HostHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/logs/{UNIT}", logs.LogHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/logs/{UNIT}/lines", logs.LogLinesHandler, kwargs),
        URLSpec(rf"/api/tasks/{ID}/logs/{UNIT}/search", logs.LogSearchHandler, kwargs),
        URLSpec(r"/api/pipelines", tasks.PipelinesHandler, kwargs),
        URLSpec(rf"/api/pipelines/{ID}/tasks", tasks.StartHandler, kwargs),
        URLSpec(rf"/api/pipelines/{ID}/refs", tasks.RefsHandler, kwargs),
        # calls: credentials, descriptions for machines, the audit log
        URLSpec(r"/api/tokens", tokens.TokensHandler, kwargs),
        URLSpec(rf"/api/tokens/{ID}", tokens.TokenHandler, kwargs),
        URLSpec(r"/api/logins", tokens.LoginsHandler, kwargs),
        URLSpec(r"/api/openapi\.json", openapi.OpenApiHandler, kwargs),
        URLSpec(r"/api/asyncapi\.json", asyncapi.AsyncApiHandler, kwargs),
        URLSpec(r"/api/audit", audit.AuditHandler, kwargs),
        # operations
        URLSpec(r"/packs/([a-z]+\.(?:js|css))", static.PackHandler, kwargs),
        URLSpec(r"/healthz", ops.HealthHandler, kwargs),
        URLSpec(r"/readyz", ops.ReadyHandler, kwargs),
        URLSpec(r"/metrics", ops.MetricsHandler, kwargs),
        # pages: the start page, signing in and out
        URLSpec(r"/", desk.HomePage, kwargs, name="home"),
        URLSpec(rf"/login/{ID}", login.LoginPage, kwargs, name="login"),
        URLSpec(r"/logout", login.LogoutPage, kwargs, name="logout"),
        URLSpec(r"/audit", audit_page.AuditPage, kwargs, name="audit"),
        # pages: polls
        URLSpec(rf"/polls/{ID}", audience.PollPage, kwargs, name="poll"),
        URLSpec(rf"/polls/{ID}/ballot", audience.BallotPage, kwargs, name="ballot"),
        URLSpec(rf"/polls/{ID}/screen", screens_page.PollScreen, kwargs, name="poll_screen"),
        URLSpec(rf"/polls/{ID}/replay", replay_page.ReplayPage, kwargs, name="replay"),
        URLSpec(rf"/polls/{ID}/print", prints.PollPrint, kwargs, name="poll_print"),
        URLSpec(r"/desk/polls", desk.NewPollForm, kwargs, name="new_poll"),
        URLSpec(rf"/desk/polls/{ID}", desk.PollForm, kwargs, name="poll_act"),
        # pages: walls
        URLSpec(r"/w", joining.CodePage, kwargs, name="code"),
        URLSpec(rf"/w/{ID}", wall_page.WallPage, kwargs, name="wall"),
        URLSpec(rf"/w/{ID}/questions", questions_page.QuestionForm, kwargs, name="wall_questions"),
        URLSpec(rf"/w/{ID}/screen", screens_page.WallScreen, kwargs, name="wall_screen"),
        URLSpec(rf"/w/{ID}/host", host.HostPage, kwargs, name="wall_host"),
        URLSpec(rf"/w/{ID}/phone", phone.PhonePage, kwargs, name="wall_phone"),
        URLSpec(rf"/w/{ID}/codes", codes_page.CodesPage, kwargs, name="wall_codes"),
        URLSpec(rf"/w/{ID}/deck", decks_page.DeckPage, kwargs, name="wall_deck"),
        URLSpec(rf"/w/{ID}/duplicate", decks_page.WallDuplicateForm, kwargs, name="wall_duplicate"),
        URLSpec(rf"/w/{ID}/poster", joining.PosterPage, kwargs, name="wall_poster"),
        URLSpec(rf"/w/{ID}/print", prints.WallPrint, kwargs, name="wall_print"),
        URLSpec(r"/desk/walls", desk.NewWallForm, kwargs, name="new_wall"),
        URLSpec(rf"/desk/walls/{ID}", desk.WallForm, kwargs, name="wall_act"),
        URLSpec(rf"/desk/walls/{ID}/asking", asking.AskingForm, kwargs, name="wall_asking"),
        URLSpec(rf"/desk/walls/{ID}/questions", asking.DecisionForm, kwargs, name="wall_decide"),
        # pages: rooms
        URLSpec(r"/rooms", rooms_page.RoomsPage, kwargs, name="rooms"),
        URLSpec(rf"/rooms/{ID}", rooms_page.RoomPage, kwargs, name="room"),
        URLSpec(r"/desk/rooms", rooms_page.NewRoomForm, kwargs, name="new_room"),
        URLSpec(rf"/desk/rooms/{ID}", rooms_page.RoomForm, kwargs, name="room_act"),
        URLSpec(r"/inbox", inbox_page.InboxPage, kwargs, name="inbox"),
        URLSpec(r"/desk/inbox", inbox_page.InboxForm, kwargs, name="inbox_act"),
        # pages: tasks
        URLSpec(r"/tasks", tasks_page.TasksPage, kwargs, name="tasks"),
        URLSpec(rf"/tasks/{ID}", tasks_page.TaskPage, kwargs, name="task"),
        URLSpec(rf"/desk/tasks/{ID}", tasks_page.TaskForm, kwargs, name="task_act"),
        URLSpec(rf"/pipelines/{ID}", tasks_page.PipelinePage, kwargs, name="pipeline"),
        # a wall's code as people type it, and everything else
        URLSpec(r"/w/([^/]{1,40})(/screen|/host|/codes|/poster)?", joining.TypedWallPage, kwargs),
        URLSpec(r"/(?!(?:api|ws|sse|updates|static)/).+", audience.MissingPage, kwargs),
    ]
