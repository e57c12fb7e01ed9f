"""The bytes of each transport."""

from __future__ import annotations

import json

import pytest
from wires import parse_all

from livewall.hub.framing import (
    JsonFraming,
    SseFraming,
    WebSocketFraming,
    batch,
    event_json,
    reset_json,
    synced_json,
    text_frame,
    volatile_json,
)
from livewall.hub.log import Event
from livewall.hub.position import View


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_has_the_shortest_length_of_rfc_6455(size: int, head: bytes) -> None:
    assert text_frame(b"x" * size) == head + b"x" * size


def test_a_frame_counts_bytes_and_not_characters() -> None:
    assert WebSocketFraming().frame("é" * 63, None)[:4] == b"\x81\x7e\x00\x7e"


def test_an_event_names_its_position_and_where_it_continues_from() -> None:
    text = event_json("polls/7Q", "k3~.", Event(61, "turnout", '{"ballots":2}', View.MASKED), 60)
    assert json.loads(text) == {
        "stream": "polls/7Q", "pos": "k3~.61", "prev": "k3~.60", "key": "turnout", "data": {"ballots": 2}
    }  # fmt: skip


def test_a_deleted_key_has_null_for_data() -> None:
    assert json.loads(event_json("s", "e.", Event(2, "a", None, View.FULL), 1))["data"] is None


def test_a_snapshot_begins_with_a_reset_and_ends_with_the_position_and_the_time() -> None:
    assert json.loads(reset_json("s", False)) == {"stream": "s", "reset": True}
    assert json.loads(reset_json("s", True)) == {"stream": "s", "reset": True, "earlier": True}
    assert json.loads(synced_json("s", "e.4", "T")) == {"stream": "s", "synced": True, "pos": "e.4", "now": "T"}


def test_a_volatile_event_has_no_position() -> None:
    assert json.loads(volatile_json("s", "online", "3")) == {"stream": "s", "key": "online", "data": 3}


def test_an_sse_event_has_an_id_only_where_a_reader_may_resume() -> None:
    assert SseFraming(shared=True).frame("{}", "e.4") == b"id: e.4\ndata: {}\n\n"
    assert SseFraming(shared=True).frame("{}", None) == b"data: {}\n\n"


def test_framings_that_share_bytes_and_those_that_do_not_have_lanes_of_their_own() -> None:
    names = {f.name for f in (WebSocketFraming(), SseFraming(shared=True), SseFraming(shared=False), JsonFraming())}
    assert len(names) == 4


def test_messages_for_polling_join_to_a_list() -> None:
    framing = JsonFraming()
    assert json.loads(b"[" + framing.frame('{"a":1}', "x") + framing.frame("{}", None)[:-1] + b"]") == [{"a": 1}, {}]


def test_a_batch_is_a_chain_from_where_its_readers_are() -> None:
    events = [Event(5, "a", "1", View.FULL), Event(9, "b", "2", View.FULL)]
    data, taken = batch(WebSocketFraming(), "s", "e", View.FULL, 3, events, 1000)
    messages = [message for message, _ids in parse_all(WebSocketFraming(), data)]
    assert [(m["prev"], m["pos"]) for m in messages] == [("e.3", "e.5"), ("e.5", "e.9")]
    assert taken == 2


def test_a_batch_begins_no_event_beyond_its_limit() -> None:
    events = [Event(n, f"k{n}", "1", View.FULL) for n in range(1, 9)]
    data, taken = batch(WebSocketFraming(), "s", "e", View.FULL, 0, events, 70)
    assert taken == 2 and len(parse_all(WebSocketFraming(), data)) == 2
