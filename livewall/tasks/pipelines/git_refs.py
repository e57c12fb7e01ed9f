"""The branches, tags and commits that a parameter of type `git_ref` may name, from a mirror of its repository."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from livewall import wire
from livewall.errors import Busy, NotFound
from livewall.tasks.kinds import program
from livewall.tasks.kinds.git import repository_of
from livewall.tasks.pipelines.pipeline import Pipeline

FETCH_SECONDS = 8.0
"""The longest time in seconds for which a list waits for the repository."""
FRESH_SECONDS = 15.0
"""Seconds after a fetch within which a repository is not asked again."""
MAX_WAITING = 16
"""The largest number of requests that wait for the one under way."""
_TIMEOUT = FETCH_SECONDS + 12.0


class GitRef(msgspec.Struct):
    """A branch, a tag or a commit: its name, the whole hash, and the subject and the date of the commit or the tag."""

    name: str
    kind: Literal["branch", "tag", "commit"]
    commit: str
    date: str
    subject: str


class GitRefs(msgspec.Struct):
    """At most 50 branches, 50 tags and 50 commits, the newest first; `problem` says why the list may be out of date."""

    items: list[GitRef]
    problem: str = ""


class RefReader:
    """Lists refs, one list at a time. `data` is the folder of data, `clock` is monotonic."""

    def __init__(self, data: Path, clock: Callable[[], float]) -> None:
        self._data = data
        self._clock = clock
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._fetched_at: dict[str, float] = {}

    async def list(self, pipeline: Pipeline, q: str, *, param: str | None = None, fetch: bool = True) -> GitRefs:
        """Return the refs that contain `q` for a parameter, the first one of type `git_ref` unless another is named.

        Without `fetch`, only what was fetched before is listed. Raises NotFound for no such parameter, and Busy.
        """
        repository = repository_of_param(pipeline, param)
        if self._waiting >= MAX_WAITING:
            raise Busy("rate", "too many requests for refs at once; try again")
        self._waiting += 1
        try:
            async with self._lock:
                is_fresh = self._clock() - self._fetched_at.get(repository, float("-inf")) < FRESH_SECONDS
                seconds = FETCH_SECONDS if fetch and not is_fresh else 0.0
                refs = await asyncio.to_thread(_list, self._data, repository, q, seconds)
                if seconds:
                    self._fetched_at = {repository: self._clock(), **dict(list(self._fetched_at.items())[:100])}
                return refs
        finally:
            self._waiting -= 1


def repository_of_param(pipeline: Pipeline, param: str | None) -> str:
    """Return the repository whose refs a parameter names. Raises NotFound."""
    for declared in pipeline.params:
        if declared.type == "git_ref" and param in (None, declared.name):
            for step in pipeline.steps:
                if step.kind == "git" and (repository := repository_of(step.body, declared.name)):
                    return repository
    raise NotFound("not_found", f"the pipeline {pipeline.name} has no such parameter of type git_ref")


def _list(data: Path, repository: str, q: str, seconds: float) -> GitRefs:
    """Run the program that lists refs. It blocks. Raises Busy."""
    given = {"data": str(data), "repository": repository, "q": q, "seconds": seconds}
    spec = program("git_refs", given)
    try:
        done = subprocess.run(
            spec.argv, input=wire.encode(given), capture_output=True, timeout=_TIMEOUT, cwd="/", check=True
        )
        return msgspec.json.decode(done.stdout, type=GitRefs)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        raise Busy("unavailable", "the refs cannot be listed at the moment; try again") from error
