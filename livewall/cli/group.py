"""A group of commands whose help lists the complete first sentence of each command."""

from __future__ import annotations

import click

MAX_HELP = 1000  # characters; click cuts a description off where its line would end


class Group(click.Group):
    """A click group whose listing wraps descriptions instead of truncating them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        shown = [(name, each) for name, each in listed if each is not None and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(MAX_HELP)) for name, each in shown])
