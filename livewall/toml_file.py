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


def read(path: Path) -> bytes:
    """Return the bytes of a regular file, cut off shortly after `LARGEST`. Raises OSError."""
    # O_NONBLOCK: opening a named pipe that has taken the place of the file must not block.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(f"{path} is no regular file")
        return opened.read(LARGEST + 1)


def decoded(data: bytes, file: str, what: str = "a pipeline") -> str:
    """Return the text of a file. Raises TomlFault where it is too large or not UTF-8."""
    if len(data) > LARGEST:
        raise TomlFault([too_large(file, what)])
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TomlFault([Problem(file, 1, "this is UTF-16; save the file as UTF-8")])
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()  # some editors put the mark before UTF-8, too
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TomlFault([Problem(file, line, "this is not UTF-8")]) from None


def parsed(text: str, file: str) -> dict[str, Any]:
    """Return the top table of a TOML text. Raises TomlFault where the text is not TOML."""
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


def too_large(file: str, what: str) -> Problem:
    return Problem(file, 1, f"{what} has at most {LARGEST // 1024} KiB")


def _syntax(file: str, text: str, said: str) -> Problem:
    found = re.search(r" \(at line (\d+), column \d+\)$", said)
    line = int(found[1]) if found else text.rstrip().count("\n") + 1
    reason = re.sub(r" \(at (?:line \d+, column \d+|end of document)\)$", "", said)
    return Problem(file, line, f"this is not TOML: {reason}")
