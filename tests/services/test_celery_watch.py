"""`livewall celery watch`: what real workers do on a real broker becomes live tasks of a real server."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery_parts import PASSWORD, Shop, eventually, kill
from child_server import Server
from children import LIVEWALL, environment

pytest_plugins = ("server_fixtures", "celery_fixtures")

REPORTS = {"SHOP_REPORTS": "1"}


class Watch:
    """A watcher, which reports with a token of its own."""

    def __init__(self, server: Server, shop: Shop) -> None:
        self.server = server
        self.shop = shop
        self.token = str(server.host("POST", "/api/tokens", {"role": "reporter", "name": "celery"})["token"])
        self.log = shop.folder / "watch.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        env = environment(self.server.home) | {
            "LIVEWALL_URL": self.server.url, "LIVEWALL_TOKEN": self.token,
            "LIVEWALL_CELERY_BROKER": self.shop.broker.url, "LIVEWALL_CELERY_BACKEND": self.shop.broker.url,
        }  # fmt: skip
        env.pop("PYTHONWARNINGS")  # Celery's own are not ours
        before = self.said().count("connected to the broker")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [LIVEWALL, "celery", "watch", *options], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(lambda: self.said().count("connected to the broker") > before, said=self.said)

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def tasks(self) -> list[dict[str, Any]]:
        return list(self.server.host("GET", "/api/tasks")["items"])

    def task(self, title: str) -> dict[str, Any]:
        """The task with this title, once it is there."""
        found = eventually(lambda: [t for t in self.tasks() if t["title"] == title], said=self.said)
        return dict(self.server.host("GET", f"/api/tasks/{found[0]['id']}"))

    def runs(self, title: str) -> dict[str, Any]:
        """The task with this title once its first step runs."""
        found: dict[str, Any] = eventually(
            lambda: (task := self.task(title))["steps"][0]["state"] == "running" and task,
            said=lambda: f"{self.task(title)}\n{self.said()}\n{self.shop.said()}",
        )
        return found

    def ended(self, title: str, state: str) -> dict[str, Any]:
        """The task with this title once it has ended, which must be in this state."""
        found: dict[str, Any] = eventually(
            lambda: (task := self.task(title))["ended_at"] and task, said=lambda: f"{self.task(title)}\n{self.said()}"
        )
        assert found["state"] == state, found
        return found


def states(task: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in task["steps"]}


@pytest.fixture
def watch(child: Server, shop: Shop) -> Iterator[Watch]:
    watch = Watch(child, shop)
    yield watch
    if watch.process is not None and watch.process.poll() is None:
        assert watch.stop() == 0, watch.said()
    assert "Traceback" not in watch.said(), watch.said()
    for path in [watch.log, *child.home.rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content, path
            assert b"an-argument" not in content, path


def test_a_chord_inside_a_chain_is_drawn_before_it_runs(watch: Watch, shop: Shop) -> None:
    watch.start()
    shop.send("chain(add.s(1, 2), chord([add.s(3), add.s(4)], total.s()), add.s(5)).delay()", **REPORTS)
    title = "shop.add (5 tasks)"
    drawn = watch.task(title)
    assert set(states(drawn).values()) == {"pending"}
    assert [(step["name"], step["needs"]) for step in drawn["steps"]] == [
        ("shop.add", []), ("shop.add-2", ["shop.add"]), ("shop.add-3", ["shop.add"]),
        ("shop.total", ["shop.add-2", "shop.add-3"]), ("shop.add-4", ["shop.total"]),
    ]  # fmt: skip
    shop.worker("--pool", "solo", **REPORTS)
    ended = watch.ended(title, "succeeded")
    assert ended["id"] == drawn["id"] and [step["attempt"] for step in ended["steps"]] == [1] * 5
    assert len(watch.tasks()) == 1, "no placeholder and no part of it stands alone"
    assert shop.notes()[-1] == "add (13, 5)", shop.notes()


SHAPES = [
    "chain(add.s(1), add.s(2), add.s(3))",
    "group(add.s(1), chain(add.s(2), add.s(3)))",
    "chord([chain(add.s(1), add.s(2)), add.s(3)], chain(total.s(), add.s(1)))",
    "chain(add.s(1), group(add.s(2), add.s(3)), total.s(), group(add.s(4), add.s(5)), total.s())",
    "chord([group(add.s(1), add.s(2)), add.s(3)], total.s())",
    "chain(group(add.s(1), add.s(2)), group(add.s(3), add.s(4)))",
]


def test_every_shape_of_a_canvas_ends_as_one_task_all_of_whose_steps_ran(watch: Watch, shop: Shop) -> None:
    watch.start()
    for shape in SHAPES:
        shop.send(f"{shape}.apply_async()", **REPORTS)
    drawn = eventually(lambda: len(found := watch.tasks()) == len(SHAPES) and found, said=watch.said)
    shop.worker("--pool", "solo", **REPORTS)
    eventually(lambda: all(task["ended_at"] for task in watch.tasks()), said=lambda: f"{watch.tasks()}")
    assert sorted(task["title"] for task in watch.tasks()) == sorted(task["title"] for task in drawn)
    for task in watch.tasks():
        found = watch.server.host("GET", f"/api/tasks/{task['id']}")
        assert set(states(found).values()) == {"succeeded"}, found


def test_a_chord_of_600_tasks_is_a_step_with_its_progress_and_the_body(watch: Watch, shop: Shop) -> None:
    """Its events are sent here: a worker would take long, and does not matter."""
    watch.start()
    send = """
ids = [f"t{number:03}" for number in range(600)]
tasks = [[id, "shop.add", "g", number, []] for number, id in enumerate(ids)] + [["z", "shop.total", None, 0, ids]]
with app.events.default_dispatcher(hostname="w1") as events:
    BODY
"""
    shop.send(send.replace("BODY", 'events.send("livewall-canvas", tasks=tasks)'))
    title = "shop.add (601 tasks)"
    assert states(watch.task(title)) == {"shop.add": "pending", "shop.total": "pending"}
    shop.send(send.replace("BODY", 'for id in ids[:150]: events.send("task-succeeded", uuid=id)'))
    step = eventually(lambda: (found := watch.task(title)["steps"][0])["message"] == "150 of 600" and found)
    assert (step["state"], step["progress"]) == ("running", 0.25)
    shop.send(send.replace("BODY", 'for id in [*ids, "z"]: events.send("task-succeeded", uuid=id)'))
    assert states(watch.ended(title, "succeeded")) == {"shop.add": "succeeded", "shop.total": "succeeded"}
    assert len(watch.tasks()) == 1


def test_a_callback_whose_id_is_chosen_when_it_is_sent_stands_alone(watch: Watch, shop: Shop) -> None:
    watch.start()
    shop.worker("--pool", "solo", **REPORTS)
    shop.send("add.apply_async((1,), link=total.si())", **REPORTS)
    watch.ended("shop.add", "succeeded")
    watch.ended("shop.total", "succeeded")


def test_the_body_of_a_chord_that_fails_is_skipped(watch: Watch, shop: Shop) -> None:
    watch.start()
    shop.worker("--pool", "solo", **REPORTS)
    shop.send("chord([add.s(1), fail.s('an-argument')], total.s()).delay()", **REPORTS)
    ended = watch.ended("shop.add, shop.fail (3 tasks)", "failed")
    assert states(ended) == {"shop.add": "succeeded", "shop.fail": "failed", "shop.total": "skipped"}
    step = next(step for step in ended["steps"] if step["name"] == "shop.fail")
    assert step["message"] == "ValueError"
    log = watch.server.host_bytes(f"/api/tasks/{ended['id']}/logs/shop.fail").decode()
    assert log.startswith("Traceback (most recent call last):")


def test_without_the_two_lines_tasks_appear_one_by_one_and_workers_are_asked_for_events(
    watch: Watch, shop: Shop
) -> None:
    shop.worker("--pool", "solo")
    watch.start()
    shop.send("chain(add.s(1, 2), total.s()).delay()")
    assert states(watch.ended("shop.add", "succeeded")) == {"shop.add": "succeeded"}
    watch.ended("shop.total", "succeeded")


def test_retries_are_attempts(watch: Watch, shop: Shop) -> None:
    watch.start()
    shop.worker("--pool", "solo", **REPORTS)
    shop.send("flaky.delay(2)", **REPORTS)
    ended = watch.ended("shop.flaky", "succeeded")
    assert ended["steps"][0]["attempt"] == 3
    log = watch.server.host_bytes(f"/api/tasks/{ended['id']}/logs/shop.flaky").decode()
    assert log.count("Traceback") >= 2


def test_tasks_are_chosen_by_name(watch: Watch, shop: Shop) -> None:
    watch.start("--only", "shop.*", "--skip", "*.add")
    shop.worker("--pool", "solo", **REPORTS)
    shop.send("add.delay(1); total.delay(); add.delay(2); total.delay()", **REPORTS)
    eventually(lambda: [t for t in watch.tasks() if t["ended_at"]][1:], said=watch.said)
    assert {task["title"] for task in watch.tasks()} == {"shop.total"}


def test_the_tasks_of_a_worker_that_is_killed_are_lost_and_may_end_later(watch: Watch, shop: Shop) -> None:
    worker = shop.worker("--heartbeat-interval", "1", **REPORTS)
    watch.start()
    gate = shop.folder / "gate"
    shop.send(f"chain(held.s({str(gate)!r}), total.si()).delay()", **REPORTS)
    eventually(shop.notes)
    watch.runs("shop.held (2 tasks)")
    kill(worker)
    ended = watch.ended("shop.held (2 tasks)", "lost")
    assert states(ended) == {"shop.held": "lost", "shop.total": "skipped"}
    assert ended["steps"][0]["message"] == "its worker celery@w1 is not heard any more"
    # A worker whose messages are lost for a while looks the same, and its tasks do end.
    shop.send(f"""
id = {ended['id']!r}
with app.events.default_dispatcher(hostname="w1") as events:
    events.send("task-succeeded", uuid=id, result="1", runtime=1)
""", **REPORTS)  # fmt: skip
    back = {"shop.held": "succeeded", "shop.total": "pending"}
    eventually(
        lambda: states(watch.task("shop.held (2 tasks)")) == back, said=lambda: str(watch.task("shop.held (2 tasks)"))
    )


def test_a_busy_worker_that_answers_is_not_lost(watch: Watch, shop: Shop) -> None:
    """It sends no heartbeats, which is what a network that loses them looks like."""
    shop.worker("--without-heartbeat", **REPORTS)
    watch.start()
    gate = shop.folder / "gate"
    shop.send(f"held.delay({str(gate)!r})", **REPORTS)
    eventually(shop.notes)
    # A worker without a timer sends what it has to say when something wakes it.
    ping = "app.control.ping(timeout=1, limit=1)"
    eventually(lambda: shop.send(ping) == "" and states(watch.task("shop.held")) == {"shop.held": "running"})
    # Heartbeats that the watcher expects every 0.3 s, and that do not come.
    shop.send("""
with app.events.default_dispatcher(hostname="celery@w1") as events:
    events.send("worker-heartbeat", freq=0.3)
""")
    watch.server.outlive_lease(3)
    assert states(watch.task("shop.held")) == {"shop.held": "running"}
    gate.touch()
    watch.ended("shop.held", "succeeded")


def test_a_cancel_on_the_page_revokes(watch: Watch, shop: Shop) -> None:
    watch.start("--terminate")
    gate = shop.folder / "gate"
    shop.worker(**REPORTS)
    shop.send(f"held.delay({str(gate)!r}); total.delay()", **REPORTS)
    watch.runs("shop.held")
    waits, runs = watch.task("shop.total"), watch.task("shop.held")
    watch.server.host("POST", f"/api/tasks/{waits['id']}/cancel")
    watch.ended("shop.total", "cancelled")
    eventually(lambda: f"revoking 1 tasks of {waits['id']}" in watch.said())
    eventually(lambda: f"Terminating {waits['id']}" in shop.said())
    watch.server.host("POST", f"/api/tasks/{runs['id']}/cancel")
    watch.ended("shop.held", "cancelled")
    assert [line.split()[0] for line in shop.notes()] == ["held"]


def test_after_a_lost_broker_open_tasks_are_asked_of_the_backend(watch: Watch, shop: Shop) -> None:
    shop.worker(**REPORTS)
    watch.start()
    gate = shop.folder / "gate"
    shop.send(f"held.delay({str(gate)!r})", **REPORTS)
    watch.runs("shop.held")
    shop.broker.kill()
    eventually(lambda: "the connection to the broker was lost" in watch.said())
    shop.broker.start()
    eventually(lambda: watch.said().count("connected to the broker") == 2, said=watch.said)
    gate.touch()
    watch.ended("shop.held", "succeeded")


def test_a_watcher_that_is_killed_goes_on_with_the_same_tasks(watch: Watch, shop: Shop) -> None:
    shop.worker(**REPORTS)
    watch.start()
    gate = shop.folder / "gate"
    shop.send(f"chain(held.s({str(gate)!r}), total.si(), total.si()).delay()", **REPORTS)
    watch.runs("shop.held (3 tasks)")
    assert watch.process is not None
    watch.process.send_signal(signal.SIGKILL)
    watch.process.wait()
    gate.touch()
    eventually(lambda: len(shop.notes()) == 4)
    watch.start()
    ended = watch.ended("shop.held (3 tasks)", "succeeded")
    assert set(states(ended).values()) == {"succeeded"} and len(watch.tasks()) == 1


def test_a_server_that_is_away_gets_all_attempts_when_it_is_back(watch: Watch, shop: Shop) -> None:
    shop.worker("--pool", "solo", **REPORTS)
    watch.start()
    watch.server.kill()
    shop.send("flaky.delay(2)", **REPORTS)
    eventually(lambda: len(shop.notes()) == 3)
    eventually(lambda: "reports wait and are sent later" in watch.said())
    watch.server.start()
    assert watch.ended("shop.flaky", "succeeded")["steps"][0]["attempt"] == 3


def test_the_password_is_in_no_process_list_and_a_second_watcher_is_refused(watch: Watch, shop: Shop) -> None:
    watch.start()
    assert watch.process is not None
    assert PASSWORD not in Path(f"/proc/{watch.process.pid}/cmdline").read_text()
    env = environment(watch.server.home) | {
        "LIVEWALL_URL": watch.server.url, "LIVEWALL_TOKEN": watch.token, "CELERY_BROKER_URL": shop.broker.url,
    }  # fmt: skip
    env.pop("PYTHONWARNINGS")
    done = subprocess.run([LIVEWALL, "celery", "watch"], env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "another watcher uses" in done.stderr
    nowhere = {**env, "CELERY_BROKER_URL": ""}
    done = subprocess.run([LIVEWALL, "celery", "watch"], env=nowhere, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "give the broker's address" in done.stderr


def test_an_app_whose_broker_is_away_is_not_failed_by_its_reports(shop: Shop) -> None:
    code = """
from livewall.celery.emitter import _emitters
[emitter] = _emitters.values()
for _ in range(2):
    emitter.about_to_publish(headers={"id": "a", "task": "t", "group": "g"}, body=((), {}, {}))
    print(emitter._not_before > 0)
"""
    assert shop.send(code, **REPORTS).split() == ["False", "False"]
    shop.broker.kill()
    assert shop.send(code, **REPORTS).split() == ["True", "True"]
