"""A WebSocket on which a voter votes in one poll. Several requests may be under way, each with its own answer."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketError, websocket_connect

from livewall.client.calls import (
    ANSWER_TIMEOUT,
    CONNECT_TIMEOUT,
    NotReached,
    Refusal,
    Server,
    Unclear,
    json_body,
    reason,
    segment,
)
from livewall.client.stream_state import Message, StreamState


class PollSocket:
    """A connection: `async with PollSocket(server, poll) as socket: await socket.vote(["2"], 1)`.

    `state` is the poll as this voter sees it. Entering raises NotReached. Requests raise Refusal, NotReached, and
    Unclear if the connection was lost before the answer arrived.
    """

    def __init__(self, server: Server, poll: str) -> None:
        self.server = server
        self.poll = poll
        self.state = StreamState(f"polls/{poll}")
        self._refs = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def __aenter__(self) -> Self:
        url = "ws" + self.server.url.removeprefix("http") + f"/ws/polls/{segment(self.poll)}"
        request = HTTPRequest(url, headers=self.server.headers(), connect_timeout=CONNECT_TIMEOUT)
        try:
            self._socket = await websocket_connect(request, max_message_size=16 << 20)
        except (OSError, HTTPError, StreamClosedError, WebSocketError) as problem:
            raise NotReached(f"{self.server.url} cannot be reached: {reason(problem)}.") from None
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        try:
            await asyncio.wait_for(self._reading, 2.0)
        except TimeoutError:
            pass

    async def vote(self, choices: Sequence[str], round_number: int) -> dict[str, Any]:
        """Cast a ballot; return the receipt once the ballot is committed."""
        return await self._request({"do": "vote", "poll": self.poll, "round": round_number, "choices": list(choices)})

    async def retract(self, round_number: int) -> dict[str, Any]:
        return await self._request({"do": "retract", "poll": self.poll, "round": round_number})

    async def _request(self, act: dict[str, Any]) -> dict[str, Any]:
        ref = str(next(self._refs))
        answer = self._waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            if self._reading.done():
                raise NotReached("The connection is lost.")
            await self._socket.write_message(json_body({**act, "ref": ref}))
            return await asyncio.wait_for(answer, ANSWER_TIMEOUT)
        except (WebSocketClosedError, StreamClosedError, TimeoutError):
            raise Unclear("The connection was lost before the answer came.") from None
        finally:
            del self._waiting[ref]

    async def _read(self) -> None:
        while (text := await self._socket.read_message()) is not None:
            self._dispatch(json.loads(text))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unclear("The connection was lost before the answer came."))

    def _dispatch(self, message: Message) -> None:
        answer = self._waiting.get(message.get("ref", ""))
        if answer is None or answer.done():
            if message.get("stream") == self.state.stream:
                self.state.apply(message)
        elif "ok" in message:
            answer.set_result(message["ok"])
        else:
            error = message["error"]
            answer.set_exception(Refusal(409, error["code"], error["message"], error.get("fields")))
