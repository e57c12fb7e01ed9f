"""Drafts of polls from a file that is not a deck, collected with its problems and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from livewall.visible_text import alike, shows
from livewall.voting.decks.reader import MAX_OPTIONS, MAX_POLLS, MAX_PROBLEMS, DeckFault, Problem, fault, unclean
from livewall.wire import PollIn

RIGHT_ANSWERS = "marks of correct answers, points and feedback are not imported: a poll has none of them"


class Taken(NamedTuple):
    """The polls of a file, and in words the parts of it that are not kept."""

    polls: list[PollIn]
    notes: list[str]


class Drafts:
    def __init__(self) -> None:
        self._polls: list[PollIn] = []
        self._problems: list[Problem] = []
        self._notes: list[str] = []

    def wrong(self, line: int, reason: str) -> None:
        """Note a problem. Raises DeckFault once there are too many to continue."""
        self._problems.append(Problem(line, reason))
        if len(self._problems) >= MAX_PROBLEMS:
            raise DeckFault(self._problems)

    def note(self, text: str) -> None:
        """Say, once, that a part of the file is not kept."""
        if text not in self._notes:
            self._notes.append(text)

    def add(self, line: int, title: str, options: Sequence[tuple[int, str]], **settings: Any) -> None:
        """Add a question, and its options with their lines."""
        known = len(self._problems)
        if why := fault({"title": title}) or unclean(title):
            self.wrong(line, f"the question {why}")
        if not options:
            self.wrong(line, "the question has no options to choose from")
        if len(options) > MAX_OPTIONS:
            self.wrong(options[MAX_OPTIONS][0], f"a poll has at most {MAX_OPTIONS} options")
        for at, label in options:
            if why := fault({"options": [label]}) or unclean(label):
                self.wrong(at, f"the option {why}")
        for first, *others in alike(label for _, label in options):
            for other in others if shows(options[first][1]) else ():
                difference = f"{options[other][1]!r} looks like {options[first][1]!r}"
                self.wrong(options[other][0], f"the option {difference}: use other words")
        # Reported with its line, and the rest of the file is still checked.
        if len(self._polls) == MAX_POLLS:
            self.wrong(line, f"a deck has at most {MAX_POLLS} polls")
        if len(self._problems) == known:
            self._polls.append(PollIn(title, [label for _, label in options], **settings))

    def taken(self) -> Taken:
        """Return the drafts. Raises DeckFault if there were problems."""
        if not self._polls and not self._problems:
            self._problems.append(Problem(1, "there is no question in this file"))
        if self._problems:
            raise DeckFault(self._problems)
        return Taken(self._polls, self._notes)
