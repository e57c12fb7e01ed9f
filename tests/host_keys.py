"""Makes a host of a step wait for its key to be confirmed, as a host does that is reached for the first time."""

from __future__ import annotations

import base64

from livewall.clock import iso
from livewall.services import Services
from livewall.store.transaction import Transaction
from livewall.tasks import rows, target_rows
from livewall.tasks.connector.known_hosts import fingerprint
from livewall.tasks.target_rows import HostKey
from livewall.tasks.targets import waiting, with_target

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(range(32))).decode()


async def ask_for_key(services: Services, task: str, step: str, host: str) -> str:
    """Let a host that has not begun show a key that is not known. Return its fingerprint."""
    shown = HostKey(fingerprint(KEY), KEY)

    def write(tx: Transaction) -> None:
        before = rows.step(tx, task, step)
        target = waiting(rows.target(before, host), shown.fingerprint, iso(services.clock()))
        target_rows.save(tx, task, step, target)
        target_rows.save_host_key(tx, task, step, host, shown)
        rows.save_step(tx, task, with_target(before, target))

    await services.store.write(write)
    return shown.fingerprint
