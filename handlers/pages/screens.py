"""The pages for the projector."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from handlers.pages.page import Page
from handlers.pages.qr import qr_svg
from handlers.view_models.option_rows import format_count, result_rows, share_width, top_rows
from handlers.view_models.result_summary import ResultSummary, round_before
from handlers.view_models.screen_layout import grid_size
from livewall.identity import NOBODY
from livewall.voting import shares
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Phase, Poll, Tally
from livewall.walls.wall_results import WallResults

EMPTY_FACTS = {"limit": "", "compared": False, "quorum": "", "note": ""}


class ScreenPage(Page):
    """The screen of a poll or a wall. It needs no cookie, sets none, and always shows what the audience sees."""

    framed = True
    scripts = (*Page.scripts, "screen", "result", "keys")

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {"grid_size": grid_size, "top_rows": top_rows}

    async def show(self, stream: str | None, wall: dict[str, Any] | None, path: str, code: str) -> None:
        scene = await self.scene(wall["active"] if wall else stream, NOBODY)
        poll, people = scene["poll"], self.services.presence.people(f"walls/{wall['code']}") if wall else 0
        results = None
        if scene["kind"] == "lobby" and wall:
            scene |= self.lobby_texts(scene, wall, people)
            results = await self.services.walls.results(wall["code"], NOBODY)
            if results.over:
                scene |= {"kind": "end", "results": self.end_scene(results)}
        embedded = self.argument("embed") == "1"
        url = self.services.base_url + path
        reachable = is_reachable(self.services.base_url)
        scene |= await self.bar_facts(scene) if poll else EMPTY_FACTS
        self.render(
            "screen.html",
            **scene,
            wall_title=await self.wall_title(scene, wall),
            theme=self.requested_theme or "dark",
            embedded=embedded,
            rules=self.rules(poll) if poll else "",
            qr=qr_svg(url) if reachable else "",
            address=typed_address(self.services.base_url + ("/w" if code else path)),
            code=f"{code[:3]} {code[3:]}" if code else "",
            data=self.data(scene, stream=stream, wall=wall)
            | {"here": people, "results": msgspec.to_builtins(results), "quorum": poll.get("quorum") if poll else None},
            script="screen",
            legacy=True,
        )

    def lobby_texts(self, scene: dict[str, Any], wall: dict[str, Any], people: int) -> dict[str, Any]:
        """Return the texts of a wall's screen while nothing is open."""
        return {
            "lobby_title": scene["lobby_title"] or wall["title"],
            "lobby_rest": self.say("screen.lobby_rest"),
            "lobby_here": self.say("screen.here", people, n=format_count(people)) if people else "",
        }

    def end_scene(self, results: WallResults) -> dict[str, Any]:
        """Return all results of a wall, and how many are left out, in words."""
        polls = len(results.items)
        shown_polls = grid_size(polls)[2]
        omitted = polls - shown_polls
        omissions = [
            self.say("screen.more_results", omitted, n=omitted) if omitted > 0 else "",
            self.say("screen.unpublished", results.hidden, n=results.hidden) if results.hidden else "",
        ]
        items = [self.result(each.poll, each.tally) for each in results.items[:shown_polls]]
        return {"polls": polls, "items": items, "omissions": " · ".join(each for each in omissions if each)}

    def result(self, poll: Poll, tally: Tally) -> dict[str, Any]:
        facts = ResultSummary(self, poll, tally)
        texts = [facts.ballots(), facts.quorum(), facts.majority(), facts.of_base()]
        shown_rows = result_rows(msgspec.to_builtins(poll), msgspec.to_builtins(tally))
        return {"title": poll.title, "rows": shown_rows, "facts": " · ".join(each for each in texts if each)}

    def rules(self, poll: dict[str, Any]) -> str:
        texts = [self.say(f"poll.assurance.{poll['assurance']}")]
        texts += self.phrases(kind_of(poll["kind"]).rule(poll["max_choices"]))
        if poll["phase"] == "open":
            texts.append(self.say("poll.may_change" if poll["allow_change"] else "poll.is_final"))
        return " · ".join(texts)

    async def bar_facts(self, scene: dict[str, Any]) -> dict[str, Any]:
        """Return the texts and figures around the bars: the quorum, the majority line, the previous round, and the line
        below."""
        poll, tally = msgspec.convert(scene["poll"], Poll), scene["poll"]["tally"]
        turnout = await self.turnout(poll, tally)
        facts = {
            "limit": share_width(shares.line(poll.majority)) if poll.majority else "",
            "compared": poll.compare is True and poll.round > 1,
            "quorum": ResultSummary(self, poll, Tally(poll.round, {}, turnout)).quorum(),
            "ballots_number": format_count(turnout),
            "ballots_word": self.say("poll.ballots_word", turnout),
        }
        if tally is None:
            closed = poll.phase is Phase.CLOSED
            return facts | {"note": self.say("poll.closed_hidden" if closed else f"poll.hidden.{poll.results}")}
        earlier = await round_before(self, poll, NOBODY)
        note = ResultSummary(self, poll, msgspec.convert(tally, Tally)).below_bars(earlier)
        return facts | {"note": note, "rows": result_rows(scene["poll"], tally, earlier)}

    async def turnout(self, poll: Poll, tally: dict[str, Any] | None) -> int:
        """Return the number of ballots, which is public."""
        if tally is not None:
            return int(tally["ballots"])
        return await self.services.results.turnout(poll)


class PollScreen(ScreenPage):
    """GET /polls/ID/screen"""

    async def get(self, poll_id: str) -> None:
        await self.show(f"polls/{poll_id}", None, self.reverse_url("poll", poll_id), "")


class WallScreen(ScreenPage):
    """GET /w/CODE/screen"""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(code, NOBODY)
        await self.show(None, wall, self.reverse_url("wall", wall["code"]), wall["code"])


def is_reachable(base_url: str) -> bool:
    """Return whether a phone can open this address, which it cannot if it is a loopback address."""
    host = urlsplit(base_url).hostname or ""
    return not (host in ("localhost", "::1") or host.startswith("127."))


def typed_address(url: str) -> str:
    """Return an address as people type it."""
    return url.partition("://")[2]
