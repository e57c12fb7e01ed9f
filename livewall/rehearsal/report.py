"""The report of a rehearsal, as text and as JSON. This module does no I/O."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from livewall.rehearsal.checks import Fault
from livewall.rehearsal.machine import OwnUsage, ProcessUsage
from livewall.rehearsal.run import Figures, Times

if TYPE_CHECKING:
    from livewall.rehearsal.sequence import Plan

MAX_SHOWN = 10
BUSY_SHARE = 0.85  # of a core; beyond it, this process may be the bottleneck
MAX_LAG = 0.1  # seconds of lag of the event loop (p95); beyond it, the same holds
NEAR_LIMIT = 0.5  # share of a limit beyond which the slowest part gets advice


class Limits(NamedTuple):
    """The limits, in seconds of the server's share. Only `ack` and `screen` decide whether the rehearsal passes."""

    ack: float = 1.0
    screen: float = 1.5
    join: float = 3.0
    back: float = 3.0


ADVICE = {
    "join": "To improve it, let people in before the first question, or have nginx serve the static files.",
    "ack": "To improve it, move other work off the machine, try --gather 5, or use a faster disk.",
    "screen": "To improve it, lower --publish-rate, or use a faster core.",
    "back": "To improve it, avoid restarts and network failures during the event: everybody reconnects at once.",
}
ACTS = {"votes": "ballots", "chat": "messages", "questions": "questions and votes"}
"""What people do in a rehearsal, by its kind."""
ONE_ACT = {"votes": "a ballot", "chat": "a message", "questions": "a question or a vote"}
KEPT = {
    "votes": "every acknowledged ballot is counted, every screen is correct",
    "chat": "every acknowledged message is there once, numbers have no holes, every screen is correct",
    "questions": "every acknowledged question is there once, every vote counts once, every screen is correct",
}
NAMES = {
    "join": "joining",
    "ack": "acknowledging {}",
    "screen": "fan-out to the screens",
    "back": "reconnecting",
}


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the values do not exceed, or None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass
class Report:
    """The results of a rehearsal."""

    plan: Plan
    figures: Figures
    faults: list[Fault]
    unknown: int
    """Acts of which people never learned whether they were counted."""
    server_usage: tuple[ProcessUsage | None, ProcessUsage | None, int, int, ProcessUsage | None]
    """The usage of the server before the rehearsal, when the voters had joined (followed by how many had joined and how
    many ballots were acknowledged then), and after the rehearsal.
    """
    own_usage: OwnUsage

    @property
    def passed(self) -> bool:
        return not self.failures()

    def failures(self) -> list[str]:
        """Return the reasons why the rehearsal failed, one sentence each."""
        limits, failures = self.plan.limits, []
        for kind, count in Counter(fault.kind for fault in self.faults).items():
            failures.append(f"{count} × {FAULTS[kind]}.")
        if self.figures.joined < self.plan.voters:
            failures.append(f"{self.plan.voters - self.figures.joined} of {self.plan.voters} people could not join.")
        ack, screen = quantile(self.figures.ack.server, 0.95), quantile(self.figures.to_screens, 1.0)
        if ack is None:
            failures.append("Nothing was acknowledged.")
        elif ack > limits.ack:
            failures.append(f"Acknowledgements took {ack:.2f} s (p95); the limit is {limits.ack:g} s.")
        if screen is not None and screen > limits.screen:
            failures.append(f"An action of the host took {screen:.2f} s to a screen; the limit is {limits.screen:g} s.")
        return failures

    # -- figures

    def slowest(self) -> tuple[str, float] | None:
        """Return the part that came nearest to its limit or exceeded it most, and its p95 as a share of the limit."""
        figures, limits = self.figures, self.plan.limits
        parts = {
            "join": (quantile(figures.join.server, 0.95), limits.join),
            "ack": (quantile(figures.ack.server, 0.95), limits.ack),
            "screen": (quantile(figures.to_screens, 0.95), limits.screen),
            "back": (quantile(figures.back.server, 0.95), limits.back),
        }
        ratios = {name: took / limit for name, (took, limit) in parts.items() if took is not None}
        return max(ratios.items(), key=lambda part: part[1]) if ratios else None

    def own_bottleneck(self) -> bool:
        """Return whether this process was too slow. The server is then faster than the report shows."""
        return self.own_share > BUSY_SHARE or (quantile(self.own_usage.lags, 0.95) or 0.0) > MAX_LAG

    @property
    def own_share(self) -> float:
        return self.own_usage.cpu / self.own_usage.seconds if self.own_usage.seconds else 0.0

    def server(self) -> dict[str, float] | None:
        """Return the CPU time and memory of the server, or None if it does not report them or was restarted."""
        before, filled, joined, ballots, after = self.server_usage
        if before is None or filled is None or after is None or before.started != after.started:
            return None
        later = self.figures.acknowledged_ballots - ballots
        return {
            "cpu_seconds": after.cpu - before.cpu,
            "cpu_ms_per_joined": 1000 * (filled.cpu - before.cpu) / joined if joined else 0.0,
            "cpu_ms_per_ballot": 1000 * (after.cpu - filled.cpu) / later if later else 0.0,
            "memory_mib": after.memory / 2**20,
            "memory_mib_before": before.memory / 2**20,
        }

    def restarted(self) -> bool:
        before, after = self.server_usage[0], self.server_usage[-1]
        return before is not None and after is not None and before.started != after.started

    # -- output

    def as_dict(self) -> dict[str, Any]:
        figures, plan = self.figures, self.plan
        lags = self.own_usage.lags
        return {
            "passed": self.passed,
            "failures": self.failures(),
            "faults": [fault._asdict() for fault in self.faults],
            "kind": plan.kind,
            "seed": plan.seed,
            "wifi": plan.network.name,
            "voters": plan.voters,
            "screens": plan.screens,
            "seconds": plan.seconds,
            "limits": plan.limits._asdict(),
            "joined": figures.joined,
            "live": dict(figures.peak_live),
            "join": _times(figures.join),
            "acknowledged": dict(figures.ballots),
            "refused": dict(figures.refused),
            "unknown": self.unknown,
            "most_ballots_a_second": figures.peak_ballots_per_second,
            "ack": _times(figures.ack),
            "host_act_to_screen": _quantiles(figures.to_screens),
            "host_act_to_person": _quantiles(figures.to_people),
            "lost": dict(figures.lost),
            "returned": figures.returned,
            "resumed": figures.returned - figures.resets,
            "reset": figures.resets,
            "return": _times(figures.back),
            "rate_limited": figures.rate_limited,
            "messages": figures.messages,
            "server": self.server(),
            "slowest": self._slowest_as_dict(),
            "rehearsal": {
                "cpu_share": self.own_share,
                "loop_lag": _quantiles(lags),
                "bottleneck": self.own_bottleneck(),
            },
        }

    def _slowest_as_dict(self) -> dict[str, Any] | None:
        slowest = self.slowest()
        if slowest is None:
            return None
        return {"part": slowest[0], "share_of_limit": slowest[1], "advice": ADVICE[slowest[0]]}

    def lines(self) -> list[tuple[str, str]]:
        """Return the rows of the report's table: name and value."""
        figures = self.figures
        transports = ", ".join(f"{count} {name}" for name, count in sorted(figures.peak_live.items()))
        rows = [
            ("joined", f"{figures.joined} of {self.plan.voters}; live at the same time: {transports}"),
            ("joining", _times_text(figures.join)),
            (
                ACTS[self.plan.kind],
                f"{figures.acknowledged_ballots} acknowledged ({_counts(figures.ballots)}), "
                f"at most {figures.peak_ballots_per_second} a second; "
                f"{figures.refused.total()} refused ({_counts(figures.refused) or 'none'})",
            ),
            ("acknowledged in", _times_text(figures.ack)),
            ("host to screens", _quantiles_text(figures.to_screens)),
            ("host to phones", _quantiles_text(figures.to_people)),
            (
                "lost, reconnected",
                f"{figures.lost.total()} ({_counts(figures.lost) or 'none'}), {figures.returned} reconnected: "
                f"{figures.returned - figures.resets} resumed, {figures.resets} with a snapshot",
            ),
            ("reconnected in", _times_text(figures.back)),
        ]
        if figures.rate_limited:
            rows.append(("rate limited", f"{figures.rate_limited} times, {figures.waited:.0f} s of waiting in all"))
        if self.unknown:
            reason = "the answer was lost, then the rehearsal or the round ended"
            rows.append(("unknown", f"{self.unknown} {ACTS[self.plan.kind]}, counted or not: {reason}"))
        return [*rows, *self._machine_lines()]

    def _machine_lines(self) -> list[tuple[str, str]]:
        server = self.server()
        if server is None:
            reason = "it was restarted" if self.restarted() else "its /metrics do not report it"
            rows = [("server's CPU", f"unknown: {reason}")]
        else:
            rows = [
                (
                    "server's CPU",
                    f"{server['cpu_seconds']:.1f} s: {server['cpu_ms_per_joined']:.1f} ms for each who joined, then "
                    f"{server['cpu_ms_per_ballot']:.1f} ms for each act, including its fan-out",
                ),
                ("server's memory", f"{server['memory_mib']:.0f} MiB ({server['memory_mib_before']:.0f} before)"),
            ]
        late = quantile(self.own_usage.lags, 0.95) or 0.0
        own = f"{self.own_share:.0%} of a core; its event loop was {late * 1000:.0f} ms late (p95)"
        if self.own_bottleneck():
            reason = "its core was busy" if self.own_share > BUSY_SHARE else "the machine had too little time for it"
            own += f". THIS PROCESS WAS THE BOTTLENECK: {reason}, and the server is faster than it appears here"
        return [*rows, ("this rehearsal", own)]

    def verdict(self) -> list[str]:
        """Return the last lines of the report: the slowest part, the faults, and whether it passed."""
        sentences = []
        if slowest := self.slowest():
            part, share = slowest
            advice = f" {ADVICE[part]}" if share >= NEAR_LIMIT else ""
            sentences.append(
                f"Slowest part: {NAMES[part].format(ONE_ACT[self.plan.kind])}, {share:.0%} of its limit (p95).{advice}"
            )
        sentences += [f"{fault.kind}: {fault.text}" for fault in self.faults[:MAX_SHOWN]]
        if len(self.faults) > MAX_SHOWN:
            sentences.append(f"… and {len(self.faults) - MAX_SHOWN} more (--json has them all)")
        limits = self.plan.limits
        if self.passed:
            limits_text = f"acknowledgements within {limits.ack:g} s (p95), screens within {limits.screen:g} s"
            checks_text = f"{KEPT[self.plan.kind]}, no reader missed an event"
            return [*sentences, f"PASS: {checks_text}; {limits_text}."]
        return [*sentences, *(f"FAIL: {why}" for why in self.failures())]


FAULTS = {
    "ballot": "an acknowledged ballot is not counted as it was cast, or a counted ballot belongs to nobody",
    "count": "a tally is not the sum of its ballots, or a question has other votes than people cast",
    "said": "what was acknowledged is not there, is there twice, or belongs to nobody",
    "screen": "a screen shows a wrong state at the end",
    "phone": "a phone shows a wrong state at the end",
    "hole": "a reader missed an event or was refused",
    "leak": "a hidden tally was sent",
}


def _quantiles(values: Sequence[float]) -> dict[str, float | int | None]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {"count": len(values), **{name: quantile(values, share) for name, share in shares.items()}}


def _times(times: Times) -> dict[str, Any]:
    return {"felt": _quantiles(times.felt), "server": _quantiles(times.server)}


def _times_text(times: Times) -> str:
    if not times.felt:
        return "none measured"
    return f"{_quantiles_text(times.server)}; including the simulated network {_quantiles_text(times.felt)}"


def _quantiles_text(values: Sequence[float]) -> str:
    if not values:
        return "none measured"
    p50, p95, p99, most = (quantile(values, share) or 0.0 for share in (0.5, 0.95, 0.99, 1.0))
    return f"p50 {p50:.3f}, p95 {p95:.3f}, p99 {p99:.3f}, max {most:.3f} s"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
