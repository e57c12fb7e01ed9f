"""A private message is in no byte that is sent to others than its two persons: not on a page, in an answer of the API,
an error, an export, a metric or the audit, and on no stream; neither is the name under which an inbox is stored."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping

import pytest
from addresses import addresses
from clients import ADMIN, Client
from eavesdropper import Line, Tap
from test_hidden_bytes import VALUES
from test_inbox import Somebody, somebody
from test_rooms import room
from tornado.ioloop import IOLoop
from twins import Poll, host_cookie
from watchers import TRANSPORTS, Watcher

import server

TEXT = "thesecrettext"
ARGUMENTS = "&".join(f"{name}={value}" for name, value in VALUES.items() if "{" not in value and name != "as")


@pytest.fixture
def tap(io_loop: IOLoop, running: server.Running) -> Iterator[Tap]:
    made = Tap(running.port)
    io_loop.run_sync(made.start)
    yield made
    io_loop.run_sync(made.stop)


async def others_of(client: Client, running: server.Running) -> dict[str, dict[str, str]]:
    """Everybody who is none of the two, by the headers with which they ask; some are in the room, too."""
    cookie = f"livewall_voter_{running.services.secrets.folder_id}"
    voter, speaker = await client.voter(), (await somebody(client)).token
    people = {"nobody": {}, "voter": {"Cookie": f"{cookie}={voter}"}, "speaker": {"Cookie": f"{cookie}={speaker}"}}
    for role in ("reporter", "operator", "host"):
        people[role] = {"Authorization": f"Bearer {await client.token(role)}"}
    people["admin"] = {"Authorization": f"Bearer {ADMIN}"}
    people["signed in"] = await host_cookie(client)
    return people


async def test_a_private_message_is_in_no_byte_sent_to_others(
    client: Client, running: server.Running, tap: Tap, caplog: pytest.LogCaptureFixture
) -> None:
    await room(client)
    ann, bo = await somebody(client), await somebody(client, await client.token("host"))
    others = await others_of(client, running)
    wall = (await client.host("POST", "/api/walls", {"title": "W"}))["code"]
    poll = (await client.poll(wall=wall))["id"]
    task = (await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}]}))["id"]
    await ann.write(bo, TEXT)
    conversation = (await ann.conversation())["id"]
    with sqlite3.connect(running.services.settings.data / "livewall.db") as database:
        inboxes = [inbox for (inbox,) in database.execute("SELECT inbox FROM sides")]

    watchers = []
    for headers in others.values():
        for transport in TRANSPORTS:
            for stream in ("inbox/me", "rooms/ops") if headers else ("rooms/ops",):
                watchers.append(Watcher(tap.url, transport, stream))
                watchers[-1].headers, watchers[-1].pause = dict(headers), 0.1
                watchers[-1].start()
    for watcher in watchers:
        await watcher.until(lambda c: c.synced)
    for who, other in ((bo, ann), (ann, bo)):
        await who.write(other, f"{TEXT} again")
        await who.edit(conversation, read=1)
    await client.host("POST", "/api/rooms/ops/messages", {"text": "the last"})
    for watcher in watchers:
        if watcher.stream == "rooms/ops":
            await watcher.until(lambda c: "message/4" in c.state)
        await watcher.stop()

    stands_for = Poll(poll, wall, ("1", "2"), [], receipt="x").stands_for(task)
    stands_for |= {"rooms": "ops", "people": bo.id, "inbox": conversation}
    line = Line(tap)
    for who, headers in others.items():
        for address in addresses(stands_for):
            # Searched for by a part of it: what somebody asks for is not what somebody is told.
            for query in ("", f"?{ARGUMENTS}&q=thesecret", "?as=audience"):
                await line.ask("GET", address.path + query, own(headers))
            gone = {"DELETE"} if who in ("host", "admin", "signed in") else set[str]()
            for method in sorted(address.methods - {"GET"} - gone):
                await line.ask(method, address.path, own(headers), b"" if method == "HEAD" else b"{}")
        for kind in ("txt", "csv", "jsonl"):
            await line.ask("GET", f"/api/rooms/ops/export?format={kind}", own(headers))
        for body in (b'{"read": 9}', b'{"blocked": true}'):
            status, _ = await line.ask("PUT", f"/api/inbox/{conversation}", own(headers), body)
            assert status in (401, 404)
    assert not [inbox for inbox in inboxes if inbox.encode() in tap.sent]
    for headers in others.values():
        for stream in ("inbox/me", f"inbox/{conversation}", *inboxes, "rooms/ops", f"rooms/{conversation}", "tasks"):
            for query in ("", f"&since={running.services.store.epoch}.0", "&as=audience"):
                await line.ask("GET", f"/updates/{stream}?wait=0{query}", own(headers))
    await line.ask("DELETE", "/api/rooms/ops", {"Authorization": f"Bearer {ADMIN}"})
    line.close()
    assert TEXT.encode() not in tap.sent and TEXT not in caplog.text


def own(headers: Mapping[str, str]) -> dict[str, str]:
    return {"Sec-Fetch-Site": "same-origin", **headers}


async def test_those_who_may_read_it_are_sent_it(client: Client, tap: Tap) -> None:
    """What the test above looks for is found where it is."""
    await room(client)
    ann, bo = await somebody(client), await somebody(client)
    await ann.write(bo, TEXT)
    conversation = (await bo.conversation())["id"]
    through = Client(tap.url, client.http)
    for path in (f"/api/inbox/{conversation}/messages", "/updates/inbox/me?wait=0"):
        tap.sent.clear()
        await Somebody(through, bo.token, bo.id).client.ask("GET", path, token=bo.token)
        await asyncio.sleep(0)
        assert TEXT.encode() in tap.sent
