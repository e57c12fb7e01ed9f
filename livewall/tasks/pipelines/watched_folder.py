"""The folder of pipelines: notices files that are new, changed or gone. Knows no clock and no loop."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from livewall.errors import NotFound
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.toml_file import decoded, read
from livewall.toml_problems import Problem, TomlFault

log = logging.getLogger(__name__)

_FRESH = 1_000_000_000  # ns in which a second change of a file may leave it with the same times
_SUFFIX = ".toml"


class _File(msgspec.Struct, frozen=True):
    """A file as it was read last."""

    mark: tuple[int, ...]
    settled: bool
    """Whether a later change must show in `mark`."""
    data: bytes
    found: Pipeline | TomlFault


class Pipelines:
    """Every `NAME.toml` in `folder` (None: there are none). Hidden files and what is no regular file is left out;
    a link to one counts as one. `environment` is the server's, from which the secrets come.

    `refresh` may run in a thread beside the rest; each of the others sees the state before or after it.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str] = {}) -> None:
        self._folder = folder
        self._environment = environment
        self._files: dict[str, _File] = {}
        self._unreadable = ""
        self._looking = threading.Lock()

    def refresh(self) -> bool:
        """Look at the folder, and read and check what changed. True if something is not as it was. Blocks."""
        with self._looking:  # or an older look could end after a newer one
            return self._refresh()

    def _refresh(self) -> bool:
        if self._folder is None:
            return False
        files: dict[str, _File] = {}
        try:
            names = sorted(os.listdir(self._folder))
            self._unreadable = ""
        except OSError as error:
            names = []
            said = error.strerror or str(error)
            if said != self._unreadable:
                log.warning("the folder of pipelines %s cannot be read: %s", self._folder, said)
            self._unreadable = said
        for file in names:
            if file.endswith(_SUFFIX) and not file.startswith("."):
                # A name that is no UTF-8 is shown with marks in it, and refused.
                name = os.fsencode(file).decode(errors="replace").removesuffix(_SUFFIX)
                if found := self._look(self._folder / file, name):
                    files[name] = found
        before, self._files = self._files, files
        return {name: file.found for name, file in before.items()} != {name: file.found for name, file in files.items()}

    def _look(self, path: Path, name: str) -> _File | None:
        known = self._files.get(name)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            mark = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
            if known and known.settled and known.mark == mark:
                return known
            settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _FRESH
            data = read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            why = f"the file cannot be read: {error.strerror or error}"
            if known and isinstance(known.found, TomlFault) and known.found.problems[0].reason == why:
                return known
            return _File((), False, b"", TomlFault([Problem(f"{name}{_SUFFIX}", 1, why)]))
        if known and known.mark and known.data == data:
            return _File(mark, settled, data, known.found)
        return _File(mark, settled, data, self._parsed(data, name))

    def _parsed(self, data: bytes, name: str) -> Pipeline | TomlFault:
        file = f"{name}{_SUFFIX}"
        try:
            return parse(decoded(data, file), name, file, self._environment)
        except TomlFault as fault:
            log.info("the pipeline %s is refused: %s", name, fault.message)
            return fault

    def get(self, name: str) -> Pipeline:
        """The pipeline as its file says now. Raises NotFound, and TomlFault if the file is wrong now."""
        file = self._files.get(name)
        if file is None:
            raise NotFound("not_found", f"there is no pipeline {name[:80]}")
        if isinstance(file.found, TomlFault):
            raise TomlFault(file.found.problems)
        return file.found

    def list(self) -> list[dict[str, Any]]:
        """All by name, as `GET /api/pipelines` shows them; a file that is wrong has its errors and no steps."""
        return [_shown(name, file.found) for name, file in sorted(self._files.items())]


def _shown(name: str, found: Pipeline | TomlFault) -> dict[str, Any]:
    if isinstance(found, TomlFault):
        errors = msgspec.to_builtins(found.problems)
        return {"name": name, "title": name, "params": [], "steps": [], "errors": errors}
    return {
        "name": name,
        "title": found.title,
        "params": [msgspec.json.decode(msgspec.json.encode(param)) for param in found.params],
        "steps": [{"name": step.name, "needs": list(step.needs)} for step in found.steps],
        "errors": [],
    }
