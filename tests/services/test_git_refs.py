"""The refs that somebody chooses from: read from a mirror, fetched at most every few seconds."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from test_git_steps import Repository, git

from livewall.errors import Busy, NotFound
from livewall.tasks.pipelines import git_refs
from livewall.tasks.pipelines.git_refs import GitRefs, RefReader
from livewall.tasks.pipelines.pipeline import Pipeline, parse
from livewall.tasks.programs.mirror import Mirror

SILENT = """params.ref.type = "git_ref"
[[steps]]
name = "a"
git = { repository = "git://127.0.0.1:%s/%s", ref = "{params.ref}" }
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "far")


@pytest.fixture
def release(repository: Repository) -> Pipeline:
    text = f"""params.word = {{}}
params.ref.type = "git_ref"
[[steps]]
name = "source"
git = {{ repository = "{repository.bare}", ref = "{{params.ref}}" }}
"""
    return parse(text, "release", "release.toml")


def listed(refs: GitRefs, kind: str) -> list[tuple[str, str]]:
    return [(ref.name, ref.subject) for ref in refs.items if ref.kind == kind]


async def test_branches_tags_and_commits_are_found_by_name_subject_and_hash(
    repository: Repository, release: Pipeline, tmp_path: Path
) -> None:
    first = repository.commit("one", "Begin: \x1f <i>größer</i>")
    repository.tag("v1.0")
    last = repository.commit("two", "Fix the door", branch="topic")
    reader = RefReader(tmp_path / "data", Clock())
    refs = await reader.list(release, "")
    assert dict(listed(refs, "branch")) == {"main": "Begin: \x1f <i>größer</i>", "topic": "Fix the door"}
    assert listed(refs, "tag") == [("v1.0", "v1.0")]
    assert {name for name, _ in listed(refs, "commit")} == {first, last}
    assert next(ref for ref in refs.items if ref.kind == "tag").commit == first, "a tag leads to its commit"
    assert all(ref.date.endswith("Z") for ref in refs.items) and refs.problem == ""
    assert listed(await reader.list(release, "DOOR"), "branch") == [("topic", "Fix the door")]
    assert listed(await reader.list(release, first[:10]), "tag") == [("v1.0", "v1.0")]
    assert (await reader.list(release, "--exec=x")).items == []
    assert (await reader.list(release, "", param="ref")).items == refs.items
    with pytest.raises(NotFound):
        await reader.list(release, "", param="word")


async def test_a_repository_is_asked_again_after_a_while_and_its_absence_is_said(
    repository: Repository, release: Pipeline, tmp_path: Path
) -> None:
    clock = Clock()
    reader = RefReader(tmp_path / "data", clock)
    assert (await reader.list(release, "", fetch=False)).items == []
    repository.commit("one")
    assert listed(await reader.list(release, ""), "branch") == [("main", "one")]
    repository.commit("two")
    assert listed(await reader.list(release, ""), "branch") == [("main", "one")]
    clock.now += git_refs.FRESH_SECONDS + 1
    assert listed(await reader.list(release, ""), "branch") == [("main", "two")]
    repository.bare.rename(repository.bare.with_name("away"))
    clock.now += git_refs.FRESH_SECONDS + 1
    refs = await reader.list(release, "")
    assert listed(refs, "branch") == [("main", "two")]
    assert refs.problem == "the repository cannot be fetched; this list is from an earlier fetch"


async def test_a_repository_that_never_answers_holds_up_nobody_for_long(
    repository: Repository, release: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_refs, "FETCH_SECONDS", 3.0)
    repository.commit("one")
    reader = RefReader(tmp_path / "data", Clock())
    await reader.list(release, "")
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = parse(SILENT % (port, "x"), "silent", "silent.toml")
    asked, began = asyncio.ensure_future(reader.list(silent, "")), time.monotonic()
    assert listed(await reader.list(release, ""), "branch") == [("main", "one")]
    assert time.monotonic() - began < git_refs.FETCH_SECONDS, "others do not wait for it"
    assert await asked == GitRefs([], "the repository does not answer in time")
    began = time.monotonic()
    assert await reader.list(silent, "") == GitRefs([], "the repository does not answer in time")
    assert time.monotonic() - began < git_refs.FETCH_SECONDS, "it is not asked again at once"
    asked = asyncio.ensure_future(reader.list(parse(SILENT % (port, "y"), "silent", "silent.toml"), ""))
    while not reader._programs:
        await asyncio.sleep(0.01)
    reader.close()
    [ended] = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(ended, GitRefs | Busy)
    server.close()


async def test_what_has_the_name_of_another_is_named_in_full(
    repository: Repository, release: Pipeline, tmp_path: Path
) -> None:
    first = repository.commit("one")
    repository.tag("v1")
    repository.commit("two", branch="a")
    git("push", "--quiet", "origin", "HEAD:refs/heads/v1", f"HEAD:refs/heads/{first}", cwd=repository.work)
    refs = await RefReader(tmp_path / "data", Clock()).list(release, "")
    named = {(ref.kind, ref.name): ref.ref for ref in refs.items}
    assert named["branch", "v1"] == "v1" and named["tag", "v1"] == "refs/tags/v1"
    assert named["branch", first] == f"refs/heads/{first}" and named["commit", first] == first
    mirror = Mirror(tmp_path / "data", str(repository.bare))
    for ref in refs.items:
        found = mirror.resolve(ref.ref)
        assert found is not None and (found.kind, found.commit) == (ref.kind, ref.commit)


async def test_of_twenty_thousand_refs_the_newest_are_listed(
    repository: Repository, release: Pipeline, tmp_path: Path
) -> None:
    commit = repository.commit("one")
    names = "".join(f"{commit} refs/{kind}/b{number:05}\n" for kind in ("heads", "tags") for number in range(10_000))
    (repository.bare / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{names}")
    git("commit-graph", "write", "--reachable", cwd=repository.bare)
    reader = RefReader(tmp_path / "data", Clock())
    refs = await reader.list(release, "")
    assert [len(listed(refs, kind)) for kind in ("branch", "tag", "commit")] == [50, 50, 1]
    assert listed(await reader.list(release, "B09999"), "branch") == [("b09999", "one")]
