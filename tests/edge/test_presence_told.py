"""How many are at a wall, and how its screens are, over every transport."""

from __future__ import annotations

import asyncio
from typing import Any

from clients import ADMIN, Client

REPORT = {"width": 1920, "height": 1080, "transport": "websocket", "age": 40}


async def wall_of(client: Client) -> str:
    return str((await client.host("POST", "/api/walls", {"title": "Forum"}))["code"])


async def report(client: Client, wall: str, id: str = "s1", **more: Any) -> Any:
    return await client.ask("PUT", f"/api/walls/{wall}/screens/{id}", REPORT | more)


def says(people: int) -> Any:
    return lambda m: m.get("key") == "here" and m["data"] == {"people": people}


async def test_a_screen_is_told_when_people_come_and_go(client: Client) -> None:
    wall = await wall_of(client)
    await report(client, wall)
    screen = await client.socket(f"/ws/walls/{wall}?as=audience")
    voter = await client.voter()
    first = await client.socket(f"/ws/walls/{wall}", token=voter)
    again = await client.socket(f"/ws/walls/{wall}", token=voter)
    await client.socket(f"/ws/walls/{wall}", token=ADMIN)
    await client.socket(f"/ws/walls/{wall}", token=await client.voter())
    heard = await screen.until(says(2))
    assert all("pos" not in m and m["stream"] == f"walls/{wall}" for m in heard if m.get("key") == "here")
    for socket in (first, again):
        socket.close()
        await socket.closed()
    await screen.until(says(1))


async def test_who_comes_later_is_told_at_once_over_a_socket_and_over_server_sent_events(client: Client) -> None:
    wall = await wall_of(client)
    await report(client, wall)
    voter = await client.socket(f"/ws/walls/{wall}", token=await client.voter())
    await voter.until(says(1))
    await (await client.socket(f"/ws/walls/{wall}?as=audience")).until(says(1))
    heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def chunk(data: bytes) -> None:
        if b'"key":"here","data":{"people":1}' in data and not heard.done():
            heard.set_result(None)

    asking = asyncio.ensure_future(client.ask("GET", f"/sse/walls/{wall}?as=audience", streaming_callback=chunk))
    await asyncio.wait_for(heard, 10)
    client.http.close()
    asking.cancel()


async def test_who_polls_counts_and_a_polling_screen_is_told_in_the_answer_to_its_report(client: Client) -> None:
    wall = await wall_of(client)
    assert (await report(client, wall)).json == {"people": 0}
    for token in (await client.voter(), await client.voter(), ADMIN, None):
        await client.updates(f"walls/{wall}", token=token)
    assert (await report(client, wall)).json == {"people": 2}


async def test_the_screen_without_script_says_how_many_are_here(client: Client) -> None:
    wall = await wall_of(client)
    assert b'class="here"' not in (await client.ask("GET", f"/w/{wall}/screen")).body
    await client.updates(f"walls/{wall}", token=await client.voter())
    page = (await client.ask("GET", f"/w/{wall}/screen")).body
    assert b'<p class="here">1 is here</p>' in page and b'"here":1' in page


async def test_a_host_sees_each_screen_and_how_the_audience_is_connected(client: Client) -> None:
    wall = await wall_of(client)
    await report(client, wall)
    await report(client, wall.lower(), "tv", width=1280, height=720, transport="poll", age=0)
    await (await client.socket(f"/ws/walls/{wall}", token=await client.voter())).synced()
    await client.updates(f"walls/{wall}", token=await client.voter())
    found = await client.host("GET", f"/api/walls/{wall}/health")
    assert found["audience"] == {"live": 1, "behind": 0, "polling": 1}
    seen = [screen.pop("seen") for screen in found["screens"]]
    assert found["screens"] == [
        {"id": "s1", **REPORT},
        {"id": "tv", "width": 1280, "height": 720, "transport": "poll", "age": 0},
    ]
    assert all(at.endswith("Z") for at in seen)
    assert (await client.ask("GET", f"/api/walls/{wall}/health")).status == 401


async def test_a_report_for_no_wall_or_with_nonsense_is_refused(client: Client) -> None:
    wall = await wall_of(client)
    assert (await report(client, "ZZZZZZ")).status == 404
    for wrong in ({"width": 0}, {"transport": "pigeon"}, {"age": -1}, {"more": 1}):
        assert (await report(client, wall, **wrong)).status == 422, wrong
