"""The API's description is what the routes are, is well formed, and says what the server answers."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Answer, Client
from described import KNOWN, check, faults, resolved
from sshd import Sshd, need_sshd

from handlers.api import openapi
from handlers.base import BaseHandler
from handlers.routes import routes
from livewall.settings import Settings

DOCUMENT = json.loads(openapi.description()[0])
METHODS = ("get", "post", "put", "delete", "patch")


def routed() -> set[tuple[str, str]]:
    """Each method of each address of the API, with `{}` for what varies."""
    found = set()
    for spec in routes(None, None):  # type: ignore[arg-type]
        pattern = spec.regex.pattern.removesuffix("$")
        if not pattern.startswith("/api/"):
            continue
        parts: list[list[str]] = []
        for plain, group in re.findall(r"([^()]+)|\(([^()]+)\)", pattern):
            parts.append([plain.replace("\\", "")] if plain else group.split("|") if "|" in group else ["{}"])
        own = [m for m in METHODS if getattr(spec.handler_class, m) is not getattr(BaseHandler, m)]
        found |= {(m, "".join(path)) for path in itertools.product(*parts) for m in own}
    return found


def described() -> set[tuple[str, str]]:
    return {(method, re.sub(r"\{\w+\}", "{}", path)) for path, found in DOCUMENT["paths"].items() for method in found}


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    assert routed() == described()


def refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [each for name, inner in value.items() for each in ([inner] if name == "$ref" else refs(inner))]
    return [each for inner in value for each in refs(inner)] if isinstance(value, list) else []


def subschemas(schema: Any) -> list[Any]:
    """A schema and all schemas in it."""
    inner = [*schema.get("anyOf", []), *schema.get("prefixItems", []), *schema.get("properties", {}).values()]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return [schema, *[each for one in inner for each in subschemas(one)]]


def test_the_description_is_well_formed() -> None:
    assert DOCUMENT["openapi"] == "3.1.0" and {"title", "version"} <= DOCUMENT["info"].keys()
    used = set(refs(DOCUMENT))
    for ref in used:
        assert resolved(ref, DOCUMENT)
    assert {ref.rpartition("/")[2] for ref in used} == DOCUMENT["components"]["schemas"].keys()
    operations = [(path, method, each) for path, found in DOCUMENT["paths"].items() for method, each in found.items()]
    assert len({each["operationId"] for _, _, each in operations}) == len(operations)
    for path, method, each in operations:
        assert method in METHODS and each["summary"] and each["responses"], (path, method)
        named = [(one["name"], one["in"]) for one in each["parameters"]]
        assert len(set(named)) == len(named)
        assert [name for name, place in named if place == "path"] == re.findall(r"\{(\w+)\}", path)
        assert all(one["required"] for one in each["parameters"] if one["in"] == "path")
        for status, answer in each["responses"].items():
            assert re.fullmatch("[2345][0-9][0-9]", status) and answer["description"]
        for needed in each["security"]:
            assert needed.keys() <= DOCUMENT["components"]["securitySchemes"].keys()
        assert "requestBody" not in each or method != "get"
    whole = list(DOCUMENT["components"]["schemas"].values())
    whole += [one["schema"] for _, _, each in operations for one in each["parameters"]]
    for schema in [each for one in whole for each in subschemas(one)]:
        assert schema.keys() <= KNOWN
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys()
        assert "\\Z" not in schema.get("pattern", "") and re.compile(schema.get("pattern", ""))


def test_what_reads_the_description_sees_what_is_wrong() -> None:
    poll = DOCUMENT["components"]["schemas"]["Poll"]
    good = {
        "id": "7",
        "wall": None,
        "title": "T",
        "kind": "single",
        "options": [{"id": "1", "label": "A"}],
        "phase": "draft",
        "round": 1,
        "results": "live",
        "published": False,
        "assurance": "open",
        "allow_change": True,
        "max_choices": 1,
        "closes_at": None,
    }
    assert list(faults(good, poll, DOCUMENT)) == []
    for wrong in ({"round": "1"}, {"round": True}, {"phase": "ajar"}, {"options": [{"id": "1"}]}, {"more": 1}):
        assert list(faults(good | wrong, poll, DOCUMENT)), wrong
    del good["title"]
    assert list(faults(good, poll, DOCUMENT)) == ["$.title: is missing"]


class Checked(Client):
    """A client that holds every answer against the description."""

    seen: set[tuple[str, str, int]]

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        answer = await super().ask(method, path, body, **options)
        kind = answer.headers.get("Content-Type", "")
        told = answer.json if kind.partition(";")[0] == "application/json" else answer.body.decode()
        template = check(DOCUMENT, method, path, answer.status, kind, told)
        self.seen.add((method.lower(), template, answer.status))
        return answer


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "fails.toml").write_text(
        '[params.n]\ntype = "integer"\ndefault = 1\nchoices = [1, 2]\n[[steps]]\nname = "a"\nrun = ["false"]\n'
    )
    (folder / "wrong.toml").write_text("steps = 1\n")
    (folder / "gate.toml").write_text("""[[steps]]\nname = "go"\ngate = { approvers = ["role:admin"] }\n""")
    (folder / "refs.toml").write_text(
        """params.ref.type = "git_ref"\n[[steps]]\nname = "a"\ngit = { repository = "/none", ref = "{params.ref}" }\n"""
    )
    (folder / "hosts.toml").write_text(
        """inventory.web = ["a", "b"]\n[[steps]]\nname = "s"\nhosts = "web"\nwaves = [1]\nrun = ["sleep", "9"]\n"""
    )
    return replace(settings, pipelines=folder)


@pytest.fixture
def sshd(settings: Settings, tmp_path: Path) -> Iterator[Sshd]:
    """A host whose key is not known, and a pipeline that runs there."""
    need_sshd()
    with Sshd(tmp_path / "sshd") as server:
        place = f'name = "a", address = "{server.address}", port = {server.port}, key = "{server.key}"'
        text = f"""inventory = {{ web = [{{ {place} }}] }}\n[[steps]]\nname = "s"\nhosts = "web"\nssh = ["true"]\n"""
        assert settings.pipelines is not None
        (settings.pipelines / "keys.toml").write_text(text)
        yield server


@pytest.fixture
def checked(client: Client) -> Client:
    made = Checked(client.url, client.http)
    made.seen = set()
    made.sockets = client.sockets
    return made


async def votes(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    options = ["A", {"label": "B", "id": "b"}]
    poll = (await client.poll(wall=wall, closes_in=600, options=options, results="after_vote"))["id"]
    here = f"/api/polls/{poll}"
    voter = await client.voter()
    for choice in ("1", "b", "b", "none"):
        answer = await client.vote(poll, choice, voter)
    assert answer.status == 422
    receipt = (await client.ask("GET", here, token=voter)).json["ballot"]["receipt"]
    for token in (voter, ADMIN, None):
        await client.ask("GET", here, token=token)
        await client.ask("GET", f"{here}/receipts/{receipt}", token=token)
    await client.ask("GET", f"{here}/receipts/NONE", token=ADMIN)
    for token, query in ((voter, ""), (None, ""), (ADMIN, "?round=1"), (ADMIN, "?round=2"), (ADMIN, "?round=x")):
        for name in ("replay", "race.svg", "results.svg"):
            await client.ask("GET", f"{here}/{name}{query}", token=token)
    for path in (f"{here}/ballots.csv", f"{here}/results.json", "/api/polls", "/api/polls?limit=x", "/api/walls"):
        for token in (ADMIN, voter, None, "bad"):
            await client.ask("GET", path, token=token)
    await client.ask("GET", f"/api/walls/{wall}?as=audience")
    screen = {"width": 1920, "height": 1080, "transport": "sse", "age": 0}
    for body in (screen, {}):
        await client.ask("PUT", f"/api/walls/{wall}/screens/s1", body)
    for token in (ADMIN, voter, None):
        for rest in ("health", "results", "results?as=audience", "results?as=x"):
            await client.ask("GET", f"/api/walls/{wall}/{rest}", token=token)
    await client.ask("DELETE", f"{here}/ballot", token=voter)
    for body in ({"add": 30}, {"left": None}, {}):
        await client.ask("POST", f"{here}/timer", body, token=ADMIN)
    await client.ask("GET", f"{here}/rounds", token=ADMIN)
    await client.ask("GET", f"{here}/rounds")
    await client.ask("DELETE", f"{here}/ballots", token=ADMIN)
    for path, body in (
        ("close", {}),
        ("publish", {}),
        ("reset", {"round": 1}),
        ("duplicate", {}),
        ("close", {}),
        ("restore", {}),
    ):
        await client.ask("POST", f"{here}/{path}", body, token=ADMIN)
    await client.ask("PUT", here, {"title": "?"}, token=ADMIN)
    for token, etag in ((ADMIN, "99"), (ADMIN, ""), (voter, ""), (None, "")):
        await client.ask("DELETE", f"{here}/ballots", token=token, headers={"If-Match": f'"{etag}"'} if etag else {})
    await client.ask("GET", f"{here}/results.json", token=ADMIN)
    for kind in ("polls", "walls"):
        await client.ask(
            "PUT",
            f"/api/{kind}/{wall if kind == 'walls' else poll}",
            {"title": "!"},
            token=ADMIN,
            headers={"If-Match": '"99"'},
        )
    await client.host("PUT", f"/api/walls/{wall}", {"title": "V", "active": f"polls/{poll}"})
    for raw in (b"{", b'{"title":1}', b'{"no":1}', b"x" * (1 << 20 | 1)):
        await client.ask("POST", "/api/polls", raw=raw, token=ADMIN)
    for token in (ADMIN, None):
        await client.ask("GET", f"/api/walls/{wall}/deck.md", token=token)
        await client.ask("POST", f"/api/walls/{wall}/duplicate", token=token)
    for raw in (b"## Q\n- A", b"## Q\n- A", b"no deck", b"x" * (1 << 20 | 1)):
        await client.ask("POST", f"/api/walls/{wall}/deck?id=d1", raw=raw, token=ADMIN)
    for path in (here, f"/api/walls/{wall}"):
        for _ in range(2):
            await client.ask("DELETE", path, token=ADMIN)


async def codes(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = (await client.poll(wall=wall, assurance="code"))["id"]
    path, voter = f"/api/walls/{wall}/codes", await client.voter()
    for count in (2, 0):
        for token in (ADMIN, voter):
            made = await client.ask("POST", path, {"count": count}, token=token)
    code = (await client.host("POST", path, {"count": 1}))["codes"][0]
    for sent in ("NONE", code):
        await client.vote(poll, "1", voter, code=sent)
    await client.ask("GET", f"/api/polls/{poll}", token=voter)
    assert (await client.vote(poll, "1", code=code)).status == 409
    for method, rest in (("POST", "/3/replace"), ("DELETE", "/3"), ("POST", "/3/replace"), ("DELETE", "/9")):
        for token in (ADMIN, None):
            made = await client.ask(method, path + rest, token=token)
    for query in ("", "?limit=1", "?limit=x"):
        for token in (ADMIN, None):
            await client.ask("GET", path + query, token=token)
    assert made.status == 401


async def tasks(client: Client) -> None:
    reporter = await client.token("reporter")
    steps = {"title": "T", "steps": [{"name": "a"}, {"name": "b", "needs": ["a"]}], "id": "t1"}
    for token in (reporter, reporter, ADMIN, None):
        await client.ask("POST", "/api/tasks", steps, token=token)
    report = {"state": "running", "progress": 0.5, "message": "m", "lease": 30}
    for body in (report, {"state": "pending"}, {"progress": 2}):
        await client.ask("PUT", "/api/tasks/t1/steps/a", body, token=reporter)
    log = "/api/tasks/t1/logs/a"
    for offset in (0, 0, 900):
        await client.ask("POST", f"{log}?offset={offset}", raw=b"one\ntwo\n" + b"x" * 40, token=reporter)
    for query in ("", "?offset=4&limit=3", "?limit=x", "?download=1", "/lines", "/lines?from=-1", "/search?q=o"):
        for token in (reporter, None):
            await client.ask("GET", log + query, token=token)
    for part in ("bytes=0-2", "bytes=900-"):
        await client.ask("GET", log, token=reporter, headers={"Range": part})
    await client.ask("GET", "/api/pipelines", token=ADMIN)
    for name, token in (("refs", ADMIN), ("refs", reporter), ("fails", ADMIN)):
        await client.ask("GET", f"/api/pipelines/{name}/refs", token=token)
    for name in ("fails", "wrong", "none"):
        await client.ask("POST", f"/api/pipelines/{name}/tasks", {"params": {"n": 2}, "id": "f1"}, token=ADMIN)
    gate = (await client.ask("POST", "/api/pipelines/gate/tasks", {}, token=ADMIN)).json["id"]
    socket = await client.socket(f"/ws/tasks/{gate}", token=ADMIN)
    await socket.until(lambda m: m.get("key") == "step/go" and m["data"]["state"] == "waiting")
    await client.ask("GET", f"/api/tasks/{gate}", token=ADMIN)
    for body, token in (({}, ADMIN), ({"decision": "approve"}, reporter), ({"decision": "approve"}, None)):
        await client.ask("POST", f"/api/tasks/{gate}/steps/go/decide", body, token=token)
    for _ in range(2):
        await client.ask("POST", f"/api/tasks/{gate}/steps/go/decide", {"decision": "approve"}, token=ADMIN)
    socket = await client.socket("/ws/tasks/f1", token=ADMIN)
    await socket.until(lambda m: m.get("key") == "task" and m["data"]["ended_at"] is not None)
    for id in ("f1", "f1", "t1", "none"):
        answer = await client.ask("POST", f"/api/tasks/{id}/retry", token=ADMIN)
    socket = await client.socket("/ws/tasks", token=ADMIN)
    await socket.until(lambda m: (m.get("data") or {}).get("retry_of") == "f1" and m["data"]["ended_at"] is not None)
    for rest in ("", "?limit=1", "?state=failed", "?state=odd", "/t1"):
        for token in (ADMIN, reporter, None):
            await client.ask("GET", f"/api/tasks{rest}", token=token)
    for id in ("t1", "none"):
        answer = await client.ask("POST", f"/api/tasks/{id}/cancel", token=ADMIN)
    assert answer.status == 404


async def hosts(client: Client) -> None:
    reporter = await client.token("reporter")
    task = (await client.ask("POST", "/api/pipelines/hosts/tasks", {}, token=ADMIN)).json["id"]
    step = f"/api/tasks/{task}/steps/s"
    for path in ("pause", "resume", "hosts/b/skip", "hosts/a/retry", "hosts/c/skip", "pause", "hosts/b/retry"):
        for token in (ADMIN, reporter, None):
            await client.ask("POST", f"{step}/{path}", {}, token=token)
    await client.ask("POST", f"{step}/abort", {}, token=ADMIN)
    socket = await client.socket(f"/ws/tasks/{task}", token=ADMIN)
    await socket.until(lambda m: m.get("key") == "task" and m["data"]["ended_at"] is not None)
    assert (await client.ask("POST", f"{step}/abort", {}, token=ADMIN)).status == 200
    assert (await client.ask("POST", f"{step}/pause", {}, token=ADMIN)).status == 409
    task = (await client.ask("POST", "/api/pipelines/keys/tasks", {}, token=ADMIN)).json["id"]
    socket = await client.socket(f"/ws/tasks/{task}", token=ADMIN)
    *_, waits = await socket.until(lambda m: m.get("key") == "step/s" and m["data"]["state"] == "waiting")
    await client.ask("GET", f"/api/tasks/{task}", token=ADMIN)
    path = f"/api/tasks/{task}/steps/s/hosts/a/key"
    for body in ({"fingerprint": "SHA256:x"}, {}, {"fingerprint": waits["data"]["waits_for"]["fingerprint"]}):
        for token in (ADMIN, reporter, None):
            await client.ask("POST", path, body, token=token)
    await socket.until(lambda m: m.get("key") == "task" and m["data"]["ended_at"] is not None)
    await client.ask("POST", f"/api/tasks/{task}/retry", {"hosts": "failed"}, token=ADMIN)


async def rooms(client: Client) -> None:
    voter, room = await client.voter(), "/api/rooms/r1"
    for body, token in (({"name": "r1"}, ADMIN), ({"name": "r1"}, ADMIN), ({}, ADMIN), ({"name": "r1"}, None)):
        await client.ask("POST", "/api/rooms", body, token=token)
    for path in (
        "/api/rooms",
        "/api/rooms?limit=x",
        room,
        "/api/rooms/none",
        f"{room}/messages",
        f"{room}/messages?limit=0",
        f"{room}/people",
        "/api/rooms/none/people",
    ):
        await client.ask("GET", path, token=voter)
    for body, token in (({"name": "Ann"}, voter), ({"name": "admin"}, voter), ({}, voter), ({"name": "Ann"}, None)):
        await client.ask("PUT", f"{room}/me", body, token=token)
    said = {"text": "hello", "id": "1"}
    for body, token in ((said, voter), (said, voter), ({"text": ""}, voter), (said, None), (said, ADMIN)):
        answer = await client.ask("POST", f"{room}/messages", body, token=token)
    author = (await client.ask("GET", f"{room}/messages")).json["items"][0]["from"]
    for token in (ADMIN, voter, None):
        await client.ask("PUT", f"{room}/people/{author}", {"muted": True}, token=token)
    await client.ask("POST", f"{room}/messages", {"text": "muted"}, token=voter)
    await private(client, f"{room}/people/{author}/messages", voter)
    await client.ask("PUT", f"{room}/people/{author}", {"muted": False}, token=ADMIN)
    for number, token in (("1", voter), ("1", ADMIN), ("9", voter), ("1", None)):
        await client.ask("PUT", f"{room}/messages/{number}", {"text": "hi"}, token=token)
    for number, token in (("1", voter), ("2", voter), ("9", voter), ("1", None)):
        await client.ask("DELETE", f"{room}/messages/{number}", token=token)
    await client.ask("GET", f"{room}/messages")
    for body, headers in (
        ({"slow": 60}, {}),
        ({"title": "T"}, {"If-Match": '"99"'}),
        ({"slow": -1}, {}),
        ({"read": "signed_in"}, {}),
    ):
        await client.ask("PUT", room, body, token=ADMIN, headers=headers)
    for path in (room, f"{room}/messages"):
        await client.ask("GET", path, token=voter)
    for token in (ADMIN, voter, None):
        await client.ask("GET", f"{room}/people", token=token)
        await client.ask("GET", f"{room}/export", token=token)
        await client.ask("DELETE", f"{room}/people/{author}/messages", token=token)
    await client.ask("GET", f"{room}/export?format=doc", token=ADMIN)
    for token in (ADMIN, ADMIN, None):
        await client.ask("DELETE", room, token=token)
    assert answer.status == 201


async def questions(client: Client) -> None:
    voter = await client.voter()
    code = (await client.host("POST", "/api/walls", {"title": "Forum"}))["code"]
    path, wall = f"/api/walls/{code}/questions", f"/api/walls/{code}"
    await client.ask("POST", f"{wall}/reactions", {"reaction": "👏"}, token=voter)
    await client.ask("GET", path)
    await client.ask("PUT", wall, {"questions": "open", "reactions": True}, token=ADMIN)
    for body, token in (({"text": "Why?", "id": "1"}, voter), ({"text": "Why?", "id": "1"}, voter), ({}, voter),
                        ({"text": "Why?"}, None)):  # fmt: skip
        await client.ask("POST", path, body, token=token)
    for number, token in (("1", voter), ("1", ADMIN), ("9", voter), ("1", None)):
        for method in ("PUT", "DELETE"):
            await client.ask(method, f"{path}/{number}/vote", token=token)
    for body, token in (({"state": "pinned"}, ADMIN), ({"answer": "So."}, ADMIN), ({}, ADMIN), ({}, voter)):
        await client.ask("PUT", f"{path}/1", body, token=token)
    await client.ask("GET", path, token=voter)
    for body, token in (({"reaction": "👏"}, voter), ({"reaction": "x"}, voter), ({"reaction": "👏"}, None)):
        await client.ask("POST", f"{wall}/reactions", body, token=token)
    await client.ask("PUT", wall, {"questions": "closed"}, token=ADMIN)
    await client.ask("POST", path, {"text": "Late?"}, token=voter)
    for method in ("PUT", "DELETE"):
        await client.ask(method, f"{path}/1/vote", token=voter)


async def private(client: Client, path: str, author: str) -> None:
    voter, said = await client.voter(), {"text": "psst", "id": "1"}
    for body, token in ((said, voter), (said, voter), ({}, voter), (said, author), (said, None), (said, ADMIN)):
        await client.ask("POST", path, body, token=token)
    await client.ask("POST", "/api/rooms/r1/people/nobody/messages", said, token=voter)
    for query in ("", "?limit=1", "?limit=x"):
        found = await client.ask("GET", f"/api/inbox{query}", token=author)
    conversations = [each["id"] for each in (await client.ask("GET", "/api/inbox", token=author)).json["items"]]
    assert len(conversations) == 2 and found.status == 422
    for token in (author, voter, None):
        for id in (conversations[-1], "none"):
            await client.ask("GET", f"/api/inbox/{id}/messages", token=token)
            for body in ({"read": 1}, {"blocked": True}, {"read": -1}):
                await client.ask("PUT", f"/api/inbox/{id}", body, token=token)
    await client.ask("GET", f"/api/inbox/{conversations[-1]}/messages?limit=0", token=author)
    await client.ask("POST", path, {"text": "are you there?"}, token=voter)


async def askers(client: Client) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "operator", "name": "o"})
    for token in (ADMIN, made["token"], None):
        await client.ask("GET", "/api/tokens", token=token)
        await client.ask("POST", "/api/logins", {"role": "admin"}, token=token)
        await client.ask("GET", "/api/audit?limit=2", token=token)
    for _ in range(2):
        await client.ask("DELETE", f"/api/tokens/{made['id']}", token=ADMIN)
    await client.ask("DELETE", "/api/tokens/none", token=ADMIN)
    await client.ask("GET", "/api/openapi.json")
    await client.ask("GET", "/api/asyncapi.json")


async def test_the_server_answers_what_is_described(sshd: Sshd, checked: Checked) -> None:
    for part in (votes, codes, questions, rooms, tasks, hosts, askers):
        await part(checked)
    done = {(method, path) for method, path, status in checked.seen if status < 300}
    missed = {(m, path) for path, found in DOCUMENT["paths"].items() for m in found} - done
    assert not missed


@pytest.mark.parametrize("role", ["anyone", "voter", "reporter", "operator", "host", "admin"])
async def test_those_may_call_of_whom_it_is_said(client: Client, role: str) -> None:
    """With a task that is the reporter's; of everything else there is nothing, so that whoever may gets a 404."""
    reporter = await client.token("reporter")
    await client.ask("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}], "id": "t1"}, token=reporter)
    known = {"anyone": None, "admin": ADMIN, "reporter": reporter}
    token = known[role] if role in known else await (client.voter() if role == "voter" else client.token(role))
    for call in openapi.CALLS:
        path = call.path.replace(openapi.TASK, "/api/tasks/t1").replace("{step}", "a")
        answer = await client.ask(call.method, re.sub(r"\{\w+\}", "none", path), token=token)
        if not call.who:
            expected = {"anyone": 401, "voter": 401}.get(role) if call.path == openapi.TASK else None
        elif role in call.who:
            expected = None
        else:
            expected = 401 if role in ("anyone", "voter") or call.who == openapi.VOTER else 403
        assert answer.status == expected or (expected is None and answer.status not in (401, 403)), (call, answer.body)


async def test_it_is_asked_for_again_only_when_it_changed(client: Client) -> None:
    first = await client.ask("GET", "/api/openapi.json")
    assert first.json == DOCUMENT and first.headers["Cache-Control"] == "private, no-cache"
    etag = first.headers["ETag"]
    for held, status in ((etag, 304), (f'W/{etag}, "x"', 304), ('"x"', 200)):
        answer = await client.ask("GET", "/api/openapi.json", headers={"If-None-Match": held})
        assert (answer.status, answer.headers["ETag"], bool(answer.body)) == (status, etag, status == 200)
