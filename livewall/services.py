"""The services that a handler uses, each of which does one thing. Made by `livewall/app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livewall.audit import AuditLog
from livewall.clock import Clock
from livewall.credentials import Credentials
from livewall.health import Health
from livewall.hub.live_hub import LiveHub
from livewall.hub.viewers import Viewers
from livewall.identity import Secrets
from livewall.limits import Limits
from livewall.metrics import Metrics
from livewall.pending_bodies import Bodies
from livewall.questions.questions import Questions
from livewall.rooms.erasure import MessageErasure
from livewall.rooms.inbox import Inbox
from livewall.rooms.presence import RoomPresence
from livewall.rooms.rooms import Rooms
from livewall.settings import Settings
from livewall.store.store import Store
from livewall.tasks.logs.service import Logs
from livewall.tasks.pipelines.git_refs import RefReader
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.tasks.runner import Runner
from livewall.tasks.tasks import Tasks
from livewall.tasks.webhooks.sender import Sender
from livewall.voting.booth import Booth
from livewall.voting.decks.service import Decks
from livewall.voting.erasure import Erasure
from livewall.voting.polls import Polls
from livewall.voting.replay import Replays
from livewall.voting.result_reader import ResultReader
from livewall.voting.voter_codes.service import VoterCodes
from livewall.walls.presence import Presence
from livewall.walls.reactions import Reactions
from livewall.walls.screens import Screens
from livewall.walls.walls import Walls


@dataclass
class Services:
    settings: Settings
    secrets: Secrets
    store: Store
    hub: LiveHub
    booth: Booth
    polls: Polls
    results: ResultReader
    audit: AuditLog
    health: Health
    replays: Replays
    walls: Walls
    rooms: Rooms
    room_presence: RoomPresence
    questions: Questions
    viewers: Viewers
    inbox: Inbox
    presence: Presence
    reactions: Reactions
    screens: Screens
    voter_codes: VoterCodes
    erasure: Erasure
    message_erasure: MessageErasure
    decks: Decks
    tasks: Tasks
    runner: Runner
    pipelines: Pipelines
    git_refs: RefReader
    logs: Logs
    webhooks: Sender
    credentials: Credentials
    limits: Limits
    metrics: Metrics
    clock: Clock
    monotonic: Callable[[], float]
    assets: Any
    """The versioned addresses of static files (handlers/assets/assets.py)."""
    pages: Any
    """Pages that are the same for many readers (handlers/pages/page_cache.py)."""
    site: Any
    """The origins of our pages (handlers/origins.py)."""
    bodies: Bodies
    base_url: str = ""
    """The address under which others reach this server: `--public-url`, or the address it listens on."""
    draining: bool = False
