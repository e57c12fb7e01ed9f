"""The questions of a wall as its page shows them without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livewall.questions.questions import QuestionsShown
from livewall.questions.rules import VISIBLE, Question
from livewall.rooms.links import Piece, pieces

LISTED = 50
"""The most questions, and the most answered ones, on a page without scripts."""


@dataclass(frozen=True)
class QuestionRow:
    question: Question
    voted: bool
    """Whether the reader votes for it."""
    pieces: list[Piece]
    answer: list[Piece]


@dataclass(frozen=True)
class QuestionRows:
    """What can still be voted for, what is answered, and how many more there are of both."""

    open: list[QuestionRow]
    answered: list[QuestionRow]
    more: int


def question_rows(shown: QuestionsShown) -> QuestionRows:
    """Return the rows of questions that everyone sees, in their order."""
    visible = [each for each in shown.items if each.state in VISIBLE]
    open_, answered = [[q for q in visible if (q.state == "answered") is ended] for ended in (False, True)]
    voted = set(shown.voted)
    listed = _rows(open_, voted), _rows(answered, voted)
    return QuestionRows(*listed, more=len(visible) - sum(map(len, listed)))


def _rows(questions: Sequence[Question], voted: set[int]) -> list[QuestionRow]:
    return [
        QuestionRow(each, each.n in voted, pieces(each.text), pieces(each.answer or "")) for each in questions[:LISTED]
    ]
