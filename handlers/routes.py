"""Every address in one table."""

from __future__ import annotations

from typing import Any

from tornado.routing import PathMatches, Rule, URLSpec

from handlers.api import asyncapi, audit, codes, decks, logs, openapi, ops, pictures, polls, tasks, walls
from handlers.assets import static
from handlers.live import polling, socket, sse
from handlers.live.connections import Connections
from handlers.pages import audience, login, replay, screens
from livewall.services import Services

ID = r"([A-Za-z0-9._-]{1,80})"
SLASH = "(?:/|%2[Ff])"
"""Scripts escape a whole stream's name."""


def routes(services: Services, connections: Connections) -> list[URLSpec]:
    """The table; names are what templates use with `reverse_url`."""
    plain: dict[str, Any] = {"services": services}
    with_connections: dict[str, Any] = {"services": services, "connections": connections}
    return [
        # streams
        URLSpec(rf"/ws/(polls{SLASH}[^/,%]+)", socket.PollSocket, with_connections),
        URLSpec(rf"/ws/(walls{SLASH}[^/,%]+)", socket.WallSocket, with_connections),
        URLSpec(rf"/ws/(tasks(?:{SLASH}[^/,%]+)?)", socket.TaskSocket, with_connections),
        URLSpec(r"/ws/(.+)", socket.LiveSocket, with_connections, name="ws"),
        URLSpec(r"/sse/(.+)", sse.SseHandler, with_connections, name="sse"),
        URLSpec(r"/updates/(.+)", polling.UpdatesHandler, with_connections, name="updates"),
        # votes
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
        *pictures.api(plain),
        *replay.api(plain),
        URLSpec(r"/api/walls", walls.WallsHandler, plain),
        URLSpec(rf"/api/walls/{ID}", walls.WallHandler, plain),
        URLSpec(rf"/api/walls/{ID}/screens/{ID}", screens.ScreenHandler, plain),
        URLSpec(rf"/api/walls/{ID}/health", screens.WallHealthHandler, plain),
        URLSpec(rf"/api/walls/{ID}/results", screens.WallResultsHandler, plain),
        *codes.api(plain),
        *decks.api(plain),
        # tasks
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
        # who is asking
        URLSpec(r"/api/tokens", login.TokensHandler, plain),
        URLSpec(rf"/api/tokens/{ID}", login.TokenHandler, plain),
        URLSpec(r"/api/logins", login.LoginsHandler, plain),
        URLSpec(r"/api/openapi\.json", openapi.OpenApiHandler, plain),
        URLSpec(r"/api/asyncapi\.json", asyncapi.AsyncApiHandler, plain),
        URLSpec(r"/api/audit", audit.AuditHandler, plain),
        URLSpec(r"/audit", audit.AuditPage, plain, name="audit"),
        URLSpec(rf"/login/{ID}", login.LoginPage, plain, name="login"),
        URLSpec(r"/logout", login.LogoutPage, plain, name="logout"),
        # operations
        URLSpec(r"/packs/([a-z]+\.(?:js|css))", static.PackHandler, plain),
        URLSpec(r"/healthz", ops.HealthHandler, plain),
        URLSpec(r"/readyz", ops.ReadyHandler, plain),
        URLSpec(r"/metrics", ops.MetricsHandler, plain),
        *(URLSpec(page.regex.pattern, page.handler_class, plain, name=page.name) for page in audience.routes),
    ]


def rules(table: list[URLSpec]) -> list[Rule]:
    """The table as Tornado looks through it, one pattern after the other. One look says that an address is none of the
    API's, which are most of them."""
    calls = [spec for spec in table if spec.regex.pattern.startswith("/api/")]
    return [Rule(PathMatches("/api/.*"), calls), *(spec for spec in table if spec not in calls)]
