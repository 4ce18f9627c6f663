"""``python -m hermetic`` is the same as ``hermetic``."""

import sys

from hermetic.cli import program

sys.exit(program())
