"""Steps of kind `ssh`: commands on real OpenSSH servers, whatever is cut or killed on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attempts import PATIENCE, alive, until
from far_steps import Far
from missing import program
from sshd import Sshd, far_files, marked

from livewall.tasks.connector import far_scripts

PRINTS = """
import os, random, sys, time

pytest_plugins = ("far_fixtures",)
seed, size, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
with open(os.path.expanduser("~/effect"), "a") as file:
    file.write("once\\n")
data = random.Random(seed).randbytes(size)
for begin in range(0, size, 5000):
    while begin + 5000 >= size and not os.path.exists(os.path.expanduser("~/go")):
        time.sleep(0.01)
    os.write(1 + begin // 5000 % 2, data[begin:begin + 5000])
    time.sleep(pause)
sys.exit(23)
"""
"""Prints bytes that a seed determines, to stdout and stderr in turns, and leaves a line in ~/effect. ~/go ends it."""

KILLS = 20 if os.environ.get("LIVEWALL_TORTURE") else 3


def far_command(seed: int, size: int, pause: float) -> list[str]:
    return [sys.executable, "-c", PRINTS, str(seed), str(size), str(pause)]


# A command and its end.


def test_the_log_is_what_the_command_printed_and_the_status_is_its_own(far: Far, sshd: Sshd) -> None:
    found = far.run(sshd, argv=["sh", "-c", "echo out; echo err >&2; echo again >/dev/stderr; exit 7"])
    assert (found.status, found.log, found.reason) == (7, b"out\nerr\nagain\n", "")
    found = far.run(sshd, argv=["sh", "-c", "kill -KILL $$"])
    assert (found.end.why, found.status) == ("exit", 137)


def test_arguments_arrive_as_they_are(far: Far, sshd: Sshd) -> None:
    odd = ["", "$(id)", "`id`", "a'b\"c\\", "-n", "a\nb\n", "*", "~", "{x,y}", "ü€", "; rm -rf /", "!!", "\x01\x7f\t"]
    odd += ["$(touch bad) '\"\n" * 6000]  # some 100 kB
    script = "import sys, os; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    found = far.run(sshd, argv=[sys.executable, "-c", script, *odd])
    assert found.status == 0 and found.log.split(b"\0") == [text.encode() for text in odd]


def test_variables_and_the_folder_are_the_commands(far: Far, sshd: Sshd) -> None:
    (sshd.home / "-a b").mkdir()
    env = {"A": "x'y\n$(id)", "PATH": "/usr/bin:/bin", "lw_F": "mine"}
    script = 'pwd; printf "%s|%s|%s" "$A" "$lw_F" "$LIVEWALL_ATTEMPT"; env | grep -c ^lw_'
    found = far.run(sshd, argv=["sh", "-c", script], env=env, cwd=str(sshd.home / "-a b"))
    assert found.log.decode() == f"{sshd.home}/-a b\nx'y\n$(id)|mine|{far.id(1)}1\n"
    found = far.run(sshd, argv=["sh", "-c", "read x || echo empty; ls /proc/self/fd | wc -l; umask"])
    assert found.log.startswith(b"empty\n4\n00"), "nothing of ours is open"
    assert b"7" not in found.log, "the umask is that of the login"
    found = far.run(sshd, argv=["grep", "-E", "SigIgn|SigBlk", "/proc/self/status"])
    masks = {int(word, 16) for word in found.log.split() if not word.endswith(b":")}
    # Signals 32 and 33 are the C library's own; whoever started the tests may have left them ignored.
    assert all(mask & ~(3 << 31) == 0 for mask in masks), "no signal is ignored"


def test_what_cannot_be_started_says_why(far: Far, sshd: Sshd) -> None:
    found = far.run(sshd, argv=["no-such-program"])
    assert (found.status, found.reason) == (1, "the program was not found on web1")
    found = far.run(sshd, argv=["mine"], env={"PATH": f"{sshd.home}:/usr/bin:/bin"})
    assert found.status == 1 and "not found" in found.reason
    (sshd.home / "mine").write_text("#!/bin/sh\necho mine\n")
    (sshd.home / "mine").chmod(0o755)
    assert far.run(sshd, argv=["mine"], env={"PATH": f"{sshd.home}:/usr/bin:/bin"}).log == b"mine\n"
    found = far.run(sshd, argv=["true"], cwd="/no/folder")
    assert (found.status, found.reason) == (1, "the working folder does not exist on web1")
    found = far.run(sshd, argv=["echo", "a\0b"])
    assert found.status == 1 and "NUL" in found.reason
    os.chmod(sshd.home, 0o500)
    (sshd.home / ".livewall").rename(sshd.folder / "aside")
    (sshd.home / ".livewall").touch()
    found = far.run(sshd, argv=["true"])
    assert (found.status, found.reason) == (1, "the folder for commands on web1 cannot be made")


def test_nothing_of_a_command_is_in_the_list_of_processes_but_itself(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sleep", "60.4242"], env={"TOKEN": "hunter2-hunter3"})
    until(lambda: marked(far.id(1)))
    (pid,) = marked(far.id(1))
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert sum(b"60.4242" in line for line in lines) == 1
    assert not any(b"hunter2" in line for line in lines)
    assert os.stat(sshd.home / ".livewall" / far.id(1)).st_mode & 0o777 == 0o700
    assert os.getsid(pid) == pid
    attempt.cancel()
    far.finish(attempt)


def test_what_a_command_leaves_behind_lives_and_holds_nothing_up(far: Far, sshd: Sshd) -> None:
    script = "sleep 60.7 & echo $! ; (sleep 0.2; echo late) & exit 3"
    begin = time.monotonic()
    found = far.run(sshd, argv=["sh", "-c", script])
    assert found.status == 3 and found.log.endswith(b"late\n"), "what comes soon is kept"
    assert time.monotonic() - begin < 10
    left = int(found.log.split()[0])
    assert alive(left)
    os.kill(left, signal.SIGKILL)


def test_an_attempt_is_started_once_and_found_again(far: Far, sshd: Sshd) -> None:
    """Two programs with one id, as after a restored database: the second one attaches."""
    argv = ["sh", "-c", "echo on >>~/effect; while [ ! -e ~/go ]; do sleep 0.02; done; echo end"]
    first = far.start(sshd, argv=argv, id="same")
    until(lambda: (sshd.home / "effect").exists())
    second = far.start(sshd, argv=argv, id="same")
    (sshd.home / "go").touch()
    assert far.finish(first).log == far.finish(second).log == b"end\n"
    assert (sshd.home / "effect").read_text() == "on\n"


def test_its_folder_is_removed_when_the_end_is_recorded_and_old_ones_by_the_way(far: Far, sshd: Sshd) -> None:
    far.run(sshd, argv=["true"])
    running = far.start(sshd, argv=["sleep", "60"])
    until(lambda: marked(far.id(2)))
    base = sshd.home / ".livewall"
    for name, age, boot in (("old", 8, True), ("young", 6, True), ("foreign", 8, False)):
        (base / name).mkdir()
        for file in ("out", "exit", *(["boot"] if boot else [])):
            (base / name / file).touch()
        os.utime(base / name, (time.time() - age * 86400,) * 2)
    assert far.connector.forget(sshd.host(), sshd.ssh(), [far.id(1), far.id(2), "absent"])
    until(lambda: sorted(far_files(sshd.home)) == sorted(["foreign", far.id(2), "young"]))
    running.cancel()
    far.finish(running)


def test_a_folder_whose_command_is_still_being_ended_is_removed_later(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.05; done"], grace=3)
    far.printed(attempt)
    attempt.cancel()
    time.sleep(0.5)
    far._supervisors[attempt.folder].kill()  # and the program with it
    assert far.connector.forget(sshd.host(), sshd.ssh(), [far.id(1)])
    time.sleep(1.5)
    assert marked(far.id(1)) and far_files(sshd.home), "it has its grace"
    until(lambda: not far_files(sshd.home))
    assert not marked(far.id(1))


def test_it_is_removed_as_well_when_the_connector_ends_before(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; while [ ! -e ~/go ]; do sleep 0.05; done"])
    far.printed(attempt)
    assert far.connector.forget(sshd.host(), sshd.ssh(), [far.id(1)])
    assert far.connector.end()
    assert far._connectors[-1].wait(PATIENCE) == 0
    assert far_files(sshd.home)
    (sshd.home / "go").touch()
    until(lambda: not far_files(sshd.home))


# Whatever is cut or killed.


def test_a_cut_connection_costs_no_byte(far: Far, sshd: Sshd) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    attempt = far.start(sshd, argv=far_command(seed, 400_000, 0.02))
    for _ in range(KILLS):
        far.printed(attempt)
        time.sleep(chance.uniform(0, 0.4))
        if chance.random() < 0.5:
            sshd.cut()
        else:
            sshd.restart()
    (sshd.home / "go").touch()
    found = far.finish(attempt)
    assert (found.status, found.reason, found.lost) == (23, "", "")
    assert found.log == random.Random(seed).randbytes(400_000)
    assert (sshd.home / "effect").read_text() == "once\n"


def kill_connector(far: Far, _: object) -> None:
    far.kill_connector()
    far.start_connector()


def kill_program(far: Far, attempt: object) -> None:
    os.kill(far.program(attempt), signal.SIGKILL)  # type: ignore[arg-type]


def kill_supervisor(far: Far, attempt: object) -> None:
    program = far.program(attempt)  # type: ignore[arg-type]
    os.kill(far.supervisor(attempt), signal.SIGKILL)  # type: ignore[arg-type]
    until(lambda: not alive(program), "a program ends with its supervisor")
    far._supervisors[attempt.folder].wait(PATIENCE)  # type: ignore[attr-defined]
    far.resume(attempt)  # type: ignore[arg-type]


@pytest.mark.parametrize("kill", [kill_connector, kill_program, kill_supervisor])
def test_a_kill_at_any_moment_costs_no_byte(far: Far, sshd: Sshd, kill: Callable[..., None]) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    attempt = far.start(sshd, argv=far_command(seed, 500_000, 0.03))
    for number in range(3):
        if number:
            far.printed(attempt)
        time.sleep(chance.uniform(0, 0.6))
        kill(far, attempt)
    (sshd.home / "go").touch()
    found = far.finish(attempt)
    assert (found.status, found.reason, found.lost) == (23, "", "")
    assert found.log == random.Random(seed).randbytes(500_000)
    assert (sshd.home / "effect").read_text() == "once\n"


def test_everything_but_the_host_may_be_away_while_the_command_ends(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "echo one; while [ ! -e ~/go ]; do sleep 0.02; done; echo two; exit 9"])
    far.printed(attempt)
    supervisor = far.supervisor(attempt)
    sshd.stop()
    sshd.cut()
    far.kill_connector()
    os.kill(supervisor, signal.SIGKILL)
    (sshd.home / "go").touch()
    until(lambda: (sshd.home / ".livewall" / far.id(1) / "exit").exists())
    sshd.start()
    far.start_connector()
    found = far.finish(attempt)
    assert (found.status, found.log) == (9, b"one\ntwo\n")


# What the host forgot.


def lost_after(far: Far, sshd: Sshd, forgets: Callable[[Path], object]) -> str:
    attempt = far.start(sshd, argv=["sh", "-c", "echo on; exec sleep 60"])
    far.printed(attempt)
    sshd.stop()
    sshd.cut()
    forgets(sshd.home / ".livewall" / far.id(1))
    sshd.start()
    found = far.finish(attempt)
    assert found.status == 1 and found.log == b"on\n" and found.reason == ""
    assert not (sshd.home / "again").exists()
    return found.lost


def test_a_folder_that_is_gone_is_lost_and_not_started_again(far: Far, sshd: Sshd) -> None:
    assert lost_after(far, sshd, lambda folder: folder.rename(sshd.folder / "aside")) == "its folder on web1 is gone"


def test_a_restarted_host_has_lost_it(far: Far, sshd: Sshd) -> None:
    assert lost_after(far, sshd, lambda folder: (folder / "boot").write_text("another\n")) == (
        "web1 was restarted meanwhile"
    )


def test_one_whose_processes_were_killed_is_lost(far: Far, sshd: Sshd) -> None:
    def kill(folder: Path) -> None:
        os.kill(int((folder / "runner").read_text().split()[0]), signal.SIGKILL)
        for pid in marked(far.id(1)):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not marked(far.id(1)))

    assert lost_after(far, sshd, kill) == "the process that waited for it on web1 was killed"


def test_a_claim_that_nothing_followed_is_lost(far: Far, sshd: Sshd) -> None:
    folder = sshd.home / ".livewall" / far.id(1)
    folder.mkdir(parents=True)
    (folder / "out").touch()
    (folder / "boot").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    found = far.run(sshd, argv=["true"])
    assert (found.status, found.lost) == (1, "web1 claimed it, but never began it")


# Cancel.

TREE = """
import os, signal, sys, time

def lives(stubborn):
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
    while True:
        time.sleep(60)

def daemon(stubborn, clean=False):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            if clean:
                os.execve(sys.executable, [sys.executable, "-c", PLAIN, sys.argv[1]], {})
            lives(stubborn)
        if clean:
            lives(False)
        os._exit(0)

PLAIN = '''
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
time.sleep(60)
'''
print("all started", flush=True)
daemon(True)
daemon(False)
daemon(True, clean=True)
lives(True)
"""
"""Five processes with sessions of their own, some deaf to SIGTERM; one has cleared its environment, as sudo does."""


def cancelled_tree(far: Far, sshd: Sshd, marks: Path) -> None:
    attempt = far.start(sshd, argv=[sys.executable, "-c", TREE, str(marks)], grace=1)
    pids = until(lambda: len(found := [int(each.name) for each in marks.iterdir()]) == 5 and found)
    begin = time.monotonic()
    attempt.cancel()
    found = far.finish(attempt)
    assert found.end.why == "cancelled" and found.log == b"all started\n"
    assert 1 <= time.monotonic() - begin < 8
    assert not any(map(alive, pids)) and not marked(far.id(1))
    assert (sshd.home / ".livewall" / far.id(1) / "exit").read_text().startswith("137 ")


def test_a_cancel_leaves_nothing_alive(far: Far, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    cancelled_tree(far, sshd, tmp_path / "marks")


def test_a_cancel_leaves_nothing_alive_of_an_ordinary_user(far: Far, ordinary_user: str) -> None:
    folder = Path("/tmp") / ordinary_user
    with Sshd(folder, user=ordinary_user) as sshd:
        sshd.learn()
        marks = folder / "marks"
        marks.mkdir()
        os.chmod(marks, 0o777)
        found = far.run(sshd, argv=["id", "-un"], id="who")
        assert found.log.decode() == f"{ordinary_user}\n"
        attempt = far.start(sshd, argv=["/usr/bin/python3", "-c", TREE, str(marks)], grace=1)
        pids = until(lambda: len(found := [int(each.name) for each in marks.iterdir()]) == 5 and found)
        attempt.cancel()
        assert far.finish(attempt).end.why == "cancelled"
        assert not any(map(alive, pids))


def test_a_command_that_tidies_up_has_its_grace(far: Far, sshd: Sshd) -> None:
    script = "trap 'sleep 0.3; echo tidy; exit 4' TERM; echo on; while :; do sleep 0.02; done"
    attempt = far.start(sshd, argv=["sh", "-c", script], grace=10)
    far.printed(attempt)
    begin = time.monotonic()
    attempt.cancel()
    found = far.finish(attempt)
    assert found.log.endswith(b"tidy\n") and found.status == 4
    assert time.monotonic() - begin < 5


def test_a_cancel_goes_on_after_a_cut(far: Far, sshd: Sshd) -> None:
    attempt = far.start(sshd, argv=["sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.02; done"], grace=1)
    far.printed(attempt)
    sshd.stop()
    sshd.cut()
    attempt.cancel()
    time.sleep(0.1)  # it is tried in vain meanwhile
    sshd.start()
    assert far.finish(attempt).end.why == "cancelled"
    assert not marked(far.id(1))


def test_a_cancel_before_the_host_is_reached_ends_at_once(far: Far, sshd: Sshd) -> None:
    sshd.stop()
    attempt = far.start(sshd, argv=["true"])
    far.program(attempt)
    begin = time.monotonic()
    attempt.cancel()
    assert far.finish(attempt).end.why == "cancelled"
    assert time.monotonic() - begin < 5
    sshd.start()
    assert not far_files(sshd.home)


# Shells of far users.


@pytest.mark.parametrize("shell", ["bash -c", "dash -c", "zsh -c", "fish -c", "csh -c"])
def test_only_sh_is_asked_of_a_login_shell(shell: str, tmp_path: Path) -> None:
    run_script([*shell.split(), "sh"], tmp_path, "/usr/bin:/bin")


@pytest.mark.parametrize("shell", ["bash --posix", "dash", "busybox sh"])
def test_the_script_runs_in_any_posix_shell(shell: str, tmp_path: Path) -> None:
    path = "/usr/bin:/bin"
    if shell == "busybox sh":
        (tmp_path / "bin").mkdir()
        subprocess.run([program("busybox"), "--install", "-s", str(tmp_path / "bin")], check=True)
        path = str(tmp_path / "bin")
    run_script(shell.split(), tmp_path, path)


def run_script(command: list[str], folder: Path, path: str) -> None:
    env, name = {"PATH": path, "HOME": str(folder)}, f"s{os.getpid()}"
    command = [program(command[0]), *command[1:]]
    argv = ["sh", "-c", 'printf "%s" "$1"; echo >/dev/stderr; exit 3', "-", "$(id)'\"\n\x81ü"]
    script = far_scripts.command("nonce", name + "a", ".livewall", argv, {"X": "y"}, None, offset=0, claimed=False)
    for cut in random.Random(1).sample(range(len(script) - 2), 10):
        subprocess.run(command, input=script[:cut], env=env, capture_output=True, timeout=PATIENCE)
        assert not (folder / ".livewall").exists(), f"a script that was cut off at {cut} has done something"
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(script)
        process.stdin.flush()
        reports = [process.stderr.readline(), process.stderr.readline()]
        expected = b"$(id)'\"\n" + "\x81ü\n".encode()
        assert reports == [b"nonce started\n", b"nonce end 3 %d \n" % len(expected)]
        assert process.stdout.readline() == b"nonce\n"
        assert process.stdout.read(len(expected)) == expected
        process.stdin.close()
        process.wait(PATIENCE)
    # Another command, which is cancelled.
    argv = ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"]
    script = far_scripts.command("nonce", name + "b", ".livewall", argv, {}, None, offset=0, claimed=False)
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stderr
        process.stdin.write(script)
        process.stdin.flush()
        assert process.stderr.readline() == b"nonce started\n"
        until(lambda: marked(name + "b"))
        script = far_scripts.cancel("nonce", name + "b", ".livewall", grace=1, claimed=True)
        done = subprocess.run(command, input=script, env=env, capture_output=True, timeout=PATIENCE)
        assert done.stderr == b"nonce cancelled 0\n" and not marked(name + "b")
        assert process.stderr.readline().startswith(b"nonce end 137")
        process.stdin.close()
        process.wait(PATIENCE)
    # A third one, of a connection that is cut as soon as the script has arrived.
    script = far_scripts.command("nonce", name + "c", ".livewall", ["true"], {}, None, offset=0, claimed=False)
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stderr.close()
        process.stdin.write(script)
        process.stdin.close()
        until(lambda: (folder / ".livewall" / f"{name}c" / "exit").exists())
        assert (folder / ".livewall" / f"{name}c" / "exit").read_text().startswith("0 0 ")
        process.wait(PATIENCE)
    script = far_scripts.forget("nonce", ".livewall", [name + "a", name + "b", name + "c"])
    done = subprocess.run(command, input=script, env=env, capture_output=True, timeout=PATIENCE)
    assert done.stderr == b"nonce done\n" and not list((folder / ".livewall").iterdir())
