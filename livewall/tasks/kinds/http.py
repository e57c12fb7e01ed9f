"""Steps that request an address until the answer is as expected: `http`, a table with `url` and what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livewall.tasks.kinds import RunSpec, Values, program
from livewall.toml_lines import Path
from livewall.toml_problems import Place, known_keys, number, text, type_name, whole

TEXTS = ("url", "contains", "cacert", "proxy")
MAX_TEXT = 10_000
EVERY, WITHIN = 2.0, 60.0


class Http:
    key = "http"
    keys = frozenset({"http"})
    hosts = "may"

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        given, here = table["http"], where["http"]
        if not isinstance(given, dict):
            example = '{ url = "http://127.0.0.1:8080/health" }'
            here.wrong(f"http must be a table, such as {example}, not {type_name(given)}")
            return {}
        known_keys(given, (*TEXTS, "status", "every", "within", "follow"), here, "http")
        body: dict[str, Any] = {
            name: text(given[name], here[name], name, most=MAX_TEXT) if name in given else None for name in TEXTS
        }
        if "url" not in given:
            here.wrong("http needs a url")
        elif (url := body["url"]) and not url.startswith(("http://", "https://", "{")):
            here["url"].wrong("url must begin with http:// or https://")
        follow = given.get("follow", False)
        if not isinstance(follow, bool):
            here["follow"].wrong(f"follow must be true or false, not {type_name(follow)}")
        return {
            **body,
            "status": self._statuses(given.get("status", []), here["status"]),
            "every": self._seconds(given, here, "every", EVERY, least=0.1),
            "within": self._seconds(given, here, "within", WITHIN, least=0),
            "follow": follow,
        }

    def _statuses(self, given: Any, where: Place) -> list[int]:
        if not isinstance(given, list):
            return [whole(given, where, "status", least=100, most=599) or 0]
        if len(given) > 100:
            where.wrong("status must have at most 100 numbers")
            return []
        return [whole(each, where[place], "status", least=100, most=599) or 0 for place, each in enumerate(given)]

    def _seconds(self, given: Mapping[str, Any], where: Place, name: str, otherwise: float, *, least: float) -> float:
        if name not in given:
            return otherwise
        return number(given[name], where[name], name, least=least, most=86_400) or 0.0

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for name in TEXTS:
            if body[name] is not None:
                yield ("http", name), body[name]

    def spec(self, step: Mapping[str, Any], values: Values) -> RunSpec:
        filled = {name: None if step[name] is None else values.fill(step[name]) for name in TEXTS}
        return program("http_check", {**step, **filled, "contains": filled["contains"] or ""}, again="again")
