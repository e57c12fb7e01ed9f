"""The inventory of a pipeline, the keys of steps with hosts, and `[ssh]`: what is taken, what is refused and where."""

from __future__ import annotations

import pytest

from livewall.errors import BadInput
from livewall.tasks.hosts.inventory import Host, hosts_named, read_inventory
from livewall.tasks.hosts.step_hosts import StepHosts
from livewall.tasks.hosts.units import parts_of, unit_of
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.toml_problems import TomlFault

WEB2 = '{ name = "web2", address = "10.0.0.12", port = 2222, user = "deploy", key = "k" }'
WEB = f'inventory = {{ web = ["web1", {WEB2}] }}'
STEP = '[[steps]]\nname = "go"\nssh = ["true", "{host.name}", "{host.address}"]\nhosts = "web"\n'


def pipeline(text: str, **files: str) -> Pipeline:
    def beside(name: str) -> bytes:
        try:
            return files[name.removesuffix(".toml")].encode()
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory") from None

    return parse(text, "release", "release.toml", beside=beside)


def faults(text: str, **files: str) -> list[str]:
    with pytest.raises(TomlFault) as refused:
        pipeline(text, **files)
    return [str(problem) for problem in refused.value.problems]


def test_hosts_have_a_name_and_how_they_are_reached() -> None:
    found = pipeline(f"{WEB}\n{STEP}").inventory["web"]
    assert found == (
        Host(name="web1", address="web1"),
        Host(name="web2", address="10.0.0.12", port=2222, user="deploy", key="k"),
    )


@pytest.mark.parametrize("text", ['web = ["a", "b"]', '[inventory]\nweb = ["a", "b"]'])
def test_an_inventory_may_stand_in_a_file_beside_the_pipeline(text: str) -> None:
    found = pipeline(f'inventory = "hosts.toml"\n{STEP}', hosts=text)
    assert [host.name for host in found.inventory["web"]] == ["a", "b"]


@pytest.mark.parametrize("address", ["::1", "fe80::1%eth0", "10.0.0.1", "web1.example.org"])
def test_addresses_may_be_of_every_kind(address: str) -> None:
    found = pipeline(f'inventory = {{ web = [{{ name = "a", address = "{address}" }}] }}\n{STEP}')
    assert found.inventory["web"][0].address == address


@pytest.mark.parametrize(
    ("web", "reason"),
    [
        ('["a", "b", "a"]', "the host a is listed twice"),
        ('["a", { name = "a", port = 22 }]', "the host a is listed twice"),
        ('["-oProxyCommand=x"]', "is not the name of a host"),
        ('["a\\nb"]', "is not the name of a host"),
        ('["::1"]', 'another address needs { name = "…", address = "…" }'),
        ('[{ name = "a", address = "-x" }]', "is not the address of a host"),
        ('[{ name = "a", address = "a b" }]', "is not the address of a host"),
        ('[{ name = "a", address = "a\\nb" }]', "is not the address of a host"),
        ('[{ address = "a" }]', "the host has no name"),
        ('[{ name = "a", port = 0 }]', "port must be at least 1"),
        ('[{ name = "a", user = "-l" }]', "is not the name of a user"),
        ('[{ name = "a", prot = 22 }]', "did you mean port?"),
        ("[1]", "a host is a name or a table"),
        ("[]", "a group is a list of hosts"),
        ('"a"', "a group is a list of hosts"),
    ],
)
def test_what_is_no_host_is_refused_with_its_line(web: str, reason: str) -> None:
    (problem,) = faults(f"title = 'x'\n[inventory]\nweb = {web}\n{STEP}")
    assert reason in problem and problem.startswith("release.toml:3: ")


def test_a_host_means_the_same_in_every_group() -> None:
    text = '[inventory]\na = ["web1"]\nweb = [{ name = "web1", port = 2 }]\n'
    assert pipeline(text + STEP).inventory["a"] == (Host(name="web1", address="web1", port=2),)
    text = '[inventory]\na = [{ name = "web1", port = 3 }]\nweb = [{ name = "web1", port = 2 }]\n'
    assert faults(text + STEP) == ["release.toml:3: the host web1 is defined differently in another group"]
    assert "the name of a group and of a host" in faults('[inventory]\nweb = ["web"]\n' + STEP)[0]


def test_problems_of_an_inventory_beside_the_pipeline_name_that_file() -> None:
    text = f'inventory = "hosts.toml"\n{STEP}'
    assert faults(text, hosts='\nweb = ["a", "a"]') == ["hosts.toml:2: the host a is listed twice"]
    assert faults(text, hosts="web = [")[0].startswith("hosts.toml:1: ")
    assert "has no group of hosts" in faults(text, hosts="")[0]
    assert faults(text)[0] == (
        "release.toml:1: the inventory hosts.toml beside the pipeline cannot be read: No such file or directory"
    )
    for name in ("/etc/hosts.toml", "../hosts.toml", "-x", ""):
        assert "is not the name of a file beside the pipeline" in faults(f'inventory = "{name}"\n{STEP}')[0]


def test_an_inventory_is_checked_by_itself() -> None:
    groups, problems = read_inventory(b'web = ["a"]\ndb = ["b", "b"]', "hosts.toml")
    assert [host.name for host in groups["web"]] == ["a"]
    assert [str(problem) for problem in problems] == ["hosts.toml:2: the host b is listed twice"]


def test_the_keys_of_a_step_with_hosts() -> None:
    text = f'{WEB}\n{STEP}waves = [1, "25%", "rest"]\nmax_failures = 2\nparallel = 4\nidempotent = true\n'
    step = pipeline(text).steps[0]
    assert step.hosts == StepHosts(names=("web",), waves=(1, "25%", "rest"), max_failures=2, parallel=4)
    assert step.idempotent


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('hosts = "wbe"', "wbe is no host or group of the inventory; did you mean web?"),
        ("hosts = []", "hosts must be a group, or a list"),
        ("hosts = 3", "hosts must be a group, or a list"),
        ('hosts = "{host.name}"', "hosts says which hosts there are"),
        ('hosts = "{params.nothing}"', "is not a parameter of this pipeline"),
        ('hosts = "web"\nwaves = []', "waves must be a list"),
        ('hosts = "web"\nwaves = [0]', "a wave must be at least 1"),
        ('hosts = "web"\nwaves = ["0%"]', "from"),
        ('hosts = "web"\nwaves = ["٣%"]', "from"),
        ('hosts = "web"\nwaves = ["101%"]', "from"),
        ('hosts = "web"\nwaves = ["rest", 1]', "nothing is left"),
        ('hosts = "web"\nwaves = [true]', "a wave is a number of hosts"),
        ('hosts = "web"\nmax_failures = -1', "max_failures must be at least 0"),
        ('hosts = "web"\nparallel = 0', "parallel must be at least 1"),
        ('hosts = "web"\nidempotent = 1', "idempotent must be true or false"),
        ("", "a step of the kind ssh needs hosts"),
    ],
)
def test_wrong_keys_of_a_step_with_hosts_are_refused(more: str, reason: str) -> None:
    problems = faults(f'{WEB}\n[[steps]]\nname = "go"\nssh = ["true"]\n{more}\n')
    assert any(reason in problem for problem in problems), problems


def test_keys_that_mean_nothing_for_a_kind_are_refused() -> None:
    for text, reason in (
        ('[[steps]]\nname = "a"\nrun = ["x"]\nwaves = [1]', "waves has no meaning for a step without hosts"),
        ('[[steps]]\nname = "a"\ngit = { repository = "/x" }\nhosts = "web"', "which runs on no hosts"),
        ('[[steps]]\nname = "a"\ngate = { approvers = ["L"] }\nhosts = "web"', "which runs on no hosts"),
        (
            '[[steps]]\nname = "a"\ngit = { repository = "/x" }\ncwd = "y"',
            "cwd has no meaning for a step of the",
        ),
        ('[[steps]]\nname = "a"\nrun = ["x", "{host.name}"]', "have a value only in a step with hosts"),
        ('[[steps]]\nname = "a"\nrun = ["x"]\nhosts = "web"', "there is no inventory"),
    ):
        inventory = "" if "inventory" in reason else f"{WEB}\n"
        assert any(reason in problem for problem in faults(inventory + text)), text


def test_options_of_ssh_and_what_is_wrong_with_them() -> None:
    more = '[ssh]\nknown_hosts = "known"\nuser = "deploy"\nport = 2200\nkey = "~/k"\nagent = true\nfolder = "/tmp/lw"\n'
    found = pipeline(f"{WEB}\n{STEP}{more}connect_within = 5").ssh
    assert (found.known_hosts, found.user, found.port, found.key) == ("known", "deploy", 2200, "~/k")
    assert (found.agent, found.folder, found.connect_within) == (True, "/tmp/lw", 5.0)
    for wrong, reason in (
        ("check_host_key = false", "has no key"), ("agent = 1", "agent must be"), ('folder = "../x"', "folder must be"),
        ('user = "a b"', "is not the name of a user"), ("port = 99999", "port must be"),
        ("connect_within = -1", "connect_within must be"), ('known_hosts = ""', "must not be empty"),
    ):  # fmt: skip
        assert any(reason in problem for problem in faults(f"{WEB}\n{STEP}[ssh]\n{wrong}")), wrong


def test_an_upload_says_what_goes_where() -> None:
    def step(upload: str) -> str:
        return f'{WEB}\n[[steps]]\nname = "up"\nupload = {upload}\nhosts = "web"\n'

    found = pipeline(step('{ from = "dist/x", to = "/srv/{host.name}/x", mode = "0644" }')).steps[0]
    assert found.body == {"from": "dist/x", "to": "/srv/{host.name}/x", "mode": "0644"}
    for wrong, reason in (
        ('{ from = "/etc/passwd", to = "/x" }', "inside the task's"), ('{ from = "a" }', "upload needs to"),
        ('{ to = "a" }', "upload needs from"), ('{ from = "a", to = "b", mode = 644 }', "octal digits"),
        ('{ from = "a", to = "b", mode = "0999" }', "octal digits"), ('"x"', "upload must be a table"),
    ):  # fmt: skip
        assert any(reason in problem for problem in faults(step(wrong))), wrong


def test_hosts_are_named_by_groups_and_names_each_once() -> None:
    groups = {"web": [Host(name="a", address="a"), Host(name="b", address="b")], "db": [Host(name="c", address="c")]}
    assert [host.name for host in hosts_named(["b", "web", "db, a"], groups)] == ["b", "a", "c"]
    for nothing in ([], [" , "]):
        with pytest.raises(BadInput, match="no host is named"):
            hosts_named(nothing, groups)


@pytest.mark.parametrize(("unit", "parts"), [("a", ("a", None)), ("a@b.c", ("a", "b.c")), ("a@", ("a", ""))])
def test_units_are_named_after_a_step_and_its_host(unit: str, parts: tuple[str, str | None]) -> None:
    assert parts_of(unit) == parts and unit_of(*parts) == unit
