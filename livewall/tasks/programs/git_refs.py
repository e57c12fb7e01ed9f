"""The program that lists the branches, tags and last commits of a repository, for somebody who chooses one.

It reads its input from the standard input and prints its answer as JSON. A repository that cannot be reached is not an
error: what the mirror has is listed, with the reason.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livewall.clock import iso
from livewall.tasks.programs import StepFailed
from livewall.tasks.programs.mirror import WHOLE_HASH, Mirror

MAX_EACH = 50
"""The largest number of branches, of tags and of commits."""
SEARCHED_COMMITS = 1000
MAX_SUBJECT = 200
_SEPARATOR = "\x1f"
_REF_FIELDS = _SEPARATOR.join(
    ("%(refname)", "%(objectname)", "%(*objectname)", "%(creatordate:iso-strict)", "%(subject)")
)
_COMMIT_FIELDS = _SEPARATOR.join(("%H", "%cI", "%s"))


def run(given: dict[str, Any]) -> None:
    """Bring the mirror of a repository up to date within `seconds`; if that is 0, print the refs that contain `q`."""
    problem = ""
    refs: list[dict[str, str]] = []
    try:
        mirror = Mirror(Path(given["data"]), given["repository"])
        if given["seconds"]:
            problem = _fetch(mirror, given["seconds"])
        elif mirror.path.is_dir():
            refs = list(matching(mirror, given["q"].casefold()))
    except StepFailed as failure:
        problem = str(failure)
    print(json.dumps({"items": refs, "problem": problem}))


def _fetch(mirror: Mirror, seconds: float) -> str:
    """Bring the mirror up to date. Return why that was not possible, or an empty text."""

    def over(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, over)
    signal.signal(signal.SIGTERM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with mirror.locked():
            mirror.fetch(lambda part, message: None, quiet=True)
    except TimeoutError:
        return "the repository does not answer in time"
    except StepFailed:
        return "the repository cannot be fetched"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def matching(mirror: Mirror, q: str) -> Iterator[dict[str, str]]:
    """Yield the branches, the tags and the commits whose name, subject or hash contains `q`, the newest first.

    `ref` is the text that names each of them, also where a branch and a tag have one name.
    """
    branches = set((mirror.git("for-each-ref", "--format=%(refname)", "refs/heads/") or "").split("\n"))
    for kind, prefix in (("branch", "refs/heads/"), ("tag", "refs/tags/")):
        listed = mirror.git("for-each-ref", "--sort=-creatordate", f"--format={_REF_FIELDS}", prefix) or ""
        fields = (line.split(_SEPARATOR, 4) for line in listed.split("\n") if line.count(_SEPARATOR) >= 4)
        found = (
            _ref(name.removeprefix(prefix), kind, peeled or commit, date, subject, branches)
            for name, commit, peeled, date, subject in fields
        )
        yield from _first(found, q)
    listed = mirror.git("log", "--branches", f"--max-count={SEARCHED_COMMITS}", f"--format={_COMMIT_FIELDS}") or ""
    commits = (line.split(_SEPARATOR, 2) for line in listed.split("\n") if line.count(_SEPARATOR) >= 2)
    yield from _first((_ref(commit, "commit", commit, date, subject, branches) for commit, date, subject in commits), q)


def _ref(name: str, kind: str, commit: str, date: str, subject: str, branches: set[str]) -> dict[str, str]:
    try:
        date = iso(datetime.fromisoformat(date).astimezone(UTC))
    except (ValueError, OverflowError):  # whoever commits chooses the date
        date = ""
    ref = name
    if kind == "tag" and f"refs/heads/{name}" in branches:
        ref = f"refs/tags/{name}"
    elif kind == "branch" and WHOLE_HASH.fullmatch(name):
        ref = f"refs/heads/{name}"
    return {"name": name, "kind": kind, "ref": ref, "commit": commit, "date": date, "subject": subject[:MAX_SUBJECT]}


def _first(refs: Iterator[dict[str, str]], q: str) -> Iterator[dict[str, str]]:
    count = 0
    for ref in refs:
        if q in ref["name"].casefold() or q in ref["subject"].casefold() or ref["commit"].startswith(q):
            yield ref
            count += 1
            if count == MAX_EACH:
                return
