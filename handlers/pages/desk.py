"""The host's desk: plain forms that create and change polls and walls, so that it works in any browser. The host page
of a wall uses the same forms.

Each form calls the same service as the API, then redirects to the place where the form was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from handlers.pages.form import FormHandler
from handlers.pages.host import HostView
from handlers.pages.login import SignInPage
from handlers.pages.page import Page
from handlers.pages.poll_form import changed_poll, new_poll, whole_number
from handlers.request_bodies import LARGE_BODY
from handlers.view_models.option_rows import format_count
from handlers.view_models.task_times import elapsed_seconds, elapsed_text
from livewall import wire
from livewall.errors import BadInput, LivewallError, Stale, invalid
from livewall.names import is_name, wall_code
from livewall.tasks.machine import has_ended
from livewall.voting.poll import Phase, Poll, is_public
from livewall.wall_rows import Wall

LISTED = 50
WATCHED = 16
"""The number of polls whose counts are live on the desk, which is the number of streams that a connection may have."""
ENDED = 10
"""The number of ended tasks that are listed below the running ones."""
FIELDS = {
    "title": "home.title_field",
    "options": "home.options_field",
    "max_choices": "home.max",
    "closes_in": "home.closes_in",
    "wall": "home.wall",
    "assurance": "home.assurance",
    "quorum": "host.quorum",
}
"""The keys of the texts that name the fields of the API in forms."""


@dataclass(frozen=True)
class DeskPoll:
    """A poll in the list. `hidden` says that it is open on a wall that shows something else, `hosts_only` that only
    hosts see its tally."""

    poll: Poll
    ballots_text: str
    hidden: bool
    hosts_only: bool


class DeskPage(Page):
    """Lists walls and polls with their controls."""

    scripts: tuple[str, ...] = ("live", "poll", "error")

    async def desk(self, *, error_text: str = "", typed: dict[str, str] | None = None) -> None:
        walls = await self.walls()
        polls = await self.polls({wall.code: wall.active for wall in walls})
        tasks = (await self.services.tasks.list(limit=LISTED)).items
        titles = {f"polls/{each.poll.id}": each.poll.title for each in polls}
        titles |= {f"tasks/{task.id}": task.title for task in tasks}
        for item in {i for wall in walls for i in wall.items} - titles.keys():
            titles[item] = await self.item_title(item)
        visible_tasks = tasks if self.who.operator else []
        clock = self.services.clock()
        live_streams = [f"polls/{each.poll.id}" for each in polls if each.poll.phase is Phase.OPEN][:WATCHED]
        if not live_streams and (self.who.host or self.who.operator):
            live_streams = ["tasks"]  # so that the page notices when the server is gone
        self.render(
            "home.html",
            polls=polls,
            walls=walls,
            tasks=[task for task in visible_tasks if not has_ended(task.state)],
            ended=[task for task in visible_tasks if has_ended(task.state)][:ENDED],
            elapsed=lambda task: elapsed_text(task, clock),
            seconds=lambda task: elapsed_seconds(task, clock),
            titles=titles,
            only=None,
            here=self.reverse_url("home"),
            done=self.argument("done"),
            at=self.argument("at"),
            error_text=error_text,
            typed=typed or {},
            base_url=self.services.base_url,
            ballot_days=self.services.settings.ballot_days,
            data={"streams": live_streams, "lang": self.locale.code.replace("_", "-")},
            script="desk",
        )

    async def polls(self, active: Mapping[str, str | None]) -> list[DeskPoll]:
        """Return the newest polls. `active` has the active item of each wall on the desk."""
        if not self.who.host:
            return []
        return [await self.desk_poll(poll, active) for poll in (await self.services.polls.list(limit=LISTED)).items]

    async def desk_poll(self, poll: Poll, active: Mapping[str, str | None]) -> DeskPoll:
        ballots_text = ""
        if poll.phase is not Phase.DRAFT:
            detail, _ = await self.services.polls.detail(poll.id, self.who)
            ballots = detail.tally.ballots if detail.tally else 0
            ballots_text = self.say("poll.ballots", ballots, n=format_count(ballots))
        return DeskPoll(
            poll,
            ballots_text,
            hidden=poll.phase is Phase.OPEN
            and poll.wall is not None
            and active.get(poll.wall, f"polls/{poll.id}") != f"polls/{poll.id}",
            hosts_only=poll.phase is not Phase.DRAFT and not is_public(poll),
        )

    async def walls(self) -> list[Wall]:
        return (await self.services.walls.list(limit=LISTED)).items if self.who.host else []

    async def item_title(self, item: str) -> str:
        """Return the title of an item that is in no list: the questions, a room, or one that is too old."""
        kind, _, poll_id = item.partition("/")
        if kind == "questions":
            return self.say("host.asks_item")
        try:
            if kind == "rooms":
                return (await self.services.rooms.get(poll_id, self.who))[0].title
            if kind == "tasks":
                return (await self.services.tasks.detail(poll_id, self.who)).title
            if kind == "rooms":
                return (await self.services.rooms.get(poll_id, self.who))[0].title
            if kind == "questions":
                return self.say("tabs.questions")
            return (await self.services.polls.detail(poll_id, self.who))[0].title
        except LivewallError:
            return self.say("home.untitled")


class HomePage(SignInPage, DeskPage):
    """GET and POST /: the form to sign in, or the desk for those who are signed in."""

    async def get(self) -> None:
        if self.who.role is None:
            self.render("sign_in.html", error_text="")
        else:
            await self.desk()

    def show_error(self, error: LivewallError) -> None:
        if error.code == "bad_token" and self.request.method == "POST":
            self.render("sign_in.html", error_text=self.say("sign.bad"))
        else:
            super().show_error(error)


class DeskForm(FormHandler, DeskPage, HostView):
    """A form of the desk or of a wall's host page (`only`).

    An error is shown together with what was typed. A form with a `version` does not overwrite what somebody else has
    changed since.
    """

    write_right = "host"
    body_limit = LARGE_BODY

    async def post(self, *args: str) -> None:
        form = self.fields()
        only = form.get("only") or None
        try:
            done, anchor = await self.act(form, *args)
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            messages = [
                self.say(f"error.{error.code}"),
                *(f"{self.label(n)}: {why}." for n, why in error.fields.items()),
            ]
            error_text = " ".join(messages if error.fields or isinstance(error, Stale) else [error.message])
            if only:
                await self.render_host(only, error_text=error_text, typed=form)
            else:
                await self.desk(error_text=error_text, typed=form)
            return
        page = self.reverse_url("wall_host", wall_code(only)[:12]) if only else self.reverse_url("home")
        self.redirect(f"{page}?done={done}" + (f"&at={anchor}#{anchor}" if anchor else ""), status=303)

    def label(self, field: str) -> str:
        """Return the name of a field in the form; `options[1]` is the second option."""
        if match := re.fullmatch(r"options\[(\d+)\].*", field):
            return f"{self.say('poll.option')} {int(match[1]) + 1}"
        key = FIELDS.get(field)
        return self.say(key) if key else field

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        """Carry out the action. Return its name and the place of its item on the desk. Raises LivewallError."""
        raise NotImplementedError


class NewPollForm(DeskForm):
    """POST /desk/polls"""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        poll, _ = await self.services.polls.create(decode_fields(new_poll(form), wire.PollIn), self.who)
        return "create", f"poll-{poll.id}"


class PollForm(DeskForm):
    """POST /desk/polls/ID"""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        polls, poll_id, act = self.services.polls, args[0], form.get("do", "")
        version = whole_number(form, "version")
        match act.partition(":"):
            case "open", _, _:
                await polls.open(poll_id, self.who, version=version)
            case "close", _, _:
                await polls.close(poll_id, self.who, version=version)
            case "publish" | "withdraw", _, _:
                await polls.publish(poll_id, act == "publish", self.who, version=version)
            case "hide", _, _:
                edit = wire.PollEdit(results="on_publish")
                _, version = await polls.edit(poll_id, edit, self.who, version=version)
                await polls.publish(poll_id, False, self.who, version=version)
            case "reset", _, _:
                await polls.reset(poll_id, whole_number(form, "round") or 0, self.who, version=version)
            case "edit", _, _:
                options = (await polls.detail(poll_id, self.who))[0].options
                await polls.edit(
                    poll_id, decode_fields(changed_poll(form, options), wire.PollEdit), self.who, version=version
                )
            case "duplicate", _, _:
                copy, _ = await polls.duplicate(poll_id, self.who)
                return "copy", f"poll-{copy.id}"
            case "add" | "left" as timer, ":", seconds:
                value = int(seconds) if re.fullmatch("[0-9]{1,5}", seconds) else None
                await polls.timer(poll_id, decode_fields({timer: value}, wire.TimerIn), self.who, version=version)
                return "timer", f"poll-{poll_id}"
            case "erase", _, _:
                await self.services.erasure.erase(poll_id, self.who, version=version)
            case "archive", _, _:
                await polls.archive(poll_id, self.who, version=version)
                return act, ""
            case _:
                raise BadInput("invalid", "unknown act")
        return act, f"poll-{poll_id}"


class NewWallForm(DeskForm):
    """POST /desk/walls"""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        wall, _ = await self.services.walls.create(
            decode_fields({"title": form.get("title", "")}, wire.WallIn), self.who
        )
        return "create", f"wall-{wall.code}"


class WallForm(DeskForm):
    """POST /desk/walls/CODE: change the active item or the order of items, or remove the wall."""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        walls, item, version = self.services.walls, form.get("item") or None, whole_number(form, "version")
        match form.get("do"):
            case "archive":
                await walls.delete(args[0], self.who)
                return "archive", ""
            case "up" | "down" as direction:
                wall, _ = await walls.get(args[0], self.who)
                items = move_item(wall.items, item or "", -1 if direction == "up" else 1)
                await walls.edit(args[0], wire.WallEdit(items=items), self.who, version=version)
                return "move", (item or "").replace("polls/", "poll-")
        await walls.edit(args[0], wire.WallEdit(active=item), self.who, version=version)
        return "show", f"poll-{form['from']}" if is_name(form.get("from", "")) else f"wall-{args[0]}"


def decode_fields(value: dict[str, Any], kind: Any) -> Any:
    """Return form fields decoded as the API's own type. Raises BadInput with the invalid fields."""
    return wire.decode(msgspec.json.encode(value), kind)


def move_item(items: list[str], item: str, offset: int) -> list[str]:
    """Return the items with one of them moved by so many places. Raises BadInput if it is not among them."""
    if item not in items:
        raise invalid("item", "is not on this wall")
    others = [each for each in items if each != item]
    index = max(0, min(len(others), items.index(item) + offset))
    return [*others[:index], item, *others[index:]]
