"""The demonstration: start a server, a wall, a task and an audience, and end all of it afterwards."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
import os
import shlex
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from livewall.client.calls import ClientError, NotReached, Refusal, Server, segment
from livewall.client.secret import admin_token, is_loopback
from livewall.client.subscription import subscribe
from livewall.demo import hosts, release, repository
from livewall.demo.answers import OPTIONS
from livewall.demo.folder import NotADemo, claim
from livewall.own_addresses import reachable
from livewall.own_command import this_command
from livewall.settings import environment_without_livewall

CROWD_SECONDS = 60.0
GATE_SECONDS = 20.0
"""Seconds in which the audience answers the question of the release."""
ROOM = "operations"
START_SECONDS = 20.0
GRACE_SECONDS = 8.0

Say = Callable[[str], None]


class Failed(Exception):
    """The demonstration cannot continue."""


async def show(*, port: int, address: str, data: Path | None, seconds: float | None, say: Say) -> None:
    """Run until `seconds` have passed, or SIGINT or SIGTERM. Raises Failed."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livewall-demo-")))
        check_port(port, address)
        claim_folder(folder)
        pipelines = await prepare_project(folder, say)
        where = None if pipelines is None else await start_hosts(stack, folder / "demo", say)
        server, process = await stack.enter_async_context(running_server(port, address, folder, pipelines))
        stage = await create_wall(server)
        if pipelines is not None:
            await asyncio.to_thread(repository.write_pipeline, folder / "demo", where, stage["wall"])
            stage |= await stack.enter_async_context(releases(server, process, stage["wall"]))
            stage["hosts"] = "" if where is None else str(where)
        say(announcement(server, stage, address, folder))
        crowd = min(CROWD_SECONDS, seconds * 0.8) if seconds else CROWD_SECONDS
        tasks = [
            await stack.enter_async_context(background(run_audience(server, stage["poll"], crowd, say))),
            await stack.enter_async_context(background(release.run(server, stage["task"]))),
            await stack.enter_async_context(background(fail_when_ended(process))),
        ]
        if "release" in stage:
            tasks.append(await stack.enter_async_context(background(decide_release(server, stage, say))))
        await wait_for_end(stopped, seconds, tasks)
        say("Ending.")


async def wait_for_end(stopped: asyncio.Event, seconds: float | None, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until it is time to end. A task that fails before raises its exception here."""
    stop = asyncio.ensure_future(stopped.wait())
    pending: set[asyncio.Future[Any]] = {stop, *tasks}
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    try:
        while not stop.done():
            timeout = None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())
            done, pending = await asyncio.wait(pending, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return
            for task in done - {stop}:
                await task
    finally:
        stop.cancel()


@asynccontextmanager
async def background(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ClientError, Failed):
            await task


@asynccontextmanager
async def child(*arguments: str, program: str = sys.executable, **options: Any) -> AsyncIterator[Process]:
    """Run a process that ends with this one: by SIGTERM, or by the kernel if this process is killed."""
    process = await create_subprocess_exec(
        program,
        *arguments,
        env=environment_without_livewall(),
        start_new_session=True,  # Ctrl-C reaches only this process, which ends the child
        preexec_fn=partial(_end_with, os.getpid()),
        **options,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            except TimeoutError:
                with suppress(ProcessLookupError):  # it may have ended in this moment
                    process.kill()
                await process.wait()


def _end_with(parent: int) -> None:
    """In a child, before it becomes another program: end when `parent` does, or now if it has ended already."""
    pr_set_pdeathsig = 1
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def check_port(port: int, address: str) -> None:
    """Raise Failed if the port is taken, since another server would answer in place of the demonstration's."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise Failed(f"The demo cannot listen on {address}, port {port}: {problem.strerror}.") from None
            raise Failed(
                f"Port {port} is taken by another program; stop it, or choose one with --port or LIVEWALL_PORT."
            ) from None


def claim_folder(folder: Path) -> None:
    """Raise Failed unless the demonstration may write into `folder`."""
    try:
        claim(folder)
    except NotADemo as problem:
        raise Failed(str(problem)) from None
    except OSError as problem:
        raise Failed(f"The data folder {folder} cannot be used: {problem.strerror}.") from None


async def prepare_project(data: Path, say: Say) -> Path | None:
    """Make a pipeline and the repository that it releases; return the folder, or None if that is not possible."""
    try:
        return await asyncio.to_thread(repository.prepare, data / "demo")
    except (repository.RepositoryError, OSError) as problem:
        say(f"No pipeline is shown: {problem}")
        return None


async def start_hosts(stack: AsyncExitStack, folder: Path, say: Say) -> Path | None:
    """Start two SSH servers, and write the pipeline that releases to them; return the folder of their files.

    Where that is not possible, the pipeline is that of this machine alone, and the reason is said.
    """
    where = folder / "hosts"
    try:
        ports = await asyncio.to_thread(hosts.prepare, where, folder / "pipelines")
        await stack.enter_async_context(hosts.running(where, ports, child))
    except (hosts.NoHosts, OSError) as problem:
        say(f"The release is shown on this machine alone: {problem}.")
        await asyncio.to_thread(repository.write_pipeline, folder, None)
        return None
    await asyncio.to_thread(repository.write_pipeline, folder, where)
    return where


async def decide_release(server: Server, stage: dict[str, str], say: Say) -> None:
    """When the release asks the audience, let it answer."""
    name = f"tasks/{stage['release']}"
    following = subscribe(server, [name])
    poll = None
    async with aclosing(aiter(following)) as messages:
        async for _ in messages:
            held = following.held[name].entries
            poll = (held.get("step/go", {}).get("waits_for") or {}).get("poll")
            if poll is not None or held.get("task", {}).get("ended_at") is not None:
                break
    if poll is not None:
        say(f"The release asks its audience whether to go on: {server.url}/polls/{poll}")
        await run_audience(server, poll, GATE_SECONDS, lambda line: None)


@asynccontextmanager
async def releases(server: Server, process: Process, wall: str) -> AsyncIterator[dict[str, str]]:
    """Start two tasks on the server, a release and one whose test fails, and cancel them at the end."""
    path = f"/api/pipelines/{repository.PIPELINE}/tasks"
    started = [await server.post(path, {"params": {"ref": ref, "wall": wall}}) for ref in ("main", "broken")]
    items = (await server.get(f"/api/walls/{segment(wall)}"))["items"]
    await server.put(f"/api/walls/{segment(wall)}", {"items": [*items, f"tasks/{started[0]['id']}"]})
    try:
        yield {"release": started[0]["id"]}
    finally:
        if process.returncode is None:  # nothing can be asked of a server that has ended
            await cancel(server, [task["id"] for task in started])


async def cancel(server: Server, tasks: list[str]) -> None:
    """Cancel the tasks, and wait at most GRACE_SECONDS until they have ended."""
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            for task in tasks:
                await server.post(f"/api/tasks/{segment(task)}/cancel", {}, repeat=True)
            for task in tasks:
                while (await server.get(f"/api/tasks/{segment(task)}"))["ended_at"] is None:
                    await asyncio.sleep(0.1)


async def fail_when_ended(process: Process) -> None:
    raise Failed(f"The server ended with status {await process.wait()}.")


@asynccontextmanager
async def running_server(
    port: int, address: str, data: Path, pipelines: Path | None
) -> AsyncIterator[tuple[Server, Process]]:
    """Run `livewall serve`, and yield it when it is ready."""
    url = f"http://{reachable(address)}:{port}"
    arguments = ["--port", str(port), "--address", address, "--public-url", url, "--data", str(data)]
    if pipelines is not None:
        arguments += ["--pipelines", str(pipelines)]
    # `announcement` replaces what the server prints. Its log and its errors go to standard error.
    async with child("-m", "livewall", "serve", *arguments, "--log-level", "warning", stdout=DEVNULL) as process:
        await wait_until_ready(url, process)
        yield Server(url, admin_token(data), patience=30.0), process


async def wait_until_ready(url: str, process: Process) -> None:
    """Wait until the server is ready. Raises Failed."""
    ended = asyncio.ensure_future(process.wait())
    answered = asyncio.ensure_future(poll_until_ready(url))
    try:
        done, _ = await asyncio.wait({ended, answered}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        answered.cancel()
    if ended in done:
        raise Failed("The server did not start; its messages are above.")
    if not done:
        raise Failed(f"The server did not answer at {url} within {START_SECONDS:g} seconds.")


async def poll_until_ready(url: str) -> None:
    while True:
        try:
            await Server(url).get("/readyz")
            return
        except (NotReached, Refusal):
            await asyncio.sleep(0.05)


async def create_wall(server: Server) -> dict[str, str]:
    """Make a wall with two polls, a task and a room, with the first poll open and active; return their ids and a
    sign-in link."""
    wall = await server.post("/api/walls", {"title": "Election night 1996"})
    code = wall["code"]
    poll = await server.post("/api/polls", {"title": "Who gets your vote?", "options": list(OPTIONS), "wall": code})
    await server.post(
        "/api/polls",
        {
            "title": "What should the next evening be about?",
            "options": ["The debates", "The economy", "The polls and their errors"],
            "results": "after_vote",
            "wall": code,
        },
    )
    task = await release.create(server)
    with suppress(Refusal):  # an earlier demonstration in the same folder has made it
        await server.post("/api/rooms", {"name": ROOM, "title": "Operations"})
    path = f"/api/walls/{segment(code)}"
    items = (await server.get(path))["items"]
    items += [f"tasks/{task}", f"rooms/{ROOM}"]
    await server.put(path, {"items": items, "active": f"polls/{poll['id']}", "questions": "open", "reactions": True})
    await server.post(f"/api/polls/{segment(poll['id'])}/open", repeat=True)
    login = await server.post("/api/logins", {"role": "admin"})
    return {"wall": code, "poll": poll["id"], "task": task, "login": login["link"]}


def announcement(server: Server, stage: dict[str, str], address: str, data: Path) -> str:
    wall = f"{server.url}/w/{stage['wall']}"
    login = stage["login"] if "//" in stage["login"] else server.url + stage["login"]
    if is_loopback(server.url):
        where = "Only this machine can reach it. For phones in your network: --address 0.0.0.0."
    elif address == "0.0.0.0":
        where = "It listens on every address of this machine: whoever is in this network can vote."
    else:
        where = f"It listens on {address}."
    onto = " to two SSH servers" if stage.get("hosts") else ""
    another = f"{this_command()} login --role admin --url {server.url} --data {shlex.quote(str(data))}"
    return f"""
Livewall is running at {server.url}
{where}

  Projector   {wall}/screen
  Audience    {wall}
  Sign in     {login}
              (as admin, once, within ten minutes; another: {another})
  Tasks       {server.url}/tasks  (after signing in: a release of a small project{onto}, with its chart and logs;
              a second one, of the branch `broken`, fails on purpose)
  Room        {server.url}/rooms/{ROOM}  (it is told what becomes of the releases)

944 people are about to answer. Ctrl-C ends it.
"""


async def run_audience(server: Server, poll_id: str, seconds: float, say: Say) -> None:
    """Run the audience's process, report how its ballots arrive, and finally the result."""
    arguments = ("-m", "livewall.demo.audience", server.url, poll_id, f"{seconds:g}")
    async with child(*arguments, stdout=PIPE) as process:
        assert process.stdout is not None
        announced = 0
        async for line in process.stdout:
            count = json.loads(line)
            if count["cast"] >= announced + 100:
                announced = count["cast"] // 100 * 100
                say(f"{count['cast']} ballots are in.")
        if await process.wait():
            raise Failed(f"The audience's process ended with status {process.returncode}.")
    poll = await server.get(f"/api/polls/{segment(poll_id)}")
    counts = poll["tally"]["counts"]
    result = ", ".join(f"{option['label']} {counts.get(option['id'], 0)}" for option in poll["options"])
    say(f"All {count['cast']} ballots are in: {result}. The poll stays open; vote along from a phone.")
