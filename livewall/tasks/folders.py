"""The folders of tasks, DATA/tasks/ID: set aside after a restore, and deleted when they are old. All calls block."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from pathlib import Path


def set_aside(folder: Path, known: Collection[str]) -> None:
    """Rename the folders that belong to no task of this database to `.ID.…`.

    They are left from before the database was restored. A new task that gets one of these ids must not find claims and
    results of the old one. They are not deleted, because something may still run in them.
    """
    for name in _names(folder):
        if name not in known and not name.startswith("."):
            os.rename(folder / name, folder / f".{name}.{secrets.token_hex(4)}")


def remove(folder: Path, tasks: Collection[str], before: float) -> dict[Path, str]:
    """Delete the folders of these tasks, and those set aside before a time in seconds since 1970.

    Return the folders that could not be deleted, each with the reason.
    """
    failed: dict[Path, str] = {}
    for name in _names(folder):
        path = folder / name
        with suppress(FileNotFoundError):
            if (name in tasks or (name.startswith(".") and path.lstat().st_ctime < before)) and (why := delete(path)):
                failed[path] = why
    return failed


def delete(path: Path) -> str | None:
    """Delete a folder, and return the reason if something in it could not be deleted.

    A step may have made folders read-only, or nested them so deeply that their paths are too long for the kernel.
    """
    try:
        shutil.rmtree(path)
        return None
    except (OSError, RecursionError):
        return _delete_piecemeal(path)


def _delete_piecemeal(top: Path) -> str | None:
    """Make each folder writable and move its subfolders to the top, so that no path is long and nothing recurses."""
    failed: list[str] = []
    pending = [top]
    number = count()
    while pending:
        folder = pending.pop()
        try:
            os.chmod(folder, 0o700)
            entries = list(os.scandir(folder))
        except OSError as error:
            failed.append(_explanation(error))
            continue
        for entry in entries:
            try:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                elif folder == top:
                    pending.append(Path(entry.path))
                else:
                    os.chmod(entry.path, 0o700)  # renaming a folder changes its `..`, which needs write access to it
                    moved = top / f".{next(number)}.{secrets.token_hex(4)}"
                    os.rename(entry.path, moved)
                    pending.append(moved)
            except OSError as error:
                failed.append(_explanation(error))
        if folder != top:
            with suppress(OSError):  # what is left in it has been reported already
                os.rmdir(folder)
    try:
        os.rmdir(top)
    except OSError as error:
        return failed[0] if failed else _explanation(error)
    return None


def _explanation(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []
