"""The live view of `livewall watch`, from the state of a subscription. No I/O; time is an argument."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from livewall.cli.output import bar, plain
from livewall.cli.tally_table import rows as tally_rows
from livewall.cli.tally_table import tally_text, turnout_text
from livewall.cli.task_tree import TaskTree, state_text, task_list
from livewall.cli.watch_talk import questions_view, room_view
from livewall.client.stream_state import StreamState
from livewall.client.subscription import Subscription

Titles = Mapping[str, str]  # of a wall's items

TRANSPORT_NAMES = {"websocket": "websocket", "sse": "sse", "longpoll": "long-polling", "poll": "polling"}


class WatchView:
    """All streams, one below the other, and the state of the connection, within the rows of the terminal."""

    def __init__(self, subscription: Subscription, now: float, titles: Titles, clock: datetime) -> None:
        self.subscription = subscription
        self.now = now
        self.titles = titles
        self.clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        streams = list(self.subscription.held.values())

        def lines(part: RenderableType) -> list[list[Segment]]:
            return console.render_lines(part, options.update(height=None), pad=False)

        below = lines(connection_status(self.subscription, self.now))
        room = max(1, options.size.height - 1 - len(below))
        if len(streams) > room:
            below = lines(Text(f"… and {len(streams) - room + 1} more streams", style="dim")) + below
            streams, room = streams[: room - 1], room - 1
        parts = [lines(stream_view(held, options.max_width, self.titles, self.clock)) for held in streams]
        for part, share in zip(parts, allot_rows([len(part) for part in parts], room), strict=True):
            if share < len(part) and share > 1:
                part = part[: share - 1] + lines(Text(f"… {len(part) - share + 1} more lines", style="dim"))[:1]
            yield from join_lines(part[:share])
        yield from join_lines(below)


def join_lines(lines: Sequence[Sequence[Segment]]) -> Iterator[Segment]:
    for line in lines:
        yield from line
        yield Segment.line()


def allot_rows(wanted: Sequence[int], room: int) -> list[int]:
    """Return how many rows each stream gets: as many as it needs, or a fair share of `room`."""
    allotted = [0] * len(wanted)
    by_need = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for rank, index in enumerate(by_need):
        allotted[index] = min(wanted[index], room // (len(by_need) - rank))
        room -= allotted[index]
    return allotted


def picture(
    subscription: Subscription, now: float, titles: Titles | None = None, clock: datetime | None = None
) -> WatchView:
    """Return the view. `now` is monotonic, for the age of the connection; `clock` is the time of the server."""
    return WatchView(subscription, now, titles or {}, clock or datetime.now(UTC))


def connection_status(subscription: Subscription, now: float) -> Text:
    """Return the state of the connection as text. The last state of the streams stays visible above it."""
    age = seconds(now - subscription.state_since)
    if subscription.live:
        return Text(f"live · {TRANSPORT_NAMES[subscription.transport]}", style="dim")
    if any(held.synced for held in subscription.held.values()):
        return Text(f"connection lost for {age}: {plain(subscription.problem)}; trying again", style="yellow")
    return Text(
        f"connecting for {age}" + (f": {plain(subscription.problem)}" if subscription.problem else ""), style="yellow"
    )


def seconds(age: float) -> str:
    minutes, remainder = divmod(int(age), 60)
    return f"{minutes}:{remainder:02}"


def stream_view(
    held: StreamState, width: int = 80, titles: Titles | None = None, clock: datetime | None = None
) -> RenderableType:
    clock = clock or datetime.now(UTC)
    if held.error is not None:
        return Text(f"{held.stream}: {plain(held.error.get('message', 'ended'))}", style="red")
    if not held.synced:
        return Text(f"{held.stream}: …", style="dim")
    kind = held.stream.partition("/")[0]
    if kind == "polls":
        return poll_view(held, width)
    if held.stream == "tasks":
        return task_list(held.entries, width, clock)
    if kind == "tasks" and "task" in held.entries:
        steps = [data for key, data in held.entries.items() if key.startswith("step/")]
        return TaskTree(held.entries["task"], steps, clock)
    if kind == "walls" and "wall" in held.entries:
        return wall_view(held.entries["wall"], width, titles or {})
    if kind == "rooms":
        return room_view(held)
    if kind == "questions":
        return questions_view(held)
    return generic_view(held, width)


def poll_view(held: StreamState, width: int) -> RenderableType:
    poll, tally, turnout = (held.entries.get(key) for key in ("poll", "tally", "turnout"))
    if poll is None:
        return Text(f"{held.stream}: not open yet", style="dim")
    title = Text(plain(poll["title"]), style="bold")
    turnout_or_none = turnout or {"round": poll["round"], "ballots": 0}
    footer = Text(plain(tally_text(poll, tally) if tally else turnout_text(poll, turnout_or_none)))
    most = max((tally or {"counts": {}})["counts"].values(), default=0)
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(justify="right", style="dim", no_wrap=True, max_width=6)
    rows.add_column(overflow="fold")  # the only one that gives way
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(no_wrap=True)
    bar_width = max(4, min(30, (width - 22) // 3))
    for each in tally_rows(poll, tally or {"counts": {}, "ballots": 0}):
        shown = (f"{each.votes} {each.percent:>5}", bar(each.votes, most, bar_width)) if tally else ("", "")
        label = Text(plain(each.label), style="bold" if each.wins else "dim" if each.abstain else "")
        if each.wins:
            label.append(" ✓")
        rows.add_row(Text(plain(each.id)), label, *shown)
    return Group(title, rows, footer)


def wall_view(wall: dict[str, Any], width: int, titles: Titles) -> RenderableType:
    """Return the view of a wall: its items by title where that is known, with the active one marked."""
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


def generic_view(held: StreamState, width: int) -> RenderableType:
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, width // 4))
    rows.add_column(overflow="fold", min_width=min(12, width // 3))
    rows.add_column(overflow="fold", min_width=min(12, width // 3))
    for key, data in held.entries.items():
        if isinstance(data, dict) and {"id", "state", "title"} <= data.keys():
            rows.add_row(Text(plain(str(data["id"]))), state_text(data["state"]), Text(plain(data["title"])))
        elif isinstance(data, dict) and {"from", "name", "text"} <= data.keys():  # a message
            rows.add_row(Text(plain(data["name"])), Text(plain(data["text"])))
        elif isinstance(data, dict) and {"with", "unread", "messages"} <= data.keys():  # a conversation
            said = f"{data['unread']} of {data['messages']} messages unread"
            rows.add_row(Text(plain(data["with"]["name"]), style="bold"), Text(said), Text(plain(data["room"])))
        else:
            rows.add_row(Text(plain(key)), Text(plain(json.dumps(data, ensure_ascii=False))))
    return Group(Text(held.stream, style="bold"), rows)
