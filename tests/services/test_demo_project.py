"""The demonstration's project and its pipeline: the commands, run one after the other as a task would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from livewall.demo import hosts, repository
from livewall.tasks.kinds import Values, kinds
from livewall.tasks.pipelines.params import check_params
from livewall.tasks.pipelines.pipeline import Pipeline, StepDef, load

PROJECT = Path(repository.__file__).parent / "project"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Of the kind that breaks commands put together as strings.
    folder = tmp_path_factory.mktemp('it\'s a "demo"')
    repository.prepare(folder)
    repository.write_pipeline(folder, None)
    return folder


@pytest.fixture(scope="module")
def release(prepared: Path) -> Pipeline:
    return load(prepared / "pipelines" / "release.toml", "release.toml")


class Run:
    """One task, without an engine."""

    def __init__(self, pipeline: Pipeline, work: Path, ref: str) -> None:
        self.pipeline = pipeline
        self.work = work
        self.params = check_params(pipeline, {"ref": ref})
        self.outputs: dict[str, dict[str, str]] = {}

    def step(self, name: str) -> tuple[int, str]:
        step: StepDef = next(s for s in self.pipeline.steps if s.name == name)
        spec = kinds()[step.kind].spec(step.body, Values(self.params, self.outputs))
        output = self.work.parent / f"{self.work.name}.{name}.output"
        env = {"PATH": os.environ["PATH"], "HOME": str(self.work), "LANG": "C.UTF-8", "LIVEWALL_OUTPUT": str(output)}
        done = subprocess.run(
            spec.argv, cwd=self.work / (spec.cwd or "."), env=env | spec.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=step.timeout,
        )  # fmt: skip
        lines = output.read_text().splitlines() if output.exists() else []
        self.outputs[name] = dict(line.split("=", 1) for line in lines)
        return done.returncode, done.stdout


def test_the_release_goes_from_the_clone_to_the_health_page(release: Pipeline, tmp_path: Path) -> None:
    run = Run(release, tmp_path, "main")
    said = {}
    for step in release.steps:
        if step.name == "go":  # the audience decides
            continue
        status, said[step.name] = run.step(step.name)
        assert status == 0, said[step.name]
    assert "Receiving objects: 100%" in said["clone"]
    assert "greeter/service.py: ok" in said["lint"]
    assert "Ran 9 tests" in said["tests"]
    name = "greeter-1.4.0-py3-none-any.whl"
    assert run.outputs["wheel"] == {"file": str(tmp_path / "dist" / name), "name": name}
    assert "Successfully installed greeter-1.4.0" in said["install"]
    assert "Good day, Livewall!" in said["health"] and '"status": "ok"' in said["health"]


def test_on_the_broken_branch_one_test_fails(release: Pipeline, tmp_path: Path) -> None:
    run = Run(release, tmp_path, "broken")
    assert [run.step(name)[0] for name in ("clone", "lint", "wheel")] == [0, 0, 0]
    status, said = run.step("tests")
    assert status == 1
    assert "FAIL: test_a_region_does_not_matter" in said and "failures=1" in said


def test_the_steps_stand_as_they_are_told(release: Pipeline) -> None:
    assert [(step.name, list(step.needs)) for step in release.steps] == [
        ("clone", []),
        ("lint", ["clone"]),
        ("tests", ["clone"]),
        ("wheel", ["clone"]),
        ("install", ["lint", "tests", "wheel"]),
        ("health", ["install"]),
        ("switch", ["go"]),
        ("go", ["health"]),
    ]


def test_with_hosts_the_release_ends_there(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    ports = hosts.prepare(tmp_path / "hosts", tmp_path / "pipelines")
    assert list(ports) == list(hosts.NAMES)
    text = repository.pipeline(prepared / repository.NAME, tmp_path / "hosts", "K7M2QD")
    (tmp_path / "pipelines" / "release.toml").write_text(text)
    found = load(tmp_path / "pipelines" / "release.toml", "release.toml")
    assert [host.name for host in found.inventory["stage"]] == list(hosts.NAMES)
    on_hosts = {step.name for step in found.steps if step.hosts}
    assert on_hosts == {"upload", "tools", "install", "health", "switch"}
    assert [param.default for param in found.params] == ["main", "K7M2QD"]


def test_without_a_server_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(hosts.NoHosts, match="apt-get install openssh-server"):
        hosts.find_server()


def test_the_shipped_file_is_a_pipeline_too(release: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "release.toml"
    parts = [PROJECT.parent / "pipelines" / f"{part}.toml" for part in ("release", "here", "gate")]
    file.write_text("".join(part.read_text() for part in parts))
    shipped = load(file, "release.toml")
    assert shipped.steps[1].body["argv"][0] == "python3"
    assert release.steps[1].body["argv"][0] == sys.executable


def test_the_repository_is_the_same_wherever_it_is_made(prepared: Path, tmp_path: Path) -> None:
    def heads(folder: Path) -> str:
        command = ["git", "-C", str(folder), "show-ref", "--heads"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    made = repository.make(tmp_path)
    assert heads(made) == heads(prepared / repository.NAME)
    assert [line.partition("refs/heads/")[2] for line in heads(made).splitlines()] == ["broken", "main"]
    assert repository.make(tmp_path) == made, "a repository that is there is kept"
    assert os.listdir(tmp_path) == [repository.NAME]


def test_without_git_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(repository.RepositoryError, match="git is not installed"):
        repository.make(tmp_path)


def test_pip_makes_the_same_wheel(tmp_path: Path, prepared: Path) -> None:
    source = prepared / repository.NAME
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--wheel-dir", str(tmp_path)]
    done = subprocess.run([*command, "--disable-pip-version-check", str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = tmp_path / "ours"
    subprocess.run([sys.executable, source / "tools/wheel.py", ours], check=True, capture_output=True, timeout=30)
    (theirs,) = tmp_path.glob("*.whl")
    assert (ours / theirs.name).read_bytes() == theirs.read_bytes()
    assert zipfile.ZipFile(theirs).testzip() is None
