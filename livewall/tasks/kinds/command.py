"""The command of a step, here or on a host: a list of arguments that no shell sees, `cwd` and `env`; their checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from livewall.tasks.kinds import Values
from livewall.toml_lines import Path
from livewall.toml_problems import Place, short, text, type_name

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
RESERVED_VARIABLES = frozenset(
    {"LIVEWALL_OUTPUT", "LIVEWALL_INPUT", "LIVEWALL_URL", "LIVEWALL_TOKEN", "LIVEWALL_ATTEMPT"}
)
"""Variables that a step gets from Livewall."""
_MAX_ARGUMENT = 100_000  # characters of an argument


_EXPANDS = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{(?!params\.|steps\.)[^}]*\}|\([^)]*\))|`[^`]+`|\{env\.[^}]*\}")
_HOME = re.compile(r"(?:^|:)(~[A-Za-z0-9._-]*(?:/[^:]*)?)(?=:|$)")
_OPERATORS = frozenset({"|", "||", "&&", "&", ">", ">>", "<", "2>", "2>&1"})
_OWN_SYNTAX = frozenset((
    "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "ssh", "su", "sudo", "doas", "env", "xargs", "find", "docker",
    "podman", "kubectl", "make", "awk", "gawk", "sed", "grep", "perl", "python", "python3", "expr", "test", "[", "git",
    "nsenter", "chroot", "timeout", "nice", "flock", "watch", "parallel", "jq",
))  # fmt: skip
"""Programs in whose arguments `$NAME` or `|` has a meaning of its own, so that no note is due."""


def shell_expansion(value: Any) -> str | None:
    """Return the first part of a text that a shell would replace, or None."""
    if not isinstance(value, str):
        return None
    match = _EXPANDS.search(value)
    home = None if match else _HOME.search(value)
    return match[0] if match else home[1] if home else None


def _refuse_expansion(value: Any, where: Place, label: str) -> None:
    """Report a text that expects a shell to expand it. No shell does, and the step would fail in a puzzling way."""
    if part := shell_expansion(value):
        where.wrong(
            f"{short(part)} is not replaced in {label}, since no shell reads it: write the value itself, or run a shell"
            ' that replaces it, as in run = ["sh", "-c", "PATH=/opt/bin:$PATH make"]'
        )


def check_command(table: Mapping[str, Any], where: Place, key: str) -> dict[str, Any]:
    """Return the command of a step's table: `argv`, which stands under `key`, `cwd` and `env`."""
    cwd = table.get("cwd")
    if cwd is not None:
        cwd = text(cwd, where["cwd"], "cwd", most=4_000)
        _refuse_expansion(cwd, where["cwd"], "cwd")
    return {
        "argv": _argv(table[key], where[key], key),
        "cwd": cwd,
        "env": _env(table.get("env", {}), where["env"]),
    }


def _argv(run: Any, where: Place, key: str) -> list[str]:
    if isinstance(run, str):
        where.wrong(f'{key} must be a list of arguments, ["command", "argument"], not one text: no shell reads it')
    elif not isinstance(run, list):
        where.wrong(f"{key} must be a list of arguments, not {type_name(run)}")
    elif not run:
        where.wrong(f"{key} must not be empty")
    elif len(run) > 1_000:
        where.wrong(f"{key} must have at most 1,000 arguments")
    else:
        for index, argument in enumerate(run):
            if argument != "" or index == 0:  # an argument may be empty, a command not
                label = "an argument" if index else "the command"
                text(argument, where[index], label, most=_MAX_ARGUMENT)
        _refuse_expansion(run[0], where[0], "the command")
        if isinstance(run[0], str) and run[0].rpartition("/")[2] not in _OWN_SYNTAX:
            for index, argument in enumerate(run[1:], 1):
                if isinstance(argument, str) and (argument in _OPERATORS or shell_expansion(argument) == argument):
                    where[index].note(f"no shell reads {key}: {short(argument)} is passed on unchanged")
        return run
    return []


def _env(env: Any, where: Place) -> dict[str, str]:
    if not isinstance(env, dict):
        where.wrong(f"env must be a table of texts, not {type_name(env)}")
        return {}
    for name, value in env.items():
        if not VARIABLE.fullmatch(name):
            where[name].wrong(f"{short(name)!r} is not the name of a variable: letters, digits and _")
        elif name in RESERVED_VARIABLES:
            where[name].wrong(f"{name} is set by Livewall")
        if value != "":
            text(value, where[name], f"the variable {short(name)}", most=_MAX_ARGUMENT)
            _refuse_expansion(value, where[name], "env")
    return env


def command_texts(body: Mapping[str, Any], key: str) -> Iterator[tuple[Path, str]]:
    """Yield the texts of a command that are filled in, each with its path in the step's table."""
    for index, argument in enumerate(body["argv"]):
        yield (key, index), argument
    if body["cwd"] is not None:
        yield ("cwd",), body["cwd"]
    for name, value in body["env"].items():
        yield ("env", name), value


class Command(NamedTuple):
    """A command with all values filled in."""

    argv: list[str]
    cwd: str | None
    env: dict[str, str]


def filled(body: Mapping[str, Any], values: Values) -> Command:
    """Return the command of a step. Raises MissingOutput."""
    return Command(
        [values.fill(argument) for argument in body["argv"]],
        None if body["cwd"] is None else values.fill(body["cwd"]),
        {name: values.fill(value) for name, value in body["env"].items()},
    )
