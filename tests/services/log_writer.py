"""A process that appends to a log and says on its output what was acknowledged: python log_writer.py DATABASE"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from livewall.clock import utc_now
from livewall.tasks.logs.service import Logs


def text(offset: int) -> bytes:
    """What a log has at each offset: the same for whoever asks."""
    return b"%d says the line that begins here%s\n" % (offset, b"." * (offset % 50))


async def main(database: Path) -> None:
    logs = Logs(database, hole=lambda size, cap: None, clock=utc_now)

    async def write(step: str) -> None:
        found = await logs.end("1", step)
        end = found.bytes if found else 0
        while True:
            data = b""
            while len(data) < 1 + end % 700:
                data += text(end + len(data))
            end = (await logs.append("1", step, end, data)).bytes
            print(step, end, flush=True)

    await asyncio.gather(*[write(step) for step in ("a", "b", "c")])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
