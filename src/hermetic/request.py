"""From settings' values to a policy: what they ask of each family. There is no way back."""

from __future__ import annotations

import os

from _hermetic.policy import Policy, Request, make_rules
from hermetic.settings import BY_KEY, LIST, PATHS, PROGRAMS, SETTINGS, SWITCH
from hermetic.values import RESTRICTIONS

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from hermetic.settings import Setting

    Row = tuple[str, str, str, str]

# How the origin of what an option or a keyword says begins.
KEYWORD = "--"
# Marks the rows of what gives back (``_hermetic.events``, which a start without origins does not load).
GIVES = "+"


def policy_from(
    values: Mapping[str, Any],
    origins: tuple[Any, ...] = (),
    policy_files: tuple[str, ...] = (),
    folder: str | None = None,
    by_options: bool = False,
) -> Policy:
    """The policy that these values ask for. ValueError for a value that cannot mean anything.

    origins: where its rules were written, see ``Policy``. policy_files: the files they were written in.
    folder: the one that private_tmp stands for, if there is one already. by_options: whether a warning of what an entry
    means names the option, and not the keyword.
    """
    return requested(values, origins, policy_files, folder, by_options).policy()


def request_from(
    values: Mapping[str, Any],
    origins: tuple[Any, ...] = (),
    policy_files: tuple[str, ...] = (),
    folder: str | None = None,
) -> Request:
    """The same before families are loaded, for a command line's run, which may belong to another process.

    What can be wrong with a value is wrong here: only switches cannot mean nothing.
    """
    request = requested(values, origins, policy_files, folder, by_options=True)
    for guard, keywords in request.families.items():
        if any(value and value is not True for value in keywords.values()):
            make_rules(guard, keywords)
    return request


def programs(entries: Iterable[str], by_options: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(where these programs are, what the scripts among them are run by): whoever gets the request may look along
    another path, or from another folder.
    """
    if not entries:
        return (), ()
    from hermetic.runners import interpreters_of, place_of, warn

    found = [place_of(entry) for entry in entries]
    used = [place for entry, path in zip(entries, found) for place in interpreters_of(entry, path)]
    warn(entries, by_options)
    return tuple(found), tuple(dict.fromkeys(used))


def requested(
    values: Mapping[str, Any],
    origins: tuple[Any, ...] = (),
    policy_files: tuple[str, ...] = (),
    folder: str | None = None,
    by_options: bool = False,
) -> Request:
    """What these values ask of each family."""
    families: dict[str, dict[str, Any]] = {}
    if values["block_network"] or values["deny_hosts"] or values["deny_private_network"]:
        families["network"] = network(values, by_options)
    if values["deny_read"]:
        from hermetic import cautions  # loaded only for what can be misunderstood

        cautions.of_denied_reads(values["deny_read"], by_options)
    allowed, interpreters = programs(values["allow_run"], by_options)
    if values["block_subprocess"]:
        families["subprocess"] = {"allow": allowed, **({"interpreters": interpreters} if interpreters else {})}
    # Whoever could change a program that may be run could run anything; a policy file, the next run's policy.
    protected = (*allowed, *interpreters, *policy_files)
    # Packages whose native code is given back are protected, too, once it is known where they are.
    if any(values[name] for name in ("fs_readonly", "deny_read", "deny_write", "allow_native")) or protected:
        families["filesystem"] = {
            "root": values["fs_root"],
            "readonly": values["fs_readonly"],
            **{name: values[name] for name in ("allow_read", "allow_write", "deny_read", "deny_write")},
            "protected": protected,
            "private_tmp": folder,
        }
    if values["block_environment"]:
        families["environment"] = {"unset": values["environment_unset"], "allow": values["allow_env"]}
    if values["block_code_exec"]:
        families["code_exec"] = {}
    if values["block_native"] or values["deny_imports"]:
        families["imports"] = {
            "deny": values["deny_imports"],
            "block_native": values["block_native"],
            "block_subprocess_libraries": values["block_native"] and values["block_subprocess"],
            "allow_native": values["allow_native"],
        }
    if values["block_interpreter_mutation"]:
        families["interpreter"] = {}
    return Request(
        families=families,
        trace=values["trace"],
        report_only=values["report_only"],
        sealed=values["sealed"],
        origins=origins,
    )


def network(values: Mapping[str, Any], by_options: bool) -> dict[str, Any]:
    """What these values ask of the network family; places of sockets are found once, from here."""
    places = values["allow_unix_sockets"]
    if places:
        from _hermetic.capabilities.network.unix import socket_place  # loaded only for this list
        from _hermetic.paths import at_home

        places = tuple([socket_place(at_home(place)) for place in places])
    if values["allow_hosts"] or values["allow_domains"]:
        from hermetic import cautions  # as above

        for key in ("allow_hosts", "allow_domains"):
            cautions.of_hosts(key, values[key], by_options)
        if not values["allow_localhost"]:
            cautions.of_loopback(values["allow_domains"], by_options)
    return {
        "allow_localhost": values["allow_localhost"],
        "allow_domains": values["allow_domains"],
        "allow_hosts": values["allow_hosts"],
        "deny_hosts": values["deny_hosts"],
        "deny_private_network": values["deny_private_network"],
        "allow_unix_sockets": places,
        "block": values["block_network"],
    }


def is_path(setting: Setting, item: str) -> bool:
    """Whether a value of this setting is a path, which can be relative to a folder."""
    if setting.holds_paths == PROGRAMS:
        return os.sep in item or bool(os.altsep and os.altsep in item)
    # What begins with @ among the places of sockets is a name that lies nowhere.
    return setting.holds_paths == PATHS and not (setting.key == "allow_unix_sockets" and item[:1] == "@")


# --- where rules were written ---


def rows_of(origins: Mapping[tuple[str, Any], str], files: tuple[Any, ...]) -> tuple[Row, ...]:
    """What a policy carries to name the places of its rules: see ``_hermetic.events.row_of``.

    origins: (key, entry or True) -> place. files: the policy files, read.
    """
    found = [
        blocking_row(key, item, where)
        for (key, item), where in origins.items()
        if key in RESTRICTIONS and not where.startswith(KEYWORD)
    ]
    if files:
        found += [giving_row(setting.key, files[0]) for setting in SETTINGS if setting.needs and setting.name]
    return tuple([row for row in found if row[1] or row[0] != GIVES])


def blocking_row(key: str, item: Any, where: str) -> Row:
    setting = BY_KEY[key]
    reason = setting.flags[0].removeprefix("--")
    if setting.kind == LIST:
        return reason, item, f'"{item}" from {key}', where
    named, by, _ = where.removeprefix("profile ").partition(", by ")
    if where.startswith("profile "):
        return reason, "", f'"{named}" from extends' if by else "", where
    return reason, "", f"{key} = true", where


def giving_row(key: str, found: Any) -> Row:
    setting = BY_KEY[key]
    flag = setting.flags[0] if setting.flags and setting.kind in (LIST, SWITCH) else ""
    return GIVES, flag, key, found.places.get(key, found.file)
