"""Streams as loops over their events.

from livewall.client import watch

for event in watch("polls/7Q4F"):
    if event.get("key") == "tally":
        print(event["data"]["counts"])
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from livewall.client.calls import Refusal, Server, token_advice
from livewall.client.stream_state import Message, StreamState
from livewall.client.subscription import Subscription
from livewall.settings import server_of_environment


class Watch:
    """The events of some streams, for `for` and for `async for`.

    Each is a message of the wire: `{"stream", "reset": True}` (forget what you hold), events with `key` and `data`
    (`None` deletes the key), and `{"stream", "synced": True}` (what you hold is complete). The loop continues
    after restarts of the server and lost connections, and misses nothing: it resumes at its position, over whichever
    transport works. It ends with Refusal if the server allows none of its streams (or no longer does), and with
    NotReached if the server does not answer within `wait` seconds at the start (livewall.client.calls has both).
    """

    def __init__(self, server: Server, streams: tuple[str, ...], since: str | None) -> None:
        self._subscription = Subscription(server, list(dict.fromkeys(streams)), [since] if since else [])

    @property
    def held(self) -> dict[str, StreamState]:
        """What each stream holds by now: `watch.held["polls/7Q4F"].entries["tally"]`."""
        return self._subscription.held

    async def __aiter__(self) -> AsyncGenerator[Message, None]:
        try:
            async with aclosing(aiter(self._subscription)) as messages:
                async for message in messages:
                    yield message
        except Refusal as problem:
            if advice := token_advice(problem):
                problem.add_note(advice)
            raise

    def __iter__(self) -> Iterator[Message]:
        """Iterate with an event loop that runs only while the program waits for the next event.

        A connection that is lost while the program does something else is opened again, and resumes.
        """
        with asyncio.Runner() as runner:
            source = aiter(self)
            try:
                while True:
                    try:
                        yield runner.run(_next(source))
                    except StopAsyncIteration:
                        return
            finally:
                runner.run(_close(source))


async def _next(source: AsyncGenerator[Message, None]) -> Message:
    return await anext(source)


async def _close(source: AsyncGenerator[Message, None]) -> None:
    await source.aclose()


def watch(
    *streams: str, since: str | None = None, url: str | None = None, token: str | None = None, wait: float = 0.0
) -> Watch:
    """Follow `streams` (`polls/ID`, `walls/CODE`, `tasks/ID`, `tasks/ID/logs/STEP`, `tasks`; at most 16).

    `since` is the `pos` of an event after which one stream continues; without it a stream begins with a snapshot. `url`
    and `token` come from `LIVEWALL_URL` and `LIVEWALL_TOKEN` where they are not given; polls and walls need no token.
    Raises ValueError if there is no stream, or `since` with more than one.
    """
    if not streams or (since and len(streams) > 1):
        raise ValueError("watch follows one or more streams, and `since` goes with one")
    known_url, known_token = server_of_environment()
    return Watch(Server(url or known_url, token or known_token, wait=wait), streams, since)
