"""The placeholders in the texts of a step, and the comparison in `when`. No shell ever sees these texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from livewall.errors import Refused
from livewall.names import NAME

Scalar = str | int | float | bool
Params = Mapping[str, Scalar]
Outputs = Mapping[str, Mapping[str, str]]
"""The outputs of steps: step -> name -> value."""
HostValues = Mapping[str, str]
"""The `name` and the `address` of the host for which a text is filled in."""

PARAM = r"[A-Za-z_][A-Za-z0-9_-]{0,79}"
OUTPUT = r"[A-Za-z_][A-Za-z0-9_]{0,79}"
# Names of steps may contain dots and names of outputs may not, so the last dot separates them.
_PLACE = re.compile(
    rf"\{{(?:params\.(?P<param>{PARAM})|host\.(?P<host>name|address)|steps\.(?P<step>{NAME})\.(?P<name>{OUTPUT}))\}}"
)
_COMPARISON = re.compile(r"([=!]=)")


class MissingOutput(Refused):
    """A text uses an output that its step did not write."""

    def __init__(self, step: str, name: str) -> None:
        super().__init__("conflict", f"step {step} gave no output {name}")
        self.step = step
        self.name = name


class Use(NamedTuple):
    """A placeholder: a parameter (`step` is None), or an output of a step."""

    step: str | None
    name: str


def uses(text: str) -> Iterator[Use]:
    """Yield the placeholders of a text, except those of a host."""
    for match in _PLACE.finditer(text):
        if not match["host"]:
            yield Use(match["step"], match["param"] or match["name"])


def uses_host(text: str) -> bool:
    """Return whether a text has `{host.name}` or `{host.address}`."""
    return any(match["host"] for match in _PLACE.finditer(text))


def as_text(value: Scalar) -> str:
    """Return the value of a parameter as text: true and false as in TOML, integers without a decimal point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def fill(text: str, params: Params, outputs: Outputs, host: HostValues | None = None) -> str:
    """Return `text` with its placeholders replaced, those of a host only if there is one.

    Braces in the values are not replaced again. Raises MissingOutput.
    """

    def value(match: re.Match[str]) -> str:
        if match["param"]:
            return as_text(params[match["param"]])
        if match["host"]:
            return match[0] if host is None else host[match["host"]]
        step, name = match["step"], match["name"]
        try:
            return outputs[step][name]
        except KeyError:
            raise MissingOutput(step, name) from None

    return _PLACE.sub(value, text)


def comparison(when: str) -> tuple[str, bool, str]:
    """Return both sides of `when`, unfilled, and whether they must be equal. Raises ValueError with the reason."""
    parts = _COMPARISON.split(when)
    if len(parts) != 3 or parts[2].startswith("="):
        raise ValueError("when must be one comparison: A == B or A != B")
    left, sign, right = parts[0].strip(), parts[1], parts[2].strip()
    if not left:
        raise ValueError(f"when has nothing before {sign}")
    for side in (left, right):
        if len(side) > 1 and side[0] == side[-1] and side[0] in "\"'":
            raise ValueError(f"when compares text as it is: write {side[1:-1]} without the quotes")
    return left, sign == "==", right


def when_holds(when: str, params: Params, outputs: Outputs) -> bool:
    """Return whether the comparison holds for the filled and stripped sides. Raises MissingOutput."""
    left, equal, right = comparison(when)
    return (fill(left, params, outputs).strip() == fill(right, params, outputs).strip()) is equal
