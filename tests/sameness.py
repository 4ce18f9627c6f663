"""What programs can see of how they were started, in every form of starting one, and how they end."""

from __future__ import annotations

import zipfile

REPORT = """
import json, os, signal, sys
main = sys.modules["__main__"]
names = {k: v for k, v in vars(main).items() if k.startswith("__") and k not in ("__builtins__", "__loader__", "__spec__")}
spec = getattr(main, "__spec__", None)
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "flags": list(sys.flags), "main": names,
    "spec": spec and [spec.name, spec.origin, spec.parent], "loader": type(main.__loader__).__name__ if main.__loader__ and not isinstance(main.__loader__, type) else repr(main.__loader__),
    "name": __name__, "file": globals().get("__file__"), "executable": sys.executable, "prefix": sys.prefix,
    "cwd": os.getcwd(), "environ": {k: v for k, v in os.environ.items() if k != "__CF_USER_TEXT_ENCODING"},
    "warnoptions": sys.warnoptions, "xoptions": sys._xoptions, "is_main": main.__dict__ is globals(),
    "builtins": type(__builtins__).__name__, "stdin": sys.stdin.read(), "encoding": sys.stdout.encoding,
    "base_prefix": sys.base_prefix, "handlers": [str(signal.getsignal(n)) for n in signal.valid_signals()],
    "line_buffering": sys.stderr.line_buffering, "unbuffered": sys.stdout.write_through, "hooks": [
        sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.stdout is sys.__stdout__],
}, default=repr))
"""
FORMS = {
    "script": ["tool.py", "a", "--b", "--", "c d"],
    "script by path": ["sub/tool.py"],
    "module": ["-m", "tool", "a"],
    "package": ["-m", "package", "a"],
    "submodule": ["-m", "package.inner", "a"],
    "code": ["-c", REPORT, "a", "-x"],
    "stdin form": ["-", "a"],
    "options": ["-O", "-B", "-W", "ignore::UserWarning", "-X", "dev", "tool.py", "a"],
    "joined options": ["-OOBu", "-Wdefault", "-Xutf8", "tool.py"],
    "optimised code": ["-O", "-c", REPORT, "x"],
    "isolated": ["-I", "tool.py"],
    "no site": ["-S", "tool.py"],
    "ignore environment": ["-E", "tool.py"],
    "folder": ["folder"],
    "archive": ["app.pyz", "a"],
    "archive with a first line": ["app", "a"],
    "no first entry": ["-P", "tool.py"],
}


def prepare(isolated):
    for name in ("tool.py", "sub/tool.py", "package/__main__.py", "package/inner.py", "folder/__main__.py"):
        isolated.write(name, REPORT)
    isolated.write("package/__init__.py", "")
    with zipfile.ZipFile(isolated.folder / "app.pyz", "w") as file:
        file.writestr("__main__.py", REPORT)
    archive = (isolated.folder / "app.pyz").read_bytes()
    (isolated.folder / "app").write_bytes(b"#!/usr/bin/env python3\n" + archive)


# How programs end.
ENDS = (
    "def f():\n    raise ValueError('x')\nf()",
    "import json\njson.loads('{')",
    "try:\n    1/0\nexcept Exception as e:\n    raise KeyError('y') from e",
    "def broken(:\n    pass",
    "import sys\nsys.exit('a message')",
    "import sys\nsys.exit(3)",
    "import sys\nsys.exit(True)",
    "import sys\nsys.exit(None)",
    "import sys\nsys.exit(256 + 7)",
    "import sys\nsys.exit(-1)",
    "import sys\nsys.exit([1, 2])",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "class E(SystemExit): pass\nraise E(4)",
    "import os\nos._exit(9)",
    "import atexit, sys\natexit.register(print, 'bye')\nsys.exit(5)",
    "import atexit\nclass F:\n    def __call__(self): 1 / 0\n    def __repr__(self): return 'F'\natexit.register(F())",
    "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start(); t.join()",
    "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\nraise ValueError",
    "import sys\nsys.stdout.write('no newline')\nsys.stdout.close()",
    "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "import os\nos.abort()",
    "import warnings\nwarnings.warn('careful')",
    "class D:\n    def __del__(self): print('del')\nd = D()",
    "raise BaseExceptionGroup('g', [ValueError(1), KeyError(2)]) if 'BaseExceptionGroup' in dir(__builtins__) else ValueError",
    "import sys\nprint(sys.getrecursionlimit())\ndef f(): f()\ntry:\n    f()\nexcept RecursionError: print('deep')",
)
