"""A refusal makes an exception of a class that the program can reach, and code put there runs above the guard.

Since 3.13 such code can write the locals of every frame below it, so by then the refusal
must not depend on a local any more (PEP 667).
"""

from __future__ import annotations

import pytest

CODE = """
import sys, os
import _hermetic.errors as errors

def overwrite(*args, **kwargs):
    frame = sys._getframe()
    while frame is not None:
        for name in list(frame.f_locals) if "_hermetic" in frame.f_code.co_filename else ():
            try:
                frame.f_locals[name] = None
            except Exception:
                pass
        frame = frame.f_back

WHERE = {where!r}
for cls in (errors.PolicyViolation, errors.FilesystemViolation, errors.ImportViolation):
    setattr(cls, WHERE, property(overwrite, overwrite) if WHERE.startswith("__notes") else overwrite)
try:
    {act}
except BaseException as error:
    os.write(1, b"held")
os._exit(0)
"""
ACTS = {
    "--no-subprocess": "os.system('echo escaped')",
    "--fs-readonly": "open('new.txt', 'w').close(); os.write(1, b'escaped')",
    "--no-environment": "os.write(1, b'escaped ' + os.environ['HOME'].encode())",
}


@pytest.mark.parametrize("where", ["__init__", "__new__", "__notes__", "__setattr__"])
@pytest.mark.parametrize("option", ACTS)
def test_code_in_the_violation_class_lifts_nothing(isolated, option, where):
    done = isolated.script(option, CODE.replace("{where!r}", repr(where)).replace("{act}", ACTS[option]))
    assert "escaped" not in done.stdout
    assert done.stdout == "held", done
    assert not (isolated.folder / "new.txt").exists()
