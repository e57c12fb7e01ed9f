"""The checker is worth something: it fails on what a hub must never do, planted in what a real hub sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from checker import Broken, Checker, Checkers
from hall import POLL, Hall
from hub_model import FRAMINGS, Client, Outlet
from wires import parse_all

Frames = list[bytes]


def drop(frames: Frames) -> Frames:
    return frames[:2] + frames[3:]


def double(frames: Frames) -> Frames:
    return [*frames[:3], frames[2], *frames[3:]]


def reorder(frames: Frames) -> Frames:
    return [*frames[:2], frames[3], frames[2], *frames[4:]]


FAULTS = pytest.mark.parametrize("fault", [drop, double, reorder])


class Spoiled(Outlet):
    """Collects what it is sent, and hands it to the reader with a fault in it."""

    def collect(self) -> None:
        self.send = self.collected
        self.frames: Frames = []

    def collected(self, data: bytes) -> int:
        for message, _ids in parse_all(self.framing, data):
            self.frames.append(self.framing.frame(json.dumps(message), None))
        return len(data)

    def deliver(self, fault: Callable[[Frames], Frames]) -> None:
        self.pipe += b"".join(fault(self.frames))
        self.read(10**9)


def spoil(client: Client) -> Spoiled:
    outlet = client.outlet
    assert outlet is not None
    outlet.__class__ = Spoiled
    assert isinstance(outlet, Spoiled)
    return outlet


@pytest.fixture
def hall() -> Hall:
    return Hall()


def watched(hall: Hall, framing: str) -> Spoiled:
    client = hall.join("ann", False)
    hall.connect(client, FRAMINGS[framing])
    hall.subscribe(client, POLL, None)
    hall.settle()
    # The collecting end takes the place of the socket before it stands on a lane again.
    outlet = spoil(client)
    hall.hub.busy(client.reader)
    outlet.collect()
    hall.hub.ready(client.reader)
    return outlet


def whole(frames: Frames) -> Frames:
    return frames


@pytest.mark.parametrize("framing", ["ws", "sse", "json"])
def test_what_the_hub_sends_passes(hall: Hall, framing: str) -> None:
    outlet = watched(hall, framing)
    for n in range(6):
        hall.tally(n)
        hall.hand_out()
    outlet.deliver(whole)
    assert outlet.client.checkers[POLL].state["tally"]["count"] == 5


@FAULTS
@pytest.mark.parametrize("framing", ["ws", "sse", "json"])
def test_a_fault_among_events_is_found(hall: Hall, framing: str, fault: Callable[[Frames], Frames]) -> None:
    outlet = watched(hall, framing)
    for n in range(6):
        hall.tally(n)
        hall.hand_out()
    with pytest.raises(Broken):
        outlet.deliver(fault)


@FAULTS
def test_a_fault_within_a_snapshot_is_found(hall: Hall, fault: Callable[[Frames], Frames]) -> None:
    outlet = watched(hall, "ws")
    for key in ("a", "b", "c", "d"):
        hall.say(key, {})
    hall.hub.busy(outlet.client.reader)
    hall.subscribe(outlet.client, POLL, "garbage")
    hall.attach(0)
    hall.hub.ready(outlet.client.reader)
    with pytest.raises(Broken):
        outlet.deliver(fault)


def test_a_dropped_last_event_is_found_by_the_heartbeat(hall: Hall) -> None:
    outlet = watched(hall, "ws")
    hall.tally(1)
    hall.hand_out()
    outlet.deliver(lambda frames: frames[:-1])
    with pytest.raises(Broken, match="missing"):
        outlet.client.checkers[POLL].heartbeat(hall.hub.positions(outlet.client.reader)[POLL])


def test_a_dropped_reset_is_found(hall: Hall) -> None:
    outlet = watched(hall, "ws")
    hall.tally(1)
    hall.say("show", {"show": "none"})
    hall.hand_out()
    with pytest.raises(Broken):
        outlet.deliver(lambda frames: [f for f in frames if b'"reset"' not in f])


# -- the checker alone


def event(prev: str, pos: str, key: str | None = "a", data: Any = 1) -> dict[str, Any]:
    return {"stream": "s", "prev": prev, "pos": pos, "data": data} | ({"key": key} if key else {})


RESET = {"stream": "s", "reset": True}


def synced(pos: str) -> dict[str, Any]:
    return {"stream": "s", "synced": True, "pos": pos, "now": "T"}


def fed(*messages: dict[str, Any]) -> Checker:
    checker = Checker("s")
    for message in messages:
        checker.feed(message)
    return checker


SNAPSHOT = (RESET, event("e.0", "e.2"), synced("e.3"))


def test_it_holds_what_a_client_would_hold() -> None:
    checker = fed(*SNAPSHOT, event("e.3", "e.4", "b", {"x": 1}), event("e.4", "e.5", "message/1", "hi"),
                  event("e.5", "e.6", "a", None))  # fmt: skip
    assert checker.state == {"b": {"x": 1}, "message/1": "hi"}
    assert checker.numbered == {1: "hi"}
    assert checker.pos == "e.6"


def test_what_is_held_changes_when_a_snapshot_is_whole() -> None:
    checker = fed(*SNAPSHOT, RESET, event("e.0", "e.4", "b"))
    assert (checker.state, checker.pos) == ({"a": 1}, "e.3")
    checker.feed(synced("e.4"))
    assert (checker.state, checker.pos) == ({"b": 1}, "e.4")


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([event("e.0", "e.1")], id="an event before any snapshot"),
        pytest.param([synced("e.1")], id="synced before a reset"),
        pytest.param([*SNAPSHOT, synced("e.3")], id="synced twice"),
        pytest.param([*SNAPSHOT, event("e.4", "e.5")], id="a hole"),
        pytest.param([*SNAPSHOT, event("e.2", "e.3")], id="something twice"),
        pytest.param([*SNAPSHOT, event("e.2", "e.5")], id="a prev before where the reader is"),
        pytest.param([*SNAPSHOT, event("e.5", "e.4")], id="an event that leads backwards"),
        pytest.param([*SNAPSHOT, event("e~.3", "e~.4")], id="another view without a reset"),
        pytest.param([*SNAPSHOT, event("f.3", "f.4")], id="another epoch without a reset"),
        pytest.param([*SNAPSHOT, event("e.3", "f.4")], id="an event between epochs"),
        pytest.param([RESET, event("e.1", "e.2")], id="a snapshot that does not begin at 0"),
        pytest.param([RESET, event("e.0", "e.2"), event("e.3", "e.4")], id="a hole in a snapshot"),
        pytest.param([RESET, event("e.0", "e.2"), synced("e.1")], id="a snapshot synced before its end"),
        pytest.param([*SNAPSHOT, RESET, event("e.0", "e.1"), synced("e.2")], id="a snapshot older than the last"),
        pytest.param([*SNAPSHOT, {"stream": "t", "reset": True}], id="another stream"),
        pytest.param([*SNAPSHOT, {"stream": "s", "error": {"code": "forbidden"}}, RESET], id="after the end"),
        pytest.param([*SNAPSHOT, event("e.3", "nonsense")], id="no position"),
    ],
)
def test_it_refuses(messages: list[dict[str, Any]]) -> None:
    fed(*messages[:-1])
    with pytest.raises(Broken):
        fed(*messages)


def test_a_resumed_reader_may_be_beyond_the_prev_of_its_first_event_only() -> None:
    checker = fed(*SNAPSHOT)
    checker.connect("e.3")
    checker.feed(event("e.2", "e.5"))
    with pytest.raises(Broken):
        checker.feed(event("e.4", "e.6"))


def test_a_claim_of_what_is_not_held_must_be_answered_by_a_snapshot() -> None:
    checker = fed(*SNAPSHOT)
    checker.connect("e.1")
    with pytest.raises(Broken):
        checker.feed(event("e.1", "e.5"))


def test_half_a_snapshot_is_dropped_with_its_connection() -> None:
    checker = fed(*SNAPSHOT, RESET, event("e.0", "e.4", "b"))
    checker.connect(checker.pos)
    checker.feed(event("e.3", "e.5", "c"))
    assert checker.state == {"a": 1, "c": 1}


def test_changes_of_a_snapshot_are_told_too() -> None:
    told: list[Any] = []
    checker = Checker("s", on_change=lambda *change: told.append(change))
    for message in (*SNAPSHOT, event("e.3", "e.4", "a", 2), RESET, event("e.0", "e.5", "b", 3), synced("e.5")):
        checker.feed(message)
    assert told == [("a", None, 1), ("a", 1, 2), ("a", 2, None), ("b", None, 3)]


def test_several_streams_have_a_checker_each() -> None:
    checkers = Checkers("s", "t")
    checkers.feed_all([*SNAPSHOT, {"heartbeat": {"s": "e.3"}, "now": "T"}, {"ref": "1", "ok": {}}])
    assert checkers["s"].synced and not checkers["t"].synced
    with pytest.raises(Broken):
        checkers.feed({"stream": "u", "reset": True})
    with pytest.raises(Broken):
        checkers.feed({"heartbeat": {"s": "e.9"}, "now": "T"})
