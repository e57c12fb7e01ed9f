"""Livewall as it is installed: from a wheel, elsewhere, it serves its pages."""

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from children import environment, free_port

from livewall import resources

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("livewall", "handlers")
FILES = ("static", "templates", "locale")
WHERE = f"from livewall import resources as r; print(*map(r.folder, {(*FILES, 'data')}), sep='\\n')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is left in the checkout and nothing stale of it gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in (*SHIPPED, *FILES):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("server.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment of its own with the wheel in it."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=True)
    run(folder / "env/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    return folder


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_that_belongs_to_it_is_in_the_wheel(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {"server.py"}
    for folder in SHIPPED:
        expected |= {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if belongs(path)}
    for folder in FILES:
        expected |= {f"livewall/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob("*") if belongs(path)}
    assert expected - packed == set()
    assert not {name for name in packed if name.startswith(("tests", "benchmarks"))}


def belongs(path):
    return path.is_file() and "__pycache__" not in path.parts


def test_installed_from_the_wheel_it_serves_its_pages(installed):
    port = free_port()
    command = [str(installed / "env/bin/livewall"), "serve", "--port", str(port), "--data", str(installed / "data")]
    process = subprocess.Popen(command, cwd=installed, env=environment(installed), stderr=subprocess.PIPE, text=True)
    try:
        page = ask(f"http://127.0.0.1:{port}/w", process)
        assert page.startswith("<!") and "</html>" in page
        script = page.partition("/static/")[2].partition('"')[0]
        assert ask(f"http://127.0.0.1:{port}/static/{script}", process)
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 0, said


def ask(url, process):
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)


def test_the_command_votes_from_the_wheel(installed):
    said = run(installed / "env/bin/livewall", "vote", "--help", cwd=installed)
    assert "POLL-OR-CODE" in said


# One function finds what is not Python, in all three kinds of installation.


def test_resources_are_found_in_a_checkout():
    assert resources.folder("static") == ROOT / "static"
    assert resources.folder("data") == ROOT / "livewall" / "data"


def test_resources_are_found_in_a_wheel(installed):
    found = run(installed / "env/bin/python", "-c", WHERE, cwd=installed).split()
    assert [Path(path).parent.name for path in found] == ["livewall"] * 4
    assert all(path.startswith(str(installed)) for path in found)


def test_resources_are_found_in_an_editable_install(tmp_path):
    """In this environment Livewall is installed so; seen from elsewhere it is the checkout."""
    found = run(sys.executable, "-c", WHERE, cwd=tmp_path).split()
    assert found == [*(str(ROOT / name) for name in FILES), str(ROOT / "livewall" / "data")]


def test_an_installation_without_them_says_what_to_do(tmp_path):
    package = tmp_path / "livewall"
    package.mkdir()
    (tmp_path / "static").mkdir()  # somebody else's: beside an installed package lies anything
    with pytest.raises(FileNotFoundError, match="install it again"):
        resources.folder("static", package=package)
