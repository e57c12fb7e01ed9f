"""What must be true after a rehearsal, and during it. Pure: facts in, faults out.

`Ledger` is what the people know: which ballots left, which were acknowledged, of which it is not known. `uncounted`
holds it against what the server says in the end. `Chain` is one reader's stream, and looks for holes.
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
    """One voter in one round: what was acknowledged last, and what may have been done since."""

    receipt: str | None = None
    certain: Choices | None = None
    maybe: list[Choices] = field(default_factory=list)

    @property
    def possible(self) -> list[Choices]:
        """What the ballot may say now; no choices stand for no ballot."""
        return [NOTHING if self.certain is None else self.certain, *self.maybe]


class Ledger:
    def __init__(self) -> None:
        self.entries: dict[tuple[str, str, int], Entry] = {}
        self.acts = 0
        """Ballots cast, changed and retracted that were acknowledged."""

    def sent(self, voter: str, poll: str, round_number: int, choices: Iterable[str]) -> None:
        """A ballot left; no choices retract it. A repetition of it is the same one."""
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
        """What was sent last was refused, and nothing of it was carried out."""
        entry = self._entry(voter, poll, round_number)
        if entry.maybe:
            entry.maybe.pop()

    @property
    def unknown(self) -> int:
        """Ballots of which nobody knows whether they were counted."""
        return sum(bool(entry.maybe) for entry in self.entries.values())

    def _entry(self, voter: str, poll: str, round_number: int) -> Entry:
        return self.entries.setdefault((voter, poll, round_number), Entry())


def compare_ballots(
    ledger: Ledger, ballots: Sequence[Counted], tallies: Mapping[Round, Mapping[str, Any]]
) -> list[Fault]:
    """The faults between what the people were told, the ballots that are there, and the counts."""
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
                        f"{voter} has {possible_choices} in {poll}, counted is {_choices_text([ballot.choices])}",
                    )
                )
            continue
        possible = [choices for choices in entry.maybe if choices]
        may_be_retracted = NOTHING in entry.possible
        if entry.certain and not may_be_retracted:
            label = f"the receipt {entry.receipt} of {poll}, round {round_number}"
            faults.append(Fault("ballot", f"{voter} has {label}: it is not counted"))
        elif possible:
            undecided[poll, round_number].append(possible)
    for key, strays in _by_round(unmatched.values()).items():
        faults += [
            Fault(
                "ballot",
                f"in {key[0]}, round {key[1]}, {stray.receipt} with {_choices_text([stray.choices])} is nobody's",
            )
            for stray in _unmatched(strays, undecided[key])
        ]
    return faults + _wrong_tallies(ballots, tallies)


def _unmatched(strays: Sequence[Counted], undecided: list[list[Choices]]) -> list[Counted]:
    """Those that cannot be matched to somebody who never learned what became of a ballot (Kuhn's algorithm)."""
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
            faults.append(Fault("count", f"{key[0]}, round {key[1]}: {counted_text}, the tally says {tally}"))
    return faults


def _by_round(ballots: Iterable[Counted]) -> dict[Round, list[Counted]]:
    by_round: dict[Round, list[Counted]] = defaultdict(list)
    for ballot in ballots:
        by_round[ballot.poll, ballot.round].append(ballot)
    return by_round


def _choices_text(possible: Iterable[Choices]) -> str:
    return " or ".join("+".join(sorted(choices)) or "nothing" for choices in possible)


def difference(shown: Mapping[str, Any] | None, truth: Mapping[str, Any]) -> str | None:
    """What is wrong with the tally that a reader holds; None where it is the store's."""
    if shown is None:
        return "no tally at all"
    for name in ("round", "counts", "ballots"):
        if shown.get(name) != truth[name]:
            return f"{name} {shown.get(name)} for {truth[name]}"
    return None


def hides_tally(poll: Mapping[str, Any]) -> bool:
    """Whether nobody but hosts may see the tally now, voters included."""
    if poll["published"] or poll["results"] not in ("after_close", "on_publish"):
        return False
    return bool(poll["results"] == "on_publish" or poll["phase"] != "closed")


class Chain:
    """What one reader holds of one stream, and what was wrong with what it was sent."""

    def __init__(self, stream: str) -> None:
        self.state = StreamState(stream)
        self.faults: list[Fault] = []

    def apply(self, message: Message) -> bool:
        """Whether the reader may go on; false asks it to come back by position."""
        try:
            verdict = self.state.apply(message)
        except (KeyError, TypeError, ValueError) as problem:
            self.faults.append(Fault("hole", f"{self.state.stream}: against the contract: {problem!r}"))
            return False
        if verdict is Verdict.GAP:
            step = f"{message.get('prev')} to {message.get('pos')}"
            self.faults.append(Fault("hole", f"{self.state.stream}: at {self.state.resume_at} came {step}"))
            return False
        poll = self.state.entries.get("poll")
        if self.state.synced and poll and "tally" in self.state.entries and hides_tally(poll):
            self.faults.append(Fault("leak", f"{self.state.stream}: a tally that is hidden was sent"))
        return True

    def heartbeat(self, pos: str) -> bool:
        """The same for where the server believes the reader stands."""
        if self.state.heartbeat(pos) is Verdict.GAP:
            self.faults.append(Fault("hole", f"{self.state.stream}: at {self.state.resume_at}, the server says {pos}"))
            return False
        return True
