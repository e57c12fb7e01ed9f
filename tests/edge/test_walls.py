"""Walls."""

from __future__ import annotations

from clients import ADMIN, Client


async def test_a_wall_has_a_code_and_links(client: Client) -> None:
    answer = await client.ask("POST", "/api/walls", {"title": "Forum"}, token=ADMIN)
    assert answer.status == 201
    wall = answer.json
    assert len(wall["code"]) == 6 and wall["items"] == [] and wall["active"] is None
    base = f"{client.url}/w/{wall['code']}"
    assert wall["links"] == {"audience": base, "screen": f"{base}/screen", "host": f"{base}/host"}


async def test_the_code_is_forgiving(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "Forum"})
    typed = f"{wall['code'][:3]}-{wall['code'][3:]}".lower()
    assert (await client.ask("GET", f"/api/walls/{typed}")).json["code"] == wall["code"]


async def test_a_poll_made_with_a_wall_is_appended_to_it(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    polls = [await client.poll(open=False, wall=wall["code"]) for _ in range(2)]
    assert [p["wall"] for p in polls] == [wall["code"]] * 2
    found = await client.host("GET", f"/api/walls/{wall['code']}")
    assert found["items"] == [f"polls/{p['id']}" for p in polls]
    assert (await client.ask("GET", f"/api/walls/{wall['code']}")).json["items"] == []


async def test_the_desk_names_a_polls_wall_and_leads_a_host_to_the_tasks(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    poll, alone = await client.poll(wall=wall["code"]), await client.poll()
    desk = (await client.ask("GET", "/", token=await client.token("host"))).body.decode()
    rows = {id: desk.partition(f'<li id="poll-{id}"')[2].partition("</li>")[0] for id in (poll["id"], alone["id"])}
    code = f"<code>{wall['code'][:3]} {wall['code'][3:]}</code>"
    assert code in rows[poll["id"]] and "<code>" not in rows[alone["id"]]
    assert 'href="/tasks"' in desk


async def test_a_poll_for_a_wall_that_is_not_there_is_refused_and_not_made(client: Client) -> None:
    answer = await client.ask("POST", "/api/polls", {"title": "T", "options": ["A"], "wall": "ZZZZZZ"}, token=ADMIN)
    assert (answer.status, answer.code) == (404, "not_found")
    assert (await client.host("GET", "/api/polls"))["items"] == []


async def test_fields_left_out_stay(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    item = f"polls/{(await client.poll())['id']}"
    path = f"/api/walls/{wall['code']}"
    await client.host("PUT", path, {"items": [item], "active": item})
    assert (await client.host("PUT", path, {"title": "V"}))["active"] == item
    assert (await client.host("PUT", path, {"active": None}))["items"] == [item]
    assert (await client.host("PUT", path, {"items": []}))["active"] is None


async def test_items_must_exist_and_the_active_one_must_be_an_item(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    item = f"polls/{(await client.poll())['id']}"
    for body in (
        {"items": ["polls/NOPE"]},
        {"items": ["rooms/x"]},
        {"items": [item, item]},
        {"active": item},
        {"items": [7]},
    ):
        answer = await client.ask("PUT", f"/api/walls/{wall['code']}", body, token=ADMIN)
        assert (answer.status, answer.code) == (422, "invalid"), body


async def test_a_stale_if_match_is_a_conflict(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    path = f"/api/walls/{wall['code']}"
    etag = (await client.ask("GET", path, token=ADMIN)).headers["ETag"]
    assert (await client.ask("PUT", path, {"title": "A"}, token=ADMIN, headers={"If-Match": etag})).status == 200
    stale = await client.ask("PUT", path, {"title": "B"}, token=ADMIN, headers={"If-Match": etag})
    assert (stale.status, stale.code) == (409, "conflict")


async def test_a_deleted_wall_is_gone_for_its_readers_and_its_polls_stay(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    poll = await client.poll(wall=wall["code"])
    socket = await client.socket(f"/ws/walls/{wall['code']}")
    await socket.synced()
    await client.host("DELETE", f"/api/walls/{wall['code']}")
    assert await socket.closed() == 4504
    assert (await client.ask("GET", f"/api/walls/{wall['code']}")).status == 404
    assert (await client.host("GET", f"/api/polls/{poll['id']}"))["wall"] is None


async def test_readers_of_a_poll_are_told_that_its_wall_is_gone(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    poll, draft = await client.poll(wall=wall["code"]), await client.poll(open=False, wall=wall["code"])
    anyone = await client.socket(f"/ws/polls/{poll['id']},polls/{draft['id']}")
    await anyone.synced(), await anyone.synced()
    await client.host("DELETE", f"/api/walls/{wall['code']}")
    await anyone.until(lambda m: m.get("key") == "poll" and m["data"]["wall"] is None)
    events = (await client.updates(f"polls/{draft['id']}")).json["events"]
    assert [e for e in events if "key" in e] == []
    assert (await client.host("GET", f"/api/polls/{draft['id']}"))["wall"] is None


async def test_an_archived_poll_leaves_its_wall(client: Client) -> None:
    wall = await client.host("POST", "/api/walls", {"title": "W"})
    poll = await client.poll(wall=wall["code"])
    await client.host("PUT", f"/api/walls/{wall['code']}", {"active": f"polls/{poll['id']}"})
    await client.host("DELETE", f"/api/polls/{poll['id']}")
    found = await client.host("GET", f"/api/walls/{wall['code']}")
    assert (found["items"], found["active"]) == ([], None)


async def test_a_full_wall_takes_no_further_poll(client: Client) -> None:
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    deck = "".join(f"## {n}\n- A\n- B\n\n" for n in range(500)).encode()
    made = await client.ask(
        "POST", f"/api/walls/{wall}/deck", raw=deck, token=ADMIN, headers={"Content-Type": "text/markdown"}
    )
    assert made.status == 201
    more = await client.ask("POST", "/api/polls", {"title": "?", "options": ["A"], "wall": wall}, token=ADMIN)
    assert (more.status, more.code) == (422, "invalid") and "wall" in more.json["error"]["fields"]
