"""A note for somebody who checks a pipeline where a package is missing that its steps need."""

from __future__ import annotations

import importlib.util

from livewall.tasks.connector.process import MISSING
from livewall.toml_problems import Place


def note_missing(where: Place) -> None:
    """Note that steps on hosts could not run here."""
    if importlib.util.find_spec("asyncssh") is None:
        where.note(MISSING)
