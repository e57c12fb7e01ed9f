"""Who is refused for want of a role is told every role that would do."""

from __future__ import annotations

import re

import pytest
from clients import Client

from handlers.api.openapi import CALLS
from livewall.identity import either

METRICS = ("GET", "/metrics", ("operator", "host", "admin"))
NAMED = [(c.method, re.sub(r"\{\w+\}", "x", c.path), tuple(c.who)) for c in CALLS if c.who and "voter" not in c.who]


@pytest.mark.parametrize(("method", "path", "who"), [*NAMED, METRICS])
async def test_a_refusal_names_all_roles_that_may(client: Client, method: str, path: str, who: tuple[str, ...]) -> None:
    answer = await client.ask(method, path, headers={"Accept": "application/json"})
    assert answer.status in (401, 404), answer.body
    if answer.status == 401:
        said = answer.body.decode()
        assert all(re.search(rf"\b{role}", said) for role in who), said


def test_roles_are_said_in_words() -> None:
    assert [either(roles) for roles in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
