"""A compacted log: what it holds, what it forgets, and from where it can answer."""

from __future__ import annotations

import pytest

from livewall.hub import log as log_module
from livewall.hub.log import Event, Log
from livewall.hub.position import View


def event(seq: int, key: str | None = None, data: str | None = "1") -> Event:
    return Event(seq, key, data, View.FULL)


def filled(*events: Event) -> Log:
    log = Log()
    for each in events:
        log.append(each)
    return log


def numbers(log: Log, n: int = 0) -> list[int]:
    return [e.seq for e in log.after(n)]


def test_only_the_newest_event_of_a_key_is_held() -> None:
    assert numbers(filled(event(1, "a"), event(2, "b"), event(3, "a"))) == [2, 3]


def test_every_unkeyed_event_is_held_among_the_keyed_oldest_first() -> None:
    assert numbers(filled(event(1), event(2, "a"), event(3), event(4, "a"), event(5))) == [1, 3, 4, 5]


def test_a_reader_in_the_middle_gets_what_is_beyond_its_position() -> None:
    log = filled(event(1, "a"), event(2), event(5, "b"), event(9))
    assert numbers(log, 2) == [5, 9]
    assert numbers(log, 4) == [5, 9]
    assert numbers(log, 9) == []
    assert numbers(log, 100) == []


def test_an_event_at_or_below_the_head_is_refused() -> None:
    with pytest.raises(ValueError):
        filled(event(3), event(3))


def test_old_unkeyed_events_are_forgotten_and_the_base_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_UNKEYED", 2)
    log = filled(event(1), event(2, "a"), event(3), event(4))
    assert numbers(log) == [2, 3, 4]
    assert (log.base, log.earlier) == (1, True)


def test_the_bytes_of_unkeyed_events_are_bounded_but_the_newest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_UNKEYED_BYTES", 10)
    log = filled(event(1, None, "x" * 6), event(2, None, "x" * 6))
    assert (numbers(log), log.base) == ([2], 1)
    log.append(event(3, None, "x" * 1000))
    assert (numbers(log), log.base) == ([3], 2)
    assert log.size == 1000


def test_a_tombstone_is_held_for_those_who_have_the_key() -> None:
    log = filled(event(1, "a"), event(2, "a", None))
    assert log.after(1) == [event(2, "a", None)]


def test_tombstones_beyond_their_number_are_forgotten_and_the_base_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_TOMBSTONES", 2)
    log = filled(*(event(n, f"k{n}", None) for n in range(1, 6)))
    assert (numbers(log), log.base, len(log)) == ([4, 5], 3, 2)
    assert not log.earlier


def test_a_key_that_came_back_outlives_its_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_TOMBSTONES", 1)
    log = filled(event(1, "a", None), event(2, "a"), event(3, "b", None), event(4, "a", None), event(5, "c", None))
    assert numbers(log) == [5]
    assert log.base == 4


def test_forgetting_never_lowers_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_UNKEYED", 1)
    log = Log(head=10, base=8)
    log.load([event(9), event(10)])
    assert log.base == 9
    other = Log(head=10, base=9)
    other.load([event(3), event(10)])
    assert other.base == 9


def test_a_view_whose_head_is_below_the_base_lacks_nothing() -> None:
    """The base is one number for all views; those at the head of a quieter one have it all."""
    assert Log(head=4, base=9).base == 4


def test_a_loaded_log_whose_last_event_is_gone_answers_only_from_its_head() -> None:
    log = Log(head=7)
    log.load([event(2, "a")])
    assert (log.head, log.base) == (7, 7)


def test_a_loaded_log_keeps_the_head_the_store_said() -> None:
    log = Log(head=7)
    log.load([event(2, "a"), event(7, "b")])
    assert (log.head, log.base, numbers(log)) == (7, 0, [2, 7])
