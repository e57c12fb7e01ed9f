"""Replace secrets in a stream of bytes by `***`, wherever the stream is divided. Pure: no clock, no file."""

from __future__ import annotations

from collections.abc import Iterable

from livewall.tasks.supervisor.secret import forms

REPLACEMENT = b"***"
_PREFIX_BYTES = 4
"""Bytes of a secret that are searched for near the end of the text. A shorter prefix would match too often."""


class Masker:
    """Replaces every form of the secrets: the leftmost first, and the longest of those that begin at one place.

    The result does not depend on how the stream is divided. Only bytes that may be the beginning of a secret are held
    back until more bytes, or the end, decide it. An empty secret is ignored.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return the masked text that is decided once `data` has arrived."""
        if not self._secrets:
            return data
        text = self._held + data if self._held else data
        masked, decided = self._mask(text, self._undecided(text, 0))
        self._held = text[decided:]
        return masked

    def end(self) -> bytes:
        """Return the text that was held back: the stream ends here."""
        text, self._held = self._held, b""
        return self._mask(text, len(text))[0]

    def _mask(self, text: bytes, undecided: int) -> tuple[bytes, int]:
        """Return `text` masked as far as that is decided, and how many of its bytes that are."""
        parts: list[bytes] = []
        begin = 0
        positions = [text.find(secret) for secret in self._secrets]
        while True:
            first, length = undecided, 0
            for which, secret in enumerate(self._secrets):
                if 0 <= positions[which] < begin:
                    positions[which] = text.find(secret, begin)
                if 0 <= positions[which] < first:  # of two at one place the longer stands first in the list
                    first, length = positions[which], len(secret)
            if not length:
                break
            parts += (text[begin:first], REPLACEMENT)
            begin = first + length
            if begin > undecided:  # the secret took the undecided bytes in
                undecided = self._undecided(text, begin)
        if not parts:
            return text[:undecided], undecided
        parts.append(text[begin:undecided])
        return b"".join(parts), undecided

    def _undecided(self, text: bytes, begin: int) -> int:
        """Return the first position, from `begin` on, at which the rest of the text is the beginning of a secret."""
        first = len(text)
        for secret in self._secrets:
            head = secret[:_PREFIX_BYTES]
            position = lowest = max(begin, len(text) - len(secret) + 1)
            while (position := text.find(head, position, first + len(head) - 1)) >= 0:
                if secret.startswith(text[position:]):
                    first = position
                    break
                position += 1
            for position in range(max(lowest, len(text) - len(head) + 1), first):  # no whole head fits there
                if secret.startswith(text[position:]):
                    first = position
                    break
        return first


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a complete text with its secrets replaced."""
    masker = Masker([secret.encode(errors="surrogateescape") for secret in secrets])
    return (masker.feed(text.encode(errors="surrogateescape")) + masker.end()).decode(errors="replace")
