"""Processes: start the command, find everything that came of it, end it, reap it."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator, Mapping, Sequence


class CannotStart(Exception):
    """The command was not started; the text says why, to a person."""


def start(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    output: int,
    names: tuple[str | None, str | None] = (None, None),
    umask: int | None = None,
) -> int:
    """Start a command in a session of its own and return its pid; stdout and stderr go to `output`, stdin is empty.

    Raises CannotStart. The program is looked for in the PATH of `env`. `names` are what the program and the folder are
    called then, where not as they are.
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
    told, tell = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.fork()
    except OSError as error:
        raise CannotStart(f"no process could be started: {error.strerror}") from None
    if pid == 0:
        _become(arguments, cwd, variables, output, tell, umask)
    os.close(tell)
    said = b""
    while part := os.read(told, 4096):  # its end is the successful exec, which closes the other side
        said += part
    os.close(told)
    if said:
        os.waitpid(pid, 0)
        place, number, there = said.split()
        raise CannotStart(_words(place, int(number), there == b"1", names[0] or argv[0], names[1] or cwd))
    return pid


def _become(
    argv: list[bytes], cwd: str, env: Mapping[bytes, bytes], output: int, tell: int, umask: int | None
) -> None:
    """In the child: turn into the command, or tell why not. Never returns, and runs nothing of the parent's."""
    place = b"start"
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
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        place = b"cwd"
        os.chdir(cwd)
        place = b"exec"
        for program in _places(argv[0], env):
            try:
                os.execve(program, argv, env)
            except (FileNotFoundError, NotADirectoryError) as error:
                if os.path.exists(program):
                    raise
                missing = error
        raise missing
    except OSError as error:
        os.write(tell, b"%s %d %d" % (place, error.errno or 0, os.path.lexists(program)))
    finally:
        os._exit(127)


def _places(program: bytes, env: Mapping[bytes, bytes]) -> list[bytes]:
    """Where the program may be. What may not be run on the PATH is named as such rather than passed over."""
    if b"/" in program:
        return [program]
    path = env.get(b"PATH") or os.fsencode(os.defpath)
    places = [os.path.join(part or b".", program) for part in path.split(b":")]
    return [place for place in places if os.access(place, os.X_OK) and not os.path.isdir(place)] or places


def _words(place: bytes, number: int, there: bool, program: str, cwd: str) -> str:
    reason = os.strerror(number)
    if place == b"cwd":
        missing = number == errno.ENOENT
        return f"the working folder does not exist: {cwd}" if missing else f"the working folder {cwd}: {reason}"
    if place == b"start":
        return f"no process could be started: {reason}"
    if number in (errno.ENOENT, errno.ENOTDIR):
        return f"the interpreter that {program} names does not exist" if there else f"no such program: {program}"
    if number == errno.EACCES:
        return f"not allowed to run: {program}"
    if number == errno.ENOEXEC:
        return f"not a program of this machine (is the first line missing, #!…?): {program}"
    if number == errno.E2BIG:
        return "the arguments, or one of them, are too long for this machine"
    return f"{program} could not be started: {reason}"


def reap() -> Iterator[tuple[int, int]]:
    """The children that ended, as (pid, wait status). Raises ChildProcessError once there is no child, dead or alive;

    a subreaper has no descendant then.
    """
    while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
        yield ended


def terminate_all() -> None:
    """SIGTERM to every descendant. They are stopped first: nobody is born meanwhile who would not hear it, and what
    they start then, to clean up, has its grace."""
    found = _reach(signal.SIGSTOP)
    for number in (signal.SIGTERM, signal.SIGCONT):
        for pid, born in found:
            _send(pid, born, number)


def kill_all() -> int:
    """SIGKILL to every descendant, those born meanwhile too; how many there were."""
    return len(_reach(signal.SIGKILL))


def _reach(number: int) -> set[tuple[int, bytes]]:
    """Signal all descendants until no new one is found."""
    reached: set[tuple[int, bytes]] = set()
    while new := set(descendants()) - reached:
        for pid, born in new:
            _send(pid, born, number)
        reached |= new
    return reached


def descendants() -> Iterator[tuple[int, bytes]]:
    """The living descendants of this process, as (pid, when it was born), from /proc."""
    parents: dict[int, list[tuple[int, bytes]]] = {}
    dead = set()
    for name in os.listdir("/proc"):
        if name.isdecimal() and (found := _stat(int(name))):
            state, parent, born = found
            parents.setdefault(parent, []).append((int(name), born))
            if state in b"ZX":
                dead.add(int(name))
    look = [os.getpid()]
    while look:
        for pid, born in parents.get(look.pop(), ()):
            look.append(pid)
            if pid not in dead:
                yield pid, born


def _stat(pid: int) -> tuple[bytes, int, bytes] | None:
    """State, parent and birth of a process, or None where it is gone."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # The name, in parentheses, may hold anything: what follows the last one is ours.
        fields = os.read(file, 4096).rpartition(b")")[2].split()
        return fields[0], int(fields[1]), fields[19]
    except (OSError, IndexError):
        return None
    finally:
        os.close(file)


def _send(pid: int, born: bytes, number: int) -> None:
    """Signal the process that was found, never another that got its pid since."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        now = _stat(pid)
        if now and now[2] == born:
            signal.pidfd_send_signal(process, number)
    except OSError:
        pass  # it ended just now, or is another user's: then it is still there when the patience ends
    finally:
        os.close(process)
