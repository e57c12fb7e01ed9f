"""The folders of tasks, DATA/tasks/ID: whose they are, and how long they are kept. All of it blocks."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path


def set_aside(folder: Path, known: Collection[str]) -> None:
    """Move what belongs to no task of this database out of the way, as `.ID.…`: the database was put back, and a task
    that gets such an id next must not take the claims and ends in there for its own. Something may still run in it."""
    for name in _names(folder):
        if name not in known and not name.startswith("."):
            os.rename(folder / name, folder / f".{name}.{secrets.token_hex(4)}")


def remove(folder: Path, tasks: Collection[str], before: float) -> None:
    """Delete the folders of these tasks, and what was set aside `before`, in seconds since 1970."""
    for name in _names(folder):
        if name in tasks or (name.startswith(".") and (folder / name).lstat().st_ctime < before):
            shutil.rmtree(folder / name, ignore_errors=True)


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []
