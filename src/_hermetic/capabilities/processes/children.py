"""Children: where processes may be started, what they are given.

A Python child starts by the carried entry, with the policies in force. Any other
program is told once, or refused, because without the kernel layer nothing holds it;
it is given variables by which a Python program that it starts finds the guards.
"""

from __future__ import annotations

import os

from ...callers import CALLER_DEPTH, CORE, calling_frame, runs_one_of
from ...model import Family, GuardedCall
from ...pristine import IS_WINDOWS
from ...programs.commandline import INFORMS, UNKNOWN, has_flag, meaning
from ...programs.executables import (
    ABSENT,
    ENV,
    INTERPRETER,
    NESTED,
    OTHER,
    base_name,
    is_executable,
    is_python_name,
    placed,
    unwrapped,
)
from ...programs.firstlines import by_env
from ...programs.target import CODE, MODULE
from .starting import GUARD, first_program, information_denial

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    from ...model import Denial

    # (option that refuses a program which nothing holds, or empty; the options that took something away; whether the
    # policy only reports; those options that the kernel does not hold; of these, those that it holds in part; what
    # enforce/doors/children.py knows of the whole process)
    Rules: TypeAlias = tuple[str, tuple[str, ...], bool, tuple[str, ...], tuple[str, ...], tuple[Any, ...]]
    Environment: TypeAlias = list[tuple[str, str]]
    # (name, value or None to unset it; None of an empty name unsets all)
    Change: TypeAlias = tuple[str, "str | None"]

UNGUARDED = "subprocess.unguarded"
STRAY = "subprocess.stray"
UNHELD = "only Python programs can be held to what the kernel layer does not hold"

# What a program sets to have code of its own run in a child before anything else does, or to have an allowed name
# looked up as another one (network/detours.py), or a file of its choice shown (filesystem/clibrary.py). Kept as they
# were at the start. OpenSSL's and iconv's have it load libraries (imports/__init__.py).
LOADER_NAMES = (
    *("BASH_ENV", "ENV", "__PYVENV_LAUNCHER__", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"),
    *("RESOLV_HOST_CONF", "INPUTRC"),
    *("OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES", "GCONV_PATH"),
)
LOADER_PREFIXES = ("LD_", "DYLD_", "PYTHON")
# Which of these C knows about is not to be seen from Python, so all that do harm are set anew before C starts a shell.
HARMFUL = (
    *LOADER_NAMES,
    *("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PROFILE", "LD_DEBUG_OUTPUT", "LD_ORIGIN_PATH"),
    *("DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE"),
    *("PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS", "PYTHONPYCACHEPREFIX", "PYTHONSAFEPATH"),
    *("PYTHONNOUSERSITE", "PYTHONCASEOK"),
)
# What a program sets to have an allowed program run another one, or code, of its choice: where there is a list, these
# are kept as they were at the start, too. PATH is one of them: programs start others by their names.
PATH = "PATH"
HELPERS = (
    *(PATH, "PAGER", "MANPAGER", "EDITOR", "VISUAL", "BROWSER", "SHELL", "LESSOPEN", "LESSCLOSE"),
    *("CVS_RSH", "RSYNC_RSH", "HGEDITOR", "SVN_SSH", "SVN_EDITOR"),
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR"),
    *("GIT_EXTERNAL_DIFF", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR"),
    *("IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR", "TAR_OPTIONS"),
    *("MAKEFLAGS", "GNUMAKEFLAGS", "PERLLIB", "PERL5LIB", "PERL5OPT", "PERL5DB", "RUBYLIB", "RUBYOPT"),
    *("NODE_OPTIONS", "NODE_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"),
    # Further files of commands and settings, and further helpers by name.
    *("LESSKEY", "LESSKEYIN", "LESSKEY_CONTENT", "LESSEDIT", "VIMINIT", "GVIMINIT", "EXINIT", "MAKEFILES", "GOFLAGS"),
    *("RIPGREP_CONFIG_PATH", "RSYNC_CONNECT_PROG", "WGETRC", "PSQLRC", "PSQL_EDITOR", "PHPRC", "PHP_INI_SCAN_DIR"),
    *("SSH_SK_HELPER", "SSH_SK_PROVIDER", "SSH_PKCS11_HELPER", "SUDO_EDITOR", "FCEDIT", "RUBYSHELL", "R_PROFILE_USER"),
    *("RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOC", "DOTNET_STARTUP_HOOKS", "R_PROFILE"),
    # What has libraries loaded into whatever uses GLib or Gtk, Qt, Tcl, Kerberos or SASL, or is gawk.
    *("GIO_EXTRA_MODULES", "GTK_MODULES", "GTK_PATH", "QT_PLUGIN_PATH", "KRB5_CONFIG", "SASL_PATH", "AWKLIBPATH"),
    *("TCLLIBPATH", "GLIBC_TUNABLES"),
)
HELPER_PREFIXES = ("GIT_CONFIG", "BASH_FUNC_", "LUA_", "CARGO_", "JULIA_", "NPM_CONFIG_", "npm_config_")
HELPER_ENDINGS = ("_PAGER", "_ASKPASS")
# By these a Python program finds the guards when another program starts it; and what makes an interpreter ignore them.
IGNORES = "IES"
PATH_CARRIER, POLICY_CARRIER = "PYTHONPATH", "HERMETIC_POLICY"
PATH_SEPARATOR, DEFAULT_PATH = os.pathsep, os.defpath
CARRIER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "carrier")


# --- decisions ---


def decide(rules: Rules, capability: str, target: Any, call: str) -> Denial | None:
    message = f"subprocess disabled: {call}"
    if capability == STRAY:
        return (
            message,
            target or None,
            rules[1][0],
            "the same call by its module's name: this reference is older than the guards",
        )
    program, reason = target
    if reason:
        return message, program or None, rules[1][0], reason
    if not rules[0] or not rules[3]:
        return None
    if rules[4] == rules[3]:
        remedy = "--kernel=require, under which the kernel layer holds it in full or nothing starts"
    else:
        remedy = f"running without --{rules[0]}: {UNHELD}"
    return information_denial(message, program, rules[0], remedy)


def warning(program: str, several: list[Rules]) -> str:
    """What is said, once, of a child that nothing holds, or not in full. several: of all policies but those that
    only report."""
    unheld = {name: name for rules in several for name in rules[3]}
    wholly = {name: name for rules in several for name in rules[3] if name not in rules[4]}
    nothing = " ".join(["--" + name for name in wholly])
    partly = " ".join(["--" + name for name in unheld if name not in wholly])
    said = [f"no kernel layer holds it to {nothing}"] if nothing else []
    if partly:
        said.append(f"the kernel layer holds it to {partly} in part (in full with --kernel=require)")
    return f"hermetic: warning: {program} is not a Python program, and {', and '.join(said)}\n"


# --- readers ---


# The code of the stand-ins that start children; a start fills it in.
STARTING: Any = []
# The file of the stand-ins that ask and call.
JUDGES = CORE + os.path.join("enforce", "patches.py")


def stray(args: tuple[Any, ...], kwargs: Any) -> str | None:
    """A start by a reference that was kept from before the guards: nobody could give the child a policy."""
    frame = calling_frame(CALLER_DEPTH)
    if type(STARTING) is list:
        # In a block. What takes processes away there may have been put in place first, and let this one pass.
        while frame is not None and frame.f_code.co_filename == JUDGES:
            frame = frame.f_back
    return None if runs_one_of(frame, STARTING) else first_program(args, kwargs)


def unguarded(args: tuple[Any, ...], kwargs: Any) -> tuple[str, str]:
    """(program, why it cannot be guarded or empty), from a stand-in."""
    return args[0], args[1]


def on_windows(rules: Rules) -> bool:
    return IS_WINDOWS


def elsewhere(rules: Rules) -> bool:
    return not IS_WINDOWS


SURFACE = (
    GuardedCall(
        capability=UNGUARDED,
        patch=("_posixsubprocess:fork_exec", "subprocess:_fork_exec"),
        read=unguarded,
        call="subprocess.Popen",
        door="children.start_fork_exec",
        when=elsewhere,
        late=True,
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("posix:posix_spawn", "os:posix_spawn"),
        read=unguarded,
        call="os.posix_spawn",
        door="children.start_spawn",
        when=elsewhere,
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("posix:posix_spawnp", "os:posix_spawnp"),
        read=unguarded,
        call="os.posix_spawn",
        door="children.start_spawn_by_name",
        when=elsewhere,
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("posix:execv", "os:execv"),
        read=unguarded,
        call="os.exec",
        door="children.replace",
        when=elsewhere,
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("posix:execve", "os:execve"),
        read=unguarded,
        call="os.exec",
        door="children.replace_with",
        when=elsewhere,
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("posix:system", "os:system"),
        read=unguarded,
        call="os.system",
        door="children.start_shell",
    ),
    GuardedCall(
        capability=UNGUARDED,
        patch=("_winapi:CreateProcess",),
        read=unguarded,
        call="subprocess.Popen",
        door="windows_children.create_process",
        when=on_windows,
    ),
    GuardedCall(
        capability=STRAY,
        audit=(
            "os.exec",
            "os.posix_spawn",
            "os.system",
            "os.startfile",
            "os.startfile/2",
            "_posixsubprocess.fork_exec",
            "_winapi.CreateProcess",
        ),
        read=stray,
        note="CPython 3.13.0 and older announce nothing for `_posixsubprocess.fork_exec`",
    ),
)


# --- what a child is ---


def found_program(candidates: Iterable[str], folder: str) -> str:
    """The first of these names that the system would start, or an empty text."""
    for candidate in candidates:
        if is_executable(placed(candidate, folder)):
            return candidate
    return ""


def started(
    candidates: Iterable[str], words: tuple[str, ...], folder: str, folders: str
) -> tuple[str, str, tuple[str, ...], tuple[Any, ...] | None, str, list[Change]]:
    """What a start would start.

    (what it is, its file, the words before the entry or of all of it, target or None where there is no program for the
    entry, reason against, what is done to the variables)

    candidates: the files the system will try. words: argv. folder: where the child begins, empty
    for here. folders: the child's PATH. The target is (kind, name, words, those of them that are arguments).
    """
    outer = candidate = found_program(candidates, folder)
    if not candidate:
        return ABSENT, "", (), None, "", []
    words = words or (candidate,)
    what, file, followed, variables = unwrapped(candidate, words, folders, folder)
    reason = unreachable(followed, len(followed) - len(words) + 1)
    changes = set_in(variables)
    for _ in range(NESTED):
        behind = by_env(followed[1:]) if what == OTHER and file in ENV else None
        if behind is None:
            break
        changes += behind[0]
        folders = path_in(changed([("PATH", folders)], behind[0]))
        candidate = found_program(on_path(behind[1][0], folders), folder)
        if not candidate:
            break
        what, file, followed, variables = unwrapped(candidate, behind[1], folders, folder)
        changes += set_in(variables)
    if what != INTERPRETER:
        return OTHER, outer, (), None, reason, []
    kind, name, options, rest = meaning(followed[1:])
    if kind in (INFORMS, UNKNOWN):
        # The interpreter itself, too: to the system, a shell or another env, a first line may mean another thing.
        return what, file, followed, None, name and "a command line that hermetic can read: " + name, changes
    return what, file, (followed[0], *options), (kind, name, followed, rest), "", changes


def on_path(name: str, folders: str) -> list[str]:
    """The files that execvp would try."""
    return [name] if "/" in name else [(folder or ".") + "/" + name for folder in folders.split(PATH_SEPARATOR)]


def set_in(variables: tuple[str, ...]) -> list[Change]:
    """``NAME=value`` as changes."""
    pairs: list[Change] = []
    for variable in variables:
        name, _, value = variable.partition("=")
        pairs.append((name, value))
    return pairs


def changed(environment: Environment, changes: list[Change]) -> Environment:
    """Variables as ``env`` leaves them."""
    for name, value in changes:
        environment = [pair for pair in environment if name and pair[0] != name]
        if value is not None:
            environment.append((name, value))
    return environment


def unreachable(words: tuple[str, ...], programs: int) -> str:
    """Why a program that is no Python, and called like one, must not start one with these words.

    programs: how many of them are programs and options of first lines, and the file itself.
    """
    for at in range(programs):
        if is_python_name(base_name(words[at])):
            flags = meaning(words[at + 1 :])[2]
            for letter in IGNORES:
                if has_flag(flags, letter):
                    name = base_name(words[at])
                    return f"naming the interpreter itself instead of a script called {name}, or no -{letter}"
    return ""


def is_worker(kind: str, name: str) -> bool:
    """Whether this is what multiprocessing starts, or joblib: a worker, or the server that forks workers."""
    if kind == MODULE:
        return name.removeprefix("joblib.externals.").startswith("loky.backend.popen_")
    # Since 3.14 the server's begins with another import.
    return kind == CODE and name.removeprefix("import sys; ").startswith("from multiprocessing.")


# --- what a child is given ---


def is_loader_name(name: str) -> bool:
    """Whether a variable has code run in a child."""
    if IS_WINDOWS:
        name = name.upper()
    return name in LOADER_NAMES or name.startswith(LOADER_PREFIXES)


def loader_variables(environment: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those among these, and the helpers, as they are now."""
    return frozenset([(name, value) for name, value in environment if is_loader_name(name) or is_helper_name(name)])


def without_loaders(environment: Environment, known: frozenset[tuple[str, str]]) -> Environment:
    """Without the loader variables that were not there at the start."""
    return [pair for pair in environment if pair in known or not is_loader_name(pair[0])]


def is_helper_name(name: str) -> bool:
    """Whether a variable has a program run another one."""
    if IS_WINDOWS:
        name = name.upper()
    return name in HELPERS or name.startswith(HELPER_PREFIXES) or name.endswith(HELPER_ENDINGS)


def without_helpers(environment: Environment, known: frozenset[tuple[str, str]]) -> Environment:
    """Without the helpers that were not there at the start; the PATH is the one of the start.

    Also where there is none: what a shell takes in its place may end with the folder where it begins.
    """
    kept = [pair for pair in environment if pair in known or not is_helper_name(pair[0])]
    if PATH in [pair[0] for pair in kept]:
        return kept
    return [*kept, *[pair for pair in known if pair[0] == PATH]]


def with_carriers(environment: Environment, text: str) -> Environment:
    """With the variables by which a Python program that this child starts finds the guards."""
    found = ""
    kept = []
    for name, value in environment:
        if name == PATH_CARRIER:
            found = value
        elif name != POLICY_CARRIER:
            kept.append((name, value))
    path = CARRIER + PATH_SEPARATOR + found if found else CARRIER
    return [*kept, (PATH_CARRIER, path), (POLICY_CARRIER, text)]


def path_in(environment: Environment) -> str:
    """The PATH that a child would look along."""
    return path_set(environment) or DEFAULT_PATH


def path_set(environment: Environment) -> str:
    """The PATH among these, or an empty text."""
    for name, value in environment:
        if name == PATH:
            return value
    return ""


FAMILY = Family(guard=GUARD, decide=decide, surface=SURFACE)
