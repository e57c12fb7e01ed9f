"""The admin's token in a server's data folder, for programs on the same machine."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from livewall.own_addresses import own_address


def is_loopback(url: str) -> bool:
    """Return whether only this machine can reach the address."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def is_this_machine(url: str) -> bool:
    """Return whether a server at the address must run on this machine."""
    return is_loopback(url) or urlsplit(url).hostname == own_address()


def admin_token(data: Path) -> str | None:
    """Return the admin's token, or None if there is no such folder or this user may not read it."""
    try:
        return str(json.loads((data / "secret").read_text())["admin"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
