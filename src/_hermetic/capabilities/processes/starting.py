"""What starting a process has in common, whether it is refused or guarded: the program's name, and who asks."""

from __future__ import annotations

from errno import ENOENT

from ...callers import CALLER_DEPTH, STDLIB, calling_frame, is_ours
from ...extract import SEQUENCE, TEXT_OR_BYTES, exact_text, is_a
from ...pristine import IS_WINDOWS, file_changed, lstat, native, now
from ...programs.executables import ENDINGS, has_separator, is_python_name, search

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ...model import Denial

GUARD = "subprocess"
OPTION, GIVING = "no-subprocess", "--allow-run "
REMEDY = f"running without --{OPTION}"
# A list is looked up at the start: the next run would not find there what this one has made, or make it anew.
NOT_LISTED = f"{REMEDY}: a list can only name what is there before the run"
BEGUN = now()
# PATH as this process got it, along which a list looks for its programs at the start.
variables: Any = native.environ
FOLDERS = exact_text(variables.get("PATH" if IS_WINDOWS else b"PATH", ""))

# Where the standard library starts a program only for information, or to be helpful: it finds the program missing,
# which it is prepared for. To forge these names gains nothing: the program is not started either.
ASKERS = frozenset(
    {
        STDLIB + "platform.py",  # uname, file, ver
        STDLIB + "uuid.py",  # ifconfig, ip, arp, lanscan, netstat
        STDLIB + "ctypes/util.py",  # gcc, ld, ldconfig, objdump, dump, crle
        STDLIB + "webbrowser.py",  # the browsers, xdg-settings, osascript
    }
)
# What tells the system's name and does nothing else, for whomever: `platform` starts it for most who use that.
TELLERS = frozenset({"/bin/uname", "/usr/bin/uname"})
# What lists the system's libraries, where it is asked for that alone: `ctypes.util.find_library` begins with it.
LISTER, LISTS = frozenset({"/sbin/ldconfig", "/usr/sbin/ldconfig"}), ("-p",)
# Between the asker and the act.
STARTERS = frozenset({STDLIB + "subprocess.py", STDLIB + "os.py", "<frozen os>"})


def missing(message: str, program: str, option: str, remedy: str) -> Denial:
    """Whoever asks finds the program missing."""
    return message, program or None, option, remedy, absent(program)


def absent(program: str) -> FileNotFoundError:
    """What the system says where there is no such program."""
    return FileNotFoundError(ENOENT, "No such file or directory", program)


def information_denial(message: str, program: str, option: str, remedy: str) -> Denial:
    """The refusal of a start; the standard library finds a program missing that it starts for information only."""
    if is_asked_for_information():
        return missing(message, program, option, remedy)
    return message, program or None, option, remedy


def is_asked_for_information() -> bool:
    """Whether one of the askers is behind this act, with nothing but subprocess and os between."""
    frame = calling_frame(CALLER_DEPTH + 2)
    while frame is not None and (frame.f_code.co_filename in STARTERS or is_ours(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename in ASKERS


def only_tells(file: str, words: tuple[str, ...]) -> bool:
    """Whether a program is as harmless unheld as held. Where it is one of many names, its first word says which."""
    tells = (file in TELLERS and words[:1] == ("uname",)) or (file in LISTER and words[1:] == LISTS)
    return tells and not is_made_here(file)


def listing(program: str) -> str:
    """What gives this program back: a list can name none that is not there."""
    path = program if has_separator(program) else search(program, FOLDERS, ENDINGS, "")
    if path is None:
        return REMEDY
    return NOT_LISTED if is_made_here(path) else GIVING + program


def is_made_here(path: str) -> bool:
    """Whether there is something at the path that came since these guards were loaded, as in a new environment."""
    try:
        return file_changed(lstat(path)) >= BEGUN
    except (OSError, ValueError):
        return False


# --- the program's name, never its arguments ---


def own_name(name: str) -> str:
    """A program's name as it is compared. Every name of an interpreter is the same: it does not ask for its own."""
    if IS_WINDOWS:
        name = name.lower().removesuffix(".exe")
    return "python" if is_python_name(name) else name


END_OF_WORD = frozenset(" \t\r\n\v\f;|&<>()$`'\"=")


def name_of(program: object) -> str:
    """A program's name; a sequence's first item; empty when it cannot be read, as a descriptor."""
    if type(program) in SEQUENCE and program:
        program = program[0]  # type: ignore[index]  # a list or tuple, as was just seen
    if is_a(program, TEXT_OR_BYTES):
        text = exact_text(program)
        # The whole of a shell command may hold secrets; its first word is the program, unless it sets a variable.
        for place, character in enumerate(text):
            if character in END_OF_WORD:
                return "" if character == "=" else text[:place]
        return text
    return ""


def first_program(args: tuple[Any, ...], kwargs: Any) -> str:
    return name_of(args[0]) if args else ""
