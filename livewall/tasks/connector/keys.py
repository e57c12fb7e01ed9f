"""The private keys of the server's user. A reason shows the name of a file, and nothing of what the file holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import asyncssh

from livewall.tasks.connector.problems import Refused

USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
MAX_BYTES = 1 << 16
_FOR_OTHERS = 0o077


def load(path: Path) -> asyncssh.SSHKey:
    """Return the private key of a file. Raises Refused."""
    shown = f"the key file {path.name}"
    try:
        file = os.open(path.expanduser(), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refused(f"{shown} does not exist") from None
    except OSError as error:
        raise Refused(f"{shown} cannot be read: {(error.strerror or 'error').lower()}") from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{shown} is not a file")
        if status.st_mode & _FOR_OTHERS:
            mode = stat.S_IMODE(status.st_mode)
            raise Refused(
                f"{shown} can be used by others (mode {mode:04o}): take the rights of others away (chmod 600)"
            )
        data = os.read(file, MAX_BYTES)
    except OSError as error:
        raise Refused(f"{shown} cannot be read: {(error.strerror or 'error').lower()}") from None
    finally:
        os.close(file)
    try:
        return asyncssh.import_private_key(data)
    except asyncssh.KeyEncryptionError:
        pass
    except asyncssh.KeyImportError as error:
        if "passphrase" not in str(error).lower():
            raise Refused(f"{shown} holds no private key") from None
    raise Refused(f"{shown} is protected by a passphrase: use an agent (agent = true) and ssh-add {path.name}")


def usual(home: Path) -> list[asyncssh.SSHKey]:
    """Return the usual keys of a user. Raises Refused if there is none, or none that can be used."""
    paths = [path for name in USUAL if (path := home / ".ssh" / name).exists()]
    if not paths:
        raise Refused("there is no key: name a key file, use an agent, or make ~/.ssh/id_ed25519 with ssh-keygen")
    found: list[asyncssh.SSHKey] = []
    problem: Refused | None = None
    for path in paths:
        try:
            found.append(load(path))
        except Refused as failure:
            problem = problem or failure
    if not found and problem is not None:
        raise problem
    return found
