"""The page of a replay: whole without script, and hidden where the tally is."""

from __future__ import annotations

import json
import re

from clients import ADMIN, Answer, Client


async def page(client: Client, poll: str, query: str = "", token: str | None = None) -> Answer:
    return await client.ask("GET", f"/polls/{poll}/replay{query}", token=token)


async def test_without_script_it_has_the_race_and_the_final_figures(client: Client) -> None:
    poll = (await client.poll(title="<i>Which?</i>", options=["A & B", "C"]))["id"]
    for choice in "112":
        await client.vote(poll, choice)
    await client.host("POST", f"/api/polls/{poll}/close")
    body = (await page(client, poll)).body.decode()
    assert "<i>Which" not in body and "&lt;i&gt;Which?" in body
    assert body.count('class="run"') == 2 and "1. A &amp; B (most ballots)" in body and "67%" in body
    data = json.loads(re.search(r'id="page">(.*?)</script>', body)[1])  # type: ignore[index]
    assert data["replay"]["items"][-1][1:] == [3, 2, 1] and data["replay"]["over"] is True
    assert "第一轮" not in body and "播放" in (await page(client, poll, "?lang=zh")).body.decode()


async def test_where_the_tally_is_hidden_the_page_says_so_and_holds_no_figure(client: Client) -> None:
    poll = (await client.poll(results="on_publish", title="Hidden?"))["id"]
    for _ in range(7):
        await client.vote(poll, "1")
    for query, token in (("", None), ("?as=audience", ADMIN)):
        answer = await page(client, poll, query, token)
        body = answer.body.decode()
        assert answer.status == 403 and "hidden at the moment" in body and "Hidden?" in body
        assert '"replay":null' in body and "run" not in re.sub(r"(?s)<script.*?</script>", "", body)
    assert (await page(client, poll, token=ADMIN)).status == 200
    await client.host("POST", f"/api/polls/{poll}/publish")
    assert (await page(client, poll)).status == 200


async def test_a_draft_or_an_unknown_poll_has_no_such_page(client: Client) -> None:
    poll = (await client.poll(open=False))["id"]
    assert [(await page(client, id)).status for id in (poll, "NOSUCHPOLL")] == [404, 404]
    assert (await page(client, poll, token=ADMIN)).status == 200


async def test_a_poll_leads_to_its_replay_once_it_is_closed(client: Client) -> None:
    poll = (await client.poll())["id"]

    async def leads() -> bool:
        body = (await client.ask("GET", f"/polls/{poll}")).body.decode()
        return f'<p id="more"><a href="/polls/{poll}/replay">' in body

    assert not await leads()
    await client.host("POST", f"/api/polls/{poll}/close")
    assert await leads()


async def test_rounds_that_may_be_seen_are_offered(client: Client) -> None:
    poll = (await client.poll())["id"]
    await client.vote(poll, "1")
    await client.host("POST", f"/api/polls/{poll}/close")
    await client.host("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await client.host("POST", f"/api/polls/{poll}/open")
    body = (await page(client, poll)).body.decode()
    assert '<a href="?round=1">round 1</a>' in body and '<a href="?round=2" aria-current="page">' in body
    assert '"items":[[' in (await page(client, poll, "?round=1")).body.decode()
