"""The checks of rehearsals in which people talk and ask. This module does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livewall.rehearsal.checks import Fault


@dataclass
class Saying:
    """A message or a question of somebody: its text, and what the server acknowledged."""

    by: str
    text: str
    number: int | None = None
    refused: bool = False


@dataclass
class TalkLedger:
    """What people know about what they said or asked, by the ids that they gave, and about their votes."""

    said: dict[str, Saying] = field(default_factory=dict)
    votes: dict[int, set[str]] = field(default_factory=dict)
    """Who votes a question up, and knows that it counts."""
    maybe: dict[int, set[str]] = field(default_factory=dict)
    """Who may have voted a question up, because no answer came."""

    @property
    def unknown(self) -> int:
        return sum(saying.number is None and not saying.refused for saying in self.said.values())


def compare_said(ledger: TalkLedger, found: Sequence[Mapping[str, Any]], withdrawn: Iterable[int]) -> list[Fault]:
    """Return the contradictions between what people know and what the server has, by number from 1 on.

    `withdrawn` are the numbers whose text the host has removed.
    """
    numbers = [each["n"] for each in found]
    faults = [Fault("said", f"number {place} is {n}") for place, n in enumerate(numbers, 1) if n != place]
    gone, seen = set(withdrawn), set()
    for each in found:
        if each["n"] in gone:
            continue
        id = each.get("id", "")
        saying = ledger.said.get(id)
        if saying is None or id in seen:
            faults.append(Fault("said", f"{each['n']} {'is there twice' if saying else 'belongs to nobody'}"))
        elif saying.refused:
            faults.append(Fault("said", f"{each['n']} of {saying.by} was refused"))
        elif saying.text != each["text"] or saying.number not in (None, each["n"]):
            known = f"acknowledged as {saying.number}, or has another text"
            faults.append(Fault("said", f"{each['n']} of {saying.by} was {known}"))
        seen.add(id)
    for id, saying in ledger.said.items():
        if saying.number is not None and saying.number not in gone and id not in seen:
            faults.append(Fault("said", f"{saying.number} of {saying.by} was acknowledged and is not there"))
    return faults


def compare_votes(ledger: TalkLedger, found: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Return the questions whose votes are not those that people know of. The one of who asks counts from the start."""
    faults = []
    for question in found:
        least = 1 + len(ledger.votes.get(question["n"], ()))
        most = least + len(ledger.maybe.get(question["n"], set()) - ledger.votes.get(question["n"], set()))
        if not least <= question["votes"] <= most:
            has = f"question {question['n']} has {question['votes']} votes"
            faults.append(Fault("count", f"{has}, not {least} to {most}"))
    return faults


def wrong_entries(shown: Mapping[str, Any] | None, truth: Mapping[str, Any]) -> str | None:
    """Return how what a reader shows differs from the truth, or None."""
    if shown is None:
        return "nothing"
    for key, data in truth.items():
        if shown.get(key) != data:
            return f"{key} is {shown.get(key)} instead of {data}"
    extra = sorted(key for key in shown.keys() - truth.keys() if key.startswith(("question/", "message/")))
    return f"it shows {extra[0]}" if extra else None
