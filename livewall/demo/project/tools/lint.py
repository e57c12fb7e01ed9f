"""Look through Python files: each must compile, have short lines, no stray space, and use what it imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST = 120


def problems(file: Path) -> Iterator[tuple[int, str]]:
    text = file.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST:
            yield number, f"the line has {len(line)} characters; {LONGEST} are enough"
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if "\t" in line:
            yield number, "a tab"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"
    try:
        tree = ast.parse(text, str(file))
    except SyntaxError as error:
        yield error.lineno or 1, f"this is not Python: {error.msg}"
        return
    yield from unused(tree)


def unused(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that are imported and not used."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = (alias.asname or alias.name).partition(".")[0]
                if name not in used:
                    yield node.lineno, f"{name} is imported and not used"


def main(folders: list[str]) -> int:
    found = 0
    for file in sorted(file for folder in folders for file in Path(folder).rglob("*.py")):
        wrong = sorted(problems(file))
        print(f"{file}: {'ok' if not wrong else f'{len(wrong)} problems'}")
        for line, reason in wrong:
            print(f"{file}:{line}: {reason}")
        found += len(wrong)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["."]))
