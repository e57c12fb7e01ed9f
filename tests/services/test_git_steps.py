"""Steps of kind `git`: a real git, real repositories, and what stands in the way of both."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from step_programs import Finished, run_program

from livewall.tasks.kinds import program
from livewall.tasks.programs import StepFailed
from livewall.tasks.programs.mirror import Mirror, place_in, problem_of
from livewall.tasks.supervisor.folder import INPUT_VARIABLE

Checkout = Callable[..., Finished]


class Repository:
    """A bare repository, and a clone in which commits are made."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "site.git", folder / "author"
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        git("clone", "--quiet", self.bare, self.work)

    def commit(self, text: str, subject: str = "", branch: str = "main") -> str:
        git("checkout", "--quiet", "-B", branch, cwd=self.work)
        (self.work / "file").write_text(text)
        git("add", "--all", cwd=self.work)
        git("commit", "--quiet", "--allow-empty", "--message", subject or text, cwd=self.work)
        git("push", "--quiet", "--force", "origin", branch, cwd=self.work)
        return git("rev-parse", "HEAD", cwd=self.work)

    def tag(self, name: str) -> None:
        git("tag", "--annotate", "--message", name, name, cwd=self.work)
        git("push", "--quiet", "origin", f"refs/tags/{name}", cwd=self.work)


def git(*arguments: Any, cwd: Path | None = None) -> str:
    names = [f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")]
    identity = dict.fromkeys(names, "lin@example.org") | {"GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", *map(str, arguments)], cwd=cwd, env={**os.environ, **identity}, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "far")


@pytest.fixture
def checkout(tmp_path: Path, repository: Repository) -> Checkout:
    def run(ref: str | None = "main", **given: Any) -> Finished:
        return run_program(tmp_path, "git_checkout", inputs(tmp_path, repository, ref, **given))

    return run


def inputs(folder: Path, repository: Repository, ref: str | None, **given: Any) -> dict[str, Any]:
    usual = {"repository": str(repository.bare), "ref": ref, "into": "src", "submodules": False, "previous": ""}
    return {**usual, "data": str(folder / "data"), **given}


def test_branches_tags_and_commits_are_checked_out(repository: Repository, checkout: Checkout, tmp_path: Path) -> None:
    first = repository.commit("one", "The first")
    repository.tag("v1")
    second = repository.commit("two")
    file = tmp_path / "work/src/file"
    found = checkout("main", previous=first)
    assert (found.status, file.read_text()) == (0, "two")
    assert found.outputs == {
        "commit": second, "short": second[:7], "subject": "two", "author": "lin@example.org", "ref": "main",
        "previous": first, "date": git("show", "--no-patch", "--format=%cI", second, cwd=repository.work),
    }  # fmt: skip
    assert f"branch main: {second}" in found.log
    for name in ("v1", "refs/tags/v1", first, first[:9]):
        found = checkout(name)
        assert (found.status, file.read_text(), found.outputs["subject"]) == (0, "one", "The first"), found.log
        assert found.outputs["previous"] == ""
    assert checkout(None).outputs["ref"] == "main", "the default branch is the one of the repository"


def test_what_was_force_pushed_is_taken_and_what_vanished_is_not(repository: Repository, checkout: Checkout) -> None:
    repository.commit("old", branch="topic")
    assert checkout("topic").outputs["subject"] == "old"
    new = repository.commit("new", branch="topic")
    git("commit", "--quiet", "--amend", "--message", "amended", cwd=repository.work)
    git("push", "--quiet", "--force", "origin", "topic", cwd=repository.work)
    found = checkout("topic")
    assert (found.outputs["subject"], found.outputs["commit"] == new) == ("amended", False)
    git("push", "--quiet", "--delete", "origin", "topic", cwd=repository.work)
    found = checkout("topic")
    assert (found.status, found.reason) == (1, "the repository has no branch, tag or commit with this name")


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=touch pwned", "-h", "main~1", "@{-1}", "main^{tree}", "a b", "", ":/one", "HEAD:file", "main\n"],
)
def test_a_ref_is_a_name_and_nothing_else(ref: str, repository: Repository, checkout: Checkout, tmp_path: Path) -> None:
    repository.commit("one")
    found = checkout(ref)
    assert (found.status, found.reason) == (1, "the repository has no branch, tag or commit with this name")
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "repository",
    ["ext::sh -c 'touch pwned'", "fd::3", "--upload-pack=x", "", "a/b.git", "ftp://x/y", "https://u:p@x/y", "ssh://[::1",
     "/x\n/y"],
)  # fmt: skip
def test_a_repository_that_runs_or_shows_something_is_refused(repository: str, tmp_path: Path) -> None:
    assert problem_of(repository)
    given = {"repository": repository, "ref": None, "into": "src", "submodules": False, "previous": ""}
    found = run_program(tmp_path, "git_checkout", {**given, "data": str(tmp_path / "data")})
    assert found.status == 1 and found.reason.startswith("the repository ")
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "repository", ["/srv/x.git", "git@host:x/y.git", "host:y", "ssh://git@x:22/y", "https://x/y.git"]
)
def test_usual_addresses_are_taken(repository: str) -> None:
    assert problem_of(repository) == ""


@pytest.mark.parametrize("into", ["../out", "/tmp/out", ".", "a/../../b", "link/out", "x\0y", "a\nb", "a" * 201])
def test_a_folder_outside_the_working_folder_is_refused(into: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/link").symlink_to(tmp_path)
    with pytest.raises(StepFailed, match="inside the task's working folder"):
        place_in(tmp_path / "work", into)


def test_what_stands_in_the_place_of_the_folder_is_replaced(
    repository: Repository, checkout: Checkout, tmp_path: Path
) -> None:
    repository.commit("one")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("not mine")
    work = tmp_path / "work"
    work.mkdir()
    (work / "src").symlink_to(kept)
    assert checkout("main").status == 0
    assert (kept / "file").read_text() == "not mine" and (work / "src/file").read_text() == "one"
    (work / "src/left").touch()
    assert checkout("main", into="src").status == 0 and not (work / "src/left").exists()
    assert checkout("main", into="deep/er").status == 0 and (work / "deep/er/file").exists()


def test_no_hook_runs_and_no_configuration_of_the_repository_counts(
    repository: Repository, checkout: Checkout, tmp_path: Path
) -> None:
    repository.commit("one")
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    hook = template / "hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    settings = f"[init]\n\ttemplateDir = {template}\n[core]\n\thooksPath = {template}/hooks\n"
    (tmp_path / ".gitconfig").write_text(settings)
    assert checkout("main").status == 0
    assert not (tmp_path / "pwned").exists()


def test_submodules_are_fetched_only_where_that_is_asked_for(
    repository: Repository, checkout: Checkout, tmp_path: Path
) -> None:
    part = Repository(tmp_path / "far/part")
    part.commit("inner")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part.bare, "part", cwd=repository.work)
    repository.commit("outer")
    inner = tmp_path / "work/src/part/file"
    assert checkout("main").status == 0 and not inner.exists()
    assert checkout("main", submodules=True).status == 0 and inner.read_text() == "inner"


def test_a_repository_that_is_away_is_said_and_back_again(repository: Repository, checkout: Checkout) -> None:
    repository.commit("one")
    away = repository.bare.with_name("away")
    repository.bare.rename(away)
    for _ in range(2):
        found = checkout("main")
        assert (found.status, found.reason) == (1, "the repository cannot be fetched; the log says why")
        assert "fatal: " in found.log and "site.git" in found.log
    away.rename(repository.bare)
    assert checkout("main").status == 0


def test_twenty_thousand_refs_are_no_obstacle(repository: Repository, checkout: Checkout) -> None:
    commit = repository.commit("one")
    packed = "".join(f"{commit} refs/heads/b{number:05}\n" for number in range(20_000))
    (repository.bare / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{packed}")
    assert checkout("b19999").outputs["commit"] == commit
    began = time.monotonic()
    assert checkout("b00000").status == 0
    assert time.monotonic() - began < 20


def test_a_commit_that_no_branch_leads_to_is_fetched_by_its_hash(repository: Repository, checkout: Checkout) -> None:
    repository.commit("one")
    hidden = repository.commit("two")
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=repository.work)
    git("push", "--quiet", "--force", "origin", "main", cwd=repository.work)
    git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=repository.bare)
    assert checkout(hidden).outputs["subject"] == "two"
    assert checkout("0" * 40).reason == "the repository has no branch, tag or commit with this name"


def test_a_killed_fetch_leaves_nothing_in_the_way(repository: Repository, tmp_path: Path) -> None:
    (repository.work / "large").write_bytes(os.urandom(8 << 20))
    repository.commit("one")
    given = inputs(tmp_path, repository, "main")
    assert run_program(tmp_path, "git_checkout", given).status == 0
    mirror = Mirror(tmp_path / "data", str(repository.bare))
    # What a git that was killed leaves, and its lock with it.
    for left in ("packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"):
        (mirror.path / left).parent.mkdir(parents=True, exist_ok=True)
        (mirror.path / left).touch()
    repository.commit("two")
    assert run_program(tmp_path, "git_checkout", given).outputs["subject"] == "two"


@pytest.mark.parametrize("damage", ["head", "refs", "config", "packed", "loose", "objects"])
def test_a_damaged_mirror_is_made_anew_and_no_other_repository_is_touched(
    damage: str, repository: Repository, tmp_path: Path
) -> None:
    repository.commit("one")
    outer = tmp_path / "outer"
    outer.mkdir()
    git("init", "--quiet", "--initial-branch=precious", cwd=outer)
    git("commit", "--quiet", "--allow-empty", "--message", "mine", cwd=outer)
    before = git("for-each-ref", cwd=outer)
    given = inputs(outer, repository, "main")
    assert run_program(tmp_path, "git_checkout", given).status == 0
    mirror = Mirror(outer / "data", str(repository.bare)).path
    match damage:
        case "head":
            (mirror / "HEAD").write_text("")
        case "refs" | "objects":
            shutil.rmtree(mirror / damage)
        case "config":
            (mirror / "config").write_text("[core\n")
        case "packed":
            (mirror / "packed-refs").write_bytes(bytes(range(256)))
        case _:
            (mirror / "refs/heads").mkdir(parents=True, exist_ok=True)
            (mirror / "refs/heads/main").write_text("")
    repository.commit("two")
    assert run_program(tmp_path, "git_checkout", given).outputs["subject"] == "two"
    assert git("for-each-ref", cwd=outer) == before and git("log", "--format=%s", cwd=outer) == "mine"


def test_a_branch_may_become_a_folder_of_branches(repository: Repository, checkout: Checkout) -> None:
    repository.commit("one", branch="a")
    repository.commit("one", branch="x/y")
    assert checkout("a").status == 0 and checkout("x/y").status == 0
    git("push", "--quiet", "origin", "--delete", "a", "x/y", cwd=repository.work)
    git("push", "--quiet", "origin", "HEAD:refs/heads/a/b", "HEAD:refs/heads/x", cwd=repository.work)
    assert checkout("a/b").status == 0 and checkout("x").status == 0
    assert checkout("a").status == 1


def test_a_checkout_that_fails_leaves_nothing(repository: Repository, checkout: Checkout, tmp_path: Path) -> None:
    part = Repository(tmp_path / "far/part")
    part.commit("inner")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part.bare, "part", cwd=repository.work)
    repository.commit("outer")
    assert checkout("main").status == 0
    part.bare.rename(part.bare.with_name("away"))
    found = checkout("main", submodules=True)
    assert (found.status, found.reason) == (1, "the submodules cannot be fetched; the log says why")
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["src"], "what was there before is still there"


def test_an_author_cannot_say_what_the_date_and_the_subject_are(repository: Repository, checkout: Checkout) -> None:
    name = "Eve\u20282020-01-01T00:00:00+00:00\u2028forged"
    git("-c", f"user.name={name}", "commit", "--quiet", "--allow-empty", "--message", "true", cwd=repository.work)
    git("checkout", "--quiet", "-B", "main", cwd=repository.work)
    git("commit", "--quiet", "--amend", "--allow-empty", "--no-edit", f"--author={name} <e@e>", cwd=repository.work)
    git("push", "--quiet", "--force", "origin", "main", cwd=repository.work)
    found = checkout("main")
    assert found.outputs["subject"] == "true" and not found.outputs["date"].startswith("2020")


def test_a_mirror_that_another_process_holds_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewall.tasks.programs.mirror.LOCK_SECONDS", 0.2)
    mirror = Mirror(tmp_path, "/srv/x.git")
    with mirror.locked(), pytest.raises(StepFailed, match="another process has held the mirror"):  # noqa: SIM117
        with Mirror(tmp_path, "/srv/x.git").locked():
            pass


def test_a_mirror_is_private_and_the_folder_is_as_the_step_wants_it(repository: Repository, tmp_path: Path) -> None:
    repository.commit("one")
    for _ in range(2):
        assert run_program(tmp_path, "git_checkout", inputs(tmp_path, repository, "main")).status == 0
        repository.commit("two")
    seen = [path for path in (tmp_path / "data").rglob("*") if path.stat().st_mode & 0o077]
    assert not seen
    assert (tmp_path / "work/src/file").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_two_steps_share_a_mirror_one_after_the_other(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit("one")
    mirror = Mirror(tmp_path / "data", str(repository.bare))
    attempt = tmp_path / "second"
    (attempt / "work").mkdir(parents=True)
    (attempt / "input").write_text(json.dumps(inputs(tmp_path, repository, "main")))
    spec = program("git_checkout", {})
    environment = {**os.environ, INPUT_VARIABLE: str(attempt / "input"), "LIVEWALL_OUTPUT": str(attempt / "values")}
    with mirror.locked():
        process = subprocess.Popen(spec.argv, cwd=attempt / "work", env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"another step fetches from this repository; waiting for it\n"
        assert not mirror.path.exists()
    with process:
        process.stdout.read()
    assert process.returncode == 0 and f"commit={commit}" in (attempt / "values").read_text()


def test_a_git_that_outlives_its_program_keeps_others_away(tmp_path: Path) -> None:
    mirror, waited = Mirror(tmp_path, "/srv/x.git"), []
    with mirror.locked():
        orphan = subprocess.Popen(["sleep", "60"], pass_fds=mirror._inherited)
    second = subprocess.Popen(["flock", "--nonblock", mirror._lock, "true"])
    assert second.wait() == 1
    orphan.send_signal(signal.SIGKILL)
    orphan.wait()
    with mirror.locked(lambda: waited.append(True)):
        assert not waited
