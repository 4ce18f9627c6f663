"""What a policy says of one act, by which entry, and what would change it.

The families decide; here the policy is only taken apart and put together again, with one
entry less or one entry alone, to see which of them it was.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from _hermetic.acts import START_DOOR, questions, refusal_under, release
from _hermetic.compiled import Compiled, of_no_process
from _hermetic.events import GIVES, WITHOUT, option_of, origin_of, quoted, remedy_of, with_the_rest
from _hermetic.programs.executables import INTERPRETER, absolute_program, unwrapped
from hermetic.request import policy_from, rows_of
from hermetic.settings import BY_KEY, LIST, SETTINGS, SWITCH
from hermetic.values import RESTRICTIONS, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from _hermetic.acts import Refusal
    from hermetic.options import Choice

    Values = Mapping[str, Any]

OPTION_KEYS = {flag[2:]: setting.key for setting in SETTINGS for flag in setting.flags}
# What would take the act of this verb away, and as little beside it as can be: (option, TOML line), for the target.
TAKES_AWAY = {
    **dict.fromkeys(("connect", "resolve"), ("--deny-host {}", "deny_hosts = [{}]")),
    "bind": ("--no-network", "block_network = true"),
    "read": ("--deny-read {}", "deny_read = [{}]"),
    "write": ("--deny-write {}", "deny_write = [{}]"),
    "run": ("--no-subprocess", "block_subprocess = true"),
    "env": ("--no-environment", "block_environment = true"),
    "import": ("--deny-import {}", "deny_imports = [{}]"),
}


class Verdict(NamedTuple):
    """allowed, and for people: the refusal's message, by what, and what would change it (option, TOML)."""

    allowed: bool
    message: str
    by: tuple[tuple[str, str], ...]
    option: str
    toml: str


# Of a Unix socket's place where nothing lies, under --allow-localhost.
NOT_YET = "binding a socket there: this run reaches what it has bound itself"

# A frame of the program's own: some rules ask who is asking, and hermetic is not whom they mean.
PROGRAM = compile("ask(compiled, asked)", "<program>", "eval")


def ask(compiled: Compiled, asked: tuple[Any, ...]) -> Refusal | None:
    """In the place of the hook, between the judge and the program."""
    return refusal_under(compiled, asked)


def is_python(program: str) -> bool:
    """Whether a Python is started in the end; the question itself goes by the name."""
    folders = os.environ.get("PATH", os.defpath)
    path = absolute_program(program, folders, "")
    return path is not None and unwrapped(path, (program,), folders, "")[0] == INTERPRETER


def refusal(values: Values, verb: str, text: str) -> Refusal | None:
    """What a policy of these values says of an act. ValueError for an act or a value that cannot mean anything."""
    asked = questions(verb, text)
    if verb == "run" and is_python(text):
        asked = tuple([question for question in asked if question[0] != START_DOOR])
    try:
        if not is_restrictive(values):
            return None
        compiled = Compiled(
            policy_from({**values, "report_only": False}, by_options=True), of_no_process(values["strict"])
        )
        names = {"ask": ask, "compiled": compiled, "asked": asked}
        found: Refusal | None = eval(PROGRAM, names)  # noqa: S307  # the constant above
        return found
    finally:
        release(asked)


def verdict(choice: Choice, verb: str, text: str) -> Verdict:
    """The whole answer. ValueError as ``refusal``."""
    found = refusal(choice.values, verb, text)
    if found is None:
        by = tuple(allowing(choice, verb, text)) if is_restrictive(choice.values) else ()
        if by:
            without = tuple((spelled(key, item), where) for key, item, where in by)
            said = ", ".join(f"running without {option}" for option, _ in without)
            return Verdict(True, "", without, said, ", ".join(removal(key, item, where) for key, item, where in by))
        option, toml = TAKES_AWAY[verb]
        return Verdict(True, "", (), option.format(text), toml.format(quoted(text)))
    message, reason, remedy = found
    if not reason:
        return Verdict(False, message, (), NOT_YET, "")
    key, item, where = denying(choice, verb, text, reason)
    shown = option_of(reason) if not key or item is True else spelled(key, item)
    return Verdict(False, message, ((shown, where),), with_the_rest(where, remedy), toml_of(choice, reason, remedy))


def denying(choice: Choice, verb: str, text: str, reason: str) -> tuple[str, Any, str]:
    """The restriction behind a refusal: (key, entry or True, where it was written)."""
    key = OPTION_KEYS.get(reason, "")
    if not key:
        return "", True, ""
    values = choice.values
    if BY_KEY[key].kind == LIST:

        def refuse(items: tuple[Any, ...]) -> bool:
            found = refusal({**values, **others, key: items}, verb, text)
            return found is not None and found[1] == reason

        # Long lists of something else take their time, and say nothing of this reason.
        others = {name: () for name in RESTRICTIONS if BY_KEY[name].kind == LIST}
        for item in deciding(values[key], refuse):
            return key, item, choice.origins.get((key, item), "")
    return key, True, choice.origins.get((key, True), "")


def deciding(items: tuple[Any, ...], decide: Callable[[tuple[Any, ...]], bool]) -> Iterator[Any]:
    """The entries of a list each of which alone decides, in their order.

    Halves of it are asked, not every entry, which would be slow: what no half does, none of its entries does.
    """
    if not items or not decide(items):
        return
    if len(items) == 1:
        yield items[0]
        return
    half = len(items) // 2
    yield from deciding(items[:half], decide)
    yield from deciding(items[half:], decide)


def allowing(choice: Choice, verb: str, text: str) -> Iterator[tuple[str, Any, str]]:
    """The entries each of which alone would allow it, where none at all would not."""
    values = choice.values
    given = [setting for setting in SETTINGS if setting.needs and setting.name and setting.kind in (LIST, SWITCH)]
    given = [setting for setting in given if values[setting.key] and setting.key not in RESTRICTIONS]
    bare = {**values, **{setting.key: setting.default for setting in given}}
    if refusal(bare, verb, text) is None:
        return
    for setting in given:
        key = setting.key

        def allow(items: tuple[Any, ...], key: str = key, kind: str = setting.kind) -> bool:
            return refusal({**bare, key: items if kind == LIST else True}, verb, text) is None

        for item in deciding(values[key] if setting.kind == LIST else (True,), allow):
            yield key, item, choice.origins.get((key, item), "")


def spelled(key: str, item: Any) -> str:
    """An entry as an option."""
    flag = BY_KEY[key].flags[0] if BY_KEY[key].flags else f"--{key}"
    return flag if item is True else f"{flag} {item}"


def removal(key: str, item: Any, where: str) -> str:
    """An entry as what would have to leave a policy file."""
    place = f" ({where})" if where and not where.startswith("--") else ""
    return f"removing {key} = true{place}" if item is True else f"removing {quoted(item)} from {key}{place}"


def toml_of(choice: Choice, reason: str, remedy: str) -> str:
    """What a policy file would say: a line to write, or one to remove; empty where no setting helps."""
    rows = rows_of(choice.origins, choice.files)
    whole = remedy_of(rows, reason, remedy)
    if whole.startswith(f"{remedy}, or "):
        return whole[len(remedy) + len(", or ") :]
    plain = tuple(
        (GIVES, flag, setting.key, "a policy file")
        for setting in SETTINGS
        for flag in setting.flags
        if setting.needs and setting.name
    )
    whole = remedy_of(plain, reason, remedy)
    if whole != remedy:
        return whole[len(remedy) + len(", or ") :].removesuffix(" in a policy file")
    if remedy.startswith(WITHOUT) and not origin_of(rows, reason, remedy):
        flag, _, value = remedy[len(WITHOUT) :].partition(" ")
        key = OPTION_KEYS.get(flag)
        if key is not None and "," not in value:
            return removal(key, value if BY_KEY[key].kind == LIST else True, "")
    return ""
