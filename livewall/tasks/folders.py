"""The folders of tasks, DATA/tasks/ID: whose they are, and how long they are kept. All of it blocks."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from pathlib import Path


def set_aside(folder: Path, known: Collection[str]) -> None:
    """Move what belongs to no task of this database out of the way, as `.ID.…`: the database was put back, and a task
    that gets such an id next must not take the claims and ends in there for its own. Something may still run in it."""
    for name in _names(folder):
        if name not in known and not name.startswith("."):
            os.rename(folder / name, folder / f".{name}.{secrets.token_hex(4)}")


def remove(folder: Path, tasks: Collection[str], before: float) -> dict[Path, str]:
    """Delete the folders of these tasks, and what was set aside `before`, in seconds since 1970. Answers those that
    could not be deleted, and why."""
    left: dict[Path, str] = {}
    for name in _names(folder):
        path = folder / name
        with suppress(FileNotFoundError):
            if (name in tasks or (name.startswith(".") and path.lstat().st_ctime < before)) and (why := delete(path)):
                left[path] = why
    return left


def delete(path: Path) -> str | None:
    """Delete a folder, whatever a step did to what is in it: made it read-only, or nested it so deeply that its names
    are too long. Answers why something of it could not be deleted."""
    try:
        shutil.rmtree(path)
        return None
    except (OSError, RecursionError):
        return _delete_piecemeal(path)


def _delete_piecemeal(top: Path) -> str | None:
    """Each folder is made writable, and what is in it moved to the top, so that no name grows and nothing recurses."""
    failed: list[str] = []
    pending = [top]
    number = count()
    while pending:
        here = pending.pop()
        try:
            os.chmod(here, 0o700)
            inside = list(os.scandir(here))
        except OSError as error:
            failed.append(_words(error))
            continue
        for entry in inside:
            try:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                elif here == top:
                    pending.append(Path(entry.path))
                else:
                    os.chmod(entry.path, 0o700)  # whoever moves a folder needs to write to it
                    moved = top / f".{next(number)}.{secrets.token_hex(4)}"
                    os.rename(entry.path, moved)
                    pending.append(moved)
            except OSError as error:
                failed.append(_words(error))
        if here != top:
            with suppress(OSError):  # what is left in it has failed already
                os.rmdir(here)
    try:
        os.rmdir(top)
    except OSError as error:
        return failed[0] if failed else _words(error)
    return None


def _words(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []
