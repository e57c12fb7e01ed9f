"""Pipelines: what a file may say, and what is said of one that is wrong."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.errors import LivewallError
from livewall.tasks.kinds import RunSpec, Values, kinds
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef, checked, load, parse
from livewall.toml_file import LARGEST
from livewall.toml_problems import TomlFault

BUILD = """
title = "Build"                      # build.toml
concurrency = 1
secrets = ["DEPLOY_KEY"]             # names of environment variables of the server
[params.ref]
type = "string"                      # string, integer, number, boolean
default = "main"
pattern = "[A-Za-z0-9._/-]+"         # the whole value must match; or choices = […]
[[steps]]
name = "fetch"
run = ["git", "clone", "--depth=1", "--branch", "{params.ref}", "--", "repo.git", "src"]
timeout = 600                        # seconds
[[steps]]
name = "compile"
needs = ["fetch"]
run = ["make", "-C", "src", "V={steps.fetch.version}"]
retries = 2
retry_delay = 5
env = { CC = "gcc", REF = "{params.ref}" }
cwd = "{params.ref}"
when = "{params.ref} == main"        # one comparison
"""
STEP = '[[steps]]\nname = "a"\nrun = ["true"]\n'
HTTP = '[[steps]]\nname = "a"\n'
CELERY = 'secrets = ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"]\n' + HTTP
POLL = HTTP + "[steps.gate]\n"
ASKED = "poll.title = 'T'\npoll.options = ['a', 'b']\npoll.passes = 'a'\n"


def faults(text: str, name: str = "build") -> list[tuple[int, str]]:
    with pytest.raises(TomlFault) as raised:
        parse(text, name, f"{name}.toml")
    assert raised.value.code == "invalid"
    assert {problem.file for problem in raised.value.problems} == {f"{name}.toml"}
    return [(problem.line, problem.reason) for problem in raised.value.problems]


def test_everything_a_file_may_say_is_read() -> None:
    found = parse(BUILD, "build", "build.toml")
    assert (found.name, found.title, found.concurrency) == ("build", "Build", 1)
    assert found.secrets == ("DEPLOY_KEY",)
    assert [(p.name, p.type, p.default, p.pattern) for p in found.params] == [
        ("ref", "string", "main", "[A-Za-z0-9._/-]+")
    ]
    assert found.steps[1] == StepDef(
        name="compile", kind="run", needs=("fetch",), when="{params.ref} == main", retries=2, retry_delay=5.0,
        body={
            "argv": ["make", "-C", "src", "V={steps.fetch.version}"], "cwd": "{params.ref}",
            "env": {"CC": "gcc", "REF": "{params.ref}"},
        },
    )  # fmt: skip


def test_a_step_is_filled_into_a_command() -> None:
    step = parse(BUILD, "build", "build.toml").steps[1]
    spec = kinds()[step.kind].spec(step.body, Values({"ref": "-x; {params.ref}"}, {"fetch": {"version": "7"}}))
    assert spec == RunSpec(
        argv=["make", "-C", "src", "V=7"],
        cwd="-x; {params.ref}",
        env={"CC": "gcc", "REF": "-x; {params.ref}"},
        folder="{params.ref}",
    )


def test_an_http_step_is_filled_into_the_input_of_its_program() -> None:
    text = f"{HTTP}http = {{ url = 'http://{{params.host}}/up', status = 204, contains = '{{params.host}}' }}\n"
    step = parse("params.host = {}\n" + text, "build", "build.toml").steps[0]
    spec = kinds()["http"].spec(step.body, Values({"host": "a{params.host}"}, {}))
    assert spec.input == {
        "url": "http://a{params.host}/up", "contains": "a{params.host}", "status": [204], "every": 2.0, "within": 60.0,
        "follow": False, "cacert": None, "proxy": None,
    }  # fmt: skip
    assert "params" not in " ".join(spec.argv) and spec.program == "livewall's http_check"


def test_the_arguments_of_a_celery_step_are_filled_however_deep_they_are() -> None:
    text = "celery = { task = 't', args = ['{params.a}', 3, true], kwargs = { x = [{ y = '{params.a}' }] } }"
    step = parse("params.a = {}\n" + CELERY + text, "build", "build.toml").steps[0]
    spec = kinds()["celery"].spec(step.body, Values({"a": "{params.a}'"}, {}))
    assert spec.input == {
        "task": "t", "args": ["{params.a}'", 3, True], "kwargs": {"x": [{"y": "{params.a}'"}]}, "queue": None,
        "broker": "CELERY_BROKER_URL", "backend": "CELERY_RESULT_BACKEND", "terminate": False,
    }  # fmt: skip


def test_an_address_in_the_place_of_a_variable_is_refused_and_not_repeated() -> None:
    text = f"{CELERY}celery = {{ task = 't', broker = 'redis://:secret@host/0' }}"
    with pytest.raises(TomlFault) as fault:
        parse(text, "build", "build.toml")
    assert "broker must be the name of a variable of the server" in str(fault.value)
    assert "redis" not in str(fault.value)


def test_it_comes_back_from_json_as_it_was() -> None:
    numbers = '[params.n]\ntype = "number"\ndefault = 3\nchoices = [3, 4.5]\n[params.b]\ntype="boolean"\ndefault=true\n'
    for text in (BUILD, numbers + STEP):
        found = parse(text, "build", "build.toml")
        assert msgspec.json.decode(msgspec.json.encode(found), type=Pipeline) == found


def test_without_a_title_it_has_its_name() -> None:
    assert parse(STEP, "v1.2_x", "v1.2_x.toml").title == "v1.2_x"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "needs steps"),
        ("steps = []", 1, "needs steps"),
        ("a = \n" + STEP, 1, "this is not TOML: Invalid value"),
        (STEP + "run = 1\n", 4, "this is not TOML: Cannot overwrite a value"),
        ("x = [\n1,\n\n", 2, "this is not TOML"),
        ("\nx = " + "1" * 5_000 + "\n" + STEP, 2, "too many digits"),
        ("x = " + "[" * 5_000 + "]" * 5_000, 1, "nested too deeply"),
        ("title = 'T'\n" + ".".join(["a"] * 50_000) + " = 1", 2, "a key has at most 100 parts"),
        ("[" + " . ".join(['"a"'] * 9_000) + "]", 1, "a key has at most 100 parts"),
        ("[[steps]]\nname = 'a'\nrun = ['x', []]\n", 3, "an argument"),
        ("titel = 'x'\n" + STEP, 1, "a pipeline has no key 'titel'; did you mean title?"),
        ("title = 3\n" + STEP, 1, "title must be text, not a number"),
        ("title = '''a\nb'''\n" + STEP, 1, "one line"),
        ("title = ' '\n" + STEP, 1, "one line"),
        ("concurrency = 0\n" + STEP, 1, "concurrency must be at least 1"),
        ("concurrency = true\n" + STEP, 1, "concurrency must be a whole number, not true or false"),
        ("concurrency = 1.0\n" + STEP, 1, "concurrency must be a whole number, not 1.0"),
        ("timeout = 60\n" + STEP, 1, "a pipeline has no key 'timeout'"),
        (STEP + "timeout = 0\n", 4, "timeout must be above 0"),
        (STEP + "timeout = nan\n", 4, "timeout must be above 0"),
        (STEP + "timeout = 1979-05-27\n", 4, "timeout must be a number, not a date"),
        ("secrets = 'X'\n" + STEP, 1, "secrets must be a list"),
        ("secrets = [\n'OK',\n'a b']\n" + STEP, 3, "'a b' is not the name of a variable"),
        ("secrets = ['PATH']\n" + STEP, 1, "PATH cannot be a secret"),
        ("secrets = ['A', 'A']\n" + STEP, 1, "listed twice"),
        ("params = 3\n" + STEP, 1, "params must be tables"),
        ("[params.ref]\ntyp = 'string'\n" + STEP, 2, "did you mean type?"),
        ("[params.ref]\ntype = 'strin'\n" + STEP, 2, "did you mean string?"),
        ("[params.ref]\ntype = ['string']\n" + STEP, 2, "type must be one of"),
        ("[params.'a b']\n" + STEP, 1, "'a b' is not the name of a parameter"),
        ("params.ref = 'main'\n" + STEP, 1, "a parameter is a table"),
        ("[params.ref]\npattern = '('\n" + STEP, 2, "not a regular expression: missing )"),
        ("[params.ref]\npattern = '[[:alpha:]]'\n" + STEP, 2, "not a regular expression: Possible nested set"),
        ("[params.n]\ntype = 'integer'\npattern = '1'\n" + STEP, 3, "pattern is for strings"),
        ("[params.ref]\npattern = 'a+'\ndefault = 'b'\n" + STEP, 3, "the default must match a+"),
        ("[params.n]\ntype = 'integer'\ndefault = '1'\n" + STEP, 3, "default must be a whole number, not '1'"),
        ("[params.n]\ntype = 'integer'\ndefault = 1.0\n" + STEP, 3, "default must be a whole number"),
        ("[params.n]\nchoices = []\n" + STEP, 2, "choices must be a list of 1 to 500"),
        ("[params.n]\nchoices = ['a',\n1]\n" + STEP, 3, "a choice must be text, not a number"),
        ("[params.n]\nchoices = ['a', 'a']\n" + STEP, 2, "listed twice"),
        ("[params.n]\nchoices = ['a']\ndefault = 'b'\n" + STEP, 3, "the default must be a"),
        ("[params.n]\nchoices = ['a', 'b']\npattern = 'a'\n" + STEP, 2, "the choice b must match a"),
        ("[steps.a]\nrun = ['true']\n", 1, "each begun by [[steps]]"),
        ("[[steps]]\nrun = ['true']\n", 1, "the step has no name"),
        ("[[steps]]\nname = 'a b'\nrun = ['true']\n", 2, "'a b' is not the name of a step"),
        ("[[steps]]\nname = 7\nrun = ['true']\n", 2, "'7' is not the name of a step"),
        ("[[steps]]\nname = 'a'\n", 1, 'the step does nothing: give it a command, such as run = ["make", "-C", "src"]'),
        (STEP + "need = []\n", 4, "a step has no key 'need'; did you mean needs?"),
        ("[[steps]]\nname = 'a'\nrun = 'make all'\n", 3, "run must be a list of arguments, [\"command\""),
        ("[[steps]]\nname = 'a'\nrun = []\n", 3, "run must not be empty"),
        ("[[steps]]\nname = 'a'\nrun = ['']\n", 3, "the command must not be empty"),
        ("[[steps]]\nname = 'a'\nrun = ['x',\n3]\n", 4, "an argument must be text, not a number"),
        ("[[steps]]\nname = 'a'\nrun = ['x',\n\"\\u0000\"]\n", 4, "NUL"),
        (STEP + "env = 'X=1'\n", 4, "env must be a table"),
        (STEP + "env = { 'A=B' = 'x' }\n", 4, "'A=B' is not the name of a variable"),
        (STEP + "[steps.env]\nX = 1\n", 5, "the variable X must be text, not a number"),
        (STEP + "env.LIVEWALL_TOKEN = 'x'\n", 4, "LIVEWALL_TOKEN is set by Livewall"),
        (STEP + "cwd = ''\n", 4, "cwd must not be empty"),
        (STEP + "timeout = '5'\n", 4, "timeout must be a number, not text"),
        (STEP + "retries = -1\n", 4, "retries must be at least 0"),
        (STEP + "retry_delay = -1\n", 4, "retry_delay must be at least 0"),
        (STEP + "when = 'main'\n", 4, "when must be one comparison"),
        (STEP + "needs = 'b'\n", 4, "needs must be a list"),
        (STEP + "needs = [\n'fetsch']\n" + STEP.replace('"a"', '"fetch"'), 5, "not a step; did you mean fetch?"),
        (STEP + "needs = ['b', 'b']\n" + STEP.replace('"a"', '"b"'), 4, "a needs b twice"),
        (STEP + "needs = ['a']\n", 4, "cycle: a → a"),
        (STEP + STEP, 5, "there are two steps a"),
        (STEP.replace("true", "{params.ref}"), 3, "{params.ref} is not a parameter of this pipeline"),
        (STEP + "when = '{params.ref} == a'\n", 4, "{params.ref} is not a parameter"),
        (STEP + "env = { X = '{steps.b.x}' }\n", 4, "{steps.b.x}: there is no such step"),
        (STEP + "cwd = '{steps.b.x}'\n" + STEP.replace('"a"', '"b"'), 4, "a does not need b"),
        (STEP + "cwd = '{steps.a.x}'\n", 4, "a does not need a"),
        (HTTP + "http = 'x'\n", 3, 'http must be a table, such as { url = "http://'),
        (HTTP + "http = { url = 'http://x', satus = 1 }\n", 3, "http has no key 'satus'; did you mean status?"),
        (HTTP + "[steps.http]\nevery = 2\n", 3, "http needs a url"),
        (HTTP + "[steps.http]\nurl = 'ftp://x'\n", 4, "url must begin with http:// or https://"),
        (HTTP + "[steps.http]\nurl = 'http://x'\nstatus = '200'\n", 5, "status must be a whole number, not text"),
        (HTTP + "[steps.http]\nurl = 'http://x'\nstatus = [\n200,\n99]\n", 7, "status must be at least 100"),
        (HTTP + "[steps.http]\nurl = 'http://x'\nevery = 0\n", 5, "every must be at least 0.1"),
        (HTTP + "[steps.http]\nurl = 'http://x'\nfollow = 1\n", 5, "follow must be true or false, not a number"),
        (HTTP + "http = { url = 'http://{params.host}/' }\n", 3, "{params.host} is not a parameter"),
        (HTTP + "celery = 'x'\n", 3, 'celery must be a table, such as { task = "shop.tasks.reindex"'),
        (CELERY + "celery = { args = [] }\n", 4, "celery needs a task"),
        (CELERY + "celery = { task = 't', ags = [] }\n", 4, "celery has no key 'ags'; did you mean args?"),
        (CELERY + "celery = { task = 't', args = 'x' }\n", 4, 'args must be a list, such as ["a", 1], not text'),
        (CELERY + "celery = { task = 't', kwargs = [] }\n", 4, "kwargs must be a table, such as { full = true }, not"),
        (CELERY + "celery = { task = 't', args = [2026-01-01] }\n", 4, "an argument must be text, a number, true"),
        (CELERY + "celery = { task = 't', args = [[nan]] }\n", 4, "a number that JSON has"),
        (CELERY + "celery = { task = 't', terminate = 1 }\n", 4, "terminate must be true or false, not a number"),
        (CELERY + "celery = { task = 't', args = ['{params.x}'] }\n", 4, "{params.x} is not a parameter"),
        (CELERY + "celery = { task = 't', backend = 'OTHER' }\n", 4, "celery needs OTHER (backend) from the server"),
        (HTTP + "celery = { task = 't' }\n", 3, "celery needs CELERY_BROKER_URL (broker) and CELERY_RES"),
        (HTTP + "git = 'x'\n", 3, 'git must be a table, such as { repository = "/srv/git/site.git" }'),
        (HTTP + "git = { ref = 'main' }\n", 3, "git needs a repository"),
        (HTTP + "git = { repository = 'ext::sh -c x' }\n", 3, "names a remote helper"),
        (HTTP + "git = { repository = '/x', submodules = 1 }\n", 3, "submodules must be true or false"),
        ("params.r.type = 'git_ref'\n" + STEP, 1, "r is a git_ref, so a step needs git"),
        ("params.r.type = 'git_ref'\n" + HTTP + "git = { repository = '/x', ref = 'v{params.r}' }\n", 1, "r is a "),
        (HTTP + "gate = 'Lin'\n", 3, 'gate must be a table, such as { approvers = ["Lin", "role:host"] }'),
        (HTTP + "gate = { within = 5 }\n", 3, "gate needs approvers: 1 to 100 names or roles"),
        (HTTP + "gate = { approvers = ['a', 'a'] }\n", 3, "the approver a is listed twice"),
        (HTTP + "gate = { approvers = ['role:hots'] }\n", 3, "'hots' is not a role"),
        (HTTP + "gate = { approvers = ['host'] }\n", 3, "'host' is not a name; write role:host"),
        (HTTP + "gate = { approvers = ['Role: admin'] }\n", 3, "'Role: admin' is not a name; write role:admin"),
        (HTTP + "gate = { approvers = ['a'], otherwise = 'failed' }\n", 3, "otherwise has no effect without within"),
        (HTTP + "gate = { approvers = ['a'], within = 1, otherwise = 'lost' }\n", 3, "otherwise must be one of failed"),
        (HTTP + "gate = { approvers = ['a'] }\nretries = 2\n", 4, "retries has no meaning for a step that runs no"),
        (HTTP + "gate = { approvers = ['{params.who}'] }\n", 3, "{params.who} is not a parameter"),
        (POLL + "approvers = ['a']\npoll.wall = 'W'\n" + ASKED, 4, "a gate has either approvers or a poll"),
        (POLL + "within = 5\npoll.wall = 'W'\n" + ASKED, 4, "within has no effect with a poll: closes_in of the poll"),
        (POLL + "otherwise = 'lost'\npoll.wall = 'W'\n" + ASKED, 4, "otherwise must be one of failed"),
        (POLL + "poll = 'Release?'\n", 4, "poll must be a table with wall, title, options and passes, not text"),
        (POLL + ASKED, 4, "a gate's poll needs the code of a wall: wall"),
        (POLL + "poll.wall = 7\n" + ASKED, 4, "wall must be text, not a number"),
        (POLL + "poll.wall = 'W'\npoll.options = ['Yes']\npoll.title = 'T'\n", 5, "a poll needs 2 to 40 options"),
        (POLL + "poll.wall = 'W'\npoll.options = ['Yes', '']\npoll.title = 'T'\n", 5, "an option must not be empty"),
        (POLL + "poll.wall = 'W'\npoll.options = ['Yes', ' ']\npoll.title = 'T'\n", 5, "an option must not be empty"),
        (POLL + "poll = { wall = 'W', title = 'T', options = ['a', 'A'], passes = 'a' }\n", 4, "1 and 2 look the same"),
        (POLL + "poll = { wall = 'W', title = 'T', options = ['a', 'b'] }\n", 4, "passes must be one of the options"),
        (POLL + "poll = { wall = 'W', title = 'T', options = ['A', 'b'], passes = 'a' }\n", 4, "the gate, not a"),
        (POLL + "poll.wall = 'W'\npoll.majority = '1/3'\n" + ASKED, 5, "majority must be one of 1/2, 2/3, 3/4, not"),
        (POLL + "poll.wall = 'W'\npoll.majority = ['1/2']\n" + ASKED, 5, "majority must be one of 1/2, 2/3, 3/4"),
        (POLL + "poll.wall = 'W'\npoll.quorum = 0\n" + ASKED, 5, "quorum must be at least 1"),
        (POLL + "poll.wall = 'W'\npoll.closes_in = 1.5\n" + ASKED, 5, "closes_in must be a whole number, not 1.5"),
        (POLL + "poll.wall = 'W'\npoll.results = 'hidden'\n" + ASKED, 5, "results must be one of live, after_vote, "),
        (POLL + "poll.wall = 'W'\npoll.assurance = 'codes'\n" + ASKED, 5, "assurance must be one of open, code"),
        (POLL + "poll.wall = 'W'\npoll.pases = 'a'\n" + ASKED, 5, "poll has no key 'pases'; did you mean passes?"),
        (POLL + "poll.wall = '{params.wall}'\n" + ASKED, 4, "{params.wall} is not a parameter"),
        (STEP + "http = { url = 'http://x' }\n", 1, "a step does one thing; it has run and http"),
        ("#" * LARGEST + "\n" + STEP, 1, "at most 256 KiB"),
        ("\n".join(STEP.replace('"a"', f'"s{n}"') for n in range(501)), 1, "at most 500 steps; these are 501"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    (found,) = faults(text)
    assert found[0] == line and said in found[1]


def test_a_cycle_is_reported_whole_where_it_begins() -> None:
    def step(name: str, need: str) -> str:
        return f'[[steps]]\nname = "{name}"\nneeds = ["{need}"]\nrun = ["true"]\n'

    ((line, reason),) = faults(step("a", "c") + step("b", "a") + step("c", "b"))
    assert reason in [f"the needs form a cycle: {way}" for way in ("a → b → c → a", "b → c → a → b", "c → a → b → c")]
    assert line == {"a": 3, "b": 7, "c": 11}[reason.split(": ")[1][0]]


def test_every_problem_is_found_at_once_in_the_order_of_the_lines() -> None:
    text = "titel = 'x'\nconcurrency = 0\n[params.ref]\ndefault = 3\n[[steps]]\nname = 'a b'\nrun = 'x'\ntimeout = -1\n"
    assert [line for line, _ in faults(text)] == [1, 2, 4, 6, 7, 8]


def test_no_more_than_a_hundred_problems_are_told() -> None:
    assert len(faults("".join(f"x{n} = 1\n" for n in range(500)) + STEP)) == 100


@pytest.mark.parametrize("name", ["a b", ".x", "", "x" * 81, "ä"])
def test_the_name_of_the_file_is_the_name_of_the_pipeline(name: str) -> None:
    ((line, reason),) = faults(STEP, name)
    assert line == 1 and "is not the name of a pipeline" in reason


def test_an_output_of_any_step_before_may_be_used() -> None:
    def step(number: int) -> str:
        needs, run = ([f"s{number - 1}"], ["{steps.s0.x}"]) if number else ([], ["x"])
        return f'[[steps]]\nname = "s{number}"\nneeds = {needs}\nrun = {run}\n'

    text = "".join(step(number) for number in range(500))
    assert len(parse(text, "long", "long.toml").steps) == 500
    turned = "".join(f"[[steps]]{part}" for part in reversed(text.split("[[steps]]")[1:]))
    assert len(parse(turned, "long", "long.toml").steps) == 500


def test_a_file_that_is_no_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "build.toml"
    file.write_bytes(STEP.encode() + b"# \xff\n")
    with pytest.raises(TomlFault) as raised:
        load(file, "x/build.toml")
    assert [str(problem) for problem in raised.value.problems] == ["x/build.toml:4: this is not UTF-8"]


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "build.toml"
    file.touch()
    os.truncate(file, 1 << 40)
    with pytest.raises(TomlFault, match="256 KiB"):
        load(file, "build.toml")


TOML = st.recursive(
    st.sampled_from(["1", "'x'", "true", "1.5", "nan", "1979-05-27", "'{params.x}'", "'{steps.a.b} == c'", "[]", "''"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        inner.map(lambda part: f"{{ x = {part}, name = 'a' }}"),
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["title", "concurrency", "secrets", "timeout", "params", "steps", "name", "run", "env", "cwd", "when", "needs",
     "retries", "type", "default", "pattern", "choices"]
)  # fmt: skip
TABLES = st.dictionaries(NAMES, TOML).map(lambda table: "".join(f"{key} = {value}\n" for key, value in table.items()))


@given(TABLES, st.lists(TABLES, max_size=3), TABLES)
def test_whatever_a_file_says_it_is_taken_or_refused_with_lines(top: str, steps: list[str], param: str) -> None:
    text = top + "".join(f"[[steps]]\n{step}" for step in steps) + f"[params.x]\n{param}"
    try:
        assert parse(text, "build", "build.toml").steps
    except TomlFault as fault:
        assert fault.problems
        assert all(1 <= problem.line <= text.count("\n") + 1 for problem in fault.problems)
        assert isinstance(fault, LivewallError)


def test_a_file_full_of_slips_is_refused_soon() -> None:
    needs = ", ".join(f'"stepp-{number}"' for number in range(30))
    text = "\n".join(f'[[steps]]\nname = "step-{number}"\nrun = ["true"]\nneeds = [{needs}]' for number in range(300))
    before = time.process_time()
    with pytest.raises(TomlFault) as refused:
        parse(text, "slips", "slips.toml")
    assert len(refused.value.problems) == 100
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "text",
    [
        "env = { PATH = '/opt/bin:$PATH' }", "env = { PATH = '/opt/bin:${PATH}' }", "env = { X = '~/x' }",
        "env = { PATH = '/opt/bin:~/bin' }", "env = { X = '$(date)' }", "env = { X = '`date`' }",
        "env = { PATH = '/opt/bin:{env.PATH}' }", "cwd = '$HOME/src'", "cwd = '~/src'", "cwd = '~lin'",
        "cwd = '${HOME}'",
    ],
)  # fmt: skip
def test_what_a_shell_would_replace_is_refused_where_none_reads_it(text: str) -> None:
    [(line, reason)] = faults(STEP + text + "\n")
    assert line == 4 and "is not replaced in" in reason and "no shell reads it" in reason


@pytest.mark.parametrize("command", ["$HOME/bin/tool", "~/bin/tool", "${TOOL}", "$(which make)"])
def test_a_command_that_a_shell_would_replace_is_refused(command: str) -> None:
    [(line, reason)] = faults(STEP.replace('"true"', f'"{command}"'))
    assert line == 3 and "is not replaced in the command" in reason


@pytest.mark.parametrize(
    "text",
    [
        "env = { X = 'a$', Y = '5 $', Z = 'a~b', W = 'https://x.example/~lin' }", "env = { X = '${params.x}' }",
        "cwd = 'a~'", "cwd = '{params.x}/src'",
    ],
)  # fmt: skip
def test_what_no_shell_would_replace_is_taken(text: str) -> None:
    assert parse("[params.x]\ndefault = '$HOME'\n" + STEP + text + "\n", "build", "build.toml").steps


@pytest.mark.parametrize(
    ("run", "notes"),
    [
        (["echo", "$HOME"], ["$HOME"]), (["cp", "~/x", "y"], ["~/x"]), (["ls", "|", "wc"], ["|"]),
        (["tool", ">", "log", "2>&1"], [">", "2>&1"]), (["tool", "a$HOME", "s/x$/y/", "~"], ["~"]),
        (["sh", "-c", "echo $HOME | wc"], []), (["/usr/bin/ssh", "host", "$HOME"], []), (["awk", "$NF"], []),
    ],
)  # fmt: skip
def test_an_argument_that_a_shell_would_replace_is_noted(run: list[str], notes: list[str]) -> None:
    text = f'[[steps]]\nname = "a"\nrun = {json.dumps(run)}\n'
    _, found = checked(text, "build", "build.toml")
    assert [note.reason for note in found] == [
        f"no shell reads run: {part} is passed on unchanged" for part in notes
    ] and all(note.line == 3 for note in found)


def test_a_byte_order_mark_is_taken_and_other_encodings_are_named(tmp_path: Path) -> None:
    file = tmp_path / "build.toml"
    file.write_bytes(b"\xef\xbb\xbf" + STEP.encode())
    assert load(file, "build.toml") == parse(STEP, "build", "build.toml")
    for encoding in ("utf-16", "utf-16-be"):
        mark = b"" if encoding == "utf-16" else b"\xfe\xff"
        file.write_bytes(mark + STEP.encode(encoding))
        with pytest.raises(TomlFault, match="this is UTF-16; save the file as UTF-8"):
            load(file, "build.toml")
