"""Steps that run a command on each of their hosts, over SSH: `ssh`, a list of arguments, `cwd` and `env`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values, program
from livewall.tasks.kinds.command import check_command, command_texts, filled
from livewall.tasks.kinds.missing import note_missing
from livewall.toml_lines import Path
from livewall.toml_problems import Place


class Ssh:
    key = "ssh"
    keys = frozenset({"ssh", "cwd", "env"})
    hosts = "must"

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        note_missing(where["ssh"])
        return check_command(table, where, "ssh")

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        return command_texts(body, "ssh")

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        return program("ssh_command", filled(step, values)._asdict(), remote=True, again="replay")
