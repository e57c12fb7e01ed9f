"""`livewall audit` against a real server."""

import pytest
from children import ServerProcess


@pytest.fixture
def server(tmp_path):
    server = ServerProcess(tmp_path, "--rate-limits", "off")
    server.start()
    yield server
    server.stop()


def test_it_lists_what_was_done_the_newest_first(server):
    for title in ("A", "B", "C"):
        server.run("wall", "create", title)
    poll = server.run("poll", "create", "Who?", "Clinton", "Dole", "--open").strip()
    lines = server.run("audit", "--limit", "3").splitlines()
    cells = [line.split("\t") for line in lines]
    assert [(each[1], each[2], each[3], each[4]) for each in cells[:2]] == [
        ("admin", "admin", "poll.open", f"polls/{poll}"),
        ("admin", "admin", "poll.create", f"polls/{poll}"),
    ]
    assert len(cells) == 3 and cells[0][5] == '{"round":1}'
    assert [line["act"] for line in server.json("audit")][-3:] == ["wall.create"] * 3
    reporter = server.run("token", "create", "reporter", "ci").strip()
    assert "operator" in server.run("audit", "--token", reporter, status=1)
