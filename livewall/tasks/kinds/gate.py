"""Steps that wait for a decision: `gate`, a table with `approvers`, and with what happens if nobody decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from livewall.identity import ROLES, either
from livewall.tasks.kinds import Values, WaitSpec
from livewall.tasks.template import fill, uses
from livewall.toml_lines import Path
from livewall.toml_problems import Place, did_you_mean, known_keys, number, short, text, type_name

OTHERWISE = ("failed", "skipped", "succeeded")
"""How a gate that nobody has decided may end."""
MAX_APPROVERS = 100
MAX_TEXT = 200
LONGEST = 31 * 86400
_ROLE = re.compile(r"role:(.*)", re.DOTALL)


class Gate:
    key = "gate"
    keys = frozenset({"gate"})
    runs = False

    def check(self, table: Mapping[str, Any], where: Place) -> dict[str, Any]:
        given, here = table["gate"], where["gate"]
        if not isinstance(given, dict):
            here.wrong(f'gate must be a table, such as {{ approvers = ["Lin", "role:host"] }}, not {type_name(given)}')
            return {}
        known_keys(given, ("approvers", "within", "otherwise"), here, "gate")
        within = None
        if "within" in given:
            within = number(given["within"], here["within"], "within", least=0, most=LONGEST, above=True)
        otherwise = given.get("otherwise", "failed")
        if otherwise not in OTHERWISE:
            here["otherwise"].wrong(f"otherwise must be one of {', '.join(OTHERWISE)}, not {short(otherwise)}")
        elif "otherwise" in given and "within" not in given:
            here["otherwise"].wrong("otherwise has no effect without within: the gate waits forever")
        return {
            "approvers": self._approvers(given.get("approvers"), here["approvers"]),
            "within": within,
            "otherwise": otherwise,
        }

    def _approvers(self, given: Any, where: Place) -> list[str]:
        if not isinstance(given, list) or not 0 < len(given) <= MAX_APPROVERS:
            where.wrong(f'gate needs approvers: 1 to {MAX_APPROVERS} names or roles, such as ["Lin", "role:host"]')
            return []
        for place, each in enumerate(given):
            approver = text(each, where[place], "an approver", most=MAX_TEXT)
            if approver is None:
                continue
            role = _ROLE.fullmatch(approver)
            if role and role[1] not in ROLES and not any(uses(approver)):
                where[place].wrong(f"{short(role[1])!r} is not a role: {either(ROLES)}{did_you_mean(role[1], ROLES)}")
            elif given.index(each) != place:
                where[place].wrong(f"the approver {short(approver)} is listed twice")
        return given

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for place, approver in enumerate(body["approvers"]):
            yield ("gate", "approvers", place), approver

    def spec(self, step: Mapping[str, Any], values: Values) -> WaitSpec:
        approvers = [fill(approver, values.params, values.outputs) for approver in step["approvers"]]
        return WaitSpec(approvers=approvers, within=step["within"], otherwise=step["otherwise"])
