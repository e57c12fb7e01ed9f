"""The forms with which the audience asks and votes up, for browsers without scripts."""

from __future__ import annotations

import asyncio
from typing import Any

from handlers.pages.audience import RefusedForm
from handlers.pages.desk import decode_fields
from handlers.pages.form import FormHandler
from handlers.pages.poll_form import whole_number
from handlers.pages.wall import RefusedQuestion, WallPage
from handlers.request_bodies import TEXT_BODY
from livewall import wire
from livewall.errors import BadInput, LivewallError, NotFound
from livewall.names import wall_code
from livewall.questions.questions import Asked, Voted
from livewall.rooms.access import check_is_somebody, speaker
from livewall.store.writer import settle
from livewall.wall_rows import Wall

ERRORS = {"closed", "no_voter", "rate", "conflict", "not_found"}
"""Errors that questions word in their own way."""
SOON = 10.0
"""Seconds for which nobody is told to come back later."""


class QuestionForm(FormHandler, WallPage):
    """POST /w/CODE/questions"""

    body_limit = TEXT_BODY

    refused: RefusedQuestion | None = None

    def authorize_change(self) -> None:
        """Who may ask depends on the wall."""

    async def get(self, code: str) -> None:
        self.redirect(f"{self.reverse_url('wall', wall_code(code)[:12])}?tab=questions")

    async def post(self, code: str) -> None:
        if self.who.role is None and self.who.voter is None:
            self.needs_form_token = False  # nothing is changed without a voter: the answer says why, and what to do
        form = self.fields()
        wall = await self.wall_of(code, self.who)
        if wall.setting == "off":
            raise NotFound("not_found", "this wall takes no questions")
        try:
            check_is_somebody(self.who)
            end = await self.act(wall, form)
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(403 if error.code == "no_voter" else error.status)
            self.refused = RefusedQuestion(self.words_of(error), form)
            await self.show(None, wall)
            return
        self.redirect(f"{self.reverse_url('wall', wall.code)}?tab=questions{end}", status=303)

    async def act(self, wall: Wall, form: dict[str, str]) -> str:
        """Carry out what a form asks for. Return the end of the address to go to. Raises LivewallError."""
        limits, now, loop = self.services.limits, self.services.monotonic(), asyncio.get_running_loop()
        do = form.get("do", "")
        if do == "ask":
            limits.ask(speaker(self.who), wall.code, now, host=self.who.host)
            fields = {"text": form.get("text", ""), "id": form.get("id", "")[:64] or None}
            given = decode_fields(fields | {"anonymous": form.get("anonymous") == "1"}, wire.QuestionIn)
            asked: asyncio.Future[Asked] = loop.create_future()
            self.services.questions.ask(wall.code, given, self.who, settle(asked))
            question = (await asked).question
            return "&done=waiting" if question.state == "pending" else f"&done=asked#q{question.n}"
        if do not in ("up", "down"):
            raise BadInput("invalid", "unknown act")
        number = whole_number(form, "n") or 0
        limits.act(speaker(self.who), now)
        voted: asyncio.Future[Voted] = loop.create_future()
        self.services.questions.vote(wall.code, number, self.who, settle(voted), up=do == "up")
        await voted
        return f"#q{number}"

    async def page_values(
        self, stream: str | None, wall: Wall | None, refused: RefusedForm | None = None
    ) -> dict[str, Any]:
        values = await super().page_values(stream, wall, refused)
        if wall is not None and values["tabs"] is not None:
            values |= await self.question_values(wall, values["tabs"], self.refused)
        return values

    def words_of(self, error: LivewallError) -> str:
        """Return an error in words."""
        if error.code == "rate" and error.retry_after and error.retry_after > SOON:
            minutes = max(1, round(error.retry_after / 60 + 0.499))
            return self.say("question.later", minutes, n=minutes)
        if error.fields:
            return " ".join(error.fields.values())
        return self.say(f"question.error.{error.code}" if error.code in ERRORS else f"error.{error.code}")

    def back_link(self) -> tuple[str, str]:
        code = wall_code(self.path_args[0])[:12]
        return f"{self.reverse_url('wall', code)}?tab=questions", self.say("tabs.questions")
