"""Start here: settings -> app -> listen -> drain.

`python server.py` is `livewall serve`. `livewall/app.py` makes everything but HTTP; this module puts it on the network.
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
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from livewall.missing_packages import advice

try:
    import tornado.locale
except ModuleNotFoundError as problem:
    if __name__ != "__main__":
        raise
    # Not a traceback: somebody has run this file without the environment that `make demo` makes.
    sys.exit(advice(problem))
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.routing import PathMatches, Rule
from tornado.web import Application

from handlers.assets.assets import Assets
from handlers.assets.delivery import PackRouter
from handlers.assets.static import StaticHandler
from handlers.base import NotFoundHandler
from handlers.dispatch import Dispatcher
from handlers.http_headers import path_of
from handlers.live.connections import Connections
from handlers.origins import Site
from handlers.pages.page_cache import PageCache
from handlers.routes import routes
from handlers.transport.server import LiveServer
from handlers.transport.stream import SEND_BUFFER
from livewall import resources
from livewall.app import App, Web
from livewall.errors import LivewallError
from livewall.file_limit import connections_allowed, raise_file_limit
from livewall.identity import Who
from livewall.log_format import set_up_logs
from livewall.services import Services
from livewall.settings import Settings, is_interactive
from livewall.store.folder import GROUP_AND_OTHERS
from livewall.timers import Timers

log = logging.getLogger("livewall")
access = logging.getLogger("livewall.access")

SWEEP_SECONDS = 1.0
LISTEN_BACKLOG = 1024


class PortTaken(LivewallError):
    """Another program listens on this port."""

    default = "conflict"


@dataclass
class Running:
    """A server that listens. After `stop`, nothing of it remains on the event loop."""

    app: App
    connections: Connections
    http: LiveServer
    port: int
    timers: Timers

    @property
    def services(self) -> Services:
        return self.app.services

    @property
    def url(self) -> str:
        return self.services.base_url

    async def stop(self) -> None:
        """Drain: report not ready, accept no connections, ask clients to reconnect later, and commit what is queued."""
        self.services.draining = True
        # No connection is accepted from here on: one that came now would be asked to go away at once.
        self.http.stop()
        self.connections.websocket_heartbeat.stop()
        self.connections.sse_heartbeat.stop()
        self.timers.close()
        await self.connections.drain()
        await self.app.close()
        # Close frames need a moment to arrive, and a client that never answers must not hold up the end.
        for _ in range(50):
            if not len(self.connections):
                break
            await asyncio.sleep(0.02)
        await self.http.close_all_connections()


async def start(settings: Settings, umask: int | None = None) -> Running:
    """Open the app and listen. `umask` is the umask of steps, if it differs from this process's.

    Raises PortTaken, FolderInUse, NewerDatabase, sqlite3.Error and OSError. Nothing stays open then.
    """
    async with AsyncExitStack() as stack:
        # Before the app is opened: the port is taken far more often than the data folder is broken.
        sockets = listen(settings)
        for each in sockets:
            stack.callback(each.close)
        port: int = sockets[0].getsockname()[1]
        pages = PageCache(time.monotonic)
        web = Web(installed_assets(), pages, Site(settings.public_url), committed=pages.changed)
        app = await App.open(settings, web, port=port, umask=umask)
        # If something below fails, the app is closed before its sockets.
        stack.push_async_callback(app.close)
        services = app.services
        connections = Connections(services.metrics)
        services.credentials.revoked = connections.revoked
        http = LiveServer(
            application(services, connections),
            max_connections=connections_allowed(settings.workers),
            clock=time.monotonic,
        )
        timers = Timers()
        timers.every(SWEEP_SECONDS, lambda late: http.sweep())
        connections.websocket_heartbeat.start()
        connections.sse_heartbeat.start()
        services.metrics.started.set_to_current_time()
        http.add_sockets(sockets)
        stack.pop_all()
        return Running(app, connections, http, port, timers)
    raise AssertionError("the stack swallows no exception")


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
    return Dispatcher(
        [packs, *routes(services, connections)],
        default_handler_class=NotFoundHandler,
        default_handler_args={"services": services},
        static_handler_class=StaticHandler,
        static_path=str(resources.folder("static")),
        template_path=str(resources.folder("templates")),
        assets=services.assets,
        log_function=log_request,
    )


def log_request(handler: Any) -> None:
    """Log one line for a request, without its query and without the code of a link, which may be secret."""
    log_answer(handler.request, handler.get_status())


def log_answer(request: HTTPServerRequest, status: int) -> None:
    """Log one line for a request that was answered without a handler."""
    level = logging.WARNING if status == 500 else logging.DEBUG
    if access.isEnabledFor(level):
        milliseconds = 1000 * request.request_time()
        access.log(level, "%d %s %s %.1f ms", status, request.method, path_of(request), milliseconds)


def listen(settings: Settings) -> list[socket.socket]:
    """Return bound sockets. Their send buffers are small, so the kernel holds little for a reader that is behind."""
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


async def serve(settings: Settings, umask: int | None = None) -> int:
    """Run until a signal arrives, then drain. A second signal ends the process at once. `umask` is the umask of
    steps."""
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

    def on_signal() -> None:
        if stop.is_set():
            log.warning("stopping at once")
            sys.stdout.flush()
            os._exit(1)
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, on_signal)
    log.info("listening on %s:%d, known as %s", settings.address, running.port, running.url)
    if is_interactive():
        code, _ = await running.services.credentials.create_link("admin", Who(role="admin"))
        print(f"Livewall is at {running.url}\nSign in with {running.url}/login/{code} (once, within ten minutes)")
    # After everything long-lived was made.
    tune_gc()
    await stop.wait()
    log.info("draining")
    await running.stop()
    log.info("stopped")
    return 0


def tune_gc() -> None:
    """Let the garbage collector run rarely: it walks the objects of all readers, and neither ballots nor readers leave
    reference cycles behind. Objects that exist by now stay, so they are not walked at all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run(settings: Settings) -> int:
    """Serve in the foreground and return the exit status.

    Files that this process makes are readable by its owner only. Steps make files with the umask that the server was
    started with.
    """
    # Before the first file is made.
    umask = os.umask(GROUP_AND_OTHERS)
    set_up_logs(settings.log_format, settings.log_level)
    raise_file_limit()
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(serve(settings, umask))
    return 130


if __name__ == "__main__":
    from livewall.cli.serve import serve as command

    command()
