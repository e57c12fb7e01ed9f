"""Vote by a poll's id or a wall's code, and the labels of options.

    from livewall.client import vote

    receipt = vote("K7M2QD", "4.2")

The voter's token is stored: a program that votes again is the same voter and changes its ballot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from livewall.client.ballots import cast, find_poll, new_voter
from livewall.client.calls import Refusal, Server, server_url
from livewall.client.choices import By, match
from livewall.client.voters import DEFAULT_VOTER, Voters
from livewall.settings import config_folder, server_of_environment

RETRY_SECONDS = 30.0


def vote(
    poll: str, *choices: str, url: str | None = None, name: str = "", code: str | None = None, by: By | None = None
) -> dict[str, Any]:
    """Cast a ballot and return its receipt once it is on the server's disk.

    `poll` is a poll's id, a wall's code (for the poll on its screen), or the link of either; `choices` are labels or
    ids (`by="id"` or `by="label"` where both could match). `url` comes from `LIVEWALL_URL` or the link where it is not
    given. `name` chooses among several voters of this user, whose tokens are kept in the configuration folder, as
    `livewall vote --as` does. `code` is for a poll that asks for one.

    The answer has `poll`, `receipt`, `choices` (ids), `labels` and `round`. Raises livewall.client.choices.NoSuchChoice
    (a ValueError), and from livewall.client.calls Refusal (the server says no; `code` and `message` say why) and
    NotReached. It blocks: a coroutine calls `await asyncio.to_thread(vote, …)`.
    """
    server = Server(url or server_of_link(poll) or server_of_environment()[0], patience=RETRY_SECONDS)
    return asyncio.run(cast_as(server, Voters(config_folder()), poll, choices, by=by, name=name, code=code))


def server_of_link(poll: str) -> str | None:
    """Return the server of a link to a poll or a wall, or None if `poll` is an id or a code. Raises ValueError."""
    if "://" not in poll:
        return None
    parts = urlsplit(poll)
    return server_url(f"{parts.scheme}://{parts.netloc}")


async def cast_as(
    server: Server,
    voters: Voters,
    poll: str,
    choices: Sequence[str],
    *,
    by: By | None = None,
    name: str = DEFAULT_VOTER,
    code: str | None = None,
) -> dict[str, Any]:
    """Cast a ballot as a voter of `voters`, which stores a new one if there is none; return the receipt as `vote`
    does."""
    target = await find_poll(server, poll)
    chosen = [match(choice, target["options"], by) for choice in choices]
    ids = [option["id"] for option in chosen]
    server.token = stored_token = voters.token(server.url, name)
    if stored_token is None:
        server.token = await _new_token(voters, server, name, None)
    try:
        receipt = await cast(server, target["id"], ids, target["round"], code)
    except Refusal as problem:
        if problem.status != 401:
            raise
        # The server no longer accepts the token (another data folder, or a year has passed). No ballot of this
        # voter counts there, so a new voter cannot vote twice.
        server.token = await _new_token(voters, server, name, server.token)
        receipt = await cast(server, target["id"], ids, target["round"], code)
    return {"poll": target["id"], **receipt, "labels": [option["label"] for option in chosen]}


async def _new_token(voters: Voters, server: Server, name: str, old: str | None) -> str:
    server.token = None
    return voters.save(server.url, name, await new_voter(server), instead_of=old)
