"""The console script; ``python -m hermetic`` is the same."""

import sys

import _hermetic
import hermetic


def program() -> int:
    """Run the command line; nothing is imported from where the target could have put it."""
    _hermetic.load_at_once(_hermetic.__spec__, ["startup.", "startup.searchpath"])
    from _hermetic.startup import searchpath

    searchpath.set_aside()
    _hermetic.load_at_once(_hermetic.__spec__, _hermetic.SENDER)
    _hermetic.load_at_once(hermetic.__spec__, ["settings", "values", "request", "options", "targets", "launch", "cli"])
    from hermetic.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(program())
