"""The pages of the audience. Each is complete without scripts, and is what a live page shows first and what an old
browser gets."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import Any

from msgspec import Struct

from handlers.base import BaseHandler
from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.pages.page_cache import Render, SharedPage
from handlers.pages.scene import Scene
from handlers.view_models.option_rows import result_rows
from handlers.view_models.result_summary import ResultSummary, round_before
from livewall import wire
from livewall.errors import LivewallError, NotAllowed, NotFound
from livewall.identity import NOBODY, Who
from livewall.names import wall_code
from livewall.store.writer import settle
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Phase, Poll, is_public
from livewall.wall_rows import Wall
from livewall.walls.wall_results import PollResult, WallResults

RENEW_VOTING, RENEW_RESULT = 0, 5
"""The seconds after which a page without scripts reloads. It never does while somebody may be choosing."""
SHARED = {"lang", "packs", "theme"}
"""The query arguments with which a page may be shared."""
GAP = secrets.token_urlsafe(18)
"""The placeholder for the form token of each reader in a shared page. It is random, so that nobody can write it into a
title."""


@dataclass(frozen=True)
class RefusedForm:
    """A ballot form that was refused: the reason, and what was filled in. The page shows it again."""

    error: LivewallError
    code: str
    choices: list[str]


@dataclass(frozen=True)
class ReceiptCheck:
    """A receipt as typed, and the answer to it."""

    typed: str
    answer: str


class InitialResults(Struct):
    """What the page's script begins with: whether the wall is over, and whether a result can be linked to."""

    over: bool
    items: list[PollResult]

    @classmethod
    def of(cls, results: WallResults) -> InitialResults:
        return cls(results.over, results.items[:1] if results.over else [])


class AudiencePage(Page):
    """/polls/ID and /w/CODE: the reader's own ballot, the result as far as the reader may see it, or a task."""

    scripts = (*Page.scripts, "result")

    async def show(self, stream: str | None, wall: Wall | None, refused: RefusedForm | None = None) -> None:
        """Answer with the page. The address in a QR code may have a code, which is filled into the form."""
        self.ensure_voter()
        values = await self.page_values(stream, wall, refused)
        self.render("poll.html", **values, form_token=self.form_token())

    async def show_shared(self, render: Render) -> bool:
        """Answer with the page that is the same for all readers who have nothing of their own on it. Return False if
        the page has to be rendered for this reader alone. Raises what `render` raises.

        Only a request without a voter renders a shared page. A known voter may get one that is in the cache.
        """
        path, query = self.request.path, self.request.query_arguments
        voter = self.who.voter
        if self.who != Who(voter=voter) or self.by_token or self.as_audience:
            return False
        if "%" in path or not query.keys() <= SHARED:
            return False
        day = self.services.clock().date()  # the times of today are written without a date
        unpacked = query.get("packs") == [b"off"]
        key = (path, self.locale.code, self.requested_theme, unpacked, self.services.base_url, day)
        pages = self.services.pages
        page = await pages.get(key, render) if voter is None else pages.cached(key)
        if page is None:
            return False
        if voter is not None and page.poll is not None:
            poll, round_number = page.poll
            if await self.services.polls.has_own(poll, round_number, voter):
                return False
        if voter is not None and page.questions and await self.services.questions.has_own(page.questions, self.who):
            return False
        self.ensure_voter()
        self.finish_shared(page, self.form_token())
        return True

    async def shared(self, stream: str | None, wall: Wall | None) -> SharedPage:
        """Render what `show` would answer to a client without cookies, except for the form token."""
        values = await self.page_values(stream, wall)
        poll: Poll | None = values["poll"]
        html = self.render_string("poll.html", **values, form_token=GAP)
        questions = wall.code if wall and values["asked"] else ""
        return SharedPage(html, GAP.encode(), (poll.id, poll.round) if poll else None, questions)

    async def page_values(
        self, stream: str | None, wall: Wall | None, refused: RefusedForm | None = None
    ) -> dict[str, Any]:
        """Return the values of the template."""
        code = (refused.code if refused else self.argument("code"))[:40]
        error = refused.error if refused else None
        scene = await self.scene(wall.active if wall else stream, self.who)
        poll, results = scene.poll, None
        if wall and wall.active is None:
            results = await self.services.walls.results(wall.code, NOBODY)
            scene = self.end_scene(scene, wall, results) if results.over else scene
        if poll and refused and refused.choices:
            scene = replace(scene, chosen=refused.choices)
        scene, facts = await self.with_earlier_round(scene)
        voted = bool(scene.receipt)
        may_vote = poll is not None and poll.phase is Phase.OPEN and (not voted or poll.allow_change)
        voting = may_vote and (not voted or self.argument("change") == "1" or error is not None)
        return scene.values() | dict(
            wall_title=await self.wall_title(scene, wall),
            voting=voting,
            error_text=self.reason(error) if error else "",
            note=self.note(poll, counted=scene.counted) if poll else "",
            facts=facts,
            retention=self.retention(poll) if poll else "",
            refresh=RENEW_VOTING if voting else RENEW_RESULT,
            here=self.request.path,
            has_replay=poll is not None and scene.counted and poll.phase is Phase.CLOSED,
            cookieless=error is not None and error.code == "no_voter",
            page_url=self.services.base_url + self.page_path(poll, wall),
            receipt_check=await self.receipt_answer(poll) if poll and not wall else None,
            code=code,
            tabs=None,
            asked=None,
            data=self.data(scene, stream=stream, wall=wall)
            | {"host": self.who.host, "code": code, "ballotDays": self.services.settings.ballot_days}
            | ({"results": InitialResults.of(results)} if results else {}),
            script="poll",
            legacy=True,
        )

    def end_scene(self, scene: Scene, wall: Wall, results: WallResults) -> Scene:
        """Return the scene with the texts for the end of a wall."""
        return replace(
            scene,
            lobby_title=wall.title,
            lobby_head=self.say("lobby.over"),
            lobby_note=self.say("lobby.over_wait"),
            lobby_end=self.reverse_url("wall_print", wall.code) if results.items else "",
        )

    async def with_earlier_round(self, scene: Scene) -> tuple[Scene, str]:
        """Return the scene with the previous round in its rows if the poll is compared with it, and the text below the
        figures. Without a tally, nothing changes."""
        poll = scene.poll
        if poll is None or poll.tally is None:
            return scene, ""
        earlier = await round_before(self, poll, self.who)
        facts = ResultSummary(self, poll, poll.tally)
        text = " · ".join(each for each in (facts.quorum(), facts.below_bars(earlier)) if each)
        return replace(scene, rows=result_rows(poll, poll.tally, earlier)), text

    def page_path(self, poll: Poll | None, wall: Wall | None) -> str:
        """Return the path of this page, to be opened in another browser."""
        if wall:
            return self.reverse_url("wall", wall.code)
        return self.reverse_url("poll", poll.id) if poll else self.request.path

    async def receipt_answer(self, poll: Poll) -> ReceiptCheck:
        """Return the answer to a receipt in the address, with the receipt as typed. Both are empty without one."""
        typed = self.argument("receipt").strip()[:120]
        if not typed:
            return ReceiptCheck("", "")
        try:
            ballot = await self.services.results.receipt(poll.id, typed, self.who)
        except NotAllowed:
            return ReceiptCheck(typed, self.say("receipt.hidden"))
        except NotFound:
            erased = await self.services.results.erased(poll.id)
            date = max(erased.values(), default="")[:10]
            answer = self.say("receipt.erased", date=date) if erased else self.say("receipt.unknown")
            return ReceiptCheck(typed, answer)
        labels = [option.label for option in poll.options if option.id in ballot.choices]
        return ReceiptCheck(typed, self.say("receipt.found", round=ballot.round, choices=", ".join(labels)))

    def reason(self, error: LivewallError) -> str:
        return " ".join([self.say(f"error.{error.code}"), *error.fields.values()])

    def note(self, poll: Poll, *, counted: bool) -> str:
        """Return the line below the options. `counted` says whether the reader sees the tally."""
        if poll.phase is Phase.CLOSED:
            return self.hosts_only(poll, counted=counted) if counted else self.say("poll.closed_hidden")
        texts = self.phrases(kind_of(poll.kind).invitation(poll.max_choices))
        if not poll.allow_change:
            texts.append(self.say("vote.final"))
        if not counted:
            texts.append(self.say(f"poll.hidden.{poll.results}"))
        return " ".join([*texts, self.hosts_only(poll, counted=counted)]).strip()

    def retention(self, poll: Poll) -> str:
        """Return for how long ballots are kept; empty if they are kept forever."""
        days = self.services.settings.ballot_days
        if poll.erased_at:
            return self.say("poll.erased", date=poll.erased_at[:10])
        return self.say("poll.kept_days", days, n=days) if days else ""

    def hosts_only(self, poll: Poll, *, counted: bool) -> str:
        """Return that only hosts see the figures; empty if everybody does."""
        return self.say("poll.hosts_only") if self.who.host and counted and not is_public(poll) else ""


class PollPage(AudiencePage):
    """GET /polls/ID"""

    async def get(self, poll_id: str) -> None:
        stream = f"polls/{poll_id}"
        if not await self.show_shared(lambda: self.shared(stream, None)):
            await self.show(stream, None)


class BallotPage(FormHandler, AudiencePage):
    """POST /polls/ID/ballot: the ballot of a browser without scripts."""

    def field_values(self, name: str) -> list[str]:
        """Return every value of a field."""
        return [value.decode("utf-8", "replace") for value in self.values().get(name, []) if value]

    async def post(self, poll_id: str) -> None:
        voter = self.who.voter
        if voter is None:
            self.needs_form_token = False  # nothing is changed without a voter: the answer says why, and what to do
        form = self.fields()
        page, code = form.get("next", ""), form.get("code", "")[:40]
        try:
            if voter is None:
                raise NotAllowed("no_voter")
            self.services.limits.act(voter, self.services.monotonic())
            ballot = wire.BallotIn(self.field_values("choices"), _round_number(form.get("round", "")), code or None)
            done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            async with self.code_turn(voter, code):
                self.services.booth.cast(poll_id, voter, ballot, settle(done))
                await done
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(403 if voter is None else error.status)
            wall = await self.wall_of(page[3:], self.who) if page.startswith("/w/") else None
            shown_wall = wall if wall and wall.active == f"polls/{poll_id}" else None
            refused = RefusedForm(error, code, self.field_values("choices"))
            await self.show(f"polls/{poll_id}", shown_wall, refused)
            return
        allowed = {self.reverse_url("poll", poll_id)}
        if page.startswith("/w/"):
            allowed.add(self.reverse_url("wall", wall_code(page[3:])[:12]))
        self.redirect(page if page in allowed else self.reverse_url("poll", poll_id), status=303)


class MissingPage(Page):
    """An address outside the table of routes. Browsers get a page, and programs get the JSON of every other error."""

    async def prepare(self) -> None:
        raise NotFound(message="there is nothing at this address")

    def show_error(self, error: LivewallError) -> None:
        if "text/html" in self.request.headers.get("Accept", ""):
            super().show_error(error)
        else:
            BaseHandler.show_error(self, error)


def _round_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
