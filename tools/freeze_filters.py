"""Write the ready-made filters of the kernel layer from their tables; with --check, fail when they differ."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "src" / "_hermetic" / "enforce" / "kernel" / "linux" / "frozen.py"
sys.path.insert(0, str(ROOT / "src"))

from _hermetic.enforce.kernel.linux.abi import MACHINES  # noqa: E402  # the checkout's own, not an installed one
from _hermetic.enforce.kernel.linux.seccomp import TABLES, program_for  # noqa: E402  # as above
from _hermetic.enforce.kernel.plan import TRUNCATES  # noqa: E402  # as above

# These depend on the kernel that they are for.
NEVER = ("openings",)
HEAD = '''"""Ready-made filters by the keys of ``seccomp.TABLES`` and by machine. Written by tools/freeze_filters.py."""

from __future__ import annotations

# fmt: off
PROGRAMS = {
'''


def text() -> str:
    """The whole module."""
    lines = [HEAD]
    for key in TABLES:
        if key in NEVER:
            continue
        lines.append(f"    {key!r}: (\n".replace("'", '"'))
        for machine in sorted(MACHINES.values()):
            lines.append("        (\n")
            program = program_for(key, machine, TRUNCATES, None)
            lines += [f"            {program[at : at + 24]!r}\n" for at in range(0, len(program), 24)]
            lines.append("        ),\n")
        lines.append("    ),\n")
    return "".join([*lines, "}\n"])


def main(words: list[str]) -> int:
    """Write the module, or compare it."""
    if words not in ([], ["--check"]):
        sys.exit("usage: freeze_filters.py [--check]")
    old = PLACE.read_text(encoding="utf-8") if PLACE.exists() else ""
    if words:
        return int(old != text())
    PLACE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
