"""The addresses under which other machines reach this one, and under which addresses are counted."""

from __future__ import annotations

import ipaddress
import socket


def own_address() -> str | None:
    """Return the address from which this machine talks to its network; None if it has only the loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737): UDP, so nothing is sent
            address: str = probe.getsockname()[0]
        except OSError:
            return None
    return None if ipaddress.ip_address(address).is_loopback else address


def limited(address: str) -> str:
    """Return the name under which an address is counted.

    An IPv6 network of 64 bits belongs to one subscriber, who has all of its addresses. An IPv4 address is the same
    however it is written (RFC 4291 §2.5.5.2).
    """
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


def local(listening: str) -> str:
    """Return the address at which programs on this machine find a server that listens on `listening`."""
    return "127.0.0.1" if listening in ("0.0.0.0", "::", "") else reachable(listening)


def reachable(listening: str) -> str:
    """Return the address to put into links, for a server that listens on `listening`."""
    if listening in ("0.0.0.0", "::", ""):
        return own_address() or "127.0.0.1"
    return f"[{listening}]" if ":" in listening else listening
