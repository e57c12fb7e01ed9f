"""A step of kind `git` beside git itself: the first time beside `git clone --depth 1`, later beside `git fetch`.

The repository is on this machine and read through its upload-pack, as a remote one would be, without the network.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from livewall.tasks.kinds import program
from livewall.tasks.supervisor.folder import INPUT_VARIABLE

from .plan import Plan, table
from .spread import Spread, ratios

FILES = 400
FILE_BYTES = 4_000
WORDS = ("release", "wall", "poll", "tally", "stream", "cursor", "lease", "ballot", "hub", "screen")


def run(plan: Plan) -> str:
    commits = plan.size(2_000, 30)
    folder = Path(tempfile.mkdtemp(prefix="livewall-git-"))
    times: dict[str, list[float]] = {name: [] for name in ("first", "clone", "again", "fetch")}
    try:
        bare, chance = folder / "site.git", random.Random(1)
        git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        add_commits(bare, chance, range(commits))
        url = f"file://{bare}"
        plan.step(f"{plan.pairs} pairs of a first step and a clone, then of a later step and a fetch")
        for number in range(plan.pairs):
            data, clone = folder / f"data{number}", folder / f"clone{number}"
            times["first"].append(timed(step, folder / f"a{number}", url, data))
            times["clone"].append(timed(git, "clone", "--quiet", "--depth=1", url, str(clone)))
            add_commits(bare, chance, range(commits + number, commits + number + 1))
            times["again"].append(timed(step, folder / f"b{number}", url, data))
            times["fetch"].append(timed(fetch, clone))
    finally:
        shutil.rmtree(folder)
    rows = []
    for one, other, name in (("first", "clone", "git clone --depth 1"), ("again", "fetch", "git fetch and checkout")):
        rows.append([
            f"{'the first step' if one == 'first' else 'a later step'}, beside `{name}`",
            Spread.of(times[one]).text(0, 1e3),
            Spread.of(times[other]).text(0, 1e3),
            f"**{ratios(times[one], times[other]).text()}**",
        ])  # fmt: skip
    return table([f"{commits:,} commits of {FILES} files", "step, ms", "git, ms", "ratio"], rows)


def timed(work: Callable[..., None], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def step(folder: Path, url: str, data: Path) -> None:
    """Run the program of a step in a new working folder."""
    work = folder / "work"
    work.mkdir(parents=True)
    given = {"repository": url, "ref": "main", "into": "src", "submodules": False, "previous": "", "data": str(data)}
    (folder / "input").write_text(json.dumps(given))
    files = {INPUT_VARIABLE: str(folder / "input"), "LIVEWALL_OUTPUT": str(folder / "values")}
    subprocess.run(
        program("git_checkout", given).argv, cwd=work, env={**os.environ, **files}, check=True, capture_output=True
    )


def fetch(clone: Path) -> None:
    git("-C", str(clone), "fetch", "--quiet", "origin", "main")
    git("-C", str(clone), "checkout", "--quiet", "--detach", "FETCH_HEAD")


def git(*arguments: str, given: bytes | None = None) -> None:
    subprocess.run(["git", *arguments], input=given, check=True, capture_output=True)


def add_commits(bare: Path, chance: random.Random, numbers: Sequence[int]) -> None:
    """Add commits to main, each of which changes a file; the first one has all files."""
    lines: list[bytes] = []
    for number in numbers:
        subject = f"Change number {number}".encode()
        lines.append(b"commit refs/heads/main")
        lines.append(b"committer Lin <lin@example.org> %d +0000" % (1_700_000_000 + 60 * number))
        lines.append(b"data %d\n%s" % (len(subject), subject))
        if number == numbers[0] and number:
            lines.append(b"from refs/heads/main^0")
        for file in range(FILES) if not number else (chance.randrange(FILES),):
            text = " ".join(chance.choices(WORDS, k=FILE_BYTES // 6)).encode()
            lines.append(b"M 100644 inline src/file%d.txt\ndata %d\n%s" % (file, len(text), text))
    git("-C", str(bare), "fast-import", "--quiet", given=b"\n".join(lines) + b"\n")
