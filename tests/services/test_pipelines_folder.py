"""The folder of pipelines: what comes, changes, breaks and goes is noticed; and `livewall pipeline check`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from children import LIVEWALL, ServerProcess, environment
from test_git_steps import Repository

from livewall.errors import NotFound
from livewall.tasks.pipelines import pipeline, watched_folder
from livewall.tasks.pipelines.watched_folder import Pipelines
from livewall.toml_lines import Path as TomlPath
from livewall.toml_problems import TomlFault

STEP = '[[steps]]\nname = "{name}"\nrun = ["true"]\n'


def text(*names: str) -> str:
    return "".join(STEP.format(name=name) for name in names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pipelines"
    made.mkdir()
    return made


@pytest.fixture
def found(folder: Path) -> Pipelines:
    return Pipelines(folder)


def names(found: Pipelines) -> list[str]:
    return [item.name for item in found.list()]


def test_without_a_folder_there_are_none() -> None:
    found = Pipelines(None)
    assert not found.refresh()
    assert found.list() == []
    with pytest.raises(NotFound):
        found.get("build")


def test_a_file_is_noticed_when_it_comes_changes_and_goes(folder: Path, found: Pipelines) -> None:
    assert not found.refresh()
    (folder / "build.toml").write_text(text("a"))
    assert found.refresh() and not found.refresh()
    first = found.get("build")
    (folder / "build.toml").write_text(text("a", "b"))
    assert found.refresh()
    assert [step.name for step in first.steps] == ["a"], "who has it keeps it"
    assert [step.name for step in found.get("build").steps] == ["a", "b"]
    (folder / "build.toml").unlink()
    assert found.refresh() and names(found) == []
    with pytest.raises(NotFound, match="no pipeline build"):
        found.get("build")


def test_a_file_over_which_the_checks_stumble_keeps_no_other_from_running(
    folder: Path,
    found: Pipelines,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    expected_logs: list[str],
) -> None:
    expected_logs.append("the pipeline bad could not be checked")

    key_lines = pipeline.key_lines

    def stumble(text: str) -> dict[TomlPath, int]:
        if "stumble" in text:
            raise AssertionError("a bug")
        return key_lines(text)

    monkeypatch.setattr(pipeline, "key_lines", stumble)
    (folder / "bad.toml").write_text(text("stumble"))
    (folder / "good.toml").write_text(text("a"))
    assert found.refresh() and names(found) == ["bad", "good"]
    assert found.list()[0].errors[0].reason == "the file could not be checked because of an error of the server"
    assert "AssertionError: a bug" in caplog.text


def test_a_change_that_leaves_size_and_times_alike_is_noticed(folder: Path, found: Pipelines) -> None:
    file = folder / "build.toml"
    file.write_text(text("a"))
    found.refresh()
    status = file.stat()
    file.write_text(text("b"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    found.refresh()
    assert found.get("build").steps[0].name == "b"


def test_a_file_that_did_not_change_is_not_read_again(
    folder: Path, found: Pipelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "build.toml").write_text(text("a"))
    monkeypatch.setattr(watched_folder, "_TIMESTAMP_GRANULARITY", -1)  # as if time had passed since it was written
    found.refresh()
    first = found.get("build")
    monkeypatch.setattr(watched_folder, "read", None)
    found.refresh()
    assert found.get("build") is first


def test_a_broken_file_does_not_take_the_others_down(folder: Path, found: Pipelines) -> None:
    (folder / "good.toml").write_text(text("a"))
    (folder / "bad.toml").write_text("title = 3\n" + text("a"))
    found.refresh()
    assert msgspec.to_builtins(found.list()) == [
        {
            "name": "bad",
            "title": "bad",
            "params": [],
            "steps": [],
            "errors": [{"file": "bad.toml", "line": 1, "reason": "title must be text, not a number"}],
        },
        {"name": "good", "title": "good", "params": [], "steps": [{"name": "a", "needs": []}], "errors": []},
    ]
    for _ in range(2):
        with pytest.raises(TomlFault, match=r"bad\.toml:1"):
            found.get("bad")
    (folder / "bad.toml").write_text(text("a"))
    found.refresh()
    assert found.get("bad").title == "bad"


def test_parameters_are_listed_with_all_they_say(folder: Path, found: Pipelines) -> None:
    (folder / "build.toml").write_text("[params.n]\ntype = 'integer'\nchoices = [1, 2]\n" + text("a"))
    found.refresh()
    assert msgspec.json.decode(msgspec.json.encode(found.list()[0].params)) == [
        {"name": "n", "type": "integer", "default": None, "pattern": None, "choices": [1, 2]}
    ]


def test_what_is_no_pipeline_is_left_out(folder: Path, found: Pipelines, tmp_path: Path) -> None:
    (folder / "README.md").write_text("x")
    (folder / ".hidden.toml").write_text(text("a"))
    (folder / "build.toml~").write_text(text("a"))
    (folder / "folder.toml").mkdir()
    os.mkfifo(folder / "pipe.toml")
    (folder / "nowhere.toml").symlink_to(tmp_path / "not-there")
    (tmp_path / "elsewhere.txt").write_text(text("a"))
    (folder / "linked.toml").symlink_to(tmp_path / "elsewhere.txt")
    found.refresh()
    assert names(found) == ["linked"]


def test_a_file_whose_name_is_no_name_is_shown_as_wrong(folder: Path, found: Pipelines) -> None:
    (folder / "a b.toml").write_text(text("a"))
    with open(os.fsencode(folder) + b"/\xff.toml", "w") as file:
        file.write(text("a"))
    found.refresh()
    assert names(found) == ["a b", "\N{REPLACEMENT CHARACTER}"]
    assert all("not the name of a pipeline" in item.errors[0].reason for item in found.list())


def test_a_folder_that_goes_away_is_told_once_and_found_again(
    folder: Path, found: Pipelines, expected_logs: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "build.toml").write_text(text("a"))
    found.refresh()
    expected_logs.append("cannot be read")
    folder.rename(folder.with_name("away"))
    assert found.refresh() and not found.refresh()
    assert len(caplog.records) == 1
    folder.with_name("away").rename(folder)
    assert found.refresh() and names(found) == ["build"]


def check(folder: Path, *files: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [LIVEWALL, "pipeline", "check", *files]
    env = environment(folder) | variables
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_the_command_says_ok_or_every_problem_with_file_and_line(folder: Path) -> None:
    (folder / "good.toml").write_text(text("a", "b"))
    (folder / "bad.toml").write_text("title = 3\n" + text("a") + "retries = -1\n")
    done = check(folder, "good.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good.toml: ok, 2 steps\n", "")
    done = check(folder, "good.toml", "bad.toml", "none.toml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "good.toml: ok, 2 steps",
        "bad.toml:1: title must be text, not a number",
        "bad.toml:5: retries must be at least 0 and at most 100",
        "none.toml:1: the file cannot be read: no such file or directory",
    ]
    assert check(folder).returncode == 2


def test_the_command_refuses_a_secret_that_cannot_be_masked(folder: Path) -> None:
    (folder / "deploy.toml").write_text('secrets = ["DEPLOY_KEY", "ELSEWHERE"]\n' + text("a"))
    assert check(folder, "deploy.toml").returncode == 0
    assert check(folder, "deploy.toml", DEPLOY_KEY="long enough").returncode == 0
    done = check(folder, "deploy.toml", DEPLOY_KEY="xyz")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("deploy.toml:1: the value of DEPLOY_KEY in the environment has fewer than")
    assert "xyz" not in done.stdout


def test_the_command_takes_a_byte_order_mark_and_notes_what_no_shell_will_replace(folder: Path) -> None:
    (folder / "a.toml").write_bytes(b"\xef\xbb\xbf" + b'[[steps]]\nname = "a"\nrun = ["echo", "$HOME"]\n')
    done = check(folder, "a.toml")
    assert (done.returncode, done.stdout.splitlines()) == (
        0, ["a.toml:3: note: no shell reads run: $HOME is passed on unchanged", "a.toml: ok, 1 step"]
    )  # fmt: skip
    (folder / "b.toml").write_text(text("b") + 'env = { PATH = "/opt/bin:$PATH" }\n')
    done = check(folder, "b.toml")
    assert done.returncode == 1 and done.stdout.startswith("b.toml:4: $PATH is not replaced in env")


def test_the_server_says_at_the_start_which_secret_cannot_be_masked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "deploy.toml").write_text('secrets = ["DEPLOY_KEY"]\n' + text("a"))
    monkeypatch.setenv("DEPLOY_KEY", "xyz")
    server = ServerProcess(tmp_path, "--pipelines", str(folder))
    server.start()
    assert server.stop() == 0
    log = server.log.read_text()
    assert "the pipeline deploy is refused: deploy.toml:1: the value of DEPLOY_KEY" in log and "xyz" not in log


def test_the_command_lists_what_the_server_has_with_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    (folder / "good.toml").write_text("title = 'All good'\n[params.ref]\ndefault = 'x'\n" + text("a", "b"))
    (folder / "bad.toml").write_text("title = 3\nconcurrency = 0\n" + text("a"))
    repository = Repository(tmp_path / "far")
    repository.commit("one", "Begin \x1b[31mhere")
    (folder / "release.toml").write_text(
        f"""params.ref.type = "git_ref"
[[steps]]
name = "a"
git = {{ repository = "{repository.bare}", ref = "{{params.ref}}" }}
"""
    )
    server = ServerProcess(tmp_path, "--pipelines", str(folder))
    server.start()
    try:
        assert server.run("pipeline", "list").splitlines() == [
            "bad\t0\t\tbad.toml:1: title must be text, not a number (and 1 more)",
            "good\t2\tref\tAll good",
            "release\t1\tref\trelease",
        ]
        assert [item["name"] for item in server.json("pipeline", "list")] == ["bad", "good", "release"]
        lines = server.run("pipeline", "refs", "release", "begin").splitlines()
        assert [line.split("\t")[1] for line in lines] == ["branch", "commit"] and lines[0].startswith("main\t")
        assert server.json("pipeline", "refs", "release", "zzz", "--param", "ref") == []
    finally:
        assert server.stop() == 0


def test_the_command_checks_webhooks_without_showing_their_addresses(folder: Path) -> None:
    hook = '[[webhooks]]\nurl = "https://chat.example.org/SeCrEt"\non = ["failed"]\nsecret = "HOOK_KEY"\n'
    (folder / "a.toml").write_text(text("a") + hook)
    done = check(folder, "a.toml", HOOK_KEY="long enough")
    assert (done.returncode, done.stdout) == (0, "a.toml: ok, 1 step\n")
    done = check(folder, "a.toml")
    assert done.returncode == 0 and "note: the environment of this command has no HOOK_KEY" in done.stdout
    (folder / "a.toml").write_text(text("a") + hook.replace("https://", "https://lin:SeCrEt@"))
    done = check(folder, "a.toml", HOOK_KEY="long enough")
    assert done.returncode == 1 and "url must not contain a user or a password" in done.stdout
    assert "SeCrEt" not in done.stdout + done.stderr
