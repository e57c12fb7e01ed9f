"""`--config` and `livewall config`: which value holds, and whence it comes."""

import json
import os
import subprocess

import click
import pytest
from children import LIVEWALL, ServerProcess, environment
from click.testing import CliRunner

from livewall.cli import livewall
from livewall.cli.serve import serve
from livewall.settings import Settings


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    for name in [name for name in os.environ if name.startswith("LIVEWALL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "livewall.toml"
    made.write_text(
        'workers = 2\nport = 9000\ngather = 5\ntrusted_proxy = ["10.0.0.0/8"]\nadmin_token = "of-the-admin"\n'
    )
    made.chmod(0o600)
    return made


def settings(*arguments):
    """The settings that `livewall serve ARGUMENTS` would run with."""
    context = serve.make_context("serve", [str(each) for each in arguments])
    return Settings(**context.params)


def config(*arguments, status=0):
    done = CliRunner().invoke(livewall, ["config", *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done


def told(*arguments):
    """Each setting's value and origin, as `livewall config --json` tells them."""
    found = json.loads(config(*arguments, "--json").stdout)
    return {each["name"]: (each["value"], each["source"], each["where"]) for each in found["settings"]}


def test_the_file_goes_before_the_default_and_after_everything_else(file, monkeypatch):
    monkeypatch.setenv("LIVEWALL_PORT", "9001")
    monkeypatch.setenv("LIVEWALL_WORKERS", "3")
    found = settings("--config", file, "--workers", "4")
    assert (found.gather, found.port, found.workers, found.log_days) == (5.0, 9001, 4, 30)
    assert [str(network) for network in found.trusted_proxy] == ["10.0.0.0/8"]


def test_a_variable_can_name_the_file(file, monkeypatch):
    monkeypatch.setenv("LIVEWALL_CONFIG", str(file))
    assert settings().port == 9000


def test_no_file_is_looked_for_that_was_not_named(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert settings().port == 8888


def test_config_says_whence_each_value_comes(file, monkeypatch):
    monkeypatch.setenv("LIVEWALL_PORT", "9001")
    found = told("--config", file, "--workers", "4")
    assert found["workers"] == (4, "option", "--workers")
    assert found["port"] == (9001, "environment", "LIVEWALL_PORT")
    assert found["gather"] == (5.0, "file", f"{file}:3")
    assert found["trusted_proxy"] == (["10.0.0.0/8"], "file", f"{file}:4")
    assert found["log_days"] == (30, "default", None)


def test_config_prints_a_line_for_each_setting(file):
    lines = [line.split("\t") for line in config("--config", file).stdout.splitlines()]
    assert ["port", "9000", f"{file}:2"] in lines and ["rate_limits", "on", "default"] in lines
    assert len(lines) == len(Settings.__dataclass_fields__)


@pytest.mark.parametrize("way", ["file", "variable", "option"])
def test_config_never_prints_the_admins_token(file, monkeypatch, way):
    arguments = {"file": ["--config", file], "option": ["--admin-token", "of-the-admin"]}.get(way, [])
    if way == "variable":
        monkeypatch.setenv("LIVEWALL_ADMIN_TOKEN", "of-the-admin")
    for more in ([], ["--json"]):
        output = config(*arguments, *more).output
        assert "of-the-admin" not in output and "********" in output


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604])
def test_a_file_that_shows_the_admins_token_to_others_is_warned_about(file, mode):
    file.chmod(mode)
    said = config("--config", file).stderr
    assert ("other users of this machine can read it" in said) is (mode != 0o600)
    assert "of-the-admin" not in said


def test_a_file_without_a_token_may_be_read_by_everybody(file):
    file.write_text("port = 9000\n")
    file.chmod(0o644)
    assert config("--config", file).stderr == ""


@pytest.mark.parametrize("command", ["serve", "config"])
def test_a_wrong_file_ends_with_every_line_and_the_status_of_wrong_usage(tmp_path, command):
    file = tmp_path / "livewall.toml"
    file.write_text("prot = 1\nworkers = 0\n")
    done = subprocess.run(
        [LIVEWALL, command, "--config", "livewall.toml"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["livewall.toml:1", "livewall.toml:2"]


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    said = config("--config", tmp_path / "none.toml", status=2).stderr
    assert "none.toml cannot be read: no such file or directory" in said


def test_a_wrong_file_says_nothing_while_a_shell_completes_a_line(tmp_path):
    (tmp_path / "livewall.toml").write_text("prot = 1\n")
    completing = {"_LIVEWALL_COMPLETE": "bash_complete", "COMP_WORDS": "livewall poll show --js", "COMP_CWORD": "3"}
    done = subprocess.run(
        [LIVEWALL],
        env=environment(tmp_path) | completing | {"LIVEWALL_CONFIG": str(tmp_path / "livewall.toml")},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "plain,--json\n")


def test_a_wrong_line_counts_although_an_option_goes_before_it(file):
    file.write_text("port = -1\n")
    with pytest.raises(click.ClickException, match=r"livewall\.toml:1: port"):
        settings("--config", file, "--port", "9000")


@pytest.fixture
def server(tmp_path):
    made = ServerProcess(tmp_path)
    made.start()
    yield made
    made.stop()


def test_other_commands_find_the_server_through_the_variable(server, tmp_path):
    """With nothing but LIVEWALL_CONFIG, commands reach the server that runs with that file."""
    file = tmp_path / "livewall.toml"
    file.write_text(f'port = {server.port}\ndata = "{server.data}"\n')
    inside = environment(tmp_path) | {"LIVEWALL_CONFIG": str(file)}
    for arguments in (["token", "create", "host", "Lin"], ["backup", "copy.db"], ["wall", "list"]):
        done = subprocess.run(
            [LIVEWALL, *arguments], cwd=tmp_path, env=inside, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def test_a_wrong_variable_is_named_and_not_the_option(monkeypatch):
    monkeypatch.setenv("LIVEWALL_PORT", "abc")
    assert "Invalid value for LIVEWALL_PORT: 'abc' is not a port" in config(status=2).output
    assert "Invalid value for '--port': 'abcd' is not a port" in config("--port", "abcd", status=2).output
