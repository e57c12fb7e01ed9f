"""Static files and texts for pages: versioned addresses, the import map with its hash, and the catalogue.

Tornado lets browsers cache only addresses with `?v=` for long. The import map maps each module's plain path to its
versioned one, so that a relative import loads the same address as the page's script tag.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from tornado import locale
from tornado.web import StaticFileHandler

from handlers.assets import packs

PREFIX = "/static/"
IMPORT = re.compile(r"""^import .*?from "(\.{1,2}/[^"]+)";$""", re.M)

SCRIPTS = ("watch.js",)
"""The scripts of every live page that are not modules. They are sent from memory, like packs."""


class Assets:
    """The static folder, which is hashed once at the start."""

    def __init__(self, static: Path) -> None:
        self.static = static.resolve()
        self._preload: dict[str, list[str]] = {}
        self._packs: dict[str, packs.Pack] = {}
        modules = sorted((self.static / "js").rglob("*.js"))
        imports = {PREFIX + path: self.url(path) for path in (m.relative_to(self.static).as_posix() for m in modules)}
        self.importmap = in_script({"imports": imports})
        icon = base64.b64encode((self.static / "icon.svg").read_bytes()).decode()
        self.icon = f"data:image/svg+xml;base64,{icon}"
        """The icon as a data URL. Every page contains it, so browsers need not request it."""
        digest = hashlib.sha256(self.importmap.encode()).digest()
        self.importmap_hash = f"sha256-{base64.b64encode(digest).decode()}"

    def preload(self, module: str) -> list[str]:
        """Return the addresses of all modules that a module imports, so that a browser can request them at once."""
        if module not in self._preload:
            imported_paths: dict[Path, None] = {}
            pending = [self.static / module]
            while pending:
                path = pending.pop()
                for name in IMPORT.findall(path.read_text(encoding="utf-8")):
                    imported = (path.parent / name).resolve()
                    if imported not in imported_paths:
                        imported_paths[imported] = None
                        pending.append(imported)
            self._preload[module] = [self.url(p.relative_to(self.static).as_posix()) for p in imported_paths]
        return self._preload[module]

    def pack(self, name: str) -> packs.Pack:
        """Return the pack `name`: `poll.js` is static/js/pages/poll.js with its imports, and `pages.css` is
        static/css/pages.css after the style sheets that all pages share. It is built when it is first asked for. Raises
        KeyError for an unknown name."""
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
    """Return JSON that may stand inside a script element. It contains no `<`, so neither `</script>` nor `<!--` can end
    or open one. Structs are written as on the wire."""
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def texts(catalogue: locale.Locale, groups: Iterable[str]) -> dict[str, Any]:
    """Return the part of the catalogue whose keys begin with one of `groups`, for a script's data block."""
    prefixes = tuple(f"{group}." for group in groups)
    table: dict[str, dict[str, str]] = getattr(catalogue, "translations", {})
    texts: dict[str, Any] = {k: v for k, v in table.get("unknown", {}).items() if k.startswith(prefixes)}
    for form, name in (("singular", "one"), ("plural", "other")):
        for key, text in table.get(form, {}).items():
            if key.startswith(prefixes):
                texts.setdefault(key, {})[name] = text
    return texts
