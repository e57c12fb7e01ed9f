"""The names of streams, in the address of a connection and in `subscribe`."""

from __future__ import annotations

from livewall.errors import BadInput, LivewallError
from livewall.hub.reader import Reader
from livewall.services import Services

MAX_STREAMS = 16


def stream_name(text: str) -> str:
    """Return `text` if it can be the name of a stream. Raises LivewallError (`no_such_stream`)."""
    if not text or len(text) > 120 or not text.isascii() or not text.isprintable() or any(c in text for c in '"\\ '):
        raise LivewallError("no_such_stream", "there is no such stream")
    return text


def streams_of(text: str) -> list[str]:
    """Return the streams that an address names, without duplicates."""
    return list(dict.fromkeys(text.split(",")))


def too_many() -> LivewallError:
    return BadInput("too_many_streams", f"at most {MAX_STREAMS} streams on one connection")


async def follow(services: Services, reader: Reader, names: list[str], since: str) -> None:
    """Attach a reader to its streams, in the order of the address. Raises the first refusal.

    Positions count only if there is one for each stream: the position of another stream would leave a gap.
    """
    if len(names) > MAX_STREAMS:
        raise too_many()
    positions = since.split(",")
    if len(positions) != len(names):
        positions = [""] * len(names)
    for name, position in zip(names, positions, strict=True):
        await services.hub.attach(reader, stream_name(name), position or None)
