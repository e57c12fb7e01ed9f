"""A compacted log: what it holds, what it forgets, and from where it can answer."""

from __future__ import annotations

import pytest

from livewall.hub import log as log_module
from livewall.hub.log import Event, Log
from livewall.hub.position import View


def event(seq: int, key: str, data: str | None = "1", *, change: bool = False) -> Event:
    return Event(seq, key, data, View.FULL, change)


def said(seq: int, number: int, data: str = "1") -> Event:
    return event(seq, f"message/{number}", data)


def changed(seq: int, number: int, data: str) -> Event:
    return event(seq, f"message/{number}", data, change=True)


def filled(*events: Event) -> Log:
    log = Log()
    for each in events:
        log.append(each)
    return log


def numbers(log: Log, n: int = 0) -> list[int]:
    return [e.seq for e in log.after(n)]


def test_only_the_newest_event_of_a_key_is_held() -> None:
    assert numbers(filled(event(1, "a"), event(2, "b"), event(3, "a"))) == [2, 3]


def test_numbered_keys_are_held_among_the_others_oldest_first() -> None:
    log = filled(said(1, 1), event(2, "a"), said(3, 2), event(4, "a"), said(5, 3))
    assert numbers(log) == [1, 3, 4, 5] and not log.earlier


def test_a_reader_in_the_middle_gets_what_is_beyond_its_position() -> None:
    log = filled(event(1, "a"), said(2, 1), event(5, "b"), said(9, 2))
    assert numbers(log, 2) == [5, 9]
    assert numbers(log, 4) == [5, 9]
    assert numbers(log, 9) == []
    assert numbers(log, 100) == []


def test_an_event_at_or_below_the_head_is_refused() -> None:
    with pytest.raises(ValueError):
        filled(event(3, "a"), event(3, "a"))


def test_numbered_keys_below_the_window_are_forgotten_and_the_base_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "WINDOW", 2)
    log = filled(said(1, 1), event(2, "a"), said(3, 2), said(4, 3))
    assert numbers(log) == [2, 3, 4]
    assert (log.base, log.earlier) == (1, True)


def test_each_group_of_numbered_keys_has_a_window_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "WINDOW", 1)
    log = filled(*(event(n, f"message/{'ab'[n % 2]}/{(n + 1) // 2}") for n in range(1, 7)))
    assert [e.key for e in log.after(0)] == ["message/b/3", "message/a/3"]


def test_a_change_replaces_the_data_in_its_place_and_follows_for_those_past_it() -> None:
    log = filled(said(1, 1, "old"), said(2, 2), changed(3, 1, "new"))
    assert log.after(0) == [said(1, 1, "new"), said(2, 2), changed(3, 1, "new")]
    assert log.after(2) == [changed(3, 1, "new")]
    assert [e.in_snapshots for e in log.after(0)] == [True, True, False]
    log.append(changed(4, 1, "newest"))
    assert log.after(0) == [said(1, 1, "newest"), said(2, 2), changed(4, 1, "newest")], "old data is nowhere"


def test_a_change_below_the_window_is_for_those_who_hold_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "WINDOW", 1)
    monkeypatch.setattr(log_module, "MAX_LEFT_OUT", 2)
    log = filled(said(1, 1), said(2, 2), changed(3, 1, "new"))
    assert log.after(2) == [changed(3, 1, "new")] and log.base == 1
    log.append(changed(4, 2, "other"))
    log.append(changed(5, 1, "newest"))
    assert numbers(log) == [2, 4, 5], "the newest change of a key takes the place of the one before"
    log.append(event(6, "a", None))
    assert numbers(log) == [2, 5, 6] and log.base == 4


def test_a_tombstone_is_held_for_those_who_have_the_key() -> None:
    log = filled(event(1, "a"), event(2, "a", None))
    assert log.after(1) == [event(2, "a", None)]


def test_tombstones_beyond_their_number_are_forgotten_and_the_base_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_LEFT_OUT", 2)
    log = filled(*(event(n, f"k{n}", None) for n in range(1, 6)))
    assert (numbers(log), log.base, len(log)) == ([4, 5], 3, 2)
    assert not log.earlier


def test_a_key_that_came_back_outlives_its_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_LEFT_OUT", 1)
    log = filled(event(1, "a", None), event(2, "a"), event(3, "b", None), event(4, "a", None), event(5, "c", None))
    assert numbers(log) == [5]
    assert log.base == 4


def test_forgetting_never_lowers_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "WINDOW", 1)
    log = Log(head=10, base=8)
    log.load([said(9, 1), said(10, 2)])
    assert log.base == 9
    other = Log(head=10, base=9)
    other.load([said(3, 1), said(10, 2)])
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
