"""A small hall for tests of one fact: streams that are open, readers that came, everything settled on demand."""

from __future__ import annotations

from typing import Any

from hub_model import FRAMINGS, Client, Room
from wires import Read

from livewall.hub.position import View

POLL = "polls/a"


class Hall(Room):
    def __init__(self, show: str = "all") -> None:
        super().__init__()
        self.say("show", {"show": show})

    def say(self, key: str | None, data: Any = None, view: View = View.BOTH, name: str = POLL) -> None:
        """Commit and publish one event, and send it to nobody yet."""
        self.commit(name, [(key, data, view)])
        while self.queue:
            self.publish()

    def tally(self, n: int, name: str = POLL) -> None:
        self.say("tally", {"count": n}, View.FULL, name)
        self.say("turnout", {"ballots": n}, View.MASKED, name)

    def hand_out(self) -> None:
        """What was published goes to those who can take it; nobody reads, the store is not asked."""
        self.work()

    def come(self, who: str = "ann", *names: str, framing: str = "ws", capacity: int = 10**6, host: bool = False,
             eager: bool = False, since: str | None = None) -> Client:  # fmt: skip
        """Somebody comes, and has it all."""
        client = self.join(who, host)
        self.connect(client, FRAMINGS[framing], capacity, eager)
        for name in names or (POLL,):
            client.checker(name)
            self.subscribe(client, name, since)
        self.settle()
        return client

    def open(self, name: str = POLL) -> Any:
        stream = self.hub.open(name)
        self.settle()
        return stream


def read_all(client: Client) -> list[dict[str, Any]]:
    """What the client was sent since, as messages."""
    assert client.outlet is not None
    seen: list[dict[str, Any]] = []
    feed = client.parser.feed

    def heard(data: bytes) -> list[Read]:
        reads = feed(data)
        seen.extend(message for message, _ids in reads)
        return reads

    client.parser.feed = heard  # type: ignore[method-assign]
    while client.outlet.pipe:
        client.outlet.read(10**6)
    client.parser.feed = feed  # type: ignore[method-assign]
    return seen
