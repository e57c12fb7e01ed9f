"""Secrets in a stream of bytes become `***`, however the stream is cut. Pure: no clock, no file."""

from __future__ import annotations

from collections.abc import Iterable

from livewall.tasks.supervisor.secret import forms

STARS = b"***"
_HEAD = 4
"""Bytes of a secret that are searched for where it may begin: few would be found too often."""


class Masker:
    """Replaces every form of the secrets, leftmost first, of those at one place the longest: the same for every way to
    cut the stream.

    What may still become a secret is held back until the next bytes, or the end, decide it; nothing else is. An empty
    secret is ignored.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What is certain once `data` has come, masked."""
        if not self._secrets:
            return data
        text = self._held + data if self._held else data
        masked, decided = self._mask(text, self._undecided(text, 0))
        self._held = text[decided:]
        return masked

    def end(self) -> bytes:
        """What was held back, now that nothing follows."""
        text, self._held = self._held, b""
        return self._mask(text, len(text))[0]

    def _mask(self, text: bytes, undecided: int) -> tuple[bytes, int]:
        """`text` masked as far as it can be decided, and how far that is."""
        parts: list[bytes] = []
        begin = 0
        places = [text.find(secret) for secret in self._secrets]
        while True:
            first, length = undecided, 0
            for which, secret in enumerate(self._secrets):
                if 0 <= places[which] < begin:
                    places[which] = text.find(secret, begin)
                if 0 <= places[which] < first:  # of two at one place the longer stands first in the list
                    first, length = places[which], len(secret)
            if not length:
                break
            parts += (text[begin:first], STARS)
            begin = first + length
            if begin > undecided:  # the secret took the undecided bytes in
                undecided = self._undecided(text, begin)
        if not parts:
            return text[:undecided], undecided
        parts.append(text[begin:undecided])
        return b"".join(parts), undecided

    def _undecided(self, text: bytes, begin: int) -> int:
        """Where, from `begin` on, the first place is at which the text's end is the beginning of a secret."""
        found = len(text)
        for secret in self._secrets:
            head = secret[:_HEAD]
            place = lowest = max(begin, len(text) - len(secret) + 1)
            while (place := text.find(head, place, found + len(head) - 1)) >= 0:
                if secret.startswith(text[place:]):
                    found = place
                    break
                place += 1
            for place in range(max(lowest, len(text) - len(head) + 1), found):  # no whole head fits there
                if secret.startswith(text[place:]):
                    found = place
                    break
        return found


def masked(text: str, secrets: Iterable[str]) -> str:
    """A whole text with its secrets replaced, for people to read."""
    masker = Masker([secret.encode(errors="surrogateescape") for secret in secrets])
    return (masker.feed(text.encode(errors="surrogateescape")) + masker.end()).decode(errors="replace")
