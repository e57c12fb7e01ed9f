"""What to say where Livewall is started by a Python that does not have what it needs. Imports nothing of others."""

import sys


def advice(problem: ModuleNotFoundError) -> str:
    """Return the words for a missing module; raises `problem` where the module is Livewall's own."""
    if (problem.name or "").partition(".")[0] in ("livewall", "handlers", "server"):
        raise problem
    return (
        f"livewall: {sys.executable} does not have {problem.name}, which Livewall needs. Run Livewall in its own "
        "environment: in a checkout `make demo` makes one in .venv, and then .venv/bin/livewall works; elsewhere "
        "`pipx install` makes one."
    )
