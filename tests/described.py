"""The API's description, used: where an answer belongs in it, and whether the answer is what it says.

The part of JSON Schema that the description uses is checked by hand, more strictly than the standard does: a field
that the description does not name is a fault, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "default",
    "description",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "prefixItems",
    "properties",
    "required",
    "title",
    "type",
}


def faults(value: Any, schema: Any, document: Any, at: str = "$") -> Iterator[str]:
    """Where `value` is not what `schema` says."""
    if schema is False or schema is True:
        if schema is False:
            yield f"{at}: nothing may stand here"
        return
    assert schema.keys() <= KNOWN, schema.keys() - KNOWN
    if "$ref" in schema:
        yield from faults(value, resolved(schema["$ref"], document), document, at)
        return
    if "anyOf" in schema:
        tried = [list(faults(value, each, document, at)) for each in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "type" in schema:
        kind = schema["type"]
        fits = isinstance(value, TYPES[kind]) and not (isinstance(value, bool) and kind in ("integer", "number"))
        if not fits:
            yield f"{at}: {value!r} is no {kind}"
            return
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} does not match {schema['pattern']}"
        yield from _bounds(len(value), schema, "minLength", "maxLength", at)
    elif isinstance(value, dict):
        yield from _fields(value, schema, document, at)
    elif isinstance(value, list):
        yield from _bounds(len(value), schema, "minItems", "maxItems", at)
        first = schema.get("prefixItems", [])
        for place, each in enumerate(value):
            inner = first[place] if place < len(first) else schema.get("items", True)
            yield from faults(each, inner, document, f"{at}[{place}]")
    elif isinstance(value, int | float):
        yield from _bounds(value, schema, "minimum", "maximum", at)


def _fields(value: dict[str, Any], schema: Any, document: Any, at: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}.{name}: is missing"
    named = schema.get("properties", {})
    others = schema.get("additionalProperties", "properties" not in schema)
    for name, each in value.items():
        yield from faults(each, named.get(name, others), document, f"{at}.{name}")


def _bounds(number: float, schema: Any, least: str, most: str, at: str) -> Iterator[str]:
    if not schema.get(least, number) <= number <= schema.get(most, number):
        yield f"{at}: {number} is out of bounds"


def resolved(ref: str, document: Any) -> Any:
    found = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def operation(document: Any, method: str, path: str) -> tuple[str, Any]:
    """The described path and operation of a request. The one with fewer parameters goes first."""
    plain = path.partition("?")[0]
    for template in sorted(document["paths"], key=lambda each: each.count("{")):
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), plain):
            found = document["paths"][template].get(method.lower())
            if found is not None:
                return template, found
    raise AssertionError(f"{method} {plain} is not described")


def check(document: Any, method: str, path: str, status: int, content_type: str, body: Any) -> str:
    """The described path; fails where the answer is not what the description says of it."""
    template, found = operation(document, method, path)
    said = found["responses"].get(str(status))
    assert said is not None, f"{method} {template} answers {status}, which is not described: {body!r}"
    if "content" not in said:
        assert not body
        return template
    ((media, content),) = said["content"].items()
    assert content_type.partition(";")[0] == media, (method, template, status, content_type)
    wrong = list(faults(body, content["schema"], document))
    assert not wrong, f"{method} {template} {status}: {wrong[:5]}"
    return template
