"""What a step of kind `celery` stores of the task that it sends."""

from __future__ import annotations

import os
from pathlib import Path

from livewall.tasks.programs.celery_record import Fields, Record


def attempt(folder: Path, task: str, number: int) -> Record:
    """The record as an attempt finds it; all tasks here are retries of the task `root`."""
    path = folder / task / "steps" / f"re.port.{number}"
    path.mkdir(parents=True, exist_ok=True)
    (folder / "root").mkdir(exist_ok=True)
    return Record(path, folder / "root")


def test_a_later_attempt_and_a_retry_find_the_newest_record(tmp_path: Path) -> None:
    first = attempt(tmp_path, "root", 1)
    assert first.found == Fields()
    first.choose("a", "shop.t")
    assert attempt(tmp_path, "root", 2).found == Fields("a", "shop.t")
    first.confirm()
    assert attempt(tmp_path, "retry", 1).found.sent
    second = attempt(tmp_path, "root", 2)
    second.note_unclear()
    assert attempt(tmp_path, "retry", 1).found.unclear_in == "root"
    second.choose("b", "shop.t")
    second.end("SUCCESS", "7")
    assert attempt(tmp_path, "retry", 1).found == Fields("b", "shop.t", ended="SUCCESS", result="7")


def test_the_record_stands_in_the_folder_of_its_attempt_for_its_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        attempt(tmp_path, "root", 1).choose("a", "shop.t")
    finally:
        os.umask(before)
    for path in (tmp_path / "root/steps/re.port.1/celery", tmp_path / "root/celery/re.port"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_steps_have_records_of_their_own(tmp_path: Path) -> None:
    attempt(tmp_path, "root", 1).choose("a", "shop.t")
    other = tmp_path / "root" / "steps" / "re.1"
    other.mkdir()
    assert Record(other, tmp_path / "root").found == Fields()
