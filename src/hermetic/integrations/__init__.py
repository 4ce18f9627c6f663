"""hermetic inside other tools: one host each. A host's own modules are imported only when that host loads them."""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder

import _hermetic


def load_faces(*names: str) -> None:
    """Load modules of this package by their files. A host's import hook may take longer over one than that one to run:
    pytest's looks in each for assertions to explain."""
    home = sys.modules["hermetic"].__path__[0]
    found = PathFinder.find_spec("hermetic", [home[: -len("/hermetic")]])
    if found is not None:
        _hermetic.load_at_once(found, names)
