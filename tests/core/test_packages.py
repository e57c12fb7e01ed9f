"""The packages that setup.cfg lists are those of the tree."""

from __future__ import annotations

import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_of_the_tree_is_listed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    files = [*ROOT.glob("livewall/**/__init__.py"), *ROOT.glob("handlers/**/__init__.py")]
    packages = {".".join(file.parent.relative_to(ROOT).parts) for file in files if "project" not in file.parts}
    data = {"livewall.data", "livewall.locale", "livewall.static", "livewall.templates"}  # files that are not Python
    assert listed == packages | data
