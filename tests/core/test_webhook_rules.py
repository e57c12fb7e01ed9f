"""Webhooks: what a pipeline may say, which addresses may be connected to, and which deliveries a change writes."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from test_tasks_engine import House, S, T, pipeline

from livewall import audit
from livewall.clock import later, moment
from livewall.host_names import host_name
from livewall.identity import Who
from livewall.settings import hosts
from livewall.tasks import gates, rows
from livewall.tasks.pipelines.pipeline import checked, parse
from livewall.tasks.webhooks import deliveries
from livewall.tasks.webhooks.definition import Webhook
from livewall.tasks.webhooks.deliveries import PROBLEMS, Delivery, Failure
from livewall.tasks.webhooks.schedule import retry_delay
from livewall.tasks.webhooks.signature import signature
from livewall.tasks.webhooks.target import Target, is_public, may_connect, target_of
from livewall.toml_problems import TomlFault

NOW = "2026-01-02T03:04:05.000Z"
STEP = '[[steps]]\nname = "a"\nrun = ["true"]\n'
HOOK = '[[webhooks]]\nurl = "https://chat.example.org/hook/SeCrEt"\non = ["failed"]\n'
EVERYTHING = """title = "Release"
concurrency = 1
[params.password]
[[steps]]
name = "build"
run = ["echo", "{params.password}"]
[[steps]]
name = "go"
needs = ["build"]
gate = { approvers = ["Lin"] }
[[steps]]
name = "switch"
needs = ["go"]
run = ["true"]
[[webhooks]]
url = "https://chat.example.org/hook/SeCrEt"
on = ["waiting", "running", "succeeded", "failed", "cancelled", "lost"]
secret = "HOOK_KEY"
[[webhooks]]
url = "https://other.example.org/"
on = ["failed"]
"""


def faults(text: str, **environment: str) -> list[tuple[int, str]]:
    with pytest.raises(TomlFault) as raised:
        parse(text, "build", "build.toml", environment, complete=True)
    return [(problem.line, problem.reason) for problem in raised.value.problems]


# -- the definition


def test_a_webhook_is_read_and_kept_with_the_task() -> None:
    found = parse(STEP + HOOK + 'secret = "KEY"\n', "build", "build.toml", {"KEY": "long enough"}, complete=True)
    assert found.webhooks == (Webhook(url="https://chat.example.org/hook/SeCrEt", on=("failed",), secret="KEY"),)
    assert found.webhook_secrets == ("KEY",) and found.secrets == ()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("webhooks = 3\n" + STEP, 1, "webhooks must be tables, each begun by [[webhooks]]"),
        (STEP + "[[webhooks]]\non = ['failed']\n", 4, "the webhook has no url"),
        (STEP + "[[webhooks]]\nurl = 'https://x.org/SeCrEt'\n", 4, "on must be a list of states: waiting, running"),
        (STEP + HOOK.replace('["failed"]', "[]"), 6, "on must be a list of states"),
        (STEP + HOOK.replace('"failed"', '"faild"'), 6, "'faild' is not a state that a webhook is told of; did you"),
        (STEP + HOOK.replace('"failed"', '"pending"'), 6, "'pending' is not a state"),
        (STEP + HOOK.replace('"failed"', '"lost", "lost"'), 6, "lost is listed twice"),
        (STEP + HOOK + "secrets = 'X'\n", 7, "a webhook has no key 'secrets'; did you mean secret?"),
        (STEP + HOOK + "secret = 'Se-CrEt'\n", 7, "secret must be the name of an environment variable"),
        (STEP + HOOK + "secret = 3\n", 7, "not a number"),
        (STEP + HOOK + "secret = 'PATH'\n", 7, "PATH cannot be a secret: every step gets it"),
        (STEP + HOOK + "secret = 'KEY'\n", 7, "the server's environment has no KEY"),
        (STEP + HOOK + "secret = 'SHORT'\n", 7, "the value of SHORT in the environment has fewer than 4 characters"),
        (STEP + HOOK * 21, 4, "at most 20 webhooks"),
        (STEP + HOOK.replace("SeCrEt", "{params.x}"), 5, "parameters and outputs are not replaced in the url"),
        (STEP + HOOK.replace("SeCrEt", "{SeCrEt}"), 5, "url must consist of ASCII characters without blanks"),
        (STEP + HOOK.replace("SeCrEt", "SeC rEt"), 5, "url must consist of ASCII characters without blanks"),
        (STEP + HOOK.replace("SeCrEt", "SeCrEt\\n"), 5, "url must consist of ASCII characters"),
        (STEP + HOOK.replace("https://", "https://lin:SeCrEt@"), 5, "url must not contain a user or a password"),
        (STEP + HOOK.replace("https://", "https://@"), 5, "url must not contain a user or a password"),
        (STEP + HOOK.replace("https:", "ftp:"), 5, "url must begin with https:// or http://"),
        (STEP + HOOK.replace("https://chat.example.org", "file://"), 5, "url must begin with https:// or http://"),
        (STEP + HOOK.replace("chat.example.org", ""), 5, "url has no valid host"),
        (STEP + HOOK.replace("chat.example.org", "[::1"), 5, "url is not a valid address"),
        (STEP + HOOK.replace(".org", ".org:0"), 5, "url must not have the port 0"),
        (STEP + HOOK.replace(".org", ".org:99999"), 5, "url is not a valid address"),
        (STEP + HOOK.replace("SeCrEt", "#SeCrEt"), 5, "url must not have a part after #"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_nothing_of_the_url(text: str, line: int, said: str) -> None:
    (found,) = faults(text, SHORT="abc")
    assert found[0] == line and said in found[1]
    assert "SeCrEt" not in found[1] and "Se-CrEt" not in found[1]


def test_a_command_only_notes_that_its_environment_has_no_secret() -> None:
    found, notes = checked(STEP + HOOK + "secret = 'KEY'\n", "build", "build.toml")
    assert found.webhook_secrets == ("KEY",)
    assert [(note.line, note.reason) for note in notes] == [
        (7, "the environment of this command has no KEY; that of the server needs it")
    ]


@pytest.mark.parametrize(
    ("url", "target", "header"),
    [
        ("https://Chat.Example.ORG./a?b=c", Target("https", "chat.example.org", 443, "/a?b=c"), "chat.example.org"),
        ("http://x.org", Target("http", "x.org", 80, "/"), "x.org"),
        ("http://x.org:8080?a", Target("http", "x.org", 8080, "/?a"), "x.org:8080"),
        ("https://[::FFFF:127.0.0.1]:444/", Target("https", "::ffff:127.0.0.1", 444, "/"), "[::ffff:127.0.0.1]:444"),
    ],
)
def test_a_url_in_parts(url: str, target: Target, header: str) -> None:
    found = target_of(url)
    if ":" in target.host:
        assert is_public(found.host) is False
        target = target._replace(host=found.host)
        header = f"[{found.host}]:444"
    assert (found, found.host_header) == (target, header)


# -- addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "100::1",
        "3fff::1", "5f00::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "x", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(address)
    assert not may_connect("chat.example.org", address, {"other.example.org"})
    assert may_connect("chat.example.org", address, {"chat.example.org"})


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2a00:1450::1"]
)
def test_public_addresses_are_taken(address: str) -> None:
    assert is_public(address) and may_connect("chat.example.org", address, ())


def test_hosts_are_compared_in_one_form() -> None:
    assert hosts("Chat.Internal., 10.0.0.7,[::1]  bücher.example") == (
        "chat.internal", "10.0.0.7", "::1", "xn--bcher-kva.example"
    )  # fmt: skip
    assert hosts("") == () and host_name("[0:0::1]") == "::1"
    for wrong in ("https://x.org", "x.org/", "a" * 70, "x:80", "*.x.org"):
        with pytest.raises(ValueError, match="is not the name or address of a host"):
            hosts(wrong)


# -- signature and schedule


def test_the_signature_is_an_hmac_of_time_and_body() -> None:
    digest = hmac.new(b"whsec_test", b'1492774577.{"id":"1"}', hashlib.sha256).hexdigest()
    assert signature("whsec_test", b'{"id":"1"}', 1492774577) == f"t=1492774577,v1={digest}"
    # Computed with `printf '1700000000.{}' | openssl dgst -sha256 -hmac key`
    assert signature("key", b"{}", 1700000000) == f"t=1700000000,v1={VECTOR}"


VECTOR = "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"


def test_delays_double_up_to_half_an_hour_and_end_after_a_day() -> None:
    assert [retry_delay(tries, 0) for tries in (1, 2, 3, 11, 12, 10_000)] == [1, 2, 4, 1024, 1800, 1800]
    assert retry_delay(60, 86_400 - 1800) == 1800 and retry_delay(60, 86_400 - 1799) is None
    assert retry_delay(3, 9, first=0.5, longest=1, given_up_after=10) == 1
    elapsed, tries = 0.0, 1
    while (delay := retry_delay(tries, elapsed)) is not None:
        elapsed, tries = elapsed + delay, tries + 1
    assert 84_600 < elapsed <= 86_400 and tries == 58


# -- what a change writes


def bodies(house: House, host: str = "chat.example.org") -> list[dict[str, Any]]:
    found = house.connection.execute(
        "SELECT body FROM deliveries WHERE host = ? AND url LIKE 'https://%' ORDER BY number", (host,)
    )
    return [json.loads(body) for (body,) in found]


def told(house: House, host: str = "chat.example.org") -> list[tuple[str, str, str | None]]:
    return [
        (body["event"]["state"], body["task"]["state"], body["step"] and body["step"]["name"])
        for body in bodies(house, host)
    ]


def test_every_change_is_told_in_order_with_the_step_that_it_is_about() -> None:
    house = House()
    task = house.start(pipeline(EVERYTHING, "release"), {"password": "of-the-task"})
    house.end(house.next("build"))
    assert told(house) == [("running", "running", None), ("waiting", "waiting", "go")]
    lin = Who(role="operator", name="Lin", credential="c9")
    step = gates.end(rows.step(house.connection, task, "go"), S.SUCCEEDED, f"approved by {lin.name}", NOW)
    house.write(lambda tx: rows.save_step(tx, task, step))
    house.do(house.write(lambda tx: house.engine.advance(tx, rows.find(tx, task), NOW)))
    house.end(house.next("switch"), S.FAILED, reason="exit status 3")
    assert told(house)[2:] == [("running", "running", None), ("failed", "failed", "switch")]
    assert told(house, "other.example.org") == [("failed", "failed", "switch")]
    assert "of-the-task" not in json.dumps(bodies(house))
    last = bodies(house)[-1]
    assert last == {
        "id": last["id"], "at": NOW, "event": {"state": "failed"},
        "task": {
            "id": task, "title": "Release", "pipeline": "release", "state": "failed", "reason": "switch: exit status 3",
        },
        "step": {"name": "switch", "state": "failed", "reason": "exit status 3", "message": ""},
        "links": {"task": f"https://wall.example.org/tasks/{task}"},
    }  # fmt: skip
    assert bodies(house)[1]["step"]["message"] == "waits for Lin"
    assert len({body["id"] for body in bodies(house)}) == 4


def test_a_task_that_waits_for_its_turn_and_one_that_is_cancelled_are_told() -> None:
    house = House()
    house.start(pipeline(EVERYTHING, "release"), {"password": "x"})
    second = house.start(pipeline(EVERYTHING, "release"), {"password": "x"})
    assert told(house) == [("running", "running", None), ("waiting", "waiting", None)]
    assert bodies(house)[1]["task"]["reason"]
    house.cancel(second)
    third, _ = house.retry(second)
    assert told(house)[2:] == [("cancelled", "cancelled", None), ("waiting", "waiting", None)]
    assert bodies(house)[3]["task"]["id"] == third and house.task(third).state is T.WAITING


def test_a_change_that_is_rolled_back_leaves_no_delivery() -> None:
    house = House()

    def write(tx: Any) -> None:
        house.engine.start(tx, pipeline(EVERYTHING, "release"), {"password": "x"}, None, Who(role="operator"), NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        house.write(write)
    assert bodies(house) == []


# -- what becomes of a delivery


def started(*hosts: str) -> House:
    """Tasks with a webhook to each host, which was told of `running` and of `failed`."""
    house = House(workers=100)
    for host in hosts:
        hook = f'[[webhooks]]\nurl = "https://{host}/SeCrEt"\non = ["running", "failed"]\n'
        house.start(pipeline(STEP + hook, host))
        house.end(house.next("a"), S.FAILED, reason="no")
    return house


def heads(house: House) -> list[Delivery]:
    return deliveries.heads(house.connection)


def test_the_deliveries_of_a_task_to_one_webhook_follow_each_other() -> None:
    house = started("a.org", "b.org")
    assert [(head.host, head.state) for head in heads(house)] == [("a.org", "running"), ("b.org", "running")]
    first = heads(house)[0]
    house.write(lambda tx: deliveries.failed(tx, first, Failure("answer", 500), NOW))
    second = next(head for head in heads(house) if head.host == "a.org")
    assert (second.id, second.tries, second.due_at) == (first.id, 1, later(moment(NOW), 1))
    assert deliveries.seconds_until(second, NOW) == 1
    assert deliveries.seconds_until(second, "2025-12-01T00:00:00.000Z") == 0, "the clock was set back"
    house.write(lambda tx: deliveries.delivered(tx, second))
    assert [head.state for head in heads(house) if head.host == "a.org"] == ["failed"]


def test_one_host_with_many_deliveries_does_not_hide_the_others() -> None:
    house = started(*["a.org"] * 30, "b.org")
    assert [head.host for head in heads(house)] == ["a.org"] * deliveries.HEADS_PER_HOST + ["b.org"]


def test_operators_are_told_of_what_failed_without_the_url() -> None:
    house = started("a.org")
    (head,) = heads(house)
    assert deliveries.undelivered(house.connection, head.task) == []
    house.write(lambda tx: deliveries.failed(tx, head, Failure("answer", 500), NOW))
    (found,) = deliveries.undelivered(house.connection, head.task)
    assert found == ("a.org", "running", "answer", 500, later(moment(NOW), 1))
    assert deliveries.undelivered(house.connection, "another") == []


def test_a_delivery_is_given_up_after_a_day_with_a_line_in_the_audit() -> None:
    house = started("a.org")
    (head,) = heads(house)
    tomorrow = later(moment(NOW), 86_400)
    assert not house.write(lambda tx: deliveries.failed(tx, head, Failure("timeout"), tomorrow))
    (line,) = house.write(lambda tx: audit.page(tx, limit=9, before=None))[0]
    assert (line.act, line.role, line.about) == ("task.webhook", "system", f"tasks/{head.task}")
    assert line.detail == {"host": "a.org", "state": "running", "reason": "it did not answer in time"}
    assert deliveries.undelivered(house.connection, head.task)[0].due_at is None
    (following,) = heads(house)
    assert following.state == "failed", "the next one is sent"
    house.write(lambda tx: deliveries.forget(tx, later(moment(tomorrow), 1)))
    assert deliveries.undelivered(house.connection, head.task) == [] and heads(house) == [following]


def test_deliveries_of_a_restored_database_are_given_up() -> None:
    house = started("a.org")
    house.write(lambda tx: deliveries.give_up_restored(tx, "epoch", NOW))
    assert len(heads(house)) == 1
    house.write(lambda tx: deliveries.give_up_restored(tx, "a new epoch", NOW))
    assert heads(house) == []
    assert {line.detail["reason"] for line in house.write(lambda tx: audit.page(tx, limit=9, before=None))[0]} == {
        "the database was restored from a backup"
    }


def test_every_problem_has_words() -> None:
    assert all(Failure(problem, 500).words for problem in PROBLEMS)
    assert Failure("redirect", 302).words == "it answered 302, and redirects are not followed"
