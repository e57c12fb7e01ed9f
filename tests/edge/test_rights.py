"""Who may read and do what (docs/contract.md, Roles), each cell on every transport and in the API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from clients import ADMIN, Client
from watchers import TRANSPORTS, Watcher

ROLES = ["anyone", "voter", "reporter", "other-reporter", "operator", "host", "admin"]


@dataclass
class Scene:
    """One of everything there is to read."""

    tokens: dict[str, str | None]
    draft: str
    hidden: str
    wall: str
    coming: str
    task: str
    staged: str
    paths: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def scene(io_loop: Any, client: Client) -> Scene:
    async def make() -> Scene:
        tokens: dict[str, str | None] = {"anyone": None, "admin": ADMIN, "voter": await client.voter()}
        for role in ("reporter", "operator", "host"):
            tokens[role] = await client.token(role)
        tokens["other-reporter"] = await client.token("reporter")
        wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
        draft = (await client.poll(open=False, wall=wall, title="coming"))["id"]
        hidden = (await client.poll(results="on_publish", wall=wall))["id"]
        await client.vote(hidden, "1")

        async def task(title: str) -> str:
            made = await client.ask(
                "POST", "/api/tasks", {"title": title, "steps": [{"name": "a"}]}, token=tokens["reporter"]
            )
            return str(made.json["id"])

        own, staged = await task("own"), await task("staged")
        items = [f"polls/{draft}", f"polls/{hidden}", f"tasks/{staged}"]
        await client.host("PUT", f"/api/walls/{wall}", {"items": items, "active": items[2]})
        return Scene(tokens, draft, hidden, wall, items[0], own, staged)

    found: Scene = io_loop.run_sync(make)
    return found


async def held(client: Client, transport: str, stream: str, token: str | None) -> tuple[dict[str, Any] | None, object]:
    """What a reader holds of a stream; None, and how it was refused, where it may not read it."""
    watcher = Watcher(client.url, transport, stream, token=token)
    watcher.start()
    try:
        await watcher.until(lambda c: c.synced)
        return watcher.checker.state, None
    except AssertionError:
        return None, watcher.close_code or watcher.status
    finally:
        await watcher.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("role", ROLES)
async def test_who_may_read_which_stream(client: Client, scene: Scene, transport: str, role: str) -> None:
    token = scene.tokens[role]
    host = role in ("host", "admin")
    runs = role in ("operator", "host", "admin")
    refused = {4503, 403} if token and role != "voter" else {4501, 401}

    draft, _ = await held(client, transport, f"polls/{scene.draft}", token)
    assert draft is not None and ("poll" in draft) is host

    hidden, _ = await held(client, transport, f"polls/{scene.hidden}", token)
    assert hidden is not None and ("tally" in hidden) is host and ("turnout" in hidden) is not host

    wall, _ = await held(client, transport, f"walls/{scene.wall}", token)
    assert wall is not None and (scene.coming in wall["wall"]["items"]) is host

    staged, _ = await held(client, transport, f"tasks/{scene.staged}", token)
    assert staged is not None and "step/a" in staged

    own, why = await held(client, transport, f"tasks/{scene.task}", token)
    assert (own is not None) is (runs or role == "reporter") and (own is not None or why in refused)

    listed, why = await held(client, transport, "tasks", token)
    assert (listed is not None) is runs and (listed is not None or why in refused)

    messages, why = await held(client, transport, "inbox/me", token)
    assert messages == {} if token else messages is None and why in (4501, 401)

    nothing, why = await held(client, transport, "polls/NOSUCHPOLL", token)
    assert nothing is None and why in (4504, 404)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_call_what(client: Client, scene: Scene, role: str) -> None:
    token = scene.tokens[role]
    host, admin = role in ("host", "admin"), role == "admin"
    operator = role in ("operator", "admin")
    runs = operator or host
    reporter = role in ("reporter", "other-reporter", "operator", "admin")
    poll = {"title": "T", "options": ["A"]}
    rights: list[tuple[str, str, Any, bool]] = [
        ("GET", f"/api/polls/{scene.hidden}", None, True),
        ("GET", f"/api/polls/{scene.hidden}/ballots.csv", None, host),
        ("GET", f"/api/polls/{scene.hidden}/results.json", None, host),
        ("GET", "/api/polls", None, host),
        ("POST", f"/api/polls/{scene.hidden}/duplicate", None, host),
        ("POST", f"/api/polls/{scene.hidden}/restore", None, host),
        ("GET", "/api/walls", None, host),
        ("GET", "/api/tasks", None, runs),
        ("GET", f"/api/tasks/{scene.task}", None, runs or role == "reporter"),
        ("GET", f"/api/tasks/{scene.staged}", None, True),
        ("GET", "/metrics", None, runs),
        ("GET", "/api/tokens", None, admin),
        ("POST", "/api/polls", poll, host),
        ("POST", "/api/walls", {"title": "T"}, host),
        ("PUT", f"/api/walls/{scene.wall}", {"title": "T"}, host),
        ("PUT", f"/api/polls/{scene.hidden}", {"title": "T"}, host),
        ("POST", f"/api/polls/{scene.hidden}/publish", {"published": False}, host),
        ("POST", f"/api/polls/{scene.hidden}/close", None, host),
        ("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}]}, reporter),
        ("PUT", f"/api/tasks/{scene.task}/steps/a", {"message": "hi"}, operator or role == "reporter"),
        ("POST", "/api/tokens", {"role": "reporter", "name": "x"}, admin),
        ("POST", "/api/logins", {"role": "admin"}, admin),
        ("POST", "/api/logins", {"role": "host"}, host),
        ("POST", "/api/logins", {"role": "reporter"}, reporter),
    ]
    for method, path, body, allowed in rights:
        answer = await client.ask(method, path, body, token=token)
        if allowed:
            assert answer.status in (200, 201), (method, path, answer.status, answer.body)
        else:
            expected = (401, "unauthenticated") if role in ("anyone", "voter") else (403, "forbidden")
            assert (answer.status, answer.code) == expected, (method, path)


async def test_a_hosts_api_answers_as_audience_show_no_more_than_anyones(client: Client, scene: Scene) -> None:
    for path in (f"/api/polls/{scene.hidden}", f"/api/walls/{scene.wall}"):
        audience = (await client.ask("GET", f"{path}?as=audience", token=ADMIN)).json
        anyone = (await client.ask("GET", path)).json
        audience.pop("now", None), anyone.pop("now", None)
        assert audience == anyone
    assert scene.coming not in json.dumps(anyone)


async def test_a_task_that_leaves_the_stage_is_taken_from_those_who_saw_it_there(client: Client, scene: Scene) -> None:
    follower = await client.socket(f"/ws/walls/{scene.wall}")
    await follower.synced()
    assert "ok" in await follower.act("subscribe", "1", stream=f"tasks/{scene.staged}")
    await follower.synced()
    direct = await client.socket(f"/ws/tasks/{scene.staged}")
    await direct.synced()
    await client.host("PUT", f"/api/walls/{scene.wall}", {"active": None})
    seen = await follower.until(lambda m: "error" in m)
    assert seen[-2:] == [
        {"stream": f"tasks/{scene.staged}", "reset": True},
        {"stream": f"tasks/{scene.staged}", "error": seen[-1]["error"]},
    ]
    assert seen[-1]["error"]["code"] == "unauthenticated"
    assert await direct.closed() == 4501
    assert (await follower.act("subscribe", "2", stream=f"tasks/{scene.staged}"))["error"]["code"] == "unauthenticated"


async def test_a_revoked_token_closes_its_sockets_with_4501(client: Client) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "operator", "name": "o"})
    socket = await client.socket("/ws/tasks", token=made["token"])
    await socket.synced()
    await client.host("DELETE", f"/api/tokens/{made['id']}")
    assert await socket.closed() == 4501
    answer = await client.ask("GET", "/api/tasks", token=made["token"])
    assert (answer.status, answer.code) == (401, "bad_token")


async def test_tokens_are_listed_without_their_secret(client: Client) -> None:
    token = await client.token("host")
    answer = await client.ask("GET", "/api/tokens", token=ADMIN)
    assert answer.json["items"][0]["role"] == "host"
    assert token.encode() not in answer.body


async def test_with_a_bearer_token_cookies_are_ignored(client: Client, running: Any) -> None:
    link = (await client.host("POST", "/api/logins", {"role": "host"}))["link"]
    code = link.rpartition("/")[2]
    signed_in = await client.ask("POST", f"/login/{code}", raw=b"", headers={"Sec-Fetch-Site": "same-origin"})
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    same = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    assert (await client.ask("GET", "/api/polls", headers=same)).status == 200
    assert (await client.ask("GET", "/api/polls", headers=same, token=await client.voter())).status == 401
