"""`livewall watch`: follow streams, as a live view on a terminal or one JSON object a line in a pipe."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import click

from livewall.cli import output
from livewall.cli.exit_status import run, say
from livewall.cli.options import server_options
from livewall.client.calls import QUIET_SECONDS, NotReached, Refusal, Server, segment
from livewall.client.subscription import Subscription, subscribe

REDRAW_SECONDS = 0.1  # seconds, at least, between two updates of the view
CHECK_SECONDS = 0.3  # seconds between two checks of the connection, and of items without a title


@click.command()
@click.argument("streams", metavar="STREAM...", nargs=-1, required=True)
@click.option("--since", metavar="POS", help="Continue after this position, the `pos` of an event.")
@click.option("--json", "ndjson", is_flag=True, help="One JSON object a line, also on a terminal.")
@server_options
def watch(server: Server, streams: tuple[str, ...], since: str | None, ndjson: bool) -> None:
    """Follow STREAM: polls/ID, walls/CODE, rooms/NAME, tasks/ID, tasks, or inbox/me. Runs until Ctrl-C.

    The connection survives restarts of the server. inbox/me are your own private messages.

    In a pipe, each line is a message as the server sends it: `reset` (forget what you hold), events with `key` and
    `data`, `synced` (what you hold is complete).

    \b
    livewall watch polls/$poll
    livewall watch polls/$poll | jq -c 'select(.key == "tally") | .data.counts'
    """
    if since and len(streams) > 1:
        raise click.UsageError("--since needs exactly one STREAM.")
    for stream in streams:
        if "/" not in stream.strip("/") and stream != "tasks":
            raise click.UsageError(f"{stream!r} is not a stream; streams are polls/ID, walls/CODE, tasks/ID and tasks.")
    subscription = subscribe(server, list(dict.fromkeys(streams)), [since])
    run(show(subscription, ndjson=ndjson))


async def show(
    subscription: Subscription, *, ndjson: bool, enough: Callable[[Subscription], bool] = lambda subscription: False
) -> None:
    """Print a subscription for a terminal or a pipe, until it ends or `enough` returns True."""
    await (print_events if ndjson or not output.terminal() else draw)(subscription, enough)


async def print_events(subscription: Subscription, enough: Callable[[Subscription], bool]) -> None:
    def say_if_not_connected() -> None:
        if not subscription.was_live:
            subscription.server.say_waiting()

    asyncio.get_running_loop().call_later(QUIET_SECONDS, say_if_not_connected)
    reporting = asyncio.ensure_future(report_losses(subscription))
    try:
        async with aclosing(aiter(subscription)) as messages:
            async for message in messages:
                sys.stdout.write(output.json_text(message, separators=(",", ":")) + "\n")
                sys.stdout.flush()
                if enough(subscription):
                    return
    finally:
        reporting.cancel()


async def report_losses(subscription: Subscription) -> None:
    """Print a message when the connection is lost for more than a moment, and when it is restored."""
    reported = False
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if subscription.live:
            if reported:
                say(f"the connection to {subscription.server.url} is restored")
            reported = False
        elif subscription.was_live and not reported and time.monotonic() - subscription.state_since > QUIET_SECONDS:
            say(f"the connection to {subscription.server.url} is lost: {subscription.problem}; trying again")
            reported = True


async def draw(subscription: Subscription, enough: Callable[[Subscription], bool]) -> None:
    """Draw the view whenever something changes, and every second because of the durations in it."""
    from rich.console import Console
    from rich.live import Live

    from livewall.cli.task_tree import moment
    from livewall.cli.watch_view import WatchView, picture

    clock_offset = timedelta(0)  # of the server's clock

    async def follow() -> None:
        nonlocal clock_offset
        async with aclosing(aiter(subscription)) as messages:
            async for message in messages:
                changed.set()
                if server_time := moment(message.get("now")):
                    clock_offset = server_time - datetime.now(UTC)
                if enough(subscription):
                    return

    def now() -> WatchView:
        return picture(subscription, time.monotonic(), titles, datetime.now(UTC) + clock_offset)

    changed = asyncio.Event()
    titles: dict[str, str] = {}
    following = asyncio.ensure_future(follow())
    fetching_titles = asyncio.ensure_future(fetch_titles(subscription, titles, changed))
    following.add_done_callback(lambda _: changed.set())
    with Live(console=Console(), auto_refresh=False, transient=False) as live:
        try:
            while not following.done():
                live.update(now(), refresh=True)
                await asyncio.sleep(REDRAW_SECONDS)
                try:
                    await asyncio.wait_for(changed.wait(), 1.0)
                except TimeoutError:
                    pass
                changed.clear()
            live.update(now(), refresh=True)
        finally:
            following.cancel()
            fetching_titles.cancel()
    await following


async def fetch_titles(subscription: Subscription, titles: dict[str, str], changed: asyncio.Event) -> None:
    """Fetch the titles of the items of walls, since the events have only their ids.

    The active items come first, and are fetched again whenever they become active. An item that cannot be fetched has
    no title.
    """
    server = Server(subscription.server.url, subscription.server.token)  # one that prints no messages into the view
    staged: set[str] = set()
    while True:
        walls = [held.entries["wall"] for held in subscription.held.values() if "wall" in held.entries]
        on_stage = {wall["active"] for wall in walls if wall["active"]}
        items = [item for wall in walls for item in wall["items"]]
        to_fetch = [*(on_stage - staged), *(item for item in items if item not in titles)]
        staged = on_stage
        for item in dict.fromkeys(to_fetch):
            kind, _, item_id = item.partition("/")
            try:
                item_state = await server.get(f"/api/{segment(kind)}/{segment(item_id)}")
                titles[item] = str(item_state.get("title", ""))
            except (Refusal, NotReached):
                titles.setdefault(item, "")
            changed.set()
        await asyncio.sleep(CHECK_SECONDS)
