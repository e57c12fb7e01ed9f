"""Steps that put a file or a folder on each of their hosts: `upload`, a table with `from`, `to` and `mode`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values, program
from livewall.tasks.kinds.missing import note_missing
from livewall.toml_lines import Path
from livewall.toml_problems import Place, known_keys, short, text, type_name

TEXTS = ("from", "to")
MAX_TEXT = 4_000
_MODE = re.compile(r"0?[0-7]{3}")


class Upload:
    key = "upload"
    keys = frozenset({"upload"})
    hosts = "must"

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        note_missing(where["upload"])
        given, here = table["upload"], where["upload"]
        if not isinstance(given, dict):
            example = '{ from = "dist/site.tar.gz", to = "/srv/releases/site.tar.gz" }'
            here.wrong(f"upload must be a table, such as {example}, not {type_name(given)}")
            return {}
        known_keys(given, (*TEXTS, "mode"), here, "upload")
        body: dict[str, Any] = {"mode": self._mode(given, here["mode"])}
        for name in TEXTS:
            if name not in given:
                here.wrong(f"upload needs {name}: {_MEANING[name]}")
            body[name] = text(given[name], here[name], name, most=MAX_TEXT) if name in given else None
        if (source := body["from"]) and source.startswith("/"):
            here["from"].wrong("from must be a path inside the task's working folder, where earlier steps put it")
        return body

    def _mode(self, given: Mapping[str, Any], where: Place) -> str | None:
        if "mode" not in given:
            return None
        mode = given["mode"]
        if not isinstance(mode, str) or not _MODE.fullmatch(mode):
            where.wrong(f'mode must be a text of octal digits, such as "0644", not {short(mode)}')
            return None
        return mode

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for name in TEXTS:
            if body[name] is not None:
                yield ("upload", name), body[name]

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        given = {name: values.fill(step[name]) for name in TEXTS}
        return program("ssh_upload", {**given, "mode": step["mode"]}, remote=True, again="again")


_MEANING = {
    "from": "the path of a file or a folder in the task's working folder",
    "to": "its path on the host",
}
