"""The command line: ``hermetic [OPTIONS] -- TARGET [ARGS...]``; the only module that exits."""

from __future__ import annotations

import sys

from _hermetic import VERSION
from _hermetic.errors import HermeticError, PolicyViolation
from _hermetic.startup import searchpath
from hermetic.options import POLICY, PROFILE, UsageError, read_choice, read_options

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable
    from typing import Any

    from hermetic.options import Choice
    from hermetic.profiles import GuardConfig
    from hermetic.settings import Setting

FAILED = 1
BROKEN_PIPE = 128 + 13  # as a shell tells of SIGPIPE
SEPARATOR = "--"
HELP, SHORT_HELP, VERSION_FLAG = "--help", "-h", "--version"


def program() -> int:
    """The console script: nothing is imported from where the target could have put it."""
    searchpath.set_aside()
    return main()


def main(argv: list[str] | None = None) -> int:
    """Run a command line; ``argv`` without the program's name (default: ``sys.argv``). Returns the exit status.

    A target that ends by SystemExit, or by an exception, ends this call by it, as it would end the process;
    ``hermetic.runner.run`` returns a number then, too.
    """
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
    if SHORT_HELP in options or HELP in options:
        return printed(show_help)
    if options and not options[0].startswith("-"):
        return printed(lambda: sub_command(options[0], words[1:]))
    if VERSION_FLAG in options:
        return printed(show_version)
    choice = read_choice(options)
    if cut is None:
        raise UsageError("what to run comes after --: hermetic [OPTIONS] -- TARGET [ARGS...]")
    target = words[cut + 1 :]
    if not target or not target[0]:
        raise UsageError("nothing to run after --")
    return run_target(target, choice)


def show_help() -> int:
    build_parser().print_help()
    return 0


def show_version() -> int:
    print(f"hermetic {VERSION}")
    return 0


def printed(tell: Callable[[], int]) -> int:
    """The status of what prints, or that of a tool which dies of a broken pipe, where nobody reads on."""
    try:
        status = tell()
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        # The interpreter flushes it once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


COMMANDS = ("doctor", "policy", "why")


def sub_command(name: str, words: list[str]) -> int:
    """``hermetic doctor`` and the others; their own imports are nothing a run should pay for."""
    if name not in COMMANDS:
        raise UsageError(f"unknown command {name!r} (known: {', '.join(COMMANDS)}); a program to run comes after --")
    if name == "doctor":
        from hermetic import doctor

        return doctor.main(words[:-1] if words[-1:] == [SEPARATOR] else words)
    if name == "policy":
        from hermetic.policies import command

        return command.main(words)
    from hermetic.policies import why

    return why.main(words)


def run_target(words: list[str], choice: Choice) -> int:
    """Resolve the target and run it under the policy of these values."""
    from _hermetic.programs.target import Options
    from hermetic.launch import launch
    from hermetic.request import request_from, rows_of
    from hermetic.targets import find
    from hermetic.values import is_restrictive

    values = choice.values
    files: tuple[str, ...] = ()
    origins = rows_of(choice.origins, choice.files)
    if choice.files:
        from hermetic.policies.choice import protected_files

        files = protected_files(choice.files)
    try:
        request = request_from(values, origins, files) if is_restrictive(values) else None
    except ValueError as error:
        raise UsageError(placed(error, choice)) from None
    kernel = values["kernel"] or "auto"
    options = Options(strict=values["strict"], keep_fds=values["keep_fds"], kernel=kernel, waits=True)
    found = find(words)
    if values["private_tmp"]:
        from hermetic import private_tmp

        request = request_from(values, origins, files, private_tmp.in_child())
    return launch(found, request, options)


def placed(error: ValueError, choice: Choice) -> str:
    """An error about a value, with the option or the place in the policy file that it comes from."""
    from hermetic.options import SPELLED
    from hermetic.values import naming_setting

    if not choice.files:
        return naming_setting(error, {SPELLED[key]: value for key, value in choice.values.items()})
    from hermetic.policies.choice import located

    return located(str(error), choice.origins, SPELLED)


def build_parser() -> ArgumentParser:
    """The parser behind ``--help``; runs are read by ``hermetic.options``, which says the same faster."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    class Formatter(RawDescriptionHelpFormatter):
        """Options as they are typed: a value that may be left out needs ``=``."""

        def _format_action_invocation(self, action: Any) -> str:
            if action.nargs == "?":
                return ", ".join(f"{flag}[={action.metavar}]" for flag in action.option_strings)
            return super()._format_action_invocation(action)

    from hermetic.settings import SETTINGS
    from hermetic.values import PROFILES

    parser = ArgumentParser(
        prog="hermetic",
        usage=USAGE,
        description="Run a Python program with capabilities taken away.",
        epilog=EPILOG,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    for setting in SETTINGS:
        if setting.flags:
            parser.add_argument(*setting.flags, help=setting.help, **argument_of(setting))
    parser.add_argument(
        PROFILE,
        action="append",
        metavar="NAME",
        default=[],
        help=f"a named bundle of the above: {', '.join(PROFILES)}, or one of the policy file; repeatable",
    )
    parser.add_argument(
        POLICY,
        action="append",
        metavar="FILE",
        default=[],
        help="what a policy file says, TOML of its own or [tool.hermetic] of a pyproject.toml; repeatable",
    )
    parser.add_argument(VERSION_FLAG, action="version", version=f"hermetic {VERSION}")
    return parser


def argument_of(setting: Setting) -> dict[str, Any]:
    """How argparse is to read a setting's option."""
    from hermetic.settings import CHOICE, NUMBERS, SWITCH

    if setting.kind == SWITCH and setting.optional is not None:
        return {"nargs": "?", "const": True, "metavar": setting.optional[0]}
    if setting.kind == SWITCH:
        return {"action": "store_true"}
    if setting.kind == CHOICE:
        return {"nargs": "?", "const": setting.choices[0], "metavar": setting.metavar}
    kind = int if setting.kind == NUMBERS else str
    return {"action": "append", "type": kind, "metavar": setting.metavar, "default": []}


USAGE = """\
hermetic [OPTIONS] -- TARGET [ARGS...]
       hermetic why [--json] [--lookup] [OPTIONS] -- ACT TARGET
       hermetic policy show [--format toml|json] [OPTIONS]
       hermetic policy check FILE...
       hermetic policy test FILE...
       hermetic doctor [--json]"""
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
