"""The admin's token as it lies in a server's data folder, for programs of the same machine."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from livewall.own_addresses import own_address


def is_loopback(url: str) -> bool:
    """Whether nobody but this machine can reach it."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def is_this_machine(url: str) -> bool:
    """Whether a server of that address can only be one on this machine."""
    return is_loopback(url) or urlsplit(url).hostname == own_address()


def admin_token(data: Path) -> str | None:
    """None when there is no such folder, or it is not for this user to read."""
    try:
        return str(json.loads((data / "secret").read_text())["admin"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
