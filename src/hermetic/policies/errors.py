"""What is wrong with a policy file, with its name and its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _hermetic.extract import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class PolicyFileError(ValueError):
    """A policy file that cannot be read, or cannot mean anything."""


class PolicyTypeError(PolicyFileError, TypeError):
    """A value of the wrong type in one."""


def at(file: str, line: int) -> str:
    """``policy.toml:3``, or the file alone where the line is not known."""
    return f"{printable(file)}:{line}" if line else printable(file)


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)``, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""
