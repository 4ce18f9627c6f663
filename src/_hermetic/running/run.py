"""Running a target as ``__main__`` under a policy, so that it cannot tell the difference until it is blocked.

Every run is this one, in hermetic's own process or in an interpreter that was
started anew: restore what the target should see, start the guards, run it,
decide the exit status.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder

from .. import HELD_BY_KERNEL, events, let_layer_go
from ..compiled import settled
from ..errors import BootstrapError, HermeticError, PolicyViolation
from ..pristine import native
from ..programs.target import CALL, CODE, FOLDER, OFF, REQUIRE, SCRIPT, STDIN, Options, Target
from ..start import start_policies, version_warning
from ..startup import searchpath
from . import reports, status
from .ending import conclude, reports_only
from .program import as_text, first_entry, make_main, prepare_main, read_script, script_path

NO_FILE = 2  # the interpreter's own status for a script that it cannot open

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    from ..policy import Policy
    from ..startup.late import StartUp


def run_main(target: Target, policies: tuple[Policy, ...], options: Options, start_up: StartUp | None = None) -> int:
    """Run the target; return its exit status, or raise what a plain run would end with.

    policies: all of them hold at once, the outermost first. start_up: start-up files that have not run yet.
    SystemExit passes through; any other exception has been printed already and is raised again only for the
    interpreter to end the process as it always does.
    """
    broken: SyntaxError | None = None
    text: bytes | None = None
    real: str | None = None
    handed_in = is_handed_in(target, options)
    try:
        if options.child and target.kind == SCRIPT:
            text, real, handed_in = read_script(script_path(target), policies)
        names, code = prepare_main(target, text)
        if handed_in and code is not None:
            code = as_text(code)
    except SyntaxError as error_in_text:
        broken = error_in_text.with_traceback(None)
        if real is None:
            return conclude(broken, (), options)
        names, code = {}, None
    except OSError as missing:
        path = script_path(target)
        status.say(f"{sys.executable}: can't open file {path!r}: [Errno {missing.errno}] {missing.strerror}\n")
        return NO_FILE
    show_words(target)
    error: BaseException | None = None
    try:
        if policies:
            put_in_force(policies, options, None if handed_in else code, target, start_up)
        elif start_up is not None:
            begin(start_up, target, options)
        if real is not None:
            native.close(native.open(real, native.O_RDONLY))
        if broken is not None:
            return conclude(broken, (), options)
        searchpath.give_back(first_entry(target))
        main = make_main(names)
        result = execute(target, main, code)
        if result is not None:
            raise SystemExit(result)
    except BaseException as raised:  # noqa: BLE001  # whatever ends the program decides its status
        error = raised
    return conclude(error, policies, options)


def show_words(target: Target) -> None:
    """Make the command line and the interpreter those of a plain run."""
    if target.executable is not None:
        sys.executable = target.executable
    if target.orig_argv is not None:
        sys.orig_argv = target.orig_argv
    sys.argv = target.argv


def put_in_force(
    policies: tuple[Policy, ...], options: Options, code: CodeType | None, target: Target, start_up: StartUp | None
) -> None:
    """Start the guards, and run start-up files under them. code: the program's own, if it is one that may run."""
    warning = version_warning()
    if warning is not None and options.strict:
        raise BootstrapError("--strict needs a Python version whose audit events are classified")
    if warning is not None:
        status.say(warning + "\n")
    # The first of its rules: whether it blocks, or only denies some hosts.
    if any("network" in policy.rules and policy.rules["network"][0] for policy in policies):
        from . import sockets  # loaded only when it is restricted

        if options.child:
            sockets.adopt()
        else:
            sockets.close(options.keep_fds)
    if options.told:
        events.TOLD.append(True)
    reports.prepare(options.strict, reports_only(policies), options.child)
    reports.take_over(options.heard)
    told = reports.open_pipe(options) if options.strict or options.reports is not None else None
    own = script_path(target) if target.kind == SCRIPT and not options.child else ""
    searchpath.expect(first_entry(target), options.path, own)
    policies = tuple([settled(policy) for policy in policies])
    restricted = frozenset([guard for policy in policies for guard in policy.rules])
    if "code_exec" in restricted:
        admit([code], start_up)
    prepared: dict[tuple[int, str], Any] = {}
    kernel = (held_by_kernel(policies, options, prepared, told), options.kernel == REQUIRE)
    reports.go_on()
    if told is not None:
        events.REPORTS.append(told[0])
    if start_up is None:
        start_policies(policies, options.strict, told, kernel=kernel, prepared=prepared, since=options.since)
        return
    if "environment" in restricted:
        sees_nothing_of_it()
    waiting = late_families(restricted, options.child)
    start_policies(
        policies,
        options.strict,
        told,
        waiting,
        lambda: begin(start_up, target, options),
        kernel,
        prepared,
        options.since,
    )


def held_by_kernel(
    policies: tuple[Policy, ...], options: Options, prepared: dict[tuple[int, str], Any], told: tuple[int, int] | None
) -> tuple[str, ...]:
    """Put the kernel layer on, if it is to be; the families that it holds. prepared, told: see ``kernel.hold``."""
    asked = [policy for policy in policies if policy.sealed or not HELD_BY_KERNEL.isdisjoint(policy.rules)]
    if options.kernel == OFF or options.child or not asked:
        return options.held
    from ..kernel import hold  # loaded only when it is used

    # Of what the supervisor refuses, a program that fails is told, too.
    reported = reports.open_own() if told is None else told[0]
    held = hold(policies, options.kernel, prepared, status.KERNEL, reported, options.waits)
    if told is None:
        reports.let_go(reported)
    let_layer_go()
    for lost in dict.fromkeys([receipt.lost for receipt in status.KERNEL if receipt.lost]):
        status.say(f"hermetic: the kernel layer holds less here than elsewhere: {lost}; see hermetic doctor\n")
    return held


# Start-up files do what these take away: finders of editable installs, for one.
MUTATION = frozenset({"interpreter", "code_exec"})


def late_families(restricted: frozenset[str], child: bool) -> frozenset[str]:
    """The families that are put in force after the start-up files have run.

    Where the interpreter's state is guarded, no program may write a start-up file: they are the environment's own.
    Where only the making of code is, a program may, as it may write modules: in its children they run under the guard.
    """
    return MUTATION & restricted if "interpreter" in restricted or not child else frozenset()


def begin(start_up: StartUp, target: Target, options: Options) -> None:
    """Run the start-up files, with the path as it is for them, and go on with what they made of it."""
    from ..startup.late import run_start_up  # where hermetic started this interpreter, it is loaded

    library = sys.path[:]
    searchpath.lend()
    run_start_up(start_up)
    # Guards that are still to come import nothing from where the program could have put it.
    searchpath.keep_whole(library)
    searchpath.expect(first_entry(target), options.path)


# What multiprocessing starts, without its numbers.
LIBRARY_CODE = (
    "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=, pipe_handle=)",
    "from multiprocessing.resource_tracker import main;main()",
)


def is_handed_in(target: Target, options: Options) -> bool:
    """Whether a guarded program hands code as text to a child: another way to execute it."""
    if not options.child or target.kind not in (CODE, STDIN):
        return False
    return "".join([letter for letter in target.name if letter not in "0123456789"]) not in LIBRARY_CODE


def admit(codes: list[CodeType | None], start_up: StartUp | None) -> None:
    """Let the code of the program itself, and lines of its start-up files, run under --no-code-exec."""
    from ..capabilities import code_exec  # the family is loaded only when it is restricted

    for code in codes if start_up is None else [*codes, *start_up.codes]:
        code_exec.admit(code)


def sees_nothing_of_it() -> None:
    """Start-up files see unset variables, as the standard library does: they ask for what a program does not need."""
    from ..capabilities import environment  # as above
    from ..startup.late import run_start_up

    environment.START_UP = run_start_up.__code__


def execute(target: Target, main: ModuleType, code: CodeType | None) -> Any:
    """Run it, with ``main`` as ``__main__``."""
    if code is not None:
        exec_main(code, main.__dict__)
        if target.kind == STDIN and not target.name and not sys.flags.interactive and sys.stdin and sys.stdin.isatty():
            return interact(main.__dict__)
        return None
    if target.kind == CALL:
        return call_attribute(target, main)
    if target.kind == FOLDER:
        return run_module("__main__", main, target)
    return run_module(target.name, main, target)


def exec_main(code: CodeType, names: dict[str, Any]) -> None:
    """The frame below the program's first."""
    exec(code, names)


def interact(names: dict[str, Any]) -> None:
    """``python`` at a terminal: a session under the guards."""
    from code import interact as session

    getattr(sys, "__interactivehook__", int)()
    session(banner=f"Python {sys.version} on {sys.platform}, guarded by hermetic", local=names, exitmsg="")


def run_module(name: str, main: ModuleType, target: Target) -> None:
    """``python -m name``: find it under the guards, run its code as ``__main__``."""
    from importlib.util import find_spec

    try:
        # By its path: a module called __main__ is always loaded already.
        spec = PathFinder.find_spec(name, [first_entry(target) or ""]) if target.kind == FOLDER else find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = find_spec(name)
    except PolicyViolation:
        raise
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise HermeticError(f"{target.name}: {error}") from error
    loader: Any = None if spec is None else spec.loader
    code = None if loader is None else loader.get_code(name)
    if spec is None or code is None:
        raise HermeticError(target.not_found)
    names = main.__dict__
    names.update(
        __file__=spec.origin, __cached__=spec.cached, __loader__=loader, __package__=spec.parent, __spec__=spec
    )
    sys.argv[0] = target.name if target.kind == FOLDER else spec.origin or name
    exec_main(code, names)


def call_attribute(target: Target, main: ModuleType) -> Any:
    """``pkg.module:attr``: what a console script does; a module whose attribute is no callable is run instead."""
    from importlib import import_module

    try:
        thing: Any = import_module(target.name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{target.name}.".startswith(f"{error.name}."):
            raise  # something that the module itself needs
        raise HermeticError(f"no module named {error.name}") from None
    try:
        for step in target.attr.split("."):
            thing = getattr(thing, step)
    except AttributeError:
        raise HermeticError(f"{target.name} has no attribute {target.attr}") from None
    if callable(thing):
        return thing()
    return run_module(target.name, main, target)
