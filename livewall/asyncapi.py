"""The description of streams for machines (AsyncAPI 3.0), built from the types of the wire.

OpenAPI describes calls and their answers; this describes the messages of WebSockets and event streams. Actions are the
server's, as in AsyncAPI: it sends events and receives acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct, defstruct

from livewall import openapi

STREAMS = (
    "One stream, or up to 16 joined by commas: polls/ID, walls/CODE, rooms/NAME, tasks/ID, tasks/ID/logs/STEP, tasks. "
    "Where several are named, `since` and every `pos` have as many elements, in the same order."
)
SINCE = {"type": "string", "description": "The position you hold; without it a snapshot comes first."}
AS = {"enum": ["audience"], "description": "What the audience sees, whoever asks."}
WAIT = {
    "type": "integer",
    "minimum": 0,
    "maximum": 30,
    "default": 25,
    "description": "Seconds to wait for something new; with 0, and without `since`, the answer is a whole snapshot.",
}


class Event(NamedTuple):
    """A kind of event: its stream, its key, and the type of its data (null deletes the key)."""

    name: str
    stream: str
    key: str
    data: Any
    about: str
    volatile: bool = False

    def shape(self) -> type[Struct]:
        key = Literal[self.key] if self.key.islower() else str
        fields: list[tuple[str, Any]] = [("stream", str)]
        if not self.volatile:
            fields += [("pos", str), ("prev", str)]
        fields += [("key", key), ("data", self.data if self.volatile else self.data | None)]
        about = f"`{self.key}` of `{self.stream}`. {self.about}"
        return defstruct(self.name, fields, namespace={"__doc__": about})


class Updates(Struct):
    """The answer of long and plain polling: messages in order, and the position that the next request sends as
    `since`."""

    events: list[dict[str, Any]]
    pos: str


def document(
    events: Sequence[Event],
    messages: Sequence[Any],
    answers: Sequence[Any],
    acts: Sequence[Any],
    *,
    title: str,
    version: str,
) -> dict[str, Any]:
    """Return the whole description. `messages` are the other messages of every transport; `answers` and `acts` are
    those of a WebSocket."""
    streamed = [*(event.shape() for event in events), *messages]
    sent = [*streamed, *answers, Updates]
    schemas = openapi.schemas(acts) | openapi.answered(openapi.schemas(sent))
    polled = [{"$ref": openapi.REF.format(name=kind.__name__)} for kind in streamed if kind.__name__ != "Heartbeat"]
    schemas["Updates"]["properties"]["events"]["items"] = {"anyOf": polled}
    names = [kind.__name__ for kind in (*sent, *acts)]
    websocket, stream = [kind.__name__ for kind in (*streamed, *answers)], [kind.__name__ for kind in streamed]
    act_names = [kind.__name__ for kind in acts]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{title}: streams",
            "version": version,
            "description": "Every transport carries the same messages, one JSON object each. Hold a position for each "
            "stream: apply an event when `prev` is not beyond it and `pos` is; ignore it when `pos` is not beyond it; "
            "come back with `since` when `prev` is. Calls are described in /api/openapi.json.",
        },
        "channels": {
            "websocket": channel("/ws/{streams}", [*websocket, *act_names], "ws", {"since": SINCE, "as": AS}),
            "serverSentEvents": channel("/sse/{streams}", stream, "http", {"since": SINCE, "as": AS}),
            "polling": channel("/updates/{streams}", ["Updates"], "http", {"since": SINCE, "wait": WAIT, "as": AS}),
        },
        "operations": {
            "follow": operation("send", "websocket", websocket, "Events, and answers to acts."),
            "act": operation("receive", "websocket", act_names, "At most 32 at a time; beyond that, nothing is read."),
            "stream": operation("send", "serverSentEvents", stream, "Events; `Last-Event-ID` is a position, too."),
            "poll": operation("send", "polling", ["Updates"], "One answer for each request."),
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "contentType": "application/json",
                    "summary": schemas[name].get("description", f"The act `{name.lower()}`."),
                    "payload": {"$ref": openapi.REF.format(name=name)},
                }
                for name in names
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def channel(address: str, messages: Sequence[str], binding: str, query: dict[str, Any]) -> dict[str, Any]:
    bound: dict[str, Any] = {"query": {"type": "object", "properties": query}}
    if binding == "ws":
        bound["method"] = "GET"
    description: dict[str, Any] = {
        "address": address,
        "parameters": {"streams": {"description": STREAMS}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }
    # The HTTP binding describes operations and messages only, so the query is described at the channel.
    return description | ({"bindings": {"ws": bound}} if binding == "ws" else {"x-query": bound["query"]})


def operation(action: str, name: str, messages: Sequence[str], about: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": about,
        "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in messages],
    }
