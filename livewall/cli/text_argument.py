"""Arguments that are text: what was not UTF-8 has replacement characters. Names of files, and commands to be run, stay
as they were given."""

from __future__ import annotations

from typing import Any

import click

from livewall.terminal import readable


class Text(click.types.StringParamType):
    """Text that every answer and page can hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return readable(super().convert(value, param, ctx))


TEXT = Text()


def read_text(command: click.Command) -> click.Command:
    """Let a command, and all below it, read every argument that is text as `TEXT`."""
    for param in command.params:
        if param.type is click.STRING:
            param.type = TEXT
    if isinstance(command, click.Group):
        for each in command.commands.values():
            read_text(each)
    return command
