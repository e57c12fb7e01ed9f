"""Tokens of programs, sign-ins of browsers, and the links that make them. Only hashes are stored."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from livewall import audit
from livewall.clock import Clock, iso, later
from livewall.errors import NotAllowed, NotFound, invalid
from livewall.identity import BELOW, Role, Secrets, Who, hashed, imitates_role, role_named
from livewall.listing import Listing
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.visible_text import readable

SIGN_IN_SECONDS = 12 * 3600
LINK_SECONDS = 600
_USED_OR_EXPIRED = "this link was used or has expired; create a new one with `livewall login`"


class Credential(msgspec.Struct):
    """A token or a sign-in as an admin sees it; its secret was shown once."""

    id: str
    kind: str
    role: str
    name: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class Link(msgspec.Struct):
    """A sign-in link: the role it gives, and when it expires."""

    role: str
    expires_at: str


_FIELDS = "id, kind, role, name, created_at, expires_at, revoked_at"


class TokenMade(Credential):
    """A token, shown only once."""

    token: str


class Credentials:
    """The holders of roles. `revoked(id)` is called when a credential is no longer valid, so that its sockets close."""

    def __init__(self, store: Store, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._known: dict[bytes, tuple[Who, str | None]] = {}
        self._ends: dict[str, str] = {}
        self._taken_back: set[str] = set()
        self.revoked: Callable[[str], None] = lambda credential_id: None

    async def who(self, token: str) -> Who:
        """Return the holder of a token of any kind. Raises NotAllowed (`bad_token`)."""
        if len(token) <= 400:
            if secrets.compare_digest(token.encode(), self._secrets.admin.encode()):
                return Who(role="admin", name="admin", credential="admin")
            voter = self._secrets.voter(token)
            if voter is not None:
                return Who(voter=voter)
            step = self._secrets.step(token)
            if step is not None:
                return Who(name=step[1], step=step)
            holder = await self.holder(token)
            if holder is not None:
                return holder
        raise NotAllowed("bad_token", "this token is not known here; it may have been revoked or have expired")

    async def holder(self, token: str) -> Who | None:
        """Return the holder of a token or sign-in that was made here, or None if it is not valid now."""
        token_hash = hashed(token)
        held = self._known.get(token_hash)
        if held is None:
            row = await self._store.read(
                lambda c: c.execute(
                    "SELECT id, role, name, expires_at FROM credentials WHERE hash = :hash AND revoked_at IS NULL",
                    {"hash": token_hash},
                ).fetchone()
            )
            role = role_named(row[1]) if row else None
            if role is None or row[0] in self._taken_back:  # it may have been revoked while the store was read
                return None
            held = Who(role=role, name=row[2], credential=row[0]), row[3]
            if len(self._known) >= 10_000:
                self._known.clear()
            self._known[token_hash] = held
            if row[3] is not None:
                self._ends[row[0]] = row[3]
        who, expires_at = held
        if expires_at is not None and expires_at <= iso(self._clock()):
            self._known.pop(token_hash, None)
            return None
        return who

    async def create_token(self, role: Role, name: str, by: Who) -> TokenMade:
        """Create a token for a program. Only the answer to this call shows it. Raises BadInput for its name."""
        name = readable(name, "name")
        if imitates_role(name):
            raise invalid("name", "must not begin with role: as roles do where approvers are listed")
        token = secrets.token_urlsafe(32)

        def write(tx: Transaction) -> Credential:
            credential = self._insert(tx, token, "token", role, name, None)
            audit.note(tx, by, credential.created_at, "token.create", about(credential.id), role=role, name=name)
            return credential

        credential = await self._store.write(write)
        return TokenMade(**msgspec.structs.asdict(credential), token=token)

    async def list(self) -> Listing[Credential]:
        rows = await self._store.read(
            lambda c: c.execute(f"SELECT {_FIELDS} FROM credentials ORDER BY created_at DESC LIMIT 1000").fetchall()
        )
        return Listing([Credential(*row) for row in rows], None)

    async def revoke(self, credential_id: str, by: Who) -> None:
        """Revoke a token or sign-in and the sign-ins that were made with it; their sockets are closed.

        Signing out leaves those sign-ins valid: the phone stays signed in when the laptop signs out. Raises NotFound.
        """
        now = iso(self._clock())

        def write(tx: Transaction) -> list[str]:
            row = tx.one("SELECT revoked_at, kind, role, name FROM credentials WHERE id = :id", {"id": credential_id})
            if row is None:
                raise NotFound(message="there is no such token or sign-in")
            _, kind, role, name = row
            signs_out = kind == "signin" and credential_id == by.credential
            sign_ins = [] if signs_out else made_with(tx, credential_id)
            for each in (credential_id, *sign_ins):
                tx.execute(
                    "UPDATE credentials SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL",
                    {"now": now, "id": each},
                )
                if not signs_out:
                    tx.execute("DELETE FROM logins WHERE parent = :id", {"id": each})
            if row[0] is None or sign_ins:
                act = "login.out" if signs_out else "token.revoke"
                more = {"sign_ins": len(sign_ins)} if sign_ins else {}
                audit.note(tx, by, now, act, about(credential_id), kind=kind, role=role, name=name, **more)
            return [credential_id, *sign_ins]

        for each in await self._store.write(write):
            self._taken_back.add(each)
            self._end(each)

    def run_out(self) -> None:
        """Close the sockets of the sign-ins that have expired. Called from time to time."""
        now = iso(self._clock())
        for credential_id in [credential_id for credential_id, expires_at in self._ends.items() if expires_at <= now]:
            self._end(credential_id)

    def _end(self, credential_id: str) -> None:
        self._ends.pop(credential_id, None)
        self._known = {
            token_hash: held for token_hash, held in self._known.items() if held[0].credential != credential_id
        }
        self.revoked(credential_id)

    # -- signing in

    async def create_link(self, role: Role, by: Who) -> tuple[str, str]:
        """Create a sign-in link; return its code and when it expires. Raises NotAllowed for a role above one's own."""
        if by.role is None or role not in BELOW[by.role]:
            raise NotAllowed("forbidden", f"{article(by.role or 'guest')} cannot create a link for {article(role)}")
        code = secrets.token_urlsafe(16)
        now = self._clock()
        expires_at = later(now, LINK_SECONDS)

        def write(tx: Transaction) -> None:
            tx.execute("DELETE FROM logins WHERE expires_at <= :now", {"now": iso(now)})
            check_held(tx, by.credential)
            tx.execute(
                "INSERT INTO logins (hash, role, name, expires_at, parent) VALUES (:hash, :role, :name, :at, :parent)",
                {"hash": hashed(code), "role": role, "name": role, "at": expires_at, "parent": by.credential},
            )
            audit.note(tx, by, iso(now), "login.link", "", role=role)

        await self._store.write(write)
        return code, expires_at

    async def find_link(self, code: str) -> Link | None:
        """Return what a link would do, without using it; None if it was used, is unknown or has expired."""
        now = iso(self._clock())

        def ask(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                "SELECT role, expires_at FROM logins WHERE hash = :hash AND expires_at > :now",
                {"hash": hashed(code), "now": now},
            ).fetchone()

        row = await self._store.read(ask)
        return Link(*row) if row else None

    async def use(self, code: str) -> str:
        """Use a link; return the secret of the new sign-in. Raises NotAllowed (`bad_code`)."""
        if await self.find_link(code) is None:  # checked by a read first: guesses must not keep the writer from ballots
            raise NotAllowed("bad_code", _USED_OR_EXPIRED)
        token = secrets.token_urlsafe(32)
        now = iso(self._clock())

        def write(tx: Transaction) -> None:
            row = tx.one("SELECT role, name, expires_at, parent FROM logins WHERE hash = :hash", {"hash": hashed(code)})
            if row is None or row[2] <= now:
                raise NotAllowed("bad_code", _USED_OR_EXPIRED)
            tx.execute("DELETE FROM logins WHERE hash = :hash", {"hash": hashed(code)})
            self._signed_in(tx, token, row[0], row[1], row[3] or "", by="link")

        await self._store.write(write)
        return token

    async def sign_in(self, who: Who) -> str:
        """Return the secret of a sign-in for the holder of a token. Raises NotAllowed when the token has no role."""
        if who.role is None:
            raise NotAllowed("bad_token", "this is a voter's token; it does not sign in")
        token = secrets.token_urlsafe(32)
        role, name, own = who.role, who.name, who.credential

        def write(tx: Transaction) -> None:
            check_held(tx, own)
            self._signed_in(tx, token, role, name, own, by="token", token=own)

        await self._store.write(write)
        return token

    def _signed_in(self, tx: Transaction, secret: str, role: Role, name: str, parent: str, **how: str) -> None:
        sign_in = self._insert(tx, secret, "signin", role, name, SIGN_IN_SECONDS, parent)
        audit.note(tx, Who(role, name, sign_in.id), sign_in.created_at, "login.in", about(sign_in.id), **how)

    def _insert(
        self, tx: Transaction, token: str, kind: str, role: str, name: str, seconds: float | None, parent: str = ""
    ) -> Credential:
        now = self._clock()
        credential = Credential(
            secrets.token_hex(8), kind, role, name, iso(now), None if seconds is None else later(now, seconds), None
        )
        tx.execute(
            """INSERT INTO credentials (id, hash, kind, role, name, created_at, expires_at, parent)
            VALUES (:id, :hash, :kind, :role, :name, :created_at, :expires_at, :parent)""",
            msgspec.structs.asdict(credential) | {"hash": hashed(token), "parent": parent or None},
        )
        return credential


def made_with(tx: Transaction, credential_id: str) -> list[str]:
    """Return the valid sign-ins that were made with a token or sign-in, directly or through others."""
    rows = tx.all(
        """WITH RECURSIVE below (id) AS (
            SELECT id FROM credentials WHERE parent = :id
            UNION SELECT credentials.id FROM credentials JOIN below ON credentials.parent = below.id
        ) SELECT credentials.id FROM credentials JOIN below ON below.id = credentials.id
        WHERE credentials.revoked_at IS NULL""",
        {"id": credential_id},
    )
    return [each for (each,) in rows]


def check_held(tx: Transaction, credential_id: str) -> None:
    """Raise NotAllowed if a credential was revoked meanwhile; the admin's own token is in no table."""
    row = tx.one("SELECT revoked_at FROM credentials WHERE id = :id", {"id": credential_id})
    if row is not None and row[0] is not None:
        raise NotAllowed("bad_token", "this token was revoked")


def about(credential_id: str) -> str:
    """Return the name of a token or sign-in in the audit log."""
    return f"tokens/{credential_id}"


def article(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
