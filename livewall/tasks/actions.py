"""What is to be done after a commit about the steps of local tasks. The engine decides it, and the runner does it."""

from __future__ import annotations

from typing import NamedTuple

from livewall.tasks.hosts.inventory import Host, SshOptions
from livewall.tasks.kinds import RunSpec


class StartAttempt(NamedTuple):
    """Start an attempt recorded as running. `step` is its step, or STEP@HOST for that of a host.

    Its log begins at `log_base` of the step's log. With `inherits`, an earlier step succeeded, so that the working
    folder must exist. The step gets the `secrets`; those in `masked_only` are masked as well, and it does not get them.
    """

    task: str
    root: str
    step: str
    attempt: int
    run: RunSpec
    timeout: float
    secrets: tuple[str, ...]
    log_base: int
    inherits: bool
    masked_only: tuple[str, ...]
    host: Host | None = None
    ssh: SshOptions | None = None
    hosts: int = 1
    """How many hosts its step may have."""


class StopAttempt(NamedTuple):
    """End the command of an attempt, because its task is cancelled."""

    task: str
    step: str
    attempt: int


class RetryLater(NamedTuple):
    """Start another attempt of a step after a delay in seconds."""

    task: str
    step: str
    attempt: int
    delay: float


class EndWaitLater(NamedTuple):
    """End the wait of a step after a delay in seconds, unless somebody decides before."""

    task: str
    step: str
    delay: float


Actions = list[StartAttempt | StopAttempt | RetryLater | EndWaitLater]
