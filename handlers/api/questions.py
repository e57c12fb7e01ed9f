"""The questions of a wall over HTTP."""

from __future__ import annotations

import asyncio
import re

from handlers.base import ApiHandler
from handlers.request_bodies import TEXT_BODY
from livewall import wire
from livewall.errors import NotFound
from livewall.questions.questions import Asked, Voted
from livewall.rooms.access import check_is_somebody, speaker
from livewall.store.writer import settle


class QuestionsHandler(ApiHandler):
    """GET and POST /api/walls/CODE/questions"""

    body_limit = TEXT_BODY

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def get(self, code: str) -> None:
        self.answer(await self.services.questions.list(code, self.who))

    async def post(self, code: str) -> None:
        given = self.body(wire.QuestionIn)
        self.services.limits.ask(speaker(self.who), code, self.services.monotonic(), host=self.who.host)
        future: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
        self.services.questions.ask(code, given, self.who, settle(future))
        asked = await future
        self.answer(asked.question, 201 if asked.new else 200)


class QuestionHandler(ApiHandler):
    """PUT /api/walls/CODE/questions/N"""

    body_limit = TEXT_BODY
    write_right = "host"

    async def put(self, code: str, number: str) -> None:
        given = self.body(wire.QuestionEdit)
        self.answer(await self.services.questions.decide(code, question_number(number), given, self.who))


class QuestionVoteHandler(ApiHandler):
    """PUT and DELETE /api/walls/CODE/questions/N/vote"""

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def put(self, code: str, number: str) -> None:
        await self._vote(code, number, up=True)

    async def delete(self, code: str, number: str) -> None:
        await self._vote(code, number, up=False)

    async def _vote(self, code: str, number: str, *, up: bool) -> None:
        self.body(wire.Nothing)
        self.services.limits.act(speaker(self.who), self.services.monotonic())
        future: asyncio.Future[Voted] = asyncio.get_running_loop().create_future()
        self.services.questions.vote(code, question_number(number), self.who, settle(future), up=up)
        self.answer(await future)


class ReactionsHandler(ApiHandler):
    """POST /api/walls/CODE/reactions"""

    def authorize_change(self) -> None:
        check_is_somebody(self.who)

    async def post(self, code: str) -> None:
        self.services.limits.react(speaker(self.who), self.services.monotonic())
        await self.services.reactions.react(code, self.body(wire.ReactionIn).reaction, self.who)
        self.answer({})


def question_number(text: str) -> int:
    """Return the number of a question in an address. Raises NotFound."""
    if not re.fullmatch("[1-9][0-9]{0,11}", text):
        raise NotFound("not_found", f"there is no question {text[:20]} on this wall")
    return int(text)
