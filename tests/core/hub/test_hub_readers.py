"""Readers that come, are slow, leave and come back: who gets what, and whom it disturbs."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from hall import POLL, Hall, read_all
from hub_model import FRAMINGS, Client
from wires import parse_all

from livewall.errors import Busy, NotFound
from livewall.hub import catch_up
from livewall.hub import hub as hub_module
from livewall.hub import log as log_module
from livewall.hub.load_requests import LoadBackfill, LoadStream
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Reader, State


def counts(client: Client) -> list[int]:
    return [m["data"]["count"] for m in read_all(client) if m.get("key") == "tally" and "pos" in m]


# -- coming


def test_a_newcomer_gets_reset_events_synced(hall: Hall) -> None:
    hall.tally(7)
    client = hall.join("ann", False)
    hall.connect(client, FRAMINGS["ws"])
    hall.open()
    hall.subscribe(client, POLL, None)
    hall.attach(0)
    messages = [m for m in read_all(client) if "ref" not in m]
    assert messages[0] == {"stream": POLL, "reset": True}
    assert [m["prev"] for m in messages[1:-1]] == ["e1.0", "e1.1"]
    assert [m["pos"] for m in messages[1:]] == ["e1.1", "e1.2", "e1.2"]
    assert messages[-1]["synced"] is True


def test_a_snapshot_is_framed_once_for_all_who_begin_at_it(hall: Hall) -> None:
    framed: list[int] = []
    frame = catch_up.event_json

    def counted(stream: str, start: str, event: Event, prev: int) -> str:
        framed.append(event.seq)
        return frame(stream, start, event, prev)

    def begin(who: str) -> list[dict[str, Any]]:
        client = hall.join(who, False)
        hall.connect(client, FRAMINGS["ws"])
        hall.open()
        hall.subscribe(client, POLL, None)
        hall.attach(0)
        return [m for m in read_all(client) if "ref" not in m]

    hall.tally(1)
    with patch.object(catch_up, "event_json", counted):
        first = begin("ann")
        assert len(framed) == len(first) - len(["reset", "synced"])
        assert begin("bob") == first
        assert len(framed) == len(first) - 2
        hall.tally(2)
        assert [m["data"]["count"] for m in begin("eve") if m.get("key") == "tally"] == [2]
        assert len(framed) > len(first) - 2


def test_a_resume_gets_only_what_is_new_and_no_reset(hall: Hall) -> None:
    client = hall.come()
    at = client.checkers[POLL].pos
    hall.drop(client)
    hall.tally(1)
    again = hall.come("ann", since=None)
    hall.connect(client, FRAMINGS["ws"])
    hall.subscribe(client, POLL, at)
    hall.attach(0)
    assert [m.get("pos") for m in read_all(client) if "ref" not in m] == ["e1.2"]
    assert again.checkers[POLL].state == client.checkers[POLL].state


@pytest.mark.parametrize("since", ["e0.1", "e1~.1", "e1.99", "junk", "x" * 10_000])
def test_foreign_impossible_and_unreadable_positions_get_a_snapshot(hall: Hall, since: str) -> None:
    assert hall.come("ann", since=since).checkers[POLL].resets == 1


def test_a_stream_of_an_unknown_kind_is_not_found(hall: Hall) -> None:
    with pytest.raises(NotFound):
        hall.hub.open("nonsense/1")


def test_a_stream_the_store_does_not_have_is_closed_again(hall: Hall) -> None:
    stream = hall.hub.open("polls/none")
    hall.settle()
    assert stream.loading and "polls/none" not in hall.hub.streams


def test_a_stream_that_began_while_the_store_was_asked_is_there(hall: Hall) -> None:
    hall.hub.open("polls/new")
    hall.collect()
    hall.read(hall.asks[0])
    hall.say("a", {}, name="polls/new")
    hall.answer(hall.asks[0])
    assert not hall.hub.streams["polls/new"].loading
    assert hall.come("ann", "polls/new").checkers["polls/new"].state["a"]["n"] == 1


def test_a_stream_that_cannot_be_loaded_does_not_begin_in_its_middle(hall: Hall) -> None:
    stream = hall.hub.open(POLL)
    hall.tally(1)
    hall.hub.loaded(stream, None)
    assert POLL not in hall.hub.streams
    hall.hub.load_requests.clear()


def test_what_is_committed_between_load_and_subscription_is_not_lost(hall: Hall) -> None:
    hall.hub.open(POLL)
    hall.collect()
    hall.read(hall.asks[0])
    hall.tally(3)
    hall.answer(hall.asks[0])
    assert hall.come().checkers[POLL].state["tally"]["count"] == 3


def test_what_the_load_has_already_is_not_applied_twice(hall: Hall) -> None:
    hall.hub.open(POLL)
    hall.collect()
    hall.tally(3)
    hall.answer(hall.asks[0])
    assert hall.hub.streams[POLL].seq == 3
    assert hall.come().checkers[POLL].state["tally"]["count"] == 3


def test_nothing_is_sent_before_start(hall: Hall) -> None:
    """An SSE connection writes its head after all its streams are attached."""
    stream = hall.open()
    client = hall.come("ann", "rooms/none")
    client.checker(POLL)
    hall.hub.attach(client.reader, stream, None)
    hall.say("show", {"show": "none"})
    hall.say("show", {"show": "voted"})
    hall.settle()
    assert client.checkers[POLL].resets == 0
    hall.hub.start(client.reader)
    hall.settle()
    assert client.checkers[POLL].resets == 1


def test_a_reader_that_left_while_its_stream_was_loaded_is_not_held(hall: Hall) -> None:
    stream = hall.open()
    client = hall.come("ann", "rooms/none")
    hall.drop(client)
    hall.hub.attach(client.reader, stream, None)
    hall.hub.start(client.reader)
    assert hall.hub.readers == 0 and not stream.cursors


def test_a_stream_closed_since_it_was_opened_is_refused(hall: Hall) -> None:
    stream = hall.open()
    client = hall.come("ann", "rooms/none")
    assert (hall.hub.evict(), hall.hub.evict()) == (0, 1)
    with pytest.raises(Busy):
        hall.hub.attach(client.reader, stream, None)
    assert hall.hub.readers == 0


def test_a_stream_with_readers_is_not_evicted_and_an_empty_one_at_the_second_look(hall: Hall) -> None:
    client = hall.come()
    assert hall.hub.evict() == hall.hub.evict() == 0
    hall.drop(client)
    assert (hall.hub.evict(), hall.hub.evict()) == (0, 1)
    assert not hall.hub.streams


def test_opening_again_keeps_a_stream_from_eviction(hall: Hall) -> None:
    hall.open()
    hall.hub.evict()
    hall.hub.open(POLL)
    assert hall.hub.evict() == 0


# -- slow readers


def test_a_slow_reader_is_left_behind_and_others_still_hear(hall: Hall) -> None:
    quick = hall.come("ann")
    hall.come("bob", capacity=300)
    for n in range(20):
        hall.tally(n)
        hall.hand_out()
    assert hall.hub.behind == 1
    assert counts(quick) == list(range(20))


def test_a_slow_reader_catches_up_with_the_newest_only(hall: Hall) -> None:
    slow = hall.come("bob", capacity=300)
    for n in range(50):
        hall.tally(n)
        hall.hand_out()
    seen = counts(slow)
    assert seen[-1] == 49 and len(seen) < 6
    assert hall.hub.behind == 0


def test_a_reader_that_never_reads_holds_one_piece_at_most(hall: Hall) -> None:
    slow = hall.come("bob", capacity=300)
    for n in range(1000):
        hall.tally(n)
        hall.hand_out()
    assert slow.outlet is not None and len(slow.outlet.rest) < 200
    assert len(hall.hub.streams[POLL].logs[View.FULL]) == 2


def test_much_at_once_is_sent_piece_by_piece_so_that_the_slow_hold_little(in_small_steps: None, hall: Hall) -> None:
    quick, slow = hall.come("a"), hall.come("b", capacity=150)
    for _ in range(50):
        hall.say(None, {"pad": "x" * 50})
    hall.hand_out()
    assert slow.outlet is not None and len(slow.outlet.rest) < 400
    assert len(read_all(quick)) == 50
    hall.settle()
    assert len(slow.checkers[POLL].numbered) == 50


def test_the_rest_of_a_piece_leaves_before_anything_else(hall: Hall) -> None:
    client = hall.come(capacity=130)
    for n in range(5):
        hall.tally(n)
        hall.hand_out()
    while client.outlet is not None and (client.outlet.pipe or client.outlet.rest):
        client.outlet.read(7)
    assert client.checkers[POLL].state["tally"]["count"] == 4


def test_an_outlet_that_empties_at_once_gets_nothing_twice(hall: Hall) -> None:
    """`keep` may call `ready` before it returns, in a snapshot as in a publication."""
    client = hall.come(capacity=50, eager=True)
    seen = []
    for n in range(3):
        hall.tally(n)
        hall.hand_out()
        seen += counts(client)
    assert client.checkers[POLL].resets == 1
    assert seen == [0, 1, 2]


def test_a_busy_reader_gets_nothing_until_it_is_ready(hall: Hall) -> None:
    client = hall.come()
    hall.hub.busy(client.reader)
    hall.tally(1)
    hall.hand_out()
    assert client.outlet is not None and not client.outlet.pipe
    hall.hub.ready(client.reader)
    assert counts(client) == [1]


def test_a_snapshot_in_pieces_is_one_chain(in_small_steps: None, hall: Hall) -> None:
    for n in range(20):
        hall.say(f"k{n}", {"pad": "x" * 50})
    client = hall.come(capacity=120)
    assert len(client.checkers[POLL].state) == 21
    assert client.checkers[POLL].resets == 1


def test_a_key_deleted_during_a_snapshot_is_not_held(in_small_steps: None, hall: Hall) -> None:
    hall.say("first", {"pad": "x" * 100})
    for n in range(5):
        hall.say(f"k{n}", {"pad": "x" * 100})
    hall.open()
    client = hall.join("ann", False)
    hall.connect(client, FRAMINGS["ws"], 200)
    hall.subscribe(client, POLL, None)
    hall.attach(0)
    assert hall.hub.behind == 1
    hall.say("first", None)
    hall.settle()
    assert "first" not in client.checkers[POLL].state and client.checkers[POLL].resets == 1


def test_a_key_deleted_before_a_snapshot_is_not_told(hall: Hall) -> None:
    hall.say("a", {})
    hall.say("a", None)
    client = hall.come()
    assert (client.checkers[POLL].events, client.checkers[POLL].pos) == (1, "e1.3")


# -- more than memory holds


def test_readers_that_hear_of_more_than_memory_holds_ask_the_store(hall: Hall) -> None:
    with patch.object(log_module, "WINDOW", 4):
        client = hall.come()
        for _ in range(10):
            hall.say(None, {})
        hall.hand_out()
        assert [type(w) for w in hall.hub.load_requests] == [LoadBackfill]
        hall.settle()
    assert len(client.checkers[POLL].numbered) == 10
    assert client.checkers[POLL].resets == 1


def test_below_the_floor_of_the_store_is_a_reset_that_says_so(hall: Hall) -> None:
    with patch.object(log_module, "WINDOW", 4):
        client = hall.come()
        for _ in range(10):
            hall.say(None, {})
        hall.stream(POLL).floor = 5
        hall.settle()
    assert client.checkers[POLL].resets == 2
    assert client.checkers[POLL].earlier
    assert len(client.checkers[POLL].numbered) == 4


def test_a_backfill_never_tells_what_was_not_published_yet(hall: Hall) -> None:
    """The store may already have hidden what the hub believes may be seen."""
    with patch.object(log_module, "WINDOW", 2):
        client = hall.come()
        for _ in range(4):
            hall.say(None, {})
        hall.hand_out()
        hall.commit(POLL, [("show", {"show": "none"}, View.BOTH), ("tally", {"count": 9}, View.FULL)])
        hall.collect()
        for ask in list(hall.asks):
            hall.answer(ask)
        assert "tally" not in [m.get("key") for m in read_all(client)]
        hall.settle()
    assert "tally" not in client.checkers[POLL].state


def test_a_store_with_nothing_to_say_below_the_base_is_a_reset_and_not_asked_for_ever(hall: Hall) -> None:
    with patch.object(log_module, "WINDOW", 2):
        client = hall.come()
        for _ in range(4):
            hall.say(None, {})
        hall.hand_out()
        (wish,) = hall.hub.load_requests
        hall.hub.load_requests.clear()
        assert isinstance(wish, LoadBackfill)
        hall.hub.backfilled(wish.cursor, [])
        assert not hall.hub.load_requests
    hall.settle()
    assert client.checkers[POLL].resets == 2


def test_a_quiet_view_is_not_asked_for_because_the_other_forgot(hall: Hall) -> None:
    """The base the store names is of the stream; a masked reader at its own head lacks nothing."""
    with patch.object(log_module, "WINDOW", 2):
        hall.say("show", {"show": "none"})
        for _ in range(6):
            hall.say(None, {}, View.FULL)
        client = hall.come()
        hall.drop(client)
        hall.hub.streams.clear()
        at = client.checkers[POLL].pos
        hall.connect(client, FRAMINGS["ws"])
        hall.subscribe(client, POLL, at)
        hall.settle()
        assert hall.hub.streams[POLL].logs[View.FULL].base == 6
    assert (at, client.checkers[POLL].resets) == ("e1~.2", 1)


# -- publications in steps


def test_who_leaves_during_a_publication_does_not_disturb_it(in_small_steps: None, hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c", "d", "e")]
    hall.tally(1)
    hall.work(2)
    for index in (0, 3):  # one who has it, one who has not
        hall.drop(clients[index])
    hall.hand_out()
    assert [counts(clients[n]) for n in (1, 2, 4)] == [[1], [1], [1]]


def test_who_comes_during_a_publication_gets_it_once(in_small_steps: None, hall: Hall) -> None:
    first = [hall.come(name) for name in ("a", "b", "c")]
    hall.tally(1)
    hall.work(1)
    late = hall.join("d", False)
    hall.connect(late, FRAMINGS["ws"])
    hall.subscribe(late, POLL, None)
    hall.attach(0)
    hall.tally(2)
    hall.hand_out()
    assert counts(late) == [1, 2]
    assert [counts(c) for c in first] == [[1, 2]] * 3


def test_who_is_busy_during_a_publication_gets_it_once(in_small_steps: None, hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c")]
    hall.tally(1)
    hall.work(1)
    for client in clients:
        hall.hub.busy(client.reader)
    hall.work(1)
    for client in clients:
        hall.hub.ready(client.reader)
    hall.hand_out()
    assert [counts(c) for c in clients] == [[1]] * 3


def test_a_busy_stream_does_not_keep_another_waiting(in_small_steps: None, hall: Hall) -> None:
    crowd = [hall.come(name) for name in "abcdef"]
    hall.say("a", {}, name="polls/b")
    other = hall.come("z", "polls/b")
    hall.tally(0)
    hall.say("b", {}, name="polls/b")
    for n in range(1, 12):
        hall.work(1)
        hall.tally(n)
    assert any(m.get("key") == "b" for m in read_all(other))
    assert crowd


def test_positions_during_a_publication_are_what_each_was_sent(in_small_steps: None, hall: Hall) -> None:
    clients = [hall.come(name) for name in ("a", "b", "c")]
    hall.tally(1)
    hall.work(2)
    for client in clients:
        seen = [m["pos"] for m in read_all(client) if "pos" in m]
        assert hall.hub.positions(client.reader)[POLL] == (seen[-1] if seen else "e1.1")


def test_an_event_is_framed_once_for_all_readers(hall: Hall) -> None:
    for name in "abcdefgh":
        hall.come(name)
    with patch.object(hub_module, "batch", wraps=hub_module.batch) as framed:
        hall.tally(1)
        hall.hand_out()
    assert framed.call_count == 1


def test_volatile_events_reach_who_is_there_and_no_one_else(hall: Hall) -> None:
    sockets = [hall.come("a"), hall.come("b", framing="json"), hall.come("c", framing="sse")]
    hall.hub.volatile(POLL, "online", '{"v":3}')
    hall.settle()
    late = hall.come("d")
    assert [len(c.checkers[POLL].volatile) for c in [*sockets, late]] == [1, 1, 1, 0]


def test_what_stays_is_told_to_lasting_connections_that_come_later(hall: Hall) -> None:
    hall.come("a")
    for number in (1, 2):
        hall.hub.volatile(POLL, "here", f'{{"v":3,"people":{number}}}', retain=True)
        hall.settle()
    late = [hall.come("b"), hall.come("c", framing="sse"), hall.come("d", framing="json")]
    told = [[m["data"]["people"] for m in c.checkers[POLL].volatile] for c in late]
    assert told == [[2], [2], []]


def test_what_stays_comes_after_the_snapshot_and_again_after_a_new_one(hall: Hall) -> None:
    voter = hall.come("a")
    hall.hub.volatile(POLL, "here", '{"v":3}', retain=True)
    hall.hand_out()
    hall.say("show", {"show": "none"})
    hall.hand_out()
    messages = read_all(voter)
    resets = [place for place, message in enumerate(messages) if "reset" in message]
    assert len(resets) == 1 and messages[-1]["key"] == "here" and "synced" in messages[-2]


# -- several streams


def test_ids_of_several_streams_stand_in_the_order_of_the_address(hall: Hall) -> None:
    hall.say("a", {}, name="polls/b")
    client = hall.come("ann", "polls/b", POLL, framing="sse-several")
    outlet = client.outlet
    assert outlet is not None
    hall.tally(1)
    hall.hand_out()
    assert outlet.pipe.startswith(b"id: e1~.1,e1.2\n")


def test_an_id_is_empty_for_a_stream_that_has_not_the_whole_yet(hall: Hall) -> None:
    hall.say("a", {}, name="polls/b")
    hall.open("polls/b")
    hall.open()
    client = hall.join("ann", False)
    hall.connect(client, FRAMINGS["sse-several"])
    for name in (POLL, "polls/b"):
        client.claim(name, None, None)
        hall.hub.attach(client.reader, hall.hub.streams[name], None)
    hall.hub.start(client.reader)
    assert client.outlet is not None
    reads = parse_all(client.outlet.framing, bytes(client.outlet.pipe))
    assert [ids for _message, ids in reads if ids] == [["e1.1", ""], ["e1.1", "e1~.1"]]


def test_unsubscribing_from_one_stream_leaves_the_others(hall: Hall) -> None:
    hall.say("a", {}, name="polls/b")
    client = hall.come("ann", POLL, "polls/b")
    hall.unsubscribe(client, POLL)
    hall.unsubscribe(client, "polls/never")
    hall.tally(1)
    hall.say("a", {"x": 1}, name="polls/b")
    hall.hand_out()
    assert [m["stream"] for m in read_all(client)] == ["polls/b"]
    assert hall.hub.readers == 1
    hall.unsubscribe(client, "polls/b")
    assert hall.hub.readers == 0


def test_subscribing_again_moves_the_cursor(hall: Hall) -> None:
    client = hall.come()
    hall.subscribe(client, POLL, "garbage")
    hall.settle()
    assert client.checkers[POLL].resets == 2
    assert hall.hub.readers == 1 and len(hall.hub.streams[POLL].cursors) == 1


# -- what is held


def test_nothing_is_held_of_those_who_came_and_went(hall: Hall) -> None:
    hall.open()
    stream = hall.hub.streams[POLL]
    for n in range(200):
        hall.drop(hall.come(f"v{n}", framing=("ws", "sse", "json")[n % 3]))
        hall.clients.clear()
    hall.settle()
    assert (hall.hub.readers, hall.hub.behind, len(hall.hub.load_requests)) == (0, 0, 0)
    assert not stream.cursors and not stream.tags and not stream.moving
    assert all(lane.empty for lane in stream.lanes.values())


def test_a_second_farewell_changes_nothing(hall: Hall) -> None:
    client = hall.come()
    hall.drop(client)
    hall.hub.gone(client.reader)
    hall.hub.ready(client.reader)
    hall.hub.busy(client.reader)
    assert (hall.hub.readers, hall.hub.behind, client.reader.state) == (0, 0, State.GONE)


def test_a_publication_to_a_stream_nobody_has_open_is_left_to_the_store(hall: Hall) -> None:
    hall.hub.publish("polls/closed", [])
    hall.hub.set_viewer_state("polls/closed", "ann", True)
    hall.hub.volatile("polls/closed", "online", "{}")
    assert not hall.hub.streams and not hall.hub.dirty


def test_opening_twice_asks_the_store_once(hall: Hall) -> None:
    assert hall.hub.open(POLL) is hall.hub.open(POLL)
    assert [type(w) for w in hall.hub.load_requests] == [LoadStream]


def test_a_reader_has_no_queue() -> None:
    assert set(Reader.__slots__) == {"__weakref__", "cursors", "outlet", "state", "who"}
