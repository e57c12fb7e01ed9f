"""How polls and tasks look on a page made by the server: what scripts work out for a page that lives."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from livewall.voting.decision import base
from livewall.voting.figures import figures
from livewall.voting.poll import Poll, Tally

DENSITIES = (
    # name, options at most, columns, letters in a line, height of a line, height of all the rest of a row
    ("pair", 2, 1, 29, 3.5, 11.0),
    ("large", 3, 1, 42, 3.1, 7.6),
    ("few", 4, 1, 50, 2.7, 5.8),
    ("some", 6, 1, 56, 2.3, 3.6),
    ("many", 8, 1, 62, 2.1, 2.4),
    ("dense", 8, 1, 62, 2.0, 1.7),
    ("dense-two", 8, 1, 66, 1.95, 0.95),
    ("dense-cut", 8, 1, 66, 1.95, 1.7),
    ("two", 14, 2, 25, 2.1, 2.3),
    ("two-tight", 20, 2, 31, 2.0, 1.6),
    ("two-small", 20, 2, 31, 1.95, 0.95),
    ("two-cut", 20, 2, 31, 1.95, 1.1),
    ("three", 40, 3, 17, 1.95, 0.65),
    ("three-cut", 40, 3, 17, 1.95, 0.5),
)
"""How the rows of the poster may stand, the largest letters first; heights in hundredths of its width."""
ROOM = {"short": 37.0, "medium": 34.5, "long": 34.5, "endless": 30.0}
"""The height that a question leaves to the rows."""
LINES = 4
"""A label may have so many lines before smaller letters are tried."""


@dataclass(frozen=True)
class OptionRow:
    """One option, in its place; `first` only when the poll is closed; `before` is its share in the round before, where
    that is drawn beside this one."""

    id: str
    label: str
    number: int
    colour: int
    pattern: int
    count: int
    percent: str
    width: str
    first: bool
    abstain: bool
    before: str
    before_width: str

    @property
    def count_text(self) -> str:
        return number(self.count)

    @property
    def figure(self) -> str:
        """The one figure where there is room for one: an abstention has no share."""
        return self.count_text if self.abstain else self.percent


def number(value: int) -> str:
    return f"{value:,}"


def rows(poll: dict[str, Any], tally: dict[str, Any] | None, earlier: Tally | None = None) -> list[OptionRow]:
    whole = msgspec.convert(poll, Poll)
    counted = msgspec.convert(tally, Tally) if tally else Tally(whole.round, {}, 0)
    compared = figures(whole, earlier) if tally and earlier and base(whole, earlier) else []
    before = {figure.id: figure for figure in compared}
    return [
        OptionRow(
            id=figure.id,
            label=figure.label,
            number=figure.number,
            colour=figure.colour,
            pattern=figure.pattern,
            count=figure.count,
            percent=figure.percent,
            width=share_width(figure.share),
            first=bool(tally) and figure.first,
            abstain=figure.abstain,
            before=before[figure.id].percent if before and not figure.abstain else "",
            before_width=share_width(before[figure.id].share if before else 0),
        )
        for figure in figures(whole, counted)
    ]


def extras(poll: Mapping[str, Any]) -> tuple[float, float]:
    """What a poll's rules take of the height: a line below the rows, a line beside each; in hundredths of the width."""
    foot = poll.get("majority") or poll.get("compare") or any(option.get("abstain") for option in poll["options"])
    if not (poll.get("compare") and poll["round"] > 1):
        return (4.0 if foot else 0.0), 0.0
    return 4.0, 1.2 if columns(len(poll["options"])) == 1 else 0.8


def columns(options: int) -> int:
    """The columns of the poster."""
    return 1 if options <= 8 else 2 if options <= 20 else 3


def share_width(share: float) -> str:
    return f"{min(1.0, share) * 100:.1f}%"


def letters(text: str) -> int:
    """Letters, the wide ones twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def length_class(title: str) -> str:
    """A question longer than this needs smaller letters; wide letters count twice."""
    length = letters(title)
    if length <= 60:
        return "short"
    if length <= 120:
        return "medium"
    return "long" if length <= 210 else "endless"


def density(labels: Sequence[str], title: str = "", extra: tuple[float, float] = (0.0, 0.0)) -> str:
    """How the rows of the poster stand: the largest letters with which every label is whole, else the tightest."""
    lengths = [letters(label) for label in labels]
    options, room, found = len(labels), ROOM[length_class(title)] - extra[0], "three-cut"
    for name, most, beside, line, height, rest in DENSITIES:
        if beside != columns(options) or options > most:
            continue
        found = name
        lines = [max(1, -(-length // line)) for length in lengths]
        rows = -(-options // beside)
        tallest = max(sum(lines[i : i + rows]) for i in range(0, max(1, options), rows or 1)) if lines else 0
        if max(lines, default=0) <= LINES and tallest * height + rows * (rest + extra[1]) <= room:
            break
    return found


def cut_lines(labels: Sequence[str], title: str = "", extra: tuple[float, float] = (0.0, 0.0)) -> int:
    """Return how many lines of each label fit where the tightest rows have to cut some of them."""
    name = density(labels, title, extra)
    height, rest = next((height, rest) for each, _, _, _, height, rest in DENSITIES if each == name)
    down = max(1, -(-len(labels) // columns(len(labels))))
    room = ROOM[length_class(title)] - extra[0] - down * (rest + extra[1])
    return min(LINES, max(1, int(room / (down * height))))


def multiples(polls: int) -> tuple[int, int, int]:
    """At the end of a wall: polls side by side, options of each, and how many polls are shown at all."""
    for most, beside, options in ((1, 1, 8), (2, 2, 8), (4, 2, 3), (6, 3, 3)):
        if polls <= most:
            return beside, options, polls
    return 3, 2, min(polls, 9)


def most_chosen(rows: Sequence[OptionRow], room: int) -> list[OptionRow]:
    """The rows with the most ballots, as many as there is room for, in the order of the options."""
    chosen = sorted(rows, key=lambda row: (-row.count, row.number))[:room]
    return [row for row in rows if row in chosen]


def step_density(steps: int) -> str:
    """How dense the steps of a task on the projector are."""
    for most, name in ((8, "few"), (13, "some"), (26, "two")):
        if steps <= most:
            return name
    return "three"


def grouped(receipt: str) -> str:
    return "-".join(receipt[i : i + 4] for i in range(0, len(receipt), 4))


# -- tasks: what static/js/task/states.js, chartlayout.js and timing.js do for a page that lives

SHAPES = {
    "pending": "M14 9a5 5 0 1 1-10 0a5 5 0 1 1 10 0",
    "running": "M9 2.5a6.5 6.5 0 1 1-6.5 6.5",
    "waiting": "M6 4v10M12 4v10",
    "retrying": "M14 9a5 5 0 1 1-2-4M12 1.5V5H8.5",
    "succeeded": "M3.5 9.5l4 4L15 5",
    "failed": "M4 4l10 10M14 4L4 14",
    "cancelling": "M3 9h12",
    "cancelled": "M3 9h12",
    "skipped": "M4 4l6 5-6 5M13 4v10",
    "lost": "M9 2l7 7-7 7-7-7z",
}
"""A shape for each state, drawn with one stroke in an 18 × 18 box."""
BOX = (200, 80)
"""A step's box in the chart, in the units of its layout."""
ENDED = frozenset({"succeeded", "failed", "cancelled", "skipped", "lost"})


def shape(state: str) -> str:
    return SHAPES.get(state, SHAPES["pending"])


def chart_path(points: Sequence[Sequence[float]]) -> str:
    """A line through points that leaves and arrives level."""
    (from_x, from_y), *rest = points
    said = f"M{_one(from_x)} {_one(from_y)}"
    for to_x, to_y in rest:
        middle = _one((from_x + to_x) / 2)
        if to_y == from_y:
            said += f"H{_one(to_x)}"
        else:
            said += f"C{middle} {_one(from_y)} {middle} {_one(to_y)} {_one(to_x)} {_one(to_y)}"
        from_x, from_y = to_x, to_y
    return said


def _one(value: float) -> str:
    """A number with one decimal, half rounded up as scripts do, and none where it is whole."""
    return f"{math.floor(value * 10 + 0.5) / 10:g}"


def edge_state(start: str, end: str) -> str:
    """What an edge is: done when its first step succeeded, live when its second runs now, else ahead."""
    if end in ("running", "retrying"):
        return "live"
    return "done" if start == "succeeded" else "ahead"


def shortened(text: str, room: int) -> str:
    """As much of a text as fits; letters of the far east are twice as wide."""
    width = 0
    for place, letter in enumerate(text):
        width += 2 if letter > "\u2e80" else 1
        if width > room:
            return text[: max(0, place - 1)] + "…"
    return text


def moment(at: str, *, exact: bool = False) -> str:
    """A moment as a page without script writes it; static/js/ui/timestamps.js writes it in the reader's zone."""
    return f"{at[: 19 if exact else 16].replace('T', ' ')} UTC"


def short_moment(at: str, now: str) -> str:
    """The same of a moment of today without its date, as static/js/ui/timestamps.js does."""
    return f"{at[11:16]} UTC" if at[:10] == now[:10] else moment(at)


def name_lines(name: str, room: int = 18) -> list[str]:
    """The name of a step in one line or two, cut in the middle where it is too long (static/js/task/chartlayout.js)."""
    if len(name) <= room:
        return [name]
    if len(name) > 2 * room:
        return [name[:room], f"…{name[1 - room :]}"]
    middle = -(-len(name) // 2)
    breaks = [at for at in range(len(name) - room, room + 1) if name[at - 1] in "-._"]
    at = min(breaks, key=lambda at: abs(at - middle), default=middle)
    return [name[:at], name[at:]]


def clock_face(seconds: float) -> str:
    """65 -> "1:05", 3665 -> "1:01:05"; never negative."""
    total = max(0, math.ceil(seconds))
    hours, minutes = total // 3600, total % 3600 // 60
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


def seconds_of(what: Mapping[str, Any], now: datetime) -> float:
    """How long a task or step that has started took, or has taken by now."""
    end = datetime.fromisoformat(what["ended_at"]) if what.get("ended_at") else now
    return (end - datetime.fromisoformat(what["started_at"])).total_seconds()


def elapsed(what: Mapping[str, Any], now: datetime) -> str:
    """The same as a clock shows it; nothing before the start."""
    return clock_face(seconds_of(what, now)) if what.get("started_at") else ""


def forecast(what: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """("ended" | "none" | "left" | "overdue", how long)."""
    if what["state"] in ENDED:
        return "ended", ""
    if not what.get("eta"):
        return "none", ""
    left = (datetime.fromisoformat(what["eta"]) - now).total_seconds()
    return ("overdue" if left < 0 else "left"), clock_face(abs(left))


def foremost(steps: Sequence[dict[str, Any]], room: int = 44) -> list[dict[str, Any]]:
    """The steps to show where there is room for so many: those that matter now, then in their order."""
    if len(steps) <= room:
        return list(steps)
    urgent = {state: place for place, state in enumerate(("failed", "lost", "running", "retrying", "waiting"))}
    return sorted(steps, key=lambda step: urgent.get(step["state"], len(urgent)))[:room]


def log_parts(item: Mapping[str, Any], most: int) -> list[tuple[str, str]]:
    """What is seen of a line of a log, as parts with their classes; at most so many characters."""
    parts: list[tuple[str, str]] = []
    for text, look in item.get("spans") or [(item.get("shown", item["text"]), "")]:
        if most > 0:
            parts.append((text[:most], " ".join([f"a-{name}" for name in look.split()])))
        most -= len(text)
    return parts
