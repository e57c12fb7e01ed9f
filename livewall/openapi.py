"""The description of the API for machines (OpenAPI 3.1), built from a table of calls and the types of their messages.

The table is in `handlers/api/openapi.py`; a test holds it against the routes and against the server's answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from livewall import wire
from livewall.errors import STATUS

REF = "#/components/schemas/{name}"
NAMED = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,80}$"}
"""The pattern of an id, a code or a name in an address."""
JSON, TEXT, CSV, SVG = "application/json", "text/plain", "text/csv", "image/svg+xml"
MARKDOWN, JSON_LINES = "text/markdown", "application/jsonl"
VERSIONED = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}
PLACED = {"Location": {"description": "The address of what was created.", "schema": {"type": "string"}}}
RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


class ErrorBody(msgspec.Struct):
    """The reason for a refusal: `code` for programs, `message` for people, `fields` with a reason for each field."""

    code: str
    message: str
    fields: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Error(msgspec.Struct):
    """The shape of every refusal."""

    error: ErrorBody


class Parameter(NamedTuple):
    """A parameter of the query, or of a header (`place`)."""

    name: str
    schema: Mapping[str, Any]
    about: str
    place: str = "query"


class Call(NamedTuple):
    """One method of one address.

    `who` are the roles that may call it; without any, everyone may. `body` and the answers are types of messages, or a
    media type where they are not JSON; an answer of None has no body. `errors` are statuses beyond those that follow
    from the rest.
    """

    method: str
    path: str
    about: str
    answers: Mapping[int, Any]
    who: Sequence[str] = ()
    body: Any = None
    parameters: Sequence[Parameter] = ()
    errors: Sequence[int] = ()
    headers: Mapping[str, Any] = {}


def document(calls: Sequence[Call], *, title: str, version: str) -> dict[str, Any]:
    """Return the whole description."""
    inputs = [call.body for call in calls if call.body is not None and not isinstance(call.body, str)]
    outputs = [kind for call in calls for kind in call.answers.values() if kind and not isinstance(kind, str)]
    input_schemas, output_schemas = schemas(inputs), answered(schemas([*outputs, Error]))
    output_schemas["ErrorBody"]["properties"]["code"] = {"enum": sorted(STATUS)}
    shared = input_schemas.keys() & output_schemas.keys()
    clash = [name for name in shared if input_schemas[name] != output_schemas[name]]
    assert not clash, clash
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = operation(call, input_schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Votes and tasks, live. What moves is followed on streams (`/ws/`, `/sse/`, `/updates/`), "
            "which /api/asyncapi.json describes. Unknown fields are refused; times are ISO 8601 in UTC.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted((input_schemas | output_schemas).items())),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of a role (POST /api/tokens) or of a voter (POST /api/voters). A call "
                    "lists the roles that may make it.",
                }
            },
        },
    }


def operation(call: Call, inputs: Mapping[str, Any]) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": re.sub(r"[^A-Za-z0-9]+", "_", f"{call.method.lower()} {call.path[5:]}").strip("_"),
        "summary": call.about,
        "tags": [call.path.split("/")[2].partition(".")[0]],
        "security": [{"bearer": list(call.who)}] if call.who else [{}, {"bearer": []}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": dict(NAMED)}
            for name in re.findall(r"\{(\w+)\}", call.path)
        ]
        + [
            {"name": each.name, "in": each.place, "description": each.about, "schema": dict(each.schema)}
            for each in call.parameters
        ],
    }
    if call.body is not None:
        description["requestBody"] = request_body(call.body, inputs)
    answers = {str(status): answer(status, kind, call.headers) for status, kind in call.answers.items()}
    refusals = {str(status): refusal(status) for status in statuses(call) if status not in call.answers}
    description["responses"] = answers | refusals
    return description


def request_body(kind: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a body may be left out, because each of its fields has a default."""
    if isinstance(kind, str):
        return {"content": {kind: {"schema": {"type": "string"}}}}
    needed = bool(inputs[kind.__name__].get("required"))
    return {"required": needed, "content": {JSON: {"schema": {"$ref": REF.format(name=kind.__name__)}}}}


def answer(status: int, kind: Any, headers: Mapping[str, Any]) -> dict[str, Any]:
    description: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if kind is not None:
        media = kind if isinstance(kind, str) else JSON
        schema = schema_of(kind) if media != kind else {"type": "object" if media == JSON else "string"}
        description["content"] = {media: {"schema": schema}}
    created = status == HTTPStatus.CREATED
    sent_headers = {name: header for name, header in headers.items() if created or name != "Location"}
    return description | ({"headers": sent_headers} if sent_headers else {})


def refusal(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code, each in STATUS.items() if each == status)
    phrase = HTTPStatus(status).phrase
    description: dict[str, Any] = {
        "description": f"{phrase}: {codes}" if codes else phrase,
        "content": {JSON: {"schema": {"$ref": REF.format(name="Error")}}},
    }
    return description | ({"headers": RETRY} if status in (429, 503) else {})


def statuses(call: Call) -> list[int]:
    """Return the statuses of refusals: those that follow from the call's parts, and its own."""
    codes = {401, 503, *call.errors}
    if call.who or call.method != "GET":  # a cookie that a foreign page sent along
        codes.add(403)
    if "{" in call.path:
        codes.add(404)
    if call.body is not None:
        codes |= {413} if isinstance(call.body, str) else {400, 413, 422}
    if call.parameters:
        codes.add(422)
    return sorted(codes)


def schema_of(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return dict(schema)


def schemas(kinds: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Return the schemas of the types and of everything they consist of, by name."""
    _, components = msgspec.json.schema_components(list(dict.fromkeys(kinds)), ref_template=REF)
    plain: dict[str, dict[str, Any]] = portable(components)
    return plain


def answered(components: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mark every field of an answer as required that is always sent, also fields with a default."""
    for each in components.values():
        properties = each.get("properties", {})
        required = [name for name, one in properties.items() if "default" in one or name in each["required"]]
        for one in properties.values():
            one.pop("default", None)
        if "required" in each:
            each["required"] = required
    return components


def portable(value: Any) -> Any:
    r"""Return patterns as JavaScript reads them: there `$` is the very end, and `\Z` is not known."""
    if isinstance(value, dict):
        return {
            key: each.replace(r"\Z", "$") if key == "pattern" and isinstance(each, str) else portable(each)
            for key, each in value.items()
        }
    return [portable(each) for each in value] if isinstance(value, list) else value


def text(calls: Sequence[Call], *, title: str, version: str) -> bytes:
    """Return the description as it is served. The same table gives the same bytes."""
    return wire.encode(document(calls, title=title, version=version))


def etag_of(text: bytes) -> str:
    """Return a strong ETag (RFC 9110 §8.8.3) for a description."""
    return f'"{hashlib.sha256(text).hexdigest()[:20]}"'
