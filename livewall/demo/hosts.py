"""Two hosts for the demonstration: OpenSSH servers on the loopback address, with keys and folders of their own."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import socket
import subprocess
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from livewall.atomic_file import write_whole
from livewall.settings import environment_with

NAMES = ("stage-1", "stage-2")
INVENTORY, KNOWN_HOSTS = "hosts.toml", "known_hosts"
START_SECONDS = 10.0
_PRIVILEGE_SEPARATION = Path("/run/sshd")
_CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/../login.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
LogLevel ERROR
SetEnv HOME={home}
Subsystem sftp internal-sftp
"""


class NoHosts(Exception):
    """There can be no hosts here; the text says why, and what to install."""


def find_server() -> str:
    """Return the path of sshd. Raises NoHosts."""
    path = environment_with("PATH").get("PATH", os.defpath)
    found = shutil.which("sshd", path=f"{path}:/usr/sbin:/usr/local/sbin")
    if found is None or shutil.which("ssh-keygen", path=path) is None:
        raise NoHosts("OpenSSH's server is not installed (Debian: apt-get install openssh-server)")
    if importlib.util.find_spec("asyncssh") is None:
        raise NoHosts("the package asyncssh is not installed (pip install '.[ssh]')")
    return found


def prepare(folder: Path, pipelines: Path) -> dict[str, int]:
    """Make keys, folders and configurations below `folder`, and the inventory beside the pipelines; return the ports.

    It blocks. Raises NoHosts, OSError.
    """
    find_server()
    folder.mkdir(exist_ok=True, mode=0o700)
    login = folder / "login"
    _keygen(login)
    if os.getuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    ports: dict[str, int] = {}
    hosts, known = [], []
    for name in NAMES:
        here, home = folder / name, folder / name / "home"
        home.mkdir(parents=True, exist_ok=True)
        _keygen(here / "host")
        port = ports[name] = _free_port()
        write_whole(here / "sshd_config", _CONFIG.format(port=port, folder=here, home=home).encode())
        key = " ".join((here / "host.pub").read_text().split()[:2])
        known.append(f"[127.0.0.1]:{port} {key}\n")
        hosts.append(f'{{ name = "{name}", address = "127.0.0.1", port = {port}, key = {_quoted(login)} }}')
    lines = "".join(f"    {host},\n" for host in hosts)
    write_whole(pipelines / INVENTORY, f"stage = [\n{lines}]\n".encode())
    write_whole(pipelines / KNOWN_HOSTS, "".join(known).encode())
    return ports


@asynccontextmanager
async def running(
    folder: Path,
    ports: dict[str, int],
    start: Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]],
) -> AsyncIterator[None]:
    """Run the servers. `start` starts a process that ends with this one. Raises NoHosts."""
    program = find_server()
    async with AsyncExitStack() as stack:
        for name, port in ports.items():
            config = str(folder / name / "sshd_config")
            process = await stack.enter_async_context(
                start("-D", "-e", "-f", config, program=program, stdout=DEVNULL, stderr=DEVNULL)
            )
            await _until_listening(process, port)
        yield


async def _until_listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if process.returncode is not None:
                raise NoHosts(f"OpenSSH's server ended with status {process.returncode}")
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


def _keygen(path: Path) -> None:
    if path.exists():
        return
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "livewall demo", "-f", str(path)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (subprocess.CalledProcessError, OSError) as problem:
        raise NoHosts(f"no key could be made: {problem}") from None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _quoted(path: Path) -> str:
    """Return a TOML string; the syntax is that of JSON."""
    return json.dumps(str(path), ensure_ascii=False)
