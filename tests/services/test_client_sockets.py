"""The Python client closes its sockets, however a subscription ends."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from contextlib import aclosing

import pytest
from child_server import Server

from livewall.client.calls import Server as Address
from livewall.client.subscription import subscribe

pytest_plugins = ("server_fixtures",)


@pytest.mark.parametrize("after", ["a message", "nothing"])
def test_a_loop_that_ends_leaves_no_socket_open(new_server: Callable[..., Server], after: str) -> None:
    server = new_server()
    server.start()
    poll = server.poll()

    async def look(turns: int) -> None:
        async with aclosing(aiter(subscribe(Address(server.url, server.admin, wait=5), [f"polls/{poll}"]))) as messages:
            if after == "a message":
                await anext(messages)
                return
            connecting = asyncio.ensure_future(anext(messages))
            for _ in range(turns):  # the connection is being made, and nobody waits for it any more
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait({connecting})

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for turns in range(0, 60, 3):
            asyncio.run(look(turns))
            gc.collect()
    assert [str(warning.message) for warning in caught] == []
