"""What the tests of the import state share: modules that only a changed state can find, and a script of changes."""

from __future__ import annotations

from typing import Any

from state_attempts import PRELUDE, outcomes

BLOCKED, CONTAINED, ESCAPED = "refused", "no effect", "ESCAPED"
OPTION, KEYWORDS = "--no-interpreter-mutation", {"block_interpreter_mutation": True}

# Each change is followed by two ways to import a module that lies in a folder nobody looks into.
CHANGES = (
    PRELUDE
    + """
HIDDEN = os.path.abspath("hidden_dir")
os.makedirs(HIDDEN, exist_ok=True)
NUMBER = []
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        import importlib.util
        if name.startswith("hidden_"):
            return importlib.util.spec_from_file_location(name, f"{HIDDEN}/{name}.py")
class EntryFinder:
    def find_spec(self, name, target=None): return Finder.find_spec(name)
def change(function):
    NUMBER.append(1)
    name = f"hidden_{len(NUMBER)}"
    open(f"{HIDDEN}/{name}.py", "w").write("VALUE = 1\\n")
    outcome = "no effect"
    try:
        function()
    except BaseException as error:
        outcome = "refused" if getattr(error, "guard", "") == "interpreter" else "no effect"
    for way in (lambda: __import__(name), lambda: importlib.import_module(name)):
        sys.modules.pop(name, None)
        try:
            way()
        except ImportError:
            continue
        outcome = "ESCAPED"
    OUTCOMES[function.__name__] = outcome
    return function
"""
)


def changed(isolated: Any, place: str, code: str) -> dict[str, str]:
    """How each change ended: refused, without effect, or escaped."""
    return outcomes(isolated, place, OPTION, KEYWORDS, code, prelude=CHANGES)
