"""What a step prints, of some kinds that have made trouble elsewhere: python prints.py KIND COUNT

The same for whoever asks, so that a test knows each byte without keeping it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

BLOCK = 1 << 16
HOSTILE = bytes(range(256)) + b"\xff\xfe\x80\xc3(\xed\xa0\x80\x1b[31mred\x1b]0;title\x07\x1b[2J\0\0\x9b\r\n"


def bulk(count: int) -> Iterator[bytes]:
    """So many MiB of lines as a build prints them; each has its own number."""
    number = 0
    for _ in range(count * 16):
        block = b""
        while len(block) < BLOCK:
            number += 1
            block += b"%08d compiling src/module_%d.c with -O2: %d warnings\n" % (number, number % 997, number % 7)
        yield block


def lines(count: int) -> Iterator[bytes]:
    """So many short lines."""
    for number in range(0, count, 1000):
        yield b"".join(b"%d\n" % n for n in range(number, min(count, number + 1000)))


def long(count: int) -> Iterator[bytes]:
    """One line of so many MiB, and one behind it."""
    yield b"begin"
    for number in range(count * 16):
        yield (b"%07d " % number) * (BLOCK // 8)
    yield b"end\nafter\n"


def hostile(count: int) -> Iterator[bytes]:
    """So many blocks that are no UTF-8, with every control character."""
    for number in range(count):
        yield b"block %d: " % number + HOSTILE


def redraws(count: int) -> Iterator[bytes]:
    """A line that is drawn again so many times, as a progress bar does."""
    for number in range(count):
        yield b"\r[%-40s] %d" % (b"#" * (number * 40 // count), number)
    yield b"\ndone\n"


KINDS = {"bulk": bulk, "lines": lines, "long": long, "hostile": hostile, "redraws": redraws}

if __name__ == "__main__":
    for part in KINDS[sys.argv[1]](int(sys.argv[2])):
        sys.stdout.buffer.write(part)
        if sys.argv[1] == "redraws":
            sys.stdout.buffer.flush()
