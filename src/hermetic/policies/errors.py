"""What is wrong with a policy file, with its name and its line."""

from __future__ import annotations

from _hermetic.extract import printable


class PolicyFileError(ValueError):
    """A policy file that cannot be read, or cannot mean anything."""


class PolicyTypeError(PolicyFileError, TypeError):
    """A value of the wrong type in one."""


def at(file: str, line: int) -> str:
    """``policy.toml:3``, or the file alone where the line is not known."""
    return f"{printable(file)}:{line}" if line else printable(file)
