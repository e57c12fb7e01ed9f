"""The target of a webhook: its URL in parts, and which addresses may be connected to. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from typing import NamedTuple
from urllib.parse import urlsplit

from livewall.host_names import host_name

MAX_URL = 2_000
_PORTS = {"http": 80, "https": 443}
_NOT_IN_URL = frozenset('"<>\\^`{|}')
_SPECIAL = tuple(ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16"))
"""Networks with special purposes (IANA) that some versions of Python take for public ones."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """Where a delivery is sent. `path` contains the query and, like it, may be a secret."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Return the target of a URL. Raises ValueError with a reason that shows nothing of the URL."""
    if not url.isascii() or any(ord(letter) <= 32 or ord(letter) == 127 or letter in _NOT_IN_URL for letter in url):
        raise ValueError(
            "must consist of ASCII characters without blanks and braces: write others percent-encoded, and the host as"
            " xn--…"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid address") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or a password; use a secret to sign the deliveries")
    if parts.fragment:
        raise ValueError("must not have a part after #, which is never sent")
    try:
        host = host_name(parts.hostname or "")
    except ValueError:
        raise ValueError("has no valid host") from None
    if port == 0:
        raise ValueError("must not have the port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def may_connect(host: str, address: str, allowed: Container[str]) -> bool:
    """Return whether a delivery to `host` may be sent to `address`, one of the addresses of this host.

    Only public addresses may, unless the host is `allowed`: otherwise a pipeline, or whoever controls the name of a
    host, could reach services that trust this machine.
    """
    return host in allowed or is_public(address)


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet. So must an IPv4 address that it contains."""
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if parsed in _NAT64:
            embedded = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if parsed.ipv4_mapped is not None or parsed in _NAT64:
            return embedded is not None and is_public(str(embedded))
        if (embedded is not None and not is_public(str(embedded))) or parsed.is_site_local:
            return False
    special = parsed.is_multicast or parsed.is_reserved or any(parsed in network for network in _SPECIAL)
    return parsed.is_global and not special
