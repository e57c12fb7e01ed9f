"""The checks during and after a rehearsal. This module does no I/O.

`Ledger` records which ballots the voters sent, which were acknowledged, and which are undecided. `compare_ballots`
compares it with the ballots of the server. `Chain` is the stream of one reader, and detects missing events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from livewall.client.stream_state import Message, StreamState, Verdict

Choices = frozenset[str]
Round = tuple[str, int]
NOTHING: Choices = frozenset()


class Fault(NamedTuple):
    """Something that a correct server would not have done."""

    kind: str  # "ballot", "count", "screen", "phone", "hole", "leak"
    text: str


class Counted(NamedTuple):
    """A row of ballots.csv."""

    poll: str
    round: int
    receipt: str
    choices: Choices


@dataclass
class Entry:
    """The ballot of one voter in one round: what was acknowledged last, and what may have been counted since."""

    receipt: str | None = None
    certain: Choices | None = None
    maybe: list[Choices] = field(default_factory=list)

    @property
    def possible(self) -> list[Choices]:
        """The choices that the ballot may have now; no choices mean no ballot."""
        return [NOTHING if self.certain is None else self.certain, *self.maybe]


class Ledger:
    """What the voters know about their ballots."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, int], Entry] = {}
        self.acts = 0
        """How many ballots, changes and retractions were acknowledged."""

    def sent(self, voter: str, poll: str, round_number: int, choices: Iterable[str]) -> None:
        """Record that a ballot was sent, or without choices a retraction. A repetition is the same ballot."""
        entry, sent = self._entry(voter, poll, round_number), frozenset(choices)
        if not entry.maybe or entry.maybe[-1] != sent:
            entry.maybe.append(sent)

    def acknowledged(
        self, voter: str, poll: str, round_number: int, choices: Iterable[str], receipt: str | None
    ) -> None:
        entry = self._entry(voter, poll, round_number)
        entry.receipt, entry.certain, entry.maybe = receipt, frozenset(choices), []
        self.acts += 1

    def refused(self, voter: str, poll: str, round_number: int) -> None:
        """Record that the last ballot was refused and not counted."""
        entry = self._entry(voter, poll, round_number)
        if entry.maybe:
            entry.maybe.pop()

    @property
    def unknown(self) -> int:
        """How many ballots may or may not have been counted."""
        return sum(bool(entry.maybe) for entry in self.entries.values())

    def _entry(self, voter: str, poll: str, round_number: int) -> Entry:
        return self.entries.setdefault((voter, poll, round_number), Entry())


def compare_ballots(
    ledger: Ledger, ballots: Sequence[Counted], tallies: Mapping[Round, Mapping[str, Any]]
) -> list[Fault]:
    """Return the contradictions between the voters' ledger, the ballots on the server, and the tallies."""
    faults: list[Fault] = []
    unmatched = {ballot.receipt: ballot for ballot in ballots}
    undecided: dict[Round, list[list[Choices]]] = defaultdict(list)
    for (voter, poll, round_number), entry in ledger.entries.items():
        ballot = unmatched.get(entry.receipt) if entry.receipt is not None else None
        if ballot is not None and (ballot.poll, ballot.round) == (poll, round_number):
            del unmatched[ballot.receipt]
            if ballot.choices not in entry.possible:
                possible_choices = _choices_text(entry.possible)
                faults.append(
                    Fault(
                        "ballot",
                        f"{voter} chose {possible_choices} in {poll}, but {_choices_text([ballot.choices])} is counted",
                    )
                )
            continue
        possible = [choices for choices in entry.maybe if choices]
        may_be_retracted = NOTHING in entry.possible
        if entry.certain and not may_be_retracted:
            label = f"the receipt {entry.receipt} of {poll}, round {round_number}"
            faults.append(Fault("ballot", f"{voter} has {label}, which is not counted"))
        elif possible:
            undecided[poll, round_number].append(possible)
    for key, strays in _by_round(unmatched.values()).items():
        faults += [
            Fault(
                "ballot",
                f"in {key[0]}, round {key[1]}, {stray.receipt} with {_choices_text([stray.choices])} belongs to nobody",
            )
            for stray in _unmatched(strays, undecided[key])
        ]
    return faults + _wrong_tallies(ballots, tallies)


def _unmatched(strays: Sequence[Counted], undecided: list[list[Choices]]) -> list[Counted]:
    """Return the ballots that match no voter with an undecided ballot (Kuhn's algorithm for bipartite matching)."""
    owner: dict[int, int] = {}

    def match(stray: int, tried: set[int]) -> bool:
        for end, possible in enumerate(undecided):
            if end not in tried and strays[stray].choices in possible:
                tried.add(end)
                if end not in owner or match(owner[end], tried):
                    owner[end] = stray
                    return True
        return False

    return [ballot for stray, ballot in enumerate(strays) if not match(stray, set())]


def _wrong_tallies(ballots: Iterable[Counted], tallies: Mapping[Round, Mapping[str, Any]]) -> list[Fault]:
    rounds = _by_round(ballots)
    faults = []
    for key in sorted({*rounds, *tallies}):
        counted = Counter(choice for ballot in rounds.get(key, []) for choice in ballot.choices)
        reported = tallies.get(key) or {"counts": {}, "ballots": 0}
        counts = {choice: count for choice, count in reported["counts"].items() if count}
        if counts != dict(counted) or reported["ballots"] != len(rounds.get(key, [])):
            counted_text = f"{len(rounds.get(key, []))} ballots {dict(sorted(counted.items()))}"
            tally = f"{reported['ballots']} {dict(sorted(counts.items()))}"
            faults.append(Fault("count", f"{key[0]}, round {key[1]}: {counted_text}, but the tally has {tally}"))
    return faults


def _by_round(ballots: Iterable[Counted]) -> dict[Round, list[Counted]]:
    by_round: dict[Round, list[Counted]] = defaultdict(list)
    for ballot in ballots:
        by_round[ballot.poll, ballot.round].append(ballot)
    return by_round


def _choices_text(possible: Iterable[Choices]) -> str:
    return " or ".join("+".join(sorted(choices)) or "nothing" for choices in possible)


def difference(shown: Mapping[str, Any] | None, truth: Mapping[str, Any]) -> str | None:
    """Return how the tally of a reader differs from that of the store, or None if it does not."""
    if shown is None:
        return "no tally"
    for name in ("round", "counts", "ballots"):
        if shown.get(name) != truth[name]:
            return f"{name} {shown.get(name)} instead of {truth[name]}"
    return None


def hides_tally(poll: Mapping[str, Any]) -> bool:
    """Return whether only hosts may see the tally now, not even voters."""
    if poll["published"] or poll["results"] not in ("after_close", "on_publish"):
        return False
    return bool(poll["results"] == "on_publish" or poll["phase"] != "closed")


class Chain:
    """The state that one reader has of one stream, and the faults in what it was sent."""

    def __init__(self, stream: str) -> None:
        self.state = StreamState(stream)
        self.faults: list[Fault] = []

    def apply(self, message: Message) -> bool:
        """Apply a message; return False if the reader must reconnect and resume."""
        try:
            verdict = self.state.apply(message)
        except (KeyError, TypeError, ValueError) as problem:
            self.faults.append(Fault("hole", f"{self.state.stream}: a violation of the protocol: {problem!r}"))
            return False
        if verdict is Verdict.GAP:
            step = f"{message.get('prev')} to {message.get('pos')}"
            self.faults.append(Fault("hole", f"{self.state.stream}: after {self.state.resume_at} came {step}"))
            return False
        poll = self.state.entries.get("poll")
        if self.state.synced and poll and "tally" in self.state.entries and hides_tally(poll):
            self.faults.append(Fault("leak", f"{self.state.stream}: a hidden tally was sent"))
        return True

    def heartbeat(self, pos: str) -> bool:
        """Compare a heartbeat with the state; return False if events are missing."""
        if self.state.heartbeat(pos) is Verdict.GAP:
            self.faults.append(Fault("hole", f"{self.state.stream}: at {self.state.resume_at}, heartbeat {pos}"))
            return False
        return True
