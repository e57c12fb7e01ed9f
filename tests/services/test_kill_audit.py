"""A server that is killed while hosts act: every act that stands has its line, and every line its act."""

from __future__ import annotations

import http.client
import random
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

from child_server import Server

pytest_plugins = ("server_fixtures",)
KILLS = 4
HOSTS = 3


def act(server: Server, path: str, host: str, answered: list[int], begun: threading.Event) -> None:
    """Change a poll again and again, until nobody answers. `host` tells the titles apart."""
    turn = 0
    while True:
        turn += 1
        try:
            status, _ = server.ask("PUT", path, {"title": f"{host}.{turn}"})
        except (OSError, http.client.HTTPException):
            return
        answered.append(status)
        begun.set()


def test_no_act_without_its_line_and_no_line_without_its_act(
    new_server: Callable[..., Server], chance: random.Random
) -> None:
    server = new_server()
    server.start()
    poll = server.host("POST", "/api/polls", {"title": "0", "options": ["A"]})["id"]
    answered: list[int] = []
    for life in range(KILLS):
        begun = threading.Event()
        path, told = f"/api/polls/{poll}", (answered, begun)
        hosts = [threading.Thread(target=act, args=(server, path, f"{life}.{n}", *told)) for n in range(HOSTS)]
        for host in hosts:
            host.start()
        assert begun.wait(20)
        threading.Event().wait(chance.uniform(0.0, 0.3))
        server.kill()
        for host in hosts:
            host.join()
        server.start()
    server.stop()
    assert set(answered) == {200}
    with closing(sqlite3.connect(server.database)) as connection:
        (version,) = connection.execute("SELECT version FROM polls WHERE id = ?", (poll,)).fetchone()
        lines = connection.execute("SELECT act FROM audit WHERE about = ?", (f"polls/{poll}",)).fetchall()
    assert len(lines) == version >= len(answered) + 1
