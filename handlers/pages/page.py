"""The base of all pages: texts, and the scene of one item, which is a poll, a task or a lobby."""

from __future__ import annotations

import asyncio
import functools
import gzip
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from handlers.assets.assets import in_script, texts
from handlers.base import BaseHandler
from handlers.http_headers import SAFE, takes_gzip
from handlers.pages.form import show_error_page
from handlers.pages.page_cache import SharedPage
from handlers.view_models.option_rows import format_count, group_receipt, result_rows, share_width
from handlers.view_models.screen_layout import cut_lines, density, extra_height, length_class, step_density
from handlers.view_models.task_times import format_short_timestamp, format_timestamp
from livewall.errors import LivewallError, NotFound
from livewall.identity import NOBODY, Who
from livewall.voting.kinds import Phrase, added_kinds, kind_of, kinds

HIDDEN_ARGUMENTS = {"as", "change", "lang", "packs", "round", "theme"}
"""The query arguments whose text never appears in a page."""
_EXECUTOR = ThreadPoolExecutor(1, thread_name_prefix="livewall-pages")
"""Long pages are rendered one at a time, because several busy threads would keep the event loop waiting."""


def installed_kinds() -> dict[str, Any]:
    """Return what the page's scripts have to know about kinds of polls that installed packages add."""
    pages = added_kinds()
    return {"kinds": pages} if pages else {}


class Page(BaseHandler):
    """A page that changes nothing."""

    page = True
    scripts: tuple[str, ...] = ("live", "poll", "vote", "lobby", "task", "state", "error")
    """The groups of texts that the page's scripts are given."""

    def show_error(self, error: LivewallError) -> None:
        show_error_page(self, error)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> asyncio.Future[None]:
        """Send the page, compressed if the browser accepts that. A page that shows text of its address is not
        compressed: an attacker who chooses a part of the compressed text could learn the rest, such as a receipt, from
        its length."""
        if isinstance(chunk, bytes) and self.request.method in SAFE and self.get_status() == 200:
            self.set_header("Vary", "Authorization, Cookie, Accept-Encoding")
            if takes_gzip(self.request) and self.request.query_arguments.keys() <= HIDDEN_ARGUMENTS:
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
        }

    async def scene(self, stream: str | None, who: Who) -> dict[str, Any]:
        """Return what a page shows of one item: a poll, a task, or a lobby. Raises NotFound and NotAllowed."""
        if stream is None:
            return self.lobby(None, self.say("lobby.nothing"))
        kind, _, item_id = stream.partition("/")
        if kind == "tasks":
            task = msgspec.to_builtins(await self.services.tasks.detail(item_id, who))
            return {"kind": "task", "task": task, "title": task["title"], "poll": None, "counted": False, "closed": ""}
        try:
            detail, _ = await self.services.polls.detail(item_id, who)
            poll = msgspec.to_builtins(detail)
        except NotFound:
            try:
                await self.services.hub.view(stream, who)
            except NotFound:
                raise NotFound("no_such_poll") from None  # a draft has a page, and an unknown poll has none
            return self.lobby(None, self.say("lobby.draft"))
        if poll["phase"] == "draft":
            return self.lobby(poll, self.say("lobby.draft"))
        return self.poll_scene(poll)

    def phrases(self, phrase: Phrase | None) -> list[str]:
        """Return a phrase of a kind of poll in the reader's language, or no phrase for None."""
        return [self.say(phrase.key, phrase.number, **phrase.values)] if phrase else []

    def kind_label(self, kind: str) -> str:
        """Return what a form calls a kind of poll, or its name if the catalogue does not know it."""
        key = f"home.kind.{kind}"
        label = self.say(key)
        return kind if label == key else label

    def lobby(self, poll: dict[str, Any] | None, head: str) -> dict[str, Any]:
        title = poll["title"] if poll else ""
        texts = {"lobby_title": title, "lobby_head": head, "lobby_rest": self.say("lobby.rest"), "lobby_here": ""}
        scene = {"kind": "lobby", "poll": None, "draft": poll, "title": title or head, "counted": False, "closed": ""}
        return scene | texts | {"lobby_end": None}

    def poll_scene(self, poll: dict[str, Any]) -> dict[str, Any]:
        tally = poll["tally"]
        ballots = tally["ballots"] if tally else 0
        ballot = poll["ballot"]
        return {
            "kind": "poll",
            "control": kind_of(poll["kind"]).control,
            "poll": poll,
            "title": poll["title"],
            "rows": result_rows(poll, tally),
            "counted": tally is not None,
            "closed": self.closed(poll),
            "ballots_number": format_count(ballots),
            "ballots_text": self.say("poll.ballots", ballots, n=format_count(ballots)),
            "ballots_word": self.say("poll.ballots_word", ballots),
            "chosen": ballot["choices"] if ballot else [],
            "receipt": group_receipt(ballot["receipt"]) if ballot and ballot["receipt"] else "",
        }

    def closed(self, poll: dict[str, Any]) -> str:
        """Return that voting is closed and, if it is known, since when (static/js/poll/countdown.js). It is empty
        before."""
        if poll["phase"] != "closed":
            return ""
        at = poll.get("closed_at")
        return (
            self.say("poll.closed_at", time=format_short_timestamp(at, self.now())) if at else self.say("poll.closed")
        )

    async def wall_title(self, scene: dict[str, Any], wall: dict[str, Any] | None) -> str:
        """Return the title of the wall that a page belongs to."""
        code = scene["poll"]["wall"] if scene["poll"] else None
        if wall is None and code:
            wall = await self.wall_of(code, NOBODY)
        return str(wall["title"]) if wall else ""

    async def wall_of(self, code: str, who: Who) -> dict[str, Any]:
        wall, _ = await self.services.walls.get(code, who)
        fields: dict[str, Any] = msgspec.to_builtins(wall)
        return fields

    def data(self, scene: dict[str, Any], *, stream: str | None, wall: dict[str, Any] | None) -> dict[str, Any]:
        """Return the page's data block, from which its scripts start."""
        poll = scene["poll"]
        abstain = [option["id"] for option in poll["options"] if option.get("abstain")] if poll else []
        return {
            "abstain": abstain[0] if abstain else None,
            "stream": stream,
            "wallStream": f"walls/{wall['code']}" if wall else None,
            "active": wall["active"] if wall else None,
            "lang": self.locale.code.replace("_", "-"),
            **installed_kinds(),
            "poll": {key: poll.get(key) for key in ("id", "phase", "round", "ballot", "needs_code")} if poll else None,
            "steps": [step["name"] for step in scene["task"]["steps"]] if scene["kind"] == "task" else [],
        }
