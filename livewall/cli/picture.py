"""What `livewall watch` draws of what a subscription holds. No I/O; time is an argument."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
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


def picture(subscription: Subscription, now: float) -> RenderableType:
    parts = [one(held) for held in subscription.held.values()]
    return Group(*parts, status(subscription, now))


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


def one(held: Held) -> RenderableType:
    if held.error is not None:
        return Text(f"{held.stream}: {plain(held.error.get('message', 'ended'))}", style="red")
    if not held.synced:
        return Text(f"{held.stream}: …", style="dim")
    kind = held.stream.partition("/")[0]
    if kind == "polls":
        return poll(held)
    if kind == "tasks" and "task" in held.entries:
        return task(held)
    if kind == "walls" and "wall" in held.entries:
        return wall(held.entries["wall"])
    return anything(held)


def poll(held: Held) -> RenderableType:
    poll, tally, turnout = (held.entries.get(key) for key in ("poll", "tally", "turnout"))
    if poll is None:
        return Text(f"{held.stream}: not open yet", style="dim")
    title = Text(plain(poll["title"]), style="bold")
    ballots = (tally or turnout or {}).get("ballots", 0)
    footer = Text(f"{ballots} ballot{'' if ballots == 1 else 's'} · round {poll['round']} · {poll['phase']}")
    counts: dict[str, int] = (tally or {}).get("counts", {})
    most = max(counts.values(), default=0)
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(justify="right", style="dim")
    rows.add_column(overflow="fold", ratio=2)
    rows.add_column(justify="right")
    rows.add_column(ratio=3, no_wrap=True)
    for option in poll["options"]:
        count = counts.get(option["id"], 0)
        shown = (str(count), bar(count, most)) if tally else ("", "")
        rows.add_row(plain(option["id"]), Text(plain(option["label"])), *shown)
    return Group(title, rows, footer)


def task(held: Held) -> RenderableType:
    task = held.entries["task"]
    steps: Sequence[dict[str, Any]] = [data for key, data in held.entries.items() if key.startswith("step/")]
    rows = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(4):
        rows.add_column(overflow="fold")
    for step in in_order(steps):
        progress = step.get("progress")
        share = f"{progress:.0%}" if isinstance(progress, int | float) and step["state"] == "running" else ""
        rows.add_row(state(step["state"]), Text(plain(step["name"])), share, Text(plain(words(step)), style="dim"))
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


def wall(wall: dict[str, Any]) -> RenderableType:
    rows = Table(box=None, show_header=False, pad_edge=False)
    for item in wall["items"]:
        active = item == wall["active"]
        rows.add_row("▶" if active else "", Text(plain(item), style="bold" if active else ""))
    return Group(Text(f"{wall['code']}  {plain(wall['title'])}", style="bold"), rows)


def anything(held: Held) -> RenderableType:
    rows = Table(box=None, show_header=False, pad_edge=False)
    for key, data in held.entries.items():
        if isinstance(data, dict) and {"id", "state", "title"} <= data.keys():
            rows.add_row(Text(plain(str(data["id"]))), state(data["state"]), Text(plain(data["title"])))
        else:
            rows.add_row(Text(plain(key)), Text(plain(json.dumps(data, ensure_ascii=False))))
    return Group(Text(held.stream, style="bold"), rows)
