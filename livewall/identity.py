"""Identities: roles, voter tokens that need no row, and the secrets of DATA that sign them."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from livewall.atomic_file import write_whole
from livewall.errors import LivewallError
from livewall.visible_text import skeleton

Role = Literal["reporter", "operator", "host", "admin"]
ROLES: tuple[Role, ...] = ("reporter", "operator", "host", "admin")
BELOW: dict[Role, frozenset[Role]] = {
    "admin": frozenset(ROLES),
    "host": frozenset({"host"}),
    "operator": frozenset({"operator", "reporter"}),
    "reporter": frozenset({"reporter"}),
}
"""For each role, the roles not above it, for which it may make sign-in links."""


MAY: dict[str, tuple[Role, ...]] = {
    "reporter": ("reporter", "operator", "admin"),
    "operator": ("operator", "admin"),
    "host": ("host", "admin"),
    "admin": ("admin",),
}
"""For each right, the roles that have it."""


def either(roles: Iterable[str]) -> str:
    """Return roles in words: "operator, host or admin"."""
    *first, last = roles
    return f"{', '.join(first)} or {last}" if first else last


@dataclass(frozen=True, slots=True)
class Who:
    """The sender of a request: a role with its credential, or none; a voter, or none; or a running step of a task
    (task, step, attempt), which may report on itself."""

    role: Role | None = None
    name: str = ""
    credential: str = ""
    voter: str | None = None
    step: tuple[str, str, int] | None = None

    @property
    def host(self) -> bool:
        return self.role in MAY["host"]

    @property
    def operator(self) -> bool:
        return self.role in MAY["operator"]

    @property
    def reporter(self) -> bool:
        return self.role in MAY["reporter"]

    @property
    def admin(self) -> bool:
        return self.role == "admin"


NOBODY = Who()
"""The audience: no role and no ballot."""


@dataclass(frozen=True)
class Secrets:
    """The content of DATA/secret: the key of cookies and voter tokens, the key of stored voters, and the admin's
    token."""

    cookie: bytes
    ballot: bytes
    admin: str

    @classmethod
    def load(cls, data: Path, *, admin: str | None = None) -> Secrets:
        """Read DATA/secret (mode 0600), which the first start makes. `admin` takes precedence over the token in it.

        Raises LivewallError if the file is damaged, OSError if it cannot be read or made.
        """
        path = data / "secret"
        try:
            held = json.loads(path.read_text())
        except FileNotFoundError:
            held = {name: secrets.token_hex(32) for name in ("cookie", "ballot")} | {"admin": secrets.token_urlsafe(32)}
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, json.dumps(held).encode())
        except ValueError:
            raise _damaged(path) from None
        try:
            loaded = cls(bytes.fromhex(held["cookie"]), bytes.fromhex(held["ballot"]), admin or held["admin"])
        except (ValueError, KeyError, TypeError):
            raise _damaged(path) from None
        if not (loaded.cookie and loaded.ballot and loaded.admin):  # an empty key would sign for everybody
            raise _damaged(path)
        return loaded

    @functools.cached_property
    def folder_id(self) -> str:
        """A short name of this DATA for cookies, because all ports of one host share them."""
        return hmac.new(self.cookie, b"folder", hashlib.sha256).hexdigest()[:8]

    def sign(self, purpose: str, text: str) -> str:
        mac = keyed(self.cookie, f"{purpose}:{text}".encode())
        return base64.urlsafe_b64encode(mac[:18]).decode()

    def new_voter(self) -> tuple[str, str]:
        """Return the random id of an anonymous voter and its signed token. There is no row until the voter casts a
        ballot."""
        voter = secrets.token_urlsafe(15)
        return voter, f"v1.{voter}.{self.sign('voter', voter)}"

    def voter(self, token: str) -> str | None:
        """Return the id in a voter token that this server signed; None for any other text."""
        version, _, signed = token.partition(".")
        voter, _, signature = signed.partition(".")
        if version != "v1" or not voter or len(token) > 100 or not token.isascii():
            return None
        return voter if hmac.compare_digest(signature, self.sign("voter", voter)) else None

    def step_token(self, task: str, step: str, attempt: int) -> str:
        """Return a token with which an attempt of a step may report on itself. It has no row, and expires with the
        attempt."""
        named = base64.urlsafe_b64encode(f"{task}/{step}/{attempt}".encode()).decode()
        return f"s1.{named}.{self.sign('step', named)}"

    def step(self, token: str) -> tuple[str, str, int] | None:
        """Return task, step and attempt in such a token; None for any other text."""
        version, _, signed = token.partition(".")
        named, _, signature = signed.partition(".")
        if version != "s1" or not token.isascii() or not hmac.compare_digest(signature, self.sign("step", named)):
            return None
        task, step, attempt = base64.urlsafe_b64decode(named).decode().split("/")
        return task, step, int(attempt)

    def stored_voter(self, poll: str, voter: str) -> bytes:
        """Return the voter as a ballot stores it. It differs from poll to poll, so ballots of one voter cannot be
        joined."""
        return keyed(self.ballot, f"{poll}:{voter}".encode())[:16]


def _damaged(path: Path) -> LivewallError:
    return LivewallError(
        "conflict", f"{path} is damaged; restore it from a copy. Without it, no voter and no sign-in is recognized"
    )


@functools.cache
def _prepared(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def keyed(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) with the key's part done once, because every ballot needs two."""
    mac = _prepared(key).copy()
    mac.update(text)
    return mac.digest()


def hashed(token: str) -> bytes:
    """Return the hash of a token that is stored."""
    return hashlib.sha256(token.encode()).digest()


def imitates_role(name: str) -> bool:
    """Return whether a name looks like `role:ROLE`, which stands for everybody with a role where people are listed."""
    return skeleton(name).startswith("role:")


def role_named(text: str) -> Role | None:
    return next((role for role in ROLES if role == text), None)
