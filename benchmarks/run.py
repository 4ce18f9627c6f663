"""What hermetic costs: ``python benchmarks/run.py [--quick] [NAME...]``.

Makes a virtual environment, installs hermetic into it as a user would, and prints
one table: plain, guarded, the ratio or difference, its target, and whether it was
met. The targets are for CPython 3.12 on an idle machine. Exits with 1 when a
target was missed or a row could not be measured.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile

from place import Place, running
from rounds import Row, Scale, table
from rows import ROWS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a first impression in about a minute")
    parser.add_argument("--folder", help="work here and leave it in place (default: a temporary folder, removed)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(ROWS)}")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in ROWS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)} (known: {', '.join(ROWS)})")
    if given.folder is not None:
        return measure(Place(given.folder), Scale(given.quick), given.names or list(ROWS))
    with tempfile.TemporaryDirectory(prefix="hermetic-bench-") as folder:
        return measure(Place(folder), Scale(given.quick), given.names or list(ROWS))


def measure(place: Place, scale: Scale, names: list[str]) -> int:
    """Measure and print; the exit status."""
    place.prepare()
    rows: list[Row] = []
    failed: list[str] = []
    for name in names:
        print(f"... {name}", file=sys.stderr, flush=True)
        try:
            rows += ROWS[name](place, scale)
        except (RuntimeError, subprocess.CalledProcessError) as error:  # the other rows are still worth having
            failed.append(f"{name}: {error}")
    print(f"hermetic on {running()}; medians of interleaved rounds\n")
    print(table(rows))
    for distribution, why in place.missing.items():
        print(f"{distribution}: {why}")
    for line in failed:
        print(f"FAILED {line}")
    missed = [row for row in rows if row.target is not None and row.result > row.target]
    print(f"\n{len(rows)} rows, {len(missed)} targets missed, {len(failed)} not measured")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
