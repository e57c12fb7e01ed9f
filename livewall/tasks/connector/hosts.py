"""Connections to hosts: one for each host, made when it is needed and made again after it was cut."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh

from livewall.tasks.connector import keys, known_hosts
from livewall.tasks.connector.problems import Failed, HostKey, Refused, Speechless, UnknownHostKey, Unreachable

HANDSHAKES = 20
"""How many connections are made at once."""
SESSIONS = 8
"""How many sessions a connection has at once; a cancel takes one more, of the ten that OpenSSH allows."""
QUIET_SECONDS = 5.0
"""Seconds after which a connection counts no longer as one that is made, if the server has said nothing."""
CONNECT_SECONDS = 15.0
LOGIN_SECONDS = 30.0
KEEPALIVE_SECONDS, KEEPALIVE_COUNT = 15, 3
CLOSE_SECONDS = 3.0
MAX_WITHOUT_SFTP = 5
"""How often SFTP may fail to start, one time after the other, before the server is believed to offer none."""

_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""The signatures of host keys that are taken, by the type of the key."""
_CIPHERS = (
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
    "aes256-ctr", "aes192-ctr", "aes128-ctr",
)  # fmt: skip
"""Those that processors compute themselves come first."""

Session = asyncssh.SSHClientProcess[bytes]


class Target(NamedTuple):
    """A host, as the input of a program has it."""

    name: str
    address: str
    port: int
    user: str
    key: str | None
    agent: bool
    known_hosts: str

    @classmethod
    def of(cls, host: Mapping[str, Any], ssh: Mapping[str, Any]) -> Target:
        """Return the target of an input. Raises KeyError, ValueError."""
        return cls(
            str(host["name"]), str(host["address"]), int(host["port"]), str(host["user"]), host["key"],
            bool(ssh["agent"]), str(ssh["known_hosts"]),
        )  # fmt: skip


class Hosts:
    """All hosts of a task. `agent` is the path of the socket of the agent of the server's user, or None."""

    def __init__(self, agent: str | None) -> None:
        self._agent = agent
        self._hosts: dict[Target, Host] = {}
        self._handshakes = asyncio.Semaphore(HANDSHAKES)

    def host(self, target: Target) -> Host:
        if target not in self._hosts:
            self._hosts[target] = Host(target, self._agent, self._handshakes)
        return self._hosts[target]

    async def close(self) -> None:
        """Cut all connections. Commands on the hosts go on."""
        await asyncio.gather(*(host.close() for host in self._hosts.values()))


class Host:
    """A host and the connection to it."""

    def __init__(self, target: Target, agent: str | None, handshakes: asyncio.Semaphore) -> None:
        self.target = target
        self.name = target.name
        self._agent = agent
        self._handshakes = handshakes
        self._connecting: asyncio.Task[asyncssh.SSHClientConnection] | None = None
        """The newest attempt to connect, under way or with its result."""
        self._slots = asyncio.Semaphore(SESSIONS)
        self._without_sftp = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Yield the connection, with the right to one session. Raises Unreachable, Failed, UnknownHostKey."""
        async with self._slots:
            yield await self.connection()

    async def connection(self) -> asyncssh.SSHClientConnection:
        """Return the connection; whoever asks meanwhile waits for the same one. Raises as `slot` does."""
        under_way = self._connecting is not None and not self._connecting.done()
        if self._connecting is None or not (under_way or self._is_connected()):
            self._connecting = asyncio.create_task(self._connect())
        return await asyncio.shield(self._connecting)

    def _is_connected(self) -> bool:
        made = self._made()
        return made is not None and not made.is_closed()

    def _made(self) -> asyncssh.SSHClientConnection | None:
        """Return the newest connection, which may have been closed since."""
        made = self._connecting
        if made is None or not made.done() or made.cancelled() or made.exception() is not None:
            return None
        return made.result()

    async def shell(self, *, patient: bool = True) -> Session:
        """Start `sh`, whose stdin is a script. Raises Unreachable.

        While the server allows no further session, it is asked again; without `patient`, Unreachable is raised.
        """
        connection = await self.connection()
        while True:
            try:
                return await connection.create_process("sh", encoding=None, stderr=asyncssh.PIPE)
            except asyncssh.ChannelOpenError as error:
                if connection.is_closed() or not patient:
                    raise Unreachable(f"{self.name} allows no further session") from error
            except (asyncssh.Error, OSError) as error:
                raise Unreachable("the connection was cut") from error
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def sftp(self) -> asyncssh.SFTPClient:
        """Start SFTP, as `shell` starts a shell. Raises Unreachable, Failed."""
        connection = await self.connection()
        while True:
            try:
                # Names are bytes: those of this machine need not be UTF-8.
                sftp = await connection.start_sftp_client(path_encoding=None)
            except asyncssh.ChannelOpenError as error:
                if connection.is_closed():
                    raise Unreachable("the connection was cut") from error
            except (asyncssh.Error, OSError) as error:
                # A cut looks the same, so it is a finding only when it repeats itself.
                self._without_sftp += 1
                if self._without_sftp >= MAX_WITHOUT_SFTP:
                    raise Failed(f"{self.name} offers no SFTP") from error
                raise Unreachable("SFTP could not be started") from error
            else:
                self._without_sftp = 0
                return sftp
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def ask(self, nonce: str, script: bytes, *, patient: bool = True) -> tuple[list[str], bytes]:
        """Run a script to its end; return its last report, as words, and what it printed after the nonce.

        Raises Unreachable, and Speechless if the script ended without a report while the connection was good.
        """
        process = await self.shell(patient=patient)
        try:
            process.stdin.write(script)
            process.stdin.write_eof()
            output, problems = await asyncio.gather(process.stdout.read(), process.stderr.read())
        except (asyncssh.Error, OSError) as error:
            raise Unreachable("the connection was cut") from error
        finally:
            await close(process)
        status = process.exit_status
        reports = [
            line.split()[1:] for line in problems.decode(errors="replace").splitlines() if line.startswith(nonce)
        ]
        if not reports:
            if status is not None and self._is_connected():
                raise Speechless(f"a script on {self.name} ended with status {status}, and did not say what it did")
            raise Unreachable("a script was cut off")
        return reports[-1], output.partition(nonce.encode() + b"\n")[2]

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if (made := self._made()) is not None:
            made.close()
            with suppress(TimeoutError, asyncssh.Error, OSError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await made.wait_closed()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        target = self.target
        try:
            known = known_hosts.read(Path(target.known_hosts), target.address, target.port)
        except OSError as error:
            raise Refused(f"the file of known hosts cannot be read: {(error.strerror or 'error').lower()}") from None
        verdict = _Verdict(target, known)
        async with self._place(verdict):
            if target.key is not None:
                return await self._handshake(verdict, known, [keys.load(Path(target.key))])
            if not target.agent:
                return await self._handshake(verdict, known, keys.usual(Path.home()))
            if not self._agent:
                raise Refused("no agent runs for the server: SSH_AUTH_SOCK is not set")
            try:
                async with asyncssh.connect_agent(self._agent) as agent:
                    identities = list(await agent.get_keys())
                    if not identities:
                        raise Refused("the agent holds no key: ssh-add it")
                    return await self._handshake(verdict, known, identities)
            except (OSError, ValueError):
                raise Refused("the agent does not answer") from None

    @asynccontextmanager
    async def _place(self, verdict: _Verdict) -> AsyncIterator[None]:
        """Be one of the handshakes. A host that does not answer holds back the others for QUIET_SECONDS only."""
        await self._handshakes.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if not verdict.answered:
                held = False
                self._handshakes.release()

        timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, give_back)
        try:
            yield
        finally:
            timer.cancel()
            if held:
                self._handshakes.release()

    async def _handshake(
        self, verdict: _Verdict, known: known_hosts.Known, client_keys: list[Any]
    ) -> asyncssh.SSHClientConnection:
        target = self.target
        try:
            connection, _ = await asyncssh.create_connection(
                lambda: verdict,
                target.address,
                target.port,
                username=target.user,
                config=None,
                known_hosts=([], [], []),  # nothing is trusted unless `verdict` says so
                server_host_key_algs=_preferred(known),
                client_keys=client_keys,
                agent_path=None,
                preferred_auth="publickey",
                password=None,
                password_auth=False,
                kbdint_auth=False,
                host_based_auth=False,
                gss_host=None,
                gss_auth=False,
                gss_kex=False,
                x509_trusted_certs=None,
                compression_algs=["none"],
                encryption_algs=list(_CIPHERS),
                keepalive_interval=KEEPALIVE_SECONDS,
                keepalive_count_max=KEEPALIVE_COUNT,
                connect_timeout=CONNECT_SECONDS,
                login_timeout=LOGIN_SECONDS,
            )
        except asyncssh.HostKeyNotVerifiable:
            raise verdict.problem or Failed("its host key cannot be verified") from None
        except asyncssh.PermissionDenied:
            raise Refused(f"{self.name} refuses the login of {target.user}: none of its keys is accepted") from None
        except asyncssh.KeyExchangeFailed:
            raise Failed(f"{self.name} offers no algorithm that is supported") from None
        except (asyncssh.Error, OSError) as error:
            if verdict.problem is not None:
                raise verdict.problem from None
            raise Unreachable(_reason(error)) from None
        return connection


class _Verdict(asyncssh.SSHClient):
    """Decides on the key of a host."""

    def __init__(self, target: Target, known: known_hosts.Known) -> None:
        self._target = target
        self._name = target.name
        self._known = known
        self.problem: Exception | None = None
        self._connection: asyncssh.SSHClientConnection | None = None

    @property
    def answered(self) -> bool:
        """Whether the server has said anything."""
        return self._connection is not None and self._connection.get_extra_info("server_version") is not None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        shown = " ".join(key.export_public_key("openssh").decode().split()[:2])
        fingerprint = known_hosts.fingerprint(shown)
        if shown in self._known.revoked:
            self.problem = Failed(f"the host key of {self._name} is revoked: {fingerprint}")
        elif shown in self._known.keys:
            return True
        elif self._known.keys:
            type_, _, _ = shown.partition(" ")
            alike = [each for each in self._known.keys if each.startswith(f"{type_} ")] or self._known.keys
            expected = " or ".join(map(_fingerprint, alike))
            self.problem = Failed(
                f"the host key of {self._name} has changed: it is {fingerprint}, and {expected} is known; "
                f"if that is right, remove {self._places()} and retry"
            )
        else:
            self.problem = UnknownHostKey(HostKey(fingerprint, key.get_algorithm(), shown))
        return False

    def _places(self) -> str:
        """Return where the known keys stand, without the folder of the file: a reason is public."""
        file = Path(self._target.known_hosts)
        try:
            numbers = known_hosts.lines(known_hosts.content(file), self._target.address, self._target.port)
        except OSError:
            numbers = []
        shown = " and ".join(map(str, numbers))
        if not numbers:
            return f"the old key from {file.name}"
        return f"{'line' if len(numbers) == 1 else 'lines'} {shown} of {file.name}"


def _fingerprint(key: str) -> str:
    try:
        return known_hosts.fingerprint(key)
    except known_hosts.NotAKey:
        return "a damaged line"


def _preferred(known: known_hosts.Known) -> list[str]:
    """Return the signatures of host keys, those first for which a key is known."""
    types = {key.partition(" ")[0] for key in known.keys}
    ordered = sorted(_ALGORITHMS, key=lambda each: each not in types)
    return [name for each in ordered for name in _ALGORITHMS[each]]


def _reason(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror():
            return "the name is not known"
        case TimeoutError():
            return "timed out"
        case asyncssh.ConnectionLost() if "timeout" in str(error).lower():
            return "timed out"
        case ConnectionError() | asyncssh.Error():
            return "the connection was closed during the handshake"
        case OSError() if error.strerror and "[" not in error.strerror:
            return error.strerror.lower()
        case _:
            text = str(error)
            return "connection refused" if "refused" in text.lower() else "no connection"


async def close(process: Session, *, unread: bool = False) -> None:
    """Close a session, and wait until it is closed, because the server counts it until then.

    With `unread`, nobody reads what it sent any more; asyncssh ends no session before that was read.
    """
    with suppress(asyncssh.Error, OSError):
        process.stdin.write_eof()
    process.close()
    with suppress(TimeoutError, asyncssh.Error, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            if unread:
                await asyncio.gather(_pass_over(process.stdout), _pass_over(process.stderr))
            await process.wait_closed()


async def _pass_over(reader: asyncssh.SSHReader[bytes]) -> None:
    while await reader.read(1 << 16):
        pass
