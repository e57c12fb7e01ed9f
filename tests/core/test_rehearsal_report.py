"""The text of a rehearsal's report."""

from __future__ import annotations

import pytest

from livewall.rehearsal.machine import OwnUsage
from livewall.rehearsal.network import GOOD
from livewall.rehearsal.report import ADVICE, Limits, Report
from livewall.rehearsal.run import Figures, Times
from livewall.rehearsal.sequence import Plan


def report(seconds: float) -> Report:
    """Return the report of a rehearsal whose acknowledgements took so long, with a limit of one second."""
    plan = Plan(1, 1.0, 1, GOOD, 1, Limits(ack=1.0))
    figures = Figures(joined=1, ack=Times([seconds], [seconds]))
    return Report(plan, figures, [], 0, (None, None, 0, 0, None), OwnUsage())


@pytest.mark.parametrize(("seconds", "advised"), [(0.03, False), (0.49, False), (0.5, True), (2.0, True)])
def test_advice_is_given_only_near_a_limit(seconds: float, advised: bool) -> None:
    first = report(seconds).verdict()[0]
    assert first.startswith(f"Slowest part: acknowledging a ballot, {seconds:.0%} of its limit")
    assert (ADVICE["ack"] in first) is advised
