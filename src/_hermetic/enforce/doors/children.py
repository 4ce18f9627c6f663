"""Stand-ins for the calls that start processes, where processes may be started.

What the program passed is read once, before anything is decided. Each stand-in is a
thin one, which the program sees, over one that it cannot look into and that alone
knows the original.
"""

from __future__ import annotations

import sys

from ...callers import STDLIB
from ...capabilities.processes.children import (
    HARMFUL,
    PATH_CARRIER,
    POLICY_CARRIER,
    changed,
    is_loader_name,
    is_worker,
    loader_variables,
    path_in,
    path_set,
    started,
    warning,
    with_carriers,
    without_helpers,
    without_loaders,
)
from ...capabilities.processes.starting import name_of, only_tells
from ...events import HEARD, TOLD, say_once
from ...extract import TEXT, exact_text, is_a, plain_names
from ...message import ENTRY, described, message
from ...pristine import ENCODING, ENCODING_ERRORS, RLock, get_frame, getcwd, getpid, native
from ...programs.executables import ABSENT, OTHER, never, open_program, placed
from ...programs.library import for_another, made_since, own_place, whole
from ...programs.target import OFF, REQUIRE, Options
from ...programs.variables import is_kept
from ...startup.early import CACHE_OPTION, NOWHERE, held_back
from .. import session
from ..bind import bind
from ..judge import refusal
from ..lasting import AUDIT, CALL, JUDGE, KEY, KNOWN, LATER, ONWARD, OPTIONS, in_force
from ..session import BEFORE, CHILDREN, ENVIRONMENT, SHELLS, SINCE
from ..session import ONWARD as ALL_ONWARD
from . import METHOD
from .actions import entries_of, file_of, judged, pairs_from, pairs_of, sparing, text_of, words_of
from .permitted import permitted
from .starters import before_program, call_on, start_in_c, start_onward, succeed

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ..patches import Setting

    Environment: TypeAlias = list[tuple[str, str]]

# Stand-ins for what bind() puts in place of these names.
BOX: Any = []
DO: Any = None
CONTEXT: tuple[Any, ...] = ()
POPEN: tuple[Any, ...] = ()
FIND: Any = None
START: Any = None
EXECVE: Any = None
BEFORE_PROGRAM: Any = None
FRAMES_HIDDEN = False

PUTENV, UNSETENV = native.putenv, native.unsetenv
POPEN_FILE, POPEN_KEY = STDLIB + "subprocess.py", "start _posixsubprocess:fork_exec"
POPEN_CALL = "subprocess.Popen"
SHELL = "/bin/sh"
SINCE_FIELD = Options.__slots__.index("since")
# Why a child is refused; the last before the name of a file.
OWN_PATH = "a program by its own path"
OWN_LIBRARY = "an interpreter with a standard library that is as it was when the guards started, and not "


# --- deciding ---


def present(data: Any) -> Environment:
    """Variables as a mapping of C's has them."""
    return [(exact_text(name), exact_text(value)) for name, value in list(data.items())]


def variables() -> Environment:
    """The variables of this process, as its children would inherit them: whatever is there, the policies keep less."""
    return present(ENVIRONMENT[0])


def loaders(context: tuple[Any, ...]) -> frozenset[tuple[str, str]]:
    """The loader variables of the start, or of when the outermost block was entered."""
    return loader_variables(present(BEFORE[0])) if context[KNOWN] is None else context[KNOWN]


def arranged(
    context: tuple[Any, ...], candidates: tuple[str, ...], words: tuple[str, ...], folder: str, given: Any
) -> tuple[str, tuple[str, ...], Environment]:
    """(file, argv, environment) to start in place of what was asked for; a refusal is raised here.

    candidates: the files the system will try; the file is empty when it will find none. given: the child's variables,
    None for those of this process.
    """
    CHILDREN[0] = True
    held, keeps, lists, rules, (strict, reports, by_kernel, required, since, _) = in_force(context)
    known = loaders(context)
    dropped = known if [one for one in rules if not one[2]] else None
    environment = let_through(variables() if given is None else given, keeps, dropped)
    if lists:
        fewer = without_helpers(environment, known)
        folders = (path_in(fewer), path_in(variables()))
        listed = permitted(lists, candidates, words, folder, folders, context[CALL])
        if listed is not None:
            candidates, environment = (listed,), fewer
    what, file, first, target, reason, changes = started(candidates, words, folder, path_in(environment))
    if what == ABSENT:
        return "", words, environment
    named, file = file, for_another(file, folder)
    if not file:
        refuse(context, named, OWN_PATH)
        file = named
    if what == OTHER or reason:
        # Where the kernel holds all of it, a script called python may start an unguarded one, as any shell may.
        refuse(context, file, "" if what == OTHER and not [one for one in rules if one[3]] else reason)
    since, mode = since or SINCE[0], REQUIRE if required else OFF
    if what == OTHER:
        # Whoever asks for the system's name shall not be the one of whom it is said.
        told = (not only_tells(file, words) and warn(file, rules)) or len(TOLD) > 0
        carried = message(held, (strict, (), True, told, reports, None, mode, by_kernel, since, (*HEARD,)), None)
        return file, words, with_carriers(environment, carried)
    if changes:
        # What env sets is as much the program's as what it passes by itself.
        environment = let_through(changed(environment, changes), keeps, dropped)
    if target is None:
        return file, first, environment
    if keeps:
        # What an interpreter needs to come up at all; the child takes it away again before its program runs.
        names = [pair[0] for pair in environment]
        environment = [*environment, *[pair for pair in known if pair[0] not in names and is_loader_name(pair[0])]]
    path = search_path() if is_worker(target[0], target[1]) else None
    options = (strict, (), True, len(TOLD) > 0, reports, path, mode, by_kernel, since, (*HEARD,))
    return by_entry(context, (file, first, target), folder, environment, held, options)


def warn(file: str, rules: tuple[Any, ...]) -> bool:
    """Say once that a program is held by nothing, or not in full; whether that is so under any of these rules."""
    unheld = [one for one in rules if one[3]]
    holding = [one for one in unheld if not one[2]]
    if holding:
        say_once(warning(file, holding))
    return len(unheld) > 0


def by_entry(
    context: tuple[Any, ...],
    python: tuple[str, tuple[str, ...], tuple[Any, ...]],
    folder: str,
    environment: Environment,
    held: tuple[bytes, ...],
    options: tuple[Any, ...],
) -> tuple[str, tuple[str, ...], Environment]:
    """The same for a Python, by the entry. python: (file, words before the entry, target), see ``started``."""
    file, first, (kind, name, words, rest) = python
    flags, kept, environment = held_back(first[1:], environment)
    # Said outright: what is taken for its place decides where the interpreter finds its library.
    place = own_place(first[0], file, folder, path_set(environment))
    made, cached = made_since(options[SINCE_FIELD], place, file, folder, flags, environment)
    if made:
        refuse(context, file, OWN_LIBRARY + made)
    if cached:
        flags = (*flags, "-X", f"{CACHE_OPTION}={NOWHERE}")
    carried = message(held, options, described(kind, name, words, rest, kept))
    return whole(placed(file, folder)), (place, *flags, ENTRY, carried, name, *rest), environment


def refuse(context: tuple[Any, ...], file: str, reason: str) -> None:
    """Raise what the policies say of a child that they cannot hold; nothing where all let that pass."""
    name = name_of(file)
    found = context[JUDGE](context[KEY], (name, reason), None)
    if found is not None:
        raise refusal(found)
    AUDIT(LATER + context[KEY], name, reason)


def let_through(environment: Environment, keeps: tuple[Any, ...], known: Any) -> Environment:
    """The variables that a child may have. known: the loader variables of the start, None where nothing is dropped."""
    for kept in keeps:
        environment = [pair for pair in environment if is_kept(kept, pair[0])]
    return environment if known is None else without_loaders(environment, known)


def search_path() -> tuple[str, ...]:
    """``sys.path`` as multiprocessing hands it to its workers, which under some policies may not change theirs."""
    return tuple([exact_text(entry) or getcwd() for entry in list(sys.path) if is_a(entry, TEXT)])


def is_arranged(context: tuple[Any, ...]) -> bool:
    """Whether the call is to pass as it is.

    It comes from the stand-in of a policy around this one, which has arranged it; or no policy in force guards children
    any longer: the block that did is left, and others, entered before it, keep its stand-ins in place.
    """
    held, _, lists, _, _ = in_force(context)
    if not held and not lists:
        return True
    code = get_frame(1 if FRAMES_HIDDEN else 3).f_code
    for onward in ALL_ONWARD if context[ONWARD] is None else context[ONWARD]:
        if code is onward:
            return True
    return False


# --- the stand-ins ---


def seen(*args: Any, **kwargs: Any) -> Any:
    """What the program sees."""
    return DO(*args, **kwargs)


def fork_exec(*args: Any) -> Any:
    """_posixsubprocess.fork_exec(argv, files, close_fds, fds_to_keep, cwd, env, ...)."""
    if len(args) < 6 or is_arranged(CONTEXT):
        return START(BOX[0], args, {})
    words, candidates = words_of(args[0]), words_of(args[1])
    # C would ask a path object again, and go to another folder, where a relative name is another program's.
    goes = None if args[4] is None else text_of(args[4])
    folder = goes or ""
    file, words, environment = arranged(CONTEXT, candidates, words, folder, pairs_from(args[5]))
    if file and [one for one in args[6:] if callable(one)]:
        # A preexec_fn may go to another folder, where the name means another file.
        file = whole(placed(file, folder))
    if not file:
        candidates = tuple([never((name,), folder) for name in candidates])
    files = tuple([name.encode(ENCODING, ENCODING_ERRORS) for name in ((file,) if file else candidates)])
    rest = tuple([METHOD(BEFORE_PROGRAM, one) if callable(one) else one for one in args[6:]])
    reports = CONTEXT[OPTIONS][1]
    keep = args[3] if reports is None else tuple(sorted({*args[3], reports[0]}))
    return START(BOX[0], (list(words), files, args[2], keep, goes, entries_of(environment), *rest), {})


def posix_spawn(path: Any, argv: Any, env: Any, /, **kwargs: Any) -> Any:
    """os.posix_spawn, os.posix_spawnp; since 3.13 subprocess starts by these."""
    if is_arranged(CONTEXT):
        return START(BOX[0], (path, argv, env), kwargs)
    plain_names(kwargs)
    name, words, given = file_of(path), words_of(argv), pairs_of(env)
    popen = get_frame(1 if FRAMES_HIDDEN else 2).f_code.co_filename == POPEN_FILE
    candidates = FIND(CONTEXT, name)
    file, words, environment = arranged(POPEN if popen else CONTEXT, candidates, words, "", given)
    reports, actions = CONTEXT[OPTIONS][1], kwargs.get("file_actions")
    if actions is not None:
        actions = judged(actions)
        kwargs = {**kwargs, "file_actions": actions if reports is None else sparing(actions, reports[0])}
    if not file:
        return start_nothing(START, BOX[0], name, candidates, (words, dict(environment)), kwargs)
    return START(BOX[0], (file, words, dict(environment)), kwargs)


def start_nothing(start: Any, original: Any, name: str, names: tuple[str, ...], rest: Any, kwargs: Any) -> Any:
    """Have C say what it says of a file that is missing, under its name: by now it could have come."""
    try:
        return start(original, (never(names, ""), *rest), kwargs)
    except OSError as error:
        if error.filename is not None:
            error.filename = name
        raise


def as_named(context: tuple[Any, ...], name: str) -> tuple[str, ...]:
    return (name,)


def on_path(context: tuple[Any, ...], name: str) -> tuple[str, ...]:
    """posix_spawnp looks along this process's PATH."""
    if "/" in name or not name:
        return (name,)
    return tuple([(folder or ".") + "/" + name for folder in path_in(variables()).split(":")])


def execv(path: Any, argv: Any, /) -> Any:
    if is_arranged(CONTEXT):
        return START(BOX[0], (path, argv), {})
    name, words = file_of(path), words_of(argv)
    file, words, environment = arranged(CONTEXT, (name,), words, "", None)
    if not file:
        return START(BOX[0], (never((name,), ""), words), {})
    return succeed(START, EXECVE, (file, words, dict(environment)))


def execve(path: Any, argv: Any, env: Any) -> Any:
    if is_arranged(CONTEXT):
        return START(BOX[0], (path, argv, env), {})
    name, words, given = file_of(path), words_of(argv), pairs_of(env)
    file, words, environment = arranged(CONTEXT, (name,), words, "", given)
    if not file:
        return start_nothing(START, EXECVE, name, (name,), (words, dict(environment)), {})
    return succeed(START, EXECVE, (file, words, dict(environment)))


def system(command: Any) -> Any:
    """os.system: a shell that C starts, with C's own variables; they are put right for as long as one runs."""
    if is_arranged(CONTEXT):
        return START(BOX[0], (command,), {})
    text = text_of(command)
    _, _, environment = arranged(CONTEXT, (SHELL,), (SHELL, "-c", text), "", None)
    wanted, before = dict(environment), dict(variables())
    names = {PATH_CARRIER, POLICY_CARRIER, *HARMFUL}
    names.update([name for name in before if name not in wanted or wanted[name] != before[name]])
    # A fork may have left the parent's lock taken.
    lock, running, touched = SHELLS.setdefault(getpid(), (RLock(), set(), set()))
    this = [1]
    try:
        with lock:
            running.add(id(this))
            touched.update(names)
            put_right(START, names, wanted)
        return START(BOX[0], (text,), {})
    finally:
        with lock:
            running.discard(id(this))
            if not running:
                put_right(START, touched, dict(variables()))
                touched.clear()


def put_right(start: Any, names: Any, wanted: Any) -> None:
    """Tell C of these variables what it shall have of them."""
    for name in names:
        if name in wanted:
            start(PUTENV, (name, wanted[name]), {})
        else:
            start(UNSETENV, (name,), {})


# --- making them ---


def made(setting: Setting, function: Any, find: Any = as_named) -> Any:
    """The stand-in over one that only its own code knows."""
    known = setting.memo.get((function, find))
    if known is not None:
        return known
    *rules, process = setting.rules
    # None of this start's: what is called from its frames is no stand-in of its own.
    onward = setting.memo.setdefault("EARLIER", tuple(session.ONWARD)) if setting.whole_process else None
    call = setting.row.call
    context = (setting.judge, setting.key, tuple(rules), *process, onward, call)
    bind(open_program, {}, setting.memo, codes=session.PROBERS)
    calls = {
        "IN_C": bind(start_in_c, {}, setting.memo, codes=session.STARTERS),
        "ONWARD": bind(start_onward, {}, setting.memo, codes=session.ONWARD),
    }
    names = {
        "CONTEXT": context,
        "POPEN": (context[0], POPEN_KEY, *context[2:-1], POPEN_CALL),
        "FIND": bind(find, {}, setting.memo),
        "START": bind(call_on, calls, setting.memo),
        "EXECVE": native.execve,
        "BEFORE_PROGRAM": bind(before_program, {}, setting.memo),
        "BOX": setting.box,
    }
    stand_in = setting.memo[function, find] = setting.bind(seen, DO=bind(function, names, setting.memo))
    return stand_in


def start_fork_exec(setting: Setting, original: Any) -> Any:
    return made(setting, fork_exec)


def start_spawn(setting: Setting, original: Any) -> Any:
    return made(setting, posix_spawn)


def start_spawn_by_name(setting: Setting, original: Any) -> Any:
    return made(setting, posix_spawn, on_path)


def replace(setting: Setting, original: Any) -> Any:
    return made(setting, execv)


def replace_with(setting: Setting, original: Any) -> Any:
    return made(setting, execve)


def start_shell(setting: Setting, original: Any) -> Any:
    return made(setting, system)
