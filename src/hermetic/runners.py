"""Programs that start others, or run code, at the word of whoever starts them: to give one back gives back more."""

from __future__ import annotations

import os
import sys

from _hermetic.programs.executables import base_name, is_python_name, located

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable

SHELL = "a shell starts whatever its command line says"
PREFIX = "it starts the program that its arguments name"
CODE = "it runs code that its arguments name, which can start any program"
OPTIONS = "its options and configuration name programs that it starts"
RECIPES = "it runs the commands of the files that it is given"
EDITOR = "it starts programs at a command of its own, such as !"
ELSEWHERE = "it starts programs outside this run"
MANY = "it is many programs, a shell among them"
PYTHON = "a Python child is guarded, but runs whatever code it is given"

REASONS = {
    SHELL: (
        *("sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "rbash", "nu", "pwsh"),
        *("powershell", "cmd"),
    ),
    PREFIX: (
        *("env", "xargs", "nice", "nohup", "setsid", "timeout", "time", "stdbuf", "ionice", "taskset", "chrt", "watch"),
        *("sudo", "su", "doas", "pkexec", "runuser", "setpriv", "chroot", "unshare", "nsenter", "parallel", "script"),
        *("strace", "ltrace", "gdb", "lldb", "valgrind", "perf", "flock", "entr", "expect", "start-stop-daemon"),
        *("tmux", "screen", "bwrap", "firejail", "uv", "uvx", "pipx", "npx", "poetry", "pdm", "hatch", "conda", "tox"),
        *("nox",),
    ),
    CODE: (
        *("awk", "gawk", "mawk", "nawk", "perl", "ruby", "node", "nodejs", "deno", "bun", "lua", "luajit", "php"),
        *("tclsh", "wish", "Rscript", "julia", "java", "guile", "ghc", "osascript", "gcc", "cc", "clang", "g++", "go"),
        *("cargo", "m4", "sqlite3", "psql", "mysql", "jshell", "scala", "groovy", "sed", "bc", "dc"),
    ),
    OPTIONS: (
        *("git", "hg", "svn", "find", "tar", "zip", "rsync", "ssh", "scp", "sftp", "curl", "wget", "ip", "tcpdump"),
        *("nmap", "npm", "yarn", "pnpm", "gpg", "openssl", "sort", "split", "dpkg", "rpm", "apt", "apt-get", "brew"),
        *("pip", "pip3"),
    ),
    RECIPES: (
        *("make", "gmake", "ninja", "cmake", "just", "rake", "ant", "mvn", "gradle", "bazel", "meson", "scons"),
        *("pre-commit",),
    ),
    EDITOR: (
        *("vi", "vim", "nvim", "view", "ex", "ed", "emacs", "nano", "less", "more", "man", "most", "mutt", "ftp"),
        *("top",),
    ),
    ELSEWHERE: (
        *("docker", "podman", "kubectl", "systemd-run", "systemctl", "at", "batch", "crontab", "launchctl", "open"),
        *("xdg-open",),
    ),
    MANY: ("busybox", "toybox"),
}


def place_of(entry: str) -> str:
    """Where a program of a list is now. ValueError for what is no program."""
    return located(entry, search_path())


def interpreters_of(entry: str, path: str) -> tuple[str, ...]:
    """What runs the program at this path, if it is a script, along this PATH or where a child has none. ValueError.

    Nothing where a policy in force lets nobody look: such a script is not started.
    """
    from _hermetic.programs.firstlines import interpreters

    if "_hermetic.acts" in sys.modules or "_hermetic.start" in sys.modules:
        from _hermetic.acts import refusal_here

        if refusal_here("read", path) is not None:
            return ()
    try:
        found = interpreters(path, search_path())
    except OSError:
        return ()  # what may be executed and not be read is no script
    except ValueError as error:
        raise ValueError(f"{entry!r} cannot be given back: {error}") from None
    try:
        return (*found, *interpreters(path, os.defpath))
    except ValueError:
        return found


def search_path() -> str:
    """PATH, also where the program may not read it: its children are looked for along it all the same."""
    if type(getattr(os.environ, "_data", None)) is dict:
        return os.environ.get("PATH", os.defpath)
    from _hermetic.acts import search_path as guarded_path  # loaded with the guard

    return guarded_path()


def reason_for(path: str) -> str | None:
    """Why this program gives back more than itself; None where nothing of the kind is known."""
    name = base_name(path).lower().removesuffix(".exe")
    if is_python_name(name):
        return PYTHON
    for reason, names in REASONS.items():
        if name in names or base_name(path) in names:
            return reason
    return None


def warn(entries: Iterable[str], by_options: bool) -> None:
    """One line on stderr for each of these that starts others; once in a process."""
    from os.path import realpath

    from hermetic import cautions

    for entry in entries:
        path = place_of(entry)
        reason = reason_for(path) or reason_for(realpath(path))
        if reason is not None:
            cautions.warn("allow_run", entry, reason, by_options, path)
