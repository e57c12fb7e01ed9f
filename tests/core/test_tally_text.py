"""What the command line says of a quorum and a majority, before and after voting has ended."""

from __future__ import annotations

from typing import Any

import pytest

from livewall.cli.tally_table import tally_text

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
