"""The race: the counts of all options over time as one picture, with each line labelled at its end. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from livewall.charts import drawing
from livewall.charts.drawing import Theme, line, number, shortened, text_element
from livewall.charts.thinning import thin
from livewall.clock import moment

if TYPE_CHECKING:
    from livewall.voting.poll import Option
    from livewall.voting.replay import Replay

MOMENTS = 500
"""The largest number of moments that are drawn: more cannot be told apart in the picture."""
WIDTH, TOP, LEFT, RIGHT = 1200, 36, 64, 370
PLOT = WIDTH - LEFT - RIGHT
LEAST, EACH = 420, 22
"""Heights of the plot: the least, and that of each label."""
PAUSE, PAUSE_SHARE, PAUSES = 60.0, 0.05, 6
"""Pauses: the least length in seconds, the width at which one is drawn, and the largest number of them. A pause must
also be longer than half of all the rest."""
MOMENT = 1e-9
"""Seconds; a shorter time in which people voted is no part of the axis."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


class Words(NamedTuple):
    """The texts of the picture, in the reader's language."""

    title: str
    about: str
    """The line below the title: how many ballots, which round, when."""
    time: str
    pause: str
    """A text with `%(time)s` in it."""


class Axis(NamedTuple):
    """The axis of time: between two knots time runs evenly; `pauses` are the places of the knots that begin a pause."""

    knots: list[tuple[float, float]]
    pauses: list[int]

    def position(self, at: float) -> float:
        """Return the position of a time on the axis, from 0 to 1."""
        for (t0, x0), (t1, x1) in itertools.pairwise(self.knots):
            if at <= t1:
                return x0 + (x1 - x0) * max(0.0, at - t0) / (t1 - t0) if t1 > t0 else x1
        return 1.0


def axis(times: Sequence[float]) -> Axis:
    """Return the axis of times in order. A long pause is shortened, because it would leave no room for the votes."""
    first, last = times[0], times[-1]
    if last <= first:
        return Axis([(first, 0.0), (first, 1.0)], [])
    active, cut = last - first, []
    for start, end in sorted(itertools.pairwise(times), key=lambda gap: gap[0] - gap[1])[:PAUSES]:
        if end - start <= max(PAUSE, (active - (end - start)) / 2):
            break
        active -= end - start
        cut.append((start, end))
    # Added up again: what is left after subtracting long pauses from a long time is mostly rounding errors.
    active = math.fsum(end - start for start, end in itertools.pairwise(times) if (start, end) not in cut)
    scale = (1 - PAUSE_SHARE * len(cut)) / active if active > MOMENT else 0.0
    share = PAUSE_SHARE if scale else 1 / max(1, len(cut))
    knots, pauses = [(first, 0.0)], []
    for start, end in sorted(cut):
        at, x = knots[-1]
        if start > at:
            x += (start - at) * scale
            knots.append((start, x))
        pauses.append(len(knots) - 1)
        knots.append((end, x + share))
    if last > knots[-1][0]:
        knots.append((last, 1.0))
    knots[-1] = (last, 1.0)
    return Axis(knots, pauses)


def clock_face(seconds: float) -> str:
    """Format seconds: 65 is "1:05", 3665 is "1:01:05", 90061 is "25:01:01"."""
    total = max(0, round(seconds))
    hours, minutes = total // 3600, total % 3600 // 60
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


def nice(most: int, parts: int) -> int:
    """Return the step of a scale from 0 to `most` with at most so many parts: 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for n in (1, 2, 5):
            if n * power * parts >= most:
                return n * power
        power *= 10


def spread(wanted: Sequence[float], gap: float, most: float) -> list[float]:
    """Return places at least `gap` apart, in the order of the wanted ones and near them, none beyond `most`."""
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    placed = [0.0] * len(wanted)
    at = -math.inf
    for n in order:
        at = placed[n] = max(wanted[n], at + gap)
    at = most + gap
    for n in reversed(order):
        at = placed[n] = min(placed[n], at - gap)
    return placed


def race(replay: Replay, words: Words, theme: Theme, *, headed: bool = True) -> str:
    """Return the picture of a round as SVG. A line keeps its height until the next publication, so it is drawn in
    steps. `headed` adds the title, for pictures that stand alone."""
    items = thin(replay.items, MOMENTS)
    times = [moment(item.at).timestamp() for item in items]
    scale = axis(times)
    most = max(1, max(max(item.counts.values(), default=0) for item in items))
    head, top = _head(words, theme) if headed else ([], float(TOP))
    height = max(LEAST, EACH * len(replay.options))
    bottom = top + height

    def level(count: int) -> float:
        return bottom - height * count / most

    xs = [LEFT + PLOT * scale.position(at) for at in times]
    ends = [level(items[-1].counts[option.id]) for option in replay.options]
    places = spread(ends, EACH - 2, bottom)
    parts = [*head, *_grid(most, level, theme), *_time(scale, top, bottom, words, theme)]
    for index, option in enumerate(replay.options):
        path = _steps([item.counts[option.id] for item in items], xs, level)
        parts += _line(index, option, items[-1].counts[option.id], path, ends[index], places[index], theme)
    knots = ",".join(f"[{round(at * 1000)},{number(LEFT + PLOT * x)}]" for at, x in scale.knots)
    data = f' data-knots="[{knots}]" data-top="{number(top)}" data-bottom="{number(bottom)}"'
    return drawing.picture(
        WIDTH, bottom + 52, theme, title=words.title, about=words.about, name="race", parts=parts, data=data
    )


def _head(words: Words, theme: Theme) -> tuple[list[str], float]:
    parts, y = [], 20.0
    rtl = drawing.is_rtl(words.title)
    for each in drawing.wrapped(words.title, 24, WIDTH - 80, 4):
        y += 29
        parts.append(text_element(WIDTH - 40 if rtl else 40, y, each, 24, theme.text, bold=True, rtl=rtl))
    parts.append(text_element(40, y + 26, shortened(words.about, 15, WIDTH - 80), 15, theme.muted, name="m"))
    return parts, y + 26 + 40


def _line(index: int, option: Option, count: int, path: str, end: float, label_y: float, theme: Theme) -> list[str]:
    """Return the line of an option, with its label at the end."""
    colour, kind = drawing.colour_and_pattern(index)
    stroke, dash, x = theme.option(colour), drawing.DASHES[kind - 1], LEFT + PLOT
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    leader = f"M{number(x)} {number(end)}L{number(x + 18)} {number(label_y)}"
    label = shortened(f"{index + 1}  {drawing.clean(option.label)}", 15, RIGHT - 88)
    return [
        f'<g class="c{colour}"><title>{drawing.escaped(option.label)}</title><path class="run" d="{path}" fill="none" '
        f'stroke="{stroke}" stroke-width="2.5" stroke-linejoin="round"{dashed}/>',
        f'<path class="lead" d="{leader}" fill="none" stroke="{stroke}" stroke-width="1"/>',
        text_element(x + 70, label_y + 5.5, f"{count:,}", 16, theme.text, anchor="end", bold=True),
        text_element(x + 80, label_y + 5.5, label, 15, theme.text, rtl=False),
        "</g>",
    ]


def _steps(counts: Sequence[int], xs: Sequence[float], level: Callable[[int], float]) -> str:
    path, before = f"M{number(xs[0])} {number(level(counts[0]))}", counts[0]
    for count, x in zip(counts, xs, strict=True):
        if count != before:
            path += f"H{number(x)}V{number(level(count))}"
            before = count
    return path + f"H{LEFT + PLOT}"


def _grid(most: int, level: Callable[[int], float], theme: Theme) -> list[str]:
    parts: list[str] = []
    for n in range(0, most + 1, nice(most, 5)):
        y = level(n)
        parts.append(line(LEFT, y, LEFT + PLOT, y, theme.line, name="grid"))
        parts.append(text_element(LEFT - 10, y + 5, f"{n:,}", 14, theme.muted, name="m", anchor="end"))
    return parts


def _time(scale: Axis, top: float, bottom: float, words: Words, theme: Theme) -> list[str]:
    """Return the marks of the time since the start, and of the pauses."""
    parts = []
    first, last = scale.knots[0][0], scale.knots[-1][0]
    last_mark = -math.inf
    parts_of = list(itertools.pairwise(scale.knots))
    shown = sum(end[0] - start[0] for n, (start, end) in enumerate(parts_of) if n not in scale.pauses)
    step = next((each for each in STEPS if shown / each <= 8), STEPS[-1] * math.ceil(shown / STEPS[-1] / 8))
    for index, ((t0, x0), (t1, x1)) in enumerate(parts_of):
        if index in scale.pauses:
            left, right = LEFT + PLOT * x0, LEFT + PLOT * x1
            for x in (left, right):
                parts.append(line(x, top, x, bottom, theme.edge, name="pause", dash="2 6"))
            label = words.pause % {"time": clock_face(t1 - t0)}
            parts.append(text_element((left + right) / 2, top - 10, label, 13, theme.muted, name="m", anchor="middle"))
            continue
        at = first + math.ceil((t0 - first) / step - 1e-9) * step
        while at <= t1 + 1e-9:
            x = LEFT + PLOT * scale.position(min(at, last))
            if x - last_mark >= 64:
                parts.append(line(x, bottom, x, bottom + 6, theme.edge, name="grid"))
                parts.append(
                    text_element(x, bottom + 24, clock_face(at - first), 14, theme.muted, name="m", anchor="middle")
                )
                last_mark = x
            at += step
    parts.append(text_element(LEFT + PLOT, bottom + 44, words.time, 14, theme.muted, name="m", anchor="end"))
    return parts
