"""The client on networks that do not let everything through: what it falls back to, and that nothing is missed."""

import asyncio
from contextlib import aclosing

import pytest
from children import ServerProcess
from proxy import Proxy

from livewall.client import ladder, transports
from livewall.client.ballots import cast, new_voter
from livewall.client.calls import NotReached, Refusal, Server, Unclear
from livewall.client.poll_socket import PollSocket
from livewall.client.subscription import Subscription


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ServerProcess(tmp_path_factory.mktemp("fallback"), "--rate-limits", "off")
    server.start()
    yield server
    server.stop()


async def make_poll(server):
    host = Server(server.url, server.admin)
    poll = await host.post("/api/polls", {"title": "Who?", "options": ["Clinton", "Dole"]})
    await host.post(f"/api/polls/{poll['id']}/open")
    return poll["id"]


async def voted(server, poll, choice="1"):
    return await cast(Server(server.url, await new_voter(Server(server.url))), poll, [choice], 1)


class Watcher:
    """Follows a poll; `until` waits for what it should come to hold."""

    def __init__(self, url, poll):
        self.subscription = Subscription(Server(url), [f"polls/{poll}"])
        self.held = self.subscription.held[f"polls/{poll}"]
        self.seen = []
        self._changed = asyncio.Event()

    async def __aenter__(self):
        self._task = asyncio.ensure_future(self._follow())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self):
        async with aclosing(aiter(self.subscription)) as messages:
            async for message in messages:
                self.seen.append(message)
                self._changed.set()

    async def until_ballots(self, number, seconds=30):
        async with asyncio.timeout(seconds):
            while self.held.entries.get("tally", {}).get("ballots") != number:
                self._changed.clear()
                await self._changed.wait()


async def follow_through(server, trouble):
    """Ballots before, and after, a proxy starts to make trouble; answers the transport that was found."""
    poll = await make_poll(server)
    async with Proxy(server.port) as proxy, Watcher(proxy.url, poll) as watcher:
        await watcher.until_ballots(0)
        await voted(server, poll)
        await watcher.until_ballots(1)
        trouble(proxy)
        proxy.cut()
        await voted(server, poll)
        await watcher.until_ballots(2)
        await voted(server, poll)
        await watcher.until_ballots(3)
        assert [message for message in watcher.seen if message.get("reset")] == watcher.seen[:1], "resumed, not reset"
        return watcher.subscription.transport


def test_it_uses_a_websocket_where_it_can(server):
    assert asyncio.run(follow_through(server, lambda proxy: None)) == "websocket"


def test_it_falls_to_events_where_upgrade_is_refused(server):
    def trouble(proxy):
        proxy.refuse_upgrade = True

    assert asyncio.run(follow_through(server, trouble)) == "sse"


@pytest.fixture
def hasty(monkeypatch):
    """Buffered events are given up sooner, to save the tests' time."""
    monkeypatch.setattr(transports, "SSE_FIRST_TIMEOUT", 1.5)


def test_it_falls_to_long_polling_where_events_are_buffered(server, hasty):
    def trouble(proxy):
        proxy.refuse_upgrade = proxy.buffer_sse = True

    assert asyncio.run(follow_through(server, trouble)) == "longpoll"


def test_it_falls_to_plain_polling_where_answers_are_cut(server, hasty):
    async def work():
        poll = await make_poll(server)
        async with Proxy(server.port) as proxy:
            proxy.refuse_upgrade = proxy.buffer_sse = True
            proxy.cut_after = 1.0
            async with Watcher(proxy.url, poll) as watcher:
                await watcher.until_ballots(0)
                async with asyncio.timeout(30):
                    while watcher.subscription.transport != "poll":
                        await asyncio.sleep(0.05)
                await voted(server, poll)
                await watcher.until_ballots(1)

    asyncio.run(work())


def test_it_climbs_back_when_the_way_is_free_again(server, monkeypatch):
    monkeypatch.setattr(transports, "SSE_FIRST_TIMEOUT", 0.3)
    monkeypatch.setattr(ladder, "FIRST_CLIMB", 0.5)

    async def work():
        poll = await make_poll(server)
        async with Proxy(server.port) as proxy:
            proxy.refuse_upgrade = proxy.buffer_sse = True
            async with Watcher(proxy.url, poll) as watcher:
                await watcher.until_ballots(0)
                assert watcher.subscription.transport == "longpoll"
                proxy.refuse_upgrade = False
                ballots = 0
                async with asyncio.timeout(30):
                    while watcher.subscription.transport != "websocket":
                        await voted(server, poll)
                        await watcher.until_ballots(ballots := ballots + 1)
                        assert watcher.subscription.live, "the connection in use stays open while a better one is tried"
                await voted(server, poll)
                await watcher.until_ballots(ballots + 1)
                assert [message for message in watcher.seen if message.get("reset")] == watcher.seen[:1]

    asyncio.run(work())


@pytest.mark.parametrize("refuse_upgrade", [False, True])
def test_a_stream_that_is_not_there_is_a_refusal_on_every_transport(server, refuse_upgrade):
    async def work():
        async with Proxy(server.port) as proxy:
            proxy.refuse_upgrade = refuse_upgrade
            async with aclosing(aiter(Subscription(Server(proxy.url), ["polls/none"]))) as messages:
                async for _ in messages:
                    pass

    with pytest.raises(Refusal) as problem:
        asyncio.run(work())
    assert problem.value.code in ("no_such_stream", "no_such_poll")


def test_a_ballot_whose_answer_is_lost_is_cast_again_and_counts_once(server):
    async def work():
        poll = await make_poll(server)
        token = await new_voter(Server(server.url))
        async with Proxy(server.port) as proxy:
            proxy.lose_answers = 2
            receipt = await cast(Server(proxy.url, token, patience=20), poll, ["2"], 1)
            assert proxy.requests == ["api"] * 3
        assert (await cast(Server(server.url, token), poll, ["2"], 1))["receipt"] == receipt["receipt"]
        found = await Server(server.url, server.admin).get(f"/api/polls/{poll}")
        assert found["tally"]["ballots"] == 1

    asyncio.run(work())


def test_a_ballot_that_was_counted_before_the_poll_closed_is_told_so(server):
    async def work():
        poll = await make_poll(server)
        token = await new_voter(Server(server.url))
        async with Proxy(server.port) as proxy:
            proxy.lose_answers = 1
            casting = asyncio.ensure_future(cast(Server(proxy.url, token, patience=20), poll, ["2"], 1))
            host = Server(server.url, server.admin)
            while (await host.get(f"/api/polls/{poll}"))["tally"]["ballots"] == 0:
                await asyncio.sleep(0.005)
            await host.post(f"/api/polls/{poll}/close")
            assert (await casting)["choices"] == ["2"]

    asyncio.run(work())


def test_what_must_not_be_done_twice_is_not_repeated(server):
    async def work():
        async with Proxy(server.port) as proxy:
            proxy.lose_answers = 1
            with pytest.raises(Unclear):
                await Server(proxy.url, server.admin, patience=20).post("/api/walls", {"title": "once"})
            assert proxy.requests == ["api"]

    asyncio.run(work())


def test_votes_on_one_socket_each_get_their_answer(server):
    async def work():
        poll = await make_poll(server)
        token = await new_voter(Server(server.url))
        async with PollSocket(Server(server.url, token), poll) as socket:
            first, again = await asyncio.gather(socket.vote(["1"], 1), socket.vote(["1"], 1))
            assert first["receipt"] == again["receipt"]
            with pytest.raises(Refusal) as problem:
                await socket.vote(["7"], 1)
            assert problem.value.code == "invalid"
            assert (await socket.retract(1))["receipt"] is None

    asyncio.run(work())


def test_a_vote_on_a_socket_that_is_lost_is_unclear(server):
    async def work():
        poll = await make_poll(server)
        token = await new_voter(Server(server.url))
        async with Proxy(server.port) as proxy, PollSocket(Server(proxy.url, token), poll) as socket:
            await socket.vote(["1"], 1)
            proxy.cut()
            with pytest.raises(NotReached):
                await socket.vote(["2"], 1)

    asyncio.run(work())
