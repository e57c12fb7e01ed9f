"""Polls and walls of the server for shell completion, by id. If the server is slow, nothing is offered."""

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

TIMEOUT = 0.3  # seconds that a user waits after pressing Tab
MAX_ITEMS = 100
NAME_FIELDS = {"polls": "id", "walls": "code"}


def complete(collection: str, options: Mapping[str, Any], prefix: str) -> list[CompletionItem]:
    """Return the newest `polls` or `walls` whose name begins with `prefix`, with their titles.

    `options` are those on the command line so far.
    """
    items: list[Any] = []
    # A daemon thread ends with the process, so a slow answer does not hold up the shell.
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
    except Exception:  # an error message would disturb the line that is being typed
        return
