"""What `livewall watch` draws of what a subscription holds. No I/O; time is an argument."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from livewall.cli.output import bar, plain
from livewall.client.chain import Held
from livewall.client.subscription import Subscription

# A shape and a word for each state, never a colour alone.
SHAPES = {
    "pending": ("○", "dim"),
    "running": ("◐", "bold cyan"),
    "waiting": ("◇", "yellow"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "cancelled": ("–", "dim"),
    "cancelling": ("–", "yellow"),
    "skipped": ("·", "dim"),
    "lost": ("?", "bold red"),
}


NARROW = 60  # columns under which less stands side by side

Titles = Mapping[str, str]  # of a wall's items


class Picture:
    """All streams, one below the other, and the connection; each has its share of the terminal's rows."""

    def __init__(self, subscription: Subscription, now: float, titles: Titles) -> None:
        self.subscription = subscription
        self.now = now
        self.titles = titles

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        streams = list(self.subscription.held.values())

        def lines(part: RenderableType) -> list[list[Segment]]:
            return console.render_lines(part, options.update(height=None), pad=False)

        below = lines(status(self.subscription, self.now))
        room = max(1, options.size.height - 1 - len(below))
        if len(streams) > room:
            below = lines(Text(f"… and {len(streams) - room + 1} more streams", style="dim")) + below
            streams, room = streams[: room - 1], room - 1
        parts = [lines(one(held, options.max_width, self.titles)) for held in streams]
        for part, share in zip(parts, shares([len(part) for part in parts], room), strict=True):
            if share < len(part) and share > 1:
                part = part[: share - 1] + lines(Text(f"… {len(part) - share + 1} more lines", style="dim"))[:1]
            yield from joined(part[:share])
        yield from joined(below)


def joined(lines: Sequence[Sequence[Segment]]) -> Iterator[Segment]:
    for line in lines:
        yield from line
        yield Segment.line()


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many rows each gets: what it wants where there is room, else as fairly as can be."""
    given = [0] * len(wanted)
    hungry = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for place, index in enumerate(hungry):
        given[index] = min(wanted[index], room // (len(hungry) - place))
        room -= given[index]
    return given


def picture(subscription: Subscription, now: float, titles: Titles | None = None) -> Picture:
    return Picture(subscription, now, titles or {})


def status(subscription: Subscription, now: float) -> Text:
    """The connection in words; the last state stays above it."""
    age = seconds(now - subscription.since_when)
    if subscription.live:
        return Text(f"live · {subscription.transport}", style="dim")
    if any(held.synced for held in subscription.held.values()):
        return Text(f"connection lost since {age}: {subscription.problem}; trying again", style="yellow")
    return Text(
        f"connecting since {age}" + (f": {subscription.problem}" if subscription.problem else ""), style="yellow"
    )


def seconds(age: float) -> str:
    minutes, rest = divmod(int(age), 60)
    return f"{minutes}:{rest:02}"


def one(held: Held, width: int = 80, titles: Titles | None = None) -> RenderableType:
    if held.error is not None:
        return Text(f"{held.stream}: {plain(held.error.get('message', 'ended'))}", style="red")
    if not held.synced:
        return Text(f"{held.stream}: …", style="dim")
    kind = held.stream.partition("/")[0]
    if kind == "polls":
        return poll(held, width)
    if kind == "tasks" and "task" in held.entries:
        return task(held, width)
    if kind == "walls" and "wall" in held.entries:
        return wall(held.entries["wall"], width, titles or {})
    return anything(held, width)


def poll(held: Held, width: int) -> RenderableType:
    poll, tally, turnout = (held.entries.get(key) for key in ("poll", "tally", "turnout"))
    if poll is None:
        return Text(f"{held.stream}: not open yet", style="dim")
    title = Text(plain(poll["title"]), style="bold")
    ballots = (tally or turnout or {}).get("ballots", 0)
    footer = Text(f"{ballots} ballot{'' if ballots == 1 else 's'} · round {poll['round']} · {poll['phase']}")
    counts: dict[str, int] = (tally or {}).get("counts", {})
    most = max(counts.values(), default=0)
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(justify="right", style="dim", no_wrap=True, max_width=6)
    rows.add_column(overflow="fold")  # the only one that gives way
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(no_wrap=True)
    longest = max(4, min(30, (width - 16) // 3))
    for option in poll["options"]:
        count = counts.get(option["id"], 0)
        shown = (str(count), bar(count, most, longest)) if tally else ("", "")
        rows.add_row(Text(plain(option["id"])), Text(plain(option["label"])), *shown)
    return Group(title, rows, footer)


def task(held: Held, width: int) -> RenderableType:
    task = held.entries["task"]
    steps: Sequence[dict[str, Any]] = [data for key, data in held.entries.items() if key.startswith("step/")]
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_column(no_wrap=True)
    if width >= NARROW:
        rows.add_column(overflow="fold")
    for step in in_order(steps):
        progress = step.get("progress")
        share = f"{progress:.0%}" if isinstance(progress, int | float) and step["state"] == "running" else ""
        name, said = Text(plain(step["name"])), Text(plain(words(step)), style="dim")
        if width >= NARROW:
            rows.add_row(state(step["state"]), name, share, said)
        else:
            rows.add_row(state(step["state"]), Text("\n").join([name, said]) if said else name, share)
    return Group(Text(plain(task["title"]), style="bold"), rows, state(task["state"]))


def words(step: dict[str, Any]) -> str:
    return " · ".join(text for text in (step.get("message"), step.get("reason")) if text)


def in_order(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a step needs stands above it; otherwise as they came."""
    left, order, placed = list(steps), [], set()
    names = {step["name"] for step in steps}
    while left:
        ready = [step for step in left if all(need in placed or need not in names for need in step.get("needs", []))]
        for step in ready or left[:1]:
            order.append(step)
            placed.add(step["name"])
            left.remove(step)
    return order


def state(name: str) -> Text:
    shape, style = SHAPES.get(name, (" ", ""))
    return Text(f"{shape} {name}", style=style)


def wall(wall: dict[str, Any], width: int, titles: Titles) -> RenderableType:
    """Its items by their titles, where they are known; the one on stage is marked."""
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, width // 3), style="dim")
    for item in wall["items"]:
        active = item == wall["active"]
        title = plain(titles.get(item, ""))
        name = Text(title or plain(item), style="bold" if active else "")
        rows.add_row("▶" if active else "", name, Text(plain(item) if title else ""))
    return Group(Text(f"{wall['code']}  {plain(wall['title'])}", style="bold"), rows)


def anything(held: Held, width: int) -> RenderableType:
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, width // 4))
    rows.add_column(overflow="fold", min_width=min(12, width // 3))
    rows.add_column(overflow="fold", min_width=min(12, width // 3))
    for key, data in held.entries.items():
        if isinstance(data, dict) and {"id", "state", "title"} <= data.keys():
            rows.add_row(Text(plain(str(data["id"]))), state(data["state"]), Text(plain(data["title"])))
        else:
            rows.add_row(Text(plain(key)), Text(plain(json.dumps(data, ensure_ascii=False))))
    return Group(Text(held.stream, style="bold"), rows)
