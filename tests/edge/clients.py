"""Clients that speak to a server as anybody would, and what they get: answers and sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.websocket import WebSocketClientConnection, websocket_connect

ADMIN = "the-admin-token-of-these-tests"


class Answer:
    """An answer with its JSON at hand."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.code
        self.headers: HTTPHeaders = response.headers
        self.body: bytes = response.body or b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.json["error"]["code"])


class Socket:
    """A WebSocket whose messages are read as JSON; heartbeats are left out."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection
        self.ended = False

    async def read(self) -> Any:
        """The next message; None when the socket was closed."""
        while not self.ended:
            text = await asyncio.wait_for(self.connection.read_message(), 10)
            if text is None:
                self.ended = True
                break
            message = json.loads(text)
            if "heartbeat" not in message:
                return message
        return None

    async def until(self, wanted: Callable[[Any], bool]) -> list[Any]:
        """The messages up to and with the first that is wanted."""
        seen = []
        while True:
            message = await self.read()
            seen.append(message)
            assert message is not None, f"closed with {self.connection.close_code} after {seen}"
            if wanted(message):
                return seen

    async def synced(self) -> list[Any]:
        return await self.until(lambda m: "synced" in m)

    async def act(self, do: str, ref: str = "1", **fields: Any) -> Any:
        """The answer to an act; events that come before it are dropped."""
        await self.send({"do": do, "ref": ref, **fields})
        return (await self.until(lambda m: m.get("ref") == ref))[-1]

    async def send(self, message: Any) -> None:
        await self.connection.write_message(json.dumps(message))

    async def closed(self) -> int | None:
        while await self.read() is not None:
            pass
        return self.connection.close_code

    def close(self) -> None:
        self.connection.close()


class Client:
    """Somebody who speaks to the server, with a token or without."""

    def __init__(self, url: str, http: AsyncHTTPClient) -> None:
        self.url = url
        self.http = http
        self.sockets: list[Socket] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        **options: Any,
    ) -> Answer:
        held = HTTPHeaders(headers or {})
        if token is not None:
            held["Authorization"] = f"Bearer {token}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is None and method in ("POST", "PUT"):
            data = b""
        request = HTTPRequest(
            self.url + path,
            method,
            held,
            data,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            request_timeout=40,
            **options,
        )
        return Answer(await self.http.fetch(request, raise_error=False))

    async def host(self, method: str, path: str, body: Any = None) -> Any:
        """What the admin gets; anything but success fails the test."""
        answer = await self.ask(method, path, body, token=ADMIN)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json

    async def poll(self, *, open: bool = True, **fields: Any) -> dict[str, Any]:
        """A poll, opened."""
        given = {"title": "Which?", "options": ["A", "B"], **fields}
        made: dict[str, Any] = await self.host("POST", "/api/polls", given)
        if open:
            made = await self.host("POST", f"/api/polls/{made['id']}/open")
        return made

    async def voter(self) -> str:
        answer = await self.ask("POST", "/api/voters")
        assert answer.status == 201
        token: str = answer.json["token"]
        return token

    async def vote(self, poll: str, choice: str, voter: str | None = None, **fields: Any) -> Answer:
        token = voter or await self.voter()
        return await self.ask("PUT", f"/api/polls/{poll}/ballot", {"choices": [choice], **fields}, token=token)

    async def token(self, role: str) -> str:
        made = await self.host("POST", "/api/tokens", {"role": role, "name": f"a {role}"})
        return str(made["token"])

    async def socket(self, path: str, *, token: str | None = None, headers: dict[str, str] | None = None) -> Socket:
        held = dict(headers or {})
        if token is not None:
            held["Authorization"] = f"Bearer {token}"
        connection = await websocket_connect(HTTPRequest(self.url.replace("http", "ws", 1) + path, headers=held))
        self.sockets.append(Socket(connection))
        return self.sockets[-1]

    async def updates(self, streams: str, query: str = "wait=0", *, token: str | None = None, **kw: Any) -> Answer:
        return await self.ask("GET", f"/updates/{streams}?{query}", token=token, **kw)
