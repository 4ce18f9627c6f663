"""``hermetic policy show``, ``check`` and ``test``: what a policy file says, whether it can, and whether it holds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from _hermetic.extract import printable
from hermetic.options import SPELLED, Choice, UsageError, read_choice
from hermetic.policies.choice import joined_layers, load_all, located, own_layer, profile_layer
from hermetic.policies.errors import PolicyFileError, at
from hermetic.policies.files import ALLOW, Layer, load
from hermetic.policies.judging import refusal
from hermetic.policies.show import as_json, as_toml
from hermetic.request import policy_from
from hermetic.values import check, is_restrictive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.policies.files import PolicyFile, Test

FINE, WRONG, NOT_SO = 0, 1, 2
FORMAT, FORMATS = "--format", ("toml", "json")


def main(words: list[str]) -> int:
    """Run one of them. UsageError for a line that cannot mean anything."""
    what, rest = (words[0], words[1:]) if words else ("", [])
    cut = rest.index("--") if "--" in rest else len(rest)
    if what == "show":
        if rest[cut + 1 :]:
            raise UsageError("policy show runs nothing: nothing may stand after --")
        return show(rest[:cut])
    if what in ("check", "test"):
        option = next((word for word in rest[:cut] if word.startswith("-")), None)
        if option is not None:
            raise UsageError(f"policy {what} takes files, not {option}")
        files = [*rest[:cut], *rest[cut + 1 :]]
        if not files:
            raise UsageError(f"policy {what} needs a file")
        return check_files(files) if what == "check" else test_files(files)
    raise UsageError("policy needs show, check or test" + (f", not {what!r}" if words else ""))


# --- show ---


def show(words: list[str]) -> int:
    """Print the effective policy, with the origin of each entry."""
    options, form = without_format(words)
    choice = read_choice(options)
    try:
        if is_restrictive(choice.values):
            policy_from(choice.values, by_options=True)
        text = as_json(choice) if form == "json" else as_toml(choice)
    except ValueError as error:
        raise UsageError(located(str(error), choice.origins, SPELLED)) from None
    sys.stdout.write(text)
    return FINE


def without_format(words: list[str]) -> tuple[list[str], str]:
    """The words but for --format, and what it says."""
    rest: list[str] = []
    form = FORMATS[0]
    remaining = list(reversed(words))
    while remaining:
        word = remaining.pop()
        if word.partition("=")[0] != FORMAT:
            rest.append(word)
            continue
        form = word.partition("=")[2] or (remaining.pop() if remaining else "")
        if form not in FORMATS:
            raise UsageError(f"{FORMAT} is {' or '.join(FORMATS)}, not {form!r}")
    return rest, form


# --- check ---


def check_files(names: list[str]) -> int:
    """Say of each file whether it can be used, whichever of its profiles is chosen."""
    status = FINE
    for name in names:
        try:
            found = load(name)
            count = sum(1 for _ in choices(found))
        except PolicyFileError as error:
            print(f"hermetic: error: {error}", file=sys.stderr)
            status = WRONG
            continue
        tests = f", {len(found.tests)} tests" if found.tests else ""
        print(f"{printable(name)}: fine ({count} {'policy' if count == 1 else 'policies'}{tests})")
    return status


def choices(found: PolicyFile) -> Iterator[Choice]:
    """What can be chosen of a file: itself, if it takes anything away, and each of its profiles."""
    own = own_layer(found)
    if is_restrictive(own.values) or not found.profiles:
        yield whole(found, own)
    for name in found.profiles:
        yield whole(found, joined_layers(own, profile_layer(name, (found,))))


def whole(found: PolicyFile, layer: Layer) -> Choice:
    """A choice that can be used. PolicyFileError."""
    spelled = {key: key for key in layer.values}
    try:
        check(layer.values, spelled)
        if not is_restrictive(layer.values):
            raise PolicyFileError(f"{at(found.file, 0)} takes nothing away")
        policy_from(layer.values)
    except PolicyFileError:
        raise
    except ValueError as error:
        text = located(str(error), layer.origins, spelled)
        raise PolicyFileError(text if text != str(error) else f"{at(found.file, 0)}: {text}") from None
    return Choice(values=layer.values, origins=layer.origins, files=(found,))


# --- test ---


def test_files(names: list[str]) -> int:
    """Run the assertions of each file."""
    failed = passed = 0
    for name in names:
        try:
            (found,) = load_all([name])
            for test in found.tests:
                for line, held in results(found, test):
                    passed, failed = passed + held, failed + (not held)
                    print(line)
            if not found.tests:
                raise PolicyFileError(f"{at(name, 0)} has no [[test]]")
        except PolicyFileError as error:
            raise UsageError(str(error)) from None
    print(f"{passed} passed, {failed} failed")
    return NOT_SO if failed else FINE


def placed(verb: str, text: str, found: PolicyFile) -> str:
    """An act's target: a path is relative to the file, as in its settings."""
    is_path = verb in ("read", "write") or (verb == "run" and os.sep in text)
    return os.path.join(os.path.dirname(os.path.abspath(found.file)), os.path.expanduser(text)) if is_path else text


def results(found: PolicyFile, test: Test) -> Iterator[tuple[str, bool]]:
    """(line to print, whether it held) of each act of a test."""
    layer = own_layer(found)
    if test.profile is not None:
        layer = joined_layers(layer, profile_layer(test.profile, (found,)))
    choice = whole(found, layer)
    place = at(found.file, test.line)
    chosen = f" (profile {test.profile})" if test.profile is not None else ""
    for act in test.acts:
        verb, text = act.split(None, 1)
        try:
            refused = refusal(choice.values, verb, placed(verb, text, found))
        except ValueError as error:
            raise PolicyFileError(f"{place}: {error}") from None
        held = (refused is None) == (test.expected == ALLOW)
        said = f"{place}: {test.expected} {printable(act)}{chosen}"
        but = "it is allowed" if refused is None else printable(refused[0])
        yield (f"ok      {said}" if held else f"FAILED  {said}: {but}"), held
