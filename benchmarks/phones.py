"""Many phones in a process of their own, driven by lines: python -m benchmarks.phones PORT PATH

`come N` makes N phones; `STEP` (a method of Phone) has each of them take that step, sixteen at a time; `go` sends them
away. `hall N SECONDS` has N phones take all steps, evenly over so many seconds. `bare N` asks N times for the same
page, each time over a connection of its own. Each line is answered with one of JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

from .machine import CLIENT_CORE, pinned
from .phone import BROWSER, NAVIGATION, Connection, Phone

AT_ONCE = 16
STEPS = ("read_page", "read_parts", "follow", "vote")


class Phones:
    """The process, as whoever drives it sees it."""

    def __init__(self, port: int, path: str, core: int | None = CLIENT_CORE) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.phones", str(port), path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=pinned(core),
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        if not answer:
            raise RuntimeError(f"the phones ended at {line!r}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(20)
        self._child.stdout.close()


async def in_turn(acts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all of them, `AT_ONCE` at a time."""
    left = iter(list(acts))

    async def work() -> None:
        for act in left:
            await act()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def bare(port: int, path: str) -> None:
    connection = await Connection.open(port)
    await connection.get(port, path, BROWSER + NAVIGATION)
    await connection.close()


async def hall(port: int, path: str, count: int, seconds: float) -> dict[str, Any]:
    """When each phone was usable and had its ballot answered, in ms after it was due to come."""
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1
    phones = [Phone(port, path) for _ in range(count)]
    late, usable, voted = [0.0] * count, [0.0] * count, [0.0] * count

    async def join(index: int) -> None:
        due = began + seconds * index / count
        await asyncio.sleep(due - loop.time())
        late[index] = 1000 * (loop.time() - due)
        phone = phones[index]
        await phone.read_page()
        await phone.read_parts()
        await phone.follow()
        usable[index] = 1000 * (loop.time() - due)
        await phone.vote()
        voted[index] = 1000 * (loop.time() - due)

    used = time.process_time()
    await asyncio.gather(*(join(index) for index in range(count)))
    used = time.process_time() - used
    await asyncio.gather(*(phone.leave() for phone in phones))
    return {"late": late, "usable": usable, "voted": voted, "client_ms": 1000 * used / count}


async def main(port: int, path: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()
    phones: list[Phone] = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, *numbers = line.split()
        answer: dict[str, Any] = {}
        if name == "come":
            phones = [Phone(port, path) for _ in range(int(numbers[0]))]
        elif name == "go":
            await in_turn(phone.leave for phone in phones)
        elif name == "bare":
            await in_turn([lambda: bare(port, path)] * int(numbers[0]))
        elif name == "hall":
            answer = await hall(port, path, int(numbers[0]), float(numbers[1]))
        else:
            await in_turn(getattr(phone, name) for phone in phones)
            answer = {"parts": len(phones[0].parts)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
