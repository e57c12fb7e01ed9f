"""The configuration file: what each key takes, and what is said, with file and line, of what it does not take."""

from pathlib import Path

import pytest

from livewall.configuration import checked
from livewall.settings import table
from livewall.toml_problems import TomlFault

FILE = Path("/etc/livewall.toml")


def given(content):
    return {name: each.text for name, each in checked(content, FILE).items()}


def problems(content):
    with pytest.raises(TomlFault) as raised:
        checked(content, FILE)
    return [str(problem) for problem in raised.value.problems]


def test_an_empty_file_gives_nothing():
    assert given("") == given("# port = 1\n") == {}


def test_every_setting_can_stand_in_a_file():
    content = """
        port = 9000
        address = "0.0.0.0"
        public_url = "https://wall.example.org"
        data = "/var/lib/livewall"
        pipelines = "pipelines"
        workers = 2
        log_days = 7
        log_size = 1
        ballot_days = 90
        message_days = 30
        admin_token = "of-the-admin"
        rate_limits = false
        trusted_proxy = ["127.0.0.1/32", "::1/128"]
        webhook_allow = "chat.internal, 10.0.0.7"
        publish_rate = 10
        gather = 2.5
        log_format = "json"
        log_level = "debug"
    """
    found = given(content)
    assert list(found) == [setting.name for setting in table()]
    for setting in table():
        texts = found[setting.name] if setting.many else [found[setting.name]]
        for each in texts:
            setting.read(each)
    assert (found["port"], found["rate_limits"], found["gather"]) == ("9000", "off", "2.5")
    assert found["trusted_proxy"] == ["127.0.0.1/32", "::1/128"]


def test_a_setting_knows_its_line():
    found = checked('# the port\n\nport = 9000\n"address" = "::1"\n', FILE)
    assert {name: each.line for name, each in found.items()} == {"port": 3, "address": 4}


def test_a_folder_is_relative_to_the_folder_of_the_file(monkeypatch):
    monkeypatch.setenv("HOME", "/home/lin")
    assert given('data = "data"\npipelines = "~/pipelines"') == {
        "data": "/etc/data",
        "pipelines": "/home/lin/pipelines",
    }
    assert given('data = "/srv/data"') == {"data": "/srv/data"}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("prot = 8888", 1, "there is no setting 'prot'; did you mean port?"),
        ('\npublic-url = "https://a"', 2, "there is no setting 'public-url'; did you mean public_url?"),
        ("[zzz]\nport = 1", 1, "there is no setting 'zzz'; `livewall config` shows all keys"),
        ('port = "8888"', 1, "port must be a whole number, not text"),
        ("workers = 1.5", 1, "workers must be a whole number, not 1.5"),
        ("workers = true", 1, "workers must be a whole number, not true or false"),
        ("port = 65536", 1, "port: '65536' is not a port: 0 to 65535, 0 for any free one"),
        ("gather = -1", 1, "gather: '-1' is negative or far too large"),
        ("publish_rate = nan", 1, "publish_rate: 'nan' is negative or far too large"),
        ("address = 127", 1, "address must be text, not a number"),
        ('address = ""', 1, "address must not be empty"),
        ('data = "a\\u0000b"', 1, "data must not contain a NUL character"),
        ('data = "~nobody-here"', 1, "data: '~nobody-here' begins with the home of a user that does not exist here"),
        ('rate_limits = "off"', 1, "rate_limits must be true or false, not text"),
        ("rate_limits = 1", 1, "rate_limits must be true or false, not a number"),
        ('log_level = "loud"', 1, "log_level: 'loud' is not one of debug, info, warning, error"),
        ('public_url = "wall.example.org"', 1,
         "public_url: 'wall.example.org' is not the address of a server, such as https://wall.example.org"),
        ('trusted_proxy = "10.0.0.0/8"', 1, 'trusted_proxy must be a list of text, such as ["10.0.0.0/8"], not text'),
        ('trusted_proxy = [\n  "10.0.0.0/8",\n  7]', 3, "trusted_proxy must be text, not a number"),
        ("\n\nport 8888", 3, "this is not TOML: Expected '=' after a key in a key/value pair"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(content, line, reason):
    assert problems(content) == [f"/etc/livewall.toml:{line}: {reason}"]


def test_all_problems_are_said_at_once():
    found = problems('port = "x"\nprot = 1\nlog_level = "debug"\nworkers = 0\n')
    assert [each.split(":")[1] for each in found] == ["1", "2", "4"]
