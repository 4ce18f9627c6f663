"""The words of the pytest plugin: how options, ini keys and markers spell what the settings table declares."""

from __future__ import annotations

PREFIX = "hermetic"
# A "profile" of the command line alone: nothing is guarded in this run, whatever markers say.
OFF = "off"
FAIL, WARN = "fail", "warn"
STRICT = "strict"
# What a test run cannot mean, and what to do instead.
REFUSED = {
    "sealed": "a sealed policy holds until the process ends, and pytest goes on writing its own files: "
    "run hermetic --seal [OPTIONS] -- pytest",
    "keep_fds": "the plugin closes no sockets that pytest inherited",
}


def flag_of(flag: str) -> str:
    """``--no-network`` -> ``--hermetic-no-network``."""
    return f"--{PREFIX}-{flag[2:]}"


def ini_key(key: str) -> str:
    """``allow_domains`` -> ``hermetic_allow_domains``."""
    return f"{PREFIX}_{key}"
