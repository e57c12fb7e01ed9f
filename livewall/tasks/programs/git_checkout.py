"""The program of steps of kind `git`: a commit of a repository, in a folder of the task's working folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from livewall.tasks.programs import StepFailed, say, write_outputs
from livewall.tasks.programs.mirror import PROTOCOLS, WHOLE_HASH, Mirror, Ref, place_in, remove
from livewall.tasks.programs.reporting import Progress

MAX_TEXT = 500
"""The number of characters of a subject or an author that become an output."""
_FORMAT = "%H%x00%h%x00%an%x00%cI%x00%s"


def run(given: dict[str, Any]) -> None:
    """Fetch the repository, check the commit out, and write the outputs. Raises StepFailed."""
    work = Path.cwd()
    target = place_in(work, given["into"])
    mirror = Mirror(Path(given["data"]), given["repository"])
    progress = Progress()
    with mirror.locked(lambda: say("another step fetches from this repository; waiting for it")):
        mirror.fetch(progress.report)
        ref = _resolved(mirror, given["ref"], progress)
        progress.report(1.0, "checking out")
        _check_out(mirror, ref, target, submodules=given["submodules"])
    progress.close()
    _write_outputs(mirror, ref, given["previous"])


def _resolved(mirror: Mirror, name: str | None, progress: Progress) -> Ref:
    name = mirror.default_branch() if name is None else name
    ref = mirror.resolve(name)
    if ref is None and WHOLE_HASH.fullmatch(name):
        mirror.fetch_commit(name, progress.report)
        ref = mirror.resolve(name)
    if ref is None:
        raise StepFailed("the repository has no branch, tag or commit with this name")
    say(f"{ref.kind} {ref.name}: {ref.commit}")
    return ref


def _check_out(mirror: Mirror, ref: Ref, target: Path, *, submodules: bool) -> None:
    """Put the commit into `target`, which appears when it is complete. What is there is replaced."""
    new = target.with_name(f".{target.name[:40]}.new")
    remove(new)
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fill(mirror, ref, new, submodules=submodules)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)  # it may have filled the disk
        raise
    remove(target)
    os.rename(new, target)


def _fill(mirror: Mirror, ref: Ref, new: Path, *, submodules: bool) -> None:
    clone = ("clone", "--quiet", "--no-checkout", "--local", "--template=", "--", str(mirror.path), str(new))
    steps = [
        (clone, new.parent),
        # Submodules with relative addresses stand beside this one.
        (("remote", "set-url", "origin", "--", mirror.repository), new),
        (("checkout", "--quiet", "--detach", "--no-recurse-submodules", ref.commit, "--"), new),
    ]
    for arguments, folder in steps:
        if mirror.git(*arguments, folder=folder) is None:
            raise StepFailed("the commit cannot be checked out; the log says why")
    if submodules:
        # Where the repository is not on this machine, its files must not name folders of this machine.
        is_local = "://" not in mirror.repository and mirror.repository.startswith("/")
        allowed = PROTOCOLS if is_local else tuple(each for each in PROTOCOLS if each != "file")
        if mirror.git("submodule", "--quiet", "update", "--init", "--recursive", folder=new, allowed=allowed) is None:
            raise StepFailed("the submodules cannot be fetched; the log says why")


def _write_outputs(mirror: Mirror, ref: Ref, previous: str) -> None:
    shown = mirror.git("show", "--no-patch", f"--format={_FORMAT}", "--no-show-signature", ref.commit, "--") or ""
    commit, short, author, date, subject = (shown.rstrip("\n").split("\0") + [""] * 5)[:5]
    outputs = {
        "commit": commit,
        "short": short,
        "subject": subject[:MAX_TEXT],
        "author": author[:MAX_TEXT],
        "date": date,
        "ref": ref.name,
    }
    write_outputs(outputs | {"previous": previous})
    say(f"{short} {subject[:MAX_TEXT]} ({author[:MAX_TEXT]}, {date})")
