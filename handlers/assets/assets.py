"""Static files and texts as pages need them: versioned addresses, the import map with its hash, the catalogue.

Tornado caches only addresses with `?v=` for long. The import map leads each module's plain path to its versioned one,
so that a relative import loads what the page's own script tag would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tornado import locale
from tornado.web import StaticFileHandler

from handlers.assets import packs

PREFIX = "/static/"
IMPORT = re.compile(r"""^import .*?from "(\.{1,2}/[^"]+)";$""", re.M)

SCRIPTS = ("watch.js",)
"""Scripts that are no modules and that every live page has. They are sent as packs are, from memory."""


class Assets:
    """The static folder, hashed once at start."""

    def __init__(self, static: Path) -> None:
        self.static = static.resolve()
        self._preload: dict[str, list[str]] = {}
        self._packs: dict[str, packs.Pack] = {}
        modules = sorted((self.static / "js").rglob("*.js"))
        imports = {PREFIX + path: self.url(path) for path in (m.relative_to(self.static).as_posix() for m in modules)}
        self.importmap = in_script({"imports": imports})
        icon = base64.b64encode((self.static / "icon.svg").read_bytes()).decode()
        self.icon = f"data:image/svg+xml;base64,{icon}"
        """The icon itself as an address: every page has it, and no browser has to ask for it."""
        digest = hashlib.sha256(self.importmap.encode()).digest()
        self.importmap_hash = f"sha256-{base64.b64encode(digest).decode()}"

    def preload(self, module: str) -> list[str]:
        """The addresses of everything a module imports, so that a browser asks for all of it at once."""
        if module not in self._preload:
            found: dict[Path, None] = {}
            waiting = [self.static / module]
            while waiting:
                path = waiting.pop()
                for name in IMPORT.findall(path.read_text(encoding="utf-8")):
                    imported = (path.parent / name).resolve()
                    if imported not in found:
                        found[imported] = None
                        waiting.append(imported)
            self._preload[module] = [self.url(p.relative_to(self.static).as_posix()) for p in found]
        return self._preload[module]

    def pack(self, name: str) -> packs.Pack:
        """`poll.js`: static/js/pages/poll.js and what it imports; `pages.css`: static/css/pages.css after what
        all pages share. Made when it is first asked for. Raises KeyError for what is none."""
        if name not in self._packs:
            stem, _, kind = name.partition(".")
            source = self.static / ("js/pages" if kind == "js" else "css") / name
            if name in SCRIPTS:
                text = (self.static / name).read_text(encoding="utf-8")
            elif kind not in ("js", "css") or not stem.isalnum() or not source.is_file():
                raise KeyError(name)
            else:
                text = packs.modules(source) if kind == "js" else packs.styles(source.parent, stem)
            self._packs[name] = packs.Pack(name, text)
        return self._packs[name]

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
