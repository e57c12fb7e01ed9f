"""The rule by which a reader takes, ignores or misses an event, and what it then holds."""

import pytest

from livewall.client.stream_state import StreamState, Verdict, verdict_on

S = "polls/7Q4F"


def event(pos, prev, key="a", data=None):
    return {"stream": S, "pos": pos, "prev": prev, "key": key, "data": data}


def held(*messages):
    reader = StreamState(S)
    for message in messages:
        reader.apply(message)
    return reader


RESET = {"stream": S, "reset": True}


def synced(pos):
    return {"stream": S, "synced": True, "pos": pos, "now": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("at", "prev", "pos", "verdict"),
    [
        ("k3.60", "k3.60", "k3.61", Verdict.APPLIED),
        ("k3.60", "k3.9", "k3.61", Verdict.APPLIED),  # conflation: prev spans what was left out
        ("k3.61", "k3.60", "k3.61", Verdict.DUPLICATE),
        ("k3.100", "k3.60", "k3.61", Verdict.DUPLICATE),
        ("k3.60", "k3.61", "k3.62", Verdict.GAP),
        ("k3.9", "k3.10", "k3.11", Verdict.GAP),  # numbers, not text
        ("k3.60", "m8.60", "m8.61", Verdict.GAP),
        ("k3.60", "k3~.60", "k3~.61", Verdict.GAP),  # the other view is foreign
        (None, "k3.0", "k3.61", Verdict.APPLIED),
        (None, "k3.1", "k3.61", Verdict.GAP),
    ],
)
def test_an_event_is_taken_known_or_a_hole(at, prev, pos, verdict):
    assert verdict_on(at, prev, pos) is verdict


@pytest.mark.parametrize("text", ["", "k3", ".61", "k3.", "k3.x", "k3.-1"])
def test_what_is_no_position_is_refused(text):
    with pytest.raises(ValueError, match="not a position"):
        verdict_on(text, "k3.1", "k3.2")


def test_a_snapshot_is_shown_when_it_is_synced():
    reader = held(RESET, event("k3.4", "k3.0", "tally", {"ballots": 1}))
    assert reader.entries == {} and not reader.synced
    reader.apply(synced("k3.5"))
    assert reader.entries == {"tally": {"ballots": 1}} and reader.synced
    assert reader.resume_at == "k3.5"


def test_half_a_snapshot_is_no_place_to_resume():
    reader = held(RESET, event("k3.4", "k3.0", "tally", {}), synced("k3.4"), RESET, event("k3.4", "k3.0", "tally", {}))
    assert reader.resume_at is None
    assert reader.entries == {"tally": {}}  # the last state stays until there is another


def test_the_newest_of_a_key_is_held_and_null_deletes_it():
    reader = held(RESET, synced("k3.0"), event("k3.1", "k3.0", "a", 1), event("k3.2", "k3.1", "a", 2))
    assert reader.entries == {"a": 2}
    reader.apply(event("k3.3", "k3.2", "a", None))
    assert reader.entries == {}


def test_an_event_twice_changes_nothing():
    reader = held(RESET, synced("k3.0"), event("k3.1", "k3.0", "a", "one"))
    assert reader.apply(event("k3.1", "k3.0", "a", "one")) is Verdict.DUPLICATE
    assert reader.entries == {"a": "one"}


def test_a_hole_leaves_the_position_where_it_was():
    reader = held(RESET, synced("k3.1"))
    assert reader.apply(event("k3.3", "k3.2", "a", 3)) is Verdict.GAP
    assert reader.resume_at == "k3.1" and reader.entries == {}


def test_an_event_before_any_snapshot_is_a_hole():
    assert StreamState(S).apply(event("k3.1", "k3.0", "a", 1)) is Verdict.GAP


def test_a_reader_that_comes_with_a_position_takes_what_follows():
    assert StreamState(S, "k3.60").apply(event("k3.61", "k3.60", "a", 1)) is Verdict.APPLIED


def test_a_volatile_event_moves_nothing():
    reader = held(RESET, synced("k3.1"))
    assert reader.apply({"stream": S, "data": {"online": 3}}) is Verdict.APPLIED
    assert reader.resume_at == "k3.1"


def test_a_heartbeat_ahead_of_the_reader_is_a_hole():
    reader = held(RESET, synced("k3.5"))
    assert reader.heartbeat("k3.5") is Verdict.DUPLICATE
    assert reader.heartbeat("k3.6") is Verdict.GAP
    assert reader.heartbeat("m1.5") is Verdict.GAP
    reader.apply(RESET)
    assert reader.heartbeat("k3.6") is Verdict.DUPLICATE  # it speaks of the snapshot that is on its way


def test_the_error_that_ends_a_stream_is_kept():
    reader = held({"stream": S, "reset": True}, {"stream": S, "error": {"code": "forbidden", "message": "no"}})
    assert reader.error == {"code": "forbidden", "message": "no"}


def test_the_client_forgets_the_messages_of_a_conversation_that_was_deleted() -> None:
    held = StreamState("inbox/me")
    held.apply({"stream": "inbox/me", "reset": True})
    events = {"message/c1/1": "a", "message/c1/2": "b", "message/c10/1": "c", "message/c1": None}
    for n, (key, data) in enumerate(events.items(), 1):
        held.apply({"key": key, "data": data, "pos": f"e.{n}", "prev": f"e.{n - 1}"})
    held.apply({"stream": "inbox/me", "synced": True, "pos": "e.4"})
    assert held.entries == {"message/c10/1": "c"}
