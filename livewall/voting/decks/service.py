"""The service of decks: imports them to a wall in one write, exports them as text, and copies whole walls."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sqlite3
from collections.abc import Callable

import msgspec
from msgspec import UNSET, Struct, UnsetType

from livewall import audit, wall_rows
from livewall.clock import Clock, iso
from livewall.errors import NotFound, invalid
from livewall.identity import Secrets, Who, keyed
from livewall.names import CROCKFORD, is_name, new_poll_id, wall_code
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.decks import deck, question_file
from livewall.voting.poll import Poll, as_input, copied, new_poll
from livewall.wall_rows import MAX_ITEMS, QuestionsSetting, Wall

_TO_CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CROCKFORD)


class DeckMade(Struct):
    """The polls of a deck, in order; and of a file of another format, in words, the parts that are not kept."""

    polls: list[Poll]
    notes: list[str] | UnsetType = UNSET


class Decks:
    """`asks_set` is called in the transaction that lets a new wall take questions, with its code and the setting."""

    def __init__(
        self,
        store: Store,
        secrets: Secrets,
        clock: Clock,
        asks_set: Callable[[Transaction, str, QuestionsSetting], None],
    ) -> None:
        self._store = store
        self._asks_set = asks_set
        self._secrets = secrets
        self._clock = clock
        self._reading = asyncio.Lock()

    async def add(self, code: str, data: bytes, who: Who, *, import_id: str | None) -> tuple[DeckMade, bool]:
        """Import the polls of a file as drafts, at the end of the wall: all of them or none. Return them with notes on
        the parts that are not kept, and whether they were made now.

        A deck is imported to a wall once under the same `import_id`; a repetition returns those of its polls that still
        exist. Raises DeckFault, BadInput, NotFound.
        """
        if import_id is not None and not is_name(import_id):
            raise invalid("id", "letters, digits, . _ and -, at most 80")
        code, now = wall_code(code), iso(self._clock())
        name = self._names(code, data, import_id)

        def read() -> tuple[list[tuple[Poll, int | None]], list[str]]:
            given, notes = question_file.read(data)
            inputs = [msgspec.structs.replace(each, wall=code) for each in given]
            new_polls = [new_poll(name(index), each) for index, each in enumerate(inputs)]
            return [(poll, each.closes_in) for poll, each in zip(new_polls, given, strict=True)], notes

        async with self._reading:  # the worst deck takes seconds: one at a time, in a worker thread
            drafts, notes = await asyncio.to_thread(read)

        def write(tx: Transaction) -> tuple[list[Poll], bool]:
            wall = wall_rows.find(tx, code).wall
            ids = [poll.id for poll, _ in drafts]
            # Ids are derived from the import's id, so a repetition finds the polls of the first one.
            if tx.one("SELECT 1 FROM polls WHERE id = :id", {"id": ids[0]}):
                return [row.poll for row in _polls(tx, ids)], False
            if len(wall.items) + len(ids) > MAX_ITEMS:
                raise invalid("items", f"a wall has at most {MAX_ITEMS}; this one has {len(wall.items)}")
            new_polls = _added(tx, wall, drafts, now)
            audit.note(tx, who, now, "deck.import", wall_rows.stream_of(code), count=len(new_polls))
            return new_polls, True

        polls, created = await self._store.write(write)
        return DeckMade(polls, notes or UNSET), created

    def _names(self, code: str, data: bytes, import_id: str | None) -> Callable[[int], str]:
        """Return the function that names the polls of a deck: with an `import_id` always the same ids for the same
        text, which still cannot be guessed."""
        if import_id is None:
            return lambda index: new_poll_id()
        start = f"deck:{code}:{import_id}:{hashlib.sha256(data).hexdigest()}"

        def name(index: int) -> str:
            drawn = keyed(self._secrets.cookie, f"{start}:{index}".encode())[:10]
            return base64.b32encode(drawn).decode().translate(_TO_CROCKFORD)

        return name

    async def text(self, code: str) -> str:
        """Return the polls of a wall as a deck, in order. Raises NotFound."""

        def ask(connection: sqlite3.Connection) -> str:
            wall = wall_rows.find(connection, wall_code(code)).wall
            polls = _polls(connection, _ids(wall))
            return deck.format([as_input(row.poll, row.closes_in) for row in polls], wall.title)

        return await self._store.read(ask)

    async def duplicate(self, code: str, who: Who) -> tuple[Wall, int]:
        """Create a new wall with the same title and settings, and its polls as drafts. Tasks, rooms, questions, codes
        and ballots are not copied."""
        code, now = wall_code(code), iso(self._clock())

        def write(tx: Transaction) -> tuple[Wall, int]:
            of = wall_rows.find(tx, code).wall
            wall = wall_rows.insert(tx, of.title, now)
            if of.setting != "off" or of.reactions:
                plain, wall = wall, msgspec.structs.replace(wall, questions=of.questions, reactions=of.reactions)
                wall_rows.save(tx, plain, wall)
                self._asks_set(tx, wall.code, wall.setting)
            drafts = [(copied(row.poll, new_poll_id()), row.closes_in) for row in _polls(tx, _ids(of))]
            _added(tx, wall, drafts, now)
            audit.note(tx, who, now, "wall.duplicate", wall_rows.stream_of(wall.code), of=wall_rows.stream_of(code))
            row = wall_rows.find(tx, wall.code)
            return row.wall, row.version

        return await self._store.write(write)


def _added(tx: Transaction, wall: Wall, drafts: list[tuple[Poll, int | None]], now: str) -> list[Poll]:
    """Insert drafts and append them to a wall, in their order."""
    polls = [msgspec.structs.replace(poll, wall=wall.code) for poll, _ in drafts]
    for poll, (_, closes_in) in zip(polls, drafts, strict=True):
        rows.add(tx, poll, closes_in, now)
    if polls:
        items = [*wall.items, *(rows.stream_of(poll.id) for poll in polls)]
        wall_rows.save(tx, wall, msgspec.structs.replace(wall, items=items))
    return polls


def _ids(wall: Wall) -> list[str]:
    return [item.partition("/")[2] for item in wall.items if item.startswith("polls/")]


def _polls(asks: rows.Asks, ids: list[str]) -> list[rows.PollRow]:
    """Return those of the polls that exist and are not archived."""
    polls = []
    for poll_id in ids:
        try:
            polls.append(rows.find(asks, poll_id))
        except NotFound:
            continue
    return polls
