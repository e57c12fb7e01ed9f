"""Advice for a start by a Python that lacks a package. Imports nothing but the standard library."""

import sys


def advice(problem: ModuleNotFoundError) -> str:
    """Return the advice for a missing module. Raises `problem` again if the module is Livewall's own."""
    if (problem.name or "").partition(".")[0] in ("livewall", "handlers", "server"):
        raise problem
    return (
        f"livewall: {sys.executable} does not have {problem.name}, which Livewall needs. Run Livewall in its own "
        "environment: in a checkout `make demo` makes one in .venv, and then .venv/bin/livewall works; elsewhere "
        "`pipx install` makes one."
    )
