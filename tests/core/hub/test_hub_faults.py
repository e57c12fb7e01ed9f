"""A connection or a rule that fails takes nobody with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hall import POLL, Hall, read_all
from hub_model import Client

from livewall.hub import hub as hub_module
from livewall.hub.position import View
from livewall.hub.reader import State


class Unheard(Exception):
    pass


def fail(*args: Any) -> Any:
    raise Unheard


def break_pipe(*args: Any) -> Any:
    raise ConnectionResetError


@pytest.fixture
def hall() -> Hall:
    return Hall()


def outlet(client: Client) -> Any:
    assert client.outlet is not None
    return client.outlet


def send_with(hall: Hall, client: Client, send: Callable[[bytes], int]) -> Any:
    """Give a reader another `send` before it is on a lane again."""
    found = outlet(client)
    hall.hub.busy(client.reader)
    found.send = send
    hall.hub.ready(client.reader)
    return found


def tallies(client: Client) -> list[int]:
    return [m["data"]["count"] for m in read_all(client) if m.get("key") == "tally"]


@pytest.mark.parametrize("framing", ["ws", "json"])
@pytest.mark.parametrize("fault", [break_pipe, fail])
def test_a_connection_that_fails_is_let_go_and_the_others_hear_everything_once(
    hall: Hall, fault: Callable[[bytes], int], framing: str, expected_logs: list[str]
) -> None:
    if fault is fail:
        expected_logs.append("an outlet failed")
    clients = [hall.come(name, framing=framing) for name in ("a", "b", "c")]
    broken = send_with(hall, clients[1], fault)
    for n in (1, 2):
        hall.tally(n)
        hall.hand_out()
    assert [tallies(clients[0]), tallies(clients[2])] == [[1, 2], [1, 2]]
    assert broken.lost_it and clients[1].reader.state is State.GONE
    assert (hall.hub.readers, hall.hub.behind) == (2, 0)
    assert len(hall.hub.streams[POLL].cursors) == 2
    hall.check_counts()


@pytest.mark.parametrize("method", ["keep", "watch"])
def test_an_outlet_that_cannot_wait_is_let_go(hall: Hall, method: str, expected_logs: list[str]) -> None:
    expected_logs.append("an outlet failed")
    quick, slow = hall.come("a"), hall.come("b", capacity=300)
    found = outlet(slow)
    with patch.object(found, method, fail):
        for n in range(10):
            hall.tally(n)
            hall.hand_out()
            if method == "watch" and slow.outlet is not None:
                while found.rest:
                    found.pipe.clear()
                    found.flush()
                found.pipe += b"x" * 300
    assert found.lost_it
    assert tallies(quick) == list(range(10))
    assert (hall.hub.readers, hall.hub.behind) == (1, 0)


def test_whoever_cannot_be_told_of_its_end_does_not_keep_the_others_from_theirs(
    hall: Hall, expected_logs: list[str]
) -> None:
    expected_logs.append("an outlet failed")
    clients = [hall.come(name) for name in ("a", "b", "c")]
    first = outlet(clients[0])
    with patch.object(first, "ended", fail):
        hall.say("show", {"show": "private"})
        hall.say("tally", {"count": 1}, View.FULL)
        hall.hand_out()
    assert first.lost_it
    assert [read_all(c)[-1]["error"]["code"] for c in clients[1:]] == ["forbidden", "forbidden"]
    assert not hall.hub.streams[POLL].cursors


def test_a_rule_that_fails_shows_nothing(hall: Hall, expected_logs: list[str]) -> None:
    expected_logs.append("the rule of polls/a failed")
    client = hall.come()
    with patch.object(hall.hub.streams[POLL].rule, "view", fail, create=True):
        hall.hub.recheck(hall.hub.streams[POLL])
    hall.tally(1)
    hall.hand_out()
    assert [m.get("error", {}).get("code") for m in read_all(client)] == [None, "internal"]


def test_a_connection_closed_while_its_end_is_told_is_not_ended_again(hall: Hall) -> None:
    """A socket that followed one stream closes when it loses it."""
    client = hall.come()
    hall.come("b")
    found = outlet(client)
    ended = []

    def close(stream: str, error: Exception) -> None:
        ended.append(stream)
        hall.drop(client)

    with patch.object(found, "ended", close):
        hall.say("show", {"show": "private"})
    assert ended == [POLL]
    assert hall.hub.readers == 0


def test_a_connection_that_closes_those_beside_it_does_not_upset_a_recheck(hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c")]

    def close_all(stream: str, error: Exception) -> None:
        for client in clients[1:]:
            if client.outlet is not None:
                hall.drop(client)

    with patch.object(outlet(clients[0]), "ended", close_all):
        hall.say("show", {"show": "private"})
    assert hall.hub.readers == 0 and hall.hub.behind == 0


def test_a_reader_that_is_gone_by_the_time_its_send_returns_is_no_reader(hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c")]

    def close(data: bytes) -> int:
        hall.drop(clients[1])
        return 3

    send_with(hall, clients[1], close)
    hall.tally(1)
    hall.hand_out()
    assert [tallies(clients[0]), tallies(clients[2])] == [[1], [1]]
    assert hall.hub.readers == 2
    hall.check_counts()


def test_half_a_snapshot_of_a_connection_that_failed_is_forgotten(hall: Hall) -> None:
    with patch.object(hub_module, "BATCH_BYTES", 50):
        for n in range(10):
            hall.say(f"k{n}", {"pad": "x" * 50})
        hall.open()
        client = hall.come("a", "rooms/none", capacity=200)
        hall.hub.attach(client.reader, hall.hub.streams[POLL], None)
        client.claim(POLL, None, None)
        hall.hub.start(client.reader)
        assert hall.hub.behind == 1
        outlet(client).send = break_pipe
        outlet(client).pipe.clear()
        outlet(client).flush()
    assert (hall.hub.readers, hall.hub.behind) == (0, 0)
    assert not hall.hub.streams[POLL].cursors
