"""The server's side of a connector: start it, find it again, end it, and let it remove folders of far hosts.

Nothing is kept in memory, so a server that was restarted sees the same as the one before it. The calls block for
milliseconds; make them in a thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livewall.errors import LivewallError
from livewall.settings import environment_with
from livewall.tasks.connector import frames
from livewall.tasks.process_lock import pidfd_of_holder

LOCK = "lock"
FORGET_SECONDS = 5.0
"""The longest time in seconds for which a connector may take to queue a request."""
MISSING = "steps of kind ssh and upload need asyncssh: install Livewall with its extra ssh, pip install '.[ssh]'"
_PROGRAM = Path(__file__).resolve().parent / "__main__.py"


class Connector:
    """The connector of a task, by its folder, which only its user can enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def start(self, spec: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        """Start a connector, which exits at once if one runs. The caller must reap the process.

        `spec` is `{"agent": path of the agent's socket or None}`; `idle` may set the seconds after which a connector
        without programs exits. Raises LivewallError if asyncssh is not installed, OSError.
        """
        if importlib.util.find_spec("asyncssh") is None:
            raise LivewallError("invalid", MISSING)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment_with("LD_LIBRARY_PATH", "HOME"),
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            try:
                process.stdin.write(json.dumps(dict(spec)).encode())
            finally:
                process.stdin.close()
        return process

    def pidfd(self) -> int | None:
        """Return a pidfd of the connector, which the caller must close, or None if none runs."""
        return pidfd_of_holder(self.folder / LOCK)

    def end(self) -> bool:
        """Ask the connector to end, after it has removed what it is to remove. Return False if none runs."""
        process = self.pidfd()
        if process is None:
            return False
        try:
            signal.pidfd_send_signal(process, signal.SIGTERM)
        except ProcessLookupError:
            return False
        finally:
            os.close(process)
        return True

    def forget(self, host: Mapping[str, Any], ssh: Mapping[str, Any], ids: Sequence[str]) -> bool:
        """Have the far folders of attempts removed; it is done when the host is used next, or after a second.

        `host` and `ssh` are those of the attempts' input. Call it once the end of the attempts is in the database.
        Return False if no connector runs: another task that uses the host removes them after a week.
        """
        try:
            with frames.connect(self.folder) as connection:
                connection.settimeout(FORGET_SECONDS)
                connection.sendall(frames.event(op="forget", host=dict(host), ssh=dict(ssh), ids=list(ids)))
                return bool(connection.recv(1))
        except (OSError, TimeoutError):
            return False
