"""Cast ballots so that each counts once, whatever happens to the connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livewall.client.calls import Refusal, Server, segment
from livewall.names import WALL_CODE, wall_code

CLOSED_CODES = frozenset({"closed", "round_over", "already_voted", "poll_not_open"})


async def cast(
    server: Server, poll: str, choices: Sequence[str], round_number: int, code: str | None = None
) -> dict[str, Any]:
    """Cast a ballot and return its receipt.

    `code` is for a poll that requires one; a voter gives it once for all polls of a wall. The same choices in the same
    round are one ballot, so a call whose answer was lost is repeated. Raises Refusal, and NotReached when `server` has
    no patience left. The ballot may have been counted then; casting it again is harmless.
    """
    body: dict[str, Any] = {"choices": list(choices), "round": round_number}
    if code:
        body["code"] = code
    try:
        receipt: dict[str, Any] = await server.put(f"/api/polls/{segment(poll)}/ballot", body)
        return receipt
    except Refusal as problem:
        if problem.unclear and problem.code in CLOSED_CODES:
            # An earlier attempt may have been counted before the poll closed. The ballot itself shows that.
            ballot = (await server.get(f"/api/polls/{segment(poll)}")).get("ballot")
            if ballot and ballot["round"] == round_number and sorted(ballot["choices"]) == sorted(choices):
                return dict(ballot)
        raise


async def new_voter(server: Server) -> str:
    """Return a new voter's token. Repeating the call is harmless: nothing is stored before the first ballot."""
    answer = await server.post("/api/voters", repeat=True)
    return str(answer["token"])


async def find_poll(server: Server, name: str) -> dict[str, Any]:
    """Return the poll that `name` denotes: by its id, `polls/ID`, a wall's code (its active poll), or a link to
    either."""
    kind, _, last = name.rstrip("/").rpartition("/")
    if kind.endswith("/screen") or last in ("screen", "host"):
        kind, _, last = name.rstrip("/").rpartition("/")[0].rpartition("/")
    if kind.endswith("polls"):
        return await _poll(server, last)
    if kind.endswith(("w", "walls")):
        return await _active_poll(server, last)
    if looks_like_code(last):
        try:
            return await _active_poll(server, last)
        except Refusal as problem:
            if problem.code != "not_found":
                raise
    return await _poll(server, last)


def looks_like_code(name: str) -> bool:
    """Return whether this may be a wall's code as people type it, with spaces, dashes or fullwidth letters."""
    return len(wall_code(name)) == WALL_CODE


async def _poll(server: Server, poll_id: str) -> dict[str, Any]:
    poll: dict[str, Any] = await server.get(f"/api/polls/{segment(poll_id)}")
    return poll


async def _active_poll(server: Server, code: str) -> dict[str, Any]:
    wall = await server.get(f"/api/walls/{segment(wall_code(code))}")
    kind, _, poll_id = (wall["active"] or "").partition("/")
    if kind != "polls":
        raise Refusal(409, "conflict", f"No poll is on the screen of the wall {wall['code']}. Try again later.")
    return await _poll(server, poll_id)
