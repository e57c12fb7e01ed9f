"""What a projector shows of questions and of a room, made by the server: the first rows, and how many there are beyond
them. static/js/wall/questionposter.js and roomposter.js show as many as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from handlers.view_models.screen_layout import text_width
from livewall.questions.rules import VISIBLE, Question, in_order
from livewall.rooms.rows import Message, Withdrawn

ROOM = 40.0
"""The height for questions, in hundredths of the width of a 16:9 screen, as all lengths here."""
WIDTH = 62.0
FEW = 3
"""So many questions are shown in larger letters."""
LONGEST = 600
"""The characters of a text that a projector can show at all; styles cut it after some lines."""


@dataclass(frozen=True)
class ScreenQuestions:
    """`pinned` is the question that is being answered; `more` are those that are left out."""

    pinned: Question | None = None
    rows: list[Question] = field(default_factory=list)
    more: int = 0


def screen_questions(questions: Sequence[Question]) -> ScreenQuestions:
    """Return the questions that a projector shows, in their order."""
    ordered = in_order(each for each in questions if each.state in VISIBLE)
    pinned = ordered[0] if ordered and ordered[0].state == "pinned" else None
    others = ordered[1:] if pinned else ordered
    room = ROOM - (_height(pinned.text, 3.2, most=5) + 5 if pinned else 0)
    size = 3.0 if len(others) <= FEW else 2.3
    fitting = 0
    for each in others:
        room -= _height(each.text, size, most=2 if pinned else 3) + (2 if each.name else 0) + 1.3
        if room < 0 and fitting:
            break
        fitting += 1
    return ScreenQuestions(pinned, others[:fitting], len(others) - fitting)


def _height(text: str, size: float, *, most: int) -> float:
    """Return the estimated height of a text in letters of this size, cut after so many lines."""
    lines = -(-text_width(text) * 0.56 * size // WIDTH)
    return min(most, max(1, lines)) * size * 1.25


def screen_lines(messages: Sequence[Message | Withdrawn]) -> list[Message]:
    """Return the newest messages that were not withdrawn and have room, newest last."""
    room, lines = ROOM, list[Message]()
    for each in reversed(messages):
        if isinstance(each, Message):
            room -= _height(each.text, 2.9, most=4) + 3.7
            if room < 0 and lines:
                break
            lines.insert(0, each)
    return lines


def cut(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
