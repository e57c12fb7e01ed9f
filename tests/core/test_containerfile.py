"""The image has what the package is built from, and the compose file starts it as the Containerfile means it."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()


def copied() -> set[str]:
    """Return what the Containerfile copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()[:-1]}


def built_from() -> set[str]:
    """Return the files and folders at the top of the checkout that setup.cfg names."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    options = setup["options"]
    moved = dict(line.replace(" ", "").split("=") for line in options["package_dir"].split("\n") if line)
    packages = [moved.get(name, name.replace(".", "/")) for name in options["packages"].split()]
    modules = [f"{name}.py" for name in options["py_modules"].split()]
    files = [setup["metadata"]["long_description"].removeprefix("file: "), setup["metadata"]["license_files"]]
    return {name.partition("/")[0] for name in packages} | {*modules, *files, "setup.cfg", "pyproject.toml"}


def test_the_image_is_built_from_all_that_the_package_needs() -> None:
    assert copied() == built_from()


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*" and {line[1:] for line in lines if line.startswith("!")} == copied()


def test_the_image_does_not_run_as_root() -> None:
    user = re.search(r"^USER (\d+)$", CONTAINERFILE, re.MULTILINE)
    assert user is not None and int(user[1]) > 0 and f"--uid {user[1]}" in CONTAINERFILE


def test_both_check_health_in_the_same_way() -> None:
    checks = [re.search(r'"-c", "([^"]+)"', text) for text in (CONTAINERFILE, COMPOSE)]
    assert checks[0] is not None and checks[1] is not None and checks[0][1] == checks[1][1]
    assert "/readyz" in checks[0][1]


def test_the_root_file_system_is_read_only_and_the_data_in_a_volume() -> None:
    assert "read_only: true" in COMPOSE and "- data:/data" in COMPOSE
    assert "VOLUME /data" in CONTAINERFILE and "LIVEWALL_DATA=/data" in CONTAINERFILE
