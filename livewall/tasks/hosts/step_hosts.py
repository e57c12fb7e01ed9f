"""The keys of a step that runs on hosts: `hosts`, `waves`, `max_failures` and `parallel`; and its waves. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from livewall.errors import BadInput
from livewall.tasks.hosts.inventory import MAX_HOSTS, Inventory, hosts_named
from livewall.tasks.template import uses, uses_host
from livewall.toml_lines import Path
from livewall.toml_problems import Place, short, text, type_name, whole

HOST_KEYS = frozenset({"hosts", "waves", "max_failures", "parallel"})
REST = "rest"
MAX_WAVES = 100
_PERCENT = re.compile(r"([0-9]{1,3})%")

Wave = int | str
"""The size of a wave: a number of hosts, a part of all ("25%"), or all that are left ("rest")."""


class StepHosts(msgspec.Struct, frozen=True, kw_only=True):
    """On which hosts a step runs, and in which order: `names` are those of hosts and groups, with parameters."""

    names: tuple[str, ...]
    waves: tuple[Wave, ...] = (REST,)
    max_failures: int = 0
    """So many hosts may fail; if more do, no other wave begins and the step fails."""
    parallel: int | None = None
    """The largest number of hosts on which the step runs at once; None means a whole wave."""

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Yield the texts that are filled in, each with its path in the step's table."""
        for place, name in enumerate(self.names):
            yield ("hosts",) if len(self.names) == 1 else ("hosts", place), name


def check_step_hosts(table: Mapping[str, Any], where: Place, inventory: Inventory | None) -> StepHosts | None:
    """Return the hosts of a step, or None if it names none. A faulty inventory is None."""
    if "hosts" not in table:
        for key in HOST_KEYS & table.keys():
            where[key].wrong(f"{key} has no meaning for a step without hosts")
        return None
    names = _names(table["hosts"], where["hosts"])
    if inventory == {}:
        where["hosts"].wrong('there is no inventory; add the table [inventory], with web = ["web1.example.org"], say')
    elif inventory is not None:
        _check_names(names, where["hosts"], inventory)
    whole_keys = {
        key: whole(table[key], where[key], key, least=least, most=MAX_HOSTS)
        for key, least in (("max_failures", 0), ("parallel", 1))
        if key in table
    }
    return StepHosts(
        names=names,
        waves=_waves(table.get("waves", [REST]), where["waves"]),
        max_failures=whole_keys.get("max_failures") or 0,
        parallel=whole_keys.get("parallel"),
    )


def _names(given: Any, where: Place) -> tuple[str, ...]:
    if isinstance(given, str):
        return (text(given, where, "hosts", most=1_000) or "",)
    if not isinstance(given, list) or not 0 < len(given) <= MAX_HOSTS:
        where.wrong(
            f'hosts must be a group, or a list of hosts and groups, such as ["web1", "web2"], not {type_name(given)}'
        )
        return ()
    return tuple(text(each, where[place], "a host", most=1_000) or "" for place, each in enumerate(given))


def _check_names(names: Sequence[str], where: Place, inventory: Inventory) -> None:
    for place, name in enumerate(names):
        at = where if len(names) == 1 else where[place]
        if uses_host(name):
            at.wrong("{host.name} and {host.address} have no value here: hosts says which hosts there are")
        elif any(use.step is not None for use in uses(name)):
            at.wrong("hosts may have parameters, but no outputs: the hosts are known when the task starts")
        elif name and not any(uses(name)):
            try:
                hosts_named([name], inventory)
            except BadInput as problem:
                at.wrong(problem.fields["hosts"])


def _waves(given: Any, where: Place) -> tuple[Wave, ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_WAVES:
        where.wrong('waves must be a list, such as [1, "25%", "rest"]')
        return (REST,)
    for place, wave in enumerate(given):
        at = where[place]
        percent = _PERCENT.fullmatch(wave) if isinstance(wave, str) else None
        if isinstance(wave, bool) or not isinstance(wave, int | str):
            at.wrong(f'a wave is a number of hosts, a part such as "25%", or "rest", not {type_name(wave)}')
        elif isinstance(wave, int):
            whole(wave, at, "a wave", least=1, most=MAX_HOSTS)
        elif wave != REST and not (percent and 1 <= int(percent[1]) <= 100):
            at.wrong(f'a wave is a number of hosts, a part from "1%" to "100%", or "rest", not {short(wave)}')
        elif wave == REST and place != len(given) - 1:
            at.wrong('nothing is left after "rest"')
    return tuple(given)


def wave_sizes(count: int, waves: Sequence[Wave]) -> list[int]:
    """Return how many of `count` hosts each wave has. Parts are of all hosts, rounded up.

    If hosts are left, the last size is repeated, as in Ansible's `serial`: [1, 2] asks for small steps.
    """
    sizes: list[int] = []
    left, place = count, 0
    while left > 0:
        wave = waves[min(place, len(waves) - 1)]
        if wave == REST:
            size = left
        elif isinstance(wave, int):
            size = wave
        else:
            size = math.ceil(count * int(str(wave).removesuffix("%")) / 100)
        sizes.append(min(left, max(1, size)))
        left -= sizes[-1]
        place += 1
    return sizes
