"""What a stranger does to a server in a process of its own: memory and files stay, and the others go on."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from child_server import Server

pytest_plugins = "server_fixtures"

SENDERS = 200
BODY = 1 << 20


def memory(server: Server) -> int:
    """MB that the server holds."""
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:"))


def cpu(server: Server) -> float:
    """Seconds of CPU that the server has used."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def unfinished(port: int, head: str, size: int) -> None:
    """Send a body all but its end, wait until it is taken or refused, and leave."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + b"x" * (size - 1))
        async with asyncio.timeout(5):
            await writer.drain()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()


async def test_unfinished_bodies_leave_the_memory_where_it_was(new_server: Callable[..., Server]) -> None:
    server = new_server()
    server.start()
    before = memory(server)
    wall = server.host("POST", "/api/walls", {"title": "T"})["code"]
    token = f"Authorization: Bearer {server.admin}\r\n"
    for path, more, size in [
        ("/api/voters", "", BODY),
        ("/api/polls", "", BODY),
        (f"/api/walls/{wall}/deck", token, BODY),
        ("/api/voters", "", 8000),
    ]:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {size}\r\n\r\n"
        await asyncio.gather(*(unfinished(server.port, head, size) for _ in range(SENDERS)))
    assert memory(server) - before < 60, "bodies of 600 MB were begun"


def test_silent_connections_that_take_all_files_keep_nobody_out(new_server: Callable[..., Server]) -> None:
    server = new_server()
    server.prefix = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh"]
    server.expected.append("no room for another connection")
    server.start()
    poll, voter = server.poll(), server.voter()
    known = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    known.request("GET", "/healthz")
    known.getresponse().read()
    with ExitStack() as held:
        for _ in range(400):
            held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
        before, said = cpu(server), server.log.stat().st_size
        ballot = json.dumps({"choices": ["1"]})
        known.request("PUT", f"/api/polls/{poll}/ballot", ballot, {"Authorization": f"Bearer {voter}"})
        assert known.getresponse().status == 201
        assert server.vote(poll)[0] == 201, "a new one gets in"
        assert server.log.stat().st_size - said < 1000
        assert cpu(server) - before < 1.5, "nobody spins while there is no room"
    known.close()
