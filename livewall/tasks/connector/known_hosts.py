"""Files of known host keys, as OpenSSH has them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Standard library only.

Certificates of host keys are not supported: lines with `@cert-authority` are passed over.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DEFAULT_PORT = 22
_REVOKED = "@revoked"


class Known(NamedTuple):
    """What a file says about a host: its keys, and the keys that must not be used. Each is "TYPE BASE64"."""

    keys: tuple[str, ...]
    revoked: tuple[str, ...]


class NotAKey(ValueError):
    """The text is not a public key."""


def lookup(text: str, host: str, port: int) -> Known:
    """Return what the text of a file says about a host."""
    name = host_name(host, port)
    keys: list[str] = []
    revoked: list[str] = []
    for _, marker, hosts, key in _entries(text):
        if marker in ("", _REVOKED) and _matches(hosts, name):
            (revoked if marker else keys).append(key)
    return Known(tuple(keys), tuple(revoked))


def lines(text: str, host: str, port: int) -> list[int]:
    """Return the numbers, from 1, of the lines of a file that have a key of a host."""
    name = host_name(host, port)
    return [number for number, marker, hosts, _ in _entries(text) if not marker and _matches(hosts, name)]


def read(path: Path, host: str, port: int) -> Known:
    """Return what a file says about a host; a file that does not exist says nothing. Raises OSError."""
    return lookup(content(path), host, port)


def content(path: Path) -> str:
    """Return the text of a file, which is empty if the file does not exist. Raises OSError."""
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""


def accept(known_hosts: Path, host: str, port: int, key: str) -> None:
    """Add a host key, "TYPE BASE64", unless the file has it for this host. Raises NotAKey, OSError.

    The file is made for its user alone if it does not exist. What it holds is kept.
    """
    key = " ".join(key.split()[:2])
    fingerprint(key)
    known_hosts.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(known_hosts, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        with open(file, "rb", closefd=False) as stream:
            before = stream.read()
        if key in lookup(before.decode(errors="replace"), host, port).keys:
            return
        line = f"{host_name(host, port)} {key}\n".encode()
        os.write(file, line if before.endswith(b"\n") or not before else b"\n" + line)
        os.fsync(file)
    finally:
        os.close(file)


def fingerprint(key: str) -> str:
    """Return the fingerprint of a public key, as `ssh-keygen -l` shows it: SHA256:… Raises NotAKey."""
    kind, _, encoded = key.partition(" ")
    try:
        data = base64.b64decode(encoded.split()[0], validate=True)
        (length,) = struct.unpack(">I", data[:4])
        if data[4 : 4 + length].decode("ascii") != kind:
            raise NotAKey("the key is of another type than its line says")
    except (binascii.Error, struct.error, IndexError, UnicodeDecodeError):
        raise NotAKey("not a public key: a type and base64 are expected") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def host_name(host: str, port: int) -> str:
    """Return the name by which a file knows a host: with its port, unless that is the usual one."""
    host = host.lower()
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def _entries(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield the number, the marker, the hosts and the key of each line."""
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) >= 3:
            yield number, marker, fields[0], f"{fields[1]} {fields[2]}"


def _matches(hosts: str, name: str) -> bool:
    if hosts.startswith("|1|"):
        return _matches_hash(hosts, name)
    found = False
    for pattern in hosts.split(","):
        negated = pattern.startswith("!")
        if _fits(pattern[negated:].lower(), name):
            if negated:
                return False
            found = True
    return found


def _fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern with `*` and `?`; brackets are the address and the port, no set of letters."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name, re.DOTALL) is not None


def _matches_hash(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed[3:].split("|"))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), digest)
