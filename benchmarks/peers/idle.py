"""An idle event loop that notes how late its own timer fires: what the machine adds to every latency.

python -m benchmarks.peers.idle: prints one lateness in microseconds a line when its stdin closes.
"""

from __future__ import annotations

import asyncio
import sys
import time

PERIOD = 0.005


async def main() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    late: list[int] = []
    while not ended.is_set():
        due = time.monotonic() + PERIOD
        await asyncio.sleep(PERIOD)
        late.append(round((time.monotonic() - due) * 1e6))
    print("\n".join(map(str, late)))


if __name__ == "__main__":
    asyncio.run(main())
