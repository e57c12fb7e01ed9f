"""What a host does from the command line, against a real server, and being asked before something is lost."""

import os
import pty
import subprocess

import pytest
from children import LIVEWALL, ServerProcess, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ServerProcess(tmp_path_factory.mktemp("acts"), "--rate-limits", "off")
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def poll(server):
    return server.run("poll", "create", "Who?", "Clinton", "Dole", "--open").strip()


def asked(server, answer, *arguments):
    """The exit status, and what stands on the terminal, when somebody answers the question."""
    terminal, child = pty.openpty()
    process = subprocess.Popen(server.command(*arguments), env=server.client(), stdin=child, stdout=child, stderr=child)
    os.close(child)
    said = b""
    try:
        while b"?" not in said:
            said += os.read(terminal, 4096)
        os.write(terminal, answer)
        while part := os.read(terminal, 4096):
            said += part
    except OSError:  # the terminal is gone with its last user
        pass
    status = process.wait(30)
    os.close(terminal)
    return status, said.decode()


def test_the_rules_of_a_poll_are_given_shown_and_changed(server):
    made = server.json(
        *("poll", "create", "The budget?", "Yes", "No", "--abstain", "Abstention"),
        *("--quorum", "3", "--majority", "2/3", "--compare"),
    )
    assert (made["quorum"], made["majority"], made["compare"]) == (3, "2/3", True)
    assert made["options"][2] == {"id": "3", "label": "Abstention", "abstain": True}
    shown = server.run("poll", "show", made["id"]).splitlines()
    assert {"title\tThe budget?", "phase\tdraft", "quorum\t3", "abstain\t3 Abstention"} <= set(shown)
    changed = server.json(
        *("poll", "edit", made["id"], "--title", "Again?", "--quorum", "none", "--majority", "none", "--no-compare"),
        *("--final", "--closes-in", "60", "--results", "after_close"),
    )
    assert not {"quorum", "majority", "compare"} & changed.keys() and changed["title"] == "Again?"
    assert changed["allow_change"] is False and changed["results"] == "after_close"
    more = server.json("poll", "edit", made["id"], "--option", "A", "--option", "B", "--multi", "--abstain", "B")
    assert more["kind"] == "multi" and [option["label"] for option in more["options"]] == ["A", "B"]
    assert "what to change" in server.run("poll", "edit", made["id"], status=2)


def test_time_is_given_to_an_open_poll(server, poll):
    assert server.json("poll", "timer", poll, "--left", "600")["closes_at"]
    assert "until 20" in server.run("poll", "timer", poll, "--add", "60")
    assert server.json("poll", "timer", poll, "--none")["closes_at"] is None
    server.run("poll", "timer", poll, status=2)
    server.run("poll", "close", poll)
    server.run("poll", "timer", poll, "--add", "60", status=1)


def test_results_are_hidden_while_voting_goes_on_and_shown_again(server, poll):
    audience = {"LIVEWALL_DATA": str(server.home / "nowhere")}
    server.run("poll", "results", poll, **audience)
    server.run("poll", "publish", poll)
    hidden = server.json("poll", "hide", poll)
    assert (hidden["results"], hidden["published"], hidden["phase"]) == ("on_publish", False, "open")
    assert server.run("poll", "hide", poll).endswith("open, round 1, result hidden\n")
    server.run("poll", "results", poll, status=1, **audience)
    server.run("poll", "publish", poll)
    server.run("poll", "results", poll, **audience)
    assert server.json("poll", "withdraw", poll)["published"] is False


def test_rounds_replay_ballots_and_pictures_come_out(server, poll):
    server.run("vote", poll, "Dole", "--as", "a")
    server.run("poll", "close", poll)
    server.run("poll", "reset", poll)
    server.run("poll", "open", poll)
    server.run("vote", poll, "Clinton", "--as", "a")
    lines = ["1\t1\t0\tClinton", "1\t2\t1\tDole", "2\t1\t1\tClinton", "2\t2\t0\tDole"]
    assert server.run("poll", "rounds", poll).splitlines() == lines
    assert server.run("poll", "results", poll, "--rounds").splitlines() == lines
    assert [tally["ballots"] for tally in server.json("poll", "rounds", poll)["items"]] == [1, 1]
    assert server.json("poll", "results", poll, "--export")["rounds"][0]["counts"] == {"1": 0, "2": 1}
    assert server.json("poll", "replay", poll, "--round", "1")["items"][-1]["ballots"] == 1
    assert len(server.run("poll", "ballots", poll).splitlines()) == 3
    assert server.run("poll", "picture", poll, "--dark").startswith("<svg")
    assert server.run("poll", "picture", poll, "--race", "--round", "1").startswith("<svg")


def test_a_ballot_is_taken_back(server, poll):
    assert "no voter for this server" in server.run("vote", poll, "--retract", "--as", "nobody", status=1)
    server.run("vote", poll, "Dole", "--as", "b")
    assert server.run("vote", poll, "--retract", "--as", "b") == "Your ballot was retracted.\n"
    assert server.run("vote", poll, "--retract", "--as", "b") == "You have no ballot in round 1.\n"
    assert server.json("vote", poll, "--retract", "--as", "b")["receipt"] is None
    assert server.json("poll", "results", poll)["ballots"] == 0
    server.run("vote", poll, "Dole", "--retract", status=2)


def test_erasing_needs_a_yes_and_is_said(server, poll):
    server.run("vote", poll, "Dole", "--as", "c")
    server.run("poll", "close", poll)
    assert "--yes" in server.run("poll", "erase", poll, status=2)
    status, said = asked(server, b"n\n", "poll", "erase", poll)
    assert status == 1 and "Erase the ballots of Who?" in said and "Nothing was done" in said
    assert len(server.run("poll", "ballots", poll).splitlines()) == 2
    status, said = asked(server, b"y\n", "poll", "erase", poll)
    assert status == 0 and "ballots erased" in said
    assert len(server.run("poll", "ballots", poll).splitlines()) == 1
    assert server.json("poll", "erase", poll, "--yes")["erased_at"]
    said = server.run("recount", poll, status=1)
    assert "round 1 were erased at 20" in said and "nothing left to count" in said
    server.run("poll", "open", poll, status=1)


def test_a_poll_is_archived_and_put_back(server, poll):
    assert "--yes" in server.run("poll", "archive", poll, status=2)
    assert server.json("poll", "archive", poll, "--yes") == {}
    server.run("poll", "show", poll, status=1)
    assert server.json("poll", "restore", f"polls/{poll}")["id"] == poll


def test_a_wall_is_shown_changed_and_taken_away(server, poll):
    code = server.run("wall", "create", "Hall").strip()
    other = server.run("poll", "create", "Lunch?", "Soup", "Salad", "--wall", code).strip()
    first, second = f"polls/{poll}", f"polls/{other}"
    assert server.json("wall", "edit", code.lower(), "--title", "Hall 2", "--add", poll)["items"] == [second, first]
    assert server.json("wall", "edit", code, "--order", poll)["items"] == [first, second]
    shown = server.run("wall", "show", code).splitlines()
    assert {"title\tHall 2", f"item\t{first}", f"item\t{second}"} <= set(shown)
    assert server.json("wall", "edit", code, "--remove", other)["items"] == [first]
    assert server.json("wall", "show", code)["links"]["host"].endswith(f"/w/{code}/host")
    assert server.json("wall", "health", code)["screens"] == []
    server.run("poll", "close", poll)
    assert server.run("wall", "results", code).splitlines() == [f"{poll}\t1\t0\tClinton", f"{poll}\t2\t0\tDole"]
    server.run("wall", "edit", code, status=2)
    server.run("wall", "edit", code, "--remove", "polls/none", status=2)
    assert "--yes" in server.run("wall", "archive", code, status=2)
    assert server.run("wall", "archive", code, "--yes") == f"{code} archived\n"
    server.run("wall", "show", code, status=1)


def test_codes_have_commands_of_their_own(server):
    code = server.run("wall", "create", "Assembly").strip()
    made = server.run("wall", "codes", "make", code.lower(), "--count", "3").splitlines()
    assert [line.split("\t")[0] for line in made] == ["1", "2", "3"]
    assert server.run("wall", "codes", code) == "3 created, 0 used, 3 not used yet\n"
    assert server.run("wall", "codes", "list", code).splitlines() == ["3\tnew", "2\tnew", "1\tnew"]
    server.run("wall", "codes", "revoke", code, "1", status=2)
    server.run("wall", "codes", "replace", code, "2", status=2)
    assert server.run("wall", "codes", "revoke", code, "1", "--yes") == "Code 1 is revoked.\n"
    assert server.json("wall", "codes", "replace", code, "2", "--yes")["ids"] == ["2"]
    assert [each["revoked"] for each in server.json("wall", "codes", "list", code)] == [False, False, True]


def test_a_task_is_shown_and_its_log_searched(server):
    task = server.run("report", "--new", "Release", "--step", "build").strip()
    command = server.command("report", task, "build", "--log", "-")
    subprocess.run(command, env=server.client(), input=b"one\nError: two\n", check=True)
    server.run("report", task, "build", "failed", "--message", "no")
    assert server.run("task", "show", task) == "build\tfailed\tno\n"
    assert server.json("task", "show", task)["state"] == "failed"
    assert server.run("task", "search", task, "build", "error") == "2\tError: two\n"
    assert server.run("task", "search", task, "build", "error", "--case") == ""


# What the shell completes


def completed(server, words, **more):
    """What bash would be offered after these words, the last of them begun."""
    given = {"COMP_WORDS": f"livewall {words}", "COMP_CWORD": str(words.count(" ") + 1)}
    given["_LIVEWALL_COMPLETE"] = "bash_complete"
    done = subprocess.run([LIVEWALL], env=server.client(**given, **more), capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_and_options_are_completed(server):
    assert completed(server, "po") == ["poll"]
    assert {"open", "close", "timer", "erase"} <= set(completed(server, "poll "))
    assert "--majority" in completed(server, "poll create --ma")
    assert completed(server, "poll create --majority 2") == ["2/3"]


def test_polls_and_walls_of_the_server_are_completed(server, poll):
    assert poll in completed(server, "poll close ")
    assert completed(server, f"poll close {poll[:15]}") == [poll]
    code = server.run("wall", "create", "Completed").strip()
    assert code in completed(server, "wall show ")


def test_without_a_server_nothing_is_offered_and_nothing_said(server):
    nowhere = {"LIVEWALL_URL": f"http://127.0.0.1:{free_port()}"}
    assert completed(server, "poll close ", **nowhere) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how(server, shell):
    assert f"_LIVEWALL_COMPLETE={shell}_complete" in server.run("completion", shell)
