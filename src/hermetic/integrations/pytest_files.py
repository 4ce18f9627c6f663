"""Policy files in a test run: read once, and what their tables and profiles come to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hermetic.integrations.pytest_values import Written
from hermetic.policies.choice import check_useful, joined_layers, located, own_layer, profile_layer, protected_files
from hermetic.policies.files import Layer, load
from hermetic.request import rows_of
from hermetic.values import RESTRICTIONS, check, defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.integrations.pytest_values import Files
    from hermetic.policies.files import PolicyFile

    Known = dict[str, PolicyFile]


def read(names: Iterable[str], folder: str, known: Known) -> Files:
    """Each of these files, once in a run. PolicyFileError. folder: what their names are relative to."""
    paths = dict.fromkeys(os.path.join(folder, os.path.expanduser(name)) for name in names)
    for path in paths:
        if path not in known:
            # By its whole path from here on: the working directory may be another one when it is asked for.
            known[path] = load(shown(path))._replace(file=path)
    return tuple([known[path] for path in paths])


def shown(path: str) -> str:
    """As messages name it: relative, where it lies below the working directory."""
    below = os.path.join(os.getcwd(), "")
    return path[len(below) :] if path.startswith(below) else path


def as_shown(files: Files) -> Files:
    return tuple([found._replace(file=shown(found.file)) for found in files])


def chosen(profiles: Iterable[str], files: Files, known: Files, given: Iterable[str]) -> Written:
    """What these files say outside their profiles, and what these profiles of known files say. ValueError.

    A profile of a file brings what its file says for all. given: the settings that are going to be set beside it.
    """
    layer = Layer(defaults(), {})
    used: list[PolicyFile] = []
    for found in files:
        layer = joined_layers(layer, own_layer(found))
        used.append(found)
    for name in profiles:
        profile = profile_layer(name, known)  # first: an unknown one is told before anything that is built on it
        for found in known:
            if name in found.profiles and not any(found is other for other in used):
                layer = joined_layers(layer, own_layer(found))
                used.append(found)
        layer = joined_layers(layer, profile)
    values = Written(layer.values).given(layer.origins, tuple(used), protected_files(used))
    try:
        # An allowance with nothing to relax is wrong in a file, and only there is it known where it was written.
        check({**values, **{key: True for key in given if key in RESTRICTIONS}}, {key: key for key in values})
    except ValueError as error:
        raise placed(error, values) from None
    return values


def take_away(values: Mapping[str, Any]) -> None:
    """PolicyFileError for values of a policy file that take nothing away."""
    if isinstance(values, Written) and values.files:
        check_useful(values, as_shown(values.files))


def rows(values: Written) -> tuple[Any, ...]:
    """Where the rules of these values were written, as a policy has it."""
    return rows_of(values.origins, as_shown(values.files))


def placed(error: ValueError, values: Written) -> ValueError:
    """The error of a value, with where that was written."""
    return ValueError(located(str(error), values.origins, {key: key for key in values}))
