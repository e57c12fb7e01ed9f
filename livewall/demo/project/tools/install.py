"""Install a wheel into a fresh environment: `install.py WHEEL ENVIRONMENT`. Needs no network."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path


def main(wheel: str, environment: str) -> int:
    python = Path(environment) / "bin" / "python"
    # Some systems ship Python without the pip that fresh environments get; then ours does it for them.
    own = importlib.util.find_spec("ensurepip") is not None
    print(f"making the environment {environment}", flush=True)
    venv.create(environment, with_pip=own, clear=True)
    pip = [str(python), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(python)]
    install = ["install", "--no-index", "--no-deps", "--disable-pip-version-check", wheel]
    return subprocess.run([*pip, *install]).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
