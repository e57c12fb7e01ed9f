"""Sign-ins and tokens that hold no more: what is open with them closes, however far it had come."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from clients import Client

from livewall.clock import utc_now


async def sign_in(client: Client, role: str) -> dict[str, str]:
    code = (await client.host("POST", "/api/logins", {"role": role}))["link"].rpartition("/")[2]
    answer = await client.ask("POST", f"/login/{code}", raw=b"", headers={"Sec-Fetch-Site": "same-origin"})
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


async def test_after_twelve_hours_the_sockets_of_a_sign_in_are_closed(client: Client, running: Any) -> None:
    held = await sign_in(client, "operator")
    socket = await client.socket("/ws/tasks", headers=held)
    await socket.synced()
    credentials = running.services.credentials
    credentials.run_out()
    credentials._clock = lambda: utc_now() + timedelta(hours=12, seconds=1)
    credentials.run_out()
    assert await socket.closed() == 4501
    assert (await client.ask("GET", "/api/tasks", headers=held)).status == 401


@pytest.mark.parametrize("transport", ["websocket", "sse", "long"])
async def test_a_token_revoked_while_a_reader_connects_lets_nobody_in(
    client: Client, running: Any, transport: str
) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "operator", "name": "o"})
    here = (await client.updates("tasks", token=await client.token("host"))).json["pos"]
    hub, attach = running.services.hub, running.services.hub.attach
    attaching, revoked = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> None:
        attaching.set()
        await revoked.wait()
        await attach(*args)

    hub.attach = slow

    async def revoke() -> None:
        await attaching.wait()
        await client.host("DELETE", f"/api/tokens/{made['id']}")
        hub.attach = attach
        revoked.set()

    revoking = asyncio.ensure_future(revoke())
    if transport == "websocket":
        assert await (await client.socket("/ws/tasks", token=made["token"])).closed() == 4501
    elif transport == "sse":
        answer = await asyncio.wait_for(client.ask("GET", "/sse/tasks", token=made["token"]), 5)
        assert b'"unauthenticated"' in answer.body
    else:
        answer = await client.updates("tasks", f"since={here}", token=made["token"])
        assert (answer.status, answer.code) == (401, "unauthenticated")
    await revoking
    for _ in range(100):
        if not len(running.connections):
            break
        await asyncio.sleep(0.01)
    assert len(running.connections) == 0


async def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(client: Client, running: Any) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "host", "name": "h"})
    store, read = running.services.store, running.services.store.read
    looked, revoked = asyncio.Event(), asyncio.Event()

    async def slow(ask: Any) -> Any:
        found = await read(ask)
        looked.set()
        await revoked.wait()
        return found

    store.read = slow
    first = asyncio.ensure_future(client.ask("GET", "/api/polls", token=made["token"]))
    await looked.wait()
    store.read = read
    await client.host("DELETE", f"/api/tokens/{made['id']}")
    revoked.set()
    await first
    assert (await client.ask("GET", "/api/polls", token=made["token"])).status == 401


async def made_by(client: Client, held: dict[str, str]) -> str:
    """The code of a link that somebody who is signed in makes, as for a phone."""
    headers = held | {"Sec-Fetch-Site": "same-origin"}
    made = await client.ask("POST", "/api/logins", {"role": "host"}, headers=headers)
    assert made.status == 201
    return str(made.json["link"]).rpartition("/")[2]


async def opened(client: Client, code: str) -> Any:
    return await client.ask("POST", f"/login/{code}", raw=b"", headers={"Sec-Fetch-Site": "same-origin"})


async def pasted(client: Client, token: str) -> dict[str, str]:
    """A sign-in made with a token."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    answer = await client.ask("POST", "/", raw=f"token={token}".encode(), headers=headers)
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


async def test_sign_ins_and_links_made_with_a_token_go_with_it(client: Client) -> None:
    made = await client.host("POST", "/api/tokens", {"role": "host", "name": "lin"})
    laptop = await pasted(client, made["token"])
    phone = {"Cookie": (await opened(client, await made_by(client, laptop))).headers["Set-Cookie"].partition(";")[0]}
    unused = await made_by(client, phone)
    other = await sign_in(client, "host")
    socket = await client.socket("/ws/tasks", headers=phone)
    await socket.synced()
    await client.host("DELETE", f"/api/tokens/{made['id']}")
    assert await socket.closed() == 4501
    for held in (laptop, phone):
        assert (await client.ask("GET", "/api/polls", headers=held)).status == 401
    assert (await client.ask("GET", "/api/polls", headers=other)).status == 200
    assert "Set-Cookie" not in (await opened(client, unused)).headers
    line = (await client.host("GET", "/api/audit?limit=1"))["items"][0]
    assert (line["act"], line["detail"]["sign_ins"]) == ("token.revoke", 2)


async def test_who_signs_out_leaves_the_phone_signed_in(client: Client) -> None:
    laptop = await sign_in(client, "host")
    phone = {"Cookie": (await opened(client, await made_by(client, laptop))).headers["Set-Cookie"].partition(";")[0]}
    await client.ask("POST", "/logout", raw=b"", headers=laptop | {"Sec-Fetch-Site": "same-origin"})
    assert (await client.ask("GET", "/api/polls", headers=laptop)).status == 401
    assert (await client.ask("GET", "/api/polls", headers=phone)).status == 200
