"""The stand-in for ``_winapi.CreateProcess``, by which every process is started on Windows.

A command line is one text there, which each program takes apart by itself; this is
the way of Microsoft's C runtime, which Python uses.
"""

from __future__ import annotations

from ...programs.executables import has_separator, search
from .actions import pairs_of, text_of
from .children import CONTEXT, arranged, is_arranged, made, variables

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-in for what bind() puts in place of this name.
START: Any = None
BOX: Any = []

ENDINGS = (".exe", ".com", "")
BACKSLASH, QUOTE = "\\", '"'


def create_process(setting: Setting, original: Any) -> Any:
    return made(setting, create)


def create(application: Any, line: Any, *rest: Any) -> Any:
    """CreateProcess(application, line, process attributes, thread attributes, inherit, flags, env, folder, info)."""
    if len(rest) != 7 or is_arranged(CONTEXT):
        return START(BOX[0], (application, line, *rest), {})
    words = split_line("" if line is None else text_of(line))
    name = words[0] if application is None else text_of(application)
    given, folder = pairs_of(rest[4]), "" if rest[5] is None else text_of(rest[5])
    path = dict(variables() if given is None else given).get("PATH", "")
    found = name if has_separator(name) else search(name, path, ENDINGS, "") or name
    file, words, environment = arranged(CONTEXT, (found, found + ".exe"), words, folder, given)
    words_left = (file or application, joined_line(words), *rest[:4], dict(environment), *rest[5:])
    return START(BOX[0], words_left, {})


def split_line(line: str) -> tuple[str, ...]:
    """The words of a command line: a run of backslashes counts by halves before a quote, and as itself elsewhere."""
    words: list[str] = []
    word, slashes, quoted, begun = "", 0, False, False
    for letter in line:
        if letter == BACKSLASH:
            slashes += 1
            begun = True
            continue
        if letter == QUOTE:
            word += BACKSLASH * (slashes // 2)
            if slashes % 2:
                word += QUOTE
            else:
                quoted = not quoted
            slashes, begun = 0, True
            continue
        word += BACKSLASH * slashes
        slashes = 0
        if letter in " \t" and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word += letter
            begun = True
    if begun:
        words.append(word + BACKSLASH * slashes)
    return tuple(words)


def joined_line(words: tuple[str, ...]) -> str:
    """And back."""
    return " ".join([quoted_word(word) for word in words])


def quoted_word(word: str) -> str:
    if word and not [letter for letter in word if letter in ' \t"']:
        return word
    text, slashes = "", 0
    for letter in word:
        if letter == BACKSLASH:
            slashes += 1
            continue
        text += BACKSLASH * (slashes * 2 + 1 if letter == QUOTE else slashes) + letter
        slashes = 0
    return QUOTE + text + BACKSLASH * (slashes * 2) + QUOTE
