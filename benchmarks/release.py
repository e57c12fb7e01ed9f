"""Releases: commands on many hosts beside `ssh` in a shell loop, an upload beside `sftp`, from the last ballot to an
open gate, and what a release costs the server. The hosts are OpenSSH servers on addresses of the loopback network."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .latency import percentile
from .machine import cpu_ns, free_port, rss_bytes, wait_for_port
from .native import scratch
from .plan import Plan, table
from .spread import Spread, ratios, verdict
from .target import Livewall

HOSTS, STEPS = 20, 10
MEGABYTES = 200
GATES = 100
SLOW_PAIRS = 2
"""How often the loop that connects each time is run; it takes a minute."""
MASTER = "-o ControlMaster=auto -o ControlPersist=60 -o ControlPath={folder}/cm-%h"
CONFIG = """Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/login.pub
PidFile none
UsePAM no
StrictModes no
LogLevel ERROR
MaxSessions 20
SetEnv HOME={folder}
Subsystem sftp internal-sftp
"""


def run(plan: Plan) -> str:
    parts: dict[str, Callable[[Plan], str]] = {
        "Ten commands on twenty hosts beside `ssh`": commands,
        "An upload beside `sftp`": upload,
        "From the last ballot to an open gate": gates,
    }
    if shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        raise RuntimeError("sshd is not installed (openssh-server)")
    return "\n\n".join(f"### {title}\n\n{part(plan)}" for title, part in parts.items())


@dataclass(frozen=True)
class Host:
    name: str
    address: str
    port: int


class Hosts:
    """OpenSSH servers with one key, and pipelines that name them in `hosts.toml`."""

    def __init__(self, count: int) -> None:
        self.folder = Path(scratch()) / f"hosts-{time.monotonic_ns()}"
        self.pipelines = self.folder / "pipelines"
        self.pipelines.mkdir(parents=True)
        for name in ("host", "login"):
            run_quietly("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._servers: list[subprocess.Popen[bytes]] = []
        self.hosts = [self._start(number) for number in range(1, count + 1)]
        key = " ".join((self.folder / "host.pub").read_text().split()[:2])
        known = "".join(f"[{host.address}]:{host.port} {key}\n" for host in self.hosts)
        (self.pipelines / "known_hosts").write_text(known)
        login = json.dumps(str(self.folder / "login"))
        entries = ", ".join(
            f'{{ name = "{host.name}", address = "{host.address}", port = {host.port}, key = {login} }}'
            for host in self.hosts
        )
        (self.pipelines / "hosts.toml").write_text(f"all = [{entries}]\n")

    def _start(self, number: int) -> Host:
        host = Host(f"h{number}", f"127.0.0.{number}", free_port())
        config = self.folder / f"config{number}"
        config.write_text(CONFIG.format(port=host.port, address=host.address, folder=self.folder))
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert sshd is not None
        self._servers.append(subprocess.Popen([sshd, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL))
        return host

    def wait(self) -> None:
        for host, server in zip(self.hosts, self._servers, strict=True):
            if host.address == "127.0.0.1":
                wait_for_port(host.port, server)
        time.sleep(0.3)

    def pipeline(self, name: str, steps: str) -> None:
        head = 'inventory = "hosts.toml"\n[ssh]\nknown_hosts = "known_hosts"\n'
        (self.pipelines / f"{name}.toml").write_text(head + steps)

    def options(self, *, master: bool) -> str:
        shared = MASTER.format(folder=shlex.quote(str(self.folder))) if master else "-o ControlPath=none"
        known = shlex.quote(str(self.pipelines / "known_hosts"))
        login = shlex.quote(str(self.folder / "login"))
        return f"-F none -i {login} -o BatchMode=yes -o UserKnownHostsFile={known} {shared}"

    def loop(self, command: str, *, master: bool, times: int) -> None:
        """Run a command so many times on each host, from a shell script."""
        lines = []
        for host in self.hosts:
            where = f"-p {host.port} {getpass.getuser()}@{host.address}"
            lines += [f"ssh {self.options(master=master)} {where} {command} </dev/null"] * times
        run_quietly("sh", "-e", "-c", "\n".join(lines))
        if master:
            for host in self.hosts:
                where = f"-p {host.port} {getpass.getuser()}@{host.address}"
                subprocess.run(
                    shlex.split(f"ssh {self.options(master=True)} -O exit {where}"), capture_output=True, check=False
                )

    def __enter__(self) -> Hosts:
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_quietly(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[:3]} ended with {done.returncode}: {done.stderr[-500:]}")


def task(server: Livewall, pipeline: str, **params: Any) -> float:
    """Run a task, and return its seconds."""
    start = time.perf_counter()
    made = server.call("POST", f"/api/pipelines/{pipeline}/tasks", {"params": params})["id"]
    while True:
        found = server.call("GET", f"/api/tasks/{made}")
        if found["ended_at"]:
            break
        time.sleep(0.05)
    took = time.perf_counter() - start
    if found["state"] != "succeeded":
        raise RuntimeError(f"the task {found['state']}: {found['reason']}")
    return took


def commands(plan: Plan) -> str:
    hosts, steps = plan.size(HOSTS, 3), plan.size(STEPS, 2)
    text = "".join(
        f'[[steps]]\nname = "s{number}"\nneeds = {json.dumps([f"s{number - 1}"] if number else [])}\n'
        'ssh = ["true"]\nhosts = "all"\n'
        for number in range(steps)
    )
    times: dict[str, list[float]] = {"task": [], "master": [], "each": []}
    cpu, memory = [], []
    with Hosts(hosts) as far:
        far.pipeline("commands", text)
        with Livewall("--pipelines", str(far.pipelines), core=None) as server:
            task(server, "commands")
            idle = rss_bytes(server.pid)
            plan.step(f"{plan.pairs} releases, each beside two shell loops")
            for number in range(plan.pairs):
                before = cpu_ns(server.pid)
                times["task"].append(task(server, "commands"))
                cpu.append((cpu_ns(server.pid) - before) / 1e9)
                memory.append((rss_bytes(server.pid) - idle) / (1 << 20))
                for way in ("master", "each") if number < SLOW_PAIRS else ("master",):
                    start = time.perf_counter()
                    far.loop("true", master=way == "master", times=steps)
                    times[way].append(time.perf_counter() - start)
    beside, each = ratios(times["task"], times["master"]), ratios(times["task"][: len(times["each"])], times["each"])
    rows = [
        ["a task of Livewall", Spread.of(times["task"]).text(), ""],
        [
            "`ssh` with ControlMaster in a shell loop", Spread.of(times["master"]).text(),
            f"**{beside.text()}**, {verdict(beside.median, 0.5)}",
        ],
        ["`ssh` that connects each time", Spread.of(times["each"]).text(), f"**{each.text()}**"],
    ]  # fmt: skip
    found = table([f"{steps} commands on {hosts} hosts", "s", "ratio of the task's time to it"], rows)
    return (
        f"{found}\n\nThe server itself took {Spread.of(cpu).text()} s of CPU for such a task, and grew by"
        f" {Spread.of(memory).text(1)} MiB."
    )


def upload(plan: Plan) -> str:
    size = plan.size(MEGABYTES, 5)
    times: dict[str, list[float]] = {"step": [], "sftp": []}
    with Hosts(1) as far:
        source = far.folder / "source"
        source.write_bytes(os.urandom(size << 20))
        target = far.folder / "target"
        far.pipeline(
            "upload",
            f'[[steps]]\nname = "copy"\nrun = ["ln", {json.dumps(str(source))}, "file"]\n'
            f'[[steps]]\nname = "up"\nneeds = ["copy"]\nupload = {{ from = "file", to = {json.dumps(str(target))} }}\n'
            'hosts = "all"\n',
        )
        (host,) = far.hosts
        with Livewall("--pipelines", str(far.pipelines), core=None) as server:
            plan.step(f"{plan.pairs} pairs of an upload of {size} MB and `sftp`")
            for number in range(plan.pairs + 1):
                target.unlink(missing_ok=True)
                took = last_step_seconds(server, "upload")
                other = far.folder / "other"
                other.unlink(missing_ok=True)
                start = time.perf_counter()
                batch = f"put {source} {other}"
                command = shlex.split(f"sftp {far.options(master=False)} -P {host.port} -b -")
                where = f"{getpass.getuser()}@{host.address}"
                subprocess.run([*command, where], input=batch, text=True, capture_output=True, check=True)
                if number:  # the first warms up
                    times["sftp"].append(time.perf_counter() - start)
                    times["step"].append(took)
    rate = ratios(times["sftp"], times["step"])
    said = f"**{rate.text()}**, aim ≥ 0.9: {'met' if rate.median >= 0.9 else 'missed'}"
    rates = {way: Spread.of([size / each for each in seconds]).text(1) for way, seconds in times.items()}
    rows = [["an upload, SHA-256 compared", rates["step"], ""], ["`sftp`", rates["sftp"], said]]
    return table([f"{size} MB to one host", "MB/s", "ratio of the upload's rate to it"], rows)


def last_step_seconds(server: Livewall, pipeline: str) -> float:
    """Run a task, and return how long its last step took, by the server's clock."""
    made = server.call("POST", f"/api/pipelines/{pipeline}/tasks", {})["id"]
    while not (found := server.call("GET", f"/api/tasks/{made}"))["ended_at"]:
        time.sleep(0.02)
    if found["state"] != "succeeded":
        raise RuntimeError(f"the task {found['state']}: {found['reason']}")
    from datetime import datetime

    begin, end = (datetime.fromisoformat(found["steps"][-1][key]) for key in ("started_at", "ended_at"))
    return (end - begin).total_seconds()


@contextlib.contextmanager
def gate_server() -> Iterator[Livewall]:
    folder = Path(scratch()) / f"gates-{time.monotonic_ns()}"
    folder.mkdir()
    (folder / "gate.toml").write_text(
        '[params.wall]\n[[steps]]\nname = "go"\n[steps.gate.poll]\nwall = "{params.wall}"\ntitle = "Go?"\n'
        'options = ["Yes", "No"]\npasses = "Yes"\n'
    )
    with Livewall("--pipelines", str(folder), core=None) as server:
        yield server
    shutil.rmtree(folder)


def gates(plan: Plan) -> str:
    """Measure from a ballot's request, the poll closed right after it, to the step's success in the API's answer."""
    count = plan.size(GATES, 5)
    took: list[float] = []
    with gate_server() as server:
        wall = server.call("POST", "/api/walls", {"title": "W"})["code"]
        voters = server.voters(count)
        plan.step(f"{count} gates")
        for voter in voters:
            made = server.call("POST", "/api/pipelines/gate/tasks", {"params": {"wall": wall}})["id"]
            poll = server.call("GET", f"/api/tasks/{made}")["steps"][0]["waits_for"]["poll"]
            start = time.perf_counter()
            server.call("PUT", f"/api/polls/{poll}/ballot", {"choices": ["1"]}, token=voter)
            server.call("POST", f"/api/polls/{poll}/close", {})
            while server.call("GET", f"/api/tasks/{made}")["state"] != "succeeded":
                time.sleep(0.001)
            took.append((time.perf_counter() - start) * 1000)
    head = [f"{count} gates, one after the other", "p50, ms", "p99, ms"]
    name = "the last ballot, the host closes, the step has succeeded"
    return table(head, [[name, f"{percentile(took, 0.5):.1f}", f"{percentile(took, 0.99):.1f}"]])
