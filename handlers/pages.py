"""The pages for people. Each is whole without script: what a live page shows first, and all an old browser gets."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import segno
from tornado.web import URLSpec

from handlers.assets import in_script, texts
from handlers.base import BaseHandler
from handlers.desk import desk_routes
from handlers.login import FormHandler, SignInPage, show_error_page
from handlers.looks import density, grouped, length_class, number, rows, share_width
from handlers.polls import cast_ballot, retract_ballot
from livewall import wire
from livewall.errors import LivewallError, NotFound
from livewall.identity import NOBODY, Who
from livewall.names import CODE_ALPHABET, wall_code

ID = r"([A-Za-z0-9._-]{1,80})"
RENEW_VOTING, RENEW_RESULT = 0, 5
"""Seconds after which a page without script renews itself; never while somebody is choosing."""


class Page(BaseHandler):
    """A page that changes nothing."""

    page = True
    scripts = ("live", "poll", "vote", "lobby", "task", "state", "error")

    def show_error(self, error: LivewallError) -> None:
        show_error_page(self, error)

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {
            "in_script": in_script,
            "share_width": share_width,
            "length_class": length_class,
            "density": density,
            "legacy": False,
            "texts": texts(self.locale, self.scripts),
        }

    def say(self, key: str, count: int | None = None, **values: Any) -> str:
        """A text of the catalogue with its values."""
        text = self.locale.translate(key) if count is None else self.locale.translate(key, key, count)
        return text % values if values else text

    async def scene(self, stream: str | None, who: Who) -> dict[str, Any]:
        """What a page shows of one item: its poll or task, or a lobby. Raises NotFound, NotAllowed."""
        if stream is None:
            return self.lobby(None, self.say("lobby.nothing"))
        kind, _, id = stream.partition("/")
        if kind == "tasks":
            task = await self.services.tasks.detail(id, who)
            return {"kind": "task", "task": task, "title": task["title"], "poll": None, "counted": False}
        try:
            poll, _ = await self.services.polls.detail(id, who)
        except NotFound:
            await self.services.hub.view(stream, who)  # a draft has a page, a poll that never was has none
            return self.lobby(None, self.say("lobby.draft"))
        if poll["phase"] == "draft":
            return self.lobby(poll, self.say("lobby.draft"))
        return self.poll_scene(poll)

    def lobby(self, poll: dict[str, Any] | None, head: str) -> dict[str, Any]:
        title = poll["title"] if poll else ""
        said = {"lobby_title": title, "lobby_head": head, "lobby_rest": self.say("lobby.rest")}
        return {"kind": "lobby", "poll": None, "draft": poll, "title": title or head, "counted": False, **said}

    def poll_scene(self, poll: dict[str, Any]) -> dict[str, Any]:
        tally = poll["tally"]
        ballots = tally["ballots"] if tally else 0
        ballot = poll["ballot"]
        return {
            "kind": "poll",
            "poll": poll,
            "title": poll["title"],
            "rows": rows(poll, tally),
            "counted": tally is not None,
            "ballots_number": number(ballots),
            "ballots_text": self.say("poll.ballots", ballots, n=number(ballots)),
            "ballots_word": self.say("poll.ballots_word", ballots),
            "chosen": ballot["choices"] if ballot else [],
            "receipt": grouped(ballot["receipt"]) if ballot and ballot["receipt"] else "",
        }

    async def wall_of(self, code: str, who: Who) -> dict[str, Any]:
        wall, _ = await self.services.walls.get(code, who)
        return wall

    def data(self, scene: dict[str, Any], *, stream: str | None, wall: dict[str, Any] | None) -> dict[str, Any]:
        """The page's data block: where its scripts begin."""
        poll = scene["poll"]
        return {
            "stream": stream,
            "wallStream": f"walls/{wall['code']}" if wall else None,
            "active": wall["active"] if wall else None,
            "lang": self.locale.code.replace("_", "-"),
            "poll": {key: poll[key] for key in ("id", "phase", "round", "ballot")} if poll else None,
            "steps": [step["name"] for step in scene["task"]["steps"]] if scene["kind"] == "task" else [],
        }


class AudiencePage(Page):
    """/polls/ID and /w/CODE: one's own ballot, the result as far as one may see it, or a task."""

    async def show(self, stream: str | None, wall: dict[str, Any] | None, error: LivewallError | None = None) -> None:
        self.ensure_voter()
        found = await self.scene(wall["active"] if wall else stream, self.who)
        poll = found["poll"]
        voted = bool(found.get("receipt"))
        may_vote = bool(poll) and poll["phase"] == "open" and (not voted or poll["allow_change"])
        voting = may_vote and (not voted or self.argument("change") == "1" or error is not None)
        self.render(
            "poll.html",
            **found,
            wall=wall,
            voting=voting,
            wrong=self.reason(error) if error else "",
            note=self.note(found) if poll else "",
            refresh=RENEW_VOTING if voting else RENEW_RESULT,
            here=self.request.path,
            data=self.data(found, stream=stream, wall=wall),
            script="poll",
            legacy=True,
        )

    def reason(self, error: LivewallError) -> str:
        return " ".join([self.say(f"error.{error.code}"), *error.fields.values()])

    def note(self, found: dict[str, Any]) -> str:
        poll, said = found["poll"], []
        if poll["phase"] == "closed":
            return "" if found["counted"] else self.say("poll.closed_hidden")
        if poll["kind"] == "multi":
            said.append(self.say("vote.up_to", poll["max_choices"], n=poll["max_choices"]))
        if not poll["allow_change"]:
            said.append(self.say("vote.final"))
        if not found["counted"]:
            said.append(self.say(f"poll.hidden.{poll['results']}"))
        return " ".join(said)


class PollPage(AudiencePage):
    """GET /polls/ID"""

    async def get(self, id: str) -> None:
        await self.show(f"polls/{id}", None)


class WallPage(AudiencePage):
    """GET /w/CODE"""

    async def get(self, code: str) -> None:
        plain = wall_code(code)
        if plain != code:
            self.redirect(self.reverse_url("wall", plain))
            return
        await self.show(None, await self.wall_of(code, self.who))


class BallotPage(FormHandler, AudiencePage):
    """POST /polls/ID/ballot: the ballot of a browser without script."""

    async def post(self, id: str) -> None:
        given = self.fields()
        voter = self.who.voter
        here = given.get("next", "")
        try:
            if voter is None:
                raise LivewallError("no_voter")
            self.services.limits.act(voter, self.services.monotonic())
            ballot = wire.BallotIn(choices=self.lists().get("choices", []), round=_whole(given.get("round", "")))
            await cast_ballot(self.services, id, voter, ballot)
        except LivewallError as error:
            if error.status >= 500 or voter is None:
                raise
            self.set_status(error.status)
            wall = await self.wall_of(here[3:], self.who) if here.startswith("/w/") else None
            await self.show(f"polls/{id}", wall if wall and wall["active"] == f"polls/{id}" else None, error)
            return
        allowed = {self.reverse_url("poll", id)}
        if here.startswith("/w/"):
            allowed.add(self.reverse_url("wall", wall_code(here[3:])[:12]))
        self.redirect(here if here in allowed else self.reverse_url("poll", id), status=303)


class ScreenPage(Page):
    """The projector: no cookie needed, none given, always as the audience sees it."""

    framed = True
    theme = "dark"

    async def show(self, stream: str | None, wall: dict[str, Any] | None, path: str, code: str) -> None:
        found = await self.scene(wall["active"] if wall else stream, NOBODY)
        poll = found["poll"]
        url = self.services.base_url + path
        reachable = is_reachable(self.services.base_url)
        self.render(
            "screen.html",
            **found,
            wall=wall,
            theme="light" if self.argument("theme") == "light" else "dark",
            rules=self.rules(poll) if poll else "",
            note=self.note(found) if poll else "",
            qr=qr_svg(url) if reachable else "",
            address=short(self.services.base_url + ("/w" if code else path)),
            code=f"{code[:3]} {code[3:]}" if code else "",
            data=self.data(found, stream=stream, wall=wall),
            script="screen",
            legacy=True,
        )

    def rules(self, poll: dict[str, Any]) -> str:
        said = [self.say(f"poll.assurance.{poll['assurance']}")]
        if poll["kind"] == "multi":
            said.append(self.say("poll.up_to", poll["max_choices"], n=poll["max_choices"]))
        said.append(self.say("poll.may_change" if poll["allow_change"] else "poll.is_final"))
        return " · ".join(said)

    def note(self, found: dict[str, Any]) -> str:
        if found["counted"]:
            return ""
        poll = found["poll"]
        return self.say("poll.closed_hidden" if poll["phase"] == "closed" else f"poll.hidden.{poll['results']}")


class PollScreen(ScreenPage):
    """GET /polls/ID/screen"""

    async def get(self, id: str) -> None:
        await self.show(f"polls/{id}", None, self.reverse_url("poll", id), "")


class WallScreen(ScreenPage):
    """GET /w/CODE/screen"""

    async def get(self, code: str) -> None:
        wall = await self.wall_of(code, NOBODY)
        await self.show(None, wall, self.reverse_url("wall", wall["code"]), wall["code"])


class CodePage(Page):
    """GET /w: type the code; case, spaces and dashes do not matter."""

    async def get(self) -> None:
        typed = self.argument("code").strip()
        if not typed:
            self.show_form("", "")
            return
        code = wall_code(typed)
        if len(code) != 6 or any(letter not in CODE_ALPHABET for letter in code):
            self.show_form(typed, self.say("join.malformed"), status=422)
            return
        try:
            await self.wall_of(code, NOBODY)
        except NotFound:
            self.show_form(typed, self.say("join.unknown", code=code), status=404)
            return
        self.redirect(self.reverse_url("wall", code), status=303)

    def show_form(self, typed: str, wrong: str, status: int = 200) -> None:
        self.set_status(status)
        self.render("code.html", typed=typed[:20], wrong=wrong)


class TaskPage(Page):
    """GET /tasks/ID"""

    async def get(self, id: str) -> None:
        found = await self.scene(f"tasks/{id}", self.who)
        self.render("task.html", **found, data=self.data(found, stream=f"tasks/{id}", wall=None), script="task")


class HomePage(SignInPage, Page):
    """GET and POST /: sign in; signed in, the way on."""

    scripts = ("poll",)

    async def get(self) -> None:
        if self.who.role is None:
            self.render("sign_in.html", wrong="")
            return
        await self.desk_page()

    def show_error(self, error: LivewallError) -> None:
        if error.code == "bad_token" and not self.by_token:
            self.render("sign_in.html", wrong=self.say("sign.bad"))
        else:
            show_error_page(self, error)


def is_reachable(base_url: str) -> bool:
    """Whether a phone can open this address: not one of the machine's own loopback."""
    host = urlsplit(base_url).hostname or ""
    return not (host in ("localhost", "::1") or host.startswith("127."))


def short(url: str) -> str:
    """An address as it is typed."""
    return url.partition("://")[2]


def qr_svg(url: str) -> str:
    """A QR code as SVG without inline style."""
    out = io.BytesIO()
    segno.make(url, error="m").save(out, kind="svg", border=3, xmldecl=False, svgns=True, omitsize=True, title=url)
    return out.getvalue().decode()


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None


def routes(plain: dict[str, Any]) -> list[URLSpec]:
    """The pages' part of the table of addresses."""
    return [
        URLSpec(r"/", HomePage, plain, name="home"),
        URLSpec(r"/w", CodePage, plain, name="code"),
        URLSpec(rf"/w/{ID}", WallPage, plain, name="wall"),
        URLSpec(rf"/w/{ID}/screen", WallScreen, plain, name="wall_screen"),
        URLSpec(rf"/polls/{ID}", PollPage, plain, name="poll"),
        URLSpec(rf"/polls/{ID}/screen", PollScreen, plain, name="poll_screen"),
        URLSpec(rf"/polls/{ID}/ballot", BallotPage, plain, name="ballot"),
        URLSpec(rf"/tasks/{ID}", TaskPage, plain, name="task"),
        *desk_routes(plain),
    ]
