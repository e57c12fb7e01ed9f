"""How many are at a wall."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.hub.framing import JsonFraming, WebSocketFraming
from livewall.hub.hub import Hub
from livewall.hub.load_requests import Loaded
from livewall.hub.log import Event
from livewall.hub.position import View
from livewall.hub.reader import Reader, State
from livewall.hub.viewers import MAX_POLLED, STAYS, Viewers, interval
from livewall.identity import Who
from livewall.walls.presence import Audience, Presence, people
from livewall.walls.walls import WallRule

WALL = "walls/K7M2QD"
voters = st.sampled_from("abcdefgh")


class Outlet:
    """A connection that takes everything."""

    def __init__(self, framing: Any) -> None:
        self.framing = framing
        self.heard: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.heard.append(data)
        return len(data)


class Wall:
    """One wall, whose readers come and go, at a time that is told."""

    def __init__(self) -> None:
        self.time = 100.0
        self.hub = Hub("e", {"walls": WallRule()}, now=lambda: "now")
        self.shown = True
        self.viewers = Viewers(self.hub, lambda: self.time, ("walls/",))
        self.presence = Presence(self.hub, self.viewers, lambda: self.time, lambda wall: self.shown)
        stream = self.hub.open(WALL)
        held = [Event(1, "wall", '{"active":null}', int(View.BOTH))]
        self.hub.loaded(stream, Loaded(1, {View.FULL: 1, View.MASKED: 1}, held))
        self.stream = stream

    def come(self, voter: str | None, framing: Any = None, role: Any = None) -> Reader:
        reader = Reader(Outlet(framing or WebSocketFraming()), Who(role=role, voter=voter))  # type: ignore[arg-type]
        self.hub.attach(reader, self.stream, None)
        self.hub.start(reader)
        return reader

    def turn(self, seconds: float = 1.0) -> None:
        self.time += seconds
        self.viewers.forget()
        self.presence.update()
        list(self.hub.work())

    def told(self, reader: Reader) -> list[bytes]:
        outlet: Any = reader.outlet
        return [data[data.index(b'"data":') :] for data in outlet.heard if b'"here"' in data]


@given(st.sets(voters), st.sets(voters))
def test_a_voter_counts_once_however_it_is_there(live: set[str], polling: set[str]) -> None:
    assert people(live, polling) == len(live | polling)


def test_hosts_and_those_without_a_voter_do_not_count() -> None:
    wall = Wall()
    for voter, role in (("a", None), ("a", None), ("b", None), ("c", "host"), ("d", "admin"), (None, None)):
        wall.come(voter, role=role)
    assert wall.presence.people(WALL) == 2


def test_who_polls_is_there_for_a_while_after_the_last_question() -> None:
    wall = Wall()
    wall.viewers.polled(WALL, "a", Who())
    wall.turn(STAYS - 1)
    assert wall.presence.people(WALL) == 1
    wall.turn(2)
    assert wall.presence.people(WALL) == 0


def test_no_more_pollers_are_kept_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewall.hub.viewers.MAX_POLLED", 2)
    wall = Wall()
    for voter in "abcd":
        wall.viewers.polled(WALL, voter, Who())
    assert wall.presence.people(WALL) == 2 < MAX_POLLED


def test_readers_are_told_once_a_second_and_only_what_changed() -> None:
    wall = Wall()
    screen = wall.come(None)
    wall.turn()
    for voter in "abc":
        wall.come(voter)
        wall.turn(0.2)
    wall.turn()
    wall.turn()
    assert wall.told(screen) == [b'"data":{"people":0}}', b'"data":{"people":3}}']


def test_who_comes_later_is_told_what_the_others_know() -> None:
    wall = Wall()
    wall.come("a")
    wall.turn()
    late = wall.come(None)
    assert wall.told(late) == [b'"data":{"people":1}}']


def test_nobody_is_told_while_no_screen_shows_it() -> None:
    wall = Wall()
    first = wall.come("a")
    wall.turn()
    wall.shown = False
    wall.come("b")
    wall.turn()
    assert wall.told(first) == [b'"data":{"people":1}}']
    assert wall.told(wall.come("c")) == []


def test_a_question_of_somebody_who_polls_is_not_answered_by_it() -> None:
    wall = Wall()
    wall.come("a")
    wall.turn()
    assert wall.told(wall.come("b", JsonFraming())) == []


def test_a_large_hall_is_told_less_often() -> None:
    assert [interval(n) for n in (0, 1000, 5000)] == [1.0, 1.0, 5.0]


def test_the_audience_is_live_behind_or_polling() -> None:
    wall = Wall()
    wall.come("a")
    for voter in ("b", "b", "c"):
        wall.hub.busy(wall.come(voter))
    wall.come("c")  # one of its two connections is good
    wall.come("d", JsonFraming())
    wall.viewers.polled(WALL, "d", Who())
    wall.viewers.polled(WALL, "e", Who())
    assert wall.presence.audience(WALL) == Audience(live=2, behind=1, polling=2)
    assert wall.presence.people(WALL) == 5


def test_a_wall_that_was_closed_and_opened_again_tells_its_readers_anew() -> None:
    wall = Wall()
    gone = wall.come("a")
    assert gone.state is State.READY
    wall.turn()
    wall.hub.gone(gone)
    wall.hub.evict(), wall.hub.evict()
    wall.turn()
    wall.stream = wall.hub.open(WALL)
    wall.hub.loaded(wall.stream, Loaded(1, {}, [Event(1, "wall", '{"active":null}', int(View.BOTH))]))
    again = wall.come("a")
    wall.turn()
    assert wall.told(again) == [b'"data":{"people":1}}']
