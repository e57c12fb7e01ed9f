"""Numbered keys in the store: what it forgets, a log in memory has forgotten as well, and nobody resumes over it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator

import pytest

from livewall.hub import log as log_module
from livewall.hub.log import Event, Log, Numbered
from livewall.hub.position import View
from livewall.store.sqlite import migrate
from livewall.store.store import load, since
from livewall.store.transaction import Transaction

STREAM, WINDOW, STORED = "rooms/r", 4, 9


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setattr(log_module, "WINDOW", WINDOW)
    monkeypatch.setattr(log_module, "MAX_LEFT_OUT", 5)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def loaded(database: sqlite3.Connection) -> Log:
    found = load(database, STREAM)
    assert found is not None
    log = Log(head=found.heads[View.FULL], base=found.base)
    log.load(event for event in found.events if event.view & View.FULL)
    return log


def applied(held: dict[str, str], events: list[Event]) -> dict[str, str]:
    """What a reader holds after these events; it ignores a message below all that it holds."""
    for event in events:
        assert event.data is not None
        lowest = min((Numbered.of(key) or Numbered("", 0)).number for key in held) if held else 0
        if (Numbered.of(event.key) or Numbered("", 0)).number >= lowest:
            held[event.key] = event.data
    return held


@pytest.mark.parametrize("seed", range(20))
def test_every_reader_ends_with_the_newest_in_their_order(database: sqlite3.Connection, seed: int) -> None:
    dice, texts = random.Random(seed), dict[int, str]()
    live, readers = Log(), list[tuple[int, dict[str, str]]]()
    for step in range(60):
        tx = Transaction(database)
        if texts and dice.random() < 0.4:
            number, change = dice.randint(1, len(texts)), True
        else:
            number, change = len(texts) + 1, False
        texts[number] = f"text {step}"
        tx.append(STREAM, f"message/{number}", texts[number], view=View.FULL, change=change)
        if change:
            tx.forget_changes(STREAM, keep=5)
        else:
            tx.forget_number(STREAM, "message", number - STORED)
        for event in tx.events[STREAM]:
            live.append(event)
        if dice.random() < 0.3:
            readers.append((live.head, applied({}, [e for e in live.after(0) if e.in_snapshots])))
    wanted = [f"message/{n}" for n in range(max(1, len(texts) - WINDOW + 1), len(texts) + 1)]
    for log in (live, loaded(database)):
        snapshot = [event for event in log.after(0) if event.in_snapshots]
        assert [event.key for event in snapshot] == wanted and log.earlier == (len(texts) > WINDOW)
        assert all(event.data == texts[int(event.key.partition("/")[2])] for event in snapshot)
        for position, before in readers:
            missed = log.after(position) if position >= log.base else since(database, STREAM, View.FULL, position)
            if missed is None:
                continue  # it starts from a snapshot
            held = applied(dict(before), missed)
            numbers = [int(key.partition("/")[2]) for key in held]
            assert numbers == list(range(min(numbers), len(texts) + 1)), "no hole, and in their order"
            assert all(data == texts[int(key.partition("/")[2])] for key, data in held.items())
    old = {text for text in (f"text {step}" for step in range(60)) if text not in texts.values()}
    stored = {data for (data,) in database.execute("SELECT data FROM latest")}
    assert not old & stored, "what was replaced is in no row"


@pytest.mark.parametrize("seed", range(20))
def test_of_a_group_that_was_deleted_nobody_keeps_anything(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(log_module, "MAX_NUMBERED", 10)
    dice, live, readers = random.Random(seed), Log(), list[tuple[int, dict[str, str]]]()
    numbers: dict[str, int] = {}
    for step in range(120):
        tx = Transaction(database)
        if numbers and dice.random() < 0.1:
            group = dice.choice(sorted(numbers))
            del numbers[group]
            tx.delete_group(STREAM, f"message/{group}", view=View.FULL)
            tx.forget_deletions(STREAM, keep=5)
        else:
            group = dice.choice(sorted(numbers)) if numbers and dice.random() < 0.8 else f"c{step}"
            numbers[group] = numbers.get(group, 0) + 1
            tx.append(STREAM, f"message/{group}/{numbers[group]}", f"{step}", view=View.FULL)
            tx.forget_oldest(STREAM, "message/", 12)
        for event in tx.events[STREAM]:
            live.append(event)
        if dice.random() < 0.3:
            readers.append((live.head, {e.key: e.data or "" for e in live.after(0) if e.in_snapshots}))
    for log in (live, loaded(database)):
        snapshot = {event.key: event.data or "" for event in log.after(0) if event.in_snapshots}
        assert len(snapshot) <= 10 and log.earlier
        check_groups(snapshot, numbers)
        for position, before in readers:
            missed = log.after(position) if position >= log.base else since(database, STREAM, View.FULL, position)
            if missed is None:
                continue  # it starts from a snapshot
            held = dict(before)
            for event in missed:
                if event.data is not None:
                    held[event.key] = event.data
                else:
                    held = {key: data for key, data in held.items() if not key.startswith(f"{event.key}/")}
            check_groups(held, numbers)


def check_groups(held: dict[str, str], numbers: dict[str, int]) -> None:
    """What is held of each group has no hole, and reaches to its end."""
    groups: dict[str, list[int]] = {}
    for key in held:
        _, group, number = key.split("/")
        groups.setdefault(group, []).append(int(number))
    for group, found in groups.items():
        assert sorted(found) == list(range(min(found), numbers[group] + 1))
