"""Kinds of polls: one module each, behind one interface. A poll's `kind` is the name of its module.

An installed package adds a kind of its own through the entry point group `livewall.poll_kinds`: the entry's name is the
kind's, its value a class that follows `Kind`. docs/architecture.md says what else a kind of this repository needs.
"""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from livewall import entry_points
from livewall.errors import LivewallError, invalid

if TYPE_CHECKING:
    from livewall.charts.bars import Picture
    from livewall.charts.drawing import Theme
    from livewall.wire import PollIn

log = logging.getLogger(__name__)

GROUP = "livewall.poll_kinds"
ONE, SEVERAL = "single", "multi"
"""The kinds in which a ballot marks one option, and several. A poll is of the first where nothing is said."""


class Rules(NamedTuple):
    """The rules of a poll that a ballot is checked against."""

    options: tuple[str, ...]
    """The ids of the options, in their order."""
    max_choices: int
    abstain: str | None
    """The option that means to abstain."""


class Phrase(NamedTuple):
    """A text of the catalogue: its key, the number that chooses singular or plural, and its values."""

    key: str
    number: int
    values: Mapping[str, Any]


class Kind(Protocol):
    """What is particular to one kind of poll. Nothing else in the product knows a kind by its name."""

    @property
    def name(self) -> str: ...

    @property
    def page(self) -> str:
        """The module of static/js/poll/kinds that draws this kind."""

    @property
    def control(self) -> Literal["radio", "checkbox"]:
        """The control that marks an option in a plain form."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `ballots.csv` after the receipt and the round."""

    # the definition

    def max_choices(self, wanted: int, options: int) -> int:
        """Return how many options a ballot may mark. `wanted` is 1 where a host does not say. Raises BadInput."""

    def read_form(self, given: Mapping[str, str], options: int) -> dict[str, Any]:
        """Return the fields of the API that a plain form gives for this kind. Raises BadInput."""

    def write_form(self, max_choices: int) -> dict[str, str]:
        """Return what a form holds for a poll of this kind."""

    def read_setting(self, text: str) -> dict[str, Any] | None:
        """Return the fields that the setting `choices: text` of a deck gives; None if the words are not this
        kind's. A `max_choices` of None stands for all options."""

    def write_setting(self, poll: PollIn) -> str:
        """Return the words of the setting `choices` in a deck; "" for the default."""

    # ballots

    def check_ballot(self, rules: Rules, choices: Sequence[str]) -> tuple[str, ...]:
        """Return the choices as they are kept, in the order of the options. Raises BadInput with the field
        `choices`."""

    def counted(self, choices: Sequence[str]) -> Sequence[str]:
        """Return the options to whose count a ballot adds one, each as often as it adds. Used for the counts that are
        kept beside the ballots, and for the recount; the order of `choices` must not matter."""

    def cells(self, choices: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of `columns` for one ballot."""

    def sample(self, rules: Rules, chance: random.Random) -> tuple[str, ...]:
        """Return a ballot that a rehearsal casts."""

    # words and pictures

    def rule(self, max_choices: int) -> Phrase | None:
        """Return the rule that stands beside a result ("up to 3 choices"); None if it goes without saying."""

    def invitation(self, max_choices: int) -> Phrase | None:
        """Return the sentence that tells a voter what to do."""

    def chart(self, picture: Picture, theme: Theme) -> str:
        """Return the result of a round as an SVG document."""


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name: those of Livewall, then those of installed packages.

    Raises LivewallError if an installed kind cannot be loaded, or has the name of another.
    """
    from livewall.voting.kinds.multi import Multi
    from livewall.voting.kinds.single import Single

    builtin: tuple[Kind, ...] = (Single(), Multi())
    return entry_points.load(GROUP, {kind.name: kind for kind in builtin})


def added_kinds() -> dict[str, str]:
    """Return the kinds that installed packages add, each with the module that draws it on a page."""
    return {name: kind.page for name, kind in kinds().items() if name not in (ONE, SEVERAL)}


def kind_of(name: str) -> Kind:
    """Return the kind named `name`; for a poll whose kind is no longer installed, one that takes no ballot."""
    known = kinds()
    if name in known:
        return known[name]
    from livewall.voting.kinds.missing import Missing

    return Missing(name)


def check_kind(name: str) -> Kind:
    """Return the kind that a host asks for. Raises BadInput with the field `kind`."""
    known = kinds()
    if name not in known:
        raise invalid("kind", f"must be one of {', '.join(known)}")
    return known[name]


def marking(most: int | None, options: int) -> dict[str, Any]:
    """Return the fields of a poll in which a ballot marks `most` of so many options, or with None any number."""
    if most == 1:
        return {"kind": ONE, "max_choices": 1}
    return {"kind": SEVERAL, "max_choices": options if most is None else most}


def checked_max_choices(kind: Kind, wanted: int, options: int) -> int:
    """Return `kind.max_choices`, if it is a number that a poll can have. Raises BadInput, LivewallError."""
    most = kind.max_choices(wanted, options)
    if type(most) is not int or not 1 <= most <= max(1, options):
        raise _broken(kind, "max_choices", most)
    return most


def checked_marks(kind: Kind, rules: Rules, choices: Sequence[str]) -> tuple[str, ...]:
    """Return `kind.check_ballot`, if it is options of the poll, each at most once. Raises BadInput, LivewallError."""
    marks = kind.check_ballot(rules, choices)
    if type(marks) is not tuple or len(set(marks)) != len(marks) or not set(marks) <= set(rules.options):
        raise _broken(kind, "check_ballot", marks)
    return marks


def _broken(kind: Kind, method: str, value: Any) -> LivewallError:
    log.error("the kind of polls %r is broken: its %s returned %.200r", kind.name, method, value)
    return LivewallError("internal", f"the kind of polls {kind.name!r} is broken; it was logged")
