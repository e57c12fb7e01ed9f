"""Steps that wait for a decision: `gate`, a table with `approvers` or a `poll`, and with what happens if none comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from livewall.errors import Refused
from livewall.identity import ROLES, either, imitates_role, role_named
from livewall.tasks.kinds import Values, WaitSpec
from livewall.tasks.kinds.poll_table import MAX_TEXT, check_poll, filled_poll, poll_texts
from livewall.tasks.template import fill, uses
from livewall.toml_lines import Path
from livewall.toml_problems import Place, did_you_mean, known_keys, number, short, text, type_name
from livewall.visible_text import skeleton

OTHERWISE = ("failed", "skipped", "succeeded")
"""How a gate that nobody has decided may end."""
MAX_APPROVERS = 100
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
        known_keys(given, ("approvers", "poll", "within", "otherwise"), here, "gate")
        otherwise = given.get("otherwise", "failed")
        if otherwise not in OTHERWISE:
            here["otherwise"].wrong(f"otherwise must be one of {', '.join(OTHERWISE)}, not {short(otherwise)}")
        if "poll" in given:
            for key, why in (
                ("approvers", "a gate has either approvers or a poll"),
                ("within", "within has no effect with a poll: closes_in of the poll says when it ends"),
            ):
                if key in given:
                    here[key].wrong(why)
            poll = self._poll(given["poll"], here["poll"])
            return {"approvers": [], "within": None, "otherwise": otherwise, "poll": poll}
        within = None
        if "within" in given:
            within = number(given["within"], here["within"], "within", least=0, most=LONGEST, above=True)
        elif "otherwise" in given and otherwise in OTHERWISE:
            here["otherwise"].wrong("otherwise has no effect without within: the gate waits forever")
        return {
            "approvers": self._approvers(given.get("approvers"), here["approvers"]),
            "within": within,
            "otherwise": otherwise,
        }

    def _poll(self, given: Any, here: Place) -> dict[str, Any]:
        poll, options = check_poll(given, here, "a gate's poll", more=("passes",))
        if options and poll.get("passes") not in options:
            said = f", not {short(poll['passes'])}" if "passes" in poll else ""
            here["passes"].wrong(f"passes must be one of the options, the one that opens the gate{said}")
        return poll

    def _approvers(self, given: Any, where: Place) -> list[str]:
        if not isinstance(given, list) or not 0 < len(given) <= MAX_APPROVERS:
            where.wrong(f'gate needs approvers: 1 to {MAX_APPROVERS} names or roles, such as ["Lin", "role:host"]')
            return []
        for place, each in enumerate(given):
            approver = text(each, where[place], "an approver", most=MAX_TEXT)
            if approver is None:
                continue
            role = _ROLE.fullmatch(approver)
            if approver in ROLES or (not role and imitates_role(approver)):
                meant = role_named(skeleton(approver).removeprefix("role:").strip())
                where[place].wrong(f"{short(approver)!r} is not a name; write role:{meant or 'ROLE'}")
            elif role and role[1] not in ROLES and not any(uses(approver)):
                where[place].wrong(f"{short(role[1])!r} is not a role: {either(ROLES)}{did_you_mean(role[1], ROLES)}")
            elif given.index(each) != place:
                where[place].wrong(f"the approver {short(approver)} is listed twice")
        return given

    def texts(self, body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for place, approver in enumerate(body["approvers"]):
            yield ("gate", "approvers", place), approver
        for key, given in poll_texts(body.get("poll", {})):
            yield ("gate", "poll", key), given

    def spec(self, step: Mapping[str, Any], values: Values) -> WaitSpec:
        approvers = [_approver(approver, values) for approver in step["approvers"]]
        poll = step.get("poll")
        if poll is not None:
            poll = filled_poll(poll, poll["passes"], values.params, values.outputs)
        return WaitSpec(approvers=approvers, within=step["within"], otherwise=step["otherwise"], poll=poll)


def _approver(written: str, values: Values) -> str:
    """Return an approver with its values filled in.

    Only the file says what is a role: a value that looks like one would let others decide. Raises Refused.
    """
    filled = fill(written, values.params, values.outputs)
    if _ROLE.fullmatch(written):
        if role_named(filled.removeprefix("role:")) is None:
            raise Refused("conflict", f"the approver {written} is not a role: {either(ROLES)}")
    elif filled in ROLES or imitates_role(filled):
        raise Refused("conflict", f"the approver {written} must be the name of a token, not a role")
    return filled
