"""The pages for the projector."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from handlers.pages.qr import qr_svg
from handlers.pages.scene import EndedPoll, Scene, WallEnd
from handlers.pages.screen_talk import TalkScenes
from handlers.view_models.option_rows import format_count, result_rows, share_width, top_rows
from handlers.view_models.result_summary import ResultSummary, round_before
from handlers.view_models.screen_layout import grid_size
from handlers.view_models.screen_talk import cut
from livewall.identity import NOBODY
from livewall.voting import shares
from livewall.voting.kinds import kind_of
from livewall.voting.poll import Phase, Poll, Tally
from livewall.voting.polls import PollShown
from livewall.wall_rows import Wall
from livewall.walls.wall_results import WallResults


class ScreenPage(TalkScenes):
    """The screen of a poll or a wall. It needs no cookie, sets none, and always shows what the audience sees."""

    framed = True
    scripts = (*TalkScenes.scripts, "screen", "result", "keys", "gate")

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {
            "grid_size": grid_size,
            "top_rows": top_rows,
            "format_count": format_count,
            "cut": cut,
        }

    async def show(self, stream: str | None, wall: Wall | None, path: str, code: str) -> None:
        scene = await self.scene(wall.active if wall else stream, NOBODY)
        refused = scene.kind == "lobby" and bool(wall and wall.active)
        poll, people = scene.poll, self.services.presence.people(f"walls/{wall.code}") if wall else 0
        results = None
        if scene.kind == "lobby" and wall:
            scene = self.lobby_scene(scene, wall, people)
            results = await self.services.walls.results(wall.code, NOBODY)
            if results.over:
                scene = replace(scene, kind="end", results=self.wall_end(results))
        embedded = self.argument("embed") == "1"
        url = self.services.base_url + path
        reachable = is_reachable(self.services.base_url)
        if poll is not None:
            scene = await self.with_bar_facts(scene, poll)
        self.render(
            "screen.html",
            **scene.values(),
            wall_title=await self.wall_title(scene, wall),
            theme=self.requested_theme or "dark",
            embedded=embedded,
            rules=self.rules(poll) if poll else "",
            qr=qr_svg(url) if reachable else "",
            address=typed_address(self.services.base_url + ("/w" if code else path)),
            code=f"{code[:3]} {code[3:]}" if code else "",
            data=self.data(scene, stream=stream, wall=wall)
            # What is refused is not asked for again before the wall shows something else.
            | ({"active": None} if refused else {})
            | {
                "posters": True,
                "roles": self.role_names(),
                "here": people,
                "results": results,
                "quorum": (poll.quorum or None) if poll else None,
            },
            script="screen",
            legacy=True,
        )

    def lobby_scene(self, scene: Scene, wall: Wall, people: int) -> Scene:
        """Return the scene with the texts of a wall's screen while nothing is open."""
        return replace(
            scene,
            lobby_title=scene.lobby_title or wall.title,
            lobby_note=self.say("screen.lobby_invitation"),
            lobby_here=self.say("screen.here", people, n=format_count(people)) if people else "",
        )

    def wall_end(self, results: WallResults) -> WallEnd:
        """Return all results of a wall, and how many are left out, in words."""
        polls = len(results.items)
        shown_polls = grid_size(polls)[2]
        omitted = polls - shown_polls
        omissions = [
            self.say("screen.more_results", omitted, n=omitted) if omitted > 0 else "",
            self.say("screen.unpublished", results.hidden, n=results.hidden) if results.hidden else "",
        ]
        items = [self.ended_poll(each.poll, each.tally) for each in results.items[:shown_polls]]
        return WallEnd(polls, items, " · ".join(each for each in omissions if each))

    def ended_poll(self, poll: Poll, tally: Tally) -> EndedPoll:
        facts = ResultSummary(self, poll, tally)
        texts = [facts.ballots(), facts.quorum(), facts.majority(), facts.of_base()]
        return EndedPoll(poll.title, result_rows(poll, tally), " · ".join(each for each in texts if each))

    def rules(self, poll: Poll) -> str:
        texts = [self.say(f"poll.assurance.{poll.assurance}")]
        texts += self.phrases(kind_of(poll.kind).rule(poll.max_choices))
        if poll.phase is Phase.OPEN:
            texts.append(self.say("poll.may_change" if poll.allow_change else "poll.is_final"))
        return " · ".join(texts)

    async def with_bar_facts(self, scene: Scene, poll: PollShown) -> Scene:
        """Return the scene with the texts and figures around the bars: the quorum, the majority line, the previous
        round, and the line below."""
        tally = poll.tally
        turnout = tally.ballots if tally else await self.services.results.turnout(poll)  # the turnout is public
        scene = replace(
            scene,
            limit=share_width(shares.line(poll.majority)) if poll.majority else "",
            compared=poll.compare is True and poll.round > 1,
            quorum=ResultSummary(self, poll, Tally(poll.round, {}, turnout)).quorum(),
            ballots_number=format_count(turnout),
            ballots_word=self.say("poll.ballots_word", turnout),
        )
        if tally is None:
            closed = poll.phase is Phase.CLOSED
            return replace(scene, note=self.say("poll.closed_hidden" if closed else f"poll.hidden.{poll.results}"))
        earlier = await round_before(self, poll, NOBODY)
        note = ResultSummary(self, poll, tally).below_bars(earlier)
        return replace(scene, note=note, rows=result_rows(poll, tally, earlier))


class PollScreen(ScreenPage):
    """GET /polls/ID/screen"""

    async def get(self, poll_id: str) -> None:
        await self.show(f"polls/{poll_id}", None, self.reverse_url("poll", poll_id), "")


class WallScreen(ScreenPage):
    """GET /w/CODE/screen"""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(code, NOBODY)
        await self.show(None, wall, self.reverse_url("wall", wall.code), wall.code)


def is_reachable(base_url: str) -> bool:
    """Return whether a phone can open this address, which it cannot if it is a loopback address."""
    host = urlsplit(base_url).hostname or ""
    return not (host in ("localhost", "::1") or host.startswith("127."))


def typed_address(url: str) -> str:
    """Return an address as people type it."""
    return url.partition("://")[2]
