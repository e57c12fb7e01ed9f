"""The commands of a host for a poll: phases, timer, publication, copies, archive and erasure."""

from __future__ import annotations

from typing import Any

import click

from livewall.cli import output
from livewall.cli.confirmation import confirm, title_question, yes_option
from livewall.cli.exit_status import run
from livewall.cli.options import acting_server_options, json_option, poll_argument
from livewall.client.ballots import find_poll
from livewall.client.calls import Server, segment

ID_LENGTH = 16


def address(poll: dict[str, Any], suffix: str = "") -> str:
    return f"/api/polls/{segment(poll['id'])}{suffix}"


async def post_action(
    server: Server, poll: dict[str, Any], action: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Call an action of a poll. All these actions may be repeated: twice has the same effect as once."""
    answer: dict[str, Any] = await server.post(address(poll, f"/{action}"), body, repeat=True)
    return answer


def run_action(server: Server, name: str, action: str, as_json: bool, body: dict[str, Any] | None = None) -> None:
    async def work() -> dict[str, Any]:
        return await post_action(server, await find_poll(server, name), action, body)

    print_poll(run(work()), as_json)


def print_poll(poll: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(poll)
        return
    ends = f", until {output.when(poll['closes_at'])}" if poll["phase"] == "open" and poll["closes_at"] else ""
    hidden = ", result hidden" if poll["results"] == "on_publish" else ""
    shown = ", published" if poll["published"] else hidden
    erased = ", ballots erased" if poll.get("erased_at") else ""
    click.echo(f"{poll['id']} {poll['phase']}, round {poll['round']}{ends}{shown}{erased}")


@click.command(name="open")
@poll_argument
@json_option
@acting_server_options
def open_(server: Server, poll: str, as_json: bool) -> None:
    """Open voting.

    \b
    livewall poll open $poll
    """
    run_action(server, poll, "open", as_json)


@click.command()
@poll_argument
@json_option
@acting_server_options
def close(server: Server, poll: str, as_json: bool) -> None:
    """Close voting.

    \b
    livewall poll close K7M2QD
    """
    run_action(server, poll, "close", as_json)


@click.command()
@poll_argument
@click.option("--add", type=click.IntRange(1), metavar="SECONDS", help="Add this many seconds.")
@click.option("--left", type=click.IntRange(1), metavar="SECONDS", help="Close voting this many seconds from now.")
@click.option("--none", is_flag=True, help="Remove the closing time.")
@json_option
@acting_server_options
def timer(server: Server, poll: str, add: int | None, left: int | None, none: bool, as_json: bool) -> None:
    """Change the closing time of an open poll.

    \b
    livewall poll timer $poll --add 30
    livewall poll timer $poll --left 60
    """
    if sum((add is not None, left is not None, none)) != 1:
        raise click.UsageError("Give one of --add, --left and --none.")
    body = {"add": add} if add is not None else {"left": left}

    async def work() -> dict[str, Any]:
        current = await find_poll(server, poll)
        # Adding time must not be repeated, because it would be added twice.
        answer: dict[str, Any] = await server.post(address(current, "/timer"), body, repeat=left is not None or none)
        return answer

    print_poll(run(work()), as_json)


@click.command()
@poll_argument
@click.option("--withdraw", is_flag=True, help="Withdraw the results, as `withdraw` does.")
@json_option
@acting_server_options
def publish(server: Server, poll: str, withdraw: bool, as_json: bool) -> None:
    """Publish the results to everyone.

    \b
    livewall poll publish $poll
    """
    run_action(server, poll, "publish", as_json, {"published": False} if withdraw else None)


@click.command()
@poll_argument
@json_option
@acting_server_options
def withdraw(server: Server, poll: str, as_json: bool) -> None:
    """Withdraw published results; the settings of the poll decide again who sees them.

    \b
    livewall poll withdraw $poll
    """
    run_action(server, poll, "publish", as_json, {"published": False})


@click.command()
@poll_argument
@json_option
@acting_server_options
def hide(server: Server, poll: str, as_json: bool) -> None:
    """Hide the results from everyone but hosts until they are published, even while voting goes on.

    \b
    livewall poll hide $poll
    livewall poll publish $poll
    """

    async def work() -> dict[str, Any]:
        current = await find_poll(server, poll)
        changed: dict[str, Any] = await server.put(address(current), {"results": "on_publish"})
        return await post_action(server, changed, "publish", {"published": False}) if changed["published"] else changed

    print_poll(run(work()), as_json)


@click.command()
@poll_argument
@click.option(
    "--round",
    "round_number",
    type=click.IntRange(1),
    metavar="N",
    help="The round to reset.  [default: the current one]",
)
@yes_option
@json_option
@acting_server_options
def reset(server: Server, poll: str, round_number: int | None, yes: bool, as_json: bool) -> None:
    """Start a new round of a closed poll, as a draft. Earlier rounds are kept.

    \b
    livewall poll reset $poll
    livewall poll reset $poll --round 1                 # harmless when it is repeated
    """

    async def question() -> str:
        current = await find_poll(server, poll)
        title = output.plain(current["title"])
        return f"Reset round {current['round']} of {title}? Its result disappears from every screen."

    confirm(question, yes, strict=False)

    async def work() -> dict[str, Any]:
        current = await find_poll(server, poll)
        return await post_action(server, current, "reset", {"round": round_number or current["round"]})

    print_poll(run(work()), as_json)


@click.command()
@poll_argument
@json_option
@acting_server_options
def duplicate(server: Server, poll: str, as_json: bool) -> None:
    """Duplicate a poll, with its settings, as a draft at the end of its wall. The ID of the copy is printed.

    \b
    copy=$(livewall poll duplicate $poll)
    """

    async def work() -> dict[str, Any]:
        copy: dict[str, Any] = await server.post(address(await find_poll(server, poll), "/duplicate"))
        return copy

    copy = run(work())
    output.as_json(copy) if as_json else click.echo(copy["id"])


@click.command()
@poll_argument
@yes_option
@json_option
@acting_server_options
def archive(server: Server, poll: str, yes: bool, as_json: bool) -> None:
    """Remove a poll from every list, wall and screen. Its ballots are kept, and `poll restore` restores it.

    \b
    livewall poll archive $poll --yes
    """
    confirm_for_poll(server, poll, "Archive {}? It disappears from every list and screen.", yes)

    async def work() -> tuple[str, Any]:
        poll_id = await find_poll_id(server, poll)
        return poll_id, await server.delete(f"/api/polls/{segment(poll_id)}")

    poll_id, answer = run(work())
    output.as_json(answer) if as_json else click.echo(f"{poll_id} archived")


@click.command()
@click.argument("poll_id", metavar="ID")
@json_option
@acting_server_options
def restore(server: Server, poll_id: str, as_json: bool) -> None:
    """Restore an archived poll as it was, at the end of its wall. ID is the poll's own ID.

    \b
    livewall poll restore $poll
    """
    poll_id = poll_id.removeprefix("polls/")
    print_poll(run(server.post(f"/api/polls/{segment(poll_id)}/restore", repeat=True)), as_json)


@click.command()
@poll_argument
@yes_option
@json_option
@acting_server_options
def erase(server: Server, poll: str, yes: bool, as_json: bool) -> None:
    """Erase the ballots of all rounds of a closed poll. The counts are kept. Erased ballots cannot be restored.

    \b
    livewall poll erase $poll --yes
    """
    loss = "The counts are kept, but receipts can no longer be checked, and ballots no longer recounted."
    confirm_for_poll(server, poll, f"Erase the ballots of {{}}? {loss}", yes)

    async def work() -> dict[str, Any]:
        erased: dict[str, Any] = await server.delete(f"/api/polls/{segment(await find_poll_id(server, poll))}/ballots")
        return erased

    print_poll(run(work()), as_json)


def confirm_for_poll(server: Server, name: str, words: str, yes: bool) -> None:
    async def question() -> str:
        return await title_question(server, f"/api/polls/{segment(await find_poll_id(server, name))}", words)

    confirm(question, yes)


async def find_poll_id(server: Server, name: str) -> str:
    """Return the id of the poll that `name` denotes.

    An id is returned as it is: an archived poll cannot be looked up.
    """
    bare = name.removeprefix("polls/")
    if len(bare) == ID_LENGTH and bare.isalnum():
        return bare
    return str((await find_poll(server, name))["id"])


COMMANDS = (open_, close, timer, publish, withdraw, hide, reset, duplicate, archive, restore, erase)
