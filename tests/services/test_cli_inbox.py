"""`livewall inbox` and `livewall watch inbox/me`, against a real server."""

from __future__ import annotations

import json
import subprocess

from child_server import Server
from children import LIVEWALL, environment
from test_cli_rooms import livewall

pytest_plugins = ("server_fixtures",)


def test_private_messages_are_written_listed_read_and_blocked(child: Server) -> None:
    livewall(child, "room", "create", "ops", "Operations")
    voter = child.voter()
    said = child.ask("POST", "/api/rooms/ops/messages", {"text": "hello"}, token=voter)[1]
    person, name = said["from"], said["name"]
    assert livewall(child, "inbox") == ""
    assert livewall(child, "inbox", "send", "ops", person, "May I ask you something?") == "1\n"
    assert livewall(child, "inbox", "send", "ops", person, lines="one\n\ntwo\n") == "2\n3\n"
    [theirs] = child.ask("GET", "/api/inbox", token=voter)[1]["items"]
    answer = {"text": "Yes"}
    child.ask("POST", f"/api/rooms/ops/people/{theirs['with']['id']}/messages", answer, token=voter)
    id = theirs["id"]
    assert livewall(child, "inbox") == f"{id}\tops\t{person}\t{name}\t1\t4\t\n"
    assert livewall(child, "inbox", "show", id, "--last", "2").splitlines() == ["3\tadmin\ttwo", f"4\t{name}\tYes"]
    assert livewall(child, "inbox", "show", id, "--before", "2") == "1\tadmin\tMay I ask you something?\n"
    assert livewall(child, "inbox", "read", id, "3") == "1\n"
    assert livewall(child, "inbox", "read", id) == "0\n"
    assert livewall(child, "inbox", "block", id) == f"{name} is blocked\n"
    assert livewall(child, "inbox").endswith("\tblocked\n")
    assert livewall(child, "inbox", "block", id, "--off") == f"{name} may write\n"
    assert json.loads(livewall(child, "inbox", "--json"))[0]["blocked"] is False
    child.host("DELETE", f"/api/rooms/ops/people/{person}/messages")
    assert livewall(child, "inbox", "show", id, "--last", "1") == "4\t\t(erased)\n"


def test_one_s_own_messages_are_followed(child: Server) -> None:
    livewall(child, "room", "create", "ops", "Operations")
    voter = child.voter()
    person = child.ask("POST", "/api/rooms/ops/messages", {"text": "hello"}, token=voter)[1]["from"]
    variables = environment(child.home) | {"LIVEWALL_URL": child.url, "LIVEWALL_TOKEN": voter}
    command = [LIVEWALL, "watch", "inbox/me"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        lines = (json.loads(line) for line in watching.stdout)
        assert next(lines) == {"stream": "inbox/me", "reset": True} and next(lines)["synced"]
        livewall(child, "inbox", "send", "ops", person, "psst")
        message = next(lines)
        assert message["stream"] == "inbox/me" and message["data"]["text"] == "psst"
        watching.terminate()
