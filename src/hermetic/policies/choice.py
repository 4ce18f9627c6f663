"""Which of a file's tables are in force, and where each rule of the result was written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from _hermetic.extract import printable
from hermetic.policies.errors import PolicyFileError, at
from hermetic.policies.files import Layer, built_in, join, load, resolved, unknown_profile
from hermetic.request import KEYWORD, policy_from, rows_of
from hermetic.values import PROFILES, check, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.policies.files import PolicyFile

    Origins = Mapping[tuple[str, Any], str]

ROOT = "fs_root"


def load_all(names: Iterable[str]) -> tuple[PolicyFile, ...]:
    """Every file once, in order."""
    return tuple(load(name) for name in dict.fromkeys(names))


def at_home(name: str) -> str:
    """A file, begun at a home folder where its name says so: a shell leaves that to us behind ``--policy=``."""
    return os.path.expanduser(name)


def own_layer(found: PolicyFile) -> Layer:
    """What a file says outside its profiles."""
    return resolved(found, found.own)


def profile_layer(name: str, files: Iterable[PolicyFile]) -> Layer:
    """A named profile, built in or of one of these files. PolicyFileError for an unknown or ambiguous name."""
    if name in PROFILES:
        return built_in(name, f"profile {name}")
    files = tuple(files)
    having = [found for found in files if name in found.profiles]
    if len(having) > 1:
        places = " and ".join(at(found.file, found.profiles[name].line) for found in having)
        raise PolicyFileError(f"two profiles {name!r}: {places}")
    if not having:
        every = {known: profile for found in files for known, profile in found.profiles.items()}
        raise PolicyFileError(unknown_profile(name, every))
    return resolved(having[0], having[0].profiles[name])


def joined_layers(base: Layer, other: Layer) -> Layer:
    """Both. PolicyFileError for two roots: neither may widen the other, and which was meant is not to be guessed."""
    one, two = base.values.get(ROOT), other.values.get(ROOT)
    if one is not None and two is not None and os.path.realpath(one) != os.path.realpath(two):
        raise PolicyFileError(
            f"two roots: {printable(one)} ({base.origins[ROOT, one]}) and {printable(two)} ({other.origins[ROOT, two]})"
        )
    return join(base, other)


def check_useful(values: Mapping[str, Any], files: Iterable[PolicyFile]) -> None:
    """A policy file that takes nothing away must not look like one that does. PolicyFileError."""
    if not is_restrictive(values):
        files = tuple(files)
        named = [name for found in files for name in found.profiles]
        hint = f"; choose one of its profiles: {', '.join(named)}" if named else ""
        raise PolicyFileError(f"{at(files[0].file, 0)} takes nothing away{hint}")


def chosen_by_keyword(
    values: dict[str, Any], file: str, name: str | None
) -> tuple[dict[str, Any], tuple[Any, ...], tuple[str, ...]]:
    """For the API: (values, rows, files) of keywords joined with a file and a profile. PolicyFileError."""
    spelled = {key: key for key in values}
    given = {(key, item): KEYWORD + key for key, value in values.items() for item in items_of(value)}
    files = load_all([at_home(file)])
    layer = joined_layers(Layer(values, given), own_layer(files[0]))
    if name is not None:
        layer = joined_layers(layer, profile_layer(name, files))
    check_useful(layer.values, files)
    try:
        check(layer.values, spelled)
        policy_from(layer.values)
    except ValueError as error:
        raise PolicyFileError(located(str(error), layer.origins, spelled)) from None
    return layer.values, rows_of(layer.origins, files), protected_files(files)


def items_of(value: Any) -> tuple[Any, ...]:
    """The entries of a value; none of one that asks for nothing."""
    return value if isinstance(value, tuple) else (value,) if value else ()


def located(text: str, origins: Origins, spelled: Mapping[str, str]) -> str:
    """An error about values, with the place of the value that it names; or, of no file, with the option or keyword."""
    for (key, item), where in origins.items():
        names_it = text.startswith(spelled[key] + " ") if item is True else repr(item) in text
        if names_it and not where.startswith(KEYWORD):
            return f"{where}: {text}"
    for (key, _), where in origins.items():
        if text.startswith(spelled[key] + " ") and not where.startswith(KEYWORD):
            return f"{where}: {text}"
    for key, item in origins:
        if item is not True and text.startswith(f"{item!r} "):
            return f"{spelled[key]}: {text}"
    return text


def protected_files(files: Iterable[PolicyFile]) -> tuple[str, ...]:
    """The files themselves, which nobody may write while their policy is in force: as named, and what they are."""
    paths = [path for found in files for path in (os.path.abspath(found.file), os.path.realpath(found.file))]
    return tuple(dict.fromkeys(paths))
