"""What a test does where a real part is missing that it needs."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Leave the test out because of what is missing; in continuous integration that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def program(name: str) -> str:
    """Return the path of a program, without which the test is left out."""
    return shutil.which(name) or missing(f"{name} is not installed")
