"""The composition of a Livewall: everything that a server consists of, HTTP aside.

`App.open` makes the parts in order and enters each into one exit stack. If one of them fails, those before it are
closed again: no lock, thread, timer or open file is left behind.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from livewall.audit import AuditLog
from livewall.background_tasks import BackgroundTasks
from livewall.clock import ServerClock, iso
from livewall.credentials import Credentials
from livewall.gate_polls import GatePolls
from livewall.health import Health
from livewall.hub.live_hub import LiveHub
from livewall.hub.log import Event
from livewall.hub.viewers import Viewers
from livewall.identity import Secrets
from livewall.limits import Limits
from livewall.metrics import Metrics
from livewall.own_addresses import local, reachable
from livewall.pending_bodies import Bodies
from livewall.publisher import Budget, Publisher
from livewall.purge import Purge
from livewall.questions.access import QuestionsRule
from livewall.questions.questions import Questions
from livewall.questions.rows import append_info, publish_votes
from livewall.rooms.access import RoomRule
from livewall.rooms.erasure import MessageErasure
from livewall.rooms.inbox import Inbox
from livewall.rooms.inbox_names import ON_THE_WIRE, InboxRule, inbox_of
from livewall.rooms.presence import RoomPresence
from livewall.rooms.rooms import Rooms
from livewall.services import Services
from livewall.settings import Settings, environment_with
from livewall.store.backup import finish_restore
from livewall.store.folder import Folder
from livewall.store.store import Store
from livewall.tasks.access import TaskRule
from livewall.tasks.kinds import kinds as step_kinds
from livewall.tasks.pipelines.git_refs import RefReader
from livewall.tasks.runtime import TaskRuntime, open_task_runtime
from livewall.timers import Timers
from livewall.voting.access import PollRule
from livewall.voting.booth import Booth
from livewall.voting.deadlines import Deadlines
from livewall.voting.decks.service import Decks
from livewall.voting.erasure import Erasure
from livewall.voting.kinds import kinds as poll_kinds
from livewall.voting.polls import Polls
from livewall.voting.publication import publish_tally
from livewall.voting.replay import Replays
from livewall.voting.result_reader import ResultReader
from livewall.voting.voter_codes.service import VoterCodes
from livewall.walls.presence import Presence
from livewall.walls.reactions import PERIOD, Reactions
from livewall.walls.screens import Screens
from livewall.walls.walls import WallRule, Walls

log = logging.getLogger("livewall")

EVICT_SECONDS = 15.0
ERASE_SECONDS = 3600.0
LAG_SECONDS = 0.5
PRESENCE_SECONDS = 1.0
CLOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Web:
    """The parts of the web server that its handlers share. The core knows nothing of them but `committed`."""

    assets: Any
    """The versioned addresses of static files (handlers/assets/assets.py)."""
    pages: Any
    """Pages that are the same for many readers (handlers/pages/page_cache.py)."""
    site: Any
    """The origins of our pages (handlers/origins.py)."""
    committed: Callable[[str, list[Event]], None]
    """Called with the name of a stream and the events of a commit, before their readers get them."""


@dataclass
class App:
    """A running Livewall without a socket. Made by `open`; closed once, by `close`."""

    services: Services
    folder: Folder
    deadlines: Deadlines
    tasks: TaskRuntime
    timers: Timers
    _exit: AsyncExitStack

    @classmethod
    async def open(cls, settings: Settings, web: Web, *, port: int, umask: int | None = None) -> App:
        """Open the data folder, make all services and start their background work.

        `port` is the one that the server listens on; `umask` is that of steps, where it differs from this process's.
        Raises FolderInUse, NewerDatabase, sqlite3.Error, OSError.
        """
        # A package whose kinds cannot be loaded ends the start, instead of the first vote.
        poll_kinds()
        step_kinds()
        async with AsyncExitStack() as stack:
            folder = Folder(settings.data)
            folder.lock()
            stack.callback(folder.unlock)
            finish_restore(folder)
            secrets = Secrets.load(settings.data, admin=settings.admin_token)
            store = Store(folder, gather=settings.gather / 1000)
            stack.push_async_callback(store.close)
            folder.log_opened_modes()
            app = await cls._compose(settings, web, stack, folder, secrets, store, port=port, umask=umask)
            app._exit = stack.pop_all()
            return app
        raise AssertionError("the stack swallows no exception")

    @classmethod
    async def _compose(
        cls,
        settings: Settings,
        web: Web,
        stack: AsyncExitStack,
        folder: Folder,
        secrets: Secrets,
        store: Store,
        *,
        port: int,
        umask: int | None,
    ) -> App:
        loop = asyncio.get_running_loop()
        metrics, budget = Metrics(), Budget()
        # The clock does not take a time that was set meanwhile as long as an open poll has an end, a task is under way,
        # or
        # somebody counts down to a time that this server has sent.
        clock = ServerClock(
            held=lambda: bool(deadlines) or bool(tasks.unfinished) or hub.hub.is_watched("polls/", "walls/")
        )
        poll_rule = PollRule(secrets, store)
        hub = LiveHub(
            store.epoch,
            {
                "polls": poll_rule,
                "walls": WallRule(),
                "tasks": TaskRule(),
                "rooms": RoomRule(),
                "questions": QuestionsRule(),
                "inbox": InboxRule(),
            },
            store,
            personal={ON_THE_WIRE: lambda who: inbox_of(who, secrets)},
            now=lambda: iso(clock()),
            clock=time.perf_counter,
            cpu_clock=time.thread_time,
            spent=lambda seconds: budget.spend(seconds, time.monotonic()),
            finished=metrics.publish_seconds.observe,
        )

        def publish(name: str, events: list[Event]) -> None:
            web.committed(name, events)
            hub.publish(name, events)

        store.on_commit(publish, metrics.committed)
        publishers = {
            publish: Publisher(
                store.submit,
                publish,
                rate=settings.publish_rate,
                budget=budget,
                clock=time.monotonic,
                call_later=loop.call_later,
                wall_clock=clock,
            )
            for publish in (publish_tally, publish_votes)
        }
        publisher = publishers[publish_tally]
        deadlines = Deadlines(clock, loop.call_later)
        base_url = settings.public_url or f"http://{reachable(settings.address)}:{port}"
        polls = Polls(store, hub, poll_rule, publisher, deadlines, clock)
        gate_polls = GatePolls(polls)
        tasks = open_task_runtime(
            settings,
            store,
            hub,
            secrets,
            clock,
            url=f"http://{local(settings.address)}:{port}",
            base_url=base_url,
            environment=environment_with(),
            umask=umask,
            polls=gate_polls,
        )
        gate_polls.connect(tasks.gates)
        erasure = Erasure(store, clock, days=settings.ballot_days)
        message_erasure = MessageErasure(store, clock, days=settings.message_days)
        purges = [Purge("ballots", erasure.purge), Purge("messages", message_erasure.purge)]
        for purge in purges:
            stack.push_async_callback(purge.close)
        stack.push_async_callback(tasks.close)
        stack.callback(deadlines.close)
        screens = Screens()
        viewers = Viewers(hub.hub, time.monotonic, ("walls/", "rooms/"))
        room_presence = RoomPresence(
            hub.hub,
            viewers,
            store,
            secrets,
            now=time.monotonic,
            clock=clock,
            spawn=BackgroundTasks(log, "the presence in a room could not be sent").spawn,
        )
        git_refs = RefReader(settings.data, time.monotonic)
        stack.callback(git_refs.close)
        services = Services(
            settings=settings,
            secrets=secrets,
            store=store,
            hub=hub,
            booth=Booth(store, hub, poll_rule, publisher, clock, polls.close_over),
            polls=polls,
            audit=AuditLog(store),
            health=Health(store, hub, metrics),
            results=ResultReader(store, hub, ballot_days=settings.ballot_days),
            replays=Replays(store, hub, time.monotonic),
            walls=Walls(store, hub, clock, gate_polls.wall_deleted),
            rooms=Rooms(store, hub, room_presence, secrets, clock),
            room_presence=room_presence,
            questions=Questions(store, hub, secrets, publishers[publish_votes], clock),
            viewers=viewers,
            reactions=Reactions(hub, time.monotonic),
            presence=Presence(hub.hub, viewers, time.monotonic, lambda wall: bool(screens.of(wall, clock()))),
            inbox=Inbox(store, room_presence, secrets, clock),
            screens=screens,
            voter_codes=VoterCodes(store, hub, poll_rule.electorate, clock),
            erasure=erasure,
            message_erasure=message_erasure,
            decks=Decks(store, secrets, clock, append_info),
            tasks=tasks.tasks,
            runner=tasks.runner,
            pipelines=tasks.pipelines,
            git_refs=git_refs,
            logs=tasks.logs,
            webhooks=tasks.webhooks,
            # Links and sign-ins last for as long as they were made for, whether or not the server's clock is held.
            credentials=Credentials(store, secrets, ServerClock()),
            limits=Limits(on=settings.rate_limits),
            metrics=metrics,
            clock=clock,
            monotonic=time.monotonic,
            assets=web.assets,
            pages=web.pages,
            site=web.site,
            bodies=Bodies(),
            base_url=base_url,
        )
        await tasks.start()
        # After the tasks: a poll whose time is over may open a gate, and its next steps must not be started twice.
        await services.polls.start()
        await services.questions.start()
        timers = Timers()
        stack.callback(timers.close)
        timers.every(LAG_SECONDS, lambda late: metrics.loop_lag.set(late))
        timers.every(EVICT_SECONDS, lambda late: hub.hub.evict())
        timers.every(PRESENCE_SECONDS, lambda late: _update_presence(services))
        timers.every(PERIOD, lambda late: services.reactions.update())
        _begin(purges)
        timers.every(ERASE_SECONDS, lambda late: _begin(purges))
        timers.every(EVICT_SECONDS, lambda late: services.credentials.run_out())
        timers.every(CLOCK_SECONDS, lambda late: _warn_of_a_set_clock(clock))
        return cls(services, folder, deadlines, tasks, timers, AsyncExitStack())

    async def close(self) -> None:
        """Stop the background work, commit what is queued and release the data folder. Steps keep running; the next
        server finds them."""
        await self._exit.aclose()
        await self.services.hub.idle()


def _begin(purges: list[Purge]) -> None:
    for purge in purges:
        purge.soon()


def _update_presence(services: Services) -> None:
    services.viewers.forget()
    services.presence.update()
    services.room_presence.update()


def _warn_of_a_set_clock(clock: ServerClock) -> None:
    ahead = clock.step()
    if ahead is not None:
        log.warning(
            "the clock of this machine is %.0f seconds %s that of this server, which adopts it when no open poll has a "
            "closing time, no task is running and nobody is watching, or at its next start",
            abs(ahead),
            "ahead of" if ahead > 0 else "behind",
        )
