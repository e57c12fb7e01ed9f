"""Every act leaves its line, in the transaction of the act; what was refused or changed nothing leaves none."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Client

from livewall import audit
from livewall.errors import Refused
from livewall.settings import Settings

FORM = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "fails.toml").write_text('[params.word]\ntype = "string"\n[[steps]]\nname = "a"\nrun = ["false"]\n')
    (folder / "waits.toml").write_text('[[steps]]\nname = "a"\nrun = ["sleep", "60"]\n')
    return replace(settings, pipelines=folder)


async def lines(client: Client, token: str = ADMIN) -> list[dict[str, Any]]:
    """All lines, the oldest first."""
    answer = await client.ask("GET", "/api/audit?limit=500", token=token)
    assert answer.status == 200 and answer.json["next"] is None
    return list(reversed(answer.json["items"]))


async def since(client: Client, count: int) -> list[tuple[str, str, Any]]:
    return [(line["act"], line["about"], line["detail"]) for line in (await lines(client))[count:]]


async def test_what_is_done_to_a_poll(client: Client) -> None:
    poll = (await client.poll(open=False))["id"]
    here = f"/api/polls/{poll}"
    await client.host("PUT", here, {"title": "Really?", "closes_in": 600})
    await client.host("PUT", here, {"title": "Really?"})
    for act in ("open", "open", "close", "close"):
        await client.host("POST", f"{here}/{act}")
    for published in (True, True, False):
        await client.host("POST", f"{here}/publish", {"published": published})
    for _ in range(2):
        await client.host("POST", f"{here}/reset", {"round": 1})
    await client.host("DELETE", here)
    about = f"polls/{poll}"
    assert await since(client, 0) == [
        ("poll.create", about, {}),
        ("poll.edit", about, {"fields": ["title", "closes_in"]}),
        ("poll.open", about, {"round": 1}),
        ("poll.close", about, {"round": 1}),
        ("poll.publish", about, {"round": 1}),
        ("poll.withdraw", about, {"round": 1}),
        ("poll.reset", about, {"round": 1}),
        ("poll.archive", about, {}),
    ]


async def test_what_is_done_to_a_wall(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = f"polls/{(await client.poll(open=False, wall=wall))['id']}"
    here, about = f"/api/walls/{wall}", f"walls/{wall}"
    for change in ({"active": poll}, {"active": poll}, {"title": "V", "active": None}, {"items": []}):
        await client.host("PUT", here, change)
    await client.host("DELETE", here)
    assert await since(client, 0) == [
        ("wall.create", about, {}),
        ("poll.create", poll, {}),
        ("wall.activate", about, {"item": poll}),
        ("wall.edit", about, {"fields": ["title"]}),
        ("wall.activate", about, {"item": None}),
        ("wall.edit", about, {"fields": ["items"]}),
        ("wall.delete", about, {}),
    ]


async def test_tokens_and_sign_ins(client: Client) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "host", "name": "lin"})
    link = await client.ask("POST", "/api/logins", {}, token=made["token"])
    code = link.json["link"].rpartition("/")[2]
    used = await client.ask("POST", f"/login/{code}", raw=b"", headers=FORM)
    held = {"Cookie": used.headers["Set-Cookie"].partition(";")[0], **FORM}
    again = await client.ask("POST", f"/login/{code}", raw=b"", headers=FORM)
    assert again.status in (401, 403)
    pasted = await client.ask("POST", "/", raw=f"token={made['token']}".encode(), headers=FORM)
    secret = pasted.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert (await client.ask("POST", "/logout", raw=b"", headers=held)).status == 303
    for _ in range(2):
        await client.host("DELETE", f"/api/tokens/{made['id']}")
    found = await lines(client)
    by_link, by_token = found[2]["credential"], found[3]["credential"]
    assert [(line["act"], line["who"], line["role"], line["about"], line["detail"]) for line in found] == [
        ("token.create", "admin", "admin", f"tokens/{made['id']}", {"role": "host", "name": "lin"}),
        ("login.link", "lin", "host", "", {"role": "host"}),
        ("login.in", "host", "host", f"tokens/{by_link}", {"by": "link"}),
        ("login.in", "lin", "host", f"tokens/{by_token}", {"by": "token", "token": made["id"]}),
        ("login.out", "host", "host", f"tokens/{by_link}", {"kind": "signin", "role": "host", "name": "host"}),
        (
            "token.revoke",
            "admin",
            "admin",
            f"tokens/{made['id']}",
            {"kind": "token", "role": "host", "name": "lin", "sign_ins": 1},
        ),
    ]
    told = json.dumps(found)
    cookie = held["Cookie"].partition("=")[2]
    assert not [text for text in (ADMIN, made["token"], code, cookie, secret) if text in told]


async def ended(client: Client, task: str) -> None:
    socket = await client.socket(f"/ws/tasks/{task}", token=ADMIN)
    await socket.until(lambda m: m.get("key") == "task" and m["data"]["ended_at"] is not None)


async def test_pipelines_and_what_becomes_of_their_tasks(client: Client) -> None:
    fails = {"params": {"word": "perhaps-secret"}, "id": "f1"}
    for _ in range(2):
        await client.host("POST", "/api/pipelines/fails/tasks", fails)
    await ended(client, "f1")
    retries = [(await client.host("POST", "/api/tasks/f1/retry"))["id"] for _ in range(2)]
    await ended(client, retries[0])
    await client.host("POST", "/api/pipelines/waits/tasks", {"id": "w1"})
    for _ in range(2):
        await client.host("POST", "/api/tasks/w1/cancel")
    await ended(client, "w1")
    await client.host("POST", "/api/tasks/w1/cancel")
    assert await since(client, 0) == [
        ("task.start", "tasks/f1", {"pipeline": "fails"}),
        ("task.retry", f"tasks/{retries[0]}", {"retry_of": "f1"}),
        ("task.start", "tasks/w1", {"pipeline": "waits"}),
        ("task.cancel", "tasks/w1", {}),
    ]


async def test_a_foreign_task_is_cancelled_then_cancelled_by_force(client: Client) -> None:
    await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}, {"name": "b"}], "id": "t1"})
    await client.host("PUT", "/api/tasks/t1/steps/a", {"state": "running"})
    for _ in range(3):
        await client.host("POST", "/api/tasks/t1/cancel")
    assert await since(client, 0) == [
        ("task.cancel", "tasks/t1", {"by_force": False}),
        ("task.cancel", "tasks/t1", {"by_force": True}),
    ]


async def test_a_poll_that_closes_by_itself_was_closed_by_the_system(client: Client) -> None:
    poll = await client.poll(closes_in=1)
    socket = await client.socket(f"/ws/polls/{poll['id']}")
    await socket.until(lambda m: m.get("key") == "poll" and m["data"]["phase"] == "closed")
    last = (await lines(client))[-1]
    assert (last["act"], last["who"], last["role"], last["credential"]) == ("poll.close", "livewall", "system", "")


async def test_what_is_refused_leaves_no_line(client: Client, running: Any) -> None:
    poll = (await client.poll(open=False))["id"]
    before = len(await lines(client))
    refused = [
        ("POST", f"/api/polls/{poll}/close", None),
        ("POST", f"/api/polls/{poll}/reset", {"round": 1}),
        ("POST", "/api/polls/NOSUCH/open", None),
        ("DELETE", "/api/walls/ZZZZZZ", None),
        ("DELETE", "/api/tokens/nosuch", None),
        ("POST", "/api/tasks/nosuch/cancel", None),
        ("POST", "/api/polls", {"title": "", "options": []}),
    ]
    for method, path, body in refused:
        assert (await client.ask(method, path, body, token=ADMIN)).status >= 400
    stale = await client.ask("PUT", f"/api/polls/{poll}", {"title": "x"}, token=ADMIN, headers={"If-Match": '"9"'})
    assert stale.status == 409

    def late(tx: Any) -> None:
        audit.note(tx, None, "2026-01-02T03:04:05.000Z", "never", "")
        raise Refused("conflict", "after all")

    with pytest.raises(Refused):
        await running.services.store.write(late)
    assert len(await lines(client)) == before


async def test_ballots_leave_nothing(client: Client) -> None:
    poll = await client.poll()
    before = len(await lines(client))
    answers = await asyncio.gather(*[client.vote(poll["id"], "1") for _ in range(5)])
    assert {answer.status for answer in answers} == {201}
    assert len(await lines(client)) == before


async def test_pages_of_the_api(client: Client) -> None:
    for _ in range(5):
        await client.host("POST", "/api/walls", {"title": "W"})
    seen, path = [], "/api/audit?limit=2"
    while path:
        answer = await client.host("GET", path)
        seen += answer["items"]
        path = f"/api/audit?limit=2&before={answer['next']}" if answer["next"] else ""
    assert seen == list(reversed(await lines(client))) and len(seen) == 5
    assert (await client.ask("GET", "/api/audit?limit=0", token=ADMIN)).code == "invalid"


@pytest.mark.parametrize("role", ["anyone", "voter", "reporter", "operator", "host", "admin"])
async def test_operators_and_hosts_may_read_it(client: Client, role: str) -> None:
    known = {"anyone": None, "admin": ADMIN}
    token = known[role] if role in known else await (client.voter() if role == "voter" else client.token(role))
    expected = {"anyone": 401, "voter": 401, "reporter": 403}.get(role, 200)
    for path in ("/api/audit", "/audit"):
        assert (await client.ask("GET", path, token=token)).status == expected
    assert (await client.ask("GET", "/api/audit?as=audience", token=token)).status == 401


async def test_the_page_tells_it_in_words(client: Client) -> None:
    evil = "<b>eve</b>"
    made = await client.host("POST", "/api/tokens", {"role": "operator", "name": evil})
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    host = (await client.ask("GET", "/audit", token=ADMIN)).body.decode()
    assert "created a wall" in host and f'href="/w/{wall}/host"' in host
    assert evil not in host and "&lt;b&gt;eve" in host
    page = (await client.ask("GET", "/audit?limit=1", token=made["token"])).body.decode()
    assert f"walls/{wall}" in page and f"/w/{wall}/host" not in page
    assert "created a token" not in page and "?before=" in page
    assert "/audit" in (await client.ask("GET", "/", token=made["token"])).body.decode()
