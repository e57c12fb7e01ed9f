"""The command line: one module for each group of commands, imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from livewall import __version__
from livewall.cli.text_argument import read_text
from livewall.terminal import print_readably

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Command -> its module and object, and its help, which is repeated here so that `livewall --help` imports no module.
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("livewall.cli.serve:serve", "Run the server."),
    "config": ("livewall.cli.config:config", "Show the settings in effect, and where they come from."),
    "demo": ("livewall.cli.demo:demo", "Run a server with a wall, a task and an audience of 944."),
    "login": ("livewall.cli.access:login", "Create a link that signs a browser in."),
    "token": ("livewall.cli.access:token", "Create, list and revoke tokens for programs."),
    "wall": ("livewall.cli.wall:wall", "Create and list walls, and choose what is on the screen."),
    "poll": ("livewall.cli.poll:poll", "Create, run and read polls."),
    "vote": ("livewall.cli.vote:vote", "Cast your ballot."),
    "room": ("livewall.cli.room:room", "Create, list and moderate rooms, in which people talk."),
    "say": ("livewall.cli.room:say", "Say something in a room."),
    "ask": ("livewall.cli.question:ask", "Ask something on a wall."),
    "question": ("livewall.cli.question:question", "List, vote up and moderate the questions of a wall."),
    "inbox": ("livewall.cli.inbox:inbox", "Read your private messages, and write some."),
    "rehearse": ("livewall.cli.rehearse:rehearse", "Test a server with a simulated audience."),
    "task": ("livewall.cli.task:task", "Start, follow, steer and cancel tasks; decide gates; read logs."),
    "pipeline": ("livewall.cli.pipeline:pipeline", "Check and list pipelines, the definitions of tasks; list refs."),
    "inventory": ("livewall.cli.inventory:inventory", "Check inventories, the files with the hosts of pipelines."),
    "run": ("livewall.cli.run:run", "Run a command and show it as a task."),
    "watch": ("livewall.cli.watch:watch", "Follow a poll, a wall, a room or a task live."),
    "report": ("livewall.cli.report:report", "Report a step of a task that runs elsewhere."),
    "celery": ("livewall.cli.celery:celery", "Show the tasks of Celery apps."),
    "audit": ("livewall.cli.audit:audit", "List what hosts and operators did."),
    "backup": ("livewall.cli.data:backup", "Write a backup, even while the server is running."),
    "restore": ("livewall.cli.data:restore", "Restore a backup."),
    "recount": ("livewall.cli.data:recount", "Count a poll's ballots again."),
    "completion": ("livewall.cli.completion:completion", "Print a script for shell completion."),
}


class Commands(click.Group):
    """Imports the module of a command when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        return read_text(getattr(import_module(module), attribute))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the matching commands without importing them, as click would to read their help."""
        from click.shell_completion import CompletionItem

        matching = {name: words for name, (_, words) in COMMANDS.items() if name.startswith(incomplete)}
        items = [CompletionItem(name, help=words) for name, words in matching.items()]
        return items + super(click.Group, self).shell_complete(ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="livewall")
def livewall() -> None:
    """Show a room, live, what it is deciding and what is being done.

    \b
    livewall demo
    livewall serve --address 0.0.0.0

    Exit status: 0 done, 1 refused, 2 usage, 3 server not reached.
    """


def main(*args: Any) -> None:
    """Run the command line: the entry point of the installed `livewall`."""
    print_readably()
    livewall(*args)
