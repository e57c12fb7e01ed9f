"""The table `[on_failure]` of a pipeline: the poll that a failed task asks, and the pipeline that it may start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from livewall.names import is_name
from livewall.tasks.kinds.poll_table import check_poll, poll_texts
from livewall.toml_lines import Path
from livewall.toml_problems import Place, known_keys, short, type_name

MAX_PARAMS = 100
MAX_VALUE = 10_000


class Starts(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline that is started if the poll passes with the option `when`; values of `params` have placeholders."""

    pipeline: str
    when: str
    params: dict[str, str] = {}


class OnFailure(msgspec.Struct, frozen=True, kw_only=True):
    """The poll, as it stands in the file, and what it starts. Without `starts`, it only asks."""

    poll: dict[str, Any]
    starts: Starts | None = None

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Yield every text with values to fill in, and its path in the table."""
        for key, given in poll_texts(self.poll):
            yield ("poll", key), given
        for name, value in self.starts.params.items() if self.starts else ():
            yield ("starts", "params", name), value


def check_on_failure(given: Any, where: Place) -> OnFailure | None:
    """Return the checked table, or None with problems reported at their place."""
    before = len(where.findings.problems)
    if not isinstance(given, dict):
        where.wrong(f"on_failure must be a table, [on_failure], not {type_name(given)}")
        return None
    known_keys(given, ("poll", "starts"), where, "on_failure")
    poll: dict[str, Any] = {}
    options: list[str] = []
    if "poll" in given:
        poll, options = check_poll(given["poll"], where["poll"], "the poll of on_failure")
    else:
        where.wrong("on_failure needs a poll: poll = { wall = …, title = …, options = […] }")
    starts = _starts(given["starts"], where["starts"], options) if "starts" in given else None
    return OnFailure(poll=poll, starts=starts) if len(where.findings.problems) == before else None


def _starts(given: Any, where: Place, options: list[str]) -> Starts | None:
    if not isinstance(given, dict):
        where.wrong(f"starts must be a table with pipeline, when and params, not {type_name(given)}")
        return None
    known_keys(given, ("pipeline", "when", "params"), where, "starts")
    pipeline, when, params = given.get("pipeline"), given.get("when"), given.get("params", {})
    if pipeline is None:
        where.wrong("starts needs the name of a pipeline: pipeline")
    elif not isinstance(pipeline, str) or not is_name(pipeline):
        where["pipeline"].wrong(f"{short(pipeline)!r} is not the name of a pipeline")
    if options and when not in options:
        said = f", not {short(when)}" if "when" in given else ""
        where["when"].wrong(f"when must be one of the options of the poll{said}")
    return Starts(pipeline=pipeline or "", when=when or "", params=_params(params, where["params"]))


def _params(given: Any, where: Place) -> dict[str, str]:
    if not isinstance(given, Mapping):
        where.wrong(f"params must be a table of texts, not {type_name(given)}")
        return {}
    if len(given) > MAX_PARAMS:
        where.wrong(f"a pipeline has at most {MAX_PARAMS} parameters")
        return {}
    for name, value in given.items():
        if not isinstance(value, str):
            where[name].wrong(f'{short(name)} must be text, such as "{{params.ref}}", not {type_name(value)}')
        elif len(value) > MAX_VALUE:
            where[name].wrong(f"{short(name)} must have at most {MAX_VALUE:,} characters")
    return dict(given)
