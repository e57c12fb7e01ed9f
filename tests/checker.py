"""The judge of what a reader was sent: fed with the messages of one stream, it raises on everything a client must never
see, and holds what a client would hold. It knows the messages of docs/contract.md and nothing of the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Message = Mapping[str, Any]


class Broken(AssertionError):
    """A promise of the wire was not kept."""


class At(NamedTuple):
    epoch: str
    """With the mark of the view: compared for equality only."""
    n: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.n}"


_POSITION = re.compile(r"([0-9a-z]+~?)\.(0|[1-9][0-9]*)")


def at(text: Any) -> At:
    match = _POSITION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Broken(f"{text!r} is not a position")
    return At(match[1], int(match[2]))


def _numbers(state: Mapping[str, Any], group: str = "message") -> list[int]:
    parts = [key.rpartition("/") for key in state]
    return [int(number) for held, _, number in parts if held == group]


class Checker:
    """One reader of one stream, over any number of connections.

    `connect(since)` tells of each new connection and of the position it claims; `feed` takes the messages in the order
    in which they came. `state`, and of it `numbered`, are what a page would show, as of `pos`: they change when a
    snapshot is whole. A change of a numbered key below all that is held is ignored.
    `on_change(key, old, new)` hears of every change to what is held, a snapshot's included, to judge the data itself.
    """

    def __init__(self, stream: str, on_change: Callable[[str, Any, Any], None] | None = None) -> None:
        self.stream = stream
        self.state: dict[str, Any] = {}
        self.earlier = False
        self.synced = False
        self.pos: str | None = None
        self.error: Message | None = None
        self.resets = 0
        self.events = 0
        self.volatile: list[Message] = []
        self._on_change = on_change
        self._here: At | None = None
        self._exact = False
        self._open: tuple[dict[str, Any], bool] | None = None
        self._newest: dict[str, int] = {}

    # -- what the reader does

    @property
    def in_snapshot(self) -> bool:
        return self._open is not None

    def connect(self, since: str | None = None) -> None:
        """A new connection, or a new subscription on the same one, that claims `since`. Half a snapshot is dropped.

        What is held is held at `pos`; any other claim than that one can only be answered by a snapshot.
        """
        self._open, self.error, self._exact = None, None, False
        self._here = at(since) if since is not None and since == self.pos else None

    @property
    def numbered(self) -> dict[int, Any]:
        """What is held of the keys `message/N`, by N in ascending order."""
        return {number: self.state[f"message/{number}"] for number in sorted(_numbers(self.state))}

    def resume(self, since: str, state: Mapping[str, Any]) -> None:
        """A new connection of somebody who holds `state` and stands at `since` (a page brought back)."""
        self.state, self.pos, self.synced = dict(state), since, True
        self._newest.clear()
        self.connect(since)

    # -- what the reader is sent

    def feed(self, message: Message) -> None:
        if message.get("stream") != self.stream:
            raise Broken(f"{message!r} is not of {self.stream}")
        if self.error is not None:
            raise Broken(f"{message!r} after the stream ended with {self.error!r}")
        if "error" in message:
            self._ended(message)
        elif message.get("reset"):
            self._reset(message)
        elif message.get("synced"):
            self._end_snapshot(message)
        elif "pos" in message or "prev" in message:
            self._event(message)
        else:
            self.volatile.append(message)

    def heartbeat(self, pos: str) -> None:
        """The server says where it believes the reader stands."""
        there = at(pos)
        if self._here is None or self._open is not None:
            raise Broken(f"a heartbeat at {pos} to a reader that does not have the whole")
        if there.epoch != self._here.epoch or there.n > self._here.n:
            raise Broken(f"a heartbeat at {pos} to a reader at {self.pos}: something is missing")

    def _ended(self, message: Message) -> None:
        if "code" not in message["error"]:
            raise Broken(f"{message!r} has no code")
        if self._open is not None:  # the reset before it: forget what you hold
            self.state, self.unkeyed, self.synced = {}, [], False
        self._open, self._here, self.pos, self.error = None, None, None, message["error"]

    def _reset(self, message: Message) -> None:
        self.resets += 1
        self._open = ({}, bool(message.get("earlier")))
        self._here = None

    def _end_snapshot(self, message: Message) -> None:
        if self._open is None:
            raise Broken(f"{message!r} outside a snapshot")
        there = at(message["pos"])
        if not isinstance(message.get("now"), str):
            raise Broken(f"{message!r} does not say what time it is")
        if self._here is not None and (there.epoch != self._here.epoch or there.n < self._here.n):
            raise Broken(f"a snapshot that reached {self._here} is called synced at {there}")
        self._forward(there)
        state, self.earlier = self._open
        if self._on_change is not None:
            for key in {**self.state, **state}:
                if self.state.get(key) != state.get(key):
                    self._on_change(key, self.state.get(key), state.get(key))
        self.state, self._open = state, None
        self.synced, self._here, self.pos, self._exact = True, there, str(there), True

    def _event(self, message: Message) -> None:
        prev, pos = at(message.get("prev")), at(message.get("pos"))
        if "data" not in message:
            raise Broken(f"{message!r} has no data")
        if prev.epoch != pos.epoch or prev.n >= pos.n:
            raise Broken(f"an event from {prev} to {pos}")
        if self._open is not None:
            here, exact = self._here or At(pos.epoch, 0), True
        elif self._here is not None:
            here, exact = self._here, self._exact
        else:
            raise Broken(f"{message!r} to a reader that holds nothing, and no reset before it")
        if pos.epoch != here.epoch:
            raise Broken(f"an event of {pos.epoch} to a reader of {here.epoch}, and no reset before it")
        if pos.n <= here.n:
            raise Broken(f"an event at {pos} to a reader that is at {here} already: twice, or backwards")
        if prev.n > here.n:
            raise Broken(f"an event that follows {prev} to a reader at {here}: a hole")
        if exact and prev.n != here.n:
            raise Broken(f"an event that says it follows {prev} comes after {here}: a wrong chain")
        self._here = pos
        self.events += 1
        if self._open is not None:
            self._keep(message, self._open[0])
            return
        self._forward(pos)
        self._exact = True
        self.pos = str(pos)
        key = message["key"]
        old = self.state.get(key)
        self._keep(message, self.state)
        if self._on_change is not None:
            self._on_change(key, old, message["data"])

    def _forward(self, pos: At) -> None:
        """A view of a stream never goes back, not even from one snapshot to the next."""
        if pos.n < self._newest.get(pos.epoch, 0):
            raise Broken(f"{pos} after {pos.epoch}.{self._newest[pos.epoch]}: the stream went backwards")
        self._newest[pos.epoch] = pos.n

    def _keep(self, message: Message, state: dict[str, Any]) -> None:
        key, data = message["key"], message["data"]
        group, _, number = key.rpartition("/")
        if data is None:
            state.pop(key, None)
            if group == "message":  # all messages of a conversation
                for each in [each for each in state if each.startswith(f"{key}/")]:
                    del state[each]
        elif key.startswith("message/") and int(number) < min(_numbers(state, group), default=0):
            pass  # older than all that is held
        else:
            state[key] = data


class Checkers:
    """A connection with several streams: hands each message to the checker of its stream."""

    def __init__(self, *streams: str) -> None:
        self.by_name = {name: Checker(name) for name in streams}

    def __getitem__(self, name: str) -> Checker:
        return self.by_name[name]

    def connect(self, since: Mapping[str, str | None] | None = None) -> None:
        for name, checker in self.by_name.items():
            checker.connect((since or {}).get(name))

    def feed(self, message: Message) -> None:
        if "stream" in message:
            checker = self.by_name.get(message["stream"])
            if checker is None:
                raise Broken(f"{message!r} of a stream nobody asked for")
            checker.feed(message)
        elif "heartbeat" in message:
            for name, pos in message["heartbeat"].items():
                self.by_name[name].heartbeat(pos)
        elif "ref" not in message:
            raise Broken(f"{message!r} is no message of the wire")

    def feed_all(self, messages: list[Message]) -> None:
        for message in messages:
            self.feed(message)
