"""`livewall completion`: the lines that teach a shell what may follow, made by click."""

from __future__ import annotations

from pathlib import Path

import click

from livewall.cli import output
from livewall.cli.options import output_option

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@output_option
@click.pass_context
def completion(context: click.Context, shell: str, into: Path | None) -> None:
    """Print what SHELL needs to complete commands, options, and the polls and walls of the server.

    \b
    echo 'eval "$(livewall completion bash)"' >> ~/.bashrc
    echo 'eval "$(livewall completion zsh)"' >> ~/.zshrc
    livewall completion fish --output ~/.config/fish/completions/livewall.fish
    """
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    source = completion_class(context.find_root().command, {}, "livewall", "_LIVEWALL_COMPLETE").source()
    if into is not None:
        into.parent.mkdir(parents=True, exist_ok=True)  # a new user of fish has no such folder yet
    output.document(source.encode() + b"\n", into)
