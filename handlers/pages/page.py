"""The base of all pages: texts, and the scene of one item, which is a poll, a task or a lobby."""

from __future__ import annotations

import asyncio
import functools
import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import UNSET, Struct
from tornado.escape import xhtml_escape

from handlers.assets.assets import in_script, texts
from handlers.base import BaseHandler
from handlers.http_headers import SAFE, takes_gzip
from handlers.pages.form import show_error_page
from handlers.pages.page_cache import SharedPage
from handlers.pages.scene import Scene
from handlers.view_models.option_rows import format_count, group_receipt, result_rows, share_width
from handlers.view_models.screen_layout import cut_lines, density, extra_height, length_class, step_density
from handlers.view_models.task_times import format_short_timestamp, format_timestamp
from livewall.errors import LivewallError, NotFound
from livewall.identity import NOBODY, Who
from livewall.voting.ballots import Ballot
from livewall.voting.kinds import Phrase, added_kinds, kind_of, kinds
from livewall.voting.poll import Phase, Poll, abstention
from livewall.voting.polls import PollShown
from livewall.wall_rows import Wall

HIDDEN_ARGUMENTS = {"as", "ask", "change", "lang", "packs", "round", "tab", "theme"}
"""The query arguments whose text never appears in a page."""
_OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*")
_EXECUTOR = ThreadPoolExecutor(1, thread_name_prefix="livewall-pages")
"""Long pages are rendered one at a time, because several busy threads would keep the event loop waiting."""


def with_options(text: str) -> str:
    """Return a text as HTML in which options of the command line are code, so that no line breaks within them."""
    return _OPTION.sub(r"<code>\g<0></code>", xhtml_escape(text))


def installed_kinds() -> dict[str, Any]:
    """Return what the page's scripts have to know about kinds of polls that installed packages add."""
    pages = added_kinds()
    return {"kinds": pages} if pages else {}


class PollData(Struct):
    """What the page's scripts know of a poll at the start."""

    id: str
    phase: Phase
    round: int
    ballot: Ballot | None
    needs_code: bool | None


class Page(BaseHandler):
    """A page that changes nothing."""

    page = True
    scripts: tuple[str, ...] = ("live", "poll", "vote", "lobby", "task", "hosts", "state", "error")
    """The groups of texts that the page's scripts are given."""
    compressed = True
    """Whether the page may be compressed: it must not be where strangers write a part of it, beside what only its
    reader may know."""

    def show_error(self, error: LivewallError) -> None:
        show_error_page(self, error)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> asyncio.Future[None]:
        """Send the page, compressed if the browser accepts that. A page that shows text of its address is not
        compressed: an attacker who chooses a part of the compressed text could learn the rest, such as a receipt, from
        its length."""
        if isinstance(chunk, bytes) and self.request.method in SAFE and self.get_status() == 200:
            self.set_header("Vary", "Authorization, Cookie, Accept-Encoding")
            plain = not self.compressed or not self.request.query_arguments.keys() <= HIDDEN_ARGUMENTS
            if takes_gzip(self.request) and not plain:
                self.set_header("Content-Encoding", "gzip")
                chunk = gzip.compress(chunk, 5, mtime=0)
        return super().finish(chunk)

    def finish_shared(self, page: SharedPage, filling: str) -> None:
        """Answer with a page that is compressed already, and fill its gap with the reader's own text."""
        self.set_header("Vary", "Authorization, Cookie, Accept-Encoding")
        is_gzip = takes_gzip(self.request)
        if is_gzip:
            self.set_header("Content-Encoding", "gzip")
        super().finish(page.gzipped(filling.encode()) if is_gzip else page.plain(filling.encode()))

    async def render_in_thread(self, template: str, **values: Any) -> None:
        """Render a template in a worker thread. A page of 500 steps or of 60 polls takes tens of milliseconds."""
        work = functools.partial(self.render_string, template, **values)
        html = await asyncio.get_running_loop().run_in_executor(_EXECUTOR, work)
        self.finish(html)  # not awaited, as in `render`: a client that disconnected meanwhile is not an error

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {
            "in_script": in_script,
            "format_timestamp": format_timestamp,
            "share_width": share_width,
            "poll_kinds": kinds,
            "length_class": length_class,
            "density": density,
            "extra_height": extra_height,
            "cut_lines": cut_lines,
            "step_density": step_density,
            "legacy": False,
            "packs": self.request.query_arguments.get("packs") != [b"off"],
            "texts": texts(self.locale, self.scripts),
            "with_options": with_options,
        }

    async def scene(self, stream: str | None, who: Who) -> Scene:
        """Return what a page shows of one item: a poll, a task, or a lobby. Raises NotFound and NotAllowed."""
        if stream is None:
            return self.lobby("", self.say("lobby.nothing"))
        kind, _, item_id = stream.partition("/")
        if kind == "tasks":
            task = await self.services.tasks.detail(item_id, who)
            return Scene(kind="task", task=task, title=task.title)
        if kind in ("rooms", "questions"):
            return self.lobby("", self.say("lobby.next"))
        try:
            poll, _ = await self.services.polls.detail(item_id, who)
        except NotFound:
            try:
                await self.services.hub.view(stream, who)
            except NotFound:
                raise NotFound("no_such_poll") from None  # a draft has a page, and an unknown poll has none
            return self.lobby("", self.say("lobby.draft"))
        if poll.phase is Phase.DRAFT:
            return self.lobby(poll.title, self.say("lobby.draft"))
        return self.poll_scene(poll)

    def phrases(self, phrase: Phrase | None) -> list[str]:
        """Return a phrase of a kind of poll in the reader's language, or no phrase for None."""
        return [self.say(phrase.key, phrase.number, **phrase.values)] if phrase else []

    def kind_label(self, kind: str) -> str:
        """Return what a form calls a kind of poll, or its name if the catalogue does not know it."""
        key = f"home.kind.{kind}"
        label = self.say(key)
        return kind if label == key else label

    def lobby(self, title: str, head: str) -> Scene:
        return Scene(
            kind="lobby", title=title or head, lobby_title=title, lobby_head=head, lobby_note=self.say("lobby.wait")
        )

    def poll_scene(self, poll: PollShown) -> Scene:
        ballots = poll.tally.ballots if poll.tally else 0
        ballot = poll.ballot
        return Scene(
            kind="poll",
            control=kind_of(poll.kind).control,
            poll=poll,
            title=poll.title,
            rows=result_rows(poll, poll.tally),
            counted=poll.tally is not None,
            closed=self.closed(poll),
            ballots_number=format_count(ballots),
            ballots_text=self.say("poll.ballots", ballots, n=format_count(ballots)),
            ballots_word=self.say("poll.ballots_word", ballots),
            chosen=ballot.choices if ballot else (),
            receipt=group_receipt(ballot.receipt) if ballot and ballot.receipt else "",
        )

    def closed(self, poll: Poll) -> str:
        """Return that voting is closed and, if it is known, since when (static/js/poll/countdown.js). It is empty
        before."""
        if poll.phase is not Phase.CLOSED:
            return ""
        if not poll.closed_at:
            return self.say("poll.closed")
        return self.say("poll.closed_at", time=format_short_timestamp(poll.closed_at, self.now()))

    async def wall_title(self, scene: Scene, wall: Wall | None) -> str:
        """Return the title of the wall that a page belongs to."""
        code = scene.poll.wall if scene.poll else None
        if wall is None and code:
            wall = await self.wall_of(code, NOBODY)
        return wall.title if wall else ""

    async def wall_of(self, code: str, who: Who) -> Wall:
        wall, _ = await self.services.walls.get(code, who)
        return wall

    def data(self, scene: Scene, *, stream: str | None, wall: Wall | None) -> dict[str, Any]:
        """Return the page's data block, from which its scripts start."""
        poll = scene.poll
        needs_code = None if poll is None or poll.needs_code is UNSET else poll.needs_code
        return {
            "abstain": abstention(poll.options) if poll else None,
            "stream": stream,
            "wallStream": f"walls/{wall.code}" if wall else None,
            "active": wall.active if wall else None,
            "lang": self.locale.code.replace("_", "-"),
            **installed_kinds(),
            "poll": PollData(poll.id, poll.phase, poll.round, poll.ballot, needs_code) if poll else None,
            "steps": [step.name for step in scene.task.steps] if scene.task else [],
        }
