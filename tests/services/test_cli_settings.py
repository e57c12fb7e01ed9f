"""The table of settings: read from text, shown as options, and listed in docs/configuration.md."""

import re
from pathlib import Path

import click
import pytest

from livewall.cli.serve import serve
from livewall.settings import Settings, table

ROOT = Path(__file__).resolve().parents[2]


def given(arguments, monkeypatch=None):
    """The settings that `livewall serve ARGUMENTS` would run with."""
    context = serve.make_context("serve", list(arguments))
    return Settings(**context.params)


def test_the_table_of_the_docs_is_that_of_the_settings():
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `(--[\w-]+)` \| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [(setting.flag, setting.variable, setting.name) for setting in table()]


def test_every_setting_is_an_option_and_beside_them_only_the_file():
    flags = {setting.flag for setting in table()} | {"--config"}
    assert {name for option in serve.params for name in option.opts} == flags


def test_nothing_given_means_the_defaults():
    assert given([]) == Settings()


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--port", "0"], "port", 0),
        (["--rate-limits", "off"], "rate_limits", False),
        (["--public-url", "https://wall.example.org/"], "public_url", "https://wall.example.org"),
        (["--publish-rate", "1000"], "publish_rate", 1000.0),
        (["--gather", "5"], "gather", 5.0),
        (["--data", "/tmp/x"], "data", Path("/tmp/x")),
        (["--log-format", "JSON"], "log_format", "json"),
        (["--admin-token", " "], "admin_token", None),
    ],
)
def test_an_option_is_read_from_text(arguments, name, value):
    assert getattr(given(arguments), name) == value


def test_networks_may_be_several():
    settings = given(["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1/128"])
    assert [str(network) for network in settings.trusted_proxy] == ["10.0.0.0/8", "::1/128"]


def test_a_variable_is_called_as_its_option(monkeypatch):
    monkeypatch.setenv("LIVEWALL_PUBLISH_RATE", "7")
    monkeypatch.setenv("LIVEWALL_TRUSTED_PROXY", "10.0.0.0/8 192.168.0.0/16")
    monkeypatch.setenv("LIVEWALL_RATE_LIMITS", "off")
    settings = given([])
    assert (settings.publish_rate, settings.rate_limits, len(settings.trusted_proxy)) == (7.0, False, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "-1"],
        ["--port", "http"],
        ["--public-url", "wall.example.org"],
        ["--public-url", "https://wall.example.org/livewall"],
        ["--publish-rate", "0"],
        ["--publish-rate", "nan"],
        ["--gather", "-1"],
        ["--rate-limits", "maybe"],
        ["--trusted-proxy", "10.0.0.1/8"],
        ["--log-format", "xml"],
        ["--data", "~nobody-here/data"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments):
    with pytest.raises(click.BadParameter) as problem:
        given(arguments)
    assert arguments[0] in problem.value.param.opts


def test_only_the_settings_read_the_environment():
    sources = [*ROOT.glob("livewall/**/*.py"), *ROOT.glob("handlers/**/*.py"), ROOT / "server.py"]
    sources = [path for path in sources if "demo/project" not in path.as_posix()]  # a program of its own
    assert [path.name for path in sources if re.search(r"os\.(environ|getenv)", path.read_text())] == ["settings.py"]


@pytest.mark.parametrize("way", ["argument", "variable", "none"])
def test_only_an_admin_token_among_the_arguments_is_warned_about(tmp_path, monkeypatch, capsys, way):
    import server

    monkeypatch.setattr(server, "run", lambda settings: 0)
    monkeypatch.delenv("LIVEWALL_ADMIN_TOKEN", raising=False)
    if way == "variable":
        monkeypatch.setenv("LIVEWALL_ADMIN_TOKEN", "of-the-admin")
    given = ["--admin-token", "of-the-admin"] if way == "argument" else []
    with pytest.raises(SystemExit):
        serve.main(["--data", str(tmp_path), *given], prog_name="serve")
    said = capsys.readouterr().err
    assert ("LIVEWALL_ADMIN_TOKEN" in said and str(tmp_path / "secret") in said) is (way == "argument")
    assert "of-the-admin" not in said
