"""What may be asked, voted up and shown, and in which order. Pure: everything is an argument."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from livewall.errors import NotFound, Refused
from livewall.identity import Who
from livewall.rooms.access import check_is_somebody
from livewall.wall_rows import QuestionsSetting
from livewall.wire import QuestionState

OPEN: frozenset[QuestionState] = frozenset({"pending", "shown", "pinned"})
"""The states of questions that are still to be answered."""
VISIBLE: frozenset[QuestionState] = frozenset({"shown", "pinned", "answered"})
"""The states of questions that everyone sees."""
MAX_OPEN = 1000
"""The most questions of a wall that are still to be answered; hosts may ask more."""
MAX_QUESTIONS = 10_000
"""The most questions of a wall in all."""
MAX_TEXT = 1000
"""The most characters of a question."""


class Question(msgspec.Struct, rename={"said_by": "from"}):
    """A question as it is sent on the wire. `from` and `name` are empty for an anonymous one."""

    n: int
    id: str
    said_by: str
    name: str
    text: str
    at: str
    state: QuestionState
    votes: int
    answer: str | UnsetType = UNSET


def first_state(setting: QuestionsSetting, who: Who) -> QuestionState:
    """Return the state of a new question: what hosts ask needs no look from a host."""
    return "pending" if setting == "moderated" and not who.host else "shown"


def check_may_ask(setting: QuestionsSetting, who: Who, *, unanswered: int, asked: int) -> None:
    """Raise NotAllowed, NotFound or Refused unless `who` may ask one more question. Hosts may when it is closed, and
    when many others are not answered yet."""
    check_is_on(setting)
    check_is_somebody(who)
    if setting == "closed" and not who.host:
        raise Refused("closed", "no more questions are taken")
    if asked >= MAX_QUESTIONS or (unanswered >= MAX_OPEN and not who.host):
        raise Refused("conflict", "there are too many questions already; vote for one of them")


def check_may_vote(setting: QuestionsSetting, question: Question, who: Who) -> None:
    """Raise NotAllowed, NotFound or Refused unless `who` may vote a question up, or take such a vote back."""
    check_is_on(setting)
    check_is_somebody(who)
    if question.state not in VISIBLE:
        raise no_question(question.n)
    if setting == "closed" or question.state == "answered":
        raise Refused("closed", "this question is answered" if question.state == "answered" else "the vote is closed")


def check_is_on(setting: QuestionsSetting) -> None:
    """Raise NotFound for a wall that takes no questions."""
    if setting == "off":
        raise NotFound("not_found", "this wall takes no questions")


def no_question(number: int) -> NotFound:
    return NotFound("not_found", f"there is no question {number} on this wall")


def in_order(questions: Iterable[Question]) -> list[Question]:
    """Return questions as they are shown: pinned ones, then by votes, then by age. Answered ones follow in the
    same order, and hidden ones come last."""
    return sorted(questions, key=lambda question: rank(question.state, question.votes, question.n))


def rank(state: QuestionState, votes: int, number: int) -> tuple[int, int, int]:
    """Return by what a question is sorted."""
    place = {"pinned": 0, "shown": 1, "pending": 1, "answered": 2, "hidden": 3}[state]
    return place, -votes, number
