"""Every address of the server, in one table. The first match wins."""

from __future__ import annotations

from typing import Any

from tornado.routing import URLSpec

from handlers.api import (
    asyncapi,
    audit,
    codes,
    decks,
    logs,
    openapi,
    ops,
    pictures,
    polls,
    replay,
    screens,
    tasks,
    tokens,
    walls,
)
from handlers.assets import static
from handlers.live import polling, socket, sse
from handlers.live.connections import Connections
from handlers.pages import audience, desk, host, joining, login, phone, prints
from handlers.pages import audit as audit_page
from handlers.pages import codes as codes_page
from handlers.pages import decks as decks_page
from handlers.pages import replay as replay_page
from handlers.pages import screens as screens_page
from handlers.pages import tasks as tasks_page
from livewall.services import Services

ID = r"([A-Za-z0-9._-]{1,80})"
SLASH = "(?:/|%2[Ff])"
"""Scripts may percent-encode the slash in the name of a stream."""


def routes(services: Services, connections: Connections) -> list[URLSpec]:
    """Return the table. Templates build addresses from its names with `reverse_url`."""
    plain: dict[str, Any] = {"services": services}
    live: dict[str, Any] = {"services": services, "connections": connections}
    return [
        # streams
        URLSpec(rf"/ws/(polls{SLASH}[^/,%]+)", socket.PollSocket, live),
        URLSpec(rf"/ws/(walls{SLASH}[^/,%]+)", socket.WallSocket, live),
        URLSpec(rf"/ws/(tasks(?:{SLASH}[^/,%]+)?)", socket.TaskSocket, live),
        URLSpec(r"/ws/(.+)", socket.LiveSocket, live, name="ws"),
        URLSpec(r"/sse/(.+)", sse.SseHandler, live, name="sse"),
        URLSpec(r"/updates/(.+)", polling.UpdatesHandler, live, name="updates"),
        # calls: polls and ballots
        URLSpec(r"/api/voters", polls.VotersHandler, plain),
        URLSpec(r"/api/polls", polls.PollsHandler, plain),
        URLSpec(rf"/api/polls/{ID}", polls.PollHandler, plain),
        URLSpec(rf"/api/polls/{ID}/(open|close|publish|reset)", polls.PhaseHandler, plain),
        URLSpec(rf"/api/polls/{ID}/timer", polls.TimerHandler, plain),
        URLSpec(rf"/api/polls/{ID}/rounds", polls.RoundsHandler, plain),
        URLSpec(rf"/api/polls/{ID}/duplicate", polls.DuplicateHandler, plain),
        URLSpec(rf"/api/polls/{ID}/restore", polls.RestoreHandler, plain),
        URLSpec(rf"/api/polls/{ID}/receipts/([^/]{{1,120}})", polls.ReceiptHandler, plain),
        URLSpec(rf"/api/polls/{ID}/ballot", polls.BallotHandler, plain),
        URLSpec(rf"/api/polls/{ID}/ballots", polls.BallotsHandler, plain),
        URLSpec(rf"/api/polls/{ID}/ballots\.csv", polls.BallotsCsvHandler, plain),
        URLSpec(rf"/api/polls/{ID}/results\.json", polls.ResultsHandler, plain),
        URLSpec(rf"/api/polls/{ID}/results\.svg", pictures.ResultsPicture, plain),
        URLSpec(rf"/api/polls/{ID}/race\.svg", pictures.RacePicture, plain),
        URLSpec(rf"/api/polls/{ID}/replay", replay.ReplayHandler, plain),
        # calls: walls
        URLSpec(r"/api/walls", walls.WallsHandler, plain),
        URLSpec(rf"/api/walls/{ID}", walls.WallHandler, plain),
        URLSpec(rf"/api/walls/{ID}/screens/{ID}", screens.ScreenHandler, plain),
        URLSpec(rf"/api/walls/{ID}/health", screens.WallHealthHandler, plain),
        URLSpec(rf"/api/walls/{ID}/results", screens.WallResultsHandler, plain),
        URLSpec(rf"/api/walls/{ID}/codes", codes.CodesHandler, plain),
        URLSpec(rf"/api/walls/{ID}/codes/{ID}", codes.CodeHandler, plain),
        URLSpec(rf"/api/walls/{ID}/codes/{ID}/replace", codes.ReplaceHandler, plain),
        URLSpec(rf"/api/walls/{ID}/deck", decks.DeckHandler, plain),
        URLSpec(rf"/api/walls/{ID}/deck\.md", decks.DeckFileHandler, plain),
        URLSpec(rf"/api/walls/{ID}/duplicate", decks.WallDuplicateHandler, plain),
        # calls: tasks
        URLSpec(r"/api/tasks", tasks.TasksHandler, plain),
        URLSpec(rf"/api/tasks/{ID}", tasks.TaskHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/cancel", tasks.CancelHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/retry", tasks.RetryHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/steps/{ID}", tasks.StepHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/logs/{ID}", logs.LogHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/logs/{ID}/lines", logs.LogLinesHandler, plain),
        URLSpec(rf"/api/tasks/{ID}/logs/{ID}/search", logs.LogSearchHandler, plain),
        URLSpec(r"/api/pipelines", tasks.PipelinesHandler, plain),
        URLSpec(rf"/api/pipelines/{ID}/tasks", tasks.StartHandler, plain),
        # calls: credentials, descriptions for machines, the audit log
        URLSpec(r"/api/tokens", tokens.TokensHandler, plain),
        URLSpec(rf"/api/tokens/{ID}", tokens.TokenHandler, plain),
        URLSpec(r"/api/logins", tokens.LoginsHandler, plain),
        URLSpec(r"/api/openapi\.json", openapi.OpenApiHandler, plain),
        URLSpec(r"/api/asyncapi\.json", asyncapi.AsyncApiHandler, plain),
        URLSpec(r"/api/audit", audit.AuditHandler, plain),
        # operations
        URLSpec(r"/packs/([a-z]+\.(?:js|css))", static.PackHandler, plain),
        URLSpec(r"/healthz", ops.HealthHandler, plain),
        URLSpec(r"/readyz", ops.ReadyHandler, plain),
        URLSpec(r"/metrics", ops.MetricsHandler, plain),
        # pages: the start page, signing in and out
        URLSpec(r"/", desk.HomePage, plain, name="home"),
        URLSpec(rf"/login/{ID}", login.LoginPage, plain, name="login"),
        URLSpec(r"/logout", login.LogoutPage, plain, name="logout"),
        URLSpec(r"/audit", audit_page.AuditPage, plain, name="audit"),
        # pages: polls
        URLSpec(rf"/polls/{ID}", audience.PollPage, plain, name="poll"),
        URLSpec(rf"/polls/{ID}/ballot", audience.BallotPage, plain, name="ballot"),
        URLSpec(rf"/polls/{ID}/screen", screens_page.PollScreen, plain, name="poll_screen"),
        URLSpec(rf"/polls/{ID}/replay", replay_page.ReplayPage, plain, name="replay"),
        URLSpec(rf"/polls/{ID}/print", prints.PollPrint, plain, name="poll_print"),
        URLSpec(r"/desk/polls", desk.NewPollForm, plain, name="new_poll"),
        URLSpec(rf"/desk/polls/{ID}", desk.PollForm, plain, name="poll_act"),
        # pages: walls
        URLSpec(r"/w", joining.CodePage, plain, name="code"),
        URLSpec(rf"/w/{ID}", audience.WallPage, plain, name="wall"),
        URLSpec(rf"/w/{ID}/screen", screens_page.WallScreen, plain, name="wall_screen"),
        URLSpec(rf"/w/{ID}/host", host.HostPage, plain, name="wall_host"),
        URLSpec(rf"/w/{ID}/phone", phone.PhonePage, plain, name="wall_phone"),
        URLSpec(rf"/w/{ID}/codes", codes_page.CodesPage, plain, name="wall_codes"),
        URLSpec(rf"/w/{ID}/deck", decks_page.DeckPage, plain, name="wall_deck"),
        URLSpec(rf"/w/{ID}/duplicate", decks_page.WallDuplicateForm, plain, name="wall_duplicate"),
        URLSpec(rf"/w/{ID}/poster", joining.PosterPage, plain, name="wall_poster"),
        URLSpec(rf"/w/{ID}/print", prints.WallPrint, plain, name="wall_print"),
        URLSpec(r"/desk/walls", desk.NewWallForm, plain, name="new_wall"),
        URLSpec(rf"/desk/walls/{ID}", desk.WallForm, plain, name="wall_act"),
        # pages: tasks
        URLSpec(r"/tasks", tasks_page.TasksPage, plain, name="tasks"),
        URLSpec(rf"/tasks/{ID}", tasks_page.TaskPage, plain, name="task"),
        URLSpec(rf"/desk/tasks/{ID}", tasks_page.TaskForm, plain, name="task_act"),
        URLSpec(rf"/pipelines/{ID}", tasks_page.PipelinePage, plain, name="pipeline"),
        # a wall's code as people type it, and everything else
        URLSpec(r"/w/([^/]{1,40})(/screen|/host|/codes|/poster)?", joining.TypedWallPage, plain),
        URLSpec(r"/(?!(?:api|ws|sse|updates|static)/).+", audience.MissingPage, plain),
    ]
