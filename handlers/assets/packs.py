"""Several files as one, so that a phone asks once: the modules that a page needs, or its style sheets.

A module becomes a function that is called once and returns what the module exports; its imports are taken from what
the modules before it returned. Comments that stand on lines of their own are left out: they explain the modules to
those who change them, and are more than a third of what a phone would fetch. No name and no other line is changed, so
a pack reads as its modules do, and `?packs=off` shows any page with the modules as they are.
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
OTHER = re.compile(r"^(?:import|export)\b.*", re.M)
SHARED_STYLES = ("tokens", "base")
"""What the style sheet of every page stands on."""


class Pack:
    """A file as it is sent: plain, compressed, and under an address that changes with its content."""

    def __init__(self, name: str, text: str) -> None:
        self.plain = text.encode()
        self.gzipped = gzip.compress(self.plain, 9, mtime=0)
        self.version = hashlib.sha256(self.plain).hexdigest()[:20]
        self.url = f"/packs/{name}?v={self.version}"
        self.type = "text/css" if name.endswith(".css") else "text/javascript"

    def body(self, small: bool) -> bytes:
        """The bytes of it, compressed where `small` is asked for."""
        return self.gzipped if small else self.plain

    def header(self, small: bool) -> dict[str, str]:
        """What is said of these bytes, whoever asks. The two forms have tags of their own."""
        coding = {"Content-Encoding": "gzip"} if small else {}
        tag = f'"{self.version}{"-gzip" if small else ""}"'
        return {"Content-Type": f"{self.type}; charset=utf-8", "ETag": tag, "Vary": "Accept-Encoding", **coding}


def modules(entry: Path) -> str:
    """A module and all that it imports, as one. Raises ValueError for what a pack cannot hold."""
    placed: dict[Path, tuple[str, list[str]]] = {}
    parts: list[str] = []

    def place(path: Path, above: tuple[Path, ...]) -> tuple[str, list[str]]:
        """The function of a module and what it exports."""
        if path in above:
            raise ValueError(f"{path} imports itself by way of others")
        if path not in placed:
            text = _without_comments(path)
            for names, where in IMPORT.findall(text):
                name, exported = place((path.parent / where).resolve(), (*above, path))
                for wanted in names.strip("{} ").split(","):
                    if wanted.partition(" as ")[0].strip() not in ("", *exported):
                        raise ValueError(f"{path}: {where} does not export{wanted}")
                text = IMPORT.sub(f"const {names.replace(' as ', ': ')} = {name};", text, count=1)
            placed[path] = f"pack${len(placed)}", EXPORT.findall(text)
            parts.append(_as_function(path, EXPORT.sub("", text), *placed[path]))
        return placed[path]

    place(entry.resolve(), ())
    return "\n".join(parts)


def _without_comments(path: Path) -> str:
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    # Within a template that spans lines, a line that looks like a comment is text.
    if spanning := next((line for line in text.splitlines() if line.count("`") % 2), None):
        raise ValueError(f"{path}: a pack cannot hold a template that spans lines: {spanning.strip()!r}")
    return text


def _as_function(path: Path, body: str, name: str, exported: list[str]) -> str:
    if other := OTHER.search(body):
        raise ValueError(f"{path}: a pack cannot hold {other[0]!r}")
    head = f"// {path.parent.name}/{path.name}\nconst {name} = (() => {{\n"
    return f"{head}{body}return {{ {', '.join(exported)} }};\n}})();\n"


def styles(folder: Path, name: str) -> str:
    """A style sheet with those that every page has before it."""
    every = dict.fromkeys((*SHARED_STYLES, name))
    return "\n".join((folder / f"{each}.css").read_text(encoding="utf-8") for each in every)
