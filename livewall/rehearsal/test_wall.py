"""The wall of a rehearsal: make it, and remove it again, also after a rehearsal that was killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from livewall.client.calls import Refusal, Server, segment
from livewall.voting.kinds import marking

NAME = "livewall rehearse"
_TITLE = re.compile(rf"{NAME} \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ, seed \d+")
NO_SUCH_CALL = (404, 405)

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"title": "Which release goes out?", "options": ["4.2", "4.1.7", "Wait", "I do not know"]},
    {
        "title": "What should the next evening be about?",
        "options": ["The debates", "The economy", "The polls", "Their errors", "Nothing"],
        **marking(3, 5),
        "results": "after_close",
    },
    {"title": "Shall we go on?", "options": ["Yes", "No"], "results": "on_publish"},
)


Kind = Literal["votes", "chat", "questions"]


class TestWall(NamedTuple):
    wall: str
    title: str
    polls: list[dict[str, Any]]
    room: str
    """The name of its room, where people talk."""


def is_rehearsal(title: str) -> bool:
    return _TITLE.fullmatch(title) is not None


def title_of(seed: int, now: datetime) -> str:
    return f"{NAME} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}, seed {seed}"


async def build(server: Server, title: str, kind: Kind) -> TestWall:
    """Make the wall and what it needs. After an error, it can be found by its title. Raises Refusal, NotReached."""
    code = (await server.post("/api/walls", {"title": title}))["code"]
    made = TestWall(code, title, [], room_of(code))
    if kind == "chat":
        await server.post("/api/rooms", {"name": made.room, "title": title})
        await server.put(f"/api/walls/{segment(code)}", {"items": [f"rooms/{made.room}"]})
    elif kind == "questions":
        await server.put(f"/api/walls/{segment(code)}", {"items": [f"questions/{code}"], "questions": "moderated"})
    else:
        for question in QUESTIONS:
            made.polls.append(await server.post("/api/polls", {**question, "wall": code}))
    return made


def room_of(code: str) -> str:
    return f"rehearsal-{code}"


async def leftovers(server: Server) -> list[dict[str, Any]]:
    """Return the walls of rehearsals that were killed or are still running."""
    walls: list[dict[str, Any]] = []
    query = "?limit=500"
    while True:
        answer = await server.get("/api/walls" + query)
        walls += [wall for wall in answer["items"] if is_rehearsal(wall["title"])]
        if not answer.get("next"):
            return walls
        query = f"?limit=500&before={segment(str(answer['next']))}"


async def remove(server: Server, wall: dict[str, Any]) -> bool:
    """Remove a wall with its polls; return whether the server could erase the ballots, too.

    It may be repeated. Raises Refusal, NotReached.
    """
    erased = True
    for item in wall["items"]:
        kind, _, poll_id = item.partition("/")
        if kind == "polls":
            with _ignore_not_found():
                erased = await _clear_poll(server, f"/api/polls/{segment(poll_id)}") and erased
    with _ignore_not_found():
        await server.delete(f"/api/rooms/{segment(room_of(wall['code']))}")
    with _ignore_not_found():
        await server.delete(f"/api/walls/{segment(wall['code'])}")
    return erased


async def _clear_poll(server: Server, path: str) -> bool:
    poll = await server.get(path)
    if poll["phase"] == "draft" and poll["round"] > 1:  # ballots of earlier rounds are erased from a closed poll only
        poll = await server.post(f"{path}/open", repeat=True)
    if poll["phase"] == "open":
        poll = await server.post(f"{path}/close", repeat=True)
    erased = bool(poll["phase"] == "draft")
    if not erased:
        try:
            await server.delete(f"{path}/ballots")
            erased = True
        except Refusal as problem:
            if problem.status not in NO_SUCH_CALL:  # a server of another version
                raise
    await server.delete(path)
    return erased


@contextmanager
def _ignore_not_found() -> Iterator[None]:
    """Ignore that something to remove is not there."""
    try:
        yield
    except Refusal as problem:
        if problem.status != 404:
            raise
