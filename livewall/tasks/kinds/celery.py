"""Steps that send a task to the workers of a Celery app and follow it: `celery`, a table with `task` and its arguments.

Celery is imported by the program alone (`livewall/tasks/programs/celery_task.py`), never by the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values, program
from livewall.tasks.kinds.command import VARIABLE
from livewall.toml_lines import Path
from livewall.toml_problems import Place, known_keys, short, text, type_name

VARIABLES = {"broker": "CELERY_BROKER_URL", "backend": "CELERY_RESULT_BACKEND"}
"""The variables of the server that hold the addresses, where a step names no others."""
MAX_NAME = 500
MAX_TEXT = 100_000
MAX_VALUES = 1_000
MAX_DEPTH = 20
_EXAMPLE = '{ task = "shop.tasks.reindex", args = ["{params.ref}"] }'


class Celery:
    key = "celery"
    keys = frozenset({"celery"})

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        given, here = table["celery"], where["celery"]
        if not isinstance(given, dict):
            here.wrong(f"celery must be a table, such as {_EXAMPLE}, not {type_name(given)}")
            return {}
        known_keys(given, ("task", "args", "kwargs", "queue", *VARIABLES, "terminate"), here, "celery")
        if "task" not in given:
            here.wrong("celery needs a task, the name under which the workers know it")
        terminate = given.get("terminate", False)
        if not isinstance(terminate, bool):
            here["terminate"].wrong(f"terminate must be true or false, not {type_name(terminate)}")
        queue = text(given["queue"], here["queue"], "queue", most=MAX_NAME) if "queue" in given else None
        return {
            "task": text(given["task"], here["task"], "task", most=MAX_NAME) if "task" in given else "",
            "args": self._arguments(given.get("args", []), here["args"], list, 'a list, such as ["a", 1]'),
            "kwargs": self._arguments(
                given.get("kwargs", {}), here["kwargs"], dict, "a table, such as { full = true }"
            ),
            "queue": queue,
            **{key: self._variable(given.get(key, name), here[key], key) for key, name in VARIABLES.items()},
            "terminate": terminate,
        }

    def _variable(self, given: Any, where: Place, key: str) -> str:
        """Check the name of a variable. What may be an address is not repeated: it may hold a password."""
        if not isinstance(given, str) or not VARIABLE.fullmatch(given):
            where.wrong(
                f"{key} must be the name of a variable of the server that holds the address, such as"
                f' "{VARIABLES[key]}", not the address itself'
            )
            return ""
        return given

    def _arguments(self, given: Any, where: Place, kind: type, described: str) -> Any:
        if not isinstance(given, kind):
            where.wrong(f"{where.path[-1]} must be {described}, not {type_name(given)}")
            return kind()
        _check_values(given, where)
        return given

    def variables(self, body: Mapping[str, Any]) -> dict[str, str]:
        """Return the names of the variables of the server that a step needs, by the keys that choose them."""
        return {key: body[key] for key in VARIABLES}

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for key in ("task", "queue"):
            if body[key] is not None:
                yield ("celery", key), body[key]
        for key in ("args", "kwargs"):
            for path, value in _leaves(body[key]):
                if isinstance(value, str):
                    yield ("celery", key, *path), value

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        return program(
            "celery_task",
            {
                **step,
                "task": values.fill(step["task"]),
                "queue": None if step["queue"] is None else values.fill(step["queue"]),
                "args": _mapped(step["args"], values.fill),
                "kwargs": _mapped(step["kwargs"], values.fill),
            },
        )


def _check_values(given: Any, where: Place) -> None:
    """Report arguments that JSON does not have, and too many or too long ones."""
    for count, (path, value) in enumerate(_leaves(given)):
        here = where
        for key in path:
            here = here[key]
        if count >= MAX_VALUES or len(path) > MAX_DEPTH:
            where.wrong(f"{where.path[-1]} must have at most {MAX_VALUES:,} values, nested at most {MAX_DEPTH} deep")
            return
        if isinstance(value, str):
            if value:  # an argument may be empty
                text(value, here, "an argument", most=MAX_TEXT)
        elif not isinstance(value, int | float):
            here.wrong(f"an argument must be text, a number, true or false, a list or a table, not {short(value)}")
        elif value != value or value in (float("inf"), float("-inf")):
            here.wrong("an argument must be a number that JSON has, not nan or inf")


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(each, (*path, key))
    else:
        yield path, value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return nested arguments with `change` applied to every text. Keys stay as they are."""
    if isinstance(value, dict):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    return change(value) if isinstance(value, str) else value
