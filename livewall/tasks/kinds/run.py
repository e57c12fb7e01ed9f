"""Steps that run a command on this machine: `run`, a list of arguments that no shell sees, `cwd` and `env`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values
from livewall.tasks.template import fill
from livewall.toml_lines import Path
from livewall.toml_problems import Place, short, text, type_name

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
RESERVED_VARIABLES = frozenset({"LIVEWALL_OUTPUT", "LIVEWALL_INPUT", "LIVEWALL_URL", "LIVEWALL_TOKEN"})
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


class Run:
    key = "run"
    keys = frozenset({"run", "cwd", "env"})

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        cwd = table.get("cwd")
        if cwd is not None:
            cwd = text(cwd, where["cwd"], "cwd", most=4_000)
            _refuse_expansion(cwd, where["cwd"], "cwd")
        return {
            "argv": self._argv(table["run"], where["run"]),
            "cwd": cwd,
            "env": self._env(table.get("env", {}), where["env"]),
        }

    def _argv(self, run: Any, where: Place) -> list[str]:
        if isinstance(run, str):
            where.wrong('run must be a list of arguments, ["command", "argument"], not one text: no shell reads it')
        elif not isinstance(run, list):
            where.wrong(f"run must be a list of arguments, not {type_name(run)}")
        elif not run:
            where.wrong("run must not be empty")
        elif len(run) > 1_000:
            where.wrong("run must have at most 1,000 arguments")
        else:
            for index, argument in enumerate(run):
                if argument != "" or index == 0:  # an argument may be empty, a command not
                    label = "an argument" if index else "the command"
                    text(argument, where[index], label, most=_MAX_ARGUMENT)
            _refuse_expansion(run[0], where[0], "the command")
            if isinstance(run[0], str) and run[0].rpartition("/")[2] not in _OWN_SYNTAX:
                for index, argument in enumerate(run[1:], 1):
                    if isinstance(argument, str) and (argument in _OPERATORS or shell_expansion(argument) == argument):
                        where[index].note(f"no shell reads run: {short(argument)} is passed on unchanged")
            return run
        return []

    def _env(self, env: Any, where: Place) -> dict[str, str]:
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

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for index, argument in enumerate(body["argv"]):
            yield ("run", index), argument
        if body["cwd"] is not None:
            yield ("cwd",), body["cwd"]
        for name, value in body["env"].items():
            yield ("env", name), value

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        def filled(text: str) -> str:
            return fill(text, values.params, values.outputs)

        argv = [filled(argument) for argument in step["argv"]]
        cwd = None if step["cwd"] is None else filled(step["cwd"])
        return RunSpec(
            argv=argv,
            cwd=cwd,
            env={name: filled(value) for name, value in step["env"].items()},
            program=step["argv"][0] if argv[0] != step["argv"][0] else None,
            folder=step["cwd"] if cwd != step["cwd"] else None,
        )
