"""Tasks that are reported from outside."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from clients import Client

STEPS = [{"name": "a"}, {"name": "b", "needs": ["a"]}]


async def made(client: Client, token: str, **fields: Any) -> dict[str, Any]:
    answer = await client.ask("POST", "/api/tasks", {"title": "T", "steps": STEPS, **fields}, token=token)
    assert answer.status in (200, 201), answer.body
    found: dict[str, Any] = answer.json
    return found


async def test_a_task_is_reported_from_start_to_end(client: Client) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    assert (task["state"], [s["state"] for s in task["steps"]]) == ("pending", ["pending", "pending"])
    path = f"/api/tasks/{task['id']}"
    running = await client.ask("PUT", f"{path}/steps/a", {"state": "running", "progress": 0.5}, token=token)
    assert (running.json["attempt"], running.json["progress"], running.json["cancel"]) == (1, 0.5, False)
    for name in "ab":
        await client.ask("PUT", f"{path}/steps/{name}", {"state": "succeeded"}, token=token)
    found = (await client.ask("GET", path, token=token)).json
    assert found["state"] == "succeeded" and found["ended_at"] >= found["started_at"] >= found["created_at"]


async def test_a_task_that_failed_says_what_its_reporter_said_of_it(client: Client) -> None:
    token = await client.token("reporter")
    path = f"/api/tasks/{(await made(client, token))['id']}"
    await client.ask("PUT", f"{path}/steps/a", {"state": "failed", "message": "disk full on web-07"}, token=token)
    assert (await client.ask("GET", path, token=token)).json["reason"] == "a: disk full on web-07"


async def test_an_id_of_the_callers_makes_a_retry_harmless(client: Client) -> None:
    token = await client.token("reporter")
    body = {"title": "T", "steps": STEPS, "id": "build-7"}
    first = await client.ask("POST", "/api/tasks", body, token=token)
    again = await client.ask("POST", "/api/tasks", body, token=token)
    assert (first.status, again.status) == (201, 200) and first.json == again.json


async def test_an_id_that_another_made_is_a_conflict_and_shows_nothing(client: Client) -> None:
    mine, theirs = await client.token("reporter"), await client.token("reporter")
    await made(client, mine, id="build-7", title="secret plan")
    answer = await client.ask("POST", "/api/tasks", {"title": "T", "steps": STEPS, "id": "build-7"}, token=theirs)
    assert (answer.status, answer.code) == (409, "conflict") and b"secret plan" not in answer.body
    report = await client.ask("PUT", "/api/tasks/build-7/steps/a", {"state": "running"}, token=theirs)
    assert (report.status, report.code) == (403, "forbidden")


async def test_reports_that_come_late_or_twice(client: Client) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    path = f"/api/tasks/{task['id']}/steps/a"
    for _ in range(2):
        assert (await client.ask("PUT", path, {"state": "succeeded"}, token=token)).status == 200
    late = await client.ask("PUT", path, {"state": "running"}, token=token)
    assert (late.status, late.code) == (409, "conflict")


async def test_reports_that_cannot_be_taken(client: Client) -> None:
    token = await client.token("reporter")
    task = await made(client, token)
    path = f"/api/tasks/{task['id']}/steps"
    for where, body, status, code in [
        (f"{path}/zzz", {"state": "running"}, 404, "not_found"),
        ("/api/tasks/none/steps/a", {"state": "running"}, 404, "not_found"),
        (f"{path}/a", {"state": "flying"}, 422, "invalid"),
        (f"{path}/a", {"progress": 1.5}, 422, "invalid"),
        (f"{path}/a", {"message": "x" * 2000}, 422, "invalid"),
    ]:
        answer = await client.ask("PUT", where, body, token=token)
        assert (answer.status, answer.code) == (status, code), (where, answer.body)
    assert (await client.ask("PUT", f"{path}/a", {"state": "running"})).status == 401


async def test_the_list_keeps_the_last_hundred_that_ended_live_and_all_in_the_history(client: Client) -> None:
    token = await client.token("operator")

    async def run(n: int) -> None:
        task = await made(client, token, id=f"t{n}", steps=[{"name": "a"}])
        await client.ask("PUT", f"/api/tasks/{task['id']}/steps/a", {"state": "succeeded"}, token=token)

    for start in range(0, 120, 20):
        await asyncio.gather(*(run(n) for n in range(start, start + 20)))
    live = (await client.updates("tasks", token=token)).json["events"]
    assert len([e for e in live if e.get("data")]) == 100
    page = (await client.ask("GET", "/api/tasks?limit=200&state=succeeded", token=token)).json
    assert len(page["items"]) == 120
    assert len((await client.ask("GET", "/api/tasks?q=t7", token=token)).json["items"]) == 1


async def test_the_list_is_searched_by_what_is_seen_page_by_page(client: Client) -> None:
    token = await client.token("operator")
    for title in ("Cafe\u0301 one", "other", "CAFÉ two", "caf\u200bé three", "Straße"):
        body = {"title": title, "steps": [{"name": "a"}]}
        assert (await client.ask("POST", "/api/tasks", body, token=token)).status == 201
    seen, path = [], f"/api/tasks?q={quote('café')}&limit=1"
    while True:
        page = (await client.ask("GET", path, token=token)).json
        seen += [task["title"] for task in page["items"]]
        if page["next"] is None:
            break
        path = f"/api/tasks?q={quote('café')}&limit=1&before={page['next']}"
    assert seen == ["caf\u200bé three", "CAFÉ two", "Cafe\u0301 one"]
    assert len((await client.ask("GET", "/api/tasks?q=STRASSE", token=token)).json["items"]) == 1
