"""What a ballot costs does not depend on how many watch: CPU at three rates, with 10 readers and with 1,000.

A delivery's cost is measured in the same run (at 40 ballots a second); what the deliveries cost is taken off.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from .fanout import BALLOTS_PER_SECOND, FEW, Watched
from .plan import Plan, table
from .spread import Spread, verdict

RATES = (100, 1000, 4000)
AIM = 1.25
MOST_PUBLICATIONS = 20


def run(plan: Plan) -> str:
    count, seconds = plan.size(1000, 100), plan.seconds(5, 1)
    few_cpu: dict[int, list[float]] = {rate: [] for rate in (BALLOTS_PER_SECOND, *RATES)}
    many_cpu: dict[int, list[float]] = {rate: [] for rate in few_cpu}
    few_sent: dict[int, list[float]] = {rate: [] for rate in few_cpu}
    many_sent: dict[int, list[float]] = {rate: [] for rate in few_cpu}
    with ExitStack() as stack:
        few = Watched(stack, FEW, voters=10)
        many = Watched(stack, count, voters=10, over=plan.seconds(20))
        for _ in range(plan.pairs):
            for rate in few_cpu:
                for watched, cpus, sent in ((few, few_cpu, few_sent), (many, many_cpu, many_sent)):
                    cpu, deliveries = watched.window(seconds, rate)
                    cpus[rate].append(cpu / seconds)
                    sent[rate].append(deliveries / seconds)
    base = BALLOTS_PER_SECOND
    each = [
        (m - f) / (d - e)
        for m, f, d, e in zip(many_cpu[base], few_cpu[base], many_sent[base], few_sent[base], strict=True)
    ]
    cost = median(each)
    rows = []
    for rate in RATES:
        rest = [m - d * cost for m, d in zip(many_cpu[rate], many_sent[rate], strict=True)]
        under = [f - e * cost for f, e in zip(few_cpu[rate], few_sent[rate], strict=True)]
        ratio = Spread.of([a / b for a, b in zip(rest, under, strict=True)])
        per_reader = Spread.of([d / count for d in many_sent[rate]])
        rows.append(
            [
                f"{rate:,}",
                Spread.of(few_cpu[rate]).text(0, 1e-6),
                Spread.of(many_cpu[rate]).text(0, 1e-6),
                Spread.of(many_sent[rate]).text(0),
                Spread.of(rest).text(0, 1e-6),
                f"**{ratio.text()}** ({verdict(ratio.median, AIM)})",
                f"{per_reader.text(1)} ({verdict(per_reader.most, MOST_PUBLICATIONS)})",
            ]
        )
    head = [
        "ballots a second",
        "CPU with 10 readers, ms a second",
        f"CPU with {count:,} readers, ms a second",
        "deliveries a second",
        "less what they cost, ms a second",
        "ratio to 10 readers",
        "deliveries a second a reader",
    ]
    note = f"A delivery cost {Spread.of(each).text(2, 1e-3)} µs in this run (at {base} ballots a second)."
    return table(head, rows) + "\n\n" + note
