"""The command line: ``hermetic [OPTIONS] -- TARGET [ARGS...]``; the only module that exits."""

from __future__ import annotations

import sys

from _hermetic import VERSION, searchpath
from _hermetic.errors import HermeticError, PolicyViolation
from hermetic.options import PROFILE, UsageError, read_options

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from hermetic.profiles import GuardConfig

FAILED = 1
SEPARATOR = "--"
HELP, SHORT_HELP, VERSION_FLAG = "--help", "-h", "--version"


def program() -> int:
    """The console script: nothing is imported from where the target could have put it."""
    searchpath.set_aside()
    return main()


def main(argv: list[str] | None = None) -> int:
    """Run a command line; ``argv`` without the program's name (default: ``sys.argv``). Returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return dispatch(words)
    except PolicyViolation:
        raise
    except UsageError as error:
        return complain(f"{error} (see hermetic --help)")
    except HermeticError as error:
        return complain(str(error))


def complain(text: str) -> int:
    """One line on stderr."""
    print(f"hermetic: error: {text}", file=sys.stderr)
    return FAILED


def dispatch(words: list[str]) -> int:
    """A sub-command, help, or a run."""
    cut = words.index(SEPARATOR) if SEPARATOR in words else None
    options = words if cut is None else words[:cut]
    if options and not options[0].startswith("-"):
        return sub_command(options[0], options[1:])
    if SHORT_HELP in options or HELP in options:
        build_parser().print_help()
        return 0
    if VERSION_FLAG in options:
        print(f"hermetic {VERSION}")
        return 0
    values = read_options(options)
    if cut is None:
        raise UsageError("what to run comes after --: hermetic [OPTIONS] -- TARGET [ARGS...]")
    target = words[cut + 1 :]
    if not target or not target[0]:
        raise UsageError("nothing to run after --")
    return run_target(target, values)


def sub_command(name: str, words: list[str]) -> int:
    """``hermetic doctor``."""
    if name != "doctor":
        raise UsageError(f"unknown command {name!r} (known: doctor); a program to run comes after --")
    from hermetic import doctor  # its own imports are nothing a run should pay for

    return doctor.main(words)


def run_target(words: list[str], values: dict[str, Any]) -> int:
    """Resolve the target and run it under the policy of these values."""
    from _hermetic.target import Options
    from hermetic.launch import launch
    from hermetic.request import request_from
    from hermetic.settings import is_restrictive
    from hermetic.targets import find

    try:
        request = request_from(values) if is_restrictive(values) else None
    except ValueError as error:
        raise UsageError(str(error)) from None
    options = Options(strict=values["strict"], keep_fds=values["keep_fds"])
    found = find(words)
    if values["private_tmp"]:
        from hermetic import private_tmp

        request = request_from(values, private_tmp.in_child())
    return launch(found, request, options)


def build_parser() -> ArgumentParser:
    """The parser behind ``--help``; runs are read by ``hermetic.options``, which says the same faster."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    class Formatter(RawDescriptionHelpFormatter):
        """Options as they are typed: a value that may be left out needs ``=``."""

        def _format_action_invocation(self, action: Any) -> str:
            if action.nargs == "?":
                return ", ".join(f"{flag}[={action.metavar}]" for flag in action.option_strings)
            return super()._format_action_invocation(action)

    from hermetic.settings import NUMBERS, PROFILES, SETTINGS, SWITCH

    parser = ArgumentParser(
        prog="hermetic",
        usage="hermetic [OPTIONS] -- TARGET [ARGS...]\n       hermetic doctor [--json]",
        description="Run a Python program with capabilities taken away.",
        epilog=EPILOG,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    for setting in SETTINGS:
        if not setting.flags:
            continue
        if setting.kind == SWITCH and setting.optional is not None:
            parser.add_argument(*setting.flags, nargs="?", const=True, metavar=setting.optional[0], help=setting.help)
        elif setting.kind == SWITCH:
            parser.add_argument(*setting.flags, action="store_true", help=setting.help)
        else:
            kind = int if setting.kind == NUMBERS else str
            parser.add_argument(
                *setting.flags, action="append", type=kind, metavar=setting.metavar, default=[], help=setting.help
            )
    parser.add_argument(
        PROFILE,
        action="append",
        choices=list(PROFILES),
        metavar="NAME",
        default=[],
        help=f"a named bundle of the above: {', '.join(PROFILES)}; repeatable",
    )
    parser.add_argument(VERSION_FLAG, action="version", version=f"hermetic {VERSION}")
    return parser


EPILOG = """\
TARGET is pkg.module:attr, a console script, an executable or a path, or a module name.
Exit status: the target's own; 2 when a guard blocked an act and the target failed of it;
1 when hermetic itself failed. `hermetic doctor` says what this machine can enforce."""


def parse_hermetic_args(argv: list[str]) -> GuardConfig:
    """The request that the options before ``--`` make. ValueError for what cannot mean anything."""
    from hermetic.profiles import from_values

    cut = argv.index(SEPARATOR) if SEPARATOR in argv else len(argv)
    return from_values(read_options(list(argv[:cut])))


if __name__ == "__main__":
    sys.exit(program())
