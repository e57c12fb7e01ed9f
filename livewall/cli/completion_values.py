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
from livewall.client.secret import admin_token, is_this_machine
from livewall.settings import data_folder, secret

TIMEOUT = 0.3  # seconds that somebody who pressed the tabulator waits
MAX_ITEMS = 100
NAME_FIELDS = {"polls": "id", "walls": "code"}


def complete(collection: str, options: Mapping[str, Any], prefix: str) -> list[CompletionItem]:
    """The newest `polls` or `walls` whose name begins so, with their titles. `given` are the options so far."""
    items: list[Any] = []
    # A thread that is left behind ends with the process: no answer, however slow, holds up the shell.
    thread = threading.Thread(target=fetch, args=(collection, options, items), daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    names = [(str(each.get(NAME_FIELDS[collection], "")), plain(str(each.get("title", "")))) for each in list(items)]
    return [CompletionItem(name, help=title) for name, title in names if name.startswith(prefix)]


def fetch(collection: str, options: Mapping[str, Any], items: list[Any]) -> None:
    try:
        url = str(options.get("url") or "")
        token = secret(options.get("token") or "")
        if token is None and is_this_machine(url):
            token = admin_token(Path(options.get("data") or data_folder()))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"{url}/api/{collection}?limit={MAX_ITEMS}", headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            items += json.load(answer)["items"]
    except Exception:  # whatever it is, somebody in the middle of a line does not want to hear of it
        return
