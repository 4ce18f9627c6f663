# Found by PYTHONPATH in a Python program that was started by a guarded program's child: the program is started again,
# guarded, or not at all. It must parse on every Python, old ones too.
import os
import sys

try:
    here = os.path.dirname(os.path.abspath(__file__))
    entry = os.path.join(os.path.dirname(here), "entry.py")
    names = {"__name__": "entry", "__file__": entry}  # type: dict[str, object]
    with open(entry) as file:
        exec(compile(file.read(), entry, "exec"), names)
    # Another start-up file may run this one, and is then what must not be found again.
    names["again"](globals().get("FOLDER", here))  # type: ignore[operator]  # a function of the entry's
except BaseException:  # noqa: BLE001  # the program does not run unguarded, whatever it was
    sys.stderr.write(
        "hermetic: error: the guards of this program could not be started: " + str(sys.exc_info()[1]) + "\n"
    )
    sys.stderr.flush()
    os._exit(1)
