"""``hermetic doctor``: what this interpreter and this machine can enforce, and how we know."""

from __future__ import annotations

import platform
import sys
from typing import Any

from _hermetic.capabilities import FAMILIES, load_family
from _hermetic.capabilities.confinement import NO_NATIVE, NO_STARTS, TAKEN
from _hermetic.kernel import trial
from _hermetic.start import version_warning
from hermetic.options import UsageError

GUARDED, PARTLY = "guarded", "guarded in part"


def rows() -> list[dict[str, Any]]:
    """One row per family: how many doors are held by events, how many by stand-ins, and what is not held."""
    found = []
    for guard in FAMILIES:
        family = load_family(guard)
        events = sorted({event for row in family.surface for event in row.audit})
        patches = sorted({name for row in family.surface for name in row.patch})
        notes = [row.note for row in family.surface if row.note]
        found.append(
            {
                "family": guard,
                "guard": PARTLY if notes else GUARDED,
                "events": len(events),
                "patches": len(patches),
                "not_held": notes,
            }
        )
    return found


def report() -> dict[str, Any]:
    """Everything doctor knows, JSON-ready."""
    warning = version_warning()
    return {
        "python": f"{sys.implementation.name} {platform.python_version()}",
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "audit_hook": hook_works(),
        "events_classified": warning is None,
        "seal": warning is None,
        "families": rows(),
        "kernel": {"auto": kernel_rows(False), "require": kernel_rows(True)},
    }


def kernel_rows(whole: bool) -> list[dict[str, Any]]:
    """One row per capability: what the kernel of this machine holds, tried in a process of its own.

    whole: as under ``--kernel=require``.
    """
    found = []
    for capability in TAKEN:
        # Programs are native code: that one is held only where none can be started.
        taken = {capability, NO_STARTS} if capability == NO_NATIVE else {capability}
        receipt = trial(frozenset(taken), whole)
        row = next(row for row in receipt.rows if row.capability == capability)
        found.append(
            {
                "capability": capability,
                "family": row.family,
                "state": row.state,
                "by": list(row.by),
                "not_held": list(row.gaps),
                "left_open": list(row.open),
            }
        )
    return found


def hook_works() -> bool:
    """Whether an audit hook added here is called: an earlier one may refuse it without a word."""
    seen: list[str] = []
    sys.addaudithook(lambda event, args: seen.append(event) if event == "hermetic.doctor" else None)
    sys.audit("hermetic.doctor")
    return seen == ["hermetic.doctor"]


def text_of(found: dict[str, Any]) -> str:
    """The report for people."""
    yes = {True: "yes", False: "no"}
    lines = [
        f"python            {found['python']}  ({found['executable']})",
        f"system            {found['system']}",
        f"audit hook        {yes[found['audit_hook']]} (tried just now)",
        f"events classified {yes[found['events_classified']]}",
        f"--seal            {yes[found['seal']]}",
        "",
        f"{'family':<13} {'in this process':<17} {'events':>6} {'stand-ins':>9}",
    ]
    for row in found["families"]:
        lines.append(f"{row['family']:<13} {row['guard']:<17} {row['events']:>6} {row['patches']:>9}")
        lines += [f"    not held: {note}" for note in row["not_held"]]
    lines += ["", *kernel_text(found["kernel"])]
    return "\n".join(lines)


def kernel_text(kernel: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The kernel's table for people."""
    lines = [f"{'kernel layer':<13} {'--kernel=auto':<24} {'--kernel=require':<24} by"]
    for auto, require in zip(kernel["auto"], kernel["require"]):
        by = ", ".join(auto["by"] or require["by"])
        lines.append(f"{auto['capability']:<13} {auto['state']:<24} {require['state']:<24} {by}".rstrip())
        for mode, row in (("auto", auto), ("require", require)):
            lines += [f"    not held by {mode}: {text}" for text in row["not_held"]]
            lines += [f"    left open by {mode}: {text}" for text in row["left_open"]]
    return lines


def main(words: list[str]) -> int:
    """Print the report; ``--json`` for machines. Exit status 0, or 1 when no hook can be added."""
    if words not in ([], ["--json"]):
        raise UsageError(f"doctor takes --json or nothing, not {' '.join(words)}")
    found = report()
    if words:
        import json

        print(json.dumps(found, indent=2))
    else:
        print(text_of(found))
    return 0 if found["audit_hook"] else 1
