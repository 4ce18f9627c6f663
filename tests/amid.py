"""Something that happens amid of what hermetic does, as a signal handler or a finalizer may: at any of its lines."""

from __future__ import annotations

# For a fresh interpreter, which says in FILES whose lines count: ``sys.settrace(Amid(number, act))``. ``left`` is 0 once
# it has happened, and ``held`` is what ``act`` returned.
AMID = """
class Amid:
    def __init__(self, number, act):
        self.left, self.act, self.held = number, act, None
    def __call__(self, frame, event, arg):
        if not frame.f_code.co_filename.endswith(FILES):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                self.held = self.act()
        return self
"""
