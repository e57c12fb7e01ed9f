"""The folder of pipelines, and which of its files are new, changed or deleted. Knows no event loop."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from livewall.errors import NotFound
from livewall.tasks.pipelines.params import Param
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.toml_file import decoded, read
from livewall.toml_problems import Problem, TomlFault

log = logging.getLogger(__name__)

_TIMESTAMP_GRANULARITY = 1_000_000_000  # ns; two changes closer together may leave a file with the same times
_SUFFIX = ".toml"


class _File(msgspec.Struct, frozen=True):
    """A file, as it was when it was last read."""

    fingerprint: tuple[int, ...]
    settled: bool
    """Whether any later change must alter `fingerprint`."""
    data: bytes
    result: Pipeline | TomlFault
    beside: dict[str, bytes | None] = {}
    """The files beside it that it named, an inventory, as they were read; None if that was not possible."""


class PipelineStep(Struct):
    name: str
    needs: list[str]


class PipelineShown(Struct):
    """A pipeline that can be started. One with an invalid file has errors and no steps."""

    name: str
    title: str
    params: list[Param]
    steps: list[PipelineStep]
    errors: list[Problem]


class Pipelines:
    """The pipelines of every `NAME.toml` in `folder`; None stands for no folder.

    Hidden files, and everything but regular files and links to them, are left out. Secrets come from `environment`, the
    server's. `refresh` may run in another thread: the other methods see the state before or after it.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str] = {}) -> None:
        self._folder = folder
        self._environment = environment
        self._files: dict[str, _File] = {}
        self._inventories: set[str] = set()
        """The files that pipelines name as their inventory, and which are none themselves."""
        self._unreadable = ""
        self._refreshing = threading.Lock()

    def refresh(self) -> bool:
        """Read and check the files that have changed. Return True if anything differs. It blocks."""
        with self._refreshing:  # otherwise an older result could replace a newer one
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
            reason = error.strerror or str(error)
            if reason != self._unreadable:
                log.warning("the folder of pipelines %s cannot be read: %s", self._folder, reason)
            self._unreadable = reason
        for file in names:
            if file.endswith(_SUFFIX) and not file.startswith("."):
                # A name that is not UTF-8 gets replacement characters, and is refused as a name.
                name = os.fsencode(file).decode(errors="replace").removesuffix(_SUFFIX)
                if entry := self._read_file(self._folder / file, name):
                    files[name] = entry
        # An inventory is no pipeline.
        self._inventories = {name.removesuffix(_SUFFIX) for each in files.values() for name in each.beside}
        for name, each in files.items():
            known = self._files.get(name)
            seen = known is not None and known.result is each.result
            if isinstance(each.result, TomlFault) and not seen and name not in self._inventories:
                log.info("the pipeline %s is refused: %s", name, each.result.message)
        before, self._files = self._files, files
        return {name: file.result for name, file in before.items()} != {
            name: file.result for name, file in files.items()
        }

    def _read_file(self, path: Path, name: str) -> _File | None:
        known = self._files.get(name)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            fingerprint = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
            same = known is not None and all(_bytes(path.with_name(n)) == data for n, data in known.beside.items())
            if known and known.settled and known.fingerprint == fingerprint and same:
                return known
            settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _TIMESTAMP_GRANULARITY
            data = read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror or error}"
            if known and isinstance(known.result, TomlFault) and known.result.problems[0].reason == reason:
                return known
            return _File((), False, b"", TomlFault([Problem(f"{name}{_SUFFIX}", 1, reason)]))
        if known and known.fingerprint and known.data == data and same:
            return _File(fingerprint, settled, data, known.result, known.beside)
        beside: dict[str, bytes | None] = {}
        result = self._parsed(data, name, path, beside)
        return _File(fingerprint, settled, data, result, beside)

    def _parsed(self, data: bytes, name: str, path: Path, beside: dict[str, bytes | None]) -> Pipeline | TomlFault:
        """Return the pipeline of a file, and note in `beside` the files that it names."""
        file = f"{name}{_SUFFIX}"

        def read_beside(other: str) -> bytes:
            beside[other] = None
            beside[other] = content = read(path.with_name(other))
            return content

        try:
            return parse(decoded(data, file), name, file, self._environment, complete=True, beside=read_beside)
        except TomlFault as fault:
            return fault
        except Exception:  # a bug in the checks must not keep the other pipelines from running
            log.exception("the pipeline %s could not be checked", name)
            return TomlFault([Problem(file, 1, "the file could not be checked because of an error of the server")])

    def get(self, name: str) -> Pipeline:
        """Return the pipeline as its file defines it now. Raises NotFound, and TomlFault if the file has problems."""
        file = self._files.get(name)
        if file is None or name in self._inventories:
            raise NotFound("not_found", f"there is no pipeline {name[:80]}")
        if isinstance(file.result, TomlFault):
            raise TomlFault(file.result.problems)
        return file.result

    def list(self) -> list[PipelineShown]:
        """Return all pipelines by name for `GET /api/pipelines`. One with problems has errors and no steps."""
        return [
            _summary(name, file.result) for name, file in sorted(self._files.items()) if name not in self._inventories
        ]


def _bytes(path: Path) -> bytes | None:
    try:
        return read(path)
    except OSError:
        return None


def _summary(name: str, result: Pipeline | TomlFault) -> PipelineShown:
    if isinstance(result, TomlFault):
        return PipelineShown(name, name, [], [], list(result.problems))
    steps = [PipelineStep(step.name, list(step.needs)) for step in result.steps]
    return PipelineShown(name, result.title, list(result.params), steps, [])
