"""A bare Tornado GET that answers with a line of text: python -m benchmarks.peers.get PORT"""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application, RequestHandler


class Get(RequestHandler):
    def get(self) -> None:
        self.finish("Hello, world")


async def main(port: int) -> None:
    Application([("/.*", Get)]).listen(port, "127.0.0.1", backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
