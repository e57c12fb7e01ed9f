"""The host's desk: polls and walls made and moved by plain forms, so that it works in any browser.

Each act calls what the API calls, then leads back to where the form stood.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from tornado.routing import URLSpec

from handlers.login import FormHandler, SignInPage, show_error_page
from handlers.looks import number
from handlers.page import ID, Page
from livewall import wire
from livewall.errors import BadInput, LivewallError, NotFound
from livewall.names import is_name, wall_code
from livewall.voting.poll import tally_is_seen

LISTED = 50
WATCHED = 16
"""Polls whose counts move on the desk: as many streams as a connection may have."""
ENDED = 10
"""Tasks that ended, listed below those that run."""
LIVE_TASKS = frozenset({"pending", "running", "waiting", "cancelling"})
FIELDS = {
    "title": "home.title_field",
    "options": "home.options_field",
    "max_choices": "home.max",
    "closes_in": "home.closes_in",
    "wall": "home.wall",
    "assurance": "home.assurance",
}
"""Fields of the API and what they are called in the forms."""


class DeskPage(Page):
    """Walls and polls with their controls."""

    scripts = ("live", "poll", "error", "health")

    async def desk(self, *, only: str | None = None, wrong: str = "", typed: dict[str, str] | None = None) -> None:
        polls, walls = await self.polls(), await self.walls()
        if only is not None:
            walls = [wall for wall in walls if wall["code"] == only]
            polls = [poll for poll in polls if poll["wall"] == only]
            if not walls:
                raise NotFound(message=f"there is no wall {only[:12]}")
        tasks = await self.tasks()
        titles = {f"polls/{p['id']}": p["title"] for p in polls} | {f"tasks/{t['id']}": t["title"] for t in tasks}
        for item in {i for wall in walls for i in wall["items"]} - titles.keys():
            titles[item] = await self.title(item)
        active = {wall["code"]: wall["active"] for wall in walls}
        for poll in polls:
            poll["hidden"] = poll["phase"] == "open" and active.get(poll["wall"], "none") != f"polls/{poll['id']}"
            poll["hidden"] = poll["hidden"] and poll["wall"] in active
            seen = tally_is_seen(poll["results"], poll["phase"], poll["published"], voted=False)
            poll["hosts_only"] = poll["phase"] != "draft" and not seen
        shown = tasks if self.who.operator and not only else []
        watched = [f"polls/{poll['id']}" for poll in polls if poll["phase"] == "open"][:WATCHED]
        self.render(
            "home.html",
            polls=polls,
            walls=walls,
            tasks=[task for task in shown if task["state"] in LIVE_TASKS],
            ended=[task for task in shown if task["state"] not in LIVE_TASKS][:ENDED],
            titles=titles,
            only=only,
            health_code=only,
            here=self.reverse_url("wall_host", only) if only else self.reverse_url("home"),
            done=self.argument("done"),
            at=self.argument("at"),
            wrong=wrong,
            typed=typed or {},
            base_url=self.services.base_url,
            ballot_days=self.services.settings.ballot_days,
            data={"streams": watched, "lang": self.locale.code.replace("_", "-")},
            script="desk",
        )

    async def polls(self) -> list[dict[str, Any]]:
        """The newest polls, each with its ballots so far."""
        if not self.who.host:
            return []
        found: list[dict[str, Any]] = (await self.services.polls.list(limit=LISTED))["items"]
        for poll in found:
            poll["ballots_text"] = ""
            if poll["phase"] != "draft":
                detail, _ = await self.services.polls.detail(poll["id"], self.who)
                ballots = detail["tally"]["ballots"] if detail["tally"] else 0
                poll["ballots_text"] = self.say("poll.ballots", ballots, n=number(ballots))
        return found

    async def walls(self) -> list[dict[str, Any]]:
        if not self.who.host:
            return []
        found: list[dict[str, Any]] = (await self.services.walls.list(limit=LISTED))["items"]
        return found

    async def tasks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.services.tasks.list(limit=LISTED))["items"]
        return found

    async def title(self, item: str) -> str:
        """The title of an item that is older than the lists."""
        kind, _, id = item.partition("/")
        try:
            if kind == "tasks":
                return str((await self.services.tasks.detail(id, self.who))["title"])
            return str((await self.services.polls.detail(id, self.who))[0]["title"])
        except LivewallError:
            return self.say("home.untitled")


class HomePage(SignInPage, DeskPage):
    """GET and POST /: sign in; signed in, the desk."""

    async def get(self) -> None:
        if self.who.role is None:
            self.render("sign_in.html", wrong="")
        else:
            await self.desk()

    def show_error(self, error: LivewallError) -> None:
        if error.code == "bad_token" and self.request.method == "POST":
            self.render("sign_in.html", wrong=self.say("sign.bad"))
        else:
            show_error_page(self, error)


class WallHostPage(DeskPage):
    """GET /w/CODE/host: the desk of one wall."""

    async def get(self, code: str) -> None:
        self.need("host")
        await self.desk(only=wall_code(code))


class DeskForm(FormHandler, DeskPage):
    """A form of the desk: what was refused is shown beside what was typed."""

    async def post(self, *args: str) -> None:
        self.need("host")
        given = self.fields()
        only = given.get("only") or None
        try:
            done, place = await self.act(given, *args)
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            said = [self.say(f"error.{error.code}"), *(f"{self.label(n)}: {why}." for n, why in error.fields.items())]
            await self.desk(only=only, wrong=" ".join(said if error.fields else [error.message]), typed=given)
            return
        here = self.reverse_url("wall_host", wall_code(only)[:12]) if only else self.reverse_url("home")
        self.redirect(f"{here}?done={done}" + (f"&at={place}#{place}" if place else ""), status=303)

    def label(self, field: str) -> str:
        """A field as the form calls it; `options[1]` is the second option."""
        if found := re.fullmatch(r"options\[(\d+)\].*", field):
            return f"{self.say('poll.option')} {int(found[1]) + 1}"
        key = FIELDS.get(field)
        return self.say(key) if key else field

    async def act(self, given: dict[str, str], *args: str) -> tuple[str, str]:
        """Do it; name it, and where on the desk it stands. Raises LivewallError."""
        raise NotImplementedError


class NewPollForm(DeskForm):
    """POST /desk/polls"""

    async def act(self, given: dict[str, str], *args: str) -> tuple[str, str]:
        labels = [line.strip() for line in given.get("options", "").splitlines() if line.strip()]
        several = given.get("kind") == "multi"
        fields = {
            "title": given.get("title", ""),
            "options": labels,
            "kind": "multi" if several else "single",
            "results": given.get("results", "live"),
            "allow_change": given.get("allow_change") == "yes",
            "closes_in": whole(given, "closes_in"),
            "wall": given.get("wall") or None,
            "assurance": given.get("assurance") or "open",
        }
        if several:
            most = whole(given, "max_choices")
            fields["max_choices"] = len(labels) if most is None else most
        made, _ = await self.services.polls.create(checked(fields, wire.PollIn), self.who)
        return "create", f"poll-{made['id']}"


class PollForm(DeskForm):
    """POST /desk/polls/ID"""

    async def act(self, given: dict[str, str], *args: str) -> tuple[str, str]:
        polls, id, act = self.services.polls, args[0], given.get("do", "")
        match act:
            case "open":
                await polls.open(id, self.who)
            case "close":
                await polls.close(id, self.who)
            case "publish" | "withdraw":
                await polls.publish(id, act == "publish", self.who)
            case "reset":
                await polls.reset(id, whole(given, "round") or 0, self.who)
            case "erase":
                await self.services.erasure.poll(id, self.who)
            case "archive":
                await polls.archive(id, self.who)
                return act, ""
            case _:
                raise BadInput("invalid", "unknown act")
        return act, f"poll-{id}"


class NewWallForm(DeskForm):
    """POST /desk/walls"""

    async def act(self, given: dict[str, str], *args: str) -> tuple[str, str]:
        made, _ = await self.services.walls.create(
            checked({"title": given.get("title", "")}, wire.WallIn), self.who
        )
        return "create", f"wall-{made.code}"


class WallForm(DeskForm):
    """POST /desk/walls/CODE: what it shows, or its end."""

    async def act(self, given: dict[str, str], *args: str) -> tuple[str, str]:
        if given.get("do") == "archive":
            await self.services.walls.delete(args[0], self.who)
            return "archive", ""
        edit = wire.WallEdit(active=given.get("item") or None)
        await self.services.walls.edit(args[0], edit, self.who, version=None)
        return "show", f"poll-{given['from']}" if is_name(given.get("from", "")) else f"wall-{args[0]}"


def checked(value: dict[str, Any], kind: Any) -> Any:
    """Form fields as the API's own type. Raises BadInput with the fields that do not fit."""
    return wire.decode(msgspec.json.encode(value), kind)


def whole(given: dict[str, str], name: str) -> int | None:
    """A whole number, None for an empty field. Raises BadInput."""
    text = given.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("invalid", fields={name: "a whole number"})
    return int(text)


routes = [
    URLSpec(r"/", HomePage, name="home"),
    URLSpec(rf"/w/{ID}/host", WallHostPage, name="wall_host"),
    URLSpec(r"/desk/polls", NewPollForm, name="new_poll"),
    URLSpec(rf"/desk/polls/{ID}", PollForm, name="poll_act"),
    URLSpec(r"/desk/walls", NewWallForm, name="new_wall"),
    URLSpec(rf"/desk/walls/{ID}", WallForm, name="wall_act"),
]
