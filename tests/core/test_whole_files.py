"""Files that appear whole or not at all, whenever their writer is killed; and those that are no files."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from livewall.atomic_file import ORDINARY, is_stream, whole_file, write_whole
from livewall.errors import LivewallError
from livewall.store.backup import backup, finish_restore, restore
from livewall.store.folder import Folder, close_to_others
from livewall.store.sqlite import connect, migrate, migrations, set_meta
from livewall.store.upgrade import upgrade

MOMENTS = 200
LOOKS = ("open", "os.link", "os.rename", "os.remove", "os.chmod", "shutil.copyfile")

Work = Callable[[], object]


def killed_at(moment: int, work: Work, where: Path) -> bool:
    """Do `work` in a process that is killed at its `moment`-th look at the file system; False: it came to its end."""
    child = os.fork()
    if child == 0:
        left = moment

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event == "sqlite3.connect" or (event in LOOKS and str(where) in str(arguments[0])):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            sys.addaudithook(watch)
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def at_every_moment(work: Work, where: Path, look: Work, again: Work) -> int:
    """Kill `work` at each of its moments in turn; `look` at what is there, and make it `again` as it was."""
    for moment in range(MOMENTS):
        again()
        if not killed_at(moment, work, where):
            return moment
        look()
    raise AssertionError("it never came to its end")


def database(folder: Path, mark: str) -> Path:
    """A data folder whose database knows its name."""
    held = Folder(folder)
    connection = connect(held.create_database(), writer=True)
    migrate(connection)
    set_meta(connection, "mark", mark)
    connection.execute("INSERT INTO streams VALUES ('polls/a', 1, 1, 1, 0)")
    connection.close()
    (folder / "secret").write_text(f'{{"cookie": "{mark}", "ballot": "{mark}", "admin": "{mark}"}}')
    return held.database


def mark(file: Path) -> str:
    connection = sqlite3.connect(file)
    try:
        return str(connection.execute("SELECT value FROM meta WHERE name = 'mark'").fetchone()[0])
    finally:
        connection.close()


def hidden(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_small_file_holds_the_old_or_the_new_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    file, old, new = tmp_path / "file", b"old" * 1000, b"new" * 5000

    def look() -> None:
        assert file.read_bytes() in (old, new)

    moments = at_every_moment(lambda: write_whole(file, new), tmp_path, look, lambda: write_whole(file, old))
    assert moments >= 3 and file.read_bytes() == new and not hidden(tmp_path), "the next writer removes what is left"


def test_a_backup_is_whole_or_not_there_whenever_it_is_killed(tmp_path: Path) -> None:
    database(tmp_path / "data", "00")
    (out := tmp_path / "out").mkdir()
    file = out / "backup.db"

    def look() -> None:
        if file.exists():
            assert mark(file) == "00" and stat.S_IMODE(file.stat().st_mode) == 0o600

    moments = at_every_moment(lambda: backup(tmp_path / "data", file), out, look, lambda: file.unlink(missing_ok=True))
    assert moments >= 4 and os.listdir(out) == ["backup.db"]
    with pytest.raises(LivewallError, match="exists already"):
        backup(tmp_path / "data", file)


def test_a_backup_removes_what_killed_ones_of_other_names_left_and_nothing_else(tmp_path: Path) -> None:
    database(tmp_path / "data", "00")
    (out := tmp_path / "out").mkdir()
    (out / ".monday.db.01234567.part").write_bytes(b"SQLite format 3\0 and half of the rest")
    (out / ".tuesday.db.01234567.part").write_bytes(b"")
    (out / ".sunday.db.01234567.part").write_bytes(b"\0" * 4096 + b"the second page")
    (out / ".sunday.db.01234567.part-journal").write_bytes(b"\xd9\xd5\x05\xf9")
    (out / ".letter.01234567.part").write_text("Dear madam, dear sir")
    backup(tmp_path / "data", out / "wednesday.db")
    assert sorted(os.listdir(out)) == [".letter.01234567.part", "wednesday.db"]


def test_a_restore_leaves_one_database_or_the_other_with_the_keys_of_its_ballots(tmp_path: Path) -> None:
    database(tmp_path / "other", "bb")
    backup(tmp_path / "other", tmp_path / "b.db")
    data = tmp_path / "data"

    def again() -> None:
        for name in os.listdir(data) if data.exists() else ():
            if not name.startswith("."):
                (data / name).unlink()
        database(data, "aa")

    def look() -> None:
        found = mark(data / "livewall.db")
        assert found in ("aa", "bb")
        finish_restore(Folder(data))
        assert f'"ballot": "{found}"' in (data / "secret").read_text()
        assert '"admin": "aa"' in (data / "secret").read_text()
        if found == "bb":
            assert mark(data / "livewall.db.before-restore") == "aa"

    moments = at_every_moment(lambda: restore(data, tmp_path / "b.db"), data, look, again)
    assert moments >= 10
    assert mark(data / "livewall.db") == "bb" and not hidden(data)
    held = sqlite3.connect(data / "livewall.db")
    assert not held.execute("SELECT 1 FROM meta WHERE name = 'voter_keys'").fetchall()
    held.close()


def test_a_migration_that_is_killed_leaves_a_database_that_is_migrated_next_time_and_its_copy(tmp_path: Path) -> None:
    data, last = tmp_path / "data", migrations()[-1][0]

    def again() -> None:
        for name in os.listdir(data) if data.exists() else ():
            (data / name).unlink()
        held = connect(Folder(data).create_database(), writer=True)
        earlier(held, last - 1)
        held.close()

    def work() -> None:
        held = connect(data / "livewall.db", writer=True)
        upgrade(held, Folder(data))
        held.close()

    def look() -> None:
        kept = data / f"livewall.db.schema-{last - 1}"
        held = sqlite3.connect(data / "livewall.db")
        now = int(held.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()[0])
        held.close()
        assert now == last - 1 or kept.exists()
        if kept.exists():
            copy = sqlite3.connect(kept)
            assert copy.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (str(last - 1),)
            copy.close()
        work()
        assert kept.exists() and not [name for name in hidden(data) if name.endswith(".part")]

    assert at_every_moment(work, data, look, again) >= 4


def earlier(connection: sqlite3.Connection, version: int) -> None:
    """The schema of an earlier Livewall."""
    from livewall.store.sqlite import statements

    connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
    for number, path in migrations():
        if number <= version:
            for statement in statements(path.read_text()):
                connection.execute(statement)
    set_meta(connection, "schema", str(version))


def test_a_writer_at_work_keeps_what_it_has_begun_while_another_writes_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with whole_file(file) as part:
        part.write_bytes(b"slow")
        write_whole(file, b"quick")
        assert file.read_bytes() == b"quick" and part.exists()
    assert file.read_bytes() == b"slow" and not hidden(tmp_path)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(file) as part:
        part.write_bytes(b"new")
        raise ZeroDivisionError
    assert file.read_bytes() == b"old" and not hidden(tmp_path)


def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    hex = "01234567.part"
    others = [".file.part", ".file.notes.part", f".other.{hex}", f"file.{hex}", f".file.part.{hex}"]
    for name in others:
        (tmp_path / name).write_text("precious")
    (tmp_path / ".file.01234567.part").write_text("half")
    (tmp_path / ".file.01234567.part-journal").write_text("half")
    write_whole(tmp_path / "file", b"whole")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "file"])


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "\udcff" * 200])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, b"whole")
    assert os.listdir(tmp_path) == [name]


def test_a_link_goes_on_leading_to_its_file_which_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(Path("there") / "file")
    write_whole(link, b"new", mode=ORDINARY)
    assert link.is_symlink() and file.read_text() == "new" and stat.S_IMODE(file.stat().st_mode) == 0o640


def test_an_ordinary_file_has_the_mode_of_the_umask_and_a_private_one_never(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "ordinary", b"", mode=ORDINARY)
        os.umask(0)
        write_whole(tmp_path / "private", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "ordinary").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def test_a_pipe_and_a_descriptor_are_written_to_and_stay_what_they_are(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"through the pipe")
    reader.join()
    assert heard == [b"through the pipe"] and stat.S_ISFIFO(pipe.stat().st_mode)
    with file.open("wb") as opened:
        here = file.stat().st_ino
        (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{opened.fileno()}")
        assert is_stream(tmp_path / "stdout") and is_stream(Path("/dev/stdout")) and not is_stream(file)
        write_whole(tmp_path / "stdout", b"as with > file")
    assert file.read_bytes() == b"as with > file" and file.stat().st_ino == here


# -- what a restore is told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Dear madam, dear sir, " * 100, "not an SQLite database"),
        (b"SQLite format 3\0" + b"\0" * 5000, "damaged or incomplete"),
    ],
)
def test_what_is_no_backup_is_refused_with_the_reason(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "b.db").write_bytes(content)
    file = database(tmp_path / "data", "aa")
    with pytest.raises(LivewallError, match=said):
        restore(tmp_path / "data", tmp_path / "b.db")
    assert mark(file) == "aa" and not hidden(tmp_path / "data")


def test_a_backup_cut_off_at_any_page_is_refused(tmp_path: Path) -> None:
    database(tmp_path / "other", "bb")
    backup(tmp_path / "other", tmp_path / "b.db")
    whole = (tmp_path / "b.db").read_bytes()
    file = database(tmp_path / "data", "aa")
    for length in (4096, 8192, len(whole) // 2 // 4096 * 4096, len(whole) - 4096, len(whole) - 1):
        (tmp_path / "b.db").write_bytes(whole[:length])
        with pytest.raises(LivewallError, match="damaged or incomplete"):
            restore(tmp_path / "data", tmp_path / "b.db")
    assert mark(file) == "aa" and not hidden(tmp_path / "data")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "nowhere"):
        with pytest.raises(LivewallError, match=r"is not a backup|there is no file"):
            restore(tmp_path / "data", tmp_path / name)
    assert not (tmp_path / "data").exists()


def test_a_place_that_cannot_be_written_to_is_named_as_it_was_given(tmp_path: Path) -> None:
    database(tmp_path / "data", "aa")
    for file in (tmp_path / "nowhere" / "b.db", Path("/proc/b.db")):
        with pytest.raises(OSError) as raised:
            backup(tmp_path / "data", file)
        assert raised.value.filename == str(file)


def test_a_backup_with_a_journal_beside_it_was_interrupted(tmp_path: Path) -> None:
    database(tmp_path / "data", "aa")
    backup(tmp_path / "data", tmp_path / "b.db")
    (tmp_path / "b.db-journal").write_bytes(b"\xd9\xd5\x05\xf9")
    with pytest.raises(LivewallError, match="is not complete"):
        restore(tmp_path / "data", tmp_path / "b.db")


@pytest.mark.parametrize("tables", [(), ("meta (name, value)",), ("meta (name, value)", "polls (id)")])
def test_a_database_of_another_program_is_refused(tmp_path: Path, tables: tuple[str, ...]) -> None:
    foreign = sqlite3.connect(tmp_path / "b.db")
    for table in ("letters (text)", *tables):
        foreign.execute(f"CREATE TABLE {table}")
    foreign.commit()
    foreign.close()
    file = database(tmp_path / "data", "aa")
    with pytest.raises(LivewallError, match="not a backup of Livewall"):
        restore(tmp_path / "data", tmp_path / "b.db")
    assert mark(file) == "aa"


def test_a_copy_in_wal_mode_that_cannot_be_written_is_restored_with_its_log(tmp_path: Path) -> None:
    source = database(tmp_path / "other", "bb")
    writer = connect(source, writer=True)
    set_meta(writer, "mark", "cc")
    (copies := tmp_path / "copies").mkdir()
    for rest in ("", "-wal"):
        (copies / f"c.db{rest}").write_bytes(source.with_name(source.name + rest).read_bytes())
        (copies / f"c.db{rest}").chmod(0o400)
    writer.close()
    copies.chmod(0o500)
    try:
        restore(tmp_path / "data", copies / "c.db")
    finally:
        copies.chmod(0o700)
    assert mark(tmp_path / "data" / "livewall.db") == "cc"
    assert stat.S_IMODE((tmp_path / "data" / "livewall.db").stat().st_mode) == 0o600


# -- what others may do


def test_an_open_folder_is_closed_but_what_steps_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    files = ["livewall.db", "livewall.db-wal", "backups/old.db", "tasks/t/steps/a.1/output", "tasks/t/work/bin/tool"]
    for name in files:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
        (data / name).chmod(0o755 if "tool" in name else 0o664)
    (tmp_path / "elsewhere").write_text("not ours")
    (tmp_path / "elsewhere").chmod(0o644)
    (data / "link").symlink_to(tmp_path / "elsewhere")
    for folder in [data, *(path for path in data.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o2755)
    changed, left = close_to_others(data)
    assert not left and changed == 4 + len(["data", "backups", "tasks", "t", "steps", "a.1", "work"])
    modes = {str(path.relative_to(data)): stat.S_IMODE(path.lstat().st_mode) & 0o777 for path in data.rglob("*")}
    assert {modes[name] for name in files[:4]} == {0o600} and modes["tasks/t/work/bin/tool"] == 0o755
    assert modes["tasks/t/work"] == modes["tasks"] == modes["backups"] == 0o700
    assert stat.S_IMODE(data.stat().st_mode) & 0o777 == 0o700
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o644
    assert close_to_others(data) == (0, [])


def test_a_home_that_is_used_as_data_keeps_its_other_folders_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("public", "tasks"):
        (tmp_path / name).mkdir(mode=0o755)
    close_to_others(tmp_path)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("public", "tasks")] == [0o755, 0o700]
