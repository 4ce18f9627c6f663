"""The exceptions that hermetic raises, under their public names."""

from __future__ import annotations

from _hermetic.errors import (
    BootstrapError,
    FilesystemViolation,
    HermeticError,
    ImportViolation,
    PolicyViolation,
)

__all__ = ["BootstrapError", "FilesystemViolation", "HermeticError", "ImportViolation", "PolicyViolation"]
