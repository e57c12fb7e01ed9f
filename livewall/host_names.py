"""Names of hosts in the one form in which they can be compared."""

from __future__ import annotations

import ipaddress


def host_name(text: str) -> str:
    """Return a host in small letters, in ASCII and without a dot at its end, or an IP address in its shortest form.

    Raises ValueError for text that is neither.
    """
    bare = text.removeprefix("[").removesuffix("]") if text.startswith("[") else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        name = bare.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise ValueError(f"{text[:80]!r} is not the name or address of a host, such as chat.example.org")
    return name
