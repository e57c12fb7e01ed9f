"""Uploads: a file or a folder arrives beside its target, is compared, and takes the target's place by renaming."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncssh

from livewall.tasks.connector import far_scripts, sources
from livewall.tasks.connector.commands import Client
from livewall.tasks.connector.hosts import Host
from livewall.tasks.connector.patience import Patience
from livewall.tasks.connector.problems import Failed, Speechless, UnknownHostKey, Unreachable
from livewall.tasks.connector.sources import Entry, Source

WINDOW = 64 * 32 * 1024
"""How many bytes are under way at once. A file that was cut off may lack any of the last ones of that many."""
BLOCK = 255 * 1024
"""How many bytes are sent with one request, unless the server takes fewer."""
SIDE_BY_SIDE = 16
"""How many files of a folder are sent at once."""
MAX_SPEECHLESS = 3
"""How many scripts in a row may end without a word before that is the result."""
REMOVE_SECONDS = 10.0
"""Seconds for which it is tried to remove what has arrived, after a cancel or a fault."""
_OWN_FILE, _OWN_FOLDER = 0o600, 0o700
"""What the user on the host needs to write and to compare what arrives. The modes are set afterwards."""
INTERVAL = 0.5
"""Seconds between two reports of progress."""
PATH_BYTES = 4096
_CUT = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError, asyncssh.ChannelOpenError)
_OPEN = asyncssh.FXF_READ | asyncssh.FXF_WRITE | asyncssh.FXF_CREAT


class Upload:
    """One upload, from the request to its end."""

    def __init__(self, client: Client, host: Host, given: Mapping[str, Any]) -> None:
        self._client = client
        self._host = host
        self._root = os.fsencode(given["path"])
        self._to = os.fsencode(given["to"]).rstrip(b"/") or b"/"
        self._mode = None if given["mode"] is None else int(given["mode"], 8)
        folder, self._name = os.path.split(self._to)
        attempt = far_scripts.checked_id(given["id"]).encode()
        self._parent = folder or b"."
        self._side = os.path.join(folder, b".livewall-%s" % attempt)
        self._new = self._side + b".new"
        self._patience = Patience(host.name, given["within"])
        self._reached = False
        self._sent_before = bool(given["sent"])
        """Whether a connector before this one may have begun it."""
        self._compared = False
        """Whether the new folder was found to be right, and was told to take the place of the target."""
        self._speechless = 0
        self._entries: list[Entry] = []
        self._digests: dict[bytes, str] = {}
        self._total = 0
        self._done = 0
        """Bytes that the host has confirmed."""
        self._sent = 0
        """Bytes that were sent by this process, for the rate."""
        self._busy = 0.0
        self._reported = 0.0
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """Stop, and remove what has arrived."""
        self._cancelled.set()

    async def run(self) -> None:
        """Perform the upload. Raises Failed, UnknownHostKey."""
        work = asyncio.create_task(self._until_done())
        cancelled = asyncio.create_task(self._cancelled.wait())
        try:
            await asyncio.wait((work, cancelled), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await self._remove_new()
                return await self._client.event(event="cancelled")
            try:
                await work
            except Failed:
                await self._remove_new()
                raise
        finally:
            for task in (work, cancelled):
                task.cancel()
            await asyncio.gather(work, cancelled, return_exceptions=True)

    async def _until_done(self) -> None:
        if len(self._to) > PATH_BYTES or b"\0" in self._to or self._name in (b"", b".", b".."):
            raise Failed("the target is not the path of a file or a folder")
        self._entries = await asyncio.to_thread(sources.entries, self._root)
        self._total = sum(entry.size for entry in self._entries)
        while True:
            try:
                async with self._host.slot():
                    self._reached = True
                    await (self._folder() if self._entries[0].kind == "folder" else self._file())
                return await self._client.event(event="done")
            except Unreachable as problem:
                self._speechless += isinstance(problem, Speechless)
                if self._speechless >= MAX_SPEECHLESS:
                    raise Failed(str(problem)) from None
                message = self._patience.refused(str(problem), started=self._reached)
                await self._client.event(event="waiting", reason=message)
            except Failed as problem:
                message = self._patience.failed(problem, started=self._reached)
                await self._client.event(event="waiting", reason=message)
            await self._patience.pause()

    # -- one file

    async def _file(self) -> None:
        entry = self._entries[0]
        if entry.kind != "file":
            raise Failed("what is to be uploaded is a symbolic link")
        async with self._session() as sftp:
            target = await self._target(sftp)
            if target is not None and _kind(target) == "folder":
                raise Failed(f"the target on {self._host.name} is a folder")
        mode = entry.mode if self._mode is None else self._mode
        if target is not None and target.size == entry.size:
            here = self._digests[b""] = await asyncio.to_thread(sources.digest, self._root)
            if await self._hashes(b".", [self._to]) == [here]:
                async with self._session() as sftp:
                    with suppress(asyncssh.SFTPError):
                        await sftp.chmod(self._to, mode)
                return await self._log(f"already there: sha256 {here}")
        for _ in range(2):
            async with self._session() as sftp:
                await self._make_parent(sftp)
                await self._check_space(sftp)
                self._done = 0
                hashes = await self._send(sftp, entry, self._root, self._new, mode | _OWN_FILE)
            if (hashes or await self._hashes(b".", [self._new])) == [self._digests[b""]]:
                break
            await self._remove_new()  # it may hold what another upload left
        else:
            raise Failed(f"what arrived on {self._host.name} is not what was sent: the SHA-256 differs")
        async with self._session() as sftp:
            await sftp.chmod(self._new, mode)
            await self._rename(sftp, self._new, self._to)
        await self._log_end(f"sha256 {self._digests[b'']}")

    async def _send(self, sftp: asyncssh.SFTPClient, entry: Entry, path: bytes, to: bytes, mode: int) -> list[str]:
        """Send a file, from where an earlier try was cut off. Return its hash there, if that is known already."""
        file = await self._open(sftp, to)
        source = await asyncio.to_thread(Source, path)
        pending: deque[tuple[int, asyncio.Task[int]]] = deque()
        ahead: asyncio.Task[bytes] | None = None
        hashing: asyncio.Task[list[str]] | None = None
        begin_at = time.monotonic()
        try:
            there = (await file.stat()).size or 0
            if there > source.size:
                await file.truncate(0)
                there = 0
            offset = max(0, there - WINDOW)
            if offset:
                await asyncio.to_thread(source.skip, offset)
                if not entry.name:
                    await self._log(f"goes on at {_size(offset)}")
            self._done += offset
            flying, block = 0, min(BLOCK, sftp.limits.max_write_len or BLOCK)
            ahead = asyncio.create_task(asyncio.to_thread(source.read, block))
            while data := await ahead:
                ahead = asyncio.create_task(asyncio.to_thread(source.read, block))
                pending.append((len(data), asyncio.create_task(_write(file, data, offset))))
                offset += len(data)
                flying += len(data)
                while pending and (flying > WINDOW - block or pending[0][1].done()):
                    length, task = pending.popleft()
                    await task
                    flying -= length
                    await self._count(length)
            while pending:
                length, task = pending.popleft()
                await task
                await self._count(length)
            self._digests[entry.name] = source.digest()
            await file.setstat(asyncssh.SFTPAttrs(permissions=mode))
            # While the disk writes, the hash is computed, if the server allows one more session.
            hashing = None if entry.name else asyncio.create_task(self._hashes(b".", [to], patient=False))
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
            with suppress(Unreachable):
                return await hashing if hashing else []
            return []
        except asyncssh.SFTPError as error:
            raise await self._explained(sftp, error) from error
        finally:
            self._busy += time.monotonic() - begin_at
            if ahead is not None:
                await asyncio.wait([ahead])
            source.close()
            unfinished: list[asyncio.Task[Any]] = [task for _, task in pending]
            unfinished += [hashing] if hashing else []
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
            with suppress(asyncssh.SFTPError, asyncssh.Error, OSError):
                await file.close()

    async def _open(self, sftp: asyncssh.SFTPClient, path: bytes) -> asyncssh.SFTPClientFile:
        try:
            with suppress(asyncssh.SFTPNoSuchFile):
                found = await sftp.lstat(path)
                if _kind(found) != "file":
                    await sftp.remove(path)
                elif (found.permissions or 0) & _OWN_FILE != _OWN_FILE:
                    await sftp.chmod(path, _OWN_FILE)  # a cut came after its mode was set
            attributes = asyncssh.SFTPAttrs(permissions=_OWN_FILE)
            return await sftp.open(path, _OPEN, attributes, encoding=None, block_size=0)
        except asyncssh.SFTPError as error:
            raise await self._explained(sftp, error) from error

    # -- a folder

    async def _folder(self) -> None:
        async with self._session() as sftp:
            target = await self._target(sftp)
            if target is not None and _kind(target) != "folder":
                raise Failed(f"the target on {self._host.name} is a file, which a folder cannot replace")
            await self._make_parent(sftp)
            await self._check_space(sftp)
        files = [entry for entry in self._entries if entry.kind == "file"]
        if not (self._compared and await self._take_place(files)):
            await self._send_all(files)
            async with self._session() as sftp:
                await self._set_modes(sftp)
            self._compared = True
            if not await self._take_place(files):
                raise Failed(f"what was sent to {self._host.name} was removed there meanwhile")
        await self._log_end(f"{len(files)} files, each compared by SHA-256")

    async def _send_all(self, files: Sequence[Entry]) -> None:
        """Send a folder until what arrived is what was sent. Raises Failed."""
        wrong = files
        for _ in range(3):
            async with self._session() as sftp:
                self._done = self._total - sum(entry.size for entry in wrong)
                await self._fill(sftp, wrong)
            hashes = await self._hashes(self._new, [entry.name for entry in files])
            wrong = [
                entry
                for place, entry in enumerate(files)
                if place >= len(hashes) or hashes[place] != self._digests[entry.name]
            ]
            if not wrong:
                break
            async with self._session() as sftp:
                for entry in wrong:
                    with suppress(asyncssh.SFTPNoSuchFile):
                        await sftp.remove(os.path.join(self._new, entry.name))
        else:
            raise Failed(f"what arrived on {self._host.name} is not what was sent: the SHA-256 differs")

    async def _fill(self, sftp: asyncssh.SFTPClient, files: Sequence[Entry]) -> None:
        for entry in self._entries:
            place = os.path.join(self._new, entry.name) if entry.name else self._new
            try:
                if entry.kind == "folder":
                    if await self._kind_of(sftp, place) == "folder":
                        await sftp.chmod(place, _OWN_FOLDER)
                    else:
                        await sftp.mkdir(place, asyncssh.SFTPAttrs(permissions=_OWN_FOLDER))
                elif entry.kind == "link":
                    if await self._kind_of(sftp, place) == "link":
                        await sftp.remove(place)
                    await sftp.symlink(entry.link, place)
            except asyncssh.SFTPError as error:
                raise await self._explained(sftp, error) from error
        slots = asyncio.Semaphore(SIDE_BY_SIDE)

        async def send(entry: Entry) -> None:
            async with slots:
                path = os.path.join(self._root, entry.name)
                await self._send(
                    sftp, entry, path, os.path.join(self._new, entry.name), self._mode_of(entry) | _OWN_FILE
                )

        tasks = [asyncio.create_task(send(entry)) for entry in files]
        try:
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _set_modes(self, sftp: asyncssh.SFTPClient) -> None:
        """Give files and folders their modes, once they were compared; without it, they may not be readable."""
        slots = asyncio.Semaphore(SIDE_BY_SIDE)

        async def change(entry: Entry) -> None:
            async with slots:
                await sftp.chmod(os.path.join(self._new, entry.name), self._mode_of(entry))

        files = [each for each in self._entries if each.kind == "file" and self._mode_of(each) & _OWN_FILE != _OWN_FILE]
        await asyncio.gather(*map(change, files))
        for entry in reversed(self._entries):
            if entry.kind == "folder":
                await sftp.chmod(os.path.join(self._new, entry.name) if entry.name else self._new, entry.mode)

    def _mode_of(self, entry: Entry) -> int:
        return entry.mode if self._mode is None else self._mode

    async def _take_place(self, files: Sequence[Entry]) -> bool:
        """Put the new folder in the place of the target. Return False if it is not there. Raises Failed."""
        nonce = secrets.token_hex(8)
        script = far_scripts.replace(nonce, os.fsdecode(self._side), os.fsdecode(self._to))
        report, _ = await self._ask(nonce, script)
        if report[1:] == ["left"]:
            name = os.path.basename(os.fsdecode(self._side))
            await self._log(f"what was there before cannot be removed: it stays on {self._host.name} as {name}.gone")
        match report[0]:
            case "placed":
                return True
            case "absent":  # was it put there by a script whose report was cut off?
                return await self._hashes(self._to, [entry.name for entry in files]) == [
                    self._digests[entry.name] for entry in files
                ]
        raise Failed(
            f"the folder on {self._host.name} cannot be replaced: it may belong to another user, or be a mount point"
        )

    # -- the far side

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """Yield an SFTP session, which counts as a session of its connection only meanwhile. Raises Unreachable."""
        sftp = await self._host.sftp()
        try:
            yield sftp
            self._patience.reached()
        except _CUT as error:
            raise Unreachable("the connection was cut") from error
        except (OSError, asyncssh.Error) as error:
            if isinstance(error, asyncssh.SFTPError):
                raise await self._explained(sftp, error) from error
            raise Unreachable("the connection was cut") from error
        finally:
            sftp.exit()
            with suppress(TimeoutError, asyncssh.Error, OSError):
                async with asyncio.timeout(3.0):
                    await sftp.wait_closed()

    async def _target(self, sftp: asyncssh.SFTPClient) -> asyncssh.SFTPAttrs | None:
        """Return what is in the place of the target. Raises Failed if that may not be replaced."""
        try:
            found = await sftp.lstat(self._to)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None
        except asyncssh.SFTPPermissionDenied:
            raise Failed(
                f"the folder of the target on {self._host.name} cannot be entered: permission denied"
            ) from None
        if _kind(found) == "link":
            raise Failed(f"the target on {self._host.name} is a symbolic link")
        if _kind(found) == "other":
            raise Failed(f"the target on {self._host.name} is neither a file nor a folder")
        return found

    async def _kind_of(self, sftp: asyncssh.SFTPClient, path: bytes) -> str:
        try:
            return _kind(await sftp.lstat(path))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return ""

    async def _make_parent(self, sftp: asyncssh.SFTPClient) -> None:
        try:
            await sftp.makedirs(self._parent, exist_ok=True)
        except _CUT:
            raise
        except (asyncssh.SFTPError, OSError) as error:
            why = "permission denied" if isinstance(error, asyncssh.SFTPPermissionDenied) else "the server refuses it"
            if not isinstance(error, asyncssh.SFTPPermissionDenied) and await self._is_full(sftp, b"/"):
                why = "the disk is full"
            raise Failed(f"the folder of the target on {self._host.name} cannot be made: {why}") from None

    async def _check_space(self, sftp: asyncssh.SFTPClient) -> None:
        """Refuse what can never fit. Raises Failed."""
        try:
            disk = await sftp.statvfs(self._parent)
            have = (await sftp.lstat(self._new)).size or 0
        except asyncssh.SFTPNoSuchFile:
            have = 0
        except asyncssh.SFTPError as error:
            if isinstance(error, _CUT):
                raise
            return
        needs = self._total - (have if self._entries[0].kind == "file" else self._total)
        if disk.blocks and needs > disk.bfree * disk.frsize:
            missing = needs - disk.bfree * disk.frsize
            raise Failed(f"the disk of {self._host.name} is full: {_size(missing)} are missing")

    async def _is_full(self, sftp: asyncssh.SFTPClient, path: bytes) -> bool:
        with suppress(asyncssh.SFTPError):
            disk = await sftp.statvfs(path)
            full = disk.blocks > 0 and disk.bavail * disk.frsize < 2 * BLOCK
            return full or (disk.files > 0 and disk.favail == 0)
        return False

    async def _explained(self, sftp: asyncssh.SFTPClient, error: asyncssh.SFTPError) -> Exception:
        """Return what an error of the far side means. It says no more than "Failure" of a full disk."""
        if isinstance(error, _CUT):
            return Unreachable("the connection was cut")
        name = self._host.name
        try:
            if await self._is_full(sftp, self._parent):
                missing = max(self._total - self._done, 0)
                return Failed(f"the disk of {name} is full: {_size(missing)} of {_size(self._total)} are missing")
        except (asyncssh.Error, OSError):
            return Unreachable("the connection was cut")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return Failed(f"the folder of the target on {name} is not writable: permission denied")
        if isinstance(error, asyncssh.SFTPNoSuchFile):
            return Failed(f"the folder of the target on {name} does not exist")
        return Failed(f"{name} could not write what was sent: {str(error)[:100] or 'failure'}")

    async def _rename(self, sftp: asyncssh.SFTPClient, path: bytes, to: bytes) -> None:
        """Rename. Unlike `rename` of SFTP, the extension of OpenSSH replaces a file."""
        try:
            try:
                await sftp.posix_rename(path, to)
            except asyncssh.SFTPOpUnsupported:
                with suppress(asyncssh.SFTPNoSuchFile):
                    await sftp.remove(to)
                await sftp.rename(path, to)
        except asyncssh.SFTPError as error:
            raise await self._explained(sftp, error) from error

    async def _hashes(self, folder: bytes, names: Sequence[bytes], *, patient: bool = True) -> list[str]:
        nonce = secrets.token_hex(8)
        script = far_scripts.hashes(nonce, os.fsdecode(folder), [os.fsdecode(name) for name in names])
        report, output = await self._ask(nonce, script, patient=patient)
        if report == ["none"]:
            raise Failed(f"{self._host.name} has none of sha256sum, shasum and openssl, which the comparison needs")
        lines = (line.lstrip("\\")[:64] for line in output.decode(errors="replace").splitlines())
        return [line for line in lines if len(line) == 64]

    async def _remove_new(self) -> None:
        """Remove what has arrived, if the host can be reached within some seconds."""
        if not (self._reached or self._sent_before):
            return
        nonce = secrets.token_hex(8)
        script = far_scripts.discard(nonce, os.fsdecode(self._side), os.fsdecode(self._to))
        patience = Patience(self._host.name, None)
        with suppress(TimeoutError, Failed, UnknownHostKey):
            async with asyncio.timeout(REMOVE_SECONDS):
                while True:
                    with suppress(Unreachable):
                        await self._host.ask(nonce, script)
                        return
                    await patience.pause()

    async def _ask(self, nonce: str, script: bytes, *, patient: bool = True) -> tuple[list[str], bytes]:
        found = await self._host.ask(nonce, script, patient=patient)
        self._speechless = 0
        return found

    # -- what is said

    async def _count(self, length: int) -> None:
        self._done += length
        self._sent += length
        now = time.monotonic()
        if now - self._reported < INTERVAL:
            return
        elapsed = now - self._reported if self._reported else 0.0
        rate = "" if not elapsed else f", {_size((self._done - self._done_then) / elapsed)}/s"
        self._reported, self._done_then = now, self._done
        part = self._done / self._total if self._total else 1.0
        message = f"{self._done / 1e6:.1f} of {_size(self._total)}{rate}"
        await self._client.event(event="progress", part=min(part, 1.0), message=message)

    _done_then = 0

    async def _log_end(self, proof: str) -> None:
        rate = f", {_size(self._sent / self._busy)}/s" if self._sent and self._busy else ""
        await self._log(f"{_size(self._total)} in {self._busy:.1f} s{rate}; {proof}")

    async def _log(self, line: str) -> None:
        await self._client.event(event="log", line=line)


async def _write(file: asyncssh.SFTPClientFile, data: bytes, offset: int) -> int:
    return await file.write(data, offset)


def _kind(attributes: asyncssh.SFTPAttrs) -> str:
    mode = attributes.permissions or 0
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "other"


def _size(count: float) -> str:
    """Return a number of bytes in words."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}" if count < 10 * bytes_ else f"{count / bytes_:.0f} {unit}"
    return f"{count:.0f} bytes"
