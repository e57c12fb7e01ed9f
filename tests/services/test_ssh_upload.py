"""Steps of kind `upload`: files and folders to real OpenSSH servers, whatever is cut on the way."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attempts import alive, until
from far_steps import Far, Finished
from missing import program
from sshd import Sshd

from livewall.tasks.connector import far_scripts

pytest_plugins = ("far_fixtures",)


def upload(far: Far, sshd: Sshd, name: str, to: Path, **given: Any) -> Finished:
    return far.run(sshd, "ssh_upload", **{"from": name, "to": str(to), **given})


def data(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def left_in(folder: Path) -> list[str]:
    """What an upload has left beside its target."""
    return [each.name for each in folder.rglob(".livewall-*")]


# One file.


def test_a_file_arrives_whole_below_folders_that_are_made(far: Far, sshd: Sshd) -> None:
    text = data(3_000_001)
    (far.work / "dist").mkdir()
    (far.work / "dist" / "site.tar").write_bytes(text)
    to = sshd.home / "releases" / "a b" / "site.tar"
    found = upload(far, sshd, "dist/site.tar", to, mode="0640")
    assert found.status == 0 and to.read_bytes() == text
    assert stat.S_IMODE(to.stat().st_mode) == 0o640
    first, last = found.log.decode().splitlines()
    assert first == f"dist/site.tar to web1:{to}"
    assert last.startswith("3.0 MB in ") and last.endswith(f" MB/s; sha256 {hashlib.sha256(text).hexdigest()}")
    assert os.listdir(to.parent) == ["site.tar"]


@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 2 * 1024 * 1024 + 1])
def test_files_of_any_size_arrive(far: Far, sshd: Sshd, size: int) -> None:
    (far.work / "f").write_bytes(data(size))
    (far.work / "f").chmod(0o755)
    assert upload(far, sshd, "f", sshd.home / "f").status == 0
    assert (sshd.home / "f").read_bytes() == data(size)
    assert stat.S_IMODE((sshd.home / "f").stat().st_mode) == 0o755, "the mode is that of the file"


def test_what_is_there_is_replaced_at_once(far: Far, sshd: Sshd) -> None:
    (far.work / "f").write_bytes(data(100_000))
    (sshd.home / "f").write_bytes(data(100_000, seed=2))
    (sshd.home / "f").chmod(0o600)
    before = (sshd.home / "f").open("rb")
    with before:
        assert upload(far, sshd, "f", sshd.home / "f", mode="0644").status == 0
        assert before.read() == data(100_000, seed=2), "who reads the old one reads it to its end"
    assert (sshd.home / "f").read_bytes() == data(100_000)


def test_an_equal_file_is_not_sent_again(far: Far, sshd: Sshd) -> None:
    (far.work / "f").write_bytes(data(100_000))
    (sshd.home / "f").write_bytes(data(100_000))
    node = (sshd.home / "f").stat().st_ino
    found = upload(far, sshd, "f", sshd.home / "f", mode="0600")
    assert found.status == 0 and b"already there: sha256 " in found.log
    assert (sshd.home / "f").stat().st_ino == node
    assert stat.S_IMODE((sshd.home / "f").stat().st_mode) == 0o600


def test_a_name_is_only_a_name(far: Far, sshd: Sshd) -> None:
    (far.work / "$(id) 'x").write_text("text")
    to = sshd.home / "-n $(id) `id` 'q\"\\ \n*"
    found = upload(far, sshd, "$(id) 'x", to)
    assert found.status == 0, found
    assert to.read_text() == "text"


# What is refused.


def test_nothing_outside_the_working_folder_is_sent(far: Far, sshd: Sshd) -> None:
    (far.folder / "outside").write_text("secret")
    (far.work / "link").symlink_to(far.folder / "outside")
    (far.work / "up").symlink_to("..")
    to = sshd.home / "f"
    for name in ("../outside", str(far.folder / "outside")):
        assert "must be inside" in upload(far, sshd, name, to).reason
    for name in ("link", "up/outside", "up"):
        assert "leads out of" in upload(far, sshd, name, to).reason
    assert "does not exist" in upload(far, sshd, "absent", to).reason
    assert not to.exists()


def test_a_target_that_may_not_be_replaced_is_refused(far: Far, sshd: Sshd) -> None:
    (far.work / "f").write_text("text")
    (far.work / "d").mkdir()
    (sshd.home / "real").write_text("kept")
    (sshd.home / "link").symlink_to("real")
    (sshd.home / "folder").mkdir()
    os.mkfifo(sshd.home / "pipe")
    assert upload(far, sshd, "f", sshd.home / "link").reason == "the target on web1 is a symbolic link"
    assert upload(far, sshd, "f", sshd.home / "folder").reason == "the target on web1 is a folder"
    assert upload(far, sshd, "f", sshd.home / "pipe").reason == "the target on web1 is neither a file nor a folder"
    found = upload(far, sshd, "d", sshd.home / "real")
    assert found.reason == "the target on web1 is a file, which a folder cannot replace"
    found = upload(far, sshd, "f", sshd.home / "real" / "below")
    assert found.reason == "the folder of the target on web1 cannot be made: the server refuses it"
    assert (sshd.home / "real").read_text() == "kept" and not left_in(sshd.home)


def test_a_folder_that_cannot_be_written_to_is_said(far: Far, sshd: Sshd) -> None:
    """Of a file system that root cannot write to either."""
    (far.work / "f").write_text("text")
    found = upload(far, sshd, "f", Path("/proc/livewall/f"))
    assert found.status == 1 and "the folder of the target on web1 cannot be made" in found.reason
    found = upload(far, sshd, "f", Path("/proc/f"))
    assert found.status == 1 and found.reason.startswith(("the folder of the target", "web1 could not write"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "livewall-test", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here (that needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_and_nothing_is_left_there(far: Far, sshd: Sshd, small_disk: Path) -> None:
    (far.work / "f").write_bytes(bytes(6_000_000))
    found = upload(far, sshd, "f", small_disk / "below" / "f")
    assert found.status == 1 and found.reason.startswith("the disk of web1 is full: "), found
    assert not left_in(small_disk)
    (far.work / "d").mkdir()
    for number in range(6):
        (far.work / "d" / str(number)).write_bytes(bytes(1_000_000))
    found = upload(far, sshd, "d", small_disk / "d")
    assert found.status == 1 and found.reason.startswith("the disk of web1 is full: "), found
    assert not left_in(small_disk) and not (small_disk / "d").exists()


def test_a_disk_that_fills_up_meanwhile_is_said_too(far: Far, sshd: Sshd, small_disk: Path) -> None:
    os.truncate(far.work / "f", 3_900_000) if (far.work / "f").exists() else None
    (far.work / "f").write_bytes(bytes(3_000_000))
    attempt = far.start(sshd, "ssh_upload", **{"from": "f", "to": str(small_disk / "f")})
    until(lambda: left_in(small_disk) or attempt.probe().__class__.__name__ == "Ended")
    with open(small_disk / "other", "wb") as other:
        try:
            while True:
                other.write(bytes(100_000))
                other.flush()
        except OSError:
            pass
    found = far.finish(attempt)
    if found.status == 0:
        pytest.skip("the upload was faster than the one that filled the disk")
    assert found.reason.startswith("the disk of web1 is full: ")
    assert not left_in(small_disk)


def test_what_arrives_damaged_is_sent_again_and_what_stays_so_is_refused(far: Far, sshd: Sshd) -> None:
    (far.work / "f").write_bytes(data(4_000_000))
    (sshd.home / ".livewall-mine.new").write_bytes(bytes(4_000_000))  # as if an earlier try had sent it
    assert upload(far, sshd, "f", sshd.home / "f", id="mine").status == 0
    assert (sshd.home / "f").read_bytes() == data(4_000_000)
    bin_ = sshd.folder / "bin"
    bin_.mkdir()
    for name in ("openssl", "sha256sum"):
        (bin_ / name).write_text("#!/bin/sh\necho 0000 | sha512sum | cut -c1-64\n")
        (bin_ / name).chmod(0o755)
    sshd.stop()
    sshd.more = f"SetEnv HOME={sshd.home} PATH={bin_}:/usr/bin:/bin"
    sshd.start()
    sshd.cut()
    found = upload(far, sshd, "f", sshd.home / "g")
    assert found.reason == "what arrived on web1 is not what was sent: the SHA-256 differs"
    assert not (sshd.home / "g").exists() and not left_in(sshd.home)


# What is cut or killed.


def test_an_upload_that_is_cut_ten_times_goes_on_where_it_was(far: Far, sshd: Sshd) -> None:
    size = 60_000_000
    text = data(1_000_000) * 60
    (far.work / "f").write_bytes(text)
    attempt = far.start(sshd, "ssh_upload", **{"from": "f", "to": str(sshd.home / "f")})
    part = sshd.home / f".livewall-{far.id(1)}.new"
    for number in range(10):
        least = size // 4 + number * size // 20

        def has_come(least: int = least) -> bool:
            assert not (attempt.folder / "reason").exists(), attempt.reason()
            return (part.exists() and part.stat().st_size >= least) or (sshd.home / "f").exists()

        until(has_come)
        sshd.cut()
    found = far.finish(attempt)
    assert found.status == 0, found
    assert found.log.count(b"goes on at ") >= 5, "most cuts came in the middle"
    assert hashlib.sha256((sshd.home / "f").read_bytes()).digest() == hashlib.sha256(text).digest()
    assert not left_in(sshd.home)


@pytest.mark.parametrize("victim", ["connector", "program", "supervisor"])
def test_a_kill_at_any_moment_costs_a_little_time(far: Far, sshd: Sshd, victim: str) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    text = data(1_000_000, seed) * 40
    (far.work / "f").write_bytes(text)
    attempt = far.start(sshd, "ssh_upload", **{"from": "f", "to": str(sshd.home / "f")})
    for _ in range(3):
        time.sleep(chance.uniform(0, 0.4))
        if attempt.probe().__class__.__name__ == "Ended":
            break
        if victim == "connector":
            far.kill_connector()
            far.start_connector()
        elif victim == "program":
            os.kill(far.program(attempt), signal.SIGKILL)
        else:
            program = far.program(attempt)
            os.kill(far.supervisor(attempt), signal.SIGKILL)
            until(lambda program=program: not alive(program))
            far._supervisors[attempt.folder].wait(20)
            far.resume(attempt)
    found = far.finish(attempt)
    assert found.status == 0, found
    assert (sshd.home / "f").read_bytes() == text and not left_in(sshd.home)


def test_a_cancel_leaves_nothing_there(far: Far, sshd: Sshd) -> None:
    (far.work / "f").write_bytes(bytes(200_000_000))
    attempt = far.start(sshd, "ssh_upload", **{"from": "f", "to": str(sshd.home / "f")})
    until(lambda: left_in(sshd.home))
    attempt.cancel()
    found = far.finish(attempt)
    assert found.end.why == "cancelled"
    assert not (sshd.home / "f").exists() and not left_in(sshd.home)


# A folder.


def tree(folder: Path, seed: int = 1) -> None:
    """Make a folder with files, folders, links and modes."""
    (folder / "a" / "deep" / "empty").mkdir(parents=True)
    (folder / "a" / "run").write_bytes(data(300_000, seed))
    (folder / "a" / "run").chmod(0o755)
    (folder / "b \n'ü").write_bytes(data(10, seed))
    (folder / "a" / "deep" / "none").touch()
    (folder / "current").symlink_to("a/deep")
    (folder / "broken").symlink_to("/no/such/place")
    for number in range(60):
        (folder / "a" / f"file-{number}").write_bytes(data(number * 10, seed + number))


def content(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        else:
            found[name] = stat.S_IMODE(path.stat().st_mode)
    return found


def test_a_folder_takes_the_place_of_another(far: Far, sshd: Sshd) -> None:
    tree(far.work / "d")
    to = sshd.home / "site"
    found = upload(far, sshd, "d", to)
    assert found.status == 0 and b"63 files, each compared by SHA-256" in found.log, found
    assert content(to) == content(far.work / "d")
    (far.work / "d" / "a" / "file-7").unlink()
    (far.work / "d" / "new").write_text("new")
    assert upload(far, sshd, "d/", to).status == 0
    assert content(to) == content(far.work / "d")
    assert sorted(os.listdir(sshd.home)) == ["site"]


def test_a_folder_that_is_cut_arrives_whole(far: Far, sshd: Sshd) -> None:
    tree(far.work / "d")
    (far.work / "d" / "big").write_bytes(data(1_000_000) * 20)
    (sshd.home / "site").mkdir()
    (sshd.home / "site" / "old").touch()
    attempt = far.start(sshd, "ssh_upload", **{"from": "d", "to": str(sshd.home / "site")})
    new = sshd.home / f".livewall-{far.id(1)}.new"
    for least in (1, 5_000_000, 15_000_000):
        big = new / "big"

        def has_come(least: int = least, big: Path = big) -> bool:
            return (big.exists() and big.stat().st_size >= least) or (sshd.home / "site" / "big").exists()

        until(has_come)
        sshd.cut()
    assert far.finish(attempt).status == 0
    assert content(sshd.home / "site") == content(far.work / "d")
    assert sorted(os.listdir(sshd.home)) == ["site"]


def test_a_folder_that_was_moved_aside_by_a_killed_upload_is_finished(far: Far, sshd: Sshd) -> None:
    tree(far.work / "d")
    (sshd.home / ".livewall-mine.old").mkdir()
    (sshd.home / ".livewall-mine.old" / "before").touch()
    assert upload(far, sshd, "d", sshd.home / "site", id="mine").status == 0
    assert content(sshd.home / "site") == content(far.work / "d")
    assert sorted(os.listdir(sshd.home)) == ["site"]


def test_something_else_in_a_folder_is_refused(far: Far, sshd: Sshd) -> None:
    (far.work / "d").mkdir()
    os.mkfifo(far.work / "d" / "pipe")
    found = upload(far, sshd, "d", sshd.home / "d")
    assert found.reason == "the folder holds something that is neither a file, a folder nor a symbolic link"
    assert not (sshd.home / "d").exists()


# The moment in which a folder takes the place of another.


class Watcher:
    """Looks without a pause at what a folder holds, and keeps what it saw and the longest time without it."""

    def __init__(self, file: Path) -> None:
        self.seen: set[str] = set()
        self.away = 0.0
        self._file = file
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        since = 0.0
        while not self._end.is_set():
            try:
                self.seen.add(self._file.read_text())
                since = 0.0
            except FileNotFoundError:
                since = since or time.monotonic()
                self.away = max(self.away, time.monotonic() - since, 1e-9)


def two_sites(far: Far, home: Path) -> Path:
    """An old folder on the host, and a new one to upload; return the file that tells them apart."""
    for folder, text in ((far.work / "d", "new"), (home / "site", "old")):
        folder.mkdir()
        (folder / "which").write_text(text)
        (folder / text).touch()
    return home / "site" / "which"


def whole(home: Path) -> str:
    which = (home / "site" / "which").read_text()
    assert sorted(os.listdir(home / "site")) == sorted([which, "which"])
    return which


@pytest.mark.parametrize("able", [True, False])
def test_the_target_is_never_away_where_the_host_can_exchange(far: Far, sshd: Sshd, able: bool) -> None:
    """And otherwise for the time between two renames."""
    with_programs(sshd, **({} if able else CANNOT_EXCHANGE))
    which = two_sites(far, sshd.home)
    with Watcher(which) as watcher:
        assert upload(far, sshd, "d", sshd.home / "site").status == 0
    assert whole(sshd.home) == "new" and watcher.seen <= {"old", "new"}
    assert watcher.away < 0.3
    if able and subprocess.run(["perl", "-e", "1"], capture_output=True, check=False).returncode == 0:
        assert watcher.away == 0
    assert os.listdir(sshd.home) == ["site"]


CANNOT_EXCHANGE = {
    "python3": "exit 1", "perl": "exit 1",
    "mv": 'case "$*" in *exchange*) exit 1 ;; esac; exec /bin/mv "$@"',
}  # fmt: skip
SLOW_MOVES = {**CANNOT_EXCHANGE, "mv": f"{CANNOT_EXCHANGE['mv'].replace('exec ', '')}; was=$?; sleep 0.4; exit $was"}


def with_programs(sshd: Sshd, **scripts: str) -> None:
    """Put programs in the place of others on the host."""
    bin_ = sshd.folder / "bin"
    shutil.rmtree(bin_, ignore_errors=True)
    bin_.mkdir()
    for name, text in scripts.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    sshd.stop()
    sshd.more = f"SetEnv HOME={sshd.home} PATH={bin_}:/usr/bin:/bin"
    sshd.start()


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.7])
def test_a_cut_and_a_cancel_leave_the_old_folder_or_the_new_one(far: Far, sshd: Sshd, cut: bool, wait: float) -> None:
    """In the worst moment, on a host that cannot exchange and is slow."""
    with_programs(sshd, **SLOW_MOVES)
    which = two_sites(far, sshd.home)
    attempt = far.start(sshd, "ssh_upload", **{"from": "d", "to": str(sshd.home / "site")})
    until(lambda: (sshd.home / f".livewall-{far.id(1)}.old").exists())
    time.sleep(wait)
    if cut:
        sshd.stop()
        sshd.cut()
    attempt.cancel()
    if cut:
        sshd.start()
    far.finish(attempt)
    until(which.exists)
    time.sleep(1)
    assert whole(sshd.home) in ("old", "new")
    until(lambda: os.listdir(sshd.home) == ["site"], "nothing is left beside it")


@pytest.mark.parametrize("left", ["aside", "renamed", "exchanged"])
@pytest.mark.parametrize("then", ["upload", "discard"])
def test_what_a_killed_script_has_left_is_put_in_order(far: Far, sshd: Sshd, left: str, then: str) -> None:
    which = two_sites(far, sshd.home)
    old = sshd.home / ".livewall-mine.old"
    if left == "aside":
        (sshd.home / "site").rename(old)
    else:
        shutil.copytree(far.work / "d", old)
        if left == "exchanged":
            which.write_text("new")
            (which.parent / "old").rename(which.parent / "new")
    if then == "upload":
        assert upload(far, sshd, "d", sshd.home / "site", id="mine").status == 0
        assert whole(sshd.home) == "new"
    else:
        script = far_scripts.discard("nonce", str(sshd.home / ".livewall-mine"), str(sshd.home / "site"))
        done = subprocess.run(["sh"], input=script, capture_output=True, check=True)
        assert done.stderr == b"nonce discarded\n"
        assert whole(sshd.home) == ("new" if left == "exchanged" else "old")
    assert os.listdir(sshd.home) == ["site"]


@pytest.mark.parametrize("shell", ["bash --posix", "dash", "busybox sh"])
@pytest.mark.parametrize("name", ["site", "-x '$(id)\n"])
def test_a_folder_is_replaced_by_any_posix_shell(shell: str, name: str, tmp_path: Path) -> None:
    name_of_shell, *more = shell.split()
    found = program(name_of_shell)
    path = "/usr/bin:/bin"
    if name_of_shell == "busybox":
        (tmp_path / "bin").mkdir()
        subprocess.run([found, "--install", "-s", str(tmp_path / "bin")], check=True)
        path = str(tmp_path / "bin")
    work = tmp_path / "work"
    work.mkdir()

    def run(script: bytes) -> bytes:
        done = subprocess.run(
            [found, *more],
            input=script,
            env={"PATH": path, "HOME": "/"},
            cwd=work,
            capture_output=True,
            timeout=20,
            check=True,
        )
        return done.stderr

    assert run(far_scripts.replace("nonce", "-mine", name)) == b"nonce absent\n"
    for text in ("one", "two"):
        (work / "-mine.new" / "below").mkdir(parents=True)
        (work / "-mine.new" / text).touch()
        assert run(far_scripts.replace("nonce", "-mine", name)) == b"nonce placed\n"
        assert os.listdir(work) == [name] and sorted(os.listdir(work / name)) == sorted(["below", text])
    (work / "-mine.new").mkdir()
    assert run(far_scripts.discard("nonce", "-mine", name)) == b"nonce discarded\n"
    (work / "-mine.new").mkdir()
    (work / "link").symlink_to(name)
    assert run(far_scripts.replace("nonce", "-mine", "link")) == b"nonce refused\n"
    assert run(far_scripts.discard("nonce", "-mine", "link")) == b"nonce discarded\n"
    assert sorted(os.listdir(work)) == sorted([name, "link"])


# Names and modes.


def test_a_relative_target_may_begin_with_a_dash(far: Far, ordinary_user: str) -> None:
    """It is relative to the home of the user, as the system has it."""
    home = Path("/tmp") / ordinary_user
    shutil.chown(home, ordinary_user)
    with Sshd(home, user=ordinary_user) as sshd:
        sshd.learn()
        tree(far.work / "d")
        for to in ("-d", "-d/-e", "-d"):
            assert upload(far, sshd, "d", Path(to)).status == 0
            assert content(home / to) == content(far.work / "d")
        (far.work / "f").write_text("text")
        assert upload(far, sshd, "f", Path("-f")).status == 0
        assert (home / "-f").read_text() == "text" and not left_in(home)


def test_a_script_that_says_nothing_is_not_tried_for_ever(far: Far, sshd: Sshd) -> None:
    with_programs(sshd, sh="exit 7")
    two_sites(far, sshd.home)
    found = upload(far, sshd, "d", sshd.home / "site")
    assert found.reason == "a script on web1 ended with status 7, and did not say what it did"
    assert whole(sshd.home) == "old"


def test_an_ordinary_user_uploads_files_and_folders_of_any_mode(far: Far, ordinary_user: str) -> None:
    folder = Path("/tmp") / ordinary_user
    with Sshd(folder, user=ordinary_user) as sshd:
        sshd.learn()
        tree(far.work / "d")
        for name, mode in (("a/deep", 0o500), ("a/run", 0o200), ("a/file-1", 0o000), ("a/file-2", 0o444), ("a", 0o600)):
            (far.work / "d" / name).chmod(mode)
        (far.work / "f").write_text("text")
        (far.work / "f").chmod(0o200)
        for _ in range(2):
            found = upload(far, sshd, "d", sshd.home / "site")
            assert found.status == 0 and b"cannot be removed" not in found.log, found
            assert content(sshd.home / "site") == content(far.work / "d")
            assert upload(far, sshd, "f", sshd.home / "f").status == 0
            assert content(sshd.home)["f"] == (b"text", 0o200)
        (far.work / "d").chmod(0o500)
        for _ in range(2):
            assert upload(far, sshd, "d", sshd.home / "site").status == 0
        assert sorted(os.listdir(sshd.home)) == ["f", "site"]


def test_what_cannot_be_removed_is_said(far: Far, ordinary_user: str) -> None:
    folder = Path("/tmp") / ordinary_user
    with Sshd(folder, user=ordinary_user) as sshd:
        sshd.learn()
        two_sites(far, sshd.home)
        shutil.chown(sshd.home / "site", ordinary_user)
        (sshd.home / "site" / "of-root").mkdir(mode=0o755)
        (sshd.home / "site" / "of-root" / "file").touch()
        found = upload(far, sshd, "d", sshd.home / "site")
        assert found.status == 0 and b"cannot be removed: it stays on web1 as .livewall-" in found.log
        assert whole(sshd.home) == "new"
