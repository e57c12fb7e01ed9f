"""The command line of a process that was forked, as `ps` shows it: without a name, all would look like the spawner."""

from __future__ import annotations

import ctypes
import os

ROOM = 600
"""Bytes of an argument that the spawner gets only so that there is room for the names of its children."""


def name_process(*arguments: str) -> None:
    """Show these arguments as the command line of this process, cut off where there is no more room.

    The kernel reads it from the memory of the process, where the original arguments stand (proc_pid_cmdline(5)).
    """
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    room = end - start
    text = b"\0".join(os.fsencode(argument) for argument in arguments)[: room - 1]
    ctypes.memmove(start, text.ljust(room, b"\0"), room)
