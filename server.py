"""Start here: settings -> Application -> listen -> drain.

`python server.py` is `livewall serve`. All that a running Livewall consists of is made in `start` and handed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import gc
import logging
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livewall.missing_packages import advice

try:
    import tornado.locale
except ModuleNotFoundError as problem:
    if __name__ != "__main__":
        raise
    sys.exit(advice(problem))
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.routing import PathMatches, Rule
from tornado.web import Application

from handlers.assets.assets import Assets
from handlers.assets.delivery import PackRouter
from handlers.assets.static import StaticHandler
from handlers.base import NotFoundHandler, path_of
from handlers.live.connections import Connections
from handlers.origins import Site
from handlers.pages.page_cache import PageCache
from handlers.routes import routes, rules
from handlers.transport.server import LiveServer
from handlers.transport.stream import SEND_BUFFER
from livewall import resources
from livewall.clock import ServerClock, iso
from livewall.credentials import Credentials
from livewall.errors import LivewallError
from livewall.file_limit import connections_allowed, raise_file_limit
from livewall.hub.live_hub import LiveHub
from livewall.hub.log import Event
from livewall.identity import Secrets, Who
from livewall.limits import Limits
from livewall.log_format import set_up_logs
from livewall.metrics import Metrics
from livewall.own_addresses import local, reachable
from livewall.pending_bodies import Bodies
from livewall.services import Services
from livewall.settings import Settings, environment_with, is_interactive
from livewall.store.backup import finish_restore
from livewall.store.folder import OTHERS, Folder
from livewall.store.store import Store
from livewall.tasks.access import TaskRule
from livewall.tasks.runtime import TaskRuntime, open_task_runtime
from livewall.voting.access import PollRule
from livewall.voting.booth import Booth
from livewall.voting.deadlines import Deadlines
from livewall.voting.decks.service import Decks
from livewall.voting.erasure import Erasure
from livewall.voting.polls import Polls
from livewall.voting.publisher import Budget, TallyPublisher
from livewall.voting.replay import Replays
from livewall.voting.voter_codes.service import VoterCodes
from livewall.walls.presence import Presence
from livewall.walls.screens import Screens
from livewall.walls.walls import WallRule, Walls

log = logging.getLogger("livewall")
access = logging.getLogger("livewall.access")

EVICT_SECONDS = 15.0
ERASE_SECONDS = 3600.0
LAG_SECONDS = 0.5
PRESENCE_SECONDS = 1.0
SWEEP_SECONDS = 1.0
LISTEN_BACKLOG = 1024


class PortTaken(LivewallError):
    """Somebody else listens there."""

    default = "conflict"


@dataclass
class Running:
    """A server that listens. `stop` drains it; afterwards nothing of it is left on the loop."""

    services: Services
    connections: Connections
    http: LiveServer
    port: int
    folder: Folder
    deadlines: Deadlines
    tasks: TaskRuntime
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.services.base_url

    async def stop(self) -> None:
        """Not ready, no new connections, sockets sent away, writes committed."""
        self.services.draining = True
        self.http.stop()
        self.connections.websocket_heartbeat.stop()
        self.connections.sse_heartbeat.stop()
        self.deadlines.close()
        for timer in self.timers:
            timer.cancel()
        await self.connections.drain()
        await self.tasks.close()
        await self.services.erasure.close()
        await self.services.store.close()
        await self.services.hub.idle()
        for _ in range(50):
            if not len(self.connections):
                break
            await asyncio.sleep(0.02)
        await self.http.close_all_connections()
        self.folder.unlock()


async def start(settings: Settings, umask: int | None = None) -> Running:
    """Make everything and listen. `umask` is that of steps, where it is not this process's.

    Raises PortTaken, FolderInUse, NewerDatabase, sqlite3.Error, OSError.
    """
    sockets = listen(settings)
    folder: Folder | None = None
    try:
        folder = Folder(settings.data)
        folder.lock()
        finish_restore(folder)
        secrets = Secrets.load(settings.data, admin=settings.admin_token)
        store = Store(folder, gather=settings.gather / 1000)
    except BaseException:
        if folder is not None:
            folder.unlock()
        for each in sockets:
            each.close()
        raise
    folder.say_what_was_open()
    port: int = sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    metrics, budget = Metrics(), Budget()
    # The end of a poll that is open, a task under way, or somebody who counts down by what was told, holds the clock.
    clock = ServerClock(
        held=lambda: bool(deadlines) or bool(tasks.unfinished) or hub.hub.is_watched("polls/", "walls/")
    )
    poll_rule = PollRule(secrets, store)
    hub = LiveHub(
        store.epoch,
        {"polls": poll_rule, "walls": WallRule(), "tasks": TaskRule()},
        store,
        now=lambda: iso(clock()),
        clock=time.perf_counter,
        cpu_clock=time.thread_time,
        spent=lambda seconds: budget.spend(seconds, time.monotonic()),
        finished=metrics.publish_seconds.observe,
    )
    pages = PageCache(time.monotonic)

    def publish(name: str, events: list[Event]) -> None:
        pages.changed(name, events)
        hub.publish(name, events)

    store.on_commit(publish, metrics.committed)
    publisher = TallyPublisher(
        store.submit,
        rate=settings.publish_rate,
        budget=budget,
        clock=time.monotonic,
        call_later=loop.call_later,
        wall_clock=clock,
    )
    deadlines = Deadlines(clock, loop.call_later)
    connections = Connections(metrics)
    credentials = Credentials(store, secrets, ServerClock())  # links and sign-ins last as long as they were to
    credentials.revoked = connections.revoked
    tasks = open_task_runtime(
        settings,
        store,
        hub,
        secrets,
        clock,
        url=f"http://{local(settings.address)}:{port}",
        environment=environment_with(),
        umask=umask,
    )
    screens = Screens()
    polls = Polls(store, hub, poll_rule, publisher, deadlines, clock)
    services = Services(
        settings=settings,
        secrets=secrets,
        store=store,
        hub=hub,
        booth=Booth(store, hub, poll_rule, publisher, clock, polls.close_over),
        polls=polls,
        replays=Replays(store, hub, time.monotonic),
        walls=Walls(store, hub, clock),
        presence=Presence(hub.hub, time.monotonic, lambda wall: bool(screens.of(wall, clock()))),
        screens=screens,
        voter_codes=VoterCodes(store, hub, poll_rule.electorate, clock),
        erasure=Erasure(store, clock, days=settings.ballot_days),
        decks=Decks(store, secrets, clock),
        tasks=tasks.tasks,
        runner=tasks.runner,
        pipelines=tasks.pipelines,
        logs=tasks.logs,
        credentials=credentials,
        limits=Limits(on=settings.rate_limits),
        metrics=metrics,
        clock=clock,
        monotonic=time.monotonic,
        assets=installed_assets(),
        pages=pages,
        site=Site(settings.public_url),
        bodies=Bodies(),
        base_url=settings.public_url or f"http://{reachable(settings.address)}:{port}",
    )
    http = LiveServer(
        application(services, connections),
        most=connections_allowed(settings.workers),
        clock=time.monotonic,
    )
    running = Running(services, connections, http, port, folder, deadlines, tasks)
    await services.polls.start()
    services.erasure.look()
    await tasks.start()
    every(running, LAG_SECONDS, lambda late: metrics.loop_lag.set(late))
    every(running, EVICT_SECONDS, lambda late: hub.hub.evict())
    every(running, SWEEP_SECONDS, lambda late: http.sweep())
    every(running, PRESENCE_SECONDS, lambda late: services.presence.turn())
    every(running, ERASE_SECONDS, lambda late: services.erasure.look())
    every(running, EVICT_SECONDS, lambda late: credentials.run_out())
    every(running, SWEEP_SECONDS, lambda late: say_clock_was_set(clock))
    connections.websocket_heartbeat.start()
    connections.sse_heartbeat.start()
    metrics.started.set_to_current_time()
    http.add_sockets(sockets)
    return running


def say_clock_was_set(clock: ServerClock) -> None:
    ahead = clock.step()
    if ahead is not None:
        log.warning(
            "the clock of this machine is %.0f seconds %s that of this server, which takes it when no open poll has an "
            "end, no task is under way and nobody watches, or at its next start",
            abs(ahead),
            "ahead of" if ahead > 0 else "behind",
        )


@functools.cache
def installed_assets() -> Assets:
    """Return the static files of this installation, which are hashed once in a process."""
    return Assets(resources.folder("static"))


@functools.cache
def load_catalogue() -> None:
    """Read the texts of the pages, once in a process."""
    tornado.locale.load_translations(str(resources.folder("locale")))


def application(services: Services, connections: Connections) -> Application:
    load_catalogue()
    packs = Rule(PathMatches("/packs/.*"), PackRouter(services.assets, log_answer))
    return Application(
        [packs, *rules(routes(services, connections))],
        default_handler_class=NotFoundHandler,
        default_handler_args={"services": services},
        static_handler_class=StaticHandler,
        static_path=str(resources.folder("static")),
        template_path=str(resources.folder("templates")),
        assets=services.assets,
        log_function=log_request,
    )


def log_request(handler: Any) -> None:
    """One line a request, without its query and the code of a link: they are nobody's business."""
    log_answer(handler.request, handler.get_status())


def log_answer(request: HTTPServerRequest, status: int) -> None:
    """The same for what is answered without a handler."""
    level = logging.WARNING if status == 500 else logging.DEBUG
    if access.isEnabledFor(level):
        milliseconds = 1000 * request.request_time()
        access.log(level, "%d %s %s %.1f ms", status, request.method, path_of(request), milliseconds)


def listen(settings: Settings) -> list[socket.socket]:
    """Bound sockets. What the kernel keeps of the past for a reader that is behind is kept small."""
    try:
        sockets = bind_sockets(settings.port, settings.address, backlog=LISTEN_BACKLOG)
    except UnicodeError:
        raise LivewallError("conflict", f"cannot listen on {settings.address}: this is not an address") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                message=f"port {settings.port} is taken by another program; stop it, or choose one with --port"
            ) from None
        raise LivewallError(
            "conflict", f"cannot listen on {settings.address}, port {settings.port}: {error.strerror}"
        ) from None
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return sockets


def every(running: Running, seconds: float, call: Callable[[float], Any]) -> None:
    """Call `call(how late)` every so often until the server stops."""
    loop = asyncio.get_running_loop()
    place = len(running.timers)

    def turn(due: float) -> None:
        now = loop.time()
        call(max(0.0, now - due))
        running.timers[place] = loop.call_at(now + seconds, turn, now + seconds)

    due = loop.time() + seconds
    running.timers.append(loop.call_at(due, turn, due))


async def serve(settings: Settings, umask: int | None = None) -> int:
    """Run until a signal, then drain; a second signal leaves at once. `umask` is that of steps."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    try:
        running = await start(settings, umask)
    except LivewallError as error:
        print(f"livewall: {error.message}", file=sys.stderr)
        return 1
    except sqlite3.Error as error:
        print(f"livewall: the database in {settings.data} cannot be opened: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"livewall: the data folder {settings.data} cannot be used: {error.strerror}", file=sys.stderr)
        return 1

    def asked() -> None:
        if stop.is_set():
            log.warning("leaving at once")
            sys.stdout.flush()
            os._exit(1)
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked)
    log.info("listening on %s:%d, known as %s", settings.address, running.port, running.url)
    if is_interactive():
        code, _ = await running.services.credentials.create_link("admin", Who(role="admin"))
        print(f"Livewall is at {running.url}\nSign in with {running.url}/login/{code} (once, within ten minutes)")
    tune_gc()
    await stop.wait()
    log.info("draining")
    await running.stop()
    log.info("stopped")
    return 0


def tune_gc() -> None:
    """What was made until now stays; and nothing on the way of a ballot or a reader leaves cycles behind, so that the
    garbage collector, which walks all readers, need not come often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run(settings: Settings) -> int:
    """Serve in the foreground; returns the exit status.

    Whatever this process makes is for its owner alone. Steps make files as whoever started the server would.
    """
    umask = os.umask(OTHERS)
    set_up_logs(settings.log_format, settings.log_level)
    raise_file_limit()
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(serve(settings, umask))
    return 130


if __name__ == "__main__":
    from livewall.cli.serve import serve as command

    command()
