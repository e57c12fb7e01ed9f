"""Find the option of a poll by its id or label, as a person types it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from livewall.visible_text import matching

Option = dict[str, Any]
By = Literal["id", "label"]


class NoSuchChoice(ValueError):
    """The text matches no option, or more than one; `options` are those to choose from."""

    def __init__(self, message: str, options: Sequence[Option]) -> None:
        super().__init__(message)
        self.options = options


class AmbiguousChoice(NoSuchChoice):
    """The text matches more than one option; `either` says that it is the id of one and the label of another."""

    def __init__(self, choice: str, options: Sequence[Option], *, either: bool) -> None:
        super().__init__(f"{choice!r} means more than one option", options)
        self.either = either


def match(choice: str, options: Sequence[Option], by: By | None = None) -> Option:
    """Return the one option that `choice` matches: by its id, its label, or either. Raises NoSuchChoice.

    A label may be typed in another Unicode form, case or width, as long as only one option matches.
    """
    matches: list[Option] = []
    if by != "label":
        matches += [option for option in options if option["id"] == choice]
    if by != "id":
        labelled = [options[index] for index in matching(choice, [option["label"] for option in options])]
        matches += [option for option in labelled if option not in matches]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise AmbiguousChoice(choice, matches, either=by is None and any(each["id"] == choice for each in matches))
    raise NoSuchChoice(f"No option is called {choice!r}", options)
