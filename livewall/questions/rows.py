"""Questions and their votes as rows: read and written inside a transaction, with the events about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from livewall import wire
from livewall.hub.position import View
from livewall.questions.rules import OPEN, VISIBLE, Question, no_question
from livewall.store.transaction import Transaction
from livewall.wall_rows import QuestionsSetting, find

_QUESTION = "number, given, said_by, name, text, asked_at, state, votes, answer"


class QuestionsInfo(msgspec.Struct):
    """What is known of the questions of a wall. `count` is the number of those that the reader sees."""

    wall: str
    open: bool
    moderated: bool
    count: int


def stream_of(wall: str) -> str:
    return f"questions/{wall}"


def setting(asks: Any, wall: str) -> QuestionsSetting:
    """Return how a wall takes questions. Raises NotFound."""
    return find(asks, wall).wall.setting


def question(asks: Any, wall: str, number: int) -> Question:
    """Return a question. Raises NotFound."""
    row = asks.execute(
        f"SELECT {_QUESTION} FROM questions WHERE wall = :wall AND number = :number", {"wall": wall, "number": number}
    ).fetchone()
    if row is None:
        raise no_question(number)
    return _question(row)


def asked_before(asks: Any, wall: str, asker: bytes, given: str) -> Question | None:
    """Return the question that somebody gave this id, or None."""
    row = asks.execute(
        f"SELECT {_QUESTION} FROM questions WHERE wall = :wall AND asker = :asker AND given = :given",
        {"wall": wall, "asker": asker, "given": given},
    ).fetchone()
    return None if row is None else _question(row)


def questions(asks: Any, wall: str) -> list[Question]:
    """Return all questions of a wall by number."""
    query = f"SELECT {_QUESTION} FROM questions WHERE wall = :wall ORDER BY number"
    return [_question(row) for row in asks.execute(query, {"wall": wall})]


def _question(row: Sequence[Any]) -> Question:
    number, given, said_by, name, text, at, state, votes, answer = row
    return Question(number, given, said_by, name, text, at, state, votes, UNSET if answer is None else answer)


def counts(asks: Any, wall: str) -> dict[str, int]:
    """Return the number of questions in each state."""
    query = "SELECT state, COUNT(*) FROM questions WHERE wall = :wall GROUP BY state"
    return dict(asks.execute(query, {"wall": wall}).fetchall())


def unanswered(held: dict[str, int]) -> int:
    return sum(number for state, number in held.items() if state in OPEN)


def last_number(asks: Any, wall: str) -> int:
    number = asks.execute("SELECT MAX(number) FROM questions WHERE wall = :wall", {"wall": wall}).fetchone()[0]
    return int(number or 0)


def insert(tx: Transaction, wall: str, asker: bytes, made: Question) -> None:
    """Write a new question with the vote of its asker."""
    tx.execute(
        """INSERT INTO questions (wall, number, asker, given, said_by, name, text, state, votes, published, asked_at)
        VALUES (:wall, :n, :asker, :id, :said_by, :name, :text, :state, :votes, :votes, :at)""",
        {**_values(made), "wall": wall, "asker": asker},
    )
    insert_vote(tx, wall, made.n, asker)
    append_question(tx, wall, made)


def decide(tx: Transaction, wall: str, before: Question, after: Question) -> None:
    """Write the state and the answer of a question."""
    tx.execute(
        """UPDATE questions SET state = :state, answer = :answer, published = votes
        WHERE wall = :wall AND number = :n""",
        {**_values(after), "wall": wall},
    )
    append_question(tx, wall, after, before)


def _values(question: Question) -> dict[str, Any]:
    return {name: None if value is UNSET else value for name, value in msgspec.structs.asdict(question).items()}


# -- votes


def insert_vote(tx: Transaction, wall: str, number: int, voter: bytes) -> bool:
    """Write that somebody votes a question up. Return whether that is new."""
    made = tx.execute(
        "INSERT OR IGNORE INTO question_votes (wall, voter, number) VALUES (:wall, :voter, :number)",
        {"wall": wall, "voter": voter, "number": number},
    )
    return made.rowcount == 1


def delete_vote(tx: Transaction, wall: str, number: int, voter: bytes) -> bool:
    """Take such a vote back. Return whether there was one."""
    gone = tx.execute(
        "DELETE FROM question_votes WHERE wall = :wall AND voter = :voter AND number = :number",
        {"wall": wall, "voter": voter, "number": number},
    )
    return gone.rowcount == 1


def add_votes(tx: Transaction, wall: str, number: int, by: int) -> None:
    tx.execute(
        "UPDATE questions SET votes = votes + :by WHERE wall = :wall AND number = :number",
        {"wall": wall, "number": number, "by": by},
    )


def voted(asks: Any, wall: str, voter: bytes) -> list[int]:
    """Return the questions that somebody votes up, by number."""
    query = "SELECT number FROM question_votes WHERE wall = :wall AND voter = :voter ORDER BY number"
    return [number for (number,) in asks.execute(query, {"wall": wall, "voter": voter})]


def walls_that_moved(asks: Any) -> list[str]:
    """Return the walls with votes that were not published."""
    return [wall for (wall,) in asks.execute("SELECT DISTINCT wall FROM questions WHERE votes != published")]


def publish_votes(tx: Transaction, wall: str, now: str) -> None:
    """Append the questions whose votes changed since their last event."""
    moved = tx.all(f"SELECT {_QUESTION} FROM questions WHERE wall = :wall AND votes != published", {"wall": wall})
    for row in moved:
        append_question(tx, wall, _question(row))
    if moved:
        tx.execute("UPDATE questions SET published = votes WHERE wall = :wall AND votes != published", {"wall": wall})


# -- events


def append_question(tx: Transaction, wall: str, question: Question, before: Question | None = None) -> None:
    """Append a question to the view of hosts, and to everyone's where it is visible, or was `before`."""
    stream, key, data = stream_of(wall), f"question/{question.n}", wire.text(question)
    if question.state in VISIBLE:
        tx.append(stream, key, data, view=View.BOTH)
        return
    tx.append(stream, key, data, view=View.FULL)
    if before is not None and before.state in VISIBLE:
        tx.append(stream, key, None, view=View.MASKED)
        tx.forget_deletions(stream)


def append_info(tx: Transaction, wall: str, setting: QuestionsSetting) -> None:
    """Append what is known of the questions of a wall, to each view with its own count, unless nothing changed."""
    held = counts(tx, wall)
    shown = sum(number for state, number in held.items() if state in VISIBLE)
    for view, count in ((View.FULL, sum(held.values())), (View.MASKED, shown)):
        info = QuestionsInfo(wall, setting in ("open", "moderated"), setting == "moderated", count)
        data = None if setting == "off" else wire.text(info)
        before = tx.one(
            "SELECT data FROM latest WHERE stream = :stream AND view = :view AND key = 'questions'",
            {"stream": stream_of(wall), "view": int(view)},
        )
        if before is None or before[0] != data:
            tx.append(stream_of(wall), "questions", data, view=view)


def forget(tx: Transaction, wall: str) -> None:
    """Delete the questions of a wall that is deleted."""
    if last_number(tx, wall) == 0 and tx.one("SELECT 1 FROM streams WHERE name = :n", {"n": stream_of(wall)}) is None:
        return
    for table in ("questions", "question_votes"):
        tx.execute(f"DELETE FROM {table} WHERE wall = :wall", {"wall": wall})
    tx.append(stream_of(wall), "questions", None)
    tx.end_stream(stream_of(wall))
