"""The results of a round as one picture: a bar for each option, the lines of majority and quorum, and the rules of the
poll. Pure; all texts are passed in, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from livewall.charts import drawing
from livewall.charts.drawing import Theme, line, number, shortened, text_element, text_width, wrapped
from livewall.charts.figure import Figure

WIDTH, MARGIN, FIGURES = 1200, 44, 190
BARS = WIDTH - 2 * MARGIN - FIGURES
TITLES = ((80, 36), (160, 29), (600, 23))
"""Height of a question's letters by its width: pairs of the greatest width and the height."""


class Size(NamedTuple):
    """The sizes of a row: its letters, its bar, the gap below."""

    most: int
    label: float
    bar: float
    gap: float
    figure: float


SIZES = (Size(8, 21, 30, 24, 28), Size(20, 17, 16, 15, 19), Size(10_000, 14, 9, 10, 15))


class Mark(NamedTuple):
    """A line across the bars or the turnout: its place as a share, and its label."""

    share: float
    label: str


class Picture(NamedTuple):
    """The content of the picture. `earlier` are the figures of the previous round, `earlier_label` says which round
    that is."""

    title: str
    figures: Sequence[Figure]
    facts: Sequence[str]
    majority: Mark | None = None
    turnout: tuple[str, Mark, float] | None = None
    """The label of the number of ballots, the mark of the quorum, and the share of the quorum that was reached."""
    earlier: Sequence[Figure] = ()
    earlier_label: str = ""


def bars(shown: Picture, theme: Theme, pattern_id: str = "p") -> str:
    """Return the picture as SVG. `pattern_id` begins the ids of its patterns, which must be unique on a page."""
    size = next(each for each in SIZES if len(shown.figures) <= each.most)
    defs: dict[str, tuple[int, int]] = {}
    parts, y = _head(shown.title, theme)
    if shown.majority is not None:
        x = MARGIN + BARS * shown.majority.share
        parts.append(text_element(x, y, shown.majority.label, 15, theme.muted, name="m", anchor="middle"))
        y += 14
    before = {figure.id: figure for figure in shown.earlier}
    for figure in shown.figures:
        if figure.pattern > 1 and figure.count:
            defs[f"{pattern_id}{figure.colour}-{figure.pattern}"] = (figure.colour, figure.pattern)
        drawn, y = _row(figure, before.get(figure.id), shown.majority, size, y, theme, pattern_id)
        parts += drawn
    if shown.turnout is not None:
        drawn, y = _turnout(shown.turnout, y + 6, theme)
        parts += drawn
    facts = [*shown.facts, *([shown.earlier_label] if shown.earlier else [])]
    for fact in wrapped(" · ".join(facts), 15, WIDTH - 2 * MARGIN, 3):
        parts.append(text_element(MARGIN, y + 12, fact, 15, theme.muted, name="m"))
        y += 21
    patterns = "".join(
        drawing.pattern(name, theme.option(colour), theme.mark(colour), kind) for name, (colour, kind) in defs.items()
    )
    about = "; ".join(f"{f.number}. {f.label}: {f.count:,} ({f.percent})" for f in shown.figures)
    return drawing.picture(
        WIDTH, y + 18, theme, title=shown.title, about=about, name="bars", parts=[f"<defs>{patterns}</defs>", *parts]
    )


def _head(title: str, theme: Theme) -> tuple[list[str], float]:
    """Return the question, in letters as large as its length allows, and the place where it ends."""
    size = next((size for most, size in TITLES if text_width(title, 1) * 1.7 <= most), TITLES[-1][1])
    parts, y = [], float(MARGIN)
    rtl = drawing.is_rtl(title)
    for each in wrapped(title, size, WIDTH - 2 * MARGIN, 8):
        y += size
        parts.append(text_element(WIDTH - MARGIN if rtl else MARGIN, y, each, size, theme.text, bold=True, rtl=rtl))
        y += size * 0.22
    return parts, y + 34


def _row(
    figure: Figure, before: Figure | None, majority: Mark | None, size: Size, y: float, theme: Theme, pattern_id: str
) -> tuple[list[str], float]:
    """Return an option with its bar, and where the next one begins. A bar grows from the side on which its label
    begins."""
    rtl = drawing.is_rtl(figure.label)
    start, indent = (MARGIN + BARS, -1.9 * size.label) if rtl else (MARGIN, 1.9 * size.label)
    label = text_element(start, y + size.label, str(figure.number), size.label * 0.85, theme.muted, name="m", rtl=rtl)
    parts = [f'<g class="c{figure.colour}">', label]
    for each in wrapped(figure.label, size.label, BARS - 2.4 * size.label, 3):
        y += size.label
        parts.append(text_element(start + indent, y, each, size.label, theme.text, rtl=rtl))
        y += size.label * 0.25
    y += 4
    parts.append(_bar(False, 1, y, size.bar, "none", theme.line, "track"))
    plain, own = figure.pattern == 1, theme.option(figure.colour)
    fill = own if plain else f"url(#{pattern_id}{figure.colour}-{figure.pattern})"
    outline = (theme.text, 3.0) if figure.first else (own, 1.0)
    if figure.share:
        parts.append(_bar(rtl, figure.share, y, size.bar, fill, outline[0], "bar", outline[1]))
    parts += _figure_texts(figure, y + size.bar / 2 + size.figure * 0.36, size.figure, theme)
    bottom = y + size.bar
    if before is not None:
        ghost = size.bar * 0.4
        if before.share:
            parts.append(_bar(rtl, before.share, bottom + 3, ghost, "none", theme.edge, "before", 1, "5 3"))
        bottom += 3 + max(ghost, 12)
        parts += _figure_texts(before, bottom, 13, theme, faint=True)
    if majority is not None and not figure.abstain:
        at = MARGIN + BARS * (1 - majority.share if rtl else majority.share)
        parts.append(line(at, y - 6, at, bottom + 6, theme.background, name="under", width=5))
        parts.append(line(at, y - 6, at, bottom + 6, theme.text, name="limit", width=2, dash="5 3"))
    return [*parts, "</g>"], bottom + size.gap


def _figure_texts(figure: Figure, y: float, size: float, theme: Theme, *, faint: bool = False) -> list[str]:
    """Return share and count at the end of the row."""
    right = WIDTH - MARGIN
    name, colour = ("m", theme.muted) if faint else ("t", theme.text)
    return [
        text_element(right - 96, y, figure.percent, size, colour, name=name, anchor="end", bold=not faint),
        text_element(
            right, y, f"{figure.count:,}", size if faint else size * 0.72, theme.muted, name="m", anchor="end"
        ),
    ]


def _turnout(turnout: tuple[str, Mark, float], y: float, theme: Theme) -> tuple[list[str], float]:
    """Return the bar of the ballots against the quorum."""
    label, quorum, reached = turnout
    at = MARGIN + BARS * quorum.share
    room = BARS - text_width(label, 16) - 24
    return [
        text_element(MARGIN, y + 16, label, 16, theme.text),
        text_element(MARGIN + BARS, y + 16, shortened(quorum.label, 15, room), 15, theme.muted, name="m", anchor="end"),
        _bar(False, 1, y + 26, 10, "none", theme.line, "track"),
        _bar(False, reached, y + 26, 10, theme.edge, theme.edge, "ballots"),
        line(at, y + 20, at, y + 42, theme.background, name="under", width=5),
        line(at, y + 20, at, y + 42, theme.text, name="limit", width=2, dash="5 3"),
    ], y + 58


def _bar(
    rtl: bool,
    share: float,
    y: float,
    height: float,
    fill: str,
    stroke: str,
    name: str,
    thick: float = 1,
    dash: str = "",
) -> str:
    width = max(2.0, BARS * share)
    x = MARGIN + BARS - width if rtl else MARGIN
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<rect class="{name}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
        f'rx="3" fill="{fill}" stroke="{stroke}" stroke-width="{number(thick)}"{dashed}/>'
    )
