"""A bare Tornado PUT that reads a JSON body and answers with JSON: python -m benchmarks.peers.put PORT"""

from __future__ import annotations

import asyncio
import json
import sys

from tornado.web import Application, RequestHandler


class Put(RequestHandler):
    def put(self) -> None:
        body = json.loads(self.request.body)
        self.finish({"receipt": "0123456789abcdef", "choices": body["choices"], "round": 1})


async def main(port: int) -> None:
    Application([("/.*", Put)]).listen(port, "127.0.0.1", backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
