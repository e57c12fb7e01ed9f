"""Polls that ask for a code, against a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from clients import ADMIN, Answer, Client
from watchers import TRANSPORTS, Watcher

import server
from livewall.settings import Settings


async def hall(client: Client, count: int = 3, **fields: Any) -> tuple[str, str, list[str]]:
    """A wall with codes and an open poll that asks for them."""
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = (await client.poll(wall=wall, assurance="code", **fields))["id"]
    made = await client.host("POST", f"/api/walls/{wall}/codes", {"count": count})
    return wall, poll, made["codes"]


async def vote(client: Client, poll: str, choice: str, voter: str, code: str | None = None) -> Answer:
    return await client.vote(poll, choice, voter, **({"code": code} if code else {}))


async def tally(client: Client, poll: str) -> Any:
    return (await client.host("GET", f"/api/polls/{poll}"))["tally"]["counts"]


async def test_codes_are_made_once_and_then_only_counted(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    path = f"/api/walls/{wall}/codes"
    made = await client.ask("POST", path, {"count": 200}, token=ADMIN)
    assert made.status == 201 and made.headers["Cache-Control"] == "no-store"
    codes = made.json["codes"]
    form = re.compile(r"[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{4}){2}")
    assert len(set(codes)) == 200 and all(form.fullmatch(code) for code in codes)
    assert made.json["ids"] == [str(n) for n in range(1, 201)]
    first = await client.host("GET", f"{path}?limit=150")
    rest = await client.host("GET", f"{path}?limit=150&before={first['next']}")
    assert (first["made"], first["used"], first["left"], rest["next"]) == (200, 0, 200, None)
    items = [*first["items"], *rest["items"]]
    assert items[0] == {"id": "200", "used": False, "revoked": False}
    assert [item["id"] for item in items] == [str(n) for n in range(200, 0, -1)]
    assert not any(code in str(items) for code in codes)


async def test_no_more_codes_than_a_wall_may_have(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    path = f"/api/walls/{wall}/codes"
    for count in (0, 2001, "x", None):
        assert (await client.ask("POST", path, {"count": count}, token=ADMIN)).code == "invalid"
    for _ in range(10):
        assert len((await client.host("POST", path, {"count": 2000}))["codes"]) == 2000
    answer = await client.ask("POST", path, {"count": 1}, token=ADMIN)
    assert (answer.status, answer.code, list(answer.json["error"]["fields"])) == (422, "invalid", ["count"])
    assert (await client.host("GET", path))["made"] == 20_000
    assert (await client.ask("POST", "/api/walls/ZZZZZZ/codes", {"count": 1}, token=ADMIN)).code == "not_found"


async def test_what_is_stored_is_no_code_and_no_voter(client: Client, running: server.Running) -> None:
    _, poll, codes = await hall(client)
    voter = await client.voter()
    await vote(client, poll, "1", voter, codes[0])
    await client.vote((await client.poll())["id"], "1", voter)
    with closing(sqlite3.connect(running.app.folder.database)) as database:
        text = "\n".join(database.iterdump())
        [[bound]] = database.execute("SELECT voter FROM codes WHERE voter IS NOT NULL")
        voters = [v for (v,) in database.execute("SELECT voter FROM ballots")]
    assert not any(form in text for code in codes for form in (code, code.replace("-", "")))
    assert voter.split(".")[1] not in text and len({bound, *voters}) == 3


async def test_a_ballot_needs_a_code_of_the_polls_wall(client: Client) -> None:
    _, poll, codes = await hall(client)
    _, other, foreign = await hall(client)
    voter = await client.voter()
    for code in (None, "", "AAAA-BBBB-CCCC", foreign[0], codes[0] + "A", "<é>"):
        answer = await vote(client, poll, "1", voter, code)
        assert (answer.status, answer.code) == (403, "bad_code")
    found = await client.ask("GET", f"/api/polls/{poll}", token=voter)
    assert (found.json["needs_code"], found.json["ballot"]) == (True, None)
    typed = codes[0].lower().replace("-", " ")
    assert (await vote(client, poll, "1", voter, typed)).status == 201
    found = await client.ask("GET", f"/api/polls/{poll}", token=voter)
    assert (found.json["needs_code"], found.json["ballot"]["choices"]) == (False, ["1"])
    assert (await vote(client, other, "1", voter)).code == "bad_code"
    assert await tally(client, poll) == {"1": 1, "2": 0}


async def test_once_bound_a_voter_needs_no_code_on_the_wall_and_nobody_else_can_use_it(client: Client) -> None:
    wall, poll, codes = await hall(client)
    second = (await client.poll(wall=wall, assurance="code"))["id"]
    voter, other = await client.voter(), await client.voter()
    first = await vote(client, poll, "1", voter, codes[0])
    again = await vote(client, poll, "1", voter, codes[0])
    assert (again.status, again.json) == (200, first.json)
    assert (await vote(client, poll, "2", voter)).json["receipt"] == first.json["receipt"]
    assert (await vote(client, second, "2", voter)).status == 201
    for target in (poll, second):
        answer = await vote(client, target, "2", other, codes[0])
        assert (answer.status, answer.code) == (409, "code_used")
    answer = await vote(client, second, "2", voter, codes[1])
    assert (answer.status, answer.code) == (409, "code_used")
    assert (await vote(client, second, "2", voter, "AAAABBBBCCCC")).code == "bad_code"
    counts = await client.host("GET", f"/api/walls/{wall}/codes")
    assert (counts["used"], counts["left"]) == (1, 2)
    assert await tally(client, poll) == {"1": 0, "2": 1}


async def test_one_code_sent_by_twenty_at_once_is_one_ballot(client: Client) -> None:
    wall, poll, codes = await hall(client)
    voters = await asyncio.gather(*(client.voter() for _ in range(20)))
    answers = await asyncio.gather(*(vote(client, poll, "1", voter, codes[0]) for voter in voters))
    assert sorted(a.status for a in answers) == [201] + [409] * 19
    assert {a.code for a in answers if a.status == 409} == {"code_used"}
    assert await tally(client, poll) == {"1": 1, "2": 0}
    assert (await client.host("GET", f"/api/walls/{wall}/codes"))["used"] == 1


async def test_a_refused_ballot_binds_nobody(client: Client) -> None:
    _, poll, codes = await hall(client)
    voter, other = await client.voter(), await client.voter()
    assert (await vote(client, poll, "9", voter, codes[0])).code == "invalid"
    assert (await client.vote(poll, "1", voter, code=codes[0], round=7)).code == "round_over"
    assert (await vote(client, poll, "1", other, codes[0])).status == 201


async def test_a_replaced_code_changes_the_same_ballot(client: Client) -> None:
    wall, poll, codes = await hall(client)
    voter, other = await client.voter(), await client.voter()
    first = await vote(client, poll, "1", voter, codes[0])
    made = await client.ask("POST", f"/api/walls/{wall}/codes/1/replace", token=ADMIN)
    assert made.status == 201 and made.json["id"] == "1" and made.json["code"] not in codes
    for code in (None, codes[0]):
        assert (await vote(client, poll, "2", voter, code)).code == "bad_code"
    assert (await client.ask("GET", f"/api/polls/{poll}", token=voter)).json["ballot"] is None
    taken = await client.ask("DELETE", f"/api/polls/{poll}/ballot", token=voter)
    assert (taken.status, taken.json["receipt"]) == (200, None)
    changed = await vote(client, poll, "2", other, made.json["code"])
    assert (changed.status, changed.json["receipt"]) == (200, first.json["receipt"])
    assert await tally(client, poll) == {"1": 0, "2": 1}
    assert (await client.host("GET", f"/api/walls/{wall}/codes"))["made"] == 3


async def test_a_revoked_code_casts_nothing_more_and_what_it_cast_stays(client: Client) -> None:
    wall, poll, codes = await hall(client)
    voter = await client.voter()
    await vote(client, poll, "1", voter, codes[0])
    for id in ("1", "2", "2"):
        await client.host("DELETE", f"/api/walls/{wall}/codes/{id}")
    for code in (None, codes[0], codes[1]):
        assert (await vote(client, poll, "2", voter, code)).code == "bad_code"
    assert (await client.ask("DELETE", f"/api/polls/{poll}/ballot", token=voter)).code == "bad_code"
    found = (await client.ask("GET", f"/api/polls/{poll}", token=voter)).json
    assert found["ballot"]["choices"] == ["1"] and found["needs_code"] is True
    replaced = await client.ask("POST", f"/api/walls/{wall}/codes/1/replace", token=ADMIN)
    assert (replaced.status, replaced.code) == (409, "conflict")
    counts = await client.host("GET", f"/api/walls/{wall}/codes")
    assert (counts["made"], counts["used"], counts["left"]) == (3, 1, 1)
    assert (await vote(client, poll, "2", voter, codes[2])).status == 201
    assert await tally(client, poll) == {"1": 1, "2": 1}
    for method, path in (("POST", "9/replace"), ("DELETE", "9"), ("DELETE", "01"), ("DELETE", "x")):
        assert (await client.ask(method, f"/api/walls/{wall}/codes/{path}", token=ADMIN)).code == "not_found"


async def test_a_code_over_a_websocket_and_the_way_back(client: Client) -> None:
    _, poll, codes = await hall(client)
    voter = await client.voter()
    socket = await client.socket(f"/ws/polls/{poll}", token=voter)
    await socket.synced()
    assert (await socket.act("vote", "1", choices=["1"]))["error"]["code"] == "bad_code"
    assert (await socket.act("vote", "2", choices=["1"], code="AAAABBBBCCCC"))["error"]["code"] == "bad_code"
    put = await socket.act("vote", "3", choices=["1"], code=codes[0])
    assert put["ok"]["choices"] == ["1"]
    assert (await socket.act("vote", "4", choices=["2"]))["ok"]["receipt"] == put["ok"]["receipt"]
    assert (await socket.act("retract", "5"))["ok"] == {"receipt": None, "choices": [], "round": 1}
    assert await tally(client, poll) == {"1": 0, "2": 0}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_tally_after_voting_goes_with_the_holder(client: Client, transport: str) -> None:
    wall, poll, codes = await hall(client, results="after_vote")
    voter, heir = await client.voter(), await client.voter()
    watchers = [Watcher(client.url, transport, f"polls/{poll}", token=token) for token in (voter, heir)]
    first, second = watchers
    for watcher in watchers:
        watcher.start()
    try:
        for watcher in watchers:
            await watcher.until(lambda c: c.synced and "turnout" in c.state)
        await vote(client, poll, "1", voter, codes[0])
        await first.until(lambda c: c.synced and "tally" in c.state)
        late = Watcher(client.url, transport, f"polls/{poll}", token=voter)
        late.start()
        await late.until(lambda c: c.synced and "tally" in c.state)
        await late.stop()
        code = (await client.host("POST", f"/api/walls/{wall}/codes/1/replace"))["code"]
        await first.until(lambda c: c.synced and "tally" not in c.state)
        assert "tally" not in second.checker.state
        await vote(client, poll, "1", heir, code)
        await second.until(lambda c: c.synced and c.state.get("tally", {}).get("ballots") == 1)
    finally:
        for watcher in watchers:
            await watcher.stop()


async def test_who_takes_over_a_holder_sees_what_it_may_see_in_its_other_polls(client: Client) -> None:
    wall, poll, codes = await hall(client, results="after_vote")
    second = (await client.poll(wall=wall, assurance="code"))["id"]
    voter, heir = await client.voter(), await client.voter()
    await vote(client, poll, "1", voter, codes[0])
    code = (await client.host("POST", f"/api/walls/{wall}/codes/1/replace"))["code"]
    socket = await client.socket(f"/ws/polls/{poll}", token=heir)
    assert not any(m.get("key") == "tally" for m in await socket.synced())
    await vote(client, second, "1", heir, code)
    await socket.until(lambda m: m.get("key") == "tally")


async def test_assurance_needs_a_wall_and_stands_with_the_first_ballot(client: Client) -> None:
    answer = await client.ask("POST", "/api/polls", {"title": "T", "options": ["A"], "assurance": "code"}, token=ADMIN)
    assert (answer.code, list(answer.json["error"]["fields"])) == ("invalid", ["assurance"])
    alone = await client.poll()
    edit = await client.ask("PUT", f"/api/polls/{alone['id']}", {"assurance": "code"}, token=ADMIN)
    assert edit.code == "invalid" and "needs_code" not in (await client.host("GET", f"/api/polls/{alone['id']}"))
    wall, poll, _ = await hall(client)
    assert (await client.host("PUT", f"/api/polls/{poll}", {"assurance": "open"}))["assurance"] == "open"
    await client.vote(poll, "1")
    edit = await client.ask("PUT", f"/api/polls/{poll}", {"assurance": "code"}, token=ADMIN)
    assert (edit.status, edit.code) == (409, "conflict")
    copy = await client.host("POST", f"/api/polls/{(await client.poll(wall=wall, assurance='code'))['id']}/duplicate")
    assert (copy["assurance"], copy["wall"]) == ("code", wall)


async def test_without_its_wall_a_poll_has_no_codes(client: Client) -> None:
    wall, poll, codes = await hall(client)
    voter = await client.voter()
    await vote(client, poll, "1", voter, codes[0])
    await client.host("DELETE", f"/api/walls/{wall}")
    assert (await vote(client, poll, "2", voter, codes[0])).code == "bad_code"
    assert await tally(client, poll) == {"1": 1, "2": 0}


async def test_only_hosts_have_to_do_with_codes(client: Client) -> None:
    wall, _, _ = await hall(client)
    path = f"/api/walls/{wall}/codes"
    for role, status in ((None, 401), ("operator", 403), ("reporter", 403)):
        token = await client.token(role) if role else None
        asked = [("GET", path), ("POST", path), ("POST", f"{path}/1/replace"), ("DELETE", f"{path}/1")]
        for method, each in asked:
            body = {"count": 1} if (method, each) == ("POST", path) else None
            assert (await client.ask(method, each, body, token=token)).status == status
        for method in ("GET", "POST"):
            assert (await client.ask(method, f"/w/{wall}/codes", token=token)).status == status


async def form(client: Client, path: str, body: str, cookie: str = "", token: str | None = None) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    if cookie:
        headers["Cookie"] = cookie
    return await client.ask("POST", path, raw=body.encode(), token=token, headers=headers)


async def test_the_sheet_is_the_answer_to_a_form_and_is_shown_once(client: Client) -> None:
    wall, _, _ = await hall(client, count=1)
    page = f"/w/{wall}/codes"
    before = (await client.ask("GET", page, token=ADMIN)).body.decode()
    assert "1 created, 0 used, 1 not used yet" in before
    sheet = await form(client, page, "do=make&count=12", token=ADMIN)
    assert sheet.status == 200 and sheet.headers["Cache-Control"] == "no-store"
    codes = re.findall(r"<code>([^<]+)</code>", sheet.body.decode())
    assert len(set(codes)) == 12 and sheet.body.decode().count("<svg") == 12
    after = (await client.ask("GET", page, token=ADMIN)).body.decode()
    assert "13 created" in after and not any(code in after for code in codes)
    wrong = await form(client, page, "do=make&count=501", token=ADMIN)
    assert wrong.status == 422 and "1 to 500 on one sheet" in wrong.body.decode()
    one = await form(client, page, "do=replace&id=1", token=ADMIN)
    assert one.body.decode().count("<code>") == 1 and "No. 1" in one.body.decode()
    gone = await form(client, page, "do=revoke&id=1", token=ADMIN)
    assert (gone.status, gone.headers["Location"]) == (303, f"{page}?done=revoked")
    assert "The code was revoked" in (await client.ask("GET", gone.headers["Location"], token=ADMIN)).body.decode()
    unknown = await form(client, page, "do=revoke&id=99", token=ADMIN)
    assert unknown.status == 404 and "no such code" in unknown.body.decode()


async def test_a_scanned_code_is_written_into_the_form_and_does_nothing_by_itself(client: Client) -> None:
    wall, poll, codes = await hall(client)
    await client.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    page = await client.ask("GET", f"/w/{wall}?code={codes[0]}")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    assert f'name="code" value="{codes[0]}"' in page.body.decode()
    assert (await client.host("GET", f"/api/walls/{wall}/codes"))["used"] == 0
    wrong = await form(client, f"/polls/{poll}/ballot", f"choices=1&round=1&next=/w/{wall}&code=NOPE", cookie)
    assert wrong.status == 403 and "This code is not valid" in wrong.body.decode()
    assert 'name="code" value="NOPE"' in wrong.body.decode()
    cast = await form(client, f"/polls/{poll}/ballot", f"choices=1&round=1&next=/w/{wall}&code={codes[0]}", cookie)
    assert (cast.status, cast.headers["Location"]) == (303, f"/w/{wall}")
    after = await client.ask("GET", f"/w/{wall}?change=1", headers={"Cookie": cookie})
    assert 'name="code"' not in after.body.decode() and 'name="choices"' in after.body.decode()
    second = await client.ask("GET", f"/polls/{poll}?code=%3Cscript%3E")
    assert 'value="&lt;script&gt;"' in second.body.decode()


async def test_the_screen_says_that_a_ballot_needs_a_code(client: Client) -> None:
    _, poll, _ = await hall(client)
    assert "one ballot per code" in (await client.ask("GET", f"/polls/{poll}/screen")).body.decode()
    results = await client.ask("GET", f"/api/polls/{poll}/results.json", token=ADMIN)
    assert results.json["poll"]["assurance"] == "code"


class TestGuessing:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def test_wrong_codes_of_a_voter_are_limited_and_a_right_one_never_is(self, client: Client) -> None:
        _, poll, codes = await hall(client)
        voter = await client.voter()
        answers = [await vote(client, poll, "1", voter, f"AAAABBBBCC{n:02}") for n in range(12)]
        assert [a.code for a in answers] == ["bad_code"] * 10 + ["rate"] * 2
        assert answers[-1].status == 429 and int(answers[-1].headers["Retry-After"]) >= 1
        assert (await vote(client, poll, "1", voter, codes[0])).status == 201

    async def test_the_same_over_a_websocket(self, client: Client) -> None:
        _, poll, codes = await hall(client)
        socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
        await socket.synced()
        said = [await socket.act("vote", str(n), choices=["1"], code=f"AAAABBBBCC{n:02}") for n in range(12)]
        assert [a["error"]["code"] for a in said] == ["bad_code"] * 10 + ["rate"] * 2
        assert "ok" in await socket.act("vote", "r", choices=["1"], code=codes[0])

    async def test_many_wrong_codes_of_an_address_wait_for_their_turn_and_a_right_one_has_its_own(
        self, client: Client
    ) -> None:
        _, poll, codes = await hall(client)
        voters = await asyncio.gather(*(client.voter() for _ in range(70)))
        wrong = [asyncio.ensure_future(vote(client, poll, "1", voter, "AAAABBBBCCCC")) for voter in voters]
        socket = await client.socket(f"/ws/polls/{poll}", token=await client.voter())
        await socket.synced()
        while sum(answer.done() for answer in wrong) < 50:
            await asyncio.wait([a for a in wrong if not a.done()], return_when=asyncio.FIRST_COMPLETED)
        assert not all(answer.done() for answer in wrong)
        assert "ok" in await socket.act("vote", "1", choices=["1"], code=codes[0])
        assert {(answer.status, answer.code) for answer in await asyncio.gather(*wrong)} == {(403, "bad_code")}
