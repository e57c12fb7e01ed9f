"""The order of questions, as tests/js/question/order.test.mjs has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livewall.questions.rules import Question, in_order

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "questions.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_questions_stand_in_their_order(vector: dict[str, Any]) -> None:
    given = [Question(n, "", "", "", "", "", state, votes) for n, state, votes in vector["questions"]]
    assert [each.n for each in in_order(given)] == vector["order"]
