"""What the shell is offered of what the server has: polls and walls by their ids. Quickly, or nothing at all."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.shell_completion import CompletionItem

from livewall.cli.output import plain
from livewall.client.secret import admin_token, stays_here
from livewall.settings import data_folder, secret

PATIENCE = 0.3  # seconds that somebody who pressed the tabulator waits
OFFERED = 100
NAMES = {"polls": "id", "walls": "code"}


def known(what: str, given: Mapping[str, Any], begun: str) -> list[CompletionItem]:
    """The newest `polls` or `walls` whose name begins so, with their titles. `given` are the options so far."""
    found: list[Any] = []
    # A thread that is left behind ends with the process: no answer, however slow, holds up the shell.
    asking = threading.Thread(target=ask, args=(what, given, found), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    names = [(str(each.get(NAMES[what], "")), plain(str(each.get("title", "")))) for each in list(found)]
    return [CompletionItem(name, help=title) for name, title in names if name.startswith(begun)]


def ask(what: str, given: Mapping[str, Any], found: list[Any]) -> None:
    try:
        url = str(given.get("url") or "")
        token = secret(given.get("token") or "")
        if token is None and stays_here(url):
            token = admin_token(Path(given.get("data") or data_folder()))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"{url}/api/{what}?limit={OFFERED}", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found += json.load(answer)["items"]
    except Exception:  # whatever it is, somebody in the middle of a line does not want to hear of it
        return
