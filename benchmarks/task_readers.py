"""Readers of a task, each on a WebSocket of its own, that note when the bytes of an event are theirs.

python -m benchmarks.task_readers PORT TASK COUNT: prints `ready` when all have their snapshot; when stdin closes, a
line for each event of a step whose message is a number: the number, and for each reader the CLOCK_MONOTONIC
nanoseconds. The token is the first line of stdin.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time

_MESSAGE = re.compile(rb'"message":"(\d+)"')


def connected(port: int, task: str, token: str) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port))
    head = (
        f"GET /ws/tasks/{task} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n"
    )
    made.sendall(f"{head}\r\n".encode())
    got = b""
    while b'"synced":true' not in got:
        part = made.recv(65536)
        if not part:
            raise ConnectionError(f"refused: {got[:300]!r}")
        got += part
    return made


def main(port: int, task: str, count: int) -> None:
    token = sys.stdin.readline().strip()
    readers = [connected(port, task, token) for _ in range(count)]
    looked = selectors.DefaultSelector()
    for reader in readers:
        looked.register(reader, selectors.EVENT_READ)
    looked.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    seen: dict[bytes, list[int]] = {}
    while True:
        for key, _ in looked.select():
            if key.fileobj is sys.stdin:
                for number, times in seen.items():
                    print(number.decode(), *times)
                return
            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
            now = time.monotonic_ns()
            if not data:
                raise ConnectionError("the server closed a reader")
            for number in _MESSAGE.findall(data):
                seen.setdefault(number, []).append(now)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
