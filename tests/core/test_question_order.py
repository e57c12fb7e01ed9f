"""The order of questions: one rule, to which the server and the pages are held by the same examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.view_models.question_rows import LISTED, question_rows
from livewall.questions.questions import QuestionsShown
from livewall.questions.rules import Question, in_order

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "questions.json").read_text())


def question(n: int, state: Any, votes: int) -> Question:
    return Question(n, "id", "", "", "Why?", "2026-11-30T10:00:00.000Z", state, votes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_questions_are_in_the_order_of_the_vectors(vector: dict[str, Any]) -> None:
    assert [each.n for each in in_order(question(*facts) for facts in vector["questions"])] == vector["order"]


def test_a_page_without_scripts_lists_some_of_both_kinds_and_none_that_only_hosts_see() -> None:
    states = ["shown"] * (LISTED + 3) + ["answered"] * 2 + ["pending", "hidden"]
    items = in_order(question(n, state, 0) for n, state in enumerate(states, 1))
    rows = question_rows(QuestionsShown(items, [2, LISTED + 4]))
    assert (len(rows.open), len(rows.answered), rows.more) == (LISTED, 2, 3)
    assert [row.question.n for row in (*rows.open, *rows.answered) if row.voted] == [2, LISTED + 4]
