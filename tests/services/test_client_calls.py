"""One call against a server that fails in the ways servers do, and the parser of server-sent events."""

import asyncio
import json

import pytest
from children import free_port

from livewall.client.calls import NotReached, Refusal, Server, Unclear
from livewall.client.ladder import LadderState
from livewall.client.subscription import Subscription
from livewall.client.transports import ConnectionEnded, EventParser, _close_error, address, milliseconds


def answer(status, body, **headers):
    data = json.dumps(body).encode() if not isinstance(body, bytes) else body
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(data)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def calling(answers, call, **more):
    """The result of `call(server)` when each connection gets the next of `answers`; None closes it unanswered."""

    async def work():
        left = list(answers)

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            if (said := left.pop(0)) is not None:
                writer.write(said)
                await writer.drain()
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with listening:
            result = await call(Server(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", **more))
        assert left == []
        return result

    return asyncio.run(work())


BUSY = answer(503, {"error": {"code": "unavailable", "message": "busy"}})


def test_a_busy_server_is_asked_again():
    assert calling([BUSY, BUSY, answer(200, {"ok": 1})], lambda s: s.get("/x"), patience=20) == {"ok": 1}


def test_without_patience_busy_is_a_refusal():
    with pytest.raises(Refusal) as problem:
        calling([BUSY], lambda s: s.get("/x"))
    assert (problem.value.status, problem.value.code) == (503, "unavailable")


def test_a_server_that_says_when_is_given_that_time():
    async def timed(server):
        start = asyncio.get_running_loop().time()
        await server.get("/x")
        return asyncio.get_running_loop().time() - start

    assert calling([answer(429, {}, Retry_After=1), answer(200, {})], timed, patience=20) > 0.7


def test_a_post_that_was_refused_as_busy_is_repeated_and_one_that_was_lost_is_not():
    assert calling([BUSY, answer(201, {"id": 1})], lambda s: s.post("/x"), patience=20) == {"id": 1}
    with pytest.raises(Unclear):
        calling([None], lambda s: s.post("/x"), patience=20)


def test_what_may_be_repeated_is_when_its_answer_was_lost():
    assert calling([None, None, answer(200, {"id": 1})], lambda s: s.put("/x", {}), patience=20) == {"id": 1}


def test_a_refusal_after_a_lost_answer_is_marked():
    closed = answer(409, {"error": {"code": "closed", "message": "closed"}})
    with pytest.raises(Refusal) as problem:
        calling([None, closed], lambda s: s.put("/x", {}), patience=20)
    assert problem.value.unclear


def test_an_error_that_is_no_json_is_told_by_its_status():
    with pytest.raises(Refusal, match="403"):
        calling([answer(403, b"<html>forbidden by the hotel</html>")], lambda s: s.get("/x"))


def test_a_success_that_is_no_json_is_refused():
    with pytest.raises(Refusal, match="not JSON"):
        calling([answer(200, b"<html>sign in to the hotel</html>")], lambda s: s.get("/x"))


def test_a_name_that_does_not_exist_is_not_reached():
    with pytest.raises(NotReached):
        asyncio.run(Server("http://no-such-host.invalid").get("/x"))


class Enough(Exception):
    pass


class Counted(Subscription):
    """One that has enough when the connection was lost for the third time."""

    losses = 0

    def _on_loss(self, problem):
        self.losses += 1
        if self.losses == 3:
            raise Enough
        return super()._on_loss(problem)


@pytest.mark.parametrize(("reached", "end"), [(False, NotReached), (True, Enough)])
def test_a_stream_is_waited_for_where_the_server_has_answered_before(reached, end):
    async def first():
        server = Server(f"http://127.0.0.1:{free_port()}")
        server.reached = reached
        subscription = Counted(server, ["polls/x"])
        with pytest.raises(end):
            async for _ in subscription:
                raise AssertionError("there is no server")
        assert subscription.ladder == LadderState(), "nothing was learnt about the transport"

    asyncio.run(first())


# Server-sent events


def fed(*chunks):
    parser = EventParser()
    return [data for chunk in chunks for data in parser.feed(chunk)], parser


def test_events_are_whole_however_the_bytes_come():
    stream = b'retry: 2000\n\nid: k3.1\ndata: {"a":1}\n\n: comment\n\nevent: heartbeat\r\ndata: {"b":2}\r\n\r\n'
    expected = ['{"a":1}', '{"b":2}']
    assert fed(stream)[0] == expected
    assert fed(*(stream[i : i + 1] for i in range(len(stream))))[0] == expected
    assert fed(stream)[1].retry == 2.0


def test_only_a_retry_on_its_own_at_the_end_is_a_wish_of_the_server():
    start, event, end = b"retry: 2000\n\n", b'data: {"a":1}\n\n', b"retry: 700\n\n"
    assert fed(start)[1].closing_hint is None
    assert fed(start, event)[1].closing_hint is None
    assert fed(start, event, end)[1].closing_hint == 0.7
    assert fed(start, event, end, event)[1].closing_hint is None


def test_an_event_that_was_cut_is_none():
    assert fed(b'data: {"a":1}\n')[0] == []


def test_text_beyond_ascii_survives_a_cut_in_its_midst():
    data = "data: 辩论\n\n".encode()
    assert fed(data[:8], data[8:])[0] == ["辩论"]


@pytest.mark.parametrize(("text", "seconds"), [("1500", 1.5), ("0", 0.0), ("", None), ("soon", None), (None, None)])
def test_a_number_of_milliseconds_is_read(text, seconds):
    assert milliseconds(text) == seconds


# Addresses and close codes


def test_positions_stand_in_the_order_of_the_streams():
    server = Server("http://wall:8888")
    assert address(server, "ws", ["polls/A", "tasks"], lambda: [None, None]) == "http://wall:8888/ws/polls/A,tasks"
    url = address(server, "updates", ["polls/A", "tasks"], lambda: [None, "k3~.61"], wait="0")
    assert url == "http://wall:8888/updates/polls/A,tasks?wait=0&since=,k3~.61"


@pytest.mark.parametrize("code", [4501, 4503, 4504, 4505, 4999])
def test_from_4500_on_one_stays_away(code):
    assert isinstance(_close_error(code, "why"), Refusal)


@pytest.mark.parametrize(
    ("code", "why", "hint", "sent_away"),
    [(4000, "1500", 1.5, True), (4001, "", None, True), (1006, None, None, False), (None, None, None, False)],
)
def test_below_one_comes_back_when_told(code, why, hint, sent_away):
    problem = _close_error(code, why)
    assert isinstance(problem, ConnectionEnded) and (problem.hint, problem.sent_away) == (hint, sent_away)
