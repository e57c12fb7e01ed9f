"""The pages of rooms: the list, one room with what is said there, and their forms for browsers without scripts."""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from typing import Any, NamedTuple

from msgspec import UNSET

from handlers.pages.desk import decode_fields
from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.pages.poll_form import whole_number
from handlers.request_bodies import TEXT_BODY
from handlers.view_models.option_rows import format_count
from handlers.view_models.room_talk import excerpt, lines_of, why_not
from handlers.view_models.task_times import format_timestamp
from livewall import wire
from livewall.errors import BadInput, LivewallError
from livewall.rooms.access import check_is_somebody, speaker
from livewall.rooms.rooms import Said
from livewall.store.writer import settle

LISTED = 100
SHOWN = 50
"""The number of messages on a page without scripts."""
REFRESH = 10
"""The seconds after which a page without scripts reloads. It never does while somebody may be writing."""
FIELDS = {"title": "rooms.name", "name": "rooms.address", "slow": "rooms.slow"}
"""The keys of the texts that name the fields of the API in forms."""
ERRORS = {"closed", "no_voter", "rate", "forbidden"}
"""Errors that a room words in its own way."""


class RoomPages(Page):
    """The base of these pages."""

    scripts: tuple[str, ...] = ("live", "room", "inbox", "error")

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {"format_count": format_count, "excerpt": excerpt}

    def reason(self, error: LivewallError) -> str:
        """Return an error in words. One with fields names those that are wrong."""
        if error.fields:
            return " ".join(f"{self.field_name(name)}: {why}." for name, why in error.fields.items())
        if error.code == "slow" and error.retry_after:
            seconds = max(1, round(error.retry_after + 0.499))
            return self.say("room.slow_left", seconds, n=seconds)
        return self.say(f"room.error.{error.code}" if error.code in ERRORS else f"error.{error.code}")

    def field_name(self, field: str) -> str:
        return self.say(FIELDS[field]) if field in FIELDS else field


class RoomsPage(RoomPages):
    """GET /rooms: the rooms that the reader may read, and for hosts the form for a new one."""

    compressed = False  # it has a number that only its reader may know, and the titles of rooms

    async def get(self) -> None:
        await self.show_list()

    async def show_list(self, error_text: str = "", typed: dict[str, str] | None = None) -> None:
        before = self.argument("before") or None if self.request.method == "GET" else None
        page = await self.services.rooms.list(self.who, limit=LISTED, before=before)
        unread = await self.services.inbox.unread(self.who)
        self.render(
            "rooms.html", rooms=page.items, older=page.next, error_text=error_text, typed=typed or {}, unread=unread
        )


class NewRoomForm(FormHandler, RoomsPage):
    """POST /desk/rooms"""

    write_right = "host"

    async def post(self) -> None:
        form = self.fields()
        title = form.get("title", "").strip()
        try:
            given = {
                "name": form.get("name", "").strip() or address_of(title),
                "title": title,
                "write": form.get("write", "all"),
                "read": form.get("read", "all"),
                "slow": whole_number(form, "slow") or 0,
            }
            room, _ = await self.services.rooms.create(decode_fields(given, wire.RoomIn), self.who)
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            await self.show_list(self.say("rooms.taken") if error.code == "conflict" else self.reason(error), form)
            return
        self.redirect(f"{self.reverse_url('room', room.name)}?done=create", status=303)

    def back_link(self) -> tuple[str, str]:
        return self.reverse_url("rooms"), self.say("rooms.title")


def address_of(title: str) -> str:
    """Return a name for the address of a room, made of the letters of its title or, without any, drawn at random."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-") or f"room-{secrets.token_hex(3)}"


class Refused(NamedTuple):
    """A form that was refused: the reason, and what was filled in. The page shows it again."""

    text: str = ""
    form: dict[str, str] | None = None


class RoomPage(RoomPages):
    """GET /rooms/NAME"""

    compressed = False  # everybody writes here, and the page has a token for the reader's forms

    async def get(self, name: str) -> None:
        await self.show(name)

    async def show(self, name: str, refused: Refused | None = None) -> None:
        room, version = await self.services.rooms.get(name, self.who)
        is_get = self.request.method != "POST"
        self.services.room_presence.visited(name, self.who)
        before = self.number("before", None, minimum=1) if is_get else None
        search = self.argument("q")[:200] if is_get else ""
        if search:
            self.services.limits.search(self.counted_as, self.services.monotonic())
        self.ensure_voter()
        me = await self.services.rooms.me(name, self.who)
        messages = await self.services.rooms.history(
            name, self.who, before=before, after=None, limit=SHOWN, search=search
        )
        muted = await self.services.rooms.muted(name) if self.who.host else {}
        forbidden = "" if me is None else why_not(room, self.who)
        writing = not forbidden and (refused is not None or (is_get and self.argument("write") == "1"))
        self.render(
            "room.html",
            room=room,
            version=version,
            me=me,
            lines=lines_of(messages, me),
            older=messages[0].n if len(messages) == SHOWN and messages[0].n > 1 else None,
            newest=before is None and not search,
            search=search,
            forbidden=forbidden,
            refresh=0 if writing or before or search else REFRESH,
            writing=writing,
            refused=refused or Refused(),
            typed=(refused.form if refused else None) or {},
            message_id=((refused and refused.form) or {}).get("id") or secrets.token_urlsafe(9),
            reply_to=self.number("reply", None, minimum=1) if is_get else None,
            done=self.argument("done") if is_get else "",
            muted=muted,
            unread=await self.services.inbox.unread(self.who),
            data={
                "stream": f"rooms/{name}",
                "room": room,
                "lang": self.locale.code.replace("_", "-"),
                "me": me,
                "host": self.who.host,
                "signedIn": self.who.role is not None,
                "muted": muted,
            },
            format_timestamp=format_timestamp,
            script="room",
        )

    def back_link(self) -> tuple[str, str]:
        return self.reverse_url("rooms"), self.say("rooms.title")


class RoomForm(FormHandler, RoomPage):
    """GET and POST /desk/rooms/NAME: what the forms of a room do. What cannot be taken back is asked for on a page of
    its own, because the page of the room reloads by itself."""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        """Who may do what depends on the act, and on the room."""

    async def get(self, name: str) -> None:
        room, version = await self.services.rooms.get(name, self.who)
        number = self.number("n", None, minimum=1)
        act = self.argument("do")
        if act == "withdraw" and number is not None:
            found = await self.services.rooms.history(name, self.who, before=number + 1, after=None, limit=1, search="")
            line = next(iter(lines_of(found, None)), None)
            if line is not None and line.message.n == number and not line.is_withdrawn:
                self.render("room_sure.html", room=room, act=act, line=line, version=version)
                return
        elif act == "delete":
            self.require("host")
            self.render("room_sure.html", room=room, act=act, line=None, version=version)
            return
        self.redirect(self.reverse_url("room", name))

    async def post(self, name: str) -> None:
        if self.who.role is None and self.who.voter is None:
            self.needs_form_token = False  # nothing is changed without a voter: the answer says why, and what to do
        form = self.fields()
        try:
            check_is_somebody(self.who)
            anchor = await self.act(name, form)
        except LivewallError as error:
            if error.status >= 500 or error.status == 404:
                raise
            self.set_status(403 if error.code == "no_voter" else error.status)
            await self.show(name, Refused(self.reason(error), form))
            return
        self.redirect(anchor, status=303)

    async def act(self, name: str, form: dict[str, str]) -> str:
        """Carry out what a form asks for. Return the address to go to. Raises LivewallError."""
        page, rooms = self.reverse_url("room", name), self.services.rooms
        match form.get("do", ""):
            case "say":
                await self.say_something(name, form)
                return f"{page}?write=1#write" if form.get("more") else f"{page}#newest"
            case "name":
                self.services.limits.say(speaker(self.who), self.services.monotonic())
                given = decode_fields({"name": form.get("name", "")}, wire.PersonName)
                await rooms.claim_name(name, given, self.who)
                return f"{page}?write=1#write"
            case "withdraw":
                self.services.limits.act(speaker(self.who), self.services.monotonic())
                await rooms.withdraw(name, whole_number(form, "n") or 0, self.who)
                return page
        self.require("host")
        match form.get("do"):
            case "mute" | "unmute" as act:
                await rooms.mute(name, form.get("person", ""), self.who, muted=act == "mute")
            case "close" | "open" as act:
                await rooms.edit(name, wire.RoomEdit(closed=act == "close"), self.who)
            case "slow":
                edit = decode_fields({"slow": whole_number(form, "slow") or 0}, wire.RoomEdit)
                await rooms.edit(name, edit, self.who)
            case "delete":
                await rooms.delete(name, self.who)
                return self.reverse_url("rooms")
            case _:
                raise BadInput("invalid", "unknown act")
        return page

    async def say_something(self, name: str, form: dict[str, str]) -> None:
        fields = {"text": form.get("text", ""), "id": form.get("id", "")[:64] or None}
        given = decode_fields(fields, wire.MessageIn)
        self.services.limits.say(speaker(self.who), self.services.monotonic(), room=name, size=len(given.text))
        given.reply_to = whole_number(form, "reply_to") or UNSET
        said: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self.services.rooms.say(name, given, self.who, settle(said))
        await said
