"""Logs: CPU per megabyte that is followed, beside zlib level 1 on the same bytes; memory; and what is read back.

The file is there as a whole, so that nothing is waited for: what is measured is reading, compressing and committing.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import struct
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from livewall.clock import utc_now
from livewall.tasks.logs.chunks import CHUNK_BYTES
from livewall.tasks.logs.follower import AttemptFiles
from livewall.tasks.logs.service import Logs
from livewall.tasks.supervisor.truncation import truncation

from .machine import rss_bytes
from .plan import Plan, table
from .spread import Spread, ratios, verdict

MIB = 1 << 20
AIM = 3
GROWTH_AIM_MIB = 64
WORDS = ("compiling", "linking", "src/module.c", "warning:", "unused", "variable", "in", "0.12s", "[ok]", "PASSED")


def run(plan: Plan) -> str:
    size = plan.size(200, 4) * MIB
    folder = Path(tempfile.mkdtemp(prefix="livewall-logs-"))
    try:
        write_output(folder, size)
        compressed, followed, growth, asked = [], [], [], []
        for number in range(plan.pairs):
            compressed.append(cpu_of_zlib(folder / "output"))
            cpu, grown, answers = asyncio.run(follow(folder, folder / f"{number}.db", size))
            followed.append(cpu)
            growth.append(grown)
            asked.append(answers)
    finally:
        shutil.rmtree(folder)
    megabytes = size / MIB
    ratio = ratios(followed, compressed)
    rows = [
        ["zlib level 1 alone, CPU ms per MB", Spread.of([t / megabytes for t in compressed]).text(1, 1e3)],
        ["followed into the database, CPU ms per MB", Spread.of([t / megabytes for t in followed]).text(1, 1e3)],
        ["ratio", f"**{ratio.text()}** ({verdict(ratio.median, AIM)})"],
        ["growth of resident memory, MiB", f"{max(growth):.1f} at most ({verdict(max(growth), GROWTH_AIM_MIB)})"],
    ]
    rows += [[f"{what}, CPU ms", Spread.of([each[what] for each in asked]).text(1, 1e3)] for what in asked[0]]
    return table([f"a log of {megabytes:.0f} MB", "median (least–most)"], rows)


def write_output(folder: Path, size: int) -> None:
    """A build that prints much, with a time for each quarter of a megabyte."""
    draw = random.Random(1)
    lines = [" ".join([*draw.choices(WORDS, k=draw.randrange(3, 14)), f"{n}\n"]) for n in range(20_000)]
    written = 0
    with (folder / "output").open("wb") as output, (folder / "times").open("wb") as times:
        while written < size:
            written += output.write("".join(draw.choices(lines, k=4000)).encode()[: size - written])
            times.write(struct.pack("<QQ", written, round(time.time() * 1000)))


def cpu_of_zlib(path: Path) -> float:
    start = time.process_time()
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            zlib.compress(data, 1)
    return time.process_time() - start


async def follow(folder: Path, database: Path, size: int) -> tuple[float, float, dict[str, float]]:
    """CPU seconds and growth in MiB while all is followed, and CPU seconds of what is asked then."""
    logs = Logs(database, hole=truncation, clock=utc_now)
    try:
        before, start = rss_bytes(os.getpid()), time.process_time()
        logs.follow("1", "build", AttemptFiles(folder / "output", folder / "times", 2 * size), 0)
        end = await logs.finish("1", "build")
        cpu, grown = time.process_time() - start, (rss_bytes(os.getpid()) - before) / MIB
        assert end.bytes == size

        async def read() -> None:
            async for _ in logs.read("1", "build"):
                pass

        asked: dict[str, Callable[[], Awaitable[Any]]] = {
            "1,000 lines in its middle": lambda: logs.lines("1", "build", end.lines // 2, 1000),
            "its last 200 lines": lambda: logs.lines("1", "build", -200, 200),
            "a search of all of it that finds nothing": lambda: logs.search("1", "build", "nowhere to be found"),
            "all of its bytes": read,
        }
        answers = {}
        for what, ask in asked.items():
            start = time.process_time()
            await ask()
            answers[what] = time.process_time() - start
        return cpu, grown, answers
    finally:
        await logs.close()
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
