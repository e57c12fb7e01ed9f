"""What is known of screens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from livewall.errors import Busy
from livewall.walls.screens import FORGOTTEN, MAX_PER_ADDRESS, MAX_SCREENS, Screens
from livewall.wire import ScreenIn

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GIVEN = ScreenIn(1920, 1080, "websocket", 12)


def test_a_screen_is_listed_until_it_was_not_heard_of_for_a_minute() -> None:
    screens = Screens()
    screens.report("walls/A", "s1", GIVEN, NOW)
    screens.report("walls/A", "s2", GIVEN, NOW + timedelta(seconds=30))
    screens.report("walls/B", "s3", GIVEN, NOW)
    assert [s.id for s in screens.of("walls/A", NOW + timedelta(seconds=59))] == ["s1", "s2"]
    assert [s.id for s in screens.of("walls/A", NOW + timedelta(seconds=FORGOTTEN))] == ["s2"]


def test_the_last_report_of_a_screen_counts() -> None:
    screens = Screens()
    screens.report("walls/A", "s1", GIVEN, NOW)
    screens.report("walls/A", "s1", ScreenIn(800, 600, "poll", 40), NOW)
    (found,) = screens.of("walls/A", NOW)
    assert (found.width, found.transport, found.age, found.seen) == (800, "poll", 40, "2026-11-21T12:00:00.000Z")


def test_one_screen_too_many_is_refused_and_the_known_ones_are_not() -> None:
    screens = Screens()
    for n in range(MAX_SCREENS):
        screens.report("walls/A", f"s{n}", GIVEN, NOW)
    with pytest.raises(Busy):
        screens.report("walls/A", "more", GIVEN, NOW)
    screens.report("walls/A", "s0", GIVEN, NOW)
    screens.report("walls/A", "more", GIVEN, NOW + timedelta(seconds=61))


def test_no_more_walls_are_kept_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewall.walls.screens.MAX_WALLS", 1)
    screens = Screens()
    screens.report("walls/A", "s1", GIVEN, NOW)
    later = NOW + timedelta(seconds=61)
    with pytest.raises(Busy):
        screens.report("walls/B", "s1", GIVEN, NOW)
    with pytest.raises(Busy):
        screens.report("walls/B", "s1", GIVEN, later)
    screens.report("walls/B", "s1", GIVEN, later)


def test_one_address_takes_no_more_than_its_share() -> None:
    screens = Screens()
    for n in range(MAX_PER_ADDRESS):
        screens.report("walls/A", f"s{n}", GIVEN, NOW, "stranger")
    with pytest.raises(Busy):
        screens.report("walls/A", "more", GIVEN, NOW, "stranger")
    screens.report("walls/A", "s0", GIVEN, NOW, "stranger")
    screens.report("walls/A", "hall", GIVEN, NOW, "hall")
    screens.report("walls/B", "s0", GIVEN, NOW, "stranger")


def test_a_known_screen_that_comes_back_finds_its_place() -> None:
    screens = Screens()
    for second in (0, 30, 60):
        screens.report("walls/A", "hall", GIVEN, NOW + timedelta(seconds=second), "hall")
    away = NOW + timedelta(seconds=300)
    for n in range(MAX_SCREENS - 1):
        screens.report("walls/A", f"s{n}", GIVEN, away, f"stranger {n % 8}")
    with pytest.raises(Busy):
        screens.report("walls/A", "more", GIVEN, away, "somebody")
    assert "hall" not in [screen.id for screen in screens.of("walls/A", away)]
    screens.report("walls/A", "hall", GIVEN, away, "hall")
    assert "hall" in [screen.id for screen in screens.of("walls/A", away)]


def test_a_place_is_given_up_in_the_end() -> None:
    screens = Screens()
    for second in (0, 60):
        screens.report("walls/A", "hall", GIVEN, NOW + timedelta(seconds=second), "hall")
    assert screens.of("walls/A", NOW + timedelta(seconds=660)) == [] and not screens._walls
