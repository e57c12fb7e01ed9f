"""Real OpenSSH servers on 127.0.0.1, each with keys, a configuration and a home folder of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from missing import missing

PATIENCE = 20.0
PROGRAM = shutil.which("sshd") or "/usr/sbin/sshd"
_CONFIG = """\
{more}
Port {port}
ListenAddress {address}
HostKey {folder}/host_{key_type}
AuthorizedKeysFile {folder}/authorized_keys
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


def need_sshd() -> None:
    """Skip the test where OpenSSH's server is missing; in continuous integration that is a failure."""
    if os.access(PROGRAM, os.X_OK):
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        return
    missing("sshd is not installed (openssh-server)")


def free_port(address: str = "127.0.0.1") -> int:
    with socket.create_server((address, 0)) as held:
        return int(held.getsockname()[1])


class Sshd:
    """A server in `folder`: `home` is the far user's home, `key` the client's private key, `known_hosts` knows it.

    `more` are lines of its configuration, which come before the usual ones. Use it with `with`.
    """

    def __init__(
        self, folder: Path, *, name: str = "web1", more: str = "", user: str = "", address: str = "127.0.0.1"
    ) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.user = user or getpass.getuser()
        self.address = address
        self.port = free_port(address)
        self.key = self.folder / "id"
        self.key_type = "ed25519"
        self.more = more
        self.known_hosts = folder / "known_hosts"
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions: set[int] = set()
        keygen(self.key)
        shutil.copy(f"{self.key}.pub", self.folder / "authorized_keys")
        self.make_host_key("ed25519")
        if user:
            for path in (self.home, self.folder / "authorized_keys"):
                shutil.chown(path, user)

    # -- keys

    def make_host_key(self, kind: str) -> str:
        """Make a new host key of this type, and return it: TYPE BASE64."""
        path = self.folder / f"host_{kind}"
        for each in (path, Path(f"{path}.pub")):
            each.unlink(missing_ok=True)
        keygen(path, kind)
        self.key_type = kind
        return self.host_key

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / f"host_{self.key_type}.pub").read_text().split()[:2])

    def learn(self) -> None:
        """Add the host key to the client's file of known hosts."""
        with self.known_hosts.open("a") as file:
            file.write(f"[{self.address}]:{self.port} {self.host_key}\n")

    # -- what a step's input holds

    def host(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": self.name, "address": self.address, "port": self.port, "user": self.user, "key": str(self.key),
            **changed,
        }  # fmt: skip

    def ssh(self, **changed: Any) -> dict[str, Any]:
        usual = {"known_hosts": str(self.known_hosts), "agent": False, "folder": ".livewall", "connect_within": 10}
        return {**usual, **changed}

    # -- its life

    def __enter__(self) -> Sshd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.cut()

    def start(self) -> None:
        """Listen, on the same port as before; return when a connection is accepted."""
        text = _CONFIG.format(
            port=self.port, address=self.address, folder=self.folder, home=self.home, key_type=self.key_type,
            more=self.more,
        )  # fmt: skip
        config = self.folder / "sshd_config"
        config.write_text(text)
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", str(config)], stderr=log, cwd="/")
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), socket.create_connection((self.address, self.port), 1):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop listening. Connections stay, and so does what runs."""
        if self._process is not None:
            self._sessions |= set(self.sessions())
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def restart(self, *, key: bool = False) -> None:
        """Stop, cut all connections, and start again; with `key`, with another host key."""
        self.stop()
        self.cut()
        if key:
            self.make_host_key(self.key_type)
        self.start()

    def cut(self) -> int:
        """Cut all connections, without a word to the client's program; return how many processes served them."""
        serving = self._sessions | set(self.sessions())
        self._sessions.clear()
        for pid in serving:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(serving)

    def sessions(self) -> list[int]:
        """The processes that serve connections. The shells below them are not among them."""
        if self._process is None:
            return []
        found, parents = [], [self._process.pid]
        processes = dict(_processes())
        while parents:
            parent = parents.pop()
            for pid, (above, name) in processes.items():
                if above == parent and name.startswith("sshd"):
                    found.append(pid)
                    parents.append(pid)
        return found


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> None:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def fingerprint(path: Path) -> str:
    """What ssh-keygen says of a public key."""
    done = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def marked(attempt: str) -> list[int]:
    """The living processes of an attempt, by the marker in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"LIVEWALL_ATTEMPT={attempt}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def far_files(home: Path) -> Mapping[str, list[str]]:
    """The folders of attempts in a home, and their files."""
    base = home / ".livewall"
    return {each.name: sorted(os.listdir(each)) for each in base.iterdir()} if base.exists() else {}


def _processes() -> Iterator[tuple[int, tuple[int, str]]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            head, _, rest = path.read_text().rpartition(")")
            yield int(path.parent.name), (int(rest.split()[1]), head.partition("(")[2])
