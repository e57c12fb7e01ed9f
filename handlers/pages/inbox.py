"""The page of private messages: the reader's own conversations and one of them, with forms for browsers without
scripts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from handlers.pages.desk import decode_fields
from handlers.pages.form import FormHandler
from handlers.pages.rooms import REFRESH, SHOWN, Refused, RoomPages
from handlers.request_bodies import TEXT_BODY
from handlers.view_models.inbox_talk import first_unread, short_time
from handlers.view_models.room_talk import lines_of
from livewall import wire
from livewall.errors import BadInput, LivewallError, NotFound
from livewall.listing import Listing
from livewall.rooms.access import check_is_somebody, speaker
from livewall.rooms.inbox_pages import Listed, Pair
from livewall.rooms.rows import PersonShown

LISTED = 100
WORDED = {"blocked", "closed", "conflict", "muted", "rate"}
"""Errors that are worded otherwise for private messages than for a room."""


class InboxPage(RoomPages):
    """GET /inbox"""

    compressed = False  # others write here, and the page has a token for the reader's forms

    async def get(self) -> None:
        await self.show({"c": self.argument("c"), "room": self.argument("room"), "person": self.argument("person")})

    async def show(self, asked: Mapping[str, str], refused: Refused | None = None) -> None:
        """Render the page with the conversation that is asked for, which may have no message yet."""
        known = self.is_known
        is_get = self.request.method != "POST"
        if asked.get("c") and not known:
            raise NotFound("not_found", f"you have no conversation {asked['c'][:40]}")
        pair = await self.pair(asked) if known else None
        conversation = pair.conversation if pair else None
        before = self.number("before", None, minimum=1) if is_get else None
        more = self.argument("more") or None if is_get else None
        messages, page = [], Listing[Listed]([], None)
        if conversation is not None:
            messages = await self.services.inbox.messages(conversation.id, self.who, before=before, limit=SHOWN)
        if known:
            page = await self.services.inbox.overview(self.who, limit=LISTED, before=more)
        blocks = conversation is not None and conversation.blocked
        asks_to_write = is_get and self.argument("write") == "1"
        writing = pair is not None and not blocks and (bool(refused) or conversation is None or asks_to_write)
        form = (refused and refused.form) or {}
        me = PersonShown(pair.me, "", "", muted=False, here=True) if pair else None
        self.render(
            "inbox.html",
            pair=pair,
            conversation=conversation,
            blocks=blocks,
            listed=page.items,
            more=page.next,
            unread=await self.services.inbox.unread(self.who),
            lines=lines_of(messages, me),
            first_unread=first_unread(messages, pair.me, conversation.unread) if pair and conversation else None,
            older=messages[0].n if messages and messages[0].n > 1 else None,
            newest=before is None,
            known=known,
            refresh=0 if writing or before or more or not known else REFRESH,
            writing=writing,
            refused=refused or Refused(),
            typed=form.get("text", ""),
            message_id=form.get("id") or secrets.token_urlsafe(9),
            short_time=short_time,
            now=self.now(),
            data={
                "lang": self.locale.code.replace("_", "-"),
                "listed": [listed_data(each) for each in page.items],
                "open": open_data(pair),
            },
            script="inbox",
        )

    @property
    def is_known(self) -> bool:
        """Whether the reader has private messages at all: nobody else than a voter or somebody with a role has."""
        return self.who.role is not None or self.who.voter is not None

    async def pair(self, asked: Mapping[str, str]) -> Pair | None:
        """Return the two of the conversation that is asked for, or None. Raises NotAllowed, NotFound."""
        if asked.get("c"):
            return await self.services.inbox.pair(asked["c"], self.who)
        if asked.get("room") and asked.get("person"):
            return await self.services.inbox.pair_in(asked["room"], asked["person"], self.who)
        return None

    def reason(self, error: LivewallError) -> str:
        return self.say(f"inbox.error.{error.code}") if error.code in WORDED else super().reason(error)

    def address_of(self, pair: Pair) -> str:
        page = self.reverse_url("inbox")
        if pair.conversation is None:
            return f"{page}?room={pair.room.name}&person={pair.other.id}"
        return f"{page}?c={pair.conversation.id}"

    def get_template_namespace(self) -> dict[str, Any]:
        return super().get_template_namespace() | {"address_of": self.address_of}

    def back_link(self) -> tuple[str, str]:
        return self.reverse_url("inbox"), self.say("inbox.title")


def listed_data(each: Listed) -> dict[str, Any]:
    """Return what the stream may not have of a conversation in the list."""
    return {"id": each.conversation.id, "room": each.conversation.room, "title": each.title, "last": each.last}


def open_data(pair: Pair | None) -> dict[str, Any] | None:
    """Return what the page's scripts have to know of the two whose conversation is open."""
    if pair is None:
        return None
    other: PersonShown = pair.other
    return {
        "room": pair.room.name,
        "title": pair.room.title,
        "me": pair.me,
        "with": other,
        "conversation": pair.conversation,
    }


class InboxForm(FormHandler, InboxPage):
    """GET and POST /desk/inbox: what the forms of private messages do. Blocking is asked about on a page of its own."""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        """Everybody may change what is theirs."""

    async def get(self) -> None:
        pair = await self.pair({"c": self.argument("c")}) if self.is_known else None
        if pair is None or self.argument("do") != "block":
            self.redirect(self.reverse_url("inbox"))
            return
        self.render("inbox_sure.html", pair=pair)

    async def post(self) -> None:
        if not self.is_known:
            self.needs_form_token = False  # nothing is changed without a voter: the answer says why, and what to do
        form = self.fields()
        try:
            check_is_somebody(self.who)
            anchor = await self.act(form)
        except LivewallError as error:
            if error.status >= 500 or error.status == 404 or error.code == "no_voter":
                raise
            self.set_status(error.status)
            await self.show(form, Refused(self.reason(error), form))
            return
        self.redirect(anchor, status=303)

    async def act(self, form: dict[str, str]) -> str:
        """Carry out what a form asks for. Return the address to go to. Raises LivewallError."""
        pair = await self.pair(form)
        if pair is None:
            raise BadInput("invalid", "say which conversation is meant")
        match form.get("do", ""):
            case "say":
                pair = await self.send_message(pair, form)
                return f"{self.address_of(pair)}#newest"
            case "block" | "unblock" as act:
                await self.edit(pair, wire.ConversationEdit(blocked=act == "block"))
            case "read":
                await self.mark_read(pair)
            case _:
                raise BadInput("invalid", "unknown act")
        return self.address_of(pair)

    async def send_message(self, pair: Pair, form: dict[str, str]) -> Pair:
        """Write a message. Who writes has read what stands above."""
        self.services.limits.say(speaker(self.who), self.services.monotonic())
        fields = {"text": form.get("text", ""), "id": form.get("id", "")[:64] or None}
        given = decode_fields(fields, wire.PrivateMessageIn)
        await self.services.inbox.write(pair.room.name, pair.other.id, given, self.who)
        pair = await self.services.inbox.pair_in(pair.room.name, pair.other.id, self.who)
        if pair.conversation is not None and pair.conversation.unread:
            await self.mark_read(pair)
        return pair

    async def mark_read(self, pair: Pair) -> None:
        if pair.conversation is not None:
            await self.edit(pair, wire.ConversationEdit(read=pair.conversation.messages))

    async def edit(self, pair: Pair, given: wire.ConversationEdit) -> None:
        self.services.limits.act(speaker(self.who), self.services.monotonic())
        if pair.conversation is not None:
            await self.services.inbox.edit(pair.conversation.id, given, self.who)
