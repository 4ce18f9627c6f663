"""Every setting a user can make, declared once.

The parser, the configuration classes, merging, flags and the reference page loop
over SETTINGS. What values ask of each family is said in one place, ``request``.
"""

from __future__ import annotations

from _hermetic.model import Row, field

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

# Kinds of value.
SWITCH, TEXT, LIST, NUMBERS, CHOICE = "switch", "text", "list", "numbers", "choice"
# How two values of a setting combine. Joining makes one request from several; narrowing
# makes the policy that allows only what both allow, entry by entry where one may lie inside another.
ANY, EXTEND, FIRST, NARROWER, BOTH = "any", "extend", "first", "narrower", "both"
HOSTS, VARIABLES, WORDS = "hosts", "variables", "words"
# What values are on a disk: paths, or programs, of which those with a slash are paths.
PATHS, PROGRAMS = "paths", "programs"


class Setting(Row):
    """One row.

    name: the keyword of ``hermetic_blocker`` and field of ``BlockConfig``; empty for
    what only a command line can mean. option_name: the field of ``GuardConfig``.
    keywords: further spellings that ``BlockConfig.from_kwargs`` accepts. flags: of the
    command line. kind: see above. optional: the flag's ``=VALUE`` part, ("ROOT", the
    setting it fills). needs: settings of which one must be on for this to mean something.
    join, narrow: see above. holds_paths: PATHS, PROGRAMS or empty; in a policy file these are
    relative to the file. choices: what a choice may be, first what the flag alone means.
    metavar and help: for people.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        name: str = "",
        option_name: str,
        keywords: tuple[str, ...] = (),
        flags: tuple[str, ...] = (),
        kind: str = SWITCH,
        optional: tuple[str, str] | None = None,
        needs: tuple[str, ...] = (),
        join: str = ANY,
        narrow: str = ANY,
        holds_paths: str = "",
        metavar: str | None = None,
        choices: tuple[str, ...] = (),
        help: str,
    ) -> Setting:
        words = (name, option_name, keywords, flags)
        return tuple.__new__(cls, (*words, kind, optional, needs, join, narrow, holds_paths, metavar, choices, help))

    name: str = field(0, None)
    option_name: str = field(1, None)
    keywords: tuple[str, ...] = field(2, None)
    flags: tuple[str, ...] = field(3, None)
    kind: str = field(4, None)
    optional: tuple[str, str] | None = field(5, None)
    needs: tuple[str, ...] = field(6, None)
    join: str = field(7, None)
    narrow: str = field(8, None)
    holds_paths: str = field(9, None)
    metavar: str | None = field(10, None)
    choices: tuple[str, ...] = field(11, None)
    help: str = field(12, None)

    @property
    def default(self) -> Any:
        """The value that asks for nothing."""
        return {SWITCH: False, TEXT: None, CHOICE: None, LIST: (), NUMBERS: ()}[self.kind]

    @property
    def key(self) -> str:
        """The name under which values travel inside hermetic."""
        return self.name or self.option_name


SETTINGS = (
    Setting(
        name="block_network",
        option_name="no_network",
        keywords=("no_network",),
        flags=("--no-network",),
        help="no connecting, sending, name look-ups, or listening beyond loopback",
    ),
    Setting(
        name="allow_localhost",
        option_name="allow_localhost",
        flags=("--allow-localhost",),
        needs=("block_network",),
        narrow=HOSTS,
        help="with --no-network: give back loopback, and Unix sockets that this run binds; "
        "services on loopback can act for the program",
    ),
    Setting(
        name="allow_domains",
        option_name="allow_domains",
        flags=("--allow-domain",),
        kind=LIST,
        needs=("block_network",),
        join=EXTEND,
        narrow=HOSTS,
        metavar="DOMAIN",
        help="with --no-network: give back DOMAIN and its subdomains; repeatable",
    ),
    Setting(
        name="allow_hosts",
        option_name="allow_hosts",
        flags=("--allow-host",),
        kind=LIST,
        needs=("block_network", "deny_private_network"),
        join=EXTEND,
        narrow=HOSTS,
        metavar="HOST[:PORT]",
        help="with --no-network: give back one name, *.NAME, address or CIDR range, on one port or range of ports "
        "or on all; repeatable",
    ),
    Setting(
        name="deny_hosts",
        option_name="deny_hosts",
        keywords=("deny_host",),
        flags=("--deny-host",),
        kind=LIST,
        join=EXTEND,
        narrow=EXTEND,
        metavar="HOST[:PORT]",
        help="deny a name, *.NAME, address or CIDR range, whatever else allows it; repeatable",
    ),
    Setting(
        name="deny_private_network",
        option_name="deny_private_network",
        flags=("--deny-private-network",),
        help="no private addresses (RFC 1918, CGNAT, ULA, link-local), by whatever name, but those of --allow-host",
    ),
    Setting(
        name="allow_unix_sockets",
        option_name="allow_unix_sockets",
        flags=("--allow-unix-socket",),
        kind=LIST,
        needs=("block_network",),
        join=EXTEND,
        narrow=WORDS,
        holds_paths=PATHS,
        metavar="PATH",
        help="with --no-network: give back connecting to the Unix socket at PATH, or @NAME; repeatable",
    ),
    Setting(
        name="block_subprocess",
        option_name="no_subprocess",
        keywords=("no_subprocess",),
        flags=("--no-subprocess",),
        help="no starting of processes, no signals to others, no typing into the terminal",
    ),
    Setting(
        name="allow_run",
        option_name="allow_run",
        flags=("--allow-run",),
        kind=LIST,
        needs=("block_subprocess",),
        join=EXTEND,
        narrow=PROGRAMS,
        holds_paths=PROGRAMS,
        metavar="PROGRAM",
        help="with --no-subprocess: give back starting PROGRAM, a name on PATH or a path; repeatable",
    ),
    Setting(
        name="fs_readonly",
        option_name="fs_readonly",
        flags=("--fs-readonly",),
        optional=("ROOT", "fs_root"),
        help="no writing to the file system; with =ROOT, reading only below ROOT",
    ),
    Setting(
        name="fs_root",
        option_name="fs_root",
        kind=TEXT,
        needs=("fs_readonly",),
        join=FIRST,
        narrow=NARROWER,
        holds_paths=PATHS,
        metavar="ROOT",
        help="with fs_readonly: reads must lie below this directory",
    ),
    Setting(
        name="allow_read",
        option_name="allow_read",
        flags=("--allow-read",),
        kind=LIST,
        needs=("fs_root",),
        join=EXTEND,
        narrow=PATHS,
        holds_paths=PATHS,
        metavar="PATH",
        help="with --fs-readonly=ROOT: give back reads at or below PATH; repeatable",
    ),
    Setting(
        name="allow_write",
        option_name="allow_write",
        flags=("--allow-write",),
        kind=LIST,
        needs=("fs_readonly",),
        join=EXTEND,
        narrow=PATHS,
        holds_paths=PATHS,
        metavar="PATH",
        help="with --fs-readonly: give back writes at or below PATH; repeatable",
    ),
    Setting(
        name="private_tmp",
        option_name="private_tmp",
        flags=("--private-tmp",),
        needs=("fs_readonly",),
        narrow=BOTH,
        help="with --fs-readonly: give back one fresh temporary directory of this run, removed at its end",
    ),
    Setting(
        name="deny_read",
        option_name="deny_read",
        flags=("--deny-read",),
        kind=LIST,
        join=EXTEND,
        narrow=EXTEND,
        holds_paths=PATHS,
        metavar="PATH",
        help="no reading at or below PATH, whatever else allows it; works alone; repeatable",
    ),
    Setting(
        name="deny_write",
        option_name="deny_write",
        flags=("--deny-write",),
        kind=LIST,
        join=EXTEND,
        narrow=EXTEND,
        holds_paths=PATHS,
        metavar="PATH",
        help="no writing at or below PATH, whatever else allows it; works alone; repeatable",
    ),
    Setting(
        name="block_environment",
        option_name="no_environment",
        keywords=("no_environment", "no_env"),
        flags=("--no-environment", "--no-env"),
        optional=("unset", "environment_unset"),
        help="no environment variables, for the program and its children; with =unset, readers see none instead "
        "of failing",
    ),
    Setting(
        name="environment_unset",
        option_name="environment_unset",
        needs=("block_environment",),
        narrow=BOTH,
        help="with block_environment: readers see variables as unset instead of failing",
    ),
    Setting(
        name="allow_env",
        option_name="allow_env",
        flags=("--allow-env",),
        kind=LIST,
        needs=("block_environment",),
        join=EXTEND,
        narrow=VARIABLES,
        metavar="NAME",
        help="with --no-environment: give back variable NAME, or all that begin as in AWS_*; repeatable",
    ),
    Setting(
        name="block_code_exec",
        option_name="no_code_exec",
        keywords=("no_code_exec",),
        flags=("--no-code-exec",),
        help="no eval, exec, compile, or code objects; imports still work",
    ),
    Setting(
        name="deny_imports",
        option_name="deny_imports",
        keywords=("deny_import",),
        flags=("--deny-import",),
        kind=LIST,
        join=EXTEND,
        narrow=EXTEND,
        metavar="NAME",
        help="no importing of module NAME and its submodules; repeatable",
    ),
    Setting(
        name="block_native",
        option_name="block_native",
        keywords=("no_native",),
        flags=("--block-native",),
        help="no extension modules beyond the standard library's, no ctypes, no cffi",
    ),
    Setting(
        name="allow_native",
        option_name="allow_native",
        flags=("--allow-native",),
        kind=LIST,
        needs=("block_native",),
        join=EXTEND,
        narrow=WORDS,
        metavar="PACKAGE",
        help="with --block-native: give back the extension modules of this top-level package (numpy); repeatable",
    ),
    Setting(
        name="block_interpreter_mutation",
        option_name="no_interpreter_mutation",
        keywords=("no_interpreter_mutation",),
        flags=("--no-interpreter-mutation",),
        help="no chdir, no changing of sys.path and import hooks, no tracing hooks",
    ),
    Setting(
        name="trace",
        option_name="trace",
        flags=("--trace",),
        help="one line on stderr for each blocked act",
    ),
    Setting(
        name="report_only",
        option_name="report_only",
        flags=("--report-only",),
        narrow=BOTH,
        help="block nothing; trace every act that would be blocked, and sum them up at exit",
    ),
    Setting(
        name="sealed",
        option_name="sealed",
        keywords=("seal",),
        flags=("--seal",),
        help="nothing that goes through Python's object model lifts the policy until the process ends; no "
        "child that is not Python is started",
    ),
    Setting(
        option_name="strict",
        flags=("--strict",),
        help="any blocked act ends in status 2, also one that the program coped with, or a child of it; no child that "
        "is not Python is started",
    ),
    Setting(
        option_name="keep_fds",
        flags=("--keep-fd",),
        kind=NUMBERS,
        needs=("block_network",),
        join=EXTEND,
        narrow=WORDS,
        metavar="N",
        help="with --no-network: keep the inherited socket on descriptor N open; repeatable",
    ),
    Setting(
        option_name="kernel",
        flags=("--kernel",),
        kind=CHOICE,
        join=FIRST,
        narrow=NARROWER,
        metavar="auto|require|off",
        choices=("auto", "require", "off"),
        help="the kernel layer, which also holds native code and programs that are not Python; auto, the default, uses "
        "what this kernel has; require refuses to start unless it holds all that a kernel can; off. No program gains "
        "privileges under it: sudo and ping do not work",
    ),
)

BY_KEY = {setting.key: setting for setting in SETTINGS}
