"""The questions of a wall as its host page without scripts shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livewall.questions.rules import VISIBLE, Question, in_order

LISTED = 100
"""The most questions of each part."""


@dataclass(frozen=True)
class Queue:
    """Those that wait for a decision, those that are shown, and those that were answered or hidden."""

    waiting: list[Question]
    shown: list[Question]
    past: list[Question]


def question_queue(questions: Sequence[Question]) -> Queue:
    """Return the queue. What waits stands in the order in which it was asked, the rest in the order of the screen."""
    ordered = in_order(questions)
    waiting = sorted((each for each in ordered if each.state == "pending"), key=lambda each: each.n)
    shown = [each for each in ordered if each.state in VISIBLE and each.state != "answered"]
    past = [each for each in ordered if each.state in ("answered", "hidden")]
    return Queue(waiting[:LISTED], shown[:LISTED], past[:LISTED])
