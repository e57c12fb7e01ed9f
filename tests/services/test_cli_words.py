"""What the command line makes of words and shows of states; no server."""

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from livewall.cli.exit_status import say
from livewall.cli.output import bar, json_text, plain
from livewall.cli.report import parse_step
from livewall.cli.task_tree import in_order
from livewall.cli.vote import advice
from livewall.cli.vote import vote as vote_command
from livewall.cli.watch_view import allot_rows, picture, stream_view
from livewall.client.ballots import looks_like_code
from livewall.client.calls import server_url
from livewall.client.choices import NoSuchChoice, match
from livewall.client.stream_state import StreamState
from livewall.client.voters import Voters

OPTIONS = [{"id": "1", "label": "2"}, {"id": "2", "label": "Dole"}, {"id": "3", "label": "dole"}]


def test_a_choice_is_an_id_or_a_label():
    assert match("3", OPTIONS, None)["id"] == "3"
    assert match("Dole", OPTIONS, None)["id"] == "2"
    assert match("1", OPTIONS, None)["id"] == "1"


def test_a_label_that_is_also_another_option_s_id_needs_a_word():
    with pytest.raises(NoSuchChoice) as problem:
        match("2", OPTIONS, None)
    assert "--id or --label" in advice(problem.value)
    assert match("2", OPTIONS, "id")["id"] == "2"
    assert match("2", OPTIONS, "label")["id"] == "1"


def test_case_matters_only_where_it_must():
    assert match("DOLE", OPTIONS[1:2], None)["id"] == "2"
    with pytest.raises(NoSuchChoice, match="more than one"):
        match("DOLE", OPTIONS, None)


def test_options_of_one_name_need_an_id():
    with pytest.raises(NoSuchChoice) as problem:
        match("A", [{"id": "1", "label": "A"}, {"id": "2", "label": "A"}], None)
    assert "give an id" in advice(problem.value)


def test_an_option_whose_id_and_label_are_the_same_is_one_match():
    assert match("a", [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}], None)["id"] == "a"


@pytest.mark.parametrize(("arguments", "by"), [([], None), (["--id"], "id"), (["--label"], "label")])
def test_by_default_a_choice_may_be_either(arguments, by):
    context = vote_command.make_context("vote", ["poll", "choice", *arguments])
    assert context.params["by"] == by


@pytest.mark.parametrize("code", ["K7M2QD", "k7m2qd"])
def test_six_characters_may_be_a_wall(code):
    assert looks_like_code(code)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://wall:8888/", "http://wall:8888"),
        ("wall:8888", "http://wall:8888"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_server_s_address_is_made_whole(text, url):
    assert server_url(text) == url


@pytest.mark.parametrize("text", ["", "ftp://wall", "http://", "http://wall:port", "http://wall/w/K7M2QD"])
def test_what_is_no_server_s_address_is_refused(text):
    with pytest.raises(ValueError, match="not the address"):
        server_url(text)


def test_a_step_names_what_it_waits_for():
    assert parse_step("upload:build,test") == {"name": "upload", "needs": ["build", "test"]}
    assert parse_step("build") == {"name": "build", "needs": []}


def test_steps_stand_below_what_they_need():
    steps = [{"name": "c", "needs": ["b"]}, {"name": "b", "needs": ["a"]}, {"name": "a", "needs": []}]
    assert [step["name"] for step in in_order(steps)] == ["a", "b", "c"]


def test_text_of_others_is_one_line_with_its_control_characters_as_escapes():
    assert plain("a\nb\t\x1b[31mc\u202e") == r"a b \x1b[31mc\u202e"
    assert plain("\x9b2J \x7f") == r"\x9b2J \x7f"
    assert plain("a\u200bb\xad\ufeff\u2060\u3164") == r"a\u200bb\xad\ufeff\u2060\u3164"
    assert plain("\u200dad\u200cmin\u200d\u200d") == r"\u200dad\u200cmin\u200d\u200d", "nothing is joined here"


@pytest.mark.parametrize(
    "text", ["👨\u200d👩\u200d👧", "❤\ufe0f", "❤\ufe0f\u200d🔥", "می\u200cخواهم", "क्\u200dष", "e\u0301"]
)
def test_joiners_and_marks_that_belong_to_a_script_stay(text):
    assert plain(text) == text


def test_json_holds_no_control_characters_and_means_the_same():
    value = {"title": "a\x1b]0;b\x07\x9b2J\x7f\u202e\u2028\ud800", "list": ["é", 1]}
    text = json_text(value, indent=2)
    assert json.loads(text) == value | {"title": value["title"].replace("\ud800", "\ufffd")}
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "é" in text
    assert "\n" not in json_text({"a": "b\nc"})


def test_a_message_to_the_person_cannot_steer_the_terminal(capsys):
    say("no pipeline \x1b[2J\r\nlivewall: all is well")
    assert capsys.readouterr().err == "livewall: no pipeline \\x1b[2J livewall: all is well\n"


def test_a_bar_is_as_long_as_its_share():
    assert bar(10, 10, 4) == "████"
    assert bar(5, 10, 4) == "██"
    assert bar(1, 10, 4) == "▍"
    assert bar(0, 10, 4) == bar(0, 0, 4) == ""


# Pictures


def drawn(held):
    out = io.StringIO()
    Console(file=out, width=80).print(stream_view(held))
    return out.getvalue()


def held(stream, **entries):
    reader = StreamState(stream)
    reader.entries, reader.synced = entries, True
    return reader


POLL = {"title": "Who?", "options": [{"id": "1", "label": "Clinton"}], "round": 1, "phase": "open"}


def test_a_poll_is_drawn_with_its_counts():
    shown = drawn(held("polls/x", poll=POLL, tally={"round": 1, "counts": {"1": 3}, "ballots": 3}))
    assert "Who?" in shown and "█" in shown and "3 ballots · round 1 · open" in shown


def test_a_poll_without_its_tally_is_drawn_with_its_turnout():
    shown = drawn(held("polls/x", poll=POLL, turnout={"round": 1, "ballots": 3}))
    assert "█" not in shown and "3 ballots" in shown


def test_a_draft_is_said_to_be_one():
    assert "not open yet" in drawn(held("polls/x"))


def test_a_task_is_drawn_with_a_shape_and_a_word_for_each_state():
    step = {"name": "build", "needs": [], "state": "running", "progress": 0.4, "message": "compiling"}
    shown = drawn(held("tasks/9", task={"id": "9", "title": "Release", "state": "running"}, **{"step/build": step}))
    assert "◐ running" in shown and "40%" in shown and "compiling" in shown


def test_what_is_not_known_yet_is_drawn_anyway():
    assert "something" in drawn(held("new/ops", something={"new": 1}))


def pictured(*streams, width=40, height=24, titles=None):
    subscription = SimpleNamespace(
        held={each.stream: each for each in streams}, live=True, transport="websocket", state_since=0, problem=""
    )
    out = io.StringIO()
    Console(file=out, width=width, height=height).print(picture(subscription, 0, titles))
    return out.getvalue().splitlines()


def lunch(number, options=3):
    labels = [f"Soup of the day, number {index}" for index in range(options)]
    listed = [{"id": str(index), "label": label} for index, label in enumerate(labels, 1)]
    tally = {"round": 1, "counts": {"1": 7, "2": 3}, "ballots": 10}
    return held(f"polls/{number}", poll=POLL | {"title": f"Lunch {number}?", "options": listed}, tally=tally)


def test_a_narrow_terminal_does_not_tear_labels_apart():
    lines = pictured(lunch(1))
    assert len(lines) <= 2 + 3 * 2 + 1
    assert all(len(line) <= 40 for line in lines)
    assert any("Soup of the day" in line for line in lines) and any("█" in line for line in lines)


def test_a_narrow_terminal_shows_what_a_step_says_below_its_name():
    step = {"name": "upload-foyer", "needs": [], "state": "running", "progress": 0.4, "message": "copying to foyer-3"}
    task = {"id": "9", "title": "Release", "state": "running"}
    lines = pictured(held("tasks/9", task=task, **{"step/upload-foyer": step}))
    assert len(lines) <= 5 and any("copying to foyer-3" in line for line in lines)


def test_of_several_streams_something_of_each_is_shown():
    lines = pictured(*[lunch(number, options=12) for number in range(5)])
    assert len(lines) < 24
    for number in range(5):
        assert any(f"Lunch {number}?" in line for line in lines)
    lines = pictured(*[lunch(number) for number in range(60)])
    assert len(lines) < 24 and any("more streams" in line for line in lines)


def test_rows_are_shared_as_fairly_as_can_be():
    assert allot_rows([3, 20, 20], 23) == [3, 10, 10]
    assert allot_rows([3, 4], 23) == [3, 4]


def test_a_wall_is_drawn_with_the_titles_of_its_items():
    wall = held(
        "walls/K7M2QD", wall={"code": "K7M2QD", "title": "Hall", "items": ["polls/x", "tasks/9"], "active": "polls/x"}
    )
    lines = pictured(wall, titles={"polls/x": "Who gets your vote?"})
    assert any("▶" in line and "Who gets your vote?" in line and "polls/x" in line for line in lines)
    assert any("tasks/9" in line for line in lines)


# The voter tokens of a user


def test_a_token_is_kept_for_each_server_and_name(tmp_path):
    voters = Voters(tmp_path)
    assert voters.token("http://a") is None
    voters.save("http://a", "", "t1")
    voters.save("http://a", "ann", "t2")
    voters.save("http://b", "", "t3")
    assert [voters.token("http://a"), voters.token("http://a", "ann"), voters.token("http://b")] == ["t1", "t2", "t3"]


def test_whoever_comes_second_uses_the_token_of_the_first(tmp_path):
    voters = Voters(tmp_path)
    assert voters.save("http://a", "", "t1") == "t1"
    assert voters.save("http://a", "", "t2") == "t1"
    assert voters.save("http://a", "", "t3", instead_of="t1") == "t3"


def test_a_damaged_file_is_not_overwritten(tmp_path):
    (tmp_path / "voters.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        Voters(tmp_path).save("http://a", "", "t")
    assert (tmp_path / "voters.json").read_text() == "{"


def test_private_messages_are_shown_by_who_wrote_them():
    message = {"n": 1, "from": "a", "name": "Happy Otter", "text": "psst"}
    conversation = {"id": "c1", "room": "ops", "with": {"name": "Happy Otter"}, "unread": 1, "messages": 2}
    shown = drawn(held("inbox/me", **{"message/c1/1": message, "conversation/c1": conversation}))
    assert "Happy Otter  psst" in shown and "1 of 2 messages unread  ops" in shown


def test_a_room_is_shown_by_its_newest_messages():
    messages = {
        f"message/{n}": {"n": n, "name": "Ann", "role": "", "text": f"line {n}", "at": "2026-01-01T09:30:00.000Z"}
        for n in range(1, 31)
    }
    messages["message/30"] = {"n": 30, "withdrawn": "host", "at": "2026-01-01T09:31:00.000Z"}
    shown = drawn(held("rooms/ops", room={"title": "Operations", "closed": True}, **messages))
    assert "Operations (closed)" in shown and "line 29" in shown and "line 5" not in shown
    assert "09:31" in shown and "withdrawn" in shown


def test_questions_are_shown_in_the_order_of_the_screen():
    def asked(n, state, votes):
        return {"n": n, "state": state, "votes": votes, "text": f"Question {n}?"}

    entries = {
        "question/1": asked(1, "shown", 2),
        "question/2": asked(2, "shown", 5),
        "question/3": asked(3, "pinned", 1),
    }
    shown = drawn(held("questions/K7M2QD", questions={"open": True, "count": 3}, **entries))
    assert "3 questions, open" in shown
    assert shown.index("Question 3?") < shown.index("Question 2?") < shown.index("Question 1?")
