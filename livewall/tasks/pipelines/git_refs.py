"""The branches, tags and commits that a parameter of type `git_ref` may name, from a mirror of its repository."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from livewall import wire
from livewall.errors import Busy, NotFound
from livewall.tasks.kinds import program
from livewall.tasks.kinds.git import repository_of
from livewall.tasks.pipelines.pipeline import Pipeline

FETCH_SECONDS = 8.0
"""The longest time in seconds for which a list waits for the repository."""
FRESH_SECONDS = 15.0
"""Seconds after a fetch, also one that failed, within which a repository is not asked again."""
MAX_FETCHES, MAX_LISTS = 4, 4
"""How many repositories are fetched at once, and how many lists are made."""
MAX_WAITING = 16
"""The largest number of requests that wait for one repository."""
MAX_REPOSITORIES = 500
_TIMEOUT = FETCH_SECONDS + 12.0


class GitRef(msgspec.Struct):
    """A branch, a tag or a commit: its name, the whole hash, and the subject and the date of the commit or the tag.

    `ref` is the text that names it, also where a branch and a tag have one name.
    """

    name: str
    kind: Literal["branch", "tag", "commit"]
    ref: str
    commit: str
    date: str
    subject: str


class GitRefs(msgspec.Struct):
    """At most 50 branches, 50 tags and 50 commits, the newest first; `problem` says why the list may be out of date."""

    items: list[GitRef]
    problem: str = ""


class _Fetched(NamedTuple):
    """When a repository was asked last, and the problem with it."""

    at: float
    problem: str


class _Turns:
    """The requests about one repository: one fetches, and the others wait for it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


class RefReader:
    """Lists refs. `data` is the folder of data, `clock` is monotonic.

    A repository that does not answer holds up only those who ask for its refs.
    """

    def __init__(self, data: Path, clock: Callable[[], float]) -> None:
        self._data = data
        self._clock = clock
        self._fetches = asyncio.Semaphore(MAX_FETCHES)
        self._lists = asyncio.Semaphore(MAX_LISTS)
        self._turns: dict[str, _Turns] = {}
        self._fetched: dict[str, _Fetched] = {}
        self._programs: set[subprocess.Popen[bytes]] = set()

    def close(self) -> None:
        """End the programs under way. Their callers are refused."""
        for process in self._programs:
            _kill(process)

    async def list(self, pipeline: Pipeline, q: str, *, param: str | None = None, fetch: bool = True) -> GitRefs:
        """Return the refs that contain `q` for a parameter, the first one of type `git_ref` unless another is named.

        Without `fetch`, only what was fetched before is listed. Raises NotFound for no such parameter, and Busy.
        """
        repository = repository_of_param(pipeline, param)
        problem = await self._fetch(repository) if fetch else ""
        async with self._lists:
            refs = await asyncio.to_thread(self._run, repository, q, 0.0)
        if problem:
            refs.problem = f"{problem}; this list is from an earlier fetch" if refs.items else problem
        return refs

    async def _fetch(self, repository: str) -> str:
        """Bring the mirror up to date, unless that was tried a moment ago. Return the problem, or an empty text."""
        turns = self._turns.setdefault(repository, _Turns())
        if turns.waiting >= MAX_WAITING:
            raise Busy("rate", "too many lists of refs are being made; try again")
        turns.waiting += 1
        try:
            async with turns.lock:
                known = self._fetched.get(repository)
                if known is not None and self._clock() - known.at < FRESH_SECONDS:
                    return known.problem
                async with self._fetches:
                    problem = (await asyncio.to_thread(self._run, repository, None, FETCH_SECONDS)).problem
                self._fetched.pop(repository, None)
                self._fetched[repository] = _Fetched(self._clock(), problem)
                if len(self._fetched) > MAX_REPOSITORIES:
                    del self._fetched[next(iter(self._fetched))]
                return problem
        finally:
            turns.waiting -= 1
            if not turns.waiting:
                self._turns.pop(repository, None)

    def _run(self, repository: str, q: str | None, seconds: float) -> GitRefs:
        """Run the program that fetches for `seconds`, or else lists the refs with `q`. It blocks. Raises Busy."""
        given = {"data": str(self._data), "repository": repository, "q": q, "seconds": seconds}
        try:
            with subprocess.Popen(
                program("git_refs", given).argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
            ) as process:  # fmt: skip
                self._programs.add(process)
                try:
                    answer, _ = process.communicate(wire.encode(given), timeout=_TIMEOUT)
                finally:
                    self._programs.discard(process)
                    _kill(process)
            return msgspec.json.decode(answer, type=GitRefs)
        except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
            raise Busy("unavailable", "the refs cannot be listed at the moment; try again") from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program with the processes of its session; git begins sessions of its own, which its program ends."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def repository_of_param(pipeline: Pipeline, param: str | None) -> str:
    """Return the repository whose refs a parameter names. Raises NotFound."""
    for declared in pipeline.params:
        if declared.type == "git_ref" and param in (None, declared.name):
            for step in pipeline.steps:
                if step.kind == "git" and (repository := repository_of(step.body, declared.name)):
                    return repository
    which = f"parameter {param}" if param else "parameter"
    raise NotFound("not_found", f"the pipeline {pipeline.name} has no {which} of type git_ref")
