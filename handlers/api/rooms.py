"""Rooms over HTTP."""

from __future__ import annotations

import asyncio
import re

from handlers.api.answers import Muted
from handlers.base import ApiHandler
from handlers.request_bodies import TEXT_BODY
from livewall import wire
from livewall.errors import NotFound, invalid
from livewall.rooms.access import check_is_somebody, check_may_take_name, speaker
from livewall.rooms.export import FORMATS
from livewall.rooms.rooms import Said
from livewall.store.writer import settle

MAX_PAGE = 200


class RoomsHandler(ApiHandler):
    """POST and GET /api/rooms"""

    write_right = "host"

    async def get(self) -> None:
        self.answer(await self.services.rooms.list(self.who, **self.page_arguments()))

    async def post(self) -> None:
        room, version = await self.services.rooms.create(self.body(wire.RoomIn), self.who)
        self.set_header("Location", f"/api/rooms/{room.name}")
        self.answer(room, 201, version=version)


class RoomHandler(ApiHandler):
    """GET, PUT and DELETE /api/rooms/NAME"""

    write_right = "host"

    async def get(self, name: str) -> None:
        room, version = await self.services.rooms.get(name, self.who)
        self.answer_versioned(room, version)

    async def put(self, name: str) -> None:
        room, version = await self.services.rooms.edit(
            name, self.body(wire.RoomEdit), self.who, version=self.if_match()
        )
        self.answer(room, version=version)

    async def delete(self, name: str) -> None:
        self.body(wire.Nothing)
        await self.services.rooms.delete(name, self.who)
        self.answer({})


class MessagesHandler(ApiHandler):
    """GET and POST /api/rooms/NAME/messages"""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def get(self, name: str) -> None:
        search = self.argument("q")[:200]
        if search:
            self.services.limits.search(self.counted_as, self.services.monotonic())
        found = await self.services.rooms.history(
            name,
            self.who,
            before=self.number("before", None, minimum=1),
            after=self.number("after", None),
            limit=self.number("limit", 50, minimum=1, maximum=MAX_PAGE) or 0,
            search=search,
        )
        self.answer({"items": found})

    async def post(self, name: str) -> None:
        now, given = self.services.monotonic(), self.body(wire.MessageIn)
        self.services.limits.say(speaker(self.who), now, room=name, size=len(given.text))
        future: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self.services.rooms.say(name, given, self.who, settle(future))
        said = await future
        self.answer(said.message, 201 if said.new else 200)


class MessagesOfPersonHandler(ApiHandler):
    """POST and DELETE /api/rooms/NAME/people/ID/messages: write to a person; erase what a person said"""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        if self.request.method == "DELETE":
            self.require("host")
        else:
            check_is_somebody(self.who)

    async def post(self, name: str, person: str) -> None:
        self.services.limits.say(speaker(self.who), self.services.monotonic())
        written = await self.services.inbox.write(name, person, self.body(wire.PrivateMessageIn), self.who)
        self.answer(written.message, 201 if written.new else 200)

    async def delete(self, name: str, person: str) -> None:
        self.body(wire.Nothing)
        self.answer(await self.services.message_erasure.erase(name, person, self.who))


class ExportHandler(ApiHandler):
    """GET /api/rooms/NAME/export"""

    async def get(self, name: str) -> None:
        self.require("host")
        kind = self.argument("format", "jsonl")
        if kind not in FORMATS:
            raise invalid("format", f"must be one of {', '.join(FORMATS)}")
        room, _ = await self.services.rooms.get(name, self.who)
        export = FORMATS[kind]
        self.set_header("Content-Type", f"{export.media_type}; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{room.name}.{kind}"')
        self.write(export.heading)
        # A part at a time, and the next one when this one was sent: a long history takes no more memory.
        all_messages = self.services.rooms.all_messages(name, self.who)
        if await self.send_parts("".join(map(export.line, messages)) async for messages in all_messages):
            self.finish()


class MessageHandler(ApiHandler):
    """PUT and DELETE /api/rooms/NAME/messages/N"""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def put(self, name: str, number: str) -> None:
        given = self.body(wire.MessageEdit)
        self.services.limits.edit(speaker(self.who), self.services.monotonic())
        self.answer(await self.services.rooms.edit_message(name, _number(number), given, self.who))

    async def delete(self, name: str, number: str) -> None:
        self.body(wire.Nothing)
        self.services.limits.act(speaker(self.who), self.services.monotonic())
        self.answer(await self.services.rooms.withdraw(name, _number(number), self.who))


class NameHandler(ApiHandler):
    """PUT /api/rooms/NAME/me"""

    def authorize_change(self) -> None:
        check_may_take_name(self.who)

    async def put(self, name: str) -> None:
        self.services.limits.say(speaker(self.who), self.services.monotonic())
        self.answer(await self.services.rooms.claim_name(name, self.body(wire.PersonName), self.who))


class PeopleHandler(ApiHandler):
    """GET /api/rooms/NAME/people"""

    async def get(self, name: str) -> None:
        self.answer(await self.services.rooms.people(name, self.who, **self.page_arguments()))


class PersonHandler(ApiHandler):
    """PUT /api/rooms/NAME/people/ID"""

    write_right = "host"

    async def put(self, name: str, person: str) -> None:
        given = self.body(wire.PersonEdit)
        await self.services.rooms.mute(name, person, self.who, muted=given.muted)
        self.answer(Muted(person, given.muted))


def _number(text: str) -> int:
    """Return the number of a message in an address. Raises NotFound."""
    if not re.fullmatch("[1-9][0-9]{0,11}", text):
        raise NotFound("not_found", f"there is no message {text[:20]} in this room")
    return int(text)
