"""`livewall backup`, `restore` and `recount` on a real data folder."""

import sqlite3
import stat

import pytest
from children import ServerProcess


@pytest.fixture
def server(tmp_path):
    server = ServerProcess(tmp_path, "--rate-limits", "off")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def poll(server):
    poll = server.run("poll", "create", "Who?", "Clinton", "Dole", "--open").strip()
    server.run("vote", poll, "Dole")
    return poll


def test_a_backup_of_a_running_server_is_restored(server, poll, tmp_path):
    file = tmp_path / "copy.db"
    server.run("backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    server.run("vote", poll, "Dole", "--as", "later")
    assert "Another server" in server.run("restore", str(file), status=1)
    server.stop()
    server.run("restore", str(file))
    server.start()
    assert server.json("poll", "results", poll)["ballots"] == 1


def test_a_backup_does_not_overwrite(server, poll, tmp_path):
    file = tmp_path / "copy.db"
    file.write_text("precious")
    server.run("backup", str(file), status=1)
    assert file.read_text() == "precious"


def test_what_is_no_backup_is_not_restored(server, poll, tmp_path):
    server.stop()
    file = tmp_path / "letter.txt"
    file.write_text("Dear madam, dear sir, " * 100)
    assert "not a backup" in server.run("restore", str(file), status=1)
    server.start()
    assert server.json("poll", "results", poll)["ballots"] == 1


def test_a_folder_put_back_as_a_whole_is_marked(server, poll):
    server.stop()
    server.run("restore", "--in-place")
    server.start()
    assert server.json("poll", "results", poll)["ballots"] == 1


def test_a_data_folder_that_is_not_there_is_said_so(server, tmp_path):
    said = server.run("backup", str(tmp_path / "x.db"), "--data", str(tmp_path / "nowhere"), status=1)
    assert "no data folder" in said
    assert not (tmp_path / "nowhere").exists()


def test_a_recount_agrees_while_the_server_runs(server, poll):
    assert server.run("recount", poll).splitlines() == [
        "1\t1\t0\t0\tagree\tClinton",
        "1\t2\t1\t1\tagree\tDole",
        "1\tballots\t1\t1\tagree\t",
    ]
    assert server.json("recount", poll)["agree"] is True


def test_a_recount_finds_a_count_that_was_tampered_with(server, poll):
    server.stop()
    tamper(server)
    assert "differ from those of the ballots" in server.run("recount", poll, status=1)


def tamper(server):
    database = sqlite3.connect(server.data / "livewall.db")
    database.execute("DELETE FROM ballots")
    database.commit()
    database.close()


def test_a_recount_of_no_poll_is_refused(server):
    assert "takes a poll's ID" in server.run("recount", "none", status=1)


def test_a_recount_leaves_an_empty_folder_empty(server, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no database" in server.run("recount", "none", "--data", str(tmp_path / "empty"), status=1)
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_that_cannot_be_one_is_said_so(server, tmp_path):
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "data")
    for arguments in (
        ("serve", "--port", "0"),
        ("restore", "--in-place"),
        ("backup", str(tmp_path / "x")),
        ("recount", "x"),
    ):
        assert folder in server.run(*arguments, "--data", folder, status=1)


def test_what_is_printed_can_be_left_in_a_file_instead(server, poll, tmp_path):
    for command in (["poll", "ballots", poll], ["poll", "picture", poll], ["completion", "bash"]):
        file = tmp_path / "out" / command[-2]
        file.parent.mkdir(exist_ok=True)
        file.write_text("of yesterday")
        assert server.run(*command, "--output", str(file)) == ""
        assert file.read_text() == server.run(*command) == server.run(*command, "--output", "/dev/stdout")
    said = server.run("poll", "ballots", poll, "--output", str(tmp_path / "nowhere" / "b.csv"), status=1)
    assert "b.csv cannot be written" in said
    assert "--export" in server.run("poll", "results", poll, "--output", str(tmp_path / "r"), status=2)
