"""What the command line shows of a tally under the rules of its poll, before and after voting has ended."""

from __future__ import annotations

from typing import Any

import pytest

from livewall.cli.tally_table import rows, tally_text

POLL = {
    "options": [{"id": "1", "label": "Yes"}, {"id": "2", "label": "No"}],
    "round": 1, "quorum": 3, "majority": "2/3",
}  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "counts", "text"),
    [
        ("open", (1, 1), "2 ballots · round 1 · open · quorum of 3: 2 so far · majority of 2/3 (2 of 2)"),
        ("open", (3, 0), "3 ballots · round 1 · open · quorum of 3 reached · majority of 2/3 (2 of 3)"),
        ("closed", (1, 1), "2 ballots · round 1 · closed · quorum of 3 missed · majority of 2/3 (2 of 2): nobody"),
        ("closed", (3, 1), "4 ballots · round 1 · closed · quorum of 3 reached · majority of 2/3 (3 of 4): Yes"),
    ],
)
def test_a_quorum_is_missed_and_a_majority_decided_only_at_the_end(
    phase: str, counts: tuple[int, int], text: str
) -> None:
    tally: dict[str, Any] = {"round": 1, "counts": dict(zip("12", counts, strict=True)), "ballots": sum(counts)}
    assert tally_text({**POLL, "phase": phase}, tally) == text


YES, NO = {"id": "1", "label": "Yes"}, {"id": "2", "label": "No"}
AWAY = {"id": "3", "label": "Abstention", "abstain": True}
WITH_ABSTENTION = {"options": [YES, NO, AWAY], "phase": "closed", "majority": "2/3", "quorum": 10}


def counted(yes: int, no: int, away: int) -> dict[str, object]:
    return {"round": 1, "counts": {"1": yes, "2": no, "3": away}, "ballots": yes + no + away}


def test_shares_are_of_those_who_did_not_abstain() -> None:
    assert [row.percent for row in rows(WITH_ABSTENTION, counted(6, 3, 3))] == ["67%", "33%", ""]


def test_the_majority_is_of_the_base_and_needs_the_quorum() -> None:
    assert [row.wins for row in rows(WITH_ABSTENTION, counted(6, 3, 3))] == [True, False, False]
    assert [row.wins for row in rows(WITH_ABSTENTION, counted(5, 3, 3))] == [False, False, False]
    assert [row.wins for row in rows(WITH_ABSTENTION, counted(6, 3, 0))] == [False, False, False]
    assert [row.wins for row in rows(WITH_ABSTENTION, counted(0, 0, 12))] == [False, False, False]


def test_a_tally_is_said_in_words() -> None:
    assert tally_text(WITH_ABSTENTION, counted(6, 3, 3)) == (
        "12 ballots · round 1 · closed · quorum of 10 reached · 3 abstained, shares are out of 9 · "
        "majority of 2/3 (6 of 9): Yes"
    )
    missed = tally_text(WITH_ABSTENTION, counted(6, 0, 0))
    assert "quorum of 10 missed" in missed and "nobody" in missed
    assert tally_text({"options": [YES, NO], "phase": "open"}, counted(1, 0, 0)) == "1 ballot · round 1 · open"
