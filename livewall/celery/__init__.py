"""Celery apps as live tasks."""

from typing import Any


def report(app: Any) -> None: ...
