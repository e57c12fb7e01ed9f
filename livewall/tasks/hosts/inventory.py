"""The hosts of a pipeline: its inventory, groups of hosts by name, and how they are reached over SSH.

An inventory stands in the pipeline itself, or in a file beside it, which several pipelines may share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from livewall.errors import invalid
from livewall.names import is_name
from livewall.toml_file import decoded, parsed
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

MAX_HOSTS = 1_000
"""The largest number of hosts of an inventory."""
MAX_GROUPS = 200
SSH_PORT = 22
CONNECT_WITHIN = 60.0
"""Seconds for which a host that cannot be reached is tried again."""
KNOWN_HOSTS = "known_hosts"
FOLDER = ".livewall"
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,40})?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\-]{0,79}\$?")
_SEPARATOR = re.compile(r"[\s,]+")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host: the name by which it is shown, and how it is reached. What is None follows from `[ssh]`."""

    name: str
    address: str
    port: int | None = None
    user: str | None = None
    key: str | None = None


class SshOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How hosts are reached, unless they say otherwise: the table `[ssh]`.

    `known_hosts` and `key` are paths, looked up beside the pipeline unless they are absolute; without `known_hosts` it
    is the file in the folder of data. `folder` is where Livewall keeps its files on a host, in the home folder there.
    """

    known_hosts: str | None = None
    user: str | None = None
    port: int = SSH_PORT
    key: str | None = None
    agent: bool = False
    folder: str = FOLDER
    connect_within: float = CONNECT_WITHIN


Inventory = Mapping[str, Sequence[Host]]
"""Groups of hosts, by name."""


def check_inventory(table: Any, where: Place) -> dict[str, tuple[Host, ...]]:
    """Return the groups of an inventory's table, without what is wrong in it."""
    if not isinstance(table, dict):
        where.wrong(f'an inventory is a table of groups, such as web = ["web1.example.org"], not {type_name(table)}')
        return {}
    if len(table) > MAX_GROUPS:
        where.wrong(f"an inventory has at most {MAX_GROUPS} groups")
        return {}
    groups: dict[str, tuple[Host, ...]] = {}
    by_name: dict[str, Host] = {}
    tables = _defined(table)
    for name, given in table.items():
        if not is_name(name):
            where[name].wrong(
                f"{short(name)!r} is not the name of a group: letters, digits, '.', '_' and '-', at most 80"
            )
        groups[name] = tuple(_group(given, where[name], by_name, tables))
    if len(by_name) > MAX_HOSTS:
        where.wrong(f"an inventory has at most {MAX_HOSTS:,} hosts; these are {len(by_name):,}")
    for name in groups.keys() & by_name.keys():
        where[name].wrong(f"{short(name)} is the name of a group and of a host")
    return groups


def _defined(table: Mapping[str, Any]) -> dict[str, Host]:
    """Return the hosts that tables define, by name: elsewhere, the name alone means the same host."""
    silent = Place(Findings("", {}))
    entries = (each for group in table.values() if isinstance(group, list) for each in group)
    hosts = [_host(each, silent) for each in entries if isinstance(each, dict)]
    return {host.name: host for host in reversed(hosts) if host is not None}


def _group(given: Any, where: Place, by_name: dict[str, Host], tables: Mapping[str, Host]) -> Iterable[Host]:
    if not isinstance(given, list) or not given:
        where.wrong(
            'a group is a list of hosts, such as ["web1.example.org", { name = "web2", address = "10.0.0.12" }]'
        )
        return
    names: set[str] = set()
    for place, each in enumerate(given):
        host = tables[each] if isinstance(each, str) and each in tables else _host(each, where[place])
        if host is None:
            continue
        if host.name in names:
            where[place].wrong(f"the host {short(host.name)} is listed twice")
        elif by_name.setdefault(host.name, host) != host:
            where[place].wrong(f"the host {short(host.name)} is defined differently in another group")
        else:
            yield host
        names.add(host.name)


def _host(given: Any, where: Place) -> Host | None:
    if isinstance(given, str):
        if _name(given, where, "a host") is None or _address(given, where, "a host") is None:
            return None
        return Host(name=given, address=given)
    if not isinstance(given, dict):
        where.wrong(
            f'a host is a name or a table such as {{ name = "web2", address = "10.0.0.12" }}, not {type_name(given)}'
        )
        return None
    known_keys(given, ("name", "address", "port", "user", "key"), where, "a host")
    if "name" not in given:
        where.wrong("the host has no name")
        return None
    name = _name(given["name"], where["name"], "name")
    address = _address(given.get("address", given["name"]), where["address"], "address")
    if name is None or address is None:
        return None
    return Host(
        name=name,
        address=address,
        port=whole(given["port"], where["port"], "port", least=1, most=65_535) if "port" in given else None,
        user=_user(given, where),
        key=text(given["key"], where["key"], "key", most=4_000) if "key" in given else None,
    )


def _name(given: Any, where: Place, label: str) -> str | None:
    if not isinstance(given, str) or not is_name(given):
        shown = short(given) if isinstance(given, str) else type_name(given)
        where.wrong(
            f"{shown!r} is not the name of a host: letters, digits, '.', '_' and '-', at most 80, a letter or digit"
            ' first; another address needs { name = "…", address = "…" }'
        )
        return None
    return given


def _address(given: Any, where: Place, label: str) -> str | None:
    found = text(given, where, label, most=300)
    if found is not None and not _ADDRESS.fullmatch(found):
        where.wrong(f"{short(found)!r} is not the address of a host: a name such as web1.example.org, or an IP address")
        return None
    return found


def _user(given: Mapping[str, Any], where: Place) -> str | None:
    if "user" not in given:
        return None
    user = text(given["user"], where["user"], "user", most=80)
    if user is not None and not _USER.fullmatch(user):
        where["user"].wrong(f"{short(user)!r} is not the name of a user")
        return None
    return user


def check_ssh(table: Any, where: Place) -> SshOptions:
    """Return the options of a table `[ssh]`."""
    if not isinstance(table, dict):
        where.wrong(f"ssh must be a table, [ssh], not {type_name(table)}")
        return SshOptions()
    known_keys(table, SshOptions.__struct_fields__, where, "ssh")
    found: dict[str, Any] = {
        key: text(table[key], where[key], key, most=4_000) for key in ("known_hosts", "key") if key in table
    }
    if "user" in table:
        found["user"] = _user(table, where)
    if "port" in table:
        found["port"] = whole(table["port"], where["port"], "port", least=1, most=65_535) or SSH_PORT
    if "agent" in table:
        found["agent"] = table["agent"]
        if not isinstance(table["agent"], bool):
            where["agent"].wrong(f"agent must be true or false, not {type_name(table['agent'])}")
    if "folder" in table:
        found["folder"] = text(table["folder"], where["folder"], "folder", most=1_000) or FOLDER
        if any(part in ("", ".", "..") for part in found["folder"].removeprefix("/").split("/")):
            where["folder"].wrong("folder must be a path such as .livewall or /var/tmp/livewall, without '.' and '..'")
    if "connect_within" in table:
        at = where["connect_within"]
        found["connect_within"] = number(table["connect_within"], at, "connect_within", least=0, most=86_400) or 0.0
    return SshOptions(**found)


def read_inventory(data: bytes, file: str) -> tuple[dict[str, tuple[Host, ...]], list[Problem]]:
    """Return the groups that an inventory's file defines, and its problems, each with its line.

    The groups stand in the file itself, or in its one table `[inventory]`.
    """
    try:
        content = decoded(data, file, "an inventory")
        table = parsed(content, file)
    except TomlFault as fault:
        return {}, fault.problems
    findings = Findings(file, key_lines(content))
    where = Place(findings)
    if isinstance(table.get("steps"), list):
        where.wrong("this is a pipeline, not an inventory: `livewall pipeline check` checks it, with its hosts")
        return {}, findings.problems
    if isinstance(table.get("inventory"), dict):
        known_keys(table, ("inventory",), where, "a file with the table [inventory]")
        table, where = table["inventory"], where["inventory"]
    if not table:
        where.wrong('the inventory has no group of hosts, such as web = ["web1.example.org"]')
    return check_inventory(table, where), findings.problems


def hosts_named(wanted: Iterable[str], inventory: Inventory) -> list[Host]:
    """Return the hosts with these names, or of these groups, each once, in the order given.

    A text may have several names, separated by commas or blanks: the value of a parameter is one text. Raises BadInput.
    """
    by_name = {host.name: host for group in inventory.values() for host in group}
    found: dict[str, Host] = {}
    for given in wanted:
        for name in filter(None, _SEPARATOR.split(given)):
            if name not in inventory and name not in by_name:
                known = [*inventory, *by_name]
                raise invalid("hosts", f"{short(name)} is no host or group of the inventory{did_you_mean(name, known)}")
            for host in inventory[name] if name in inventory else [by_name[name]]:
                found[host.name] = host
    if not found:
        raise invalid("hosts", "no host is named")
    return list(found.values())
