"""Makes the wheel: the project's own build backend (PEP 517), so that building it needs no network.

`pip wheel .` calls it; so does `python3 tools/wheel.py FOLDER`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "greeter"


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    return []


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Write the wheel, the same bytes for the same files, and give its name."""
    source = (ROOT / PACKAGE / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert found is not None, "the package has no version"
    release = f"{PACKAGE}-{found[1]}"
    info = f"{release}.dist-info"
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted((ROOT / PACKAGE).rglob("*.py"))}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {found[1]}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: greeter\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{PACKAGE} = {PACKAGE}.service:main\n".encode()
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD").encode()
    name = f"{release}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            print(f"adding {path} ({len(data)} bytes)")
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return name


def record(files: dict[str, bytes], own: str) -> str:
    """The list of files with their hashes; its own line has none."""
    lines = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}\n")
    return "".join([*lines, f"{own},,\n"])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = folder.resolve() / build_wheel(str(folder))
    print(f"made {made}")
    if output := os.environ.get("LIVEWALL_OUTPUT"):  # what the steps after this one may use
        with open(output, "a", encoding="utf-8") as file:
            file.write(f"file={made}\nname={made.name}\n")
