"""The admin's token as it lies in a server's data folder, for programs of the same machine."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def admin_token(data: Path) -> str | None:
    """None when there is no such folder, or it is not for this user to read."""
    try:
        return str(json.loads((data / "secret").read_text())["admin"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
