"""The tokens of this user's voters, one for each server and name, in a file that nobody else can read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livewall.atomic_file import write_whole
from livewall.visible_text import matching

Tokens = dict[str, dict[str, str]]  # server's URL -> name -> token

DEFAULT_VOTER = ""


class Voters:
    """The file FOLDER/voters.json, with mode 0600."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "voters.json"

    def token(self, url: str, name: str = DEFAULT_VOTER) -> str | None:
        tokens = self._read().get(url, {})
        return tokens.get(_stored_name(tokens, name))

    def save(self, url: str, name: str, token: str, *, instead_of: str | None = None) -> str:
        """Store a token and return the one to use: another process may have stored one since `instead_of` was read."""
        with self._locked():
            tokens = self._read()
            of_server = tokens.setdefault(url, {})
            name = _stored_name(of_server, name)
            if of_server.get(name) == instead_of:
                of_server[name] = token
                self._write(tokens)
            return of_server[name]

    def _read(self) -> Tokens:
        """Read the tokens. Raises ValueError if the file is damaged."""
        try:
            tokens: Tokens = json.loads(self.file.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            raise ValueError(
                f"{self.file} is damaged: it holds your voter tokens; move it away to vote as a new voter."
            ) from None
        return tokens

    def _write(self, tokens: Tokens) -> None:
        write_whole(self.file, json.dumps(tokens, indent=1).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _stored_name(tokens: dict[str, str], name: str) -> str:
    """Return the stored form of a name that is typed in another Unicode form or case, so that nobody votes twice by
    it."""
    names = [each for each in tokens if each]
    matches = matching(name, names) if name else []
    return names[matches[0]] if len(matches) == 1 else name
