"""A poll and its rules, as functions of their arguments: its definition, its phases, and who sees the tally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from livewall.clock import iso, later, moment
from livewall.errors import Refused, invalid
from livewall.visible_text import alike, readable
from livewall.voting.kinds import check_kind, checked_max_choices
from livewall.wire import OptionIn, PollEdit, PollIn, TimerIn

LONGEST = timedelta(days=366)
"""The longest time from now at which an open poll may end."""


class Phase(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


MOVES: Mapping[tuple[Phase, str], Phase] = {
    (Phase.DRAFT, "open"): Phase.OPEN,
    (Phase.CLOSED, "open"): Phase.OPEN,
    (Phase.OPEN, "open"): Phase.OPEN,
    (Phase.OPEN, "close"): Phase.CLOSED,
    (Phase.CLOSED, "close"): Phase.CLOSED,
    (Phase.CLOSED, "reset"): Phase.DRAFT,
}


class Option(msgspec.Struct):
    """An answer that can be chosen. One option of a poll may be the abstention, which counts towards turnout but not
    towards the base."""

    id: str
    label: str
    abstain: bool | UnsetType = UNSET


class Poll(msgspec.Struct, kw_only=True):
    """A poll as it is sent on the wire; UNSET fields are left out there.

    `quorum` is a number of ballots, `majority` a share of the base, `compare` asks to show the previous round beside
    this one. `closed_at` is the time of its closing, `reveal_at` the time at which every screen shows results that were
    hidden before, `erased_at` the time at which its ballots were erased.
    """

    id: str
    wall: str | None
    title: str
    kind: str
    options: list[Option]
    phase: Phase
    round: int
    results: str
    published: bool
    assurance: str
    allow_change: bool
    max_choices: int
    closes_at: str | None
    quorum: int | UnsetType = UNSET
    majority: str | UnsetType = UNSET
    compare: bool | UnsetType = UNSET
    closed_at: str | UnsetType = UNSET
    reveal_at: str | UnsetType = UNSET
    erased_at: str | UnsetType = UNSET


class Tally(msgspec.Struct):
    round: int
    counts: dict[str, int]
    ballots: int


class Turnout(msgspec.Struct):
    round: int
    ballots: int


def next_phase(phase: Phase, action: str) -> Phase:
    """Return the phase after `action`. Raises Refused if the table has no such move."""
    try:
        return MOVES[phase, action]
    except KeyError:
        if phase is Phase.DRAFT:
            raise Refused("poll_not_open", f"the poll is a draft; open it before you {action} it") from None
        raise Refused("conflict", f"the poll is {phase.value}; only a closed poll can be {action}") from None


def tally_is_seen(results: str, phase: str, published: bool, voted: bool) -> bool:
    """Return whether the audience sees the tally (docs/contract.md, Voting). Hosts always do."""
    if phase == Phase.DRAFT.value:
        return False
    if published or results == "live":
        return True
    closed = phase == Phase.CLOSED.value
    return (results == "after_close" and closed) or (results == "after_vote" and (closed or voted))


def is_public(poll: Poll) -> bool:
    """Return whether everyone sees the tally, with a ballot or without."""
    return tally_is_seen(poll.results, poll.phase, poll.published, voted=False)


def revealed(before: Poll, after: Poll, at: str) -> Poll:
    """Return `after` with the time at which screens reveal results that `before` hid; without one where they are hidden
    again."""
    if not is_public(after):
        return msgspec.structs.replace(after, reveal_at=UNSET)
    if before.phase is Phase.DRAFT or is_public(before):
        return after
    return msgspec.structs.replace(after, reveal_at=at)


def abstention(options: Sequence[Option]) -> str | None:
    """Return the id of the option that means to abstain, or None."""
    return next((option.id for option in options if option.abstain is True), None)


def options_of(given: Sequence[str | OptionIn]) -> list[Option]:
    """Return the options with ids: the ids given, otherwise their places "1", "2", …"""
    options = []
    for number, each in enumerate(given, 1):
        label = each if isinstance(each, str) else each.label
        own = None if isinstance(each, str) else each.id
        abstains = isinstance(each, OptionIn) and each.abstain
        shown = readable(label, f"options[{number - 1}]", lines=True)
        options.append(Option(own or str(number), shown, abstains or UNSET))
    ids = [o.id for o in options]
    if len(set(ids)) != len(ids):
        raise invalid("options", "two options have the same id")
    if sum(o.abstain is True for o in options) > 1:
        raise invalid("options", "only one option can be the abstention")
    if all(o.abstain is True for o in options):
        raise invalid("options", "a poll needs an option besides the abstention")
    return options


def check_told_apart(options: Sequence[Option]) -> None:
    """Raise BadInput if two options look the same to a voter and have no ids of their own that tell them apart."""
    for places in alike(option.label for option in options):
        if any(options[index].id == str(index + 1) for index in places):
            first, second = places[:2]
            raise invalid(
                "options",
                f"options {first + 1} and {second + 1} look the same: {options[first].label!r} and "
                f"{options[second].label!r}; use other words, or give each an id of its own",
            )


def check_assurance(assurance: str, wall: str | None) -> None:
    """Raise BadInput for a poll with codes that belongs to no wall: codes are those of a wall."""
    if assurance == "code" and wall is None:
        raise invalid("assurance", "codes belong to a wall; name one when you create the poll")


def new_poll(poll_id: str, given: PollIn) -> Poll:
    """Return a draft with the fields that a host gave. Raises BadInput."""
    check_assurance(given.assurance, given.wall)
    options = options_of(given.options)
    check_told_apart(options)
    return Poll(
        id=poll_id,
        wall=None,
        title=readable(given.title, "title", lines=True),
        kind=given.kind,
        options=options,
        phase=Phase.DRAFT,
        round=1,
        results=given.results,
        published=False,
        assurance=given.assurance,
        allow_change=given.allow_change,
        max_choices=checked_max_choices(check_kind(given.kind), given.max_choices, len(options)),
        closes_at=None,
        quorum=given.quorum or UNSET,
        majority=given.majority or UNSET,
        compare=given.compare or UNSET,
    )


def as_input(poll: Poll, closes_in: int | None) -> PollIn:
    """Return the input with which a host would create this poll, on no wall."""
    options: list[str | OptionIn] = []
    for number, option in enumerate(poll.options, 1):
        own, abstains = option.id != str(number), option.abstain is True
        given = OptionIn(option.label, option.id if own else None, abstains)
        options.append(given if own or abstains else option.label)
    return PollIn(
        title=poll.title,
        options=options,
        kind=poll.kind,
        max_choices=poll.max_choices,
        results=poll.results,  # type: ignore[arg-type]
        allow_change=poll.allow_change,
        closes_in=closes_in,
        assurance=poll.assurance,  # type: ignore[arg-type]
        quorum=poll.quorum or None,
        majority=poll.majority or None,  # type: ignore[arg-type]
        compare=poll.compare is True,
    )


def copied(poll: Poll, poll_id: str) -> Poll:
    """Return a draft of the same question under the same rules, on no wall."""
    return msgspec.structs.replace(
        poll,
        id=poll_id,
        wall=None,
        phase=Phase.DRAFT,
        round=1,
        published=False,
        closes_at=None,
        closed_at=UNSET,
        reveal_at=UNSET,
        erased_at=UNSET,
    )


def timed(poll: Poll, timer: TimerIn, now: datetime) -> Poll:
    """Return an open poll with another closing time. Raises BadInput; Refused unless the poll is open."""
    if (timer.add is UNSET) == (timer.left is UNSET):
        raise invalid("add", "send either add or left")
    if poll.phase is not Phase.OPEN:
        code = "closed" if poll.phase is Phase.CLOSED else "poll_not_open"
        raise Refused(code, "only an open poll has a timer")
    if timer.left is None:
        return msgspec.structs.replace(poll, closes_at=None)
    if timer.left is not UNSET:
        return msgspec.structs.replace(poll, closes_at=later(now, timer.left))
    assert timer.add is not UNSET
    from_now = max(now, moment(poll.closes_at)) if poll.closes_at else now
    ends = from_now + timedelta(seconds=timer.add)
    if ends > now + LONGEST:
        raise invalid("add", "a poll ends within a year")
    return msgspec.structs.replace(poll, closes_at=iso(ends))


def edited(poll: Poll, edit: PollEdit, *, has_ballots: bool) -> Poll:
    """Return the poll after an edit. Options, kind and assurance cannot change once there is a ballot. Raises BadInput,
    Refused."""
    given: dict[str, Any] = {
        name: value for name in edit.__struct_fields__ if (value := getattr(edit, name)) is not msgspec.UNSET
    }
    given.pop("closes_in", None)  # counted from the opening, by the caller
    for name in ("quorum", "majority", "compare"):
        if name in given:
            given[name] = given[name] or UNSET
    if "options" in given:
        given["options"] = options_of(given["options"])
        if given["options"] != poll.options:
            check_told_apart(given["options"])
    if "title" in given:
        given["title"] = readable(given["title"], "title", lines=True)
    changed = {n: v for n, v in given.items() if v != getattr(poll, n)}
    if has_ballots and changed.keys() & {"options", "kind", "max_choices", "assurance"}:
        raise Refused("conflict", "there are ballots already: options, kind and assurance cannot change")
    if "assurance" in changed:
        check_assurance(changed["assurance"], poll.wall)
    kind = changed.get("kind", poll.kind)
    options = changed.get("options", poll.options)
    if changed.keys() & {"options", "kind", "max_choices"}:
        held = min(poll.max_choices, len(options)) if kind == poll.kind else 1
        changed["max_choices"] = checked_max_choices(check_kind(kind), given.get("max_choices", held), len(options))
    return msgspec.structs.replace(poll, **changed)
