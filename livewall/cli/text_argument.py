"""Text arguments, in which bytes that are not UTF-8 become replacement characters.

Names of files, and the command of `livewall run`, stay as they are.
"""

from __future__ import annotations

from typing import Any

import click

from livewall.terminal import readable


class Text(click.types.StringParamType):
    """A parameter type for text that is valid Unicode."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return readable(super().convert(value, param, ctx))


TEXT = Text()


def read_text(command: click.Command) -> click.Command:
    """Make a command and its subcommands use `TEXT` for every text argument; return it."""
    for param in command.params:
        if param.type is click.STRING:
            param.type = TEXT
    if isinstance(command, click.Group):
        for each in command.commands.values():
            read_text(each)
    return command
