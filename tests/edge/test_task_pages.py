"""The pages of tasks as the server makes them: whole without script, for each role what it may see."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clients import ADMIN, Answer, Client

from handlers.view_models.task_chart import BOX, SHAPES, edge_state, line_path, name_lines, truncate
from handlers.view_models.task_times import forecast
from livewall.charts.host_cells import host_cells
from livewall.durations import format_duration
from livewall.settings import Settings
from livewall.tasks.machine import Step, StepState

ROOT = Path(__file__).parents[2]
STEPS = [{"name": "fetch"}, {"name": "build", "needs": ["fetch"]}, {"name": "ship", "needs": ["build", "fetch"]}]
SCRIPT = """
import { BOX, edgeState, linePath, nameLines } from "./static/js/task/chartlayout.js";
import { hostCells } from "./static/js/task/hostcells.js";
import { SHAPES } from "./static/js/task/states.js";
import { formatDuration } from "./static/js/ui/duration.js";
import { shorten } from "./static/js/ui/length.js";
const { names, texts, paths, edges, times, waves } = JSON.parse(process.argv[1]);
console.log(JSON.stringify({
  box: [BOX.width, BOX.height], shapes: SHAPES, texts: texts.map((text) => shorten(text, 9)),
  names: names.map((name) => nameLines(name, 18)),
  paths: paths.map(linePath), edges: edges.map(([a, b]) => edgeState(a, b)),
  times: times.map((ms) => formatDuration(ms)),
  cells: waves.map((sizes) => hostCells(sizes)),
}));
"""
NAMES = [
    "fetch",
    "a" * 18,
    "a" * 19,
    "b" * 36,
    "c" * 80,
    "step-27-compile-the-documentation",
    "compile_everything.again",
    "x" * 17 + "-yz",
    "-" * 40,
    "deploy-to-production-in-europe-west-4-canary-and-verify",
]
TEXTS = ["short", "a" * 30, "漢字漢字漢字", ""]
PATHS: list[list[list[float]]] = [[[0, 10], [84, 10]], [[0, 10], [84, 60.25]], [[0, 1], [5, 9], [20, 9], [31, 2]]]
EDGES = [("succeeded", "pending"), ("succeeded", "running"), ("failed", "skipped"), ("running", "retrying")]
WAVES = [[3], [1, 2], [1, 5, 14], [10, 50, 140], [1] * 20, [1000]]
TIMES = [0, 999, 61_000, 3_600_000, 3_665_500]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "talk.toml").write_text(
        'title = "Talk"\n[params.words]\npattern = "[a-z]+"\n[params.loud]\ntype = "boolean"\ndefault = true\n'
        '[[steps]]\nname = "say"\nrun = ["echo", "{params.words}"]\n'
    )
    (folder / "vote.toml").write_text('[params.wall]\n[[steps]]\nname = "no"\nrun = ["true"]\n')
    (folder / "no.toml").write_text('[[steps]]\nname = "no"\nrun = ["false"]\n')
    (folder / "broken.toml").write_text('[[steps]]\nname = "a"\nneeds = ["b"]\nrun = ["true"]\n')
    return Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False, pipelines=folder)


async def made(client: Client, **fields: Any) -> str:
    return str((await client.host("POST", "/api/tasks", {"title": "Release <4>", "steps": STEPS, **fields}))["id"])


async def ended(client: Client, task: str) -> None:
    """Wait until a task has ended: a server that stops must not find it at work."""
    while (await client.host("GET", f"/api/tasks/{task}"))["ended_at"] is None:
        await asyncio.sleep(0.02)


async def page(client: Client, path: str, token: str = ADMIN, status: int = 200) -> str:
    answer = await client.ask("GET", path, token=token)
    assert answer.status == status, answer.body
    return answer.body.decode()


async def submit(client: Client, path: str, fields: dict[str, str]) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await client.ask("POST", path, token=ADMIN, raw=urlencode(fields).encode(), headers=headers)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_the_server_and_the_scripts_draw_alike() -> None:
    given = json.dumps({"names": NAMES, "texts": TEXTS, "paths": PATHS, "edges": EDGES, "times": TIMES, "waves": WAVES})
    told = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT, given], cwd=ROOT, check=True, capture_output=True
    )
    drawn = json.loads(told.stdout)
    assert drawn["box"] == list(BOX) and drawn["shapes"] == SHAPES
    assert drawn["names"] == [name_lines(name) for name in NAMES]
    assert drawn["texts"] == [truncate(text, 9) for text in TEXTS]
    assert drawn["paths"] == [line_path(points) for points in PATHS]
    assert drawn["edges"] == [edge_state(*edge) for edge in EDGES]
    cells = [host_cells(waves) for waves in WAVES]
    assert drawn["cells"] == [
        {"size": size, "cells": [each._asdict() for each in placed], "runs": [run._asdict() for run in runs],
         "height": height} for size, placed, runs, height in cells
    ]  # fmt: skip
    assert drawn["times"] == [format_duration(ms / 1000) for ms in TIMES]


def test_what_may_be_said_of_the_end() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    soon, past = ((now + timedelta(seconds=s)).isoformat() for s in (90, -30))

    def step(state: StepState, eta: str | None) -> Step:
        return Step(name="build", needs=[], state=state, eta=eta)

    assert forecast(step(StepState.RUNNING, None), now) == ("none", "")
    assert forecast(step(StepState.RUNNING, soon), now) == ("left", "1:30")
    assert forecast(step(StepState.RUNNING, past), now) == ("overdue", "0:30")
    assert forecast(step(StepState.FAILED, past), now) == ("ended", "")


async def test_the_chart_stands_in_the_page(client: Client) -> None:
    task = await made(client)
    await client.host("PUT", f"/api/tasks/{task}/steps/fetch", {"state": "succeeded", "message": "<b>318</b>"})
    text = await page(client, f"/tasks/{task}")
    assert text.count('class="n"') == 3 and text.count('class="e"') == 3
    assert 'data-step="fetch" data-state="succeeded"' in text
    assert "&lt;b&gt;318" in text and "<b>318" not in text and "Release &lt;4&gt;" in text
    assert '<noscript><link rel="stylesheet"' in text and 'http-equiv="refresh"' in text


async def test_a_projector_without_script_shows_what_matters_of_many_steps(client: Client) -> None:
    task = await made(client, steps=[{"name": f"step-{n}"} for n in range(200)])
    await client.host("PUT", f"/api/tasks/{task}/steps/step-150", {"state": "failed"})
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    await client.host("PUT", f"/api/walls/{wall}", {"items": [f"tasks/{task}"], "active": f"tasks/{task}"})
    text = await page(client, f"/w/{wall}/screen")
    assert text.count('<li class="step"') == 44 and "156 more steps" in text
    assert text.index("step-150</b>") < text.index("step-0</b>")
    assert (await page(client, f"/w/{wall}")).count('<li class="step"') == 200


MOMENT = r"20\d\d-\d\d-\d\d \d\d:\d\d UTC"


async def test_moments_are_said_in_one_form_with_their_zone(client: Client) -> None:
    task = await made(client)
    for step in STEPS:
        await client.host("PUT", f"/api/tasks/{task}/steps/{step['name']}", {"state": "succeeded"})
    assert re.search(rf'<span class="rest" title="[^"]+ UTC">{MOMENT}</span>', await page(client, "/tasks"))
    head = rf'<time datetime="[^"]+Z" title="[^"]+ UTC">{MOMENT}</time>'
    assert re.search(head, await page(client, f"/tasks/{task}"))
    await client.host("POST", "/api/walls", {"title": "W"})
    audit = re.findall(r"<time[^>]*>([^<]*)</time>", await page(client, "/audit"))
    assert audit and all(re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", each) for each in audit)


async def test_the_end_of_a_log_is_read_without_script(client: Client) -> None:
    task = await made(client)
    lines = "".join(f"line {n} \x1b[31mred\x1b[0m <i>\n" for n in range(1, 301))
    await client.ask("POST", f"/api/tasks/{task}/logs/fetch", token=ADMIN, raw=lines.encode())
    text = await page(client, f"/tasks/{task}?step=fetch")
    assert '<li value="300" dir="auto">line 300 <span class="a-ink1">red</span> &lt;i&gt;</li>' in text
    assert text.count("<li value=") == 200
    assert "<li value=" not in await page(client, f"/tasks/{task}")
    assert "<li value=" not in await page(client, f"/tasks/{task}?step=nothing")


async def test_redraws_are_resolved_without_script(client: Client) -> None:
    task = await made(client)
    lines = "a: 0\nb: 0\n" + "".join(f"\x1b[2A\x1b[2Ka: {n}\n\x1b[2K\x1b[1Gb: {n}\n" for n in range(1, 200))
    await client.ask("POST", f"/api/tasks/{task}/logs/fetch", token=ADMIN, raw=f"{lines}x\x90y\n\x1b]0;z".encode())
    text = await page(client, f"/tasks/{task}?step=fetch")
    shown = re.findall(r'<li value="(\d+)" dir="auto">([^<]*)</li>', re.sub("</?span[^>]*>", "", text))
    expected = [("399", "a: 199"), ("400", "b: 199"), ("401", "x&lt;U+0090&gt;y"), ("402", "\u241b]0;z")]
    assert shown == expected


async def test_a_host_gets_neither_log_nor_parameters(client: Client) -> None:
    task = (await client.host("POST", "/api/pipelines/talk/tasks", {"params": {"words": "hush"}}))["id"]
    token = await client.token("host")
    text = await page(client, f"/tasks/{task}?step=say", token)
    assert 'data-step="say"' in text and "hush" not in text and 'id="cancel"' not in text
    assert "Only operators can read logs" in text
    text = await page(client, "/tasks", token)
    assert "Talk" in text and "broken.toml" not in text
    await page(client, "/pipelines/talk", token, 403)
    await ended(client, task)


async def test_strangers_and_reporters_are_told_so(client: Client) -> None:
    task = await made(client)
    for path in ("/tasks", f"/tasks/{task}"):
        answer = await client.ask("GET", path)
        assert answer.status == 401 and b"Operators and hosts can see tasks" in answer.body
    reporter = await client.token("reporter")
    assert (await client.ask("GET", f"/tasks/{task}", token=reporter)).status == 403
    own = await client.ask("POST", "/api/tasks", {"title": "Mine", "steps": [{"name": "a"}]}, token=reporter)
    text = await page(client, f"/tasks/{own.json['id']}", reporter)
    assert 'id="cancel"' not in text and 'class="lines"' in text


async def test_the_list_has_three_groups_and_goes_back_in_time(client: Client) -> None:
    ids = [await made(client, title=f"Task {n}") for n in range(52)]
    await client.host("PUT", f"/api/tasks/{ids[-1]}/steps/fetch", {"state": "running"})
    text = await page(client, "/tasks")
    running = text[text.index('data-group="running"') : text.index('data-group="waiting"')]
    assert "Task 51" in running and "Task 50" not in running
    assert "no estimate" in running and "Task 1<" not in text
    older = text[text.index('id="older" href="') + 17 :].partition('"')[0].replace("&amp;", "&")
    assert "Task 1<" in await page(client, f"/tasks{older}")
    assert "Task 7<" in await page(client, "/tasks?q=Task+7") and "Task 8<" not in await page(client, "/tasks?q=Task+7")
    assert "Task 50" not in await page(client, "/tasks?state=running")
    assert "broken.toml:3:" in text


async def test_an_empty_list_says_so(client: Client) -> None:
    text = await page(client, "/tasks")
    for said in ("Nothing is running.", "Nothing is waiting.", "Nothing has ended yet."):
        assert said in text


async def test_a_form_tells_what_is_wrong_beside_its_field_and_keeps_what_was_typed(client: Client) -> None:
    answer = await submit(client, "/pipelines/talk", {"params.words": "NO <b>", "params.loud": "maybe"})
    text = answer.body.decode()
    assert answer.status == 422
    assert 'value="NO &lt;b&gt;"' in text and text.count('class="fault"') == 2
    assert (await client.host("GET", "/api/tasks"))["items"] == []
    answer = await submit(client, "/pipelines/talk", {"params.words": "hello", "params.loud": "false", "id": "once"})
    assert (answer.status, answer.headers["Location"]) == (303, "/tasks/once")
    again = await submit(client, "/pipelines/talk", {"params.words": "hello", "params.loud": "false", "id": "once"})
    await ended(client, "once")
    assert again.status == 303 and len((await client.host("GET", "/api/tasks"))["items"]) == 1


@pytest.mark.parametrize("id", ["../..", "..", "\0", "Café", "a/b", "-x", ".", "x" * 81])
async def test_a_form_starts_nothing_under_an_id_that_is_no_name(client: Client, id: str) -> None:
    answer = await submit(client, "/pipelines/talk", {"params.words": "hello", "params.loud": "false", "id": id})
    assert answer.status == 422 and "letters, digits" in answer.body.decode()
    assert (await client.host("GET", "/api/tasks"))["items"] == []


async def test_a_broken_pipeline_shows_its_faults_and_starts_nothing(client: Client) -> None:
    text = await page(client, "/pipelines/broken")
    assert "broken.toml:3:" in text and "<form" not in text
    answer = await submit(client, "/pipelines/broken", {})
    assert answer.status == 422 and b"broken.toml:3:" in answer.body
    assert (await client.ask("GET", "/pipelines/none", token=ADMIN)).status == 404


def forms(text: str) -> str:
    """The part of a task's page that has its buttons."""
    found = re.search(r'<div class="acts">(.*?)</div>', text, re.S)
    return found[1] if found else ""


def form_token(text: str) -> str:
    found = re.search(r'name="_form" value="([^"]+)"', text)
    assert found
    return found[1]


async def test_a_task_is_cancelled_by_a_form_that_asks_first(client: Client) -> None:
    task = await made(client)
    assert f'action="/desk/tasks/{task}"' in forms(await page(client, f"/tasks/{task}"))
    asked = await page(client, f"/desk/tasks/{task}")
    for words in ("Cancel this task?", "This cannot be undone: a retry is a new task.", "Release &lt;4&gt;"):
        assert words in asked
    assert "http-equiv" not in asked and f'href="/tasks/{task}"' in asked
    assert "取消这个任务？" in await page(client, f"/desk/tasks/{task}?lang=zh-CN")
    assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "pending"
    answer = await submit(client, f"/desk/tasks/{task}", {"do": "cancel", "_form": form_token(asked)})
    assert (answer.status, answer.headers["Location"]) == (303, f"/tasks/{task}")
    assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "cancelled"
    assert "<form" not in forms(await page(client, f"/tasks/{task}"))
    again = await client.ask("GET", f"/desk/tasks/{task}", token=ADMIN)
    assert (again.status, again.headers["Location"]) == (302, f"/tasks/{task}")


async def test_a_form_that_is_sent_twice_cancels_once(client: Client) -> None:
    task = await made(client)
    await client.host("PUT", f"/api/tasks/{task}/steps/fetch", {"state": "running"})
    for _ in range(2):
        assert (await submit(client, f"/desk/tasks/{task}", {"do": "cancel"})).status == 303
        assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "cancelling"
    assert "<form" not in forms(await page(client, f"/tasks/{task}"))


async def test_a_task_is_retried_by_a_form_that_leads_to_the_new_one(client: Client) -> None:
    task = (await client.host("POST", "/api/pipelines/no/tasks", {}))["id"]
    await ended(client, task)
    form = forms(await page(client, f"/tasks/{task}"))
    assert 'value="retry"' in form and "post" not in form, "it asks first"
    asked = await page(client, f"/desk/tasks/{task}?do=retry")
    assert "Retry this task?" in asked and "Not now" in asked and 'value="retry"' in asked
    answer = await submit(client, f"/desk/tasks/{task}", {"do": "retry"})
    retry = answer.headers["Location"].removeprefix("/tasks/")
    assert answer.status == 303 and (await client.host("GET", f"/api/tasks/{retry}"))["retry_of"] == task
    await ended(client, retry)


async def test_a_task_is_put_on_a_wall_by_a_form(client: Client) -> None:
    task = await made(client)
    first = await client.host("POST", "/api/walls", {"title": "Operations"})
    await client.host("POST", "/api/walls", {"title": "Canteen"})
    for path in ("/tasks", f"/tasks/{task}"):
        assert f'href="/desk/tasks/{task}?do=wall"' in await page(client, path), path
    asked = await page(client, f"/desk/tasks/{task}?do=wall")
    assert "Operations" in asked and "Canteen" in asked and asked.count('name="wall"') == 2
    for _ in range(2):
        answer = await submit(client, f"/desk/tasks/{task}", {"do": "wall", "wall": first["code"]})
        assert answer.status == 303 and answer.headers["Location"] == f"/w/{first['code']}/host"
        wall = await client.host("GET", f"/api/walls/{first['code']}")
        assert wall["items"] == [f"tasks/{task}"] and wall["active"] == f"tasks/{task}"
    assert (await page(client, f"/desk/tasks/{task}?do=wall")).count('name="wall"') == 1
    assert (await submit(client, f"/desk/tasks/{task}", {"do": "wall", "wall": "K7M2QD"})).status == 404


async def test_the_form_of_a_pipeline_proposes_walls_to_those_who_may_list_them(client: Client) -> None:
    code = (await client.host("POST", "/api/walls", {"title": "Forum <1>"}))["code"]
    option = (
        f'list="params.wall.walls"><datalist id="params.wall.walls"><option value="{code}">Forum &lt;1&gt;</option>'
    )
    shown = await page(client, "/pipelines/vote")
    assert 'list="params.wall.walls"' in shown and option.partition(">")[2] in shown
    assert "<datalist" not in await page(client, "/pipelines/talk")
    assert "<datalist" not in await page(client, "/pipelines/vote", await client.token("operator"))


async def test_operators_who_are_no_hosts_put_nothing_on_walls(client: Client) -> None:
    task = await made(client)
    code = (await client.host("POST", "/api/walls", {"title": "Operations"}))["code"]
    token = (await client.host("POST", "/api/tokens", {"role": "operator", "name": "Lin"}))["token"]
    shown = (await client.ask("GET", f"/tasks/{task}", token=token)).body.decode()
    assert "do=wall" not in shown
    assert (await client.ask("GET", f"/desk/tasks/{task}?do=wall", token=token)).status == 403
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    answer = await client.ask(
        "POST", f"/desk/tasks/{task}", token=token, raw=f"do=wall&wall={code}".encode(), headers=headers
    )
    assert answer.status == 403 and (await client.host("GET", f"/api/walls/{code}"))["items"] == []


async def test_what_cannot_be_retried_has_no_form_and_is_refused_with_the_way_back(client: Client) -> None:
    task = await made(client)
    await client.host("POST", f"/api/tasks/{task}/cancel")
    assert "<form" not in forms(await page(client, f"/tasks/{task}"))
    for fields in ({"do": "retry"}, {"do": "sell"}, {}):
        answer = await submit(client, f"/desk/tasks/{task}", fields)
        assert answer.status in (409, 422)
        assert f'<a class="second" href="/tasks/{task}">Back to the task</a>' in answer.body.decode()


async def test_the_forms_of_tasks_are_for_operators_and_from_our_pages(client: Client) -> None:
    task = await made(client)
    host = await client.token("host")
    shown = forms(await page(client, f"/tasks/{task}", token=host))
    assert "<form" not in shown and "<button" not in shown, "a host puts it on a wall, and no more"
    assert await page(client, f"/desk/tasks/{task}", token=host, status=403)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    for token, status in ((host, 403), (None, 401)):
        answer = await client.ask("POST", f"/desk/tasks/{task}", raw=b"do=cancel", token=token, headers=headers)
        assert answer.status == status
    made_link = (await client.host("POST", "/api/logins", {"role": "operator"}))["link"]
    path = "/login/" + made_link.rpartition("/")[2]
    signed = await client.ask("POST", path, raw=b"", headers=headers)
    cookie = {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}
    asked = (await client.ask("GET", f"/desk/tasks/{task}", headers=cookie)).body.decode()
    sent = urlencode({"do": "cancel", "_form": form_token(asked)}).encode()
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for forged, more in ((b"do=cancel", {}), (b"do=cancel&_form=x", {}), (sent, foreign)):
        answer = await client.ask("POST", f"/desk/tasks/{task}", raw=forged, headers=headers_of(cookie, more))
        assert answer.status == 403
    assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "pending"
    assert (await client.ask("POST", f"/desk/tasks/{task}", raw=sent, headers=headers_of(cookie, {}))).status == 303
    assert (await client.host("GET", f"/api/tasks/{task}"))["state"] == "cancelled"


def headers_of(*parts: dict[str, str]) -> dict[str, str]:
    """Of a form as a browser sends it that says nothing of its origin."""
    return {"Content-Type": "application/x-www-form-urlencoded"} | {k: v for part in parts for k, v in part.items()}


async def test_too_much_for_a_form_is_refused_with_the_limit_and_the_way_back(client: Client) -> None:
    answer = await submit(client, "/pipelines/talk", {"params.words": "a" * (512 << 10)})
    said = answer.body.decode()
    assert answer.status == 413 and "At most 512 KiB can be sent with this form." in said
    assert '<a class="second" href="/pipelines/talk">Back to “talk”</a>' in said
    answer = await submit(client, "/desk/polls", {"title": "a" * (256 << 10)})
    said = answer.body.decode()
    assert answer.status == 413 and "At most 256 KiB can be sent with this form." in said
    assert '<a class="second" href="/">Go to the start page</a>' in said
