"""Why an operation does not go on. The texts are reasons of steps, which are public: no value of a parameter."""

from __future__ import annotations

from typing import NamedTuple


class Failed(Exception):
    """The operation has failed for good."""


class Refused(Failed):
    """No login is possible. A command that runs on the host already is still worth another try."""


class Unreachable(Exception):
    """The host cannot be used now; another try may succeed."""


class Speechless(Unreachable):
    """A script ended without a report, and no cut explains it. What happens a few times in a row is no accident."""


class HostKey(NamedTuple):
    """A host key that nobody has accepted yet. `key` is "TYPE BASE64"."""

    fingerprint: str
    algorithm: str
    key: str


class UnknownHostKey(Exception):
    """Nothing was done on the host, because its key is unknown."""

    def __init__(self, shown: HostKey) -> None:
        super().__init__(shown.fingerprint)
        self.shown = shown
