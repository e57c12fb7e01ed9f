"""Steps that wait for a decision: `gate`, a table with `approvers` or a `poll`, and with what happens if none comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from livewall import wire
from livewall.errors import BadInput, Refused
from livewall.identity import ROLES, either, imitates_role, role_named
from livewall.tasks.kinds import GatePoll, Values, WaitSpec
from livewall.tasks.template import fill, uses
from livewall.toml_lines import Path
from livewall.toml_problems import Place, did_you_mean, known_keys, number, short, text, type_name, whole
from livewall.visible_text import alike, readable, skeleton

OTHERWISE = ("failed", "skipped", "succeeded")
"""How a gate that nobody has decided may end."""
MAX_APPROVERS = 100
MAX_TEXT = 200
MAX_TITLE = 500
MIN_OPTIONS, MAX_OPTIONS = 2, 40
MAX_QUORUM = 10_000_000
LONGEST_POLL = 366 * 86400
POLL_KEYS = ("wall", "title", "options", "passes", "majority", "quorum", "closes_in", "results", "assurance")
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
        if not isinstance(given, dict):
            here.wrong(f"poll must be a table with wall, title, options and passes, not {type_name(given)}")
            return {}
        known_keys(given, POLL_KEYS, here, "poll")
        for key, most in (("wall", MAX_TEXT), ("title", MAX_TITLE)):
            if key in given:
                text(given[key], here[key], key, most=most)
            else:
                here.wrong(f"a gate's poll needs {'the code of a wall' if key == 'wall' else 'a title'}: {key}")
        options = self._options(given.get("options"), here["options"])
        if options:
            passes = given.get("passes")
            if passes not in options:
                said = f", not {short(passes)}" if "passes" in given else ""
                here["passes"].wrong(f"passes must be one of the options, the one that opens the gate{said}")
        for key, kind in (("majority", wire.Majority), ("results", wire.Results), ("assurance", wire.Assurance)):
            if key in given and given[key] not in get_args(kind):
                here[key].wrong(f"{key} must be one of {', '.join(get_args(kind))}, not {short(given[key])}")
        for key, most in (("quorum", MAX_QUORUM), ("closes_in", LONGEST_POLL)):
            if key in given:
                whole(given[key], here[key], key, least=1, most=most)
        return {key: given[key] for key in POLL_KEYS if key in given}

    def _options(self, given: Any, here: Place) -> list[str]:
        """Return the options as voters see them; an empty list if one of them is wrong."""
        if not isinstance(given, list) or not MIN_OPTIONS <= len(given) <= MAX_OPTIONS:
            here.wrong(f"a poll needs {MIN_OPTIONS} to {MAX_OPTIONS} options, such as [\"Yes\", \"No\"]")
            return []
        options = [text(each, here[place], "an option", most=MAX_TEXT) for place, each in enumerate(given)]
        labels = [option for option in options if option is not None]
        for place, label in enumerate(labels):
            try:
                readable(label, "options", lines=True)
            except BadInput as error:
                here[place].wrong(f"an option {error.fields['options']}")
                return []
        if len(labels) < len(options):
            return []
        for places in alike(labels):
            here[places[1]].wrong(f"options {places[0] + 1} and {places[1] + 1} look the same")
        return labels

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
        for key in ("wall", "title"):
            if key in body.get("poll", {}):
                yield ("gate", "poll", key), body["poll"][key]

    def spec(self, step: Mapping[str, Any], values: Values) -> WaitSpec:
        approvers = [_approver(approver, values) for approver in step["approvers"]]
        poll = step.get("poll")
        if poll is not None:
            filled = {key: fill(poll[key], values.params, values.outputs) for key in ("wall", "title")}
            poll = GatePoll(**poll | filled)
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
