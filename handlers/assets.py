"""Static files and texts as pages need them: versioned addresses, the import map with its hash, the catalogue.

Tornado caches only addresses with `?v=` for long. The import map leads each module's plain path to its versioned one,
so that a relative import loads what the page's own script tag would.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tornado import locale
from tornado.web import StaticFileHandler

PREFIX = "/static/"


class Assets:
    """The static folder, hashed once at start."""

    def __init__(self, static: Path) -> None:
        self.static = static
        modules = sorted((static / "js").rglob("*.js"))
        imports = {PREFIX + path: self.url(path) for path in (m.relative_to(static).as_posix() for m in modules)}
        self.importmap = in_script({"imports": imports})
        digest = hashlib.sha256(self.importmap.encode()).digest()
        self.importmap_hash = f"sha256-{base64.b64encode(digest).decode()}"

    def url(self, path: str) -> str:
        settings = {"static_path": str(self.static), "static_url_prefix": PREFIX}
        return StaticFileHandler.make_static_url(settings, path)


def in_script(value: Any) -> str:
    """JSON that may stand inside a script element: no `<`, so neither `</script>` nor `<!--` can end or open one."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def texts(found: locale.Locale, groups: Iterable[str]) -> dict[str, Any]:
    """The part of the catalogue whose keys begin with one of `groups`, for a script's data block."""
    wanted = tuple(f"{group}." for group in groups)
    table: dict[str, dict[str, str]] = getattr(found, "translations", {})
    chosen: dict[str, Any] = {k: v for k, v in table.get("unknown", {}).items() if k.startswith(wanted)}
    for form, name in (("singular", "one"), ("plural", "other")):
        for key, text in table.get(form, {}).items():
            if key.startswith(wanted):
                chosen.setdefault(key, {})[name] = text
    return chosen
