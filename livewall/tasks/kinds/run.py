"""Steps that run a command on this machine: `run`, a list of arguments that no shell sees, `cwd` and `env`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values
from livewall.tasks.kinds.command import check_command, command_texts, filled
from livewall.toml_lines import Path
from livewall.toml_problems import Place


class Run:
    key = "run"
    keys = frozenset({"run", "cwd", "env"})
    hosts = "may"

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        return check_command(table, where, "run")

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        return command_texts(body, "run")

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        argv, cwd, env = filled(step, values)
        return RunSpec(
            argv=argv,
            cwd=cwd,
            env=env,
            program=step["argv"][0] if argv[0] != step["argv"][0] else None,
            folder=step["cwd"] if cwd != step["cwd"] else None,
        )
