"""The installed `livewall` against a real server: what it prints, and how it ends."""

import json
import os
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from children import LIVEWALL, ServerProcess, environment, free_port, quiet

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ServerProcess(tmp_path_factory.mktemp("cli"), "--rate-limits", "off")
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def poll(server):
    return server.run("poll", "create", "Who?", "Clinton", "Dole", "--open").strip()


def voter(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_a_wall_is_created_listed_and_shows_its_links(server):
    wall = server.json("wall", "create", "Town hall")
    assert len(wall["code"]) == 6
    assert wall["links"]["screen"].endswith(f"/w/{wall['code']}/screen")
    assert wall["code"] in server.run("wall", "list")


def test_in_a_pipe_a_new_wall_is_its_code(server):
    code = server.run("wall", "create", "Town hall").strip()
    assert server.run("wall", "activate", code, "--none").strip() == code


def test_activating_puts_a_poll_on_the_screen_and_adds_it_where_it_is_new(server, poll):
    code = server.json("wall", "create", "Stage")["code"]
    wall = server.json("wall", "activate", code.lower(), poll)
    assert wall["active"] == f"polls/{poll}"
    assert wall["items"] == [f"polls/{poll}"]
    assert server.json("wall", "activate", code, "--none")["active"] is None


def test_a_poll_is_copied_and_a_receipt_is_checked(server, poll, tmp_path):
    said = server.run("vote", poll, "Dole", **voter(tmp_path))
    receipt = said.split("receipt ")[1].partition(",")[0]
    assert server.run("poll", "receipt", poll, receipt.lower()).split("\t") == ["2", "Dole\n"]
    assert server.json("poll", "receipt", poll, receipt)["choices"] == ["2"]
    copy = server.run("poll", "duplicate", poll).strip()
    assert copy != poll and server.json("poll", "open", copy)["title"] == "Who?"


def test_a_poll_with_codes(server, tmp_path):
    wall = server.run("wall", "create", "Assembly").strip()
    poll = server.run("poll", "create", "Budget?", "Yes", "No", "--wall", wall, "--codes", "--open").strip()
    assert server.json("wall", "codes", wall)["made"] == 0
    codes = [line.split("\t") for line in server.run("wall", "codes", wall.lower(), "--count", "3").splitlines()]
    assert [id for id, _ in codes] == ["1", "2", "3"]
    assert "not valid" in server.run("vote", poll, "Yes", "--code", "NOPE", status=1, **voter(tmp_path))
    told = server.run("vote", poll, "Yes", status=1, **voter(tmp_path))
    assert "needs a code" in told and "--code" in told
    receipt = server.json("vote", poll, "Yes", "--code", codes[0][1].lower(), **voter(tmp_path))["receipt"]
    assert server.json("vote", poll, "No", **voter(tmp_path))["receipt"] == receipt
    assert "was used" in server.run("vote", poll, "No", "--code", codes[0][1], "--as", "b", status=1, **voter(tmp_path))
    again = server.json("wall", "codes", wall, "--replace", "1")
    assert again["ids"] == ["1"] and again["codes"] != [codes[0][1]]
    assert server.run("wall", "codes", wall, "--revoke", "2").strip() == "Code 2 is revoked."
    assert server.run("wall", "codes", wall).strip() == "3 created, 0 used, 2 not used yet"
    server.run("poll", "create", "?", "A", "B", "--codes", status=2)


def test_a_poll_goes_through_its_phases(server, tmp_path):
    id = server.run("poll", "create", "Lunch?", "Soup", "Salad").strip()
    assert server.json("poll", "open", id)["phase"] == "open"
    server.run("vote", id, "Soup", **voter(tmp_path))
    assert server.json("poll", "close", id)["phase"] == "closed"
    assert server.json("poll", "publish", id)["published"] is True
    assert server.json("poll", "publish", id, "--withdraw")["published"] is False
    assert server.json("poll", "results", id)["counts"] == {"1": 1, "2": 0}
    assert server.run("poll", "results", id) == "1\t1\tSoup\n2\t0\tSalad\n"
    again = server.json("poll", "reset", id)
    assert (again["round"], again["phase"]) == (2, "draft")


def test_resetting_a_named_round_twice_resets_once(server):
    id = server.run("poll", "create", "Lunch?", "Soup", "Salad", "--open").strip()
    server.run("poll", "close", id)
    assert server.json("poll", "reset", id, "--round", "1")["round"] == 2
    assert server.json("poll", "reset", id, "--round", "1")["round"] == 2


def test_polls_are_listed_one_a_line_in_a_pipe(server, poll):
    rows = [line.split("\t") for line in server.run("poll", "list").splitlines()]
    assert [poll, "open", "1", "", "Who?"] in rows


def test_every_option_of_a_poll_reaches_the_server(server):
    made = server.json(
        *("poll", "create", "Which two?", "A", "B", "C", "--multi", "--max-choices", "2"),
        *("--results", "after_close", "--final", "--closes-in", "600", "--open"),
    )
    assert (made["kind"], made["max_choices"], made["results"]) == ("multi", 2, "after_close")
    assert made["allow_change"] is False
    assert made["closes_at"]


def test_hidden_results_are_refused_to_the_audience(server):
    id = server.run("poll", "create", "Secret?", "A", "B", "--results", "on_publish", "--open").strip()
    elsewhere = {"LIVEWALL_DATA": str(server.home / "nowhere")}
    assert "may not see the results" in server.run("poll", "results", id, status=1, **elsewhere)


# Voting


def test_a_vote_by_label_prints_its_receipt(server, poll, tmp_path):
    said = server.run("vote", poll, "dole", **voter(tmp_path))
    assert said.startswith("Your ballot is in: Dole\nreceipt ")
    assert server.json("poll", "results", poll)["counts"] == {"1": 0, "2": 1}


def test_the_same_voter_votes_once_and_another_name_is_another_voter(server, poll, tmp_path):
    me = voter(tmp_path)
    first = server.json("vote", poll, "Dole", **me)
    assert server.json("vote", poll, "Dole", **me)["receipt"] == first["receipt"]
    server.run("vote", poll, "Clinton", **me)
    server.run("vote", poll, "Clinton", "--as", "ann", **me)
    assert server.json("poll", "results", poll)["counts"] == {"1": 2, "2": 0}


def test_the_voter_token_is_for_its_owner_only(server, poll, tmp_path):
    server.run("vote", poll, "Dole", **voter(tmp_path))
    file = tmp_path / "config" / "livewall" / "voters.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(json.loads(file.read_text())) == [server.url]


def test_votes_at_once_by_one_voter_are_one_ballot(server, poll, tmp_path):
    command = server.command("vote", poll, "Dole")
    env = server.client(**voter(tmp_path))
    votes = [subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) for _ in range(6)]
    assert [vote.wait(60) for vote in votes] == [0] * 6
    assert server.json("poll", "results", poll)["ballots"] == 1


def test_a_voter_the_server_no_longer_knows_becomes_a_new_one(server, poll, tmp_path):
    me = voter(tmp_path)
    server.run("vote", poll, "Dole", **me)
    file = tmp_path / "config" / "livewall" / "voters.json"
    file.write_text(json.dumps({server.url: {"": "v1.someone.else"}}))
    server.run("vote", poll, "Dole", **me)
    assert server.json("poll", "results", poll)["ballots"] == 2


def test_two_matches_are_a_usage_error_and_id_or_label_settles_it(server, tmp_path):
    id = server.run("poll", "create", "How many?", "2", "1", "--open").strip()
    me = voter(tmp_path)
    said = server.run("vote", id, "1", status=2, **me)
    assert "--id or --label" in said
    server.run("vote", id, "1", "--id", **me)
    assert server.json("poll", "results", id)["counts"] == {"1": 1, "2": 0}
    server.run("vote", id, "1", "--label", **me)
    assert server.json("poll", "results", id)["counts"] == {"1": 0, "2": 1}


def test_a_choice_that_is_none_names_those_there_are(server, poll, tmp_path):
    said = server.run("vote", poll, "Perot", status=2, **voter(tmp_path))
    assert "Clinton" in said and "Dole" in said


def test_a_wall_code_means_the_poll_on_its_screen(server, poll, tmp_path):
    code = server.json("wall", "create", "Stage")["code"]
    assert "No poll is on the screen" in server.run("vote", code, "Dole", status=1, **voter(tmp_path))
    server.run("wall", "activate", code, poll)
    assert server.json("vote", code, "Dole", **voter(tmp_path))["poll"] == poll


def test_a_link_says_which_server(server, poll, tmp_path):
    elsewhere = {"LIVEWALL_URL": f"http://127.0.0.1:{free_port()}"} | voter(tmp_path)
    assert server.json("vote", f"{server.url}/polls/{poll}", "Dole", **elsewhere)["poll"] == poll
    code = server.json("wall", "create", "Stage")["code"]
    server.run("wall", "activate", code, poll)
    for page in ("", "/screen"):
        assert server.json("vote", f"{server.url}/w/{code}{page}", "Dole", **elsewhere)["poll"] == poll


def test_a_closed_poll_refuses_with_its_code(server, poll, tmp_path):
    server.run("poll", "close", poll)
    assert "(closed)" in server.run("vote", poll, "Dole", status=1, **voter(tmp_path))


def test_two_choices_in_a_single_poll_are_refused(server, poll, tmp_path):
    assert "(invalid)" in server.run("vote", poll, "Dole", "Clinton", status=1, **voter(tmp_path))


def test_an_unknown_poll_is_refused(server, tmp_path):
    assert "(no_such_" in server.run("vote", "no-such-poll", "1", status=1, **voter(tmp_path))


def test_labels_cannot_turn_the_line_around(server, tmp_path):
    id = server.run("poll", "create", "Which?", "red\u202e", "blue", "--open").strip()
    said = server.run("vote", id, "1", "--id", **voter(tmp_path))
    assert said.startswith("Your ballot is in: red\\u202e\n")


# Access


def test_without_a_token_a_host_s_act_is_refused(server):
    said = server.run("wall", "create", "x", status=1, LIVEWALL_DATA=str(server.home / "nowhere"))
    assert "(unauthenticated)" in said and "--token" in said


def test_it_is_said_where_the_secret_was_looked_for(server, tmp_path):
    assert str(tmp_path) in server.run("login", "--data", str(tmp_path), status=1)
    (tmp_path / "secret").write_text(json.dumps({"admin": "another"}))
    said = server.run("login", "--data", str(tmp_path), status=1)
    assert "(bad_token)" in said and str(tmp_path) in said


@pytest.mark.parametrize("act", [("login",), ("wall", "create", "Town hall")])
def test_what_follows_serve_at_once_waits_for_it(tmp_path, act):
    starting = ServerProcess(tmp_path)
    env = environment(tmp_path) | {"LIVEWALL_PORT": str(starting.port), "LIVEWALL_DATA": str(starting.data)}
    process = subprocess.Popen([LIVEWALL, "serve"], env=env, stderr=subprocess.DEVNULL)
    try:
        done = subprocess.run([LIVEWALL, *act], env=env, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_who_waits_says_so(server):
    url = f"http://127.0.0.1:{free_port()}"
    said = server.run("vote", "x", "1", "--wait", "2", "--url", url, status=3)
    assert f"waiting for {url} (ends after 2 s)" in said


def test_options_that_look_the_same_are_refused(server):
    said = server.run("poll", "create", "Lunch?", "Soup", "soup\u200b", "Salad", status=1)
    assert "options 1 and 2 look the same" in said


def test_a_ballot_and_an_abstention_are_typed_in_either_form(server):
    poll = server.run("poll", "create", "Where?", "cafe\u0301", "bar", "--abstain", "café", "--open").strip()
    options = server.json("poll", "show", poll)["options"]
    assert options == [{"id": "1", "label": "cafe\u0301", "abstain": True}, {"id": "2", "label": "bar"}]
    assert "cafe\u0301" in server.run("vote", poll, "CAFÉ")


def test_a_token_is_made_listed_used_and_revoked(server):
    made = server.json("token", "create", "host", "the stage")
    nowhere = {"LIVEWALL_DATA": str(server.home / "nowhere")}
    server.run("wall", "list", LIVEWALL_TOKEN=made["token"], **nowhere)
    assert "the stage" in server.run("token", "list")
    assert made["token"] not in server.run("token", "list")
    server.run("token", "revoke", made["id"])
    assert "(bad_token)" in server.run("wall", "list", status=1, LIVEWALL_TOKEN=made["token"], **nowhere)


def test_login_prints_a_link_that_signs_in(server):
    link = server.run("login", "--role", "host").strip()
    assert link.startswith(f"{server.url}/login/")


def test_login_prints_a_qr_code_when_asked(server):
    assert len(server.run("login", "--qr").splitlines()) > 10


# Reporting


def test_a_task_reported_step_by_step_ends(server):
    task = server.run("report", "--new", "Release", "--step", "build", "--step", "upload:build").strip()
    server.run("report", task, "build", "running", "--progress", "0.4", "--message", "compiling")
    server.run("report", task, "build", "succeeded")
    assert server.json("report", task, "upload", "succeeded")["state"] == "succeeded"
    lines = watched(server, f"tasks/{task}")
    assert lines["task"]["state"] == "succeeded"
    assert lines["step/build"]["state"] == "succeeded"


def test_making_a_task_twice_under_one_id_makes_one(server):
    for _ in range(2):
        made = server.run("report", "--new", "Nightly", "--step", "run", "--id", "nightly-7")
        assert made == "nightly-7\n"


def watched(server, stream):
    """The newest of each key in a snapshot of `livewall watch`."""
    held = {}
    with subprocess.Popen(
        server.command("watch", stream), env=server.client(), stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            message = json.loads(line)
            if "key" in message:
                held[message["key"]] = message["data"]
            if message.get("synced"):
                process.terminate()
                return held
    raise AssertionError("the stream ended before it was synced")


# How it ends


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("vote",),
        ("vote", "poll"),
        ("poll", "create", "title"),
        ("poll", "create", "title", "a", "--max-choices", "2"),
        ("wall", "activate", "CODE"),
        ("watch", "not-a-stream"),
        ("report", "task", "step", "on-fire"),
        ("serve", "--port", "70000"),
        ("serve", "--rate-limits", "maybe"),
        ("restore",),
        ("wall", "list", "--url", "ftp://x"),
    ],
)
def test_wrong_usage_ends_with_2(server, arguments):
    server.run(*arguments, status=2)


@pytest.mark.parametrize("arguments", [("poll", "list"), ("watch", "polls/x"), ("vote", "x", "1", "--wait", "0")])
def test_a_server_that_is_not_there_ends_with_3(server, arguments):
    url = f"http://127.0.0.1:{free_port()}"
    started = time.monotonic()
    said = server.run(*arguments, "--url", url, status=3)
    assert url in said and "LIVEWALL_URL" in said
    assert time.monotonic() - started < 20


def test_help_takes_well_under_a_second(server):
    """Of a processor: how long it took by the clock depends on who else was busy."""

    def help_takes():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        server.run("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(help_takes() for _ in range(3)) < 0.8


def test_every_command_has_help(server):
    listed = server.run("--help").partition("Commands:")[2]
    for line in listed.strip().splitlines():
        server.run(line.split()[0], "--help")


def test_a_taken_port_is_said_so(server):
    done = subprocess.run(
        [LIVEWALL, "serve", "--port", str(server.port), "--data", str(server.home / "other")],
        env=quiet(environment(server.home)),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert str(server.port) in done.stderr and "Traceback" not in done.stderr


def test_server_py_is_livewall_serve_and_takes_its_options_from_the_environment(tmp_path):
    server = ServerProcess(tmp_path)
    env = environment(tmp_path) | {"LIVEWALL_PORT": str(server.port), "LIVEWALL_DATA": str(server.data)}
    process = subprocess.Popen([sys.executable, str(ROOT / "server.py")], env=env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not server.answers():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert os.listdir(server.data)
