"""A pipeline, parsed from its TOML file and checked. Knows nothing of folders, tasks or rights."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import msgspec

from livewall.errors import BadInput
from livewall.identity import either
from livewall.names import is_name
from livewall.tasks.dependencies import MAX_NEEDS, all_needs, find_cycle
from livewall.tasks.hosts.inventory import Host, SshOptions, check_inventory, check_ssh, read_inventory
from livewall.tasks.hosts.step_hosts import HOST_KEYS, StepHosts, check_step_hosts
from livewall.tasks.kinds import Kind, kinds
from livewall.tasks.kinds.command import RESERVED_VARIABLES, VARIABLE
from livewall.tasks.kinds.git import repository_of
from livewall.tasks.pipelines.on_failure import OnFailure, check_on_failure
from livewall.tasks.pipelines.params import Param, parse_param
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.template import Use, comparison, uses, uses_host
from livewall.tasks.webhooks.definition import Webhook, check_webhooks
from livewall.toml_file import LARGEST, decoded, parsed, read, too_large
from livewall.toml_lines import key_lines
from livewall.toml_problems import (
    Findings,
    Place,
    Problem,
    TomlFault,
    did_you_mean,
    known_keys,
    number,
    short,
    text,
    type_name,
    whole,
)
from livewall.visible_text import readable

MAX_STEPS = 500
MAX_PARAMS = 100
RUNNING_KEYS = frozenset({"timeout", "retries", "retry_delay", "idempotent"})
"""The keys of a step that are about its command."""
_COMMON_KEYS = frozenset({"name", "needs", "when"}) | RUNNING_KEYS | HOST_KEYS
_MONTH = 31 * 86400
_INVENTORY_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

Beside = Callable[[str], bytes]
"""Returns the bytes of a file beside a pipeline, by its name. Raises OSError."""
_PREDEFINED = RESERVED_VARIABLES | {"PATH", "HOME", "LANG"}


class StepDef(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a step; times are in seconds."""

    name: str
    kind: str
    body: dict[str, Any]
    """The result of the kind's `check`; for `run`, a dict of `argv`, `cwd` and `env`."""
    needs: tuple[str, ...] = ()
    when: str | None = None
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 0.0
    hosts: StepHosts | None = None
    idempotent: bool = False
    """Whether it may be run again when its end was not seen."""


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A checked definition. It is stored as JSON with each task that was started from it."""

    name: str
    title: str
    concurrency: int | None = None
    """How many of its tasks may run at once; None means any number."""
    secrets: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    on_failure: OnFailure | None = None
    room: str | None = None
    """The room that is told what becomes of its tasks."""
    inventory: dict[str, tuple[Host, ...]] = {}
    ssh: SshOptions = SshOptions()
    steps: tuple[StepDef, ...]

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets of its webhooks, which steps do not get."""
        return tuple(webhook.secret for webhook in self.webhooks if webhook.secret is not None)


def load(path: FilePath, file: str) -> Pipeline:
    """Return the pipeline of a file, which messages call `file`. Raises TomlFault, OSError."""
    return parse(decoded(read(path), file), path.stem, file, beside=lambda name: read(path.with_name(name)))


def parse(
    text: str,
    name: str,
    file: str,
    environment: Mapping[str, str] = {},
    *,
    complete: bool = False,
    beside: Beside | None = None,
) -> Pipeline:
    """Return the pipeline `name` that `text` defines. Raises TomlFault with all problems.

    `environment` is that of the server: a secret whose value cannot be masked is a problem as well. If it is
    `complete`, so is a secret of a webhook that it does not have.
    """
    return checked(text, name, file, environment, complete=complete, beside=beside)[0]


def checked(
    text: str,
    name: str,
    file: str,
    environment: Mapping[str, str] = {},
    *,
    complete: bool = False,
    beside: Beside | None = None,
) -> tuple[Pipeline, list[Problem]]:
    """Return the pipeline, and notes about things that are allowed but probably mistakes. Raises TomlFault.

    The problems of an inventory beside the pipeline are among its problems, with their own file.
    """
    if len(text.encode(errors="replace")) > LARGEST:
        raise TomlFault([too_large(file, "a pipeline")])
    table = parsed(text, file)
    findings = Findings(file, key_lines(text))
    checker = _Checker(table, name, Place(findings), environment, complete=complete, beside=beside)
    pipeline = checker.pipeline()
    if checker.problems_beside:
        raise TomlFault([*checker.problems_beside, *findings.problems])
    findings.done()
    return pipeline, sorted(findings.notes, key=lambda note: note.line)


class _Checker:
    """Checks the parsed table. Problems go to the findings, and a harmless value takes the place of a wrong one."""

    def __init__(
        self,
        table: dict[str, Any],
        name: str,
        where: Place,
        environment: Mapping[str, str],
        *,
        complete: bool,
        beside: Beside | None,
    ) -> None:
        self.problems_beside: list[Problem] = []
        self._table = table
        self._beside = beside
        self._inventory: dict[str, tuple[Host, ...]] = {}
        self._known_hosts: dict[str, tuple[Host, ...]] | None = None
        """The inventory, unless it has problems."""
        self._complete = complete
        self._environment = environment
        self._name = name
        self._where = where
        self._kinds = kinds()
        self._params: tuple[Param, ...] = ()
        self._secret_names: tuple[str, ...] = ()

    def pipeline(self) -> Pipeline:
        table, where = self._table, self._where
        if not is_name(self._name):
            where.wrong(
                f"{short(self._name)!r} is not the name of a pipeline: letters, digits, '.', '_' and '-', at most 80,"
                " a letter or digit first; rename the file"
            )
        known = (
            "title", "concurrency", "secrets", "params", "inventory", "ssh", "steps", "webhooks", "on_failure",
            "room",
        )  # fmt: skip
        known_keys(table, known, where, "a pipeline")
        title = self._title()
        concurrency = None
        if "concurrency" in table:
            concurrency = whole(table["concurrency"], where["concurrency"], "concurrency", least=1, most=1_000)
        secrets = self._secret_names = self._secrets()
        self._params = tuple(self._declared())
        before = len(where.findings.problems)
        self._inventory = self._hosts()
        faulty = len(where.findings.problems) > before or self.problems_beside
        self._known_hosts = None if faulty else self._inventory
        ssh = check_ssh(table["ssh"], where["ssh"]) if "ssh" in table else SshOptions()
        steps = tuple(self._steps())
        webhooks = check_webhooks(
            table.get("webhooks", []), where["webhooks"], self._environment, _PREDEFINED, complete=self._complete
        )
        return Pipeline(
            name=self._name, title=title, concurrency=concurrency, secrets=secrets, params=self._params,
            webhooks=tuple(webhooks), on_failure=self._on_failure(steps), inventory=self._inventory, ssh=ssh,
            steps=steps, room=self._room(),
        )  # fmt: skip

    def _room(self) -> str | None:
        if "room" not in self._table:
            return None
        where = self._where["room"]
        room = text(self._table["room"], where, "room", most=80)
        if room is not None and not is_name(room):
            where.wrong(f"{short(room)!r} is not the name of a room")
        return room

    def _hosts(self) -> dict[str, tuple[Host, ...]]:
        """Return the inventory, from the pipeline or from the file that it names."""
        if "inventory" not in self._table:
            return {}
        given, where = self._table["inventory"], self._where["inventory"]
        if not isinstance(given, str):
            return check_inventory(given, where)
        if not _INVENTORY_FILE.fullmatch(given):
            where.wrong(f'{short(given)!r} is not the name of a file beside the pipeline, such as "hosts.toml"')
            return {}
        try:
            if self._beside is None:
                raise FileNotFoundError(2, "there is no folder of this pipeline")
            groups, self.problems_beside = read_inventory(self._beside(given), given)
        except OSError as error:
            where.wrong(f"the inventory {given} beside the pipeline cannot be read: {error.strerror or error}")
            return {}
        return groups

    def _on_failure(self, steps: Sequence[StepDef]) -> OnFailure | None:
        if "on_failure" not in self._table:
            return None
        where = self._where["on_failure"]
        on_failure = check_on_failure(self._table["on_failure"], where)
        if on_failure is not None:
            names = [step.name for step in steps]
            for path, filled in on_failure.texts():
                self._uses(filled, Place(where.findings, (*where.path, *path)), names)
        return on_failure

    def _title(self) -> str:
        if "title" not in self._table:
            return self._name
        where = self._where["title"]
        title = text(self._table["title"], where, "title", most=500)
        if title and (any(uses(title)) or uses_host(title)):
            where.wrong("title is shown to everybody and has no parameters: parameters are for operators only")
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
        names, where = self._table.get("secrets", []), self._where["secrets"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            where.wrong("secrets must be a list of names of environment variables")
            return ()
        for index, name in enumerate(names):
            if not VARIABLE.fullmatch(name):
                where[index].wrong(f"{short(name)!r} is not the name of a variable: letters, digits and _")
            elif name in _PREDEFINED:
                where[index].wrong(f"{name} cannot be a secret: every step gets it")
            elif name in names[:index]:
                where[index].wrong(f"{name} is listed twice")
            elif name in self._environment and (why := refusal(self._environment[name])):
                where[index].wrong(f"the value of {name} in the environment {why}")
        return tuple(names)

    def _declared(self) -> Iterator[Param]:
        tables, where = self._table.get("params", {}), self._where["params"]
        if not isinstance(tables, dict):
            where.wrong(f"params must be tables, [params.NAME], not {type_name(tables)}")
        elif len(tables) > MAX_PARAMS:
            where.wrong(f"a pipeline has at most {MAX_PARAMS} parameters")
        else:
            for name, table in tables.items():
                param = parse_param(name, table, where[name])
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
        if len(given) > MAX_STEPS:
            where.wrong(f"a pipeline has at most {MAX_STEPS} steps; these are {len(given):,}")
            return []
        steps = [self._step(table, where[index]) for index, table in enumerate(given)]
        self._names(steps, where)
        self._needs(steps, where)
        self._texts(steps, where)
        self._git_refs(steps)
        return steps

    def _step(self, table: dict[str, Any], where: Place) -> StepDef:
        known = [*_COMMON_KEYS, *(key for kind in self._kinds.values() for key in kind.keys)]
        known_keys(table, known, where, "a step")
        name = table.get("name")
        if name is None:
            where.wrong("the step has no name")
        elif not isinstance(name, str) or not is_name(name):
            where["name"].wrong(
                f"{short(name)!r} is not the name of a step: letters, digits, '.', '_' and '-', at most 80,"
                " a letter or digit first"
            )
        kind, body = self._body(table, where)
        if kind and not getattr(kind, "runs", True):
            for key in RUNNING_KEYS & table.keys():
                where[key].wrong(f"{key} has no meaning for a step that runs no command")
        if kind:
            for key in table.keys() & set(known) - _COMMON_KEYS - kind.keys:
                where[key].wrong(f"{key} has no meaning for a step of the kind {kind.key}")
            self._variables(kind, body, where)
        hosts = self._step_hosts(kind, table, where)
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
            retries=retries or 0, retry_delay=delay or 0.0, hosts=hosts, idempotent=self._idempotent(table, where),
        )  # fmt: skip

    def _step_hosts(self, kind: Kind | None, table: dict[str, Any], where: Place) -> StepHosts | None:
        allowed = getattr(kind, "hosts", "")
        if kind and not allowed:
            for key in HOST_KEYS & table.keys():
                where[key].wrong(f"{key} has no meaning for a step of the kind {kind.key}, which runs on no hosts")
            return None
        if kind and allowed == "must" and "hosts" not in table:
            where.wrong(f'a step of the kind {kind.key} needs hosts, such as hosts = "web"')
        return check_step_hosts(table, where, self._known_hosts)

    def _idempotent(self, table: dict[str, Any], where: Place) -> bool:
        given = table.get("idempotent", False)
        if not isinstance(given, bool):
            where["idempotent"].wrong(f"idempotent must be true or false, not {type_name(given)}")
        return given is True

    def _body(self, table: dict[str, Any], where: Place) -> tuple[Kind | None, dict[str, Any]]:
        chosen = [kind for key, kind in self._kinds.items() if key in table]
        if len(chosen) != 1:
            where.wrong(_missing_kind(list(self._kinds), chosen))
            return None, {}
        before = len(where.findings.problems)
        body = chosen[0].check(table, where)
        # A body with problems is dropped, so that it is not searched for parameters and outputs.
        return (chosen[0], body) if len(where.findings.problems) == before else (None, {})

    def _variables(self, kind: Kind, body: dict[str, Any], where: Place) -> None:
        """Check that the variables of the server which a step needs are secrets: no other reaches a step."""
        needed: Mapping[str, str] = getattr(kind, "variables", lambda body: {})(body)
        missing = [f"{name} ({key})" for key, name in needed.items() if name not in self._secret_names]
        if missing:
            where[kind.key].wrong(
                f"{kind.key} needs {' and '.join(missing)} from the server's environment: list their names in the"
                f" pipeline's secrets, or choose others with {' and '.join(needed)}"
            )

    def _needed(self, table: Mapping[str, Any], where: Place) -> tuple[str, ...]:
        needs = table.get("needs", [])
        if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
            where.wrong('needs must be a list of names of steps, such as ["fetch"]')
            return ()
        return tuple(needs)

    def _names(self, steps: list[StepDef], where: Place) -> None:
        first: dict[str, int] = {}
        for index, step in enumerate(steps):
            if step.name and first.setdefault(step.name, index) != index:
                where[index]["name"].wrong(f"there are two steps {short(step.name)}")

    def _needs(self, steps: list[StepDef], where: Place) -> None:
        names = {step.name: index for index, step in enumerate(steps)}
        if sum(len(step.needs) for step in steps) > MAX_NEEDS:
            return where.wrong(f"a pipeline has at most {MAX_NEEDS:,} needs, those of all steps together")
        for index, step in enumerate(steps):
            for at, need in enumerate(step.needs):
                need_place = where[index]["needs"][at]
                if where.findings.full:
                    return
                if need not in names:
                    suggestion = did_you_mean(need, names)
                    need_place.wrong(f"{step.name} needs {short(need)}, which is not a step{suggestion}")
                elif need in step.needs[:at]:
                    need_place.wrong(f"{step.name} needs {need} twice")
        if cycle := find_cycle({step.name: [need for need in step.needs if need in names] for step in steps}):
            arrows = " → ".join(cycle)
            where[names[cycle[0]]]["needs"].wrong(f"the needs form a cycle: {arrows}")

    def _texts(self, steps: list[StepDef], where: Place) -> None:
        """Check that every placeholder names a parameter, or an output of a step that this one needs."""
        before = all_needs({step.name: step.needs for step in steps})
        for index, step in enumerate(steps):
            texts = [] if not step.kind else list(self._kinds[step.kind].texts(step.body))
            texts += [] if step.hosts is None else step.hosts.texts()
            texts += [] if step.when is None else [(("when",), step.when)]
            for path, filled in texts:
                text_place = Place(where.findings, (*where[index].path, *path))
                if uses_host(filled) and (step.hosts is None or path == ("when",)):
                    text_place.wrong("{host.name} and {host.address} have a value only in a step with hosts")
                for use in self._uses(filled, text_place, before):
                    if use.step not in before[step.name]:
                        text_place.wrong(
                            f"{{steps.{use.step}.{use.name}}}: {step.name} does not need {use.step},"
                            " so it may not have ended by then"
                        )

    def _uses(self, filled: str, where: Place, steps: Collection[str]) -> list[Use]:
        """Check that every placeholder of a text names a parameter or one of the steps; return those of steps."""
        params, outputs = [param.name for param in self._params], []
        for use in dict.fromkeys(uses(filled)) if not where.findings.full else ():
            if use.step is None:
                if use.name not in params:
                    suggestion = did_you_mean(use.name, params)
                    where.wrong(f"{{params.{use.name}}} is not a parameter of this pipeline{suggestion}")
            elif use.step not in steps:
                suggestion = did_you_mean(use.step, steps)
                where.wrong(f"{{steps.{use.step}.{use.name}}}: there is no such step{suggestion}")
            else:
                outputs.append(use)
        return outputs

    def _git_refs(self, steps: list[StepDef]) -> None:
        """Check that a parameter of type `git_ref` is the ref of a step whose repository is known."""
        for param in self._params:
            if param.type == "git_ref" and not any(
                step.kind == "git" and repository_of(step.body, param.name) for step in steps
            ):
                self._where["params"][param.name]["type"].wrong(
                    f"{param.name} is a git_ref, so a step needs git with a repository without parameters and"
                    f' ref = "{{params.{param.name}}}"'
                )


def _missing_kind(kinds: Sequence[str], chosen: Sequence[Kind]) -> str:
    """Return the message for a step that has no key of a kind, or several."""
    if chosen:
        return f"a step does one thing; it has {' and '.join(kind.key for kind in chosen)}"
    others = either(kind for kind in kinds if kind != "run")
    return f'the step does nothing: give it a command, such as run = ["make", "-C", "src"], or the key {others}'
