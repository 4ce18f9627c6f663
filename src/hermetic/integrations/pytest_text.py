"""How the plugin tells of a violation: the test's own line first, then the message, the rule, the place, the remedy."""

from __future__ import annotations

import linecache
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from _hermetic.running.status import distribution_owning
from hermetic.integrations.pytest_words import BLOCKED, flag_of
from hermetic.options import FLAGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hermetic.errors import PolicyViolation

MARKER = "@pytest.mark.hermetic"
# How the marker is written for what no test asks for by name: fixtures of a class or a module.
MARKERS = {"class": f"on the class {MARKER}", "module": "pytestmark = pytest.mark.hermetic"}
OWN = "the project's own"
# Between what would allow an act.
OR = ", or "


class Detail(NamedTuple):
    """What is known of a violation beside itself. line: (file, line) of the test; when: the phase; marks: whether its
    test can have a marker that gives back: a doctest cannot, and under --hermetic-strict none does. shared: what the
    fixture belongs to that acted, where a baseline asks. place: what has the marker, if it is not the test.
    """

    verdict: str
    when: str
    line: tuple[str, int] | None
    origin: str
    marks: bool
    shared: str = ""
    place: str = ""


class Paths:
    """Files as people read them: relative to where pytest was started, with the distribution they belong to."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._distributions: dict[str, str] = {}

    def short(self, file: str) -> str:
        """Relative, where the file lies below the folder."""
        inside = file.startswith(os.path.join(self.folder, ""))
        return os.path.relpath(file, self.folder) if inside else file

    def owner(self, file: str) -> str:
        """The distribution of a file, or the standard library, or the project."""
        if file not in self._distributions:
            self._distributions[file] = distribution_owning(file)
        if self._distributions[file]:
            return self._distributions[file]
        standard = file.startswith((os.path.join(os.path.dirname(os.__file__), ""), "<frozen "))
        return "standard library" if standard else OWN


def first_lines(violation: PolicyViolation, detail: Detail, paths: Paths) -> list[str]:
    """The test's own line, with what it led to."""
    if detail.line is None:
        return [violation.message]
    file, number = detail.line
    source = linecache.getline(file, number).strip()
    return [f"{paths.short(file)}:{number}: {violation.message}", *([f"    {source}"] if source else [])]


def other_lines(violation: PolicyViolation, detail: Detail, paths: Paths, owners: bool = True) -> list[str]:
    """Rule, place and remedy. owners: name the distribution of the place, for which files are read."""
    lines = []
    if violation.reason:
        origin = violation.origin or detail.origin
        lines.append(f"  blocked by: {violation.reason}{f' ({origin})' if origin else ''}")
    if violation.place is not None and not is_told(violation.place, detail.line):
        file, number, function = violation.place
        owner = paths.owner(file) if owners else OWN
        shown = "" if owner == OWN else f" ({owner})"
        lines.append(f"  where: {paths.short(file)}, line {number}, in {function}{shown}")
    if text := remedy_of(violation, detail):  # nobody has to allow what a baseline knows
        lines.append(f"  to allow it: {text}")
    return lines


def paragraphs(found: Iterable[tuple[PolicyViolation, Detail]], paths: Paths, noted: Collection[str] = ()) -> list[str]:
    """Violations, each with its lines. What a loop tries again and again is told once, with how often it happened.

    noted: messages whose other lines stand elsewhere.
    """
    counts: dict[tuple[str, ...], int] = {}
    for violation, detail in found:
        others = [] if violation.message in noted else other_lines(violation, detail, paths)
        lines = (*first_lines(violation, detail, paths), *others)
        counts[lines] = counts.get(lines, 0) + 1
    told: list[str] = []
    for (first, *rest), count in counts.items():
        told += [first if count == 1 else f"{first} ({count} times)", *rest]
    return told


def is_told(place: tuple[str, int, str], line: tuple[str, int] | None) -> bool:
    """Whether the test's line is the place itself: a doctest's example has a name of its own and a line of a file."""
    return place[:2] == line or (line is not None and place[2] == "<module>" and place[0].startswith("<doctest "))


def remedy_of(violation: PolicyViolation, detail: Detail) -> str:
    """What would allow it, in the words of whoever asked; no marker gives back what ``hermetic.block()`` takes."""
    text = remedy(violation.remedy, violation.reason, detail.marks)
    if text.startswith(MARKER) and detail.origin.endswith(BLOCKED):
        inside = BLOCKED.removesuffix("()") + text.removeprefix(MARKER)
        return inside if detail.origin == BLOCKED else f"{text} and {inside}"
    return text.replace(MARKER, MARKERS.get(detail.place, MARKER))


def remedy(text: str, reason: str, marks: bool) -> str:
    """A remedy of the command line as a test has it: ``--allow-domain D`` as a marker with ``allow_domains=["D"]``, or
    as pytest's option where there can be none.

    What a policy file would have to say, behind it, stays as it is.
    """
    told = as_marker if marks else as_option
    first, *others = text.split(OR)
    parts = [told(first, reason)]
    for other in others:
        lifts = other.startswith("running without")
        part = told(other, reason) if lifts or is_flag(other) else other
        if not (lifts and part in parts[0]):
            parts.append(part)
    return OR.join(parts)


def is_flag(text: str) -> bool:
    return text.partition(" ")[0] in FLAGS


def as_marker(text: str, reason: str) -> str:
    flag, _, value = text.partition(" ")
    setting = FLAGS.get(flag)
    if setting is not None and setting.name:
        if setting.default is False:
            return f"{MARKER}({setting.name}=True) {value}".rstrip()
        # A path may have a comma in it; behind any other value stands when it serves.
        value, *when = [value] if setting.holds_paths else value.split(", ", 1)
        return ", ".join([f"{MARKER}({setting.name}={[value]})", *when])
    blocker = FLAGS.get(f"--{reason}")
    if blocker is None or text.startswith("nothing"):
        return text
    lifted = f"{MARKER}({blocker.name}={blocker.default})"
    return lifted if not text or text.startswith("running without") else f"{text}; or {lifted}"


def as_option(text: str, reason: str) -> str:
    flag, _, value = text.partition(" ")
    if flag in FLAGS:
        return f"{flag_of(flag)} {value}".rstrip()
    lifted = f"running without {flag_of(f'--{reason}')}"
    return lifted if f"--{reason}" in FLAGS and (not text or text.startswith("running without")) else text


def as_data(violation: PolicyViolation, detail: Detail, test: str, paths: Paths) -> dict[str, Any]:
    """A violation as plain values: what workers send, and the JSON report has."""
    place = violation.place
    return {
        "test": test,
        "when": detail.when,
        "verdict": detail.verdict,
        "guard": violation.guard,
        "message": violation.message,
        "call": violation.call,
        "target": violation.target,
        "reason": violation.reason,
        "remedy": remedy_of(violation, detail),
        "line": None if detail.line is None else {"file": paths.short(detail.line[0]), "line": detail.line[1]},
        "place": None if place is None else {"file": paths.short(place[0]), "line": place[1], "function": place[2]},
        "package": OWN if place is None else paths.owner(place[0]),
    }


def summary(found: list[dict[str, Any]]) -> list[str]:
    """Violations by test, by package and by target, the most frequent first."""
    lines = []
    for title, name in (("by test", by_test), ("by package", by_package), ("by target", by_target)):
        counts: dict[str, int] = {}
        for data in found:
            counts[name(data)] = counts.get(name(data), 0) + 1
        lines.append(f"{title}:")
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        lines += [f"  {count:>4}  {what}" for what, count in ordered]
    return lines


def by_test(data: dict[str, Any]) -> str:
    return str(data["test"])


def by_package(data: dict[str, Any]) -> str:
    return str(data["package"])


def by_target(data: dict[str, Any]) -> str:
    # Of what a baseline knows only the message is known.
    return f"{data['guard']} {data['target'] or data['call'] or data['message'].removeprefix(data['guard']).strip()}"
