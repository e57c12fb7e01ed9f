"""A pipeline: what its TOML file says, checked whole. Knows nothing of folders, tasks or who may run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import msgspec

from livewall.errors import BadInput
from livewall.names import is_name
from livewall.tasks.dependencies import MOST_NEEDS, circle, reach
from livewall.tasks.kinds import Kind, kinds
from livewall.tasks.kinds.run import OURS, VARIABLE
from livewall.tasks.pipelines.params import Param, declared
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.template import comparison, uses
from livewall.toml_file import LARGEST, decoded, parsed, read, too_large
from livewall.toml_lines import key_lines
from livewall.toml_problems import (
    Findings,
    Place,
    Problem,
    TomlFault,
    known_keys,
    meant,
    number,
    shown,
    text,
    whole,
    word,
)
from livewall.visible_text import readable

MOST_STEPS = 500
MOST_PARAMS = 100
_MONTH = 31 * 86400
_GIVEN = OURS | {"PATH", "HOME", "LANG"}


class StepDef(msgspec.Struct, frozen=True, kw_only=True):
    """A step as its pipeline defines it; times in seconds."""

    name: str
    kind: str
    body: dict[str, Any]
    """What the kind's check returned; of `run`: {"argv", "cwd", "env"}."""
    needs: tuple[str, ...] = ()
    when: str | None = None
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 0.0


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A definition that was checked. It is kept as JSON with each task that was started with it."""

    name: str
    title: str
    concurrency: int | None = None
    """How many of its tasks may run at once; None: any number."""
    secrets: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    steps: tuple[StepDef, ...]


def load(path: FilePath, file: str) -> Pipeline:
    """The pipeline of a file, which is called `file` in what is said of it. Raises TomlFault, OSError."""
    return parse(decoded(read(path), file), path.stem, file)


def parse(text: str, name: str, file: str, environment: Mapping[str, str] = {}) -> Pipeline:
    """The pipeline `name` that `text` defines. Raises TomlFault with every problem there is.

    `environment` is that of the server: a secret whose value there cannot be masked is a problem, too.
    """
    return checked(text, name, file, environment)[0]


def checked(
    text: str, name: str, file: str, environment: Mapping[str, str] = {}
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline as `parse` gives it, and notes about what is allowed and yet hardly meant."""
    if len(text.encode(errors="replace")) > LARGEST:
        raise TomlFault([too_large(file, "a pipeline")])
    table = parsed(text, file)
    findings = Findings(file, key_lines(text))
    made = _Checker(table, name, Place(findings), environment).pipeline()
    findings.done()
    return made, sorted(findings.notes, key=lambda note: note.line)


class _Checker:
    """Reads the parsed table. What is wrong goes to the findings, and something harmless takes its place."""

    def __init__(self, table: dict[str, Any], name: str, where: Place, environment: Mapping[str, str]) -> None:
        self._table = table
        self._environment = environment
        self._name = name
        self._where = where
        self._kinds = kinds()
        self._params: tuple[Param, ...] = ()

    def pipeline(self) -> Pipeline:
        table, where = self._table, self._where
        if not is_name(self._name):
            where.wrong(
                f"{shown(self._name)!r} is no name of a pipeline: letters, digits, '.', '_' and '-', at most 80,"
                " a letter or digit first; rename the file"
            )
        known_keys(table, ("title", "concurrency", "secrets", "params", "steps"), where, "a pipeline")
        title = self._title()
        concurrency = None
        if "concurrency" in table:
            concurrency = whole(table["concurrency"], where["concurrency"], "concurrency", least=1, most=1_000)
        secrets = self._secrets()
        self._params = tuple(self._declared())
        steps = tuple(self._steps())
        return Pipeline(
            name=self._name, title=title, concurrency=concurrency, secrets=secrets, params=self._params,
            steps=steps,
        )  # fmt: skip

    def _title(self) -> str:
        if "title" not in self._table:
            return self._name
        where = self._where["title"]
        title = text(self._table["title"], where, "title", most=500)
        try:
            return readable(title or self._name, "title")
        except BadInput as problem:
            where.wrong(f"title must be one line of text: it {problem.fields['title']}")
            return self._name

    def _timeout(self, table: dict[str, Any], where: Place) -> float | None:
        if "timeout" not in table:
            return None
        return number(table["timeout"], where["timeout"], "timeout", least=0, most=_MONTH, above=True)

    def _secrets(self) -> tuple[str, ...]:
        given, where = self._table.get("secrets", []), self._where["secrets"]
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            where.wrong("secrets must be a list of names of environment variables")
            return ()
        for place, name in enumerate(given):
            if not VARIABLE.fullmatch(name):
                where[place].wrong(f"{shown(name)!r} is no name of a variable: letters, digits and _")
            elif name in _GIVEN:
                where[place].wrong(f"{name} is no secret: every step gets one")
            elif name in given[:place]:
                where[place].wrong(f"{name} is there twice")
            elif name in self._environment and (why := refusal(self._environment[name])):
                where[place].wrong(f"the value of {name} in the environment {why}")
        return tuple(given)

    def _declared(self) -> Iterator[Param]:
        given, where = self._table.get("params", {}), self._where["params"]
        if not isinstance(given, dict):
            where.wrong(f"params must be tables, [params.NAME], not {word(given)}")
        elif len(given) > MOST_PARAMS:
            where.wrong(f"a pipeline has at most {MOST_PARAMS} parameters")
        else:
            for name, table in given.items():
                param = declared(name, table, where[name])
                # One that is wrong is there nevertheless: the texts that use it are right.
                yield param or Param(name=name)

    def _steps(self) -> list[StepDef]:
        given, where = self._table.get("steps"), self._where["steps"]
        if given is None or given == []:
            where.wrong("a pipeline needs steps: [[steps]]")
            return []
        if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
            where.wrong("steps must be tables, each begun by [[steps]]")
            return []
        if len(given) > MOST_STEPS:
            where.wrong(f"a pipeline has at most {MOST_STEPS} steps; these are {len(given):,}")
            return []
        steps = [self._step(table, where[place]) for place, table in enumerate(given)]
        self._names(steps, where)
        self._needs(steps, where)
        self._texts(steps, where)
        return steps

    def _step(self, table: dict[str, Any], where: Place) -> StepDef:
        common = {"name", "needs", "when", "timeout", "retries", "retry_delay"}
        known_keys(table, [*common, *(key for kind in self._kinds.values() for key in kind.keys)], where, "a step")
        name = table.get("name")
        if name is None:
            where.wrong("the step has no name")
        elif not isinstance(name, str) or not is_name(name):
            where["name"].wrong(
                f"{shown(name)!r} is no name of a step: letters, digits, '.', '_' and '-', at most 80,"
                " a letter or digit first"
            )
        kind, body = self._body(table, where)
        when = None
        if "when" in table and (when := text(table["when"], where["when"], "when", most=10_000)):
            try:
                comparison(when)
            except ValueError as error:
                where["when"].wrong(str(error))
        retries: int | None = 0
        if "retries" in table:
            retries = whole(table["retries"], where["retries"], "retries", least=0, most=100)
        delay: float | None = 0.0
        if "retry_delay" in table:
            delay = number(table["retry_delay"], where["retry_delay"], "retry_delay", least=0, most=86_400)
        return StepDef(
            name=name if isinstance(name, str) else "", kind=kind.key if kind else "", body=body,
            needs=self._needed(table, where["needs"]), when=when, timeout=self._timeout(table, where),
            retries=retries or 0, retry_delay=delay or 0.0,
        )  # fmt: skip

    def _body(self, table: dict[str, Any], where: Place) -> tuple[Kind | None, dict[str, Any]]:
        chosen = [kind for key, kind in self._kinds.items() if key in table]
        if len(chosen) != 1:
            where.wrong(_wanting(list(self._kinds), chosen))
            return None, {}
        before = len(where.findings.problems)
        body = chosen[0].check(table, where)
        # A body with problems is not looked at again for what it uses.
        return (chosen[0], body) if len(where.findings.problems) == before else (None, {})

    def _needed(self, table: Mapping[str, Any], where: Place) -> tuple[str, ...]:
        given = table.get("needs", [])
        if not isinstance(given, list) or not all(isinstance(need, str) for need in given):
            where.wrong('needs must be a list of names of steps, such as ["fetch"]')
            return ()
        return tuple(given)

    def _names(self, steps: list[StepDef], where: Place) -> None:
        first: dict[str, int] = {}
        for place, step in enumerate(steps):
            if step.name and first.setdefault(step.name, place) != place:
                where[place]["name"].wrong(f"there are two steps {shown(step.name)}")

    def _needs(self, steps: list[StepDef], where: Place) -> None:
        names = {step.name: place for place, step in enumerate(steps)}
        if sum(len(step.needs) for step in steps) > MOST_NEEDS:
            return where.wrong(f"a pipeline has at most {MOST_NEEDS:,} needs, those of all steps together")
        for place, step in enumerate(steps):
            for at, need in enumerate(step.needs):
                here = where[place]["needs"][at]
                if where.findings.full:
                    return
                if need not in names:
                    near = meant(need, names)
                    here.wrong(f"{step.name} needs {shown(need)}, which is no step{near}")
                elif need in step.needs[:at]:
                    here.wrong(f"{step.name} needs {need} twice")
        if found := circle({step.name: [need for need in step.needs if need in names] for step in steps}):
            said = " → ".join(found)
            where[names[found[0]]]["needs"].wrong(f"the needs go round in a circle: {said}")

    def _texts(self, steps: list[StepDef], where: Place) -> None:
        """Every place to be filled names a parameter, or an output of a step that has ended by then."""
        params = [param.name for param in self._params]
        before = reach({step.name: step.needs for step in steps})
        for place, step in enumerate(steps):
            texts = [] if not step.kind else list(self._kinds[step.kind].texts(step.body))
            texts += [] if step.when is None else [(("when",), step.when)]
            for path, filled in texts:
                for use in dict.fromkeys(uses(filled)) if not where.findings.full else ():
                    here = Place(where.findings, (*where[place].path, *path))
                    if use.step is None:
                        if use.name not in params:
                            near = meant(use.name, params)
                            here.wrong(f"{{params.{use.name}}} is no parameter of this pipeline{near}")
                    elif use.step not in before:
                        here.wrong(f"{{steps.{use.step}.{use.name}}}: there is no such step{meant(use.step, before)}")
                    elif use.step not in before[step.name]:
                        here.wrong(
                            f"{{steps.{use.step}.{use.name}}}: {step.name} does not need {use.step},"
                            " so it may not have ended by then"
                        )


def _wanting(kinds: Sequence[str], chosen: Sequence[Kind]) -> str:
    """Say which key a step lacks that says what it does, or that it has several."""
    if chosen:
        return f"a step does one thing; it has {' and '.join(kind.key for kind in chosen)}"
    if len(kinds) == 1:
        return f'the step does nothing: give it a command, such as {kinds[0]} = ["make", "-C", "src"]'
    return f"the step does nothing: give it one of the keys {', '.join(kinds)}"
