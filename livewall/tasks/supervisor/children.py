"""Start the command, find its descendants, signal them and reap them."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NoReturn


class CannotStart(Exception):
    """The command could not be started; the text gives the reason, for people."""


def start(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    output: int,
    labels: tuple[str | None, str | None] = (None, None),
    umask: int | None = None,
    blocked: Iterable[int] = (),
    instead: Callable[[Mapping[bytes, bytes]], NoReturn] | None = None,
) -> int:
    """Start a command in a session of its own and return its pid; stdout and stderr go to `output`, stdin is empty.

    It starts with the signals in `blocked` blocked. With `instead`, the child calls that with its environment, and
    executes no command.

    The program is looked up in the PATH of `env`. Raises CannotStart, whose text names the program and the folder by
    `labels` where these are given: the values themselves may be secret.
    """
    try:
        if not argv or not argv[0]:
            raise CannotStart("no command is given")
        arguments = [os.fsencode(argument) for argument in argv]
        variables = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    except UnicodeEncodeError:
        raise CannotStart("an argument or a variable holds characters that cannot be passed on") from None
    if any(b"\0" in text for text in (*arguments, *variables, *variables.values(), os.fsencode(cwd))):
        raise CannotStart("an argument or a variable holds a NUL byte, which cannot be passed on")
    report_end, error_pipe = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.fork()
    except OSError as error:
        raise CannotStart(f"no process could be started: {error.strerror}") from None
    if pid == 0:
        _exec(arguments, cwd, variables, output, error_pipe, umask, blocked, instead)
    os.close(error_pipe)
    failure = b""
    # The pipe is closed on exec. End of file without a report therefore means that the command runs.
    while part := os.read(report_end, 4096):
        failure += part
    os.close(report_end)
    if failure:
        os.waitpid(pid, 0)
        stage, number, exists = failure.split()
        raise CannotStart(_explanation(stage, int(number), exists == b"1", labels[0] or argv[0], labels[1] or cwd))
    return pid


def _exec(
    argv: list[bytes],
    cwd: str,
    env: Mapping[bytes, bytes],
    output: int,
    error_pipe: int,
    umask: int | None,
    blocked: Iterable[int],
    instead: Callable[[Mapping[bytes, bytes]], NoReturn] | None,
) -> None:
    """In the child: execute the command, or report the error through `error_pipe`.

    Never returns to the parent's code.
    """
    stage = b"start"
    program = argv[0]
    try:
        os.setsid()
        if umask is not None:
            os.umask(umask)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in signal.valid_signals():
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        stage = b"cwd"
        os.chdir(cwd)
        stage = b"exec"
        if instead is not None:
            os.close(error_pipe)
            instead(env)
        for program in _candidates(argv[0], env):
            try:
                os.execve(program, argv, env)
            except (FileNotFoundError, NotADirectoryError) as error:
                if os.path.exists(program):
                    raise
                missing = error
        raise missing
    except OSError as error:
        os.write(error_pipe, b"%s %d %d" % (stage, error.errno or 0, os.path.lexists(program)))
    finally:
        os._exit(127)


def _candidates(program: bytes, env: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the paths at which to look for the program.

    Where no executable file is found on the PATH, all places are returned, so that exec reports why each fails.
    """
    if b"/" in program:
        return [program]
    path = env.get(b"PATH") or os.fsencode(os.defpath)
    candidates = [os.path.join(part or b".", program) for part in path.split(b":")]
    executable = [each for each in candidates if os.access(each, os.X_OK) and not os.path.isdir(each)]
    return executable or candidates


def _explanation(stage: bytes, number: int, exists: bool, program: str, cwd: str) -> str:
    reason = os.strerror(number)
    if stage == b"cwd":
        missing = number == errno.ENOENT
        return f"the working folder does not exist: {cwd}" if missing else f"the working folder {cwd}: {reason}"
    if stage == b"start":
        return f"no process could be started: {reason}"
    if number in (errno.ENOENT, errno.ENOTDIR):
        return f"the interpreter that {program} names does not exist" if exists else f"no such program: {program}"
    if number == errno.EACCES:
        return f"not allowed to run: {program}"
    if number == errno.ENOEXEC:
        return f"not a program of this machine (is the first line missing, #!…?): {program}"
    if number == errno.E2BIG:
        return "the arguments, or one of them, are too long for this machine"
    return f"{program} could not be started: {reason}"


def reap() -> Iterator[tuple[int, int]]:
    """Yield the children that have ended, as (pid, wait status).

    Raises ChildProcessError when there is no child, running or not. A subreaper then has no descendant either.
    """
    while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
        yield ended


def terminate_all() -> None:
    """Send SIGTERM to every descendant.

    All are stopped first, so that no process that is forked meanwhile misses the signal. What they start after they
    continue, to clean up, gets the grace period.
    """
    stopped = _signal_all(signal.SIGSTOP)
    for number in (signal.SIGTERM, signal.SIGCONT):
        for pid, born in stopped:
            _signal_process(pid, born, number)


def kill_all() -> int:
    """Send SIGKILL to every descendant, including those forked meanwhile, and return how many there were."""
    return len(_signal_all(signal.SIGKILL))


def _signal_all(number: int) -> set[tuple[int, bytes]]:
    """Send a signal to all descendants, until no new one appears; return them."""
    signalled: set[tuple[int, bytes]] = set()
    while new := set(descendants()) - signalled:
        for pid, born in new:
            _signal_process(pid, born, number)
        signalled |= new
    return signalled


def descendants() -> Iterator[tuple[int, bytes]]:
    """Yield the living descendants of this process as (pid, start time), read from /proc."""
    parents: dict[int, list[tuple[int, bytes]]] = {}
    dead = set()
    for name in os.listdir("/proc"):
        if name.isdecimal() and (fields := _stat(int(name))):
            state, parent, born = fields
            parents.setdefault(parent, []).append((int(name), born))
            if state in b"ZX":
                dead.add(int(name))
    unvisited = [os.getpid()]
    while unvisited:
        for pid, born in parents.get(unvisited.pop(), ()):
            unvisited.append(pid)
            if pid not in dead:
                yield pid, born


def _stat(pid: int) -> tuple[bytes, int, bytes] | None:
    """Return the state, parent and start time of a process, or None if it has ended."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # The second field is the program's name in parentheses, and it may contain parentheses and blanks itself.
        fields = os.read(file, 4096).rpartition(b")")[2].split()
        return fields[0], int(fields[1]), fields[19]
    except (OSError, IndexError):
        return None
    finally:
        os.close(file)


def _signal_process(pid: int, start_time: bytes, number: int) -> None:
    """Send a signal to a process, unless another one has taken its pid since `start_time` was read."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        fields = _stat(pid)
        if fields and fields[2] == start_time:
            signal.pidfd_send_signal(process, number)
    except OSError:
        pass  # it has just ended, or it belongs to another user and is still there after KILL_TIMEOUT
    finally:
        os.close(process)
