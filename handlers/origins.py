"""Origins (RFC 6454): whether a request was made by a page of this server, as far as the browser says so."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders

PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin | None:
    """Return the origin of a URL with its default port filled in, or None if it has none."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in PORTS or not host:
        return None
    return Origin(scheme, host, PORTS[scheme] if port is None else port)


def is_loopback(host: str) -> bool:
    """Return whether a host name leads to the client's own machine, and cannot be made to lead elsewhere."""
    return host == "localhost" or _is_address(host, loopback=True)


def _is_address(host: str, *, loopback: bool = False) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback if loopback else True


class Site:
    """Where the pages of this server are: at its public address and on the machine itself. Without a public address,
    they are wherever the Host header says."""

    def __init__(self, public_url: str | None) -> None:
        self.url = public_url
        self.hint = f"; the pages of this server are at {public_url}" if public_url else ""
        """A hint for the message that refuses an origin."""
        self._public = origin_of(public_url) if public_url else None

    def is_here(self, host: str) -> bool:
        """Return whether a Host header names this server. An attacker can let another name lead here (DNS rebinding); a
        browser then takes the attacker's pages for ours."""
        if self._public is None:
            return True
        origin = origin_of(f"{self._public.scheme}://{host}")
        return origin is not None and (origin == self._public or is_loopback(origin.host))

    def is_ours(self, url: str, host: str, schemes: tuple[str, ...]) -> bool:
        """Return whether an Origin or a Referer is ours, for a request to `host` that came by one of `schemes`."""
        origin = origin_of(url)
        if origin is None:
            return False
        if origin == self._public:
            return True
        expected = origin_of(f"{origin.scheme}://{host}")
        if expected != origin or origin.scheme not in schemes:
            return False
        return self._public is None or is_loopback(origin.host)

    def refuses_host(self, headers: HTTPHeaders, host: str, *, by_token: bool, by_cookie: bool) -> bool:
        """Return whether a request that changes something is refused because of its Host. Programs are let through: no
        browser sends a token by itself, and a numeric address cannot be rebound."""
        if self.is_here(host):
            return False
        if by_cookie or "Origin" in headers or "Sec-Fetch-Site" in headers:
            return True
        origin = origin_of(f"http://{host}")
        return not by_token and (origin is None or not _is_address(origin.host))

    def is_foreign(self, headers: HTTPHeaders, host: str, schemes: tuple[str, ...]) -> bool:
        """Return whether the browser says that a page of another site made this request."""
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        if site == "cross-site":
            return True
        if origin is not None:
            return not self.is_ours(origin, host, possible_schemes(schemes, site))
        return site not in (None, "same-origin", "none")

    def is_proved_own(self, headers: HTTPHeaders, host: str, schemes: tuple[str, ...]) -> bool:
        """Return whether the browser says that one of our pages made this request. A missing header proves nothing, and
        no header may contradict."""
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        if site not in (None, "same-origin"):
            return False
        if origin is not None and not (site and origin == "null"):
            return self.is_ours(origin, host, possible_schemes(schemes, site))
        if site is not None:
            return True
        referer = headers.get("Referer")
        return referer is not None and self.is_ours(referer, host, schemes)


def possible_schemes(schemes: tuple[str, ...], site: str | None) -> tuple[str, ...]:
    """Return the schemes by which a request may have come. If a proxy terminates TLS and is not configured as trusted,
    a browser that calls the page same-origin has compared the schemes itself."""
    return tuple(PORTS) if site == "same-origin" else schemes
