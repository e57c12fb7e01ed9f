"""Packs: the modules or the style sheets of a page as one file, so that a phone requests only one.

Each module becomes a function that is called once and returns the module's exports. Its imports are taken from what the
modules before it returned. What the page's own module exports, the pack exports, too. Comments on lines of their own
are left out; they would be more than a third of the download. No name and no other line is changed, so a pack reads
like its modules, and `?packs=off` loads the modules themselves.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

IMPORT = re.compile(r"""^import (\{[^{}]*\}) from "(\.{1,2}/[^"]+)";$""", re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.M)
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?s:.*?)\*/[ \t]*)\n", re.M)
"""A comment on lines of its own."""
OTHER_SYNTAX = re.compile(r"^(?:import|export)\b.*", re.M)
SHARED_STYLES = ("tokens", "base")
"""The style sheets that every page's style sheet builds on."""


class Pack:
    """A pack in its plain and compressed form, with an address that changes with its content."""

    def __init__(self, name: str, text: str) -> None:
        self.plain = text.encode()
        self.gzipped = gzip.compress(self.plain, 9, mtime=0)
        self.version = hashlib.sha256(self.plain).hexdigest()[:20]
        self.url = f"/packs/{name}?v={self.version}"
        self.type = "text/css" if name.endswith(".css") else "text/javascript"

    def body(self, is_gzip: bool) -> bytes:
        """Return the bytes of the pack, compressed if `small` is set."""
        return self.gzipped if is_gzip else self.plain

    def header(self, is_gzip: bool) -> dict[str, str]:
        """Return the header fields of these bytes. The two forms have different entity tags."""
        coding = {"Content-Encoding": "gzip"} if is_gzip else {}
        tag = f'"{self.version}{"-gzip" if is_gzip else ""}"'
        return {"Content-Type": f"{self.type}; charset=utf-8", "ETag": tag, "Vary": "Accept-Encoding", **coding}


def modules(entry: Path) -> str:
    """Return a module and all its imports as one file. Raises ValueError for syntax that a pack does not support."""
    added: dict[Path, tuple[str, list[str]]] = {}
    parts: list[str] = []

    def add_module(path: Path, importers: tuple[Path, ...]) -> tuple[str, list[str]]:
        """Return the name of a module's function, and its exports."""
        if path in importers:
            raise ValueError(f"{path} imports itself indirectly")
        if path not in added:
            text = _without_comments(path)
            for names, where in IMPORT.findall(text):
                name, exported = add_module((path.parent / where).resolve(), (*importers, path))
                for wanted in names.strip("{} ").split(","):
                    if wanted.partition(" as ")[0].strip() not in ("", *exported):
                        raise ValueError(f"{path}: {where} does not export{wanted}")
                text = IMPORT.sub(f"const {names.replace(' as ', ': ')} = {name};", text, count=1)
            added[path] = f"pack${len(added)}", EXPORT.findall(text)
            parts.append(_as_function(path, EXPORT.sub("", text), *added[path]))
        return added[path]

    name, exported = add_module(entry.resolve(), ())
    if exported:
        parts.append(f"export const {{ {', '.join(exported)} }} = {name};\n")
    return "\n".join(parts)


def _without_comments(path: Path) -> str:
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    # In a template literal that spans lines, a line that looks like a comment is text.
    if spanning := next((line for line in text.splitlines() if line.count("`") % 2), None):
        raise ValueError(f"{path}: a pack cannot hold a template that spans lines: {spanning.strip()!r}")
    return text


def _as_function(path: Path, body: str, name: str, exported: list[str]) -> str:
    if other := OTHER_SYNTAX.search(body):
        raise ValueError(f"{path}: a pack cannot hold {other[0]!r}")
    head = f"// {path.parent.name}/{path.name}\nconst {name} = (() => {{\n"
    return f"{head}{body}return {{ {', '.join(exported)} }};\n}})();\n"


def styles(folder: Path, name: str) -> str:
    """Return a style sheet preceded by those that every page has."""
    every = dict.fromkeys((*SHARED_STYLES, name))
    return "\n".join((folder / f"{each}.css").read_text(encoding="utf-8") for each in every)
