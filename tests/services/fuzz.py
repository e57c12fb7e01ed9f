"""`make fuzz`: schemathesis reads the API's description and sends a real server what it says, and what it does not.

Usage: python fuzz.py SCHEMATHESIS [SECONDS]. Two passes: as admin over everything, as a voter over ballots.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from child_server import Server

PIPELINE = """[params.word]
type = "string"
default = "hello"
[[steps]]
name = "say"
run = ["echo", "{params.word}"]
"""
SECONDS = 150
CONFIG = Path(__file__).with_name("fuzz.toml")


def passes(server: Server, seconds: int) -> list[tuple[str, str, list[str]]]:
    """Whose pass it is, its token, and what it tests for how long."""
    ballots = ["--include-path-regex", "/ballot$"]
    return [
        ("admin", server.admin, ["--exclude-path-regex", "/ballot$", "--max-time", str(seconds * 4 // 5)]),
        ("voter", server.voter(), [*ballots, "--max-time", str(seconds // 5)]),
    ]


def furnish(server: Server) -> None:
    """One of everything, so that lists are not empty."""
    wall = server.host("POST", "/api/walls", {"title": "W"})["code"]
    server.vote(server.poll(wall=wall))
    server.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}], "id": "t1"})


def main(schemathesis: str, seconds: int = SECONDS) -> int:
    with tempfile.TemporaryDirectory(prefix="livewall-fuzz-") as folder:
        home = Path(folder)
        (home / "pipelines").mkdir()
        (home / "pipelines" / "say.toml").write_text(PIPELINE)
        server = Server(home, "--pipelines", str(home / "pipelines"))
        server.start()
        worst = 0
        try:
            furnish(server)
            for whose, token, options in passes(server, seconds):
                print(f"== as {whose}", flush=True)
                command = [
                    schemathesis,
                    "--config-file",
                    str(CONFIG),
                    "run",
                    f"{server.url}/api/openapi.json",
                    "--checks",
                    "all",
                    "--continue-on-failure",
                    "--warnings",
                    "off",
                    "--header",
                    f"Authorization: Bearer {token}",
                    *options,
                ]
                worst = max(worst, subprocess.run(command, cwd=folder, check=False).returncode)
        finally:
            server.stop()
        odd = server.odd_lines()
        print(*odd, sep="\n")
        return worst or int(bool(odd))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *(int(each) for each in sys.argv[2:])))
