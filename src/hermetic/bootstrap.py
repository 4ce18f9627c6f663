"""Start-up files for an interpreter that somebody else starts.

``hermetic -- PROGRAM`` needs none of this: it starts the interpreter itself. This
is for runners that can only set variables: a folder to put first on ``PYTHONPATH``.
"""

from __future__ import annotations

import os
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from _hermetic.message import ENTRY, message
from _hermetic.policy import carry, from_plain
from _hermetic.programs.target import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_sitecustomize"]

FILE = "sitecustomize.py"
CARRIER = os.path.join(os.path.dirname(ENTRY), "carrier", FILE)
TEXT = """\
# Written by hermetic: every Python program that finds this folder on its PYTHONPATH runs under the policy below.
import os

os.environ["HERMETIC_POLICY"] = {policy!r}
with open({carrier!r}) as file:
    text = file.read()
names = {{"__file__": {carrier!r}, "FOLDER": os.path.dirname(os.path.abspath(__file__))}}
exec(compile(text, {carrier!r}, "exec"), names)
"""


def write_sitecustomize(flags: Mapping[str, Any]) -> str:
    """Write the start-up files for ``flags``, as ``hermetic.runner.config_to_flags`` gives them.

    Returns the path of a new folder, which the caller owns and removes. Put it first on the
    ``PYTHONPATH`` of CPython 3.10 or newer; hermetic need not be installed there, only stay where it
    is now. Options that make Python ignore that variable (``-I``, ``-E``, ``-S``) make it ignore the
    folder. ValueError for flags that restrict nothing or are another version's.
    """
    if not flags.get("policy"):
        raise ValueError("these flags take nothing away")
    options = Options(
        strict=bool(flags.get("strict")),
        keep_fds=tuple(flags.get("keep_fds") or ()),
        kernel=flags.get("kernel") or "off",
    )
    policy = message((carry(from_plain(flags["policy"])),), options.fields(), None)
    folder = mkdtemp(prefix="hermetic-")
    with open(os.path.join(folder, FILE), "w", encoding="utf-8") as file:
        file.write(TEXT.format(carrier=CARRIER, policy=policy))
    return folder
