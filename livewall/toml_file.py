"""Reading a TOML file into a table, or into a problem with its line. Knows nothing of the keys."""

from __future__ import annotations

import codecs
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from livewall.toml_problems import Problem, TomlFault

LARGEST = 256 * 1024
"""Bytes of a file."""
MAX_KEY_PARTS = 100
"""The largest number of parts of a dotted key."""
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_BARE = re.compile(r"[ \t\[]*[A-Za-z0-9_-]+[ \t]*")


def read(path: Path) -> bytes:
    """Return the bytes of a regular file, cut off shortly after `LARGEST`. Raises OSError."""
    # O_NONBLOCK: opening a named pipe that has taken the place of the file must not block.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        return opened.read(LARGEST + 1)


def decoded(data: bytes, file: str, label: str = "a pipeline") -> str:
    """Return the text of a file. Raises TomlFault if it is too large or not UTF-8."""
    if len(data) > LARGEST:
        raise TomlFault([too_large(file, label)])
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TomlFault([Problem(file, 1, "this is UTF-16; save the file as UTF-8")])
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()  # some editors put the mark before UTF-8, too
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TomlFault([Problem(file, line, "this is not UTF-8")]) from None


def parsed(text: str, file: str) -> dict[str, Any]:
    """Return the top table of a TOML text. Raises TomlFault if the text is not TOML."""
    for number, content in enumerate(text.split("\n"), 1):
        if content.count(".") >= MAX_KEY_PARTS and _key_parts(content) > MAX_KEY_PARTS:
            raise TomlFault([Problem(file, number, f"a key has at most {MAX_KEY_PARTS} parts")])
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlFault([Problem(file, 1, "lists or tables are nested too deeply")]) from None
    except tomllib.TOMLDecodeError as error:
        raise TomlFault([_syntax(file, text, str(error))]) from None
    except ValueError:  # Python converts whole numbers up to a certain length only
        at = re.search(r"[0-9][0-9_]{4000}", text)
        line = text.count("\n", 0, at.start() if at else 0) + 1
        raise TomlFault([Problem(file, line, "a number has too many digits")]) from None


def _key_parts(line: str) -> int:
    """Return how many parts the longest dotted key on a line can have at most. tomllib needs memory and time for the
    square of that number."""
    longest = parts = 0
    for part in _QUOTED.sub("q", line).split("."):
        parts = parts + 1 if _BARE.fullmatch(part) else 1
        longest = max(longest, parts)
    return longest


def too_large(file: str, label: str) -> Problem:
    return Problem(file, 1, f"{label} has at most {LARGEST // 1024} KiB")


def _syntax(file: str, text: str, message: str) -> Problem:
    match = re.search(r" \(at line (\d+), column \d+\)$", message)
    line = int(match[1]) if match else text.rstrip().count("\n") + 1
    reason = re.sub(r" \(at (?:line \d+, column \d+|end of document)\)$", "", message)
    return Problem(file, line, f"this is not TOML: {reason}")
