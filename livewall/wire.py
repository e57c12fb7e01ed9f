"""Typed messages: the input of the API, checked by msgspec, and the refusal of what does not fit. No I/O.

Input types forbid unknown fields, so that a misspelt option is an error and not a default.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, inspect

from livewall.errors import BadInput
from livewall.names import NAME

T = TypeVar("T")

Title = Annotated[str, Meta(min_length=1, max_length=500)]
Label = Annotated[str, Meta(min_length=1, max_length=200)]
# Not `$`: it also matches before a newline at the end, and names are part of events.
OptionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,40}\Z")]
Name = Annotated[str, Meta(pattern=rf"^{NAME}\Z")]
ShortText = Annotated[str, Meta(max_length=1000)]
Ref = Annotated[str, Meta(max_length=64)]

# A kind of poll is checked where kinds are known (livewall.voting.kinds).
Kind = Annotated[str, Meta(max_length=40)]
Results = Literal["live", "after_vote", "after_close", "on_publish"]
Assurance = Literal["open", "code"]
Transport = Literal["websocket", "sse", "longpoll", "poll"]
Code = Annotated[str, Meta(max_length=40)]
Round = Annotated[int, Meta(ge=1, le=1_000_000)]
ClosesIn = Annotated[int, Meta(ge=1, le=366 * 86400)]
Quorum = Annotated[int, Meta(ge=1, le=10_000_000)]
Number = Annotated[int, Meta(ge=1, le=10**12)]
Slow = Annotated[int, Meta(ge=0, le=3600)]
# More than a message may have, because what cannot be seen is taken out first (livewall.rooms.message_text).
MessageText = Annotated[str, Meta(min_length=1, max_length=8000)]
QuestionText = Annotated[str, Meta(min_length=1, max_length=2000)]
QuestionState = Literal["pending", "shown", "pinned", "answered", "hidden"]
Reaction = Literal["👏", "👍", "❤️", "😂", "🎉", "🤔"]
WallCode = Annotated[str, Meta(max_length=12)]
# Printable ASCII: an id is part of events, and of what terminals print.
GivenId = Annotated[str, Meta(pattern=r"^[ -~]{1,64}\Z")]
Majority = Literal["1/2", "2/3", "3/4"]
StepState = Literal["pending", "running", "waiting", "retrying", "succeeded", "failed", "cancelled", "skipped", "lost"]


class Input(Struct, forbid_unknown_fields=True):
    """The base of everything that a client may send."""


class OptionIn(Input):
    label: Label
    id: OptionId | None = None
    abstain: bool = False


class PollIn(Input):
    title: Title
    options: Annotated[list[Label | OptionIn], Meta(min_length=1, max_length=40)]
    kind: Kind = "single"
    max_choices: Annotated[int, Meta(ge=1, le=40)] = 1
    results: Results = "live"
    allow_change: bool = True
    closes_in: ClosesIn | None = None
    assurance: Assurance = "open"
    wall: Annotated[str, Meta(max_length=12)] | None = None
    quorum: Quorum | None = None
    majority: Majority | None = None
    compare: bool = False


class PollEdit(Input):
    title: Title | UnsetType = UNSET
    options: Annotated[list[Label | OptionIn], Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    max_choices: Annotated[int, Meta(ge=1, le=40)] | UnsetType = UNSET
    results: Results | UnsetType = UNSET
    allow_change: bool | UnsetType = UNSET
    closes_in: ClosesIn | UnsetType | None = UNSET
    assurance: Assurance | UnsetType = UNSET
    quorum: Quorum | UnsetType | None = UNSET
    majority: Majority | UnsetType | None = UNSET
    compare: bool | UnsetType = UNSET


class BallotIn(Input):
    choices: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=40)]
    round: Round | None = None
    code: Code | None = None


class RetractIn(Input):
    round: Round | None = None


class ResetIn(Input):
    round: Round


class TimerIn(Input):
    """One of the two: seconds to `add` to the time left, or the seconds `left` from now; null for no end."""

    add: ClosesIn | UnsetType = UNSET
    left: ClosesIn | UnsetType | None = UNSET


class PublishIn(Input):
    published: bool = True


class Nothing(Input):
    """A body that must be empty: `{}`."""


class WallIn(Input):
    title: Title


class WallEdit(Input):
    title: Title | UnsetType = UNSET
    items: Annotated[list[Annotated[str, Meta(max_length=120)]], Meta(max_length=500)] | UnsetType = UNSET
    active: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    questions: Literal["off", "open", "moderated", "closed"] | UnsetType = UNSET
    reactions: bool | UnsetType = UNSET


class RoomIn(Input):
    name: Name
    title: Annotated[str, Meta(max_length=500)] = ""
    write: Literal["all", "signed_in", "hosts"] = "all"
    read: Literal["all", "signed_in"] = "all"
    slow: Slow = 0


class RoomEdit(Input):
    title: Title | UnsetType = UNSET
    write: Literal["all", "signed_in", "hosts"] | UnsetType = UNSET
    read: Literal["all", "signed_in"] | UnsetType = UNSET
    slow: Slow | UnsetType = UNSET
    closed: bool | UnsetType = UNSET


class MessageIn(Input):
    text: MessageText
    id: GivenId | None = None
    reply_to: Number | UnsetType = UNSET


class MessageEdit(Input):
    text: MessageText


class PrivateMessageIn(Input):
    text: MessageText
    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class ConversationEdit(Input):
    read: Annotated[int, Meta(ge=0, le=10**12)] | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET


class PersonName(Input):
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class PersonEdit(Input):
    muted: bool


class QuestionIn(Input):
    text: QuestionText
    id: GivenId | None = None
    anonymous: bool = False


class QuestionEdit(Input):
    """The state, the answer (null: none), or both."""

    state: QuestionState | UnsetType = UNSET
    answer: MessageText | UnsetType | None = UNSET


class ReactionIn(Input):
    reaction: Reaction


class ScreenIn(Input):
    width: Annotated[int, Meta(ge=1, le=100_000)]
    height: Annotated[int, Meta(ge=1, le=100_000)]
    transport: Transport
    age: Annotated[int, Meta(ge=0, le=10**10)]


class CodesIn(Input):
    count: Annotated[int, Meta(ge=1, le=2000)]


class StepIn(Input):
    name: Name
    needs: Annotated[list[Name], Meta(max_length=500)] = []


class TaskIn(Input):
    title: Title
    steps: Annotated[list[StepIn], Meta(min_length=1, max_length=500)]
    id: Name | None = None
    room: Name | None = None


class StepReport(Input):
    state: StepState | UnsetType = UNSET
    progress: Annotated[float, Meta(ge=0, le=1)] | UnsetType | None = UNSET
    message: ShortText | UnsetType = UNSET
    lease: Annotated[float, Meta(ge=0.1, le=86400)] | UnsetType | None = UNSET


class DecideIn(Input):
    decision: Literal["approve", "reject"]
    comment: ShortText = ""
    ref: Ref | None = None


class TaskRetryIn(Input):
    hosts: Literal["all", "failed"] = "all"


class HostKeyIn(Input):
    fingerprint: Annotated[str, Meta(min_length=1, max_length=200)]


class StartIn(Input):
    params: dict[str, Any] = {}
    id: Name | None = None


class TokenIn(Input):
    role: Literal["reporter", "operator", "host", "admin"]
    name: Annotated[str, Meta(min_length=1, max_length=80)]


class LoginIn(Input):
    role: Literal["reporter", "operator", "host", "admin"] | None = None


class Act(Input, tag_field="do"):
    """The acts of a WebSocket client; `ref` is repeated in the reply."""

    ref: Ref


class Vote(Act, tag="vote"):
    choices: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=40)]
    poll: Annotated[str, Meta(max_length=80)] | None = None
    round: Round | None = None
    code: Code | None = None


class Retract(Act, tag="retract"):
    poll: Annotated[str, Meta(max_length=80)] | None = None
    round: Round | None = None


class Say(Act, tag="say"):
    room: Name
    text: MessageText
    id: GivenId | None = None
    reply_to: Number | UnsetType = UNSET


class Typing(Act, tag="typing"):
    room: Name


class Ask(Act, tag="ask"):
    wall: WallCode
    text: QuestionText
    id: GivenId | None = None
    anonymous: bool = False


class Upvote(Act, tag="upvote"):
    wall: WallCode
    n: Number


class React(Act, tag="react"):
    wall: WallCode
    reaction: Reaction


class Subscribe(Act, tag="subscribe"):
    stream: Annotated[str, Meta(max_length=120)]
    since: Annotated[str, Meta(max_length=20_000)] | None = None


class Unsubscribe(Act, tag="unsubscribe"):
    stream: Annotated[str, Meta(max_length=120)]


AnyAct = Vote | Retract | Say | Typing | Ask | Upvote | React | Subscribe | Unsubscribe
_ACT: msgspec.json.Decoder[AnyAct] = msgspec.json.Decoder(AnyAct)
_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
encode = msgspec.json.Encoder().encode


def text(value: Any) -> str:
    """Return a message as JSON text."""
    return encode(value).decode()


def decode(data: bytes | str, kind: type[T]) -> T:
    """Decode a body as `kind`; an empty body is `{}`. Raises BadInput: malformed, or invalid with the field named."""
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise refused(error, kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("malformed", f"this is not JSON: {error}") from None


def decode_act(data: str | bytes) -> AnyAct:
    """Decode one act of a WebSocket client. Raises BadInput."""
    try:
        return _ACT.decode(data)
    except msgspec.ValidationError as error:
        raise refused(error, AnyAct) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("malformed", f"this is not JSON: {error}") from None


class _Ref(Struct):
    ref: Any = None


def ref_of(data: str | bytes) -> str | None:
    """Return the `ref` of an act that could not be decoded, so that the client can match the error."""
    try:
        ref = msgspec.json.decode(data, type=_Ref).ref
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return ref if isinstance(ref, str) and len(ref) <= 64 else None


_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
_BOUND = re.compile(r"Expected `(?:int|float)` (>=|<=) ([\d.]+)")
_TYPE = re.compile(r"Expected `([a-z |]+)`(?:, got `([a-z]+)`)?")


def plain(message: str, choices: Sequence[str] = ()) -> str:
    """Return msgspec's reason in plain words; a reason that is not known here stays as it is. `choices` are the values
    that the field may have, where there are only some."""
    if match := _LENGTH.fullmatch(message):
        kind, least, number = match[1], match[2] == ">=", match[3]
        if least and number == "1":
            return "must not be empty"
        unit = "characters" if kind == "str" else "entries"
        return f"must have at {'least' if least else 'most'} {number} {unit}"
    if match := _BOUND.fullmatch(message):
        return f"must be at {'least' if match[1] == '>=' else 'most'} {match[2].removesuffix('.0')}"
    if match := _TYPE.fullmatch(message):
        wanted = [_WORDS.get(kind, kind) for kind in match[1].split(" | ") if kind != "null"]
        return f"must be {' or '.join(wanted)}{f', not {_WORDS.get(match[2], match[2])}' if match[2] else ''}"
    if message.startswith("Expected `str` matching regex"):
        return "has characters that are not allowed here, or is too long"
    if match := re.fullmatch(r"Invalid (?:enum )?value (.+)", message):
        return f"must be one of {', '.join(choices)}" if choices else f"must not be {match[1]}: there is no such choice"
    if message.startswith("Object missing required field"):
        return "is missing"
    if message.startswith("Object contains unknown field"):
        return "unknown field"
    return message


@cache
def _choices(kind: Any, field: str) -> tuple[str, ...]:
    """Return the only values that a field of `kind`, a type of input or a union of some, may have; () if any text."""
    found: dict[str, None] = {}
    for each in _members(inspect.type_info(kind)):
        if isinstance(each, inspect.StructType):
            if each.tag_field == field:
                found[str(each.tag)] = None
            types = [_members(own.type) for own in each.fields if own.encode_name == field]
            literals = [part for part in chain(*types) if isinstance(part, inspect.LiteralType)]
            found |= {str(value): None for literal in literals for value in literal.values}
    return tuple(found)


def _members(info: inspect.Type) -> Sequence[inspect.Type]:
    return info.types if isinstance(info, inspect.UnionType) else (info,)


def refused(error: msgspec.ValidationError, kind: Any) -> BadInput:
    """Return the BadInput for an error of msgspec, with its path as a field; `kind` is the type that was expected."""
    reason = str(error)
    match = _PATH.search(reason)
    message = reason[: match.start()] if match else reason
    field = (match[1] if match else "") or "body"
    missing = re.fullmatch(r"Object (?:missing required|contains unknown) field `(.+)`", message)
    if missing:
        field = missing[1]
    why = plain(message, _choices(kind, field) if "value" in message else ())
    return BadInput("invalid", f"{field}: {why}", fields={field: why})
