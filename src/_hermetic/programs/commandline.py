"""What the words after ``python`` mean; read as the interpreter reads them, never run."""

from __future__ import annotations

from .target import CODE, MODULE, SCRIPT, STDIN

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import TypeAlias

    # (kind, name, options, the words after the name)
    Meaning: TypeAlias = tuple[str, str, tuple[str, ...], tuple[str, ...]]

# What a command line of an interpreter means when nothing of a program runs, or when it cannot be read.
INFORMS, UNKNOWN = "informs", "unknown"

# Interpreter options by how many further words they take; the others are single letters without any.
WITH_VALUE = "WX"
WITHOUT_VALUE = "bBdEiIOPqRsSuvx"
INFORMATIVE = ("-h", "-?", "-V", "-VV", "--help", "--version", "--help-all", "--help-env", "--help-xoptions")
INFORMATIVE_LETTERS = "h?V"
PRESITE = "presite"  # of debug builds, since 3.13
HASH_CHECK = "--check-hash-based-pycs"


def meaning(words: tuple[str, ...]) -> Meaning:
    """What ``python WORDS`` means: kind, name and the rest.

    kind: one of the kinds of a target; INFORMS when nothing of a program runs; UNKNOWN, with
    the reason as name, for what this module cannot read.
    """
    flags: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in INFORMATIVE:
            return INFORMS, "", tuple(flags), ()
        if word.startswith(HASH_CHECK):
            flags.append(word)
            if "=" not in word and at < len(words):
                flags.append(words[at])
                at += 1
        elif word == "--" and at < len(words):
            # The end of the options; what follows is a script whatever it begins with.
            return STDIN if words[at] == "-" else SCRIPT, words[at], tuple(flags), words[at + 1 :]
        elif word == "--":
            break
        elif word == "-" or not word.startswith("-"):
            return STDIN if word == "-" else SCRIPT, word, tuple(flags), words[at:]
        else:
            found = cluster(word, words[at : at + 1], flags)
            if found is None:
                continue
            kind, name, taken = found
            at += taken
            if kind:
                return kind, name, tuple(flags), words[at:]
    return STDIN, "", tuple(flags), ()


def cluster(word: str, following: tuple[str, ...], flags: list[str]) -> tuple[str, str, int] | None:
    """One word of options such as ``-Bu`` or ``-Wignore``.

    None when it holds options only; else (kind and name of the target, or empty; how many of the
    following words were taken).
    """
    for place in range(1, len(word)):
        letter, rest = word[place], word[place + 1 :]
        if letter in "cm" or letter in WITH_VALUE:
            if not rest and not following:
                return UNKNOWN, f"python -{letter} needs a value", 0
            value, taken = (rest, 0) if rest else (following[0], 1)
            if letter == "X" and value.partition("=")[0] == PRESITE:
                return UNKNOWN, f"python -X {PRESITE} runs a module before everything else", taken
            if letter in "cm":
                return (CODE if letter == "c" else MODULE), value, taken
            flags += ["-" + letter, value]
            return "", "", taken
        if letter in INFORMATIVE_LETTERS:
            return INFORMS, "", 0
        if letter not in WITHOUT_VALUE:
            return UNKNOWN, f"python has no option -{letter} that hermetic knows", 0
        flags.append("-" + letter)
    return None


def has_flag(flags: tuple[str, ...], letter: str) -> bool:
    """Whether an option is among these, as ``meaning`` splits them."""
    return "-" + letter in flags
