"""The data folder of the demonstration: one that a demonstration has made, or an empty one, never one with real
data."""

from __future__ import annotations

from pathlib import Path

from livewall.atomic_file import remove_leftovers, write_whole

MARK = "made-by-livewall-demo"


class NotADemo(Exception):
    """The folder holds other data than that of a demonstration; the text is for people."""


def claim(folder: Path) -> None:
    """Mark a new or empty `folder` as a demonstration's, or accept one that is marked. Raises NotADemo, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / MARK).is_file():
        return
    remove_leftovers(folder)
    if any(folder.iterdir()):
        raise NotADemo(
            f"The folder {folder} holds files that no demo made, and the demo would write a wall, polls and ballots "
            "beside them. Give --data an empty folder or a new one; without --data the demo takes a temporary folder."
        )
    write_whole(folder / MARK, b"livewall demo may add to this folder.\n")
