"""`livewall room` and `livewall say`, against a real server."""

from __future__ import annotations

import subprocess

from child_server import Server
from children import LIVEWALL, environment

pytest_plugins = ("server_fixtures",)


def livewall(server: Server, *arguments: str, lines: str | None = None) -> str:
    done = subprocess.run(
        [LIVEWALL, *arguments],
        env=environment(server.home) | {"LIVEWALL_URL": server.url, "LIVEWALL_TOKEN": server.admin},
        input=lines,
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_room_is_made_spoken_in_and_moderated(child: Server) -> None:
    assert livewall(child, "room", "create", "ops", "Operations") == "ops\n"
    assert livewall(child, "say", "ops", "The release begins at ten.") == "1\n"
    assert livewall(child, "say", "ops", lines="one\n\n two \nthree\n") == "2\n3\n4\n"
    assert livewall(child, "room", "list") == "ops\tOperations\t4\topen\n"
    said = child.host("GET", "/api/rooms/ops/messages")["items"]
    assert [message["text"] for message in said] == ["The release begins at ten.", "one", "two", "three"]
    person = said[0]["from"]
    assert livewall(child, "room", "mute", "ops", person) == f"{person} is muted\n"
    assert livewall(child, "room", "mute", "ops", person, "--off") == f"{person} may speak\n"
    assert livewall(child, "room", "change", "ops", "2", "won") == "2: won\n"
    assert livewall(child, "room", "withdraw", "ops", "3") == "3: withdrawn\n"
    assert livewall(child, "room", "history", "ops", "--last", "3").splitlines() == [
        "2\tadmin\twon", "3\t\t(withdrawn)", "4\tadmin\tthree",
    ]  # fmt: skip
    assert livewall(child, "room", "history", "ops", "--search", "WON") == "2\tadmin\twon\n"
    livewall(child, "room", "edit", "ops", "--title", "All", "--slow", "5")
    livewall(child, "room", "close", "ops")
    assert livewall(child, "room", "list") == "ops\tAll\t4\tclosed\n"
    assert "title\tAll" in livewall(child, "room", "show", "ops")
    assert livewall(child, "room", "delete", "ops", "--yes") == "ops deleted\n"
    assert livewall(child, "room", "list") == ""
