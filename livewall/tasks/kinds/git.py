"""Steps that check a commit of a repository out: `git`, a table with `repository`, `ref` and `into`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values, program
from livewall.tasks.programs.mirror import problem_of
from livewall.tasks.template import uses
from livewall.toml_lines import Path
from livewall.toml_problems import Place, known_keys, text, type_name

TEXTS = ("repository", "ref", "into")
MAX_TEXT = 4_000
INTO = "src"


def repository_of(body: Mapping[str, Any], param: str) -> str | None:
    """Return the repository of a step whose ref is a parameter and nothing else, or None.

    A repository that depends on values of a task is not known before there is one.
    """
    repository: str = body["repository"]
    return repository if body["ref"] == f"{{params.{param}}}" and not any(uses(repository)) else None


class Git:
    key = "git"
    keys = frozenset({"git"})

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        given, here = table["git"], where["git"]
        if not isinstance(given, dict):
            here.wrong(f'git must be a table, such as {{ repository = "/srv/git/site.git" }}, not {type_name(given)}')
            return {}
        known_keys(given, (*TEXTS, "submodules"), here, "git")
        body: dict[str, Any] = {
            name: text(given[name], here[name], name, most=MAX_TEXT) if name in given else None for name in TEXTS
        }
        if "repository" not in given:
            here.wrong("git needs a repository")
        elif (repository := body["repository"]) and not any(uses(repository)) and (problem := problem_of(repository)):
            here["repository"].wrong(f"the repository {problem}")
        submodules = given.get("submodules", False)
        if not isinstance(submodules, bool):
            here["submodules"].wrong(f"submodules must be true or false, not {type_name(submodules)}")
        return {**body, "into": body["into"] or INTO, "submodules": submodules}

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for name in TEXTS:
            if body[name] is not None:
                yield ("git", name), body[name]

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        filled = {name: None if step[name] is None else values.fill(step[name]) for name in TEXTS}
        given = {**step, **filled, "previous": values.previous().get("commit", "")}
        return program("git_checkout", given, again="again")
