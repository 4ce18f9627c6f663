"""Taking the guards themselves apart, by Python means.

References: CVE-2023-38552, CVE-2023-30587, CVE-2025-23083, cpython#87638, cpython#86966,
cpython#87605, cpython#99373, cpython#87604.
"""

from __future__ import annotations

import pytest
from network_attack import attack

TRY = "\nattempt(lambda: real().connect(('127.0.0.1', PORT)))\nattempt(lambda: _socket.socket.connect(real(), ('127.0.0.1', PORT)))\n"
ATTACKS = {
    "frames of the traceback": "try: real().connect(('127.0.0.1', PORT))\nexcept BaseException as e:\n    t = e.__traceback__\n    while t:\n        f = t.tb_frame\n        for space in (f.f_globals, f.f_locals):\n            for k in list(space):\n                if k not in ('f', 't', 'e', 'space', 'k', 'attempt', 'real', 'PORT', 'socket', '_socket', 'sys', 'os', 'UNIX') and not k.startswith('__'):\n                    attempt(lambda: space.__setitem__(k, None))\n        t = t.tb_next",
    "every function gc knows": "import gc\ndef nothing(*a, **k): return None\nfor o in attempt(gc.get_objects) or []:\n    if type(o) is type(nothing) and 'hermetic' in (o.__module__ or '') + o.__code__.co_filename:\n        attempt(lambda: setattr(o, '__code__', nothing.__code__))",
    "every dict, list and set gc knows": "import gc\nfor o in list(attempt(gc.get_objects) or []):\n    if type(o) is dict and any(type(k) is str and ('socket.connect' in k or 'patch ' in k) for k in list(o)):\n        attempt(o.clear)\n    if type(o) is list and any('hermetic' in repr(type(x)) for x in o[:3]):\n        attempt(o.clear)",
    "module state": "for n, m in list(sys.modules.items()):\n    if 'hermetic' in n:\n        for k in list(vars(m)):\n            if not k.startswith('__'): attempt(lambda: setattr(m, k, lambda *a, **k: None))",
    "module dictionaries cleared": "for n, m in list(sys.modules.items()):\n    if 'hermetic' in n: attempt(vars(m).clear)",
    "modules removed": "for n in list(sys.modules):\n    if 'hermetic' in n: del sys.modules[n]",
    "the exception classes": "import _hermetic.errors as e\nfor c in (e.PolicyViolation, e.HermeticError):\n    attempt(lambda: setattr(c, '__init__', lambda *a, **k: None)); attempt(lambda: setattr(c, '__new__', lambda *a, **k: None))",
    "uninstall_all": "from hermetic.guards import uninstall_all\nattempt(uninstall_all)",
    "leaving blocks": "import _hermetic.blocks as s\nimport _hermetic.enforce.session as session\nfor pair in getattr(session, 'entered', ()): attempt(lambda: s.leave_block(pair[0]))\nfor n in ('tables', 'watched'):\n    attempt(lambda: getattr(session, n).__setitem__(0, ()))",
    "another audit hook first": "attempt(lambda: sys.addaudithook(lambda *a: None))",
    "fresh built-ins": "import _imp, importlib.machinery as m\nfresh = attempt(lambda: _imp.create_builtin(m.ModuleSpec('_socket', None)))",
    "memory": "def write():\n    with open('/proc/self/mem', 'r+b', 0) as f: f.seek(0)\nattempt(write)",
    "builtins replaced": "import builtins\nattempt(lambda: setattr(builtins, 'isinstance', lambda *a: False)); attempt(lambda: setattr(builtins, 'hash', lambda x: 0)); attempt(lambda: setattr(builtins, 'len', lambda x: 0))",
    "os functions replaced": "for n in ('getpid', 'readlink', 'fspath', 'write', 'dup'):\n    attempt(lambda: setattr(os, n, lambda *a, **k: 0))\n    attempt(lambda: setattr(__import__('posix'), n, lambda *a, **k: 0))",
    "profile function that raises": "def p(*a): raise KeyboardInterrupt\nattempt(lambda: sys.setprofile(p))",
    "trace function that changes locals": "def t(frame, event, arg):\n    for k in list(frame.f_locals):\n        attempt(lambda: frame.f_locals.__setitem__(k, None))\n    return t\nattempt(lambda: sys.settrace(t))",
    "interrupting signals": "import signal\nsignal.signal(14, lambda *a: 1/0)\nsignal.setitimer(0, .0001, .0001)\nfor _ in range(300):\n    try: real().connect(('127.0.0.1', PORT))\n    except BaseException: pass\nfor _ in range(50):\n    try: signal.signal(14, signal.SIG_IGN); signal.setitimer(0, 0); break\n    except ZeroDivisionError: pass",
    "stack exhausted": "sys.setrecursionlimit(60)\ndef deep():\n    try: deep()\n    except BaseException: pass\n    try: real().connect(('127.0.0.1', PORT))\n    except BaseException: pass\nattempt(deep)\nsys.setrecursionlimit(1000)",
    "start again, with less": "import _hermetic.start as s, _hermetic.policy as p\nattempt(lambda: s.start_process(p.Policy(rules={})))",
    "interned event names": "class E(str):\n    __eq__ = lambda s, o: False\n    __hash__ = lambda s: 0\nattempt(lambda: sys.audit(E('socket.connect'), 1, 2))",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_sealed_policy_is_not_lifted(isolated, name):
    works, reached, done = attack(isolated, ATTACKS[name] + TRY, "--no-network --seal")
    if name != "trace function that changes locals":  # which breaks the plain run as well
        assert works, "without the seal, nothing would be shown"
    assert not reached
    assert done.code in (0, 1, 2, -14), done


INTERPRETERS = [
    "import _interpreters as i; n = i.create(); i.run_string(n, code)",
    "import _xxsubinterpreters as i; n = i.create(); i.run_string(n, code)",
    "import concurrent.interpreters as i; i.create().exec(code)",
    "import test.support; test.support.run_in_subinterp(code)",
    "import _testcapi; _testcapi.run_in_subinterp(code)",
    "import _testinternalcapi; _testinternalcapi.run_in_subinterp_with_config(code)",
    "from concurrent.futures import InterpreterPoolExecutor as P; P().submit(exec, code).result()",
    "import importlib; m = importlib.import_module('_xxsubinterpreters'); m.run_string(m.create(), code)",
    "import _imp, importlib.machinery as m; i = _imp.create_builtin(m.ModuleSpec('_xxsubinterpreters', None)); i.run_string(i.create(), code)",
    "import _imp, importlib.machinery as m; i = _imp.create_builtin(m.ModuleSpec('_interpreters', None)); i.run_string(i.create(), code)",
]


@pytest.mark.parametrize("options", ["--no-network", "--no-subprocess --seal"])
@pytest.mark.parametrize("way", INTERPRETERS)
def test_second_interpreter_is_not_made(isolated, way, options):
    done = isolated.script(options, f"code = \"open('escaped', 'w').close()\"\n{way}")
    assert not (isolated.folder / "escaped").exists()
    assert done.code in (1, 2), done


def test_earlier_hook_that_swallows_ours_is_noticed(isolated):
    done = isolated.code("""
        import sys
        def first(event, args):
            if event == "sys.addaudithook":
                raise RuntimeError("no more hooks")
        sys.addaudithook(first)
        from hermetic import hermetic_blocker
        from hermetic.errors import BootstrapError
        for sealed in (False, True):
            try:
                with hermetic_blocker(block_network=True, sealed=sealed):
                    print("entered")
            except BootstrapError as error:
                print("refused")
        import socket
        try:
            socket.create_connection(("127.0.0.1", 9), 1)
        except ConnectionError:
            print("and nothing holds")
        """)
    assert done.stdout == "refused\nrefused\nand nothing holds\n", done


@pytest.mark.parametrize(
    "act",
    [
        "open(file, 'a').close()",
        "os.remove(file)",
        "os.rename(file, file + 'x')",
        "os.truncate(file, 0)",
        "os.open(file, os.O_RDWR)",
        "os.chmod(file, 0)",
        "os.link(file, 'x')",
        "os.symlink('x', folder + '/y')",
        "os.mkdir(folder + '/y')",
        "open(os.path.relpath(file), 'a').close()",
        "open(os.fsencode(file), 'a')",
        "__import__('pathlib').Path(file).write_text('')",
        "__import__('io').FileIO(file, 'a')",
    ],
)
def test_hermetics_own_files_cannot_be_written(isolated, act):

    copy = isolated.copy_hermetic("lib")
    isolated.write(
        "target.py", f"import os, _hermetic\nfile = _hermetic.__file__\nfolder = os.path.dirname(file)\n{act}"
    )
    before = (copy / "_hermetic" / "__init__.py").read_bytes()
    done = isolated.run(
        [
            __import__("sys").executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(copy)!r}); from hermetic.cli import program; sys.argv = ['hermetic', '--no-network', '--', './target.py']; sys.exit(program())",
        ]
    )
    assert done.code == 2, done
    assert (copy / "_hermetic" / "__init__.py").read_bytes() == before
    assert not (copy / "_hermetic" / "y").exists()


# In hermetic's list of what stands in, where code of the program's would run between a module's making and its patching.
LISTED = """
import sys
import _hermetic.enforce.patches as patches
taken = []
class Listed:
    def __iter__(self):
        if "readline" in sys.modules:
            taken.append(vars(sys.modules["readline"])["read_history_file"])
        return iter(())
    def __eq__(self, other): return iter(self) and False
patches.STANDING.append(Listed())
patches.STANDING.append([Listed()])
patches.STANDING.append((Listed(), Listed()))
import readline
print("stand-in", type(readline.read_history_file).__name__)
for function in taken:
    try:
        function(SECRET)
        print("read", readline.get_history_item(1))
    except (OSError, RuntimeError):
        pass
"""


def test_no_code_of_the_programs_runs_before_a_module_is_patched(isolated, tmp_path_factory):
    pytest.importorskip("readline")
    secret = tmp_path_factory.mktemp("outside") / "secret.txt"
    secret.write_text("the secret\n")
    done = isolated.script("--kernel=off --seal --fs-readonly=.", f"SECRET = {str(secret)!r}\n{LISTED}")
    assert done.stdout == "stand-in function\n", done
