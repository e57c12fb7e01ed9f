"""Folders of tasks are deleted, whatever a step did to what is in them."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from livewall.tasks.folders import delete, remove

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of an ordinary user's, who this thread is to the file system."""
    monkeypatch.chdir(tmp_path)  # what lies above may be closed to that user
    if os.geteuid() != 0:
        yield Path("tasks")
        return
    os.chown(tmp_path, NOBODY, NOBODY)
    libc = ctypes.CDLL(None)
    libc.setfsuid(NOBODY)
    try:
        os.mkdir("tasks")
        yield Path("tasks")
    finally:
        libc.setfsuid(0)


def test_a_folder_that_a_step_made_read_only_is_deleted(folder: Path) -> None:
    for name in ("7/work/pkg/mod/a", "7/work/pkg/mod/closed", "7/steps/a.1"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x")
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    outside.chmod(0o500)
    (folder / "7/work/link").symlink_to(outside.absolute())
    for name, mode in (("mod/a/file", 0o400), ("mod/closed", 0), ("mod/a", 0o500), ("mod", 0o500), ("", 0o500)):
        (folder / "7/work/pkg" / name).chmod(mode)
    (folder / "7").chmod(0o500)
    assert remove(folder, {"7"}, 0) == {}
    assert os.listdir(folder) == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500 and (outside / "file").exists(), "no link is followed"


def test_a_folder_that_is_nested_very_deeply_is_deleted(folder: Path) -> None:
    top = os.open(folder, os.O_RDONLY)
    here = top
    for depth in range(1500):
        os.mkdir("d" * 20, dir_fd=here)
        there = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        if depth % 3 == 0:
            os.close(os.open("file", os.O_CREAT, dir_fd=here))
        if depth == 700:
            os.fchmod(here, 0o500)
        if here != top:
            os.close(here)
        here = there
    os.close(here)
    os.close(top)
    assert delete(folder) is None and not folder.exists()


def test_what_cannot_be_deleted_is_named_and_the_rest_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "7/work/foreign").mkdir(parents=True)
    (folder / "7/work/foreign/file").write_text("x")
    (folder / "7/work/own").write_text("x")
    (folder / "8/work").mkdir(parents=True)
    unlink = os.unlink

    def refuse(path: str | os.DirEntry[str], **more: int) -> None:
        if os.fspath(path).endswith("file"):
            raise PermissionError(1, "Operation not permitted", path)
        unlink(path, **more)

    monkeypatch.setattr(os, "unlink", refuse)
    [(path, why)] = remove(folder, {"7", "8"}, 0).items()
    assert path == folder / "7" and why.endswith("file: Operation not permitted")
    assert not (folder / "8").exists() and not (folder / "7/work/own").exists()
    monkeypatch.undo()


def test_what_is_gone_already_is_no_fault(folder: Path) -> None:
    assert remove(folder, {"7"}, 0) == {} and remove(folder / "none", {"7"}, 0) == {}
