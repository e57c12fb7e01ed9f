"""A webhook as a pipeline defines it, and the check of its table in the file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from livewall.tasks.kinds.command import VARIABLE
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.template import uses
from livewall.tasks.webhooks.target import MAX_URL, target_of
from livewall.toml_problems import Place, did_you_mean, known_keys, short, text, type_name

MAX_WEBHOOKS = 20
STATES = ("waiting", "running", "succeeded", "failed", "cancelled", "lost")
"""The states that a webhook can be told of."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where changes of a task are sent to, and which. `secret` names the variable with the key of the signature."""

    url: str
    on: tuple[str, ...]
    secret: str | None = None


def check_webhooks(
    tables: Any, where: Place, environment: Mapping[str, str], predefined: frozenset[str], *, complete: bool
) -> Iterator[Webhook]:
    """Yield the webhooks of a pipeline; problems are reported at their places, and show nothing of a URL.

    A secret that `environment` does not have is a problem if the environment is `complete`, and otherwise a note.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        where.wrong("webhooks must be tables, each begun by [[webhooks]]")
        return
    if len(tables) > MAX_WEBHOOKS:
        where.wrong(f"a pipeline has at most {MAX_WEBHOOKS} webhooks")
        return
    for index, table in enumerate(tables):
        here = where[index]
        known_keys(table, ("url", "on", "secret"), here, "a webhook")
        url, on = _url(table, here), _states(table, here)
        secret = None
        if "secret" in table:
            secret = _secret(table["secret"], here["secret"], environment, predefined, complete=complete)
        yield Webhook(url=url, on=on, secret=secret)


def _url(table: Mapping[str, Any], where: Place) -> str:
    if "url" not in table:
        where.wrong("the webhook has no url")
        return ""
    url = text(table["url"], where["url"], "url", most=MAX_URL)
    if url is None:
        return ""
    if any(uses(url)):
        where["url"].wrong(
            "parameters and outputs are not replaced in the url of a webhook, or whoever starts a task would choose"
            " where its deliveries go: write the address itself"
        )
        return ""
    try:
        target_of(url)
    except ValueError as problem:
        where["url"].wrong(f"url {problem}")
    return url


def _states(table: Mapping[str, Any], where: Place) -> tuple[str, ...]:
    on, here = table.get("on"), where["on"]
    if not isinstance(on, list) or not on or not all(isinstance(state, str) for state in on):
        (here if "on" in table else where).wrong(f"on must be a list of states: {', '.join(STATES)}")
        return ()
    for index, state in enumerate(on):
        if state not in STATES:
            known = did_you_mean(state, STATES) or f"; choose from {', '.join(STATES)}"
            here[index].wrong(f"{short(state)!r} is not a state that a webhook is told of{known}")
        elif state in on[:index]:
            here[index].wrong(f"{state} is listed twice")
    return tuple(on)


def _secret(
    name: Any, where: Place, environment: Mapping[str, str], predefined: frozenset[str], *, complete: bool
) -> str | None:
    if not isinstance(name, str):
        where.wrong(f"secret must be the name of an environment variable of the server, not {type_name(name)}")
        return None
    if not VARIABLE.fullmatch(name):
        # Not shown: it may be the secret itself.
        where.wrong("secret must be the name of an environment variable of the server: letters, digits and _")
    elif name in predefined:
        where.wrong(f"{name} cannot be a secret: every step gets it")
    elif name not in environment:
        if complete:
            where.wrong(f"the server's environment has no {name}, with which the deliveries are signed")
        else:
            where.note(f"the environment of this command has no {name}; that of the server needs it")
    elif why := refusal(environment[name]):
        where.wrong(f"the value of {name} in the environment {why}")
    return name
