"""A pipeline's parameters: how its file declares them, and the values that somebody gives.

A value is only ever text in an argument, however it looks: braces, dashes, newlines, shell characters. What is
refused is what cannot be one: a NUL character, and more than a command's argument may hold.
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
from livewall.tasks.pipelines.pattern_matching import beside
from livewall.tasks.template import PARAM, Scalar, as_text
from livewall.toml_problems import Place, known_keys, meant, shown, text, word
from livewall.visible_text import matching

if TYPE_CHECKING:
    from livewall.tasks.pipelines.pipeline import Pipeline

Type = Literal["string", "integer", "number", "boolean"]
LONGEST = 120_000
"""Bytes of a value: Linux takes 128 KiB in one argument."""
FAULTS = 100
"""Parameters that do not exist of which it is said; a body may hold very many."""
MEANT = 3
"""Of so many of them it is also said what may have been meant: looking for that takes milliseconds."""
MATCHED = 1_000
"""Characters of a value that has to match a pattern."""
_SAFE = 1 << 53  # whole numbers that are the same in every language that reads JSON
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A declared parameter; without a `default` it must be given."""

    name: str
    type: Type = "string"
    default: Scalar | None = None
    pattern: str | None = None
    choices: tuple[Scalar, ...] | None = None


def declared(name: str, table: Any, where: Place) -> Param | None:
    """The parameter that a table `[params.NAME]` declares, or None and problems."""
    if not re.fullmatch(PARAM, name):
        where.wrong(f"{shown(name)!r} is no name of a parameter: a letter first, then letters, digits, _ and -")
    if not isinstance(table, dict):
        where.wrong(f"a parameter is a table, [params.{shown(name)}], not {word(table)}")
        return None
    known_keys(table, ("type", "default", "pattern", "choices"), where, "a parameter")
    param_type = table.get("type", "string")
    if param_type not in get_args(Type):
        near = meant(param_type, get_args(Type)) if isinstance(param_type, str) else ""
        where["type"].wrong(f"type must be one of {', '.join(get_args(Type))}, not {shown(param_type)}{near}")
        return None
    pattern = _pattern(table, param_type, where)
    choices = _choices(table, param_type, where)
    param = Param(name=name, type=param_type, pattern=pattern, choices=choices)
    default = _typed(table["default"], param_type) if "default" in table else None
    values = [*(choices or ()), *([] if default is None else [default])]
    whys = _why_not([(param, value) for value in values])
    for place, choice in enumerate(choices or ()):
        if pattern and (why := whys[place]):
            where["choices"][place].wrong(f"the choice {shown(choice)} {why}")
    if "default" not in table:
        return param
    if default is None:
        where["default"].wrong(f"default must be {_KINDS[param_type]}, not {_said(table['default'])}")
    elif why := whys[-1]:
        where["default"].wrong(f"the default {why}")
    return msgspec.structs.replace(param, default=default)


def check_params(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Scalar]:
    """A value for every parameter, from what a program, a form or a command line gave.

    Raises BadInput (`invalid`) whose fields `params.NAME` say of every wrong one what is wrong with it. Blocks where
    there are patterns: to be called in a thread.
    """
    known = {param.name: param for param in pipeline.params}
    faults: dict[str, str] = {}
    values: dict[str, Scalar] = {}
    for name in given:
        if len(faults) == FAULTS:
            break
        if name not in known:
            near = meant(name, known) if len(faults) < MEANT else ""
            faults[f"params.{name[:80]}"] = f"is no parameter of {pipeline.name}{near}"
    for name, param in known.items():
        value = given.get(name)
        if name not in given or (param.type != "string" and value == ""):  # an empty field of a form
            if param.default is None:
                faults[f"params.{name}"] = "is needed"
            else:
                values[name] = param.default
            continue
        typed = _converted(value, param.type)
        if typed is None:
            faults[f"params.{name}"] = f"must be {_KINDS[param.type]}, not {_said(value)}"
        else:
            values[name] = _chosen(param, typed)
    given_ones = [(known[name], value) for name, value in values.items() if name in given]
    wrong = {param.name: why for (param, _), why in zip(given_ones, _why_not(given_ones), strict=True) if why}
    if faults or wrong:
        faults |= {f"params.{name}": why for name, why in wrong.items()}
        faults = {field: faults[field] for field in _in_order(faults, known)}
        field, why = next(iter(faults.items()))
        raise BadInput("invalid", f"{field}: {why}", fields=faults)
    return values


_KINDS: Mapping[Type, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return repr(shown(value)) if isinstance(value, str) else word(value)


def _typed(value: Any, param_type: Type) -> Scalar | None:
    """The value if it is of the type; a whole number is a number too."""
    if isinstance(value, bool):
        return value if param_type == "boolean" else None
    if isinstance(value, str):
        return value if param_type == "string" else None
    if isinstance(value, int) and abs(value) <= _SAFE:
        return value if param_type == "integer" else float(value) if param_type == "number" else None
    if isinstance(value, float) and param_type == "number" and math.isfinite(value):
        return value
    return None


def _converted(value: Any, param_type: Type) -> Scalar | None:
    """The same, where text may stand for a number or for true and false."""
    if param_type == "string" or not isinstance(value, str) or len(value) > 100:
        return _typed(value, param_type)
    said = value.strip()
    if param_type == "boolean":
        return _WORDS.get(said.lower())
    number = r"[+-]?[0-9]+" if param_type == "integer" else r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    if not re.fullmatch(number, said):
        return None
    return _typed(int(said) if param_type == "integer" else float(said), param_type)


def _chosen(param: Param, value: Scalar) -> Scalar:
    """The choice that was meant, where it was typed in another Unicode form; else the value as it is."""
    texts = [choice for choice in param.choices or () if isinstance(choice, str)]
    found = matching(value, texts) if isinstance(value, str) and texts else []
    return texts[found[0]] if len(found) == 1 else value


def _in_order(faults: Mapping[str, str], known: Mapping[str, Param]) -> list[str]:
    """Those that do not exist first, then the others in the order of their declaration."""
    places = {f"params.{name}": place for place, name in enumerate(known)}
    return sorted(faults, key=lambda field: places.get(field, -1))


def _why_not(values: Sequence[tuple[Param, Scalar]]) -> list[str | None]:
    """For each value of the right type why it cannot be taken, or None; all patterns share one budget of time."""
    whys = [_plainly_not(param, value) for param, value in values]
    compared = [
        (place, param.pattern, value)
        for place, (param, value) in enumerate(values)
        if whys[place] is None and param.pattern is not None and isinstance(value, str)
    ]
    found = beside([(pattern, value) for _, pattern, value in compared])
    for (place, pattern, _), matches in zip(compared, found, strict=True):
        if matches is None:
            whys[place] = f"takes too long to compare with {pattern}"
        elif not matches:
            whys[place] = f"must match {pattern}"
    return whys


def _plainly_not(param: Param, value: Scalar) -> str | None:
    """Why a value cannot be taken whatever its pattern says, or None."""
    if isinstance(value, str):
        if "\0" in value:
            return "must not contain a NUL character"
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            return "has characters that are no text (half of a surrogate pair)"
        if size > LONGEST:
            return f"must have at most {LONGEST:,} bytes"
    if param.choices is not None and value not in param.choices:
        return f"must be {'' if len(param.choices) == 1 else 'one of '}{_list(param.choices)}"
    if param.pattern is not None and isinstance(value, str) and len(value) > MATCHED:
        return f"must have at most {MATCHED:,} characters, and match {param.pattern}"
    return None


def _list(choices: Sequence[Scalar]) -> str:
    said = [shown(as_text(choice)) for choice in choices[:20]]
    return ", ".join(said) + (", …" if len(choices) > 20 else "")


@contextmanager
def _no_warnings() -> Iterator[None]:
    """What Python warns of in a pattern (`[[:alpha:]]`) is not what its author meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _pattern(table: dict[str, Any], param_type: Type, where: Place) -> str | None:
    if "pattern" not in table:
        return None
    here = where["pattern"]
    pattern = text(table["pattern"], here, "pattern", most=1_000)
    if pattern is None:
        return None
    if param_type != "string":
        here.wrong(f"pattern is for strings; this parameter is {_KINDS[param_type]}")
        return None
    try:
        with _no_warnings():
            re.compile(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        here.wrong(f"pattern is no regular expression: {error}")
        return None
    return pattern


def _choices(table: dict[str, Any], param_type: Type, where: Place) -> tuple[Scalar, ...] | None:
    if "choices" not in table:
        return None
    here, given = where["choices"], table["choices"]
    if not isinstance(given, list) or not 0 < len(given) <= 500:
        here.wrong("choices must be a list of 1 to 500 values")
        return None
    found: list[Scalar] = []
    for place, choice in enumerate(given):
        typed = _typed(choice, param_type)
        if typed is None:
            here[place].wrong(f"a choice must be {_KINDS[param_type]}, not {_said(choice)}")
        elif typed in found:
            here[place].wrong(f"the choice {shown(choice)} is there twice")
        else:
            found.append(typed)
    return tuple(found)
