"""A bare Tornado fan-out, `write_message` in a loop: python -m benchmarks.peers.broadcast PORT

A line `RATE SECONDS TEXT` on stdin sends TEXT to every reader RATE times a second; "done" is printed at the end.
"""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

readers: set[Reader] = set()


class Reader(WebSocketHandler):
    def open(self, *_args: str, **_kwargs: str) -> None:
        readers.add(self)

    def on_close(self) -> None:
        readers.discard(self)


async def broadcast(rate: float, seconds: float, text: str) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for turn in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, start + turn / rate - loop.time()))
        for reader in readers:
            reader.write_message(text)
    await asyncio.sleep(0)
    print("done", flush=True)


async def main(port: int) -> None:
    Application([("/.*", Reader)]).listen(port, "127.0.0.1", backlog=1024)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        rate, seconds, text = line.rstrip("\n").split(" ", 2)
        await broadcast(float(rate), float(seconds), text)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
