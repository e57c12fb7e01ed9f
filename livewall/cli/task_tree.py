"""The tree of a task's steps, and the list of tasks. Pure: the state and the time are arguments.

`rows` makes the lines of the tree, `fit` chooses those that fit the terminal, and `TaskTree` draws them with rich. A
`rich.tree.Tree` cannot do this: it has no columns for states and times, and cannot replace rows by a count of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from livewall.cli.output import bar, plain
from livewall.cli.task_states import ENDED, LIVE, UNSUCCESSFUL
from livewall.durations import format_duration

Step = Mapping[str, Any]

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

NARROW_COLUMNS = 60  # columns below which a row is spread over two lines
MAX_INDENT = 8  # levels that are indented; deeper ones stay at this indent
FEW_HOSTS = 3  # hosts of a step that are named each
METER_COLUMNS = 8  # columns of a progress bar


class TreeRow(NamedTuple):
    """One line of the tree. A row without a state stands for `hidden` rows that did not fit."""

    branch: str
    name: str
    state: str = ""
    share: float | None = None
    time: str = ""
    details: str = ""
    hidden: int = 0


def in_order(steps: Sequence[Step]) -> list[Any]:
    """Return the steps, each after its needs, otherwise in their order. Cycles do no harm."""
    names = {step["name"] for step in steps}
    open_needs = {step["name"]: {need for need in step.get("needs", []) if need in names} for step in steps}
    order: list[Any] = []
    placed: set[str] = set()
    remaining = list(steps)
    while remaining:
        ready = [step for step in remaining if open_needs[step["name"]] <= placed]
        for step in ready or remaining[:1]:
            order.append(step)
            placed.add(step["name"])
        remaining = [step for step in remaining if step["name"] not in placed]
    return order


def rows(steps: Sequence[Step], now: datetime) -> list[TreeRow]:
    """Return a row for each step, under the deepest step that it needs; other needs are named in its details."""
    depth: dict[str, int] = {}
    below: dict[str, list[Step]] = {"": []}
    parents: dict[str, str] = {}
    for step in in_order(steps):
        known = [need for need in step.get("needs", []) if need in depth]
        parent = max(known, key=lambda need: depth[need], default="")
        depth[step["name"]] = depth[parent] + 1 if parent else 0
        parents[step["name"]] = parent
        below.setdefault(parent, []).append(step)
        below.setdefault(step["name"], [])
    tree: list[TreeRow] = []
    todo = [(step, "", index == 0) for index, step in enumerate(reversed(below[""]))]
    while todo:
        step, indent, last = todo.pop()
        tree.append(row(step, indent + ("└ " if last else "├ "), parents[step["name"]], now))
        if len(indent) < 2 * MAX_INDENT:
            indent += "  " if last else "│ "
        children = reversed(below[step["name"]])
        todo += [(child, indent, index == 0) for index, child in enumerate(children)]
    return tree


def row(step: Step, branch: str, parent: str, now: datetime) -> TreeRow:
    state = step["state"]
    others = [need for need in step.get("needs", []) if need != parent]
    details = [step.get("message"), step.get("reason")]
    if others and state == "pending":
        details.append(f"after {', '.join(others)}, too")
    if (step.get("attempt") or 0) > 1:
        details.append(f"attempt {step['attempt']}")
    details.append(hosts_text(step.get("targets") or []))
    progress = step.get("progress")
    share = progress if isinstance(progress, int | float) and state in LIVE else None
    words = " · ".join(plain(text) for text in details if text)
    return TreeRow(branch, plain(step["name"]), state, share, duration_text(step, now), words)


def hosts_text(targets: Sequence[dict[str, Any]]) -> str:
    """Return how far a step is on its hosts: each host if they are few, else counts and the hosts that need a look."""
    if len(targets) <= FEW_HOSTS:
        return ", ".join(f"{target['host']} {target['state']}" for target in targets)
    counts = Counter(target["state"] for target in targets)
    parts = [f"{counts[state]} {state}" for state in dict.fromkeys(target["state"] for target in targets)]
    names = [target["host"] for target in targets if target["state"] in UNSUCCESSFUL or target["state"] == "waiting"]
    named = f" ({', '.join(names[:FEW_HOSTS])}{', …' if len(names) > FEW_HOSTS else ''})" if names else ""
    return f"{len(targets)} hosts: {', '.join(parts)}{named}"


def fit(tree: Sequence[TreeRow], room: int) -> list[TreeRow]:
    """Return at most `room` rows: running and failed steps first, then pending ones, then those that are done."""
    if len(tree) <= room:
        return list(tree)
    rank = {**dict.fromkeys(LIVE, 0), **dict.fromkeys(UNSUCCESSFUL, 1), "pending": 2}
    by_importance = sorted(range(len(tree)), key=lambda index: (rank.get(tree[index].state, 3), index))
    for count in range(min(room, len(by_importance)), -1, -1):
        kept = set(by_importance[:count])
        shown = collapse(tree, kept)
        if len(shown) <= max(room, 1):
            return shown
    return []


def collapse(tree: Sequence[TreeRow], kept: set[int]) -> list[TreeRow]:
    """Return the kept rows, with those between them replaced by one row that counts their states."""
    shown: list[TreeRow] = []
    hidden: list[str] = []

    def close() -> None:
        if hidden:
            each = [f"{hidden.count(state)} {state}" for state in dict.fromkeys(hidden)]
            shown.append(TreeRow("", f"… {', '.join(each)}", hidden=len(hidden)))
            hidden.clear()

    for index, one in enumerate(tree):
        if index in kept:
            close()
            shown.append(one)
        else:
            hidden.append(one.state)
    close()
    return shown


def duration_text(entry: Step, now: datetime) -> str:
    """Return how long a step or task took, or while it runs, how long so far and how long is expected."""
    start, end, eta = (moment(entry.get(name)) for name in ("started_at", "ended_at", "eta"))
    if start is None:
        return ""
    if end is not None:
        return format_duration((end - start).total_seconds())
    so_far = format_duration((now - start).total_seconds())
    if eta is None:
        return so_far
    if now > eta:
        return f"{so_far}, overdue by {format_duration((now - eta).total_seconds())}"
    return f"{so_far} of about {format_duration((eta - start).total_seconds())}"


def headline(task: Step, now: datetime) -> str:
    """Return the text beside the state of the task."""
    parts = [duration_text(task, now)]
    if task.get("started_at") and not task.get("ended_at") and not task.get("eta"):
        parts.append("no estimate")
    if task.get("retry_of"):
        parts.append(f"retry of {plain(task['retry_of'])}")
    parts.append(plain(task.get("reason") or ""))
    return " · ".join(text for text in parts if text)


def moment(text: Any) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def state_text(state: str) -> Text:
    shape, style = SHAPES.get(state, (" ", ""))
    return Text(f"{shape} {state}", style=style)


def meter(share: float) -> str:
    return f"{bar(round(share * 1000), 1000, METER_COLUMNS):<{METER_COLUMNS}} {share:4.0%}"


class TaskTree:
    """A rich renderable of a task, within the rows of the terminal."""

    def __init__(self, task: Step, steps: Sequence[Step], now: datetime) -> None:
        self.task, self.steps, self.now = task, steps, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType | Segment]:
        wide = options.max_width >= NARROW_COLUMNS
        shown = fit(rows(self.steps, self.now), max(1, options.size.height - 4))
        table = Table(box=None, show_header=False, pad_edge=False, expand=wide)
        table.add_column(overflow="fold" if not wide else "ellipsis", no_wrap=wide, max_width=options.max_width // 2)
        table.add_column(no_wrap=True)
        if wide:
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for one in shown:
            name = Text.assemble((one.branch, "dim"), (one.name, "dim" if one.hidden else ""))
            share = meter(one.share) if one.share is not None else ""
            details = Text(one.details, style="dim")
            if wide:
                table.add_row(name, state_text(one.state) if one.state else "", share, one.time, details)
            else:
                beside = [state_text(one.state)] + [Text(text) for text in (share, one.time) if text]
                table.add_row(Text("\n").join([name, details]) if details else name, Text("\n").join(beside))
        yield Text.assemble((plain(self.task["title"]), "bold"), (f"  {plain(self.task['id'])}", "dim"))
        yield table
        yield Text.assemble(state_text(self.task["state"]), ("  " + headline(self.task, self.now)).rstrip())


def task_list(entries: Mapping[str, Any], width: int, now: datetime) -> RenderableType:
    """Return the view of the stream `tasks`: unfinished tasks above ended ones, each newest first."""
    tasks = sorted(entries.values(), key=lambda task: task["created_at"], reverse=True)
    tasks.sort(key=lambda task: task["state"] in ENDED)
    if not tasks:
        return Text("no task yet", style="dim")
    table = Table(box=None, show_header=False, pad_edge=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, width // 4), style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True)
    for task in tasks:
        title = Text(plain(task["title"]))
        if task.get("reason"):
            title.append(f"  {plain(task['reason'])}", style="dim")
        table.add_row(state_text(task["state"]), Text(plain(task["id"])), title, duration_text(task, now))
    return Group(Text("Tasks", style="bold"), table)
