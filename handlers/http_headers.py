"""What the headers of a request say of its client: its language, its encodings and its address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from tornado.httputil import HTTPServerRequest

from livewall.settings import Network

LANGUAGES = {"en": "en_US", "zh": "zh_CN"}
SAFE = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing (RFC 9110 §9.2.1)."""
HOPS = 20
"""The number of forwarded addresses of one request that are looked at. A header can hold thousands."""


def path_of(request: HTTPServerRequest) -> str:
    """Return the path of a request as it may be logged: without its query and without the code of a sign-in link."""
    return "/login/…" if request.path.startswith("/login/") else str(request.path)


def language_of(accepted: str) -> str:
    """Return the catalogue for an Accept-Language header (RFC 9110 §12.5.4) or for one language tag: Chinese for any
    kind of Chinese, otherwise English."""
    best_weight, language = 0.0, "en_US"
    for part in accepted.split(",")[:20]:
        tag, _, parameters = part.partition(";")
        name = LANGUAGES.get(tag.strip().lower().partition("-")[0].partition("_")[0])
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters.strip() else 1.0
        except ValueError:
            continue
        if name is not None and best_weight < weight <= 1:
            best_weight, language = weight, name
    return language


def takes_gzip(request: HTTPServerRequest) -> bool:
    """Return whether the response may be compressed (RFC 9110 §12.5.3)."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address of the client: going back from the peer, the first address that is not a trusted proxy."""
    hops = [hop.strip() for hop in ",".join(forwarded).rsplit(",", HOPS)[-HOPS:]] if forwarded else []
    address = peer
    while hops and is_trusted(address, trusted):
        address = hops.pop()
    return address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in trusted)
