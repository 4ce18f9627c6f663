"""What ``tempfile`` chooses of names, which differs from run to run: a ``*`` in baselines."""

from __future__ import annotations

import os
import re
import tempfile
from tempfile import _RandomNameSequence  # type: ignore[attr-defined]  # what it chooses from has no public name

LENGTH = 8


class Chosen(_RandomNameSequence):  # type: ignore[misc]
    """The names that tempfile takes from now on, all of which it remembers."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        # Child processes choose from a sequence of their own. What is left of theirs in a message begins as their code
        # said, which is not known here: as it does by itself, or with something that ends in a separator.
        folder = re.escape(os.path.join(tempfile.gettempdir(), ""))
        begin = rf"(?<![^/\\ (])tmp|{folder}[^/]*?[-_.]"
        self.likely = re.compile(rf"({begin})[a-z0-9_]{{{LENGTH}}}(?![a-z0-9_])")

    def __next__(self) -> str:
        name: str = super().__next__()
        self.names.add(name)
        return name

    def starred(self, message: str) -> str:
        """The message without them."""
        for start in range(len(message) - LENGTH, -1, -1):
            if message[start : start + LENGTH] in self.names:
                message = f"{message[:start]}*{message[start + LENGTH :]}"
        return self.likely.sub(r"\1*", message)


def remember() -> Chosen:
    """Have tempfile choose from a sequence that remembers, in this process."""
    sequence = Chosen()
    tempfile._name_sequence = sequence  # type: ignore[attr-defined]
    return sequence
