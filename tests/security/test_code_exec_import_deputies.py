"""The import system as a deputy: its loaders and private functions, handed what is no source file."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

LOADERS = """
import importlib.abc, importlib.machinery, importlib.util, importlib._bootstrap as bootstrap
import importlib._bootstrap_external as external
import types
def run(loader, name="x"):
    module = types.ModuleType(name)
    loader.exec_module(module)
"""

DEPUTIES = {
    "source loader of its own": """
        class L(importlib.abc.SourceLoader):
            def get_filename(self, name): return "x.py"
            def get_data(self, path): return BYTES
        attack(lambda: run(L()))
        """,
    "source loader that names a real file": """
        class L(importlib.abc.SourceLoader):
            def get_filename(self, name): return __file__
            def get_data(self, path): return BYTES
        attack(lambda: run(L()))
        """,
    "file loader with other data": """
        class L(importlib.machinery.SourceFileLoader):
            def get_data(self, path): return BYTES
        attack(lambda: run(L("x", __file__)))
        """,
    "file loader with data on the instance": """
        loader = importlib.machinery.SourceFileLoader("x", "mod_free.py")
        open("mod_free.py", "w").write("1\\n")
        loader.get_data = lambda path: BYTES
        attack(lambda: run(loader))
        """,
    "get_data replaced and put back": """
        open("mod_free.py", "w").write("1\\n")
        real = external.FileLoader.get_data
        def once(self, path):
            external.FileLoader.get_data = real
            return BYTES
        external.FileLoader.get_data = once
        sys.dont_write_bytecode = True
        external.cache_from_source = lambda path: (_ for _ in ()).throw(NotImplementedError())
        attack(lambda: run(importlib.machinery.SourceFileLoader("x", "mod_free.py")))
        """,
    "get_code of its own": """
        class L(importlib.machinery.SourceFileLoader):
            def get_code(self, name): return compile(SOURCE, "x.py", "exec")
        attack(lambda: run(L("x", __file__)))
        """,
    "a file's own text, which no loader has compiled": """
        open("mod_free.py", "w").write(SOURCE)
        loader = importlib.machinery.SourceFileLoader("x", "mod_free.py")
        attack(lambda: types.FunctionType(loader.source_to_code(BYTES, "mod_free.py"), {})())
        """,
    "text file as source": """
        attack(lambda: run(importlib.machinery.SourceFileLoader("x", "payload.txt")))
        """,
    "text file, load_module": """
        attack(lambda: importlib.machinery.SourceFileLoader("x", "payload.txt").load_module())
        """,
    "text file, get_code and runpy": """
        import runpy
        attack(lambda: runpy._run_code(importlib.machinery.SourceFileLoader("x", "payload.txt").get_code("x"), {}))
        """,
    "spec from a file location": """
        loader = importlib.machinery.SourceFileLoader("x", "payload.txt")
        spec = importlib.util.spec_from_file_location("x", "payload.txt", loader=loader)
        attack(lambda: spec.loader.exec_module(importlib.util.module_from_spec(spec)))
        """,
    "suffixes widened": """
        external.SOURCE_SUFFIXES.append(".txt")
        importlib.machinery.SOURCE_SUFFIXES.append(".txt")
        sys.path_hooks.insert(0, importlib.machinery.FileFinder.path_hook(
            (importlib.machinery.SourceFileLoader, [".txt"])))
        sys.path_importer_cache.clear()
        attack(lambda: importlib.import_module("payload"))
        """,
    "trampoline": """
        attack(lambda: bootstrap._call_with_frames_removed(eval, SOURCE))
        attack(lambda: bootstrap._call_with_frames_removed(
            exec, bootstrap._call_with_frames_removed(compile, SOURCE, "x", "exec"), {}))
        """,
    "source_to_code": """
        attack(lambda: exec(importlib.machinery.SourceFileLoader("x", "x.py").source_to_code(BYTES, __file__)))
        attack(lambda: exec(importlib.abc.InspectLoader.source_to_code(SOURCE)))
        """,
    "compile under a borrowed name": """
        attack(lambda: exec(compile(SOURCE, "<frozen importlib._bootstrap>", "exec")))
        attack(lambda: exec(compile(SOURCE, external.__file__ or __file__, "exec")))
        """,
    "lazy loader": """
        class L(importlib.abc.Loader):
            def exec_module(self, module): exec(SOURCE)
        lazy = importlib.util.LazyLoader(L())
        spec = importlib.util.spec_from_loader("x", lazy)
        module = importlib.util.module_from_spec(spec)
        lazy.exec_module(module)
        attack(lambda: module.anything)
        """,
    "unmarshalled by importlib": """
        attack(lambda: exec(external._compile_bytecode(open("payload.marshal", "rb").read())))
        """,
    "bytecode file without source": """
        attack(lambda: run(importlib.machinery.SourcelessFileLoader("x", "payload.pyc")))
        """,
    "bytecode on the path": """
        import os
        os.rename("payload.pyc", "bytemod.pyc")
        attack(lambda: importlib.import_module("bytemod"))
        """,
    "frozen module with data of its own": """
        import _imp
        data = open("payload.marshal", "rb").read()
        if sys.version_info < (3, 11):
            eval(SOURCE) if not any("hermetic" in name for name in sys.modules) else None
        else:
            attack(lambda: exec(_imp.get_frozen_object("x", data)))
        """,
    "extension loader, its C function replaced": """
        import _imp, functools
        loader = importlib.machinery.ExtensionFileLoader("x", "x.so")
        _imp.exec_dynamic = functools.partial(exec, SOURCE)
        attack(lambda: loader.exec_module({}))
        _imp.create_dynamic = functools.partial(next, map(exec, [SOURCE], [{}]))
        attack(lambda: loader.create_module(None))
        """,
    "zip private functions": """
        import zipimport
        attack(lambda: exec(zipimport._compile_source("x.py", BYTES)))
        """,
    "zip directory made up": """
        import zipimport
        zipimport._zip_directory_cache[__file__] = {"x.py": (__file__ + "/x.py", 0, 1, 1, 0, 0, 0, 0)}
        real = zipimport._get_data
        def once(archive, entry):
            zipimport._get_data = real
            return BYTES
        zipimport._get_data = once
        def load():
            loader = zipimport.zipimporter(__file__)
            loader._files = zipimport._zip_directory_cache[__file__]
            run(loader)
        attack(load)
        """,
    "namespace functions replaced": """
        open("mod_free.py", "w").write("1\\n")
        sys.dont_write_bytecode = True
        class Fake:
            def FileIO(self, *a):
                raise OSError
            def open_code(self, path):
                import io
                if not path.endswith(".py"):
                    raise OSError
                external._io = real
                return io.BytesIO(BYTES)
        real, external._io = external._io, Fake()
        attack(lambda: run(importlib.machinery.SourceFileLoader("x", "mod_free.py")))
        """,
    "trace function that rewrites a local": """
        open("mod_free.py", "w").write("1\\n")
        sys.dont_write_bytecode = True
        def tracer(frame, event, arg):
            if frame.f_code.co_name == "get_code" and "source_bytes" in frame.f_locals:
                frame.f_locals["source_bytes"] = BYTES
            return tracer
        sys.settrace(tracer)
        attack(lambda: run(importlib.machinery.SourceFileLoader("x", "mod_free.py")))
        sys.settrace(None)
        """,
    "code local rewritten before it is executed": """
        open("mod_free.py", "w").write("1\\n")
        def tracer(frame, event, arg):
            if frame.f_code.co_name == "exec_module" and "code" in frame.f_locals:
                frame.f_locals["code"] = compile(SOURCE, "mod_free.py", "exec")
            return tracer
        sys.settrace(tracer)
        attack(lambda: run(importlib.machinery.SourceFileLoader("x", "mod_free.py")))
        sys.settrace(None)
        """,
    "imported by reload of a changed loader": """
        import textwrap
        class L(importlib.machinery.SourceFileLoader):
            def get_data(self, path): return BYTES
        textwrap.__spec__.loader = textwrap.__loader__ = L("textwrap", textwrap.__file__)
        find = importlib.machinery.PathFinder.find_spec
        importlib.machinery.PathFinder.find_spec = classmethod(
            lambda cls, name, *a: textwrap.__spec__ if name == "textwrap" else find(name, *a))
        attack(lambda: importlib.reload(textwrap))
        """,
}


def prepare(isolated: Any) -> None:
    isolated.passes(
        """
        import marshal, py_compile
        text = 'print("ESC" + "APED", flush=True)'
        open("payload.txt", "w").write(text)
        open("payload.marshal", "wb").write(marshal.dumps(compile(text, "x.py", "exec")))
        py_compile.compile("payload.txt", cfile="payload.pyc", doraise=True)
        """
    )


@pytest.mark.parametrize("name", DEPUTIES)
def test_import_system_is_no_deputy(isolated: Any, name: str) -> None:
    import textwrap

    prepare(isolated)
    code = LOADERS + textwrap.dedent(DEPUTIES[name])
    if name == "bytecode on the path":
        attempt(isolated, code)  # the file is gone after the first run
    else:
        both(isolated, code)
