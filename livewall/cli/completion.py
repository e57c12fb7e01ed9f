"""`livewall completion`: the lines that teach a shell what may follow, made by click."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL needs to complete commands, options, and the polls and walls of the server.

    \b
    echo 'eval "$(livewall completion bash)"' >> ~/.bashrc
    echo 'eval "$(livewall completion zsh)"' >> ~/.zshrc
    livewall completion fish > ~/.config/fish/completions/livewall.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "livewall", "_LIVEWALL_COMPLETE").source())
