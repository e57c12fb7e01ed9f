"""Questions from a file: imported, exported, checked by the installed `livewall`."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from children import ServerProcess
from proxy import Proxy

STRANGE = Path(__file__).resolve().parents[1] / "decks" / "strange.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ServerProcess(tmp_path_factory.mktemp("decks"), "--rate-limits", "off")
    server.start()
    yield server
    assert server.stop() == 0


def run(server, *arguments, given=b"", **more):
    return subprocess.run(
        server.command(*arguments), input=given, capture_output=True, env=server.client(**more), timeout=60
    )


def test_a_deck_is_imported_and_exported_byte_for_byte(server):
    code = server.run("wall", "create", "Everything strange: <all> of *it*").strip()
    ids = server.run("poll", "import", str(STRANGE), "--wall", code.lower()).split()
    assert [f"polls/{id}" for id in ids] == server.json("wall", "activate", code, "--none")["items"]
    assert run(server, "poll", "export", code).stdout == STRANGE.read_bytes()
    copy = server.run("wall", "duplicate", code).strip()
    assert copy != code and run(server, "poll", "export", copy).stdout == STRANGE.read_bytes()


def test_a_deck_comes_through_a_pipe_and_once_under_one_id(server):
    code = server.run("wall", "create", "W").strip()
    import_ = ("poll", "import", "-", "--wall", code, "--id", "mine")
    first, again = (run(server, *import_, given=b"Lunch?\r\n* Soup\r\n* Salad\r\n") for _ in range(2))
    assert first.returncode == again.returncode == 0 and first.stdout == again.stdout
    assert run(server, "poll", "export", code).stdout == b"# W\n\n## Lunch?\n\n- Soup\n- Salad\n"
    assert server.json("poll", "export", code) == {"deck": "# W\n\n## Lunch?\n\n- Soup\n- Salad\n"}


def test_a_deck_whose_answer_was_lost_is_there_once(server):
    code = server.run("wall", "create", "W").strip()

    async def lossy():
        async with Proxy(server.port) as proxy:
            proxy.lose_answers = 2
            import_ = ("poll", "import", str(STRANGE), "--wall", code)
            return await asyncio.to_thread(run, server, *import_, LIVEWALL_URL=proxy.url), proxy.requests

    done, requests = asyncio.run(lossy())
    assert done.returncode == 0 and len(requests) == 3
    items = server.json("wall", "activate", code, "--none")["items"]
    assert [f"polls/{id}" for id in done.stdout.decode().split()] == items and len(items) == 12


def test_what_is_wrong_with_a_deck_is_told_by_file_and_line_without_a_server(server, tmp_path):
    file = tmp_path / "deck.md"
    file.write_text("## One\n- A\nreslts: live\n## Two\n")
    nowhere = {"LIVEWALL_URL": "http://127.0.0.1:1"}
    for rest in (("--check",), ("--wall", "K7M2QD")):
        assert server.run("poll", "import", str(file), *rest, status=1, **nowhere).splitlines() == [
            f"{file}:3: there is no setting 'reslts'; did you mean 'results'?",
            f"{file}:4: this has no options: write each on a line of its own below it, `- ` before it",
        ]
    assert server.run("poll", "import", str(STRANGE), "--check", **nowhere) == f"{STRANGE}: ok, 12 polls\n"
    assert server.json("poll", "import", str(STRANGE), "--check", **nowhere) == {"polls": 12}


def test_how_an_import_ends(server, tmp_path):
    server.run("poll", "import", str(STRANGE), status=2)
    server.run("poll", "import", str(STRANGE), "--check", "--wall", "K7M2QD", status=2)
    assert "cannot be read" in server.run("poll", "import", str(tmp_path / "none.md"), "--check", status=1)
    assert "there is no wall" in server.run("poll", "import", str(STRANGE), "--wall", "ZZZZZZ", status=1).lower()
    (tmp_path / "large.md").write_bytes(b"x" * (1 << 20 | 1))
    assert "at most 1,048,576 bytes" in server.run("poll", "import", str(tmp_path / "large.md"), "--check", status=1)
    nowhere = ("--wait", "0", "--url", "http://127.0.0.1:1")
    server.run("poll", "import", str(STRANGE), "--wall", "K7M2QD", *nowhere, status=3)


def test_what_a_file_has_that_is_not_kept_is_said(server, tmp_path):
    file = tmp_path / "questions.gift"
    file.write_text("Which is red? {=Rose ~Grass}")
    done = run(server, "poll", "import", str(file), "--check")
    assert (done.returncode, done.stdout) == (0, f"{file}: ok, 1 poll\n".encode())
    assert b"not imported" in done.stderr
    file.write_bytes(b"PK\x03\x04")
    done = run(server, "poll", "import", str(file), "--check")
    assert done.returncode == 1 and f"{file}:1: this packed file is damaged".encode() in done.stderr
