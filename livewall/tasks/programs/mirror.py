"""Bare mirrors of git repositories: one below DATA/git for each repository, used by one process at a time.

Nothing here asks a question or runs a hook, and no text that somebody typed can become an option of git.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from livewall.settings import environment_with
from livewall.tasks.programs import StepFailed

PROTOCOLS = ("file", "git", "http", "https", "ssh")
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_HASH = re.compile(r"[0-9a-f]{4,40}|[0-9a-f]{64}")
WHOLE_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")
"""Signs that no name of a branch or a tag has (git-check-ref-format), and that mean something in a revision."""
_SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0", "-c", "maintenance.auto=0",
    "-c", "advice.detachedHead=false", "-c", "core.fsync=objects", "-c", "http.lowSpeedLimit=1",
    "-c", "http.lowSpeedTime=60",
)  # fmt: skip

LOCK_SECONDS = 600.0
"""The longest time in seconds for which the mirror is waited for."""
MAX_NAME = 200
"""The largest number of bytes of the name of a folder."""
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
_FETCH = ("--progress", "--no-tags", "--no-write-fetch-head")
_NOT_FETCHED = "the repository cannot be fetched; the log says why"


class Ref(NamedTuple):
    """A commit by the name that was asked for; `kind` is branch, tag or commit."""

    name: str
    kind: str
    commit: str


def problem_of(repository: str) -> str:
    """Return why a repository is not taken, or an empty text."""
    if not repository or repository.startswith("-") or any(ord(letter) < 32 for letter in repository):
        return "is not the address or the path of a repository"
    scheme, separator, _ = repository.partition("::")
    if separator and re.fullmatch(r"[A-Za-z0-9+-]+", scheme):
        return "names a remote helper, which is not run"
    if "://" not in repository:
        remote = ":" in repository.partition("/")[0]
        return "" if remote or repository.startswith("/") else "must be an address or an absolute path"
    try:
        parts = urlsplit(repository)
        password = parts.password
    except ValueError:
        return "is not the address or the path of a repository"
    if parts.scheme not in PROTOCOLS:
        return f"must be a path, or an address that begins with {', '.join(f'{each}://' for each in PROTOCOLS)}"
    if password:
        return "contains a password, which every user of the machine could see: use a credential helper of git, or ssh"
    return ""


class Mirror:
    """The mirror of a repository. `data` is the server's folder of data."""

    def __init__(self, data: Path, repository: str) -> None:
        if problem := problem_of(repository):
            raise StepFailed(f"the repository {problem}")
        self.repository = repository
        name = hashlib.sha256(repository.encode()).hexdigest()[:24]
        self.path = data / "git" / f"{name}.git"
        self._lock = data / "git" / f"{name}.lock"
        self._held: int | None = None

    @contextmanager
    def locked(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the mirror; `waiting` is called before a wait for another process. Raises StepFailed."""
        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StepFailed(f"the folder of mirrors cannot be used: {error.strerror}") from None
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                self._wait_for_lock(held)
            self._held = held
            yield
        finally:
            self._held = None
            os.close(held)

    def _wait_for_lock(self, held: int) -> None:
        """Wait for other processes, but not without end: one of them may have outlived its program."""
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    minutes = f"{LOCK_SECONDS / 60:.0f} minutes"
                    raise StepFailed(f"another process has held the mirror for {minutes}") from None
            time.sleep(0.1)

    def git(self, *arguments: str, folder: Path | None = None, allowed: tuple[str, ...] = PROTOCOLS) -> str | None:
        """Return what a git command prints, or None if it fails. What it says about itself goes to the log."""
        done = subprocess.run(
            self._command(folder, arguments), env=environment(allowed, self._ceiling(folder)), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, pass_fds=self._inherited, umask=self._umask(folder), cwd="/",
        )  # fmt: skip
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def fetch(self, progress: Callable[[float, str], None], *, quiet: bool = False) -> None:
        """Bring the mirror up to date, while it is held. `progress(part, message)` is called as the fetch goes on.

        With `quiet`, nothing goes to the log.
        Raises StepFailed.
        """
        if not (self.path / "HEAD").is_file():
            self._clone(progress, quiet=quiet)
            return
        # Every git inherits the lock of this class, so none is alive that could hold one of these.
        for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*"):
            for left in self.path.glob(pattern):
                left.unlink(missing_ok=True)
        specs = (f"+{_BRANCHES}*:{_BRANCHES}*", f"+{_TAGS}*:{_TAGS}*")
        # Not atomic: what is pruned first may stand in the way of what comes, as `a` does of `a/b`.
        arguments = ("fetch", *_FETCH, "--prune", "--", self.repository, *specs)
        if self._run(arguments, progress, quiet=quiet) != 0:
            # The mirror may be damaged. It is replaced if the repository can be cloned, and kept otherwise.
            self._clone(progress, quiet=quiet)
        self.git("pack-refs", "--all")  # thousands of files otherwise, each of which a clone would read

    def _clone(self, progress: Callable[[float, str], None], *, quiet: bool) -> None:
        """Make the mirror, or make it anew. A clone writes thousands of refs at once, and a fetch a file for each."""
        new = self.path.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        arguments = ("clone", "--bare", "--no-local", "--progress", "--template=", "--", self.repository, str(new))
        if self._run(arguments, progress, quiet=quiet, folder=self.path.parent) != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise StepFailed(_NOT_FETCHED)
        shutil.rmtree(self.path, ignore_errors=True)
        new.rename(self.path)

    def fetch_commit(self, commit: str, progress: Callable[[float, str], None]) -> None:
        """Fetch a commit by its whole hash, which no branch and no tag leads to, if the other side gives it."""
        self._run(("fetch", *_FETCH, "--", self.repository, commit), progress)

    def default_branch(self) -> str:
        """Return the branch that the repository's HEAD names. Raises StepFailed."""
        answer = self.git("ls-remote", "--symref", "--", self.repository, "HEAD") or ""
        match = re.match(rf"ref: {_BRANCHES}(\S+)\tHEAD", answer)
        if match is None:
            raise StepFailed("the repository has no default branch: name a ref")
        return match[1]

    def resolve(self, name: str) -> Ref | None:
        """Return the commit of a whole hash, a branch, a tag or the beginning of a hash, in this order."""
        if not name or _NO_REF.search(name):
            return None
        if WHOLE_HASH.fullmatch(name) and (commit := self._commit(name)) == name:
            return Ref(name, "commit", commit)
        short = name.removeprefix(_BRANCHES).removeprefix(_TAGS)
        for prefix, kind in ((_BRANCHES, "branch"), (_TAGS, "tag")):
            if name.startswith("refs/") and not name.startswith(prefix):
                continue
            if commit := self._commit(f"{prefix}{short}"):
                return Ref(short, kind, commit)
        if _HASH.fullmatch(name) and (commit := self._commit(name)):
            return Ref(name, "commit", commit)
        return None

    def _commit(self, revision: str) -> str | None:
        found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return found.strip() if found else None

    def _run(
        self,
        arguments: tuple[str, ...],
        progress: Callable[[float, str], None],
        *,
        quiet: bool = False,
        folder: Path | None = None,
    ) -> int:
        """Run a command that fetches, pass on what it says, and return its exit status."""
        process = subprocess.Popen(
            self._command(folder, arguments),
            env=environment(PROTOCOLS, self._ceiling(folder)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, pass_fds=self._inherited, umask=self._umask(folder), cwd="/",
            start_new_session=True,
        )  # fmt: skip
        assert process.stderr is not None
        with process, process.stderr as stream:
            try:
                while text := os.read(stream.fileno(), 1 << 16):
                    if not quiet:
                        os.write(1, text)
                    for stage, percent in re.findall(rb"(Receiving objects|Resolving deltas): +(\d+)%", text):
                        progress(int(percent) / 100, "resolving" if stage.startswith(b"Res") else "receiving")
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)  # also the programs that git has started
                raise
        return process.returncode

    def _command(self, folder: Path | None, arguments: tuple[str, ...]) -> list[str]:
        if shutil.which("git") is None:
            raise StepFailed("git is not installed on the server's machine")
        # Named, not looked for: git would take the repository around a mirror that is damaged.
        where = [f"--git-dir={self.path}"] if folder is None else ["-C", str(folder)]
        return ["git", *where, *_SAFE, *arguments]

    def _ceiling(self, folder: Path | None) -> Path:
        """Return the folder above which no git looks for a repository."""
        return (folder or self.path).parent

    def _umask(self, folder: Path | None) -> int:
        """Return the umask of a git: what it writes below DATA/git is private. -1 keeps that of the step."""
        return 0o077 if folder in (None, self.path.parent) else -1

    @property
    def _inherited(self) -> tuple[int, ...]:
        """The lock, held by every git as well: one that outlives this process still keeps others away."""
        return () if self._held is None else (self._held,)


def environment(allowed: tuple[str, ...], ceiling: Path) -> Mapping[str, str]:
    """Return the environment of git: that of the step, without anything that asks, and in English."""
    return {
        **{name: value for name, value in environment_with().items() if not name.startswith("GIT_")},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CEILING_DIRECTORIES": str(ceiling),
        "GIT_SSH_COMMAND": _SSH,
        "GIT_ALLOW_PROTOCOL": ":".join(allowed),
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
    }


def place_in(work: Path, into: str) -> Path:
    """Return the folder `into` of a working folder. Raises StepFailed if it would be elsewhere."""
    path, parts = work / into, Path(into).parts
    is_name = all(len(part.encode()) <= MAX_NAME for part in parts) and not any(ord(letter) < 32 for letter in into)
    is_inside = is_name and not Path(into).is_absolute() and ".." not in parts and Path(into).name != ""
    if not is_inside or not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(work)):
        raise StepFailed("into must name a folder inside the task's working folder")
    return path


def remove(path: Path) -> None:
    """Remove a folder, a file or a link, if there is one. Raises StepFailed."""
    with suppress(FileNotFoundError):
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StepFailed(f"what is in the place of the folder cannot be removed: {error.strerror}") from None
