"""``eval`` and ``exec`` called by somebody else: generic callers are the program."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import both

CALLERS = {
    "plain eval": "attack(lambda: eval(SOURCE))",
    "plain exec": "attack(lambda: exec(SOURCE))",
    "other name": "run = exec\nattack(lambda: run(SOURCE))",
    "captured by builtins": "import builtins\nattack(lambda: getattr(builtins, 'ev' + 'al')(SOURCE))",
    "thread": "import threading\nt = threading.Thread(target=eval, args=(SOURCE,)); t.start(); t.join()",
    "bare thread": """
        import _thread, time
        _thread.start_new_thread(exec, (SOURCE, {"__builtins__": __builtins__}))
        time.sleep(0.3)
        """,
    "timer": "import threading\nt = threading.Timer(0, exec, (SOURCE,)); t.start(); t.join()",
    "executor": """
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor() as pool:
            attack(pool.submit(eval, SOURCE).result)
        """,
    "exit stack": """
        import contextlib
        def run():
            with contextlib.ExitStack() as stack:
                stack.callback(exec, SOURCE)
        attack(run)
        """,
    "scheduler": """
        import sched
        s = sched.scheduler()
        s.enter(0, 0, exec, (SOURCE,))
        attack(s.run)
        """,
    "event loop": """
        import asyncio
        async def main():
            asyncio.get_running_loop().call_soon(exec, SOURCE)
            await asyncio.sleep(0.05)
        attack(lambda: asyncio.run(main()))
        """,
    "map": "attack(lambda: list(map(eval, [SOURCE])))",
    "partial": "import functools\nattack(functools.partial(eval, SOURCE))",
    "reduce": "import functools\nattack(lambda: functools.reduce(lambda f, x: f(x), [eval, SOURCE]))",
    "sort key": "attack(lambda: sorted([SOURCE], key=eval))",
    "filter": "attack(lambda: list(filter(eval, [SOURCE])))",
    "default dict": "import collections\nimport functools\nattack(lambda: collections.defaultdict(functools.partial(eval, SOURCE))[0])",
    "property": "attack(lambda: type('P', (), {'p': property(lambda s: eval(SOURCE))})().p)",
    "method of a builtin": "attack(lambda: exec.__call__(SOURCE))",
    "class decorator": "attack(lambda: type('M', (), {'__init_subclass__': staticmethod(eval)}) and eval.__call__(SOURCE))",
    "at exit": "import atexit, sys\natexit.register(exec, SOURCE, {'__builtins__': __builtins__})",
    "finalizer": "import weakref\nclass C: pass\nc = C()\nweakref.finalize(c, exec, SOURCE, {})\ndel c",
    "signal": """
        import functools, signal
        class Handler:
            __call__ = staticmethod(lambda *a: exec(SOURCE))
        signal.signal(signal.SIGUSR1, Handler())
        import os
        attack(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        """,
    "singledispatch": "import functools\nattack(lambda: functools.singledispatch(eval)(SOURCE))",
    "logging factory": """
        import logging.config
        attack(lambda: logging.config.BaseConfigurator({}).resolve("builtins.eval")(SOURCE))
        """,
    "logging file": """
        import configparser, logging.config
        p = configparser.RawConfigParser()
        p.read_string("[loggers]\\nkeys=root\\n[handlers]\\nkeys=h\\n[formatters]\\nkeys=\\n[logger_root]\\nhandlers=h\\n"
                      "[handler_h]\\nclass=NullHandler\\nargs=(" + SOURCE + ",)\\n")
        attack(lambda: logging.config.fileConfig(p))
        """,
    "collector": """
        import gc
        for o in gc.get_objects():
            if type(o) is type(len) and o.__name__ == "eval":
                attack(lambda: o(SOURCE))
        """,
    "operator": "import operator\nattack(lambda: operator.methodcaller('__call__', SOURCE)(eval))",
    "print file": "import types\nattack(lambda: print(SOURCE, file=types.SimpleNamespace(write=eval)))",
    "display hook": "import sys\nsys.displayhook = eval\nattack(lambda: sys.displayhook(SOURCE))",
    "import hook": """
        import builtins, types
        real = builtins.__import__
        builtins.__import__ = lambda name, *a: exec(SOURCE) if name == "nothing_such" else real(name, *a)
        attack(lambda: __import__("nothing_such"))
        """,
    "module spoof": """
        for name in ("importlib._bootstrap", "_frozen_importlib", "dataclasses", "collections", "_hermetic.running.run"):
            __name__ = name
            attack(lambda: exec(SOURCE))
        """,
    "function spoof": """
        def _call_with_frames_removed(f, *a): return f(*a)
        def exec_main(code): exec(code)
        def parse_text(source): return compile(source, "x", "exec")
        attack(lambda: _call_with_frames_removed(exec, SOURCE))
        attack(lambda: exec_main(SOURCE))
        attack(lambda: exec(parse_text(SOURCE)))
        """,
}


@pytest.mark.parametrize("name", CALLERS)
def test_code_is_not_executed_through_another_caller(isolated: Any, name: str) -> None:
    both(isolated, CALLERS[name])
