"""Runs the tests of the pages' modules, which Node executes, among the others: each file is one item.

Without Node they are skipped and say why; where CI is set they fail instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class NodeFailure(Exception):
    """The output of Node, in which a test failed."""


class NodeTests(pytest.Item):
    """The tests of one file."""

    def runtest(self) -> None:
        node = shutil.which("node")
        if node is None and not os.environ.get("CI"):
            pytest.skip("no node here: install it")
        assert node is not None, "no node here, and CI must not skip these tests"
        done = subprocess.run([node, "--test-reporter=tap", self.path], capture_output=True, text=True)
        tests = re.search(r"^# tests (\d+)$", done.stdout, re.M)
        if done.returncode or tests is None or tests[1] == "0":
            raise NodeFailure(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
        self.user_properties.append(("tests", tests[1]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: None = None) -> str:
        if isinstance(excinfo.value, NodeFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.path.name


class NodeFile(pytest.File):
    def collect(self) -> Iterator[NodeTests]:
        yield NodeTests.from_parent(self, name="node")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> NodeFile | None:
    return NodeFile.from_parent(parent, path=file_path) if file_path.name.endswith(".test.mjs") else None
