"""The parameters of a pipeline: their declarations in its file, and the values that are given for a task.

A value is never interpreted, whatever braces, dashes, newlines or shell characters it has: it becomes text in an
argument. A NUL character, and more bytes than an argument can have, are refused.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from livewall.errors import BadInput
from livewall.tasks.pipelines.pattern_matching import match_in_process
from livewall.tasks.template import PARAM, Scalar, as_text
from livewall.toml_problems import Place, did_you_mean, known_keys, short, text, type_name
from livewall.visible_text import matching

if TYPE_CHECKING:
    from livewall.tasks.pipelines.pipeline import Pipeline

Type = Literal["string", "integer", "number", "boolean", "git_ref"]
_TEXT_TYPES = ("string", "git_ref")
MAX_VALUE_BYTES = 120_000
"""The maximum size of a value, in bytes. Linux accepts 128 KiB in one argument."""
MAX_UNKNOWN = 100
"""The most unknown parameters that are reported; the body of a request may have very many."""
MAX_SUGGESTIONS = 3
"""The most unknown parameters for which a similar name is suggested, since finding one takes milliseconds."""
MAX_MATCHED_CHARACTERS = 1_000
"""The maximum length of a value that is matched against a pattern."""
_SAFE = 1 << 53  # whole numbers that are the same in every language that reads JSON
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A declared parameter. Without a `default`, a value must be given."""

    name: str
    type: Type = "string"
    default: Scalar | None = None
    pattern: str | None = None
    choices: tuple[Scalar, ...] | None = None


def parse_param(name: str, table: Any, where: Place) -> Param | None:
    """Return the parameter that a table `[params.NAME]` declares, or None after reporting problems."""
    if not re.fullmatch(PARAM, name):
        where.wrong(f"{short(name)!r} is not the name of a parameter: a letter first, then letters, digits, _ and -")
    if not isinstance(table, dict):
        where.wrong(f"a parameter is a table, [params.{short(name)}], not {type_name(table)}")
        return None
    known_keys(table, ("type", "default", "pattern", "choices"), where, "a parameter")
    param_type = table.get("type", "string")
    if param_type not in get_args(Type):
        suggestion = did_you_mean(param_type, get_args(Type)) if isinstance(param_type, str) else ""
        where["type"].wrong(f"type must be one of {', '.join(get_args(Type))}, not {short(param_type)}{suggestion}")
        return None
    pattern = _pattern(table, param_type, where)
    choices = _choices(table, param_type, where)
    param = Param(name=name, type=param_type, pattern=pattern, choices=choices)
    default = _typed(table["default"], param_type) if "default" in table else None
    values = [*(choices or ()), *([] if default is None else [default])]
    reasons = _refusals([(param, value) for value in values])
    for index, choice in enumerate(choices or ()):
        if pattern and (reason := reasons[index]):
            where["choices"][index].wrong(f"the choice {short(choice)} {reason}")
    if "default" not in table:
        return param
    if default is None:
        where["default"].wrong(f"default must be {_TYPE_NAMES[param_type]}, not {_description(table['default'])}")
    elif reason := reasons[-1]:
        where["default"].wrong(f"the default {reason}")
    return msgspec.structs.replace(param, default=default)


def check_params(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return a value for every parameter, from the values of a request, a form or a command line.

    Raises BadInput (`invalid`), whose fields `params.NAME` give the reason for each wrong value. Patterns are matched
    in another process, so call this in a thread.
    """
    known = {param.name: param for param in pipeline.params}
    faults: dict[str, str] = {}
    values: dict[str, Scalar] = {}
    for name in given:
        if len(faults) == MAX_UNKNOWN:
            break
        if name not in known:
            suggestion = did_you_mean(name, known) if len(faults) < MAX_SUGGESTIONS else ""
            faults[f"params.{name[:80]}"] = f"is not a parameter of {pipeline.name}{suggestion}"
    for name, param in known.items():
        value = given.get(name)
        if name not in given or (param.type != "string" and value == ""):  # an empty field of a form
            if param.default is None:
                faults[f"params.{name}"] = "is required"
            else:
                values[name] = param.default
            continue
        typed = _converted(value, param.type)
        if typed is None:
            faults[f"params.{name}"] = f"must be {_TYPE_NAMES[param.type]}, not {_description(value)}"
        else:
            values[name] = _matching_choice(param, typed)
    given_values = [(known[name], value) for name, value in values.items() if name in given]
    wrong = {param.name: why for (param, _), why in zip(given_values, _refusals(given_values), strict=True) if why}
    if faults or wrong:
        faults |= {f"params.{name}": why for name, why in wrong.items()}
        faults = {field: faults[field] for field in _in_order(faults, known)}
        field, why = next(iter(faults.items()))
        raise BadInput("invalid", f"{field}: {why}", fields=faults)
    return values


_TYPE_NAMES: Mapping[Type, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "git_ref": "a branch, a tag or a commit",
}


def _description(value: Any) -> str:
    if value is None:
        return "nothing"
    return repr(short(value)) if isinstance(value, str) else type_name(value)


def _typed(value: Any, param_type: Type) -> Scalar | None:
    """Return the value if it has the type, else None. An integer is also a number."""
    if isinstance(value, bool):
        return value if param_type == "boolean" else None
    if isinstance(value, str):
        return value if param_type in _TEXT_TYPES else None
    if isinstance(value, int) and abs(value) <= _SAFE:
        return value if param_type == "integer" else float(value) if param_type == "number" else None
    if isinstance(value, float) and param_type == "number" and math.isfinite(value):
        return value
    return None


def _converted(value: Any, param_type: Type) -> Scalar | None:
    """Return the value in the type, converted from text if necessary, or None."""
    if param_type in _TEXT_TYPES or not isinstance(value, str) or len(value) > 100:
        return _typed(value, param_type)
    stripped = value.strip()
    if param_type == "boolean":
        return _BOOLEANS.get(stripped.lower())
    number = r"[+-]?[0-9]+" if param_type == "integer" else r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    if not re.fullmatch(number, stripped):
        return None
    return _typed(int(stripped) if param_type == "integer" else float(stripped), param_type)


def _matching_choice(param: Param, value: Scalar) -> Scalar:
    """Return the choice that equals the value in another Unicode form, or else the value itself."""
    texts = [choice for choice in param.choices or () if isinstance(choice, str)]
    matches = matching(value, texts) if isinstance(value, str) and texts else []
    return texts[matches[0]] if len(matches) == 1 else value


def _in_order(faults: Mapping[str, str], known: Mapping[str, Param]) -> list[str]:
    """Return the names of the fields: unknown parameters first, then the others in the order of declaration."""
    places = {f"params.{name}": index for index, name in enumerate(known)}
    return sorted(faults, key=lambda field: places.get(field, -1))


def _refusals(values: Sequence[tuple[Param, Scalar]]) -> list[str | None]:
    """Return for each value the reason to refuse it, or None. All patterns together have one limit of CPU time."""
    reasons = [_refusal_without_pattern(param, value) for param, value in values]
    compared = [
        (index, param.pattern, value)
        for index, (param, value) in enumerate(values)
        if reasons[index] is None and param.pattern is not None and isinstance(value, str)
    ]
    results = match_in_process([(pattern, value) for _, pattern, value in compared])
    for (index, pattern, _), matches in zip(compared, results, strict=True):
        if matches is None:
            reasons[index] = f"takes too long to compare with {pattern}"
        elif not matches:
            reasons[index] = f"must match {pattern}"
    return reasons


def _refusal_without_pattern(param: Param, value: Scalar) -> str | None:
    """Return the reason to refuse a value regardless of its pattern, or None."""
    if isinstance(value, str):
        if "\0" in value:
            return "must not contain a NUL character"
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            return "has characters that are not text (half of a surrogate pair)"
        if size > MAX_VALUE_BYTES:
            return f"must have at most {MAX_VALUE_BYTES:,} bytes"
    if param.choices is not None and value not in param.choices:
        return f"must be {'' if len(param.choices) == 1 else 'one of '}{_list(param.choices)}"
    if param.pattern is not None and isinstance(value, str) and len(value) > MAX_MATCHED_CHARACTERS:
        return f"must have at most {MAX_MATCHED_CHARACTERS:,} characters, and match {param.pattern}"
    return None


def _list(choices: Sequence[Scalar]) -> str:
    texts = [short(as_text(choice)) for choice in choices[:20]]
    return ", ".join(texts) + (", …" if len(choices) > 20 else "")


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Turn warnings into errors: a pattern that Python warns about, such as `[[:alpha:]]`, is a mistake."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _pattern(table: dict[str, Any], param_type: Type, where: Place) -> str | None:
    if "pattern" not in table:
        return None
    pattern_place = where["pattern"]
    pattern = text(table["pattern"], pattern_place, "pattern", most=1_000)
    if pattern is None:
        return None
    if param_type not in _TEXT_TYPES:
        pattern_place.wrong(f"pattern is for strings; this parameter is {_TYPE_NAMES[param_type]}")
        return None
    try:
        with _no_warnings():
            re.compile(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        pattern_place.wrong(f"pattern is not a regular expression: {error}")
        return None
    return pattern


def _choices(table: dict[str, Any], param_type: Type, where: Place) -> tuple[Scalar, ...] | None:
    if "choices" not in table:
        return None
    choices_place, listed = where["choices"], table["choices"]
    if not isinstance(listed, list) or not 0 < len(listed) <= 500:
        choices_place.wrong("choices must be a list of 1 to 500 values")
        return None
    choices: list[Scalar] = []
    for index, choice in enumerate(listed):
        typed = _typed(choice, param_type)
        if typed is None:
            choices_place[index].wrong(f"a choice must be {_TYPE_NAMES[param_type]}, not {_description(choice)}")
        elif typed in choices:
            choices_place[index].wrong(f"the choice {short(choice)} is listed twice")
        else:
            choices.append(typed)
    return tuple(choices)
