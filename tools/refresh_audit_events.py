"""List the audit events that the running CPython can raise, for tests/surface/audit_events/MAJOR.MINOR.txt.

Three sources, because none is complete alone:

1. the standard library's Python files: every ``sys.audit("name", ...)``, read from the syntax tree;
2. the interpreter's binaries (the executable, libpython, lib-dynload): the string that is loaded shortly before
   each call of ``PySys_Audit``, read from the disassembly (``objdump`` and x86-64 or arm64; elsewhere skipped);
3. what the documentation's table and the committed lists of all versions know, where a binary still holds that very
   string: catches what an optimiser moved too far away from its call.

Events of Windows alone are in windows.txt, kept by hand from the documentation's table.

Run it with each interpreter, then classify what tests/surface/test_audit_events.py names:

    python3.14 tools/refresh_audit_events.py            # compare and write
    python3.14 tools/refresh_audit_events.py --check    # compare only; status 1 when something is new or gone
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

LISTS = Path(__file__).resolve().parent.parent / "tests" / "surface" / "audit_events"
NAME = re.compile(rb"[A-Za-z_][\w]*(\.[\w]+)*(/\d)?")
# Rows of the documentation's table that the disassembly does not show.
DOCUMENTED = {
    "builtins.input/result", "ctypes.cdata/buffer", "ctypes.dlsym/handle", "sqlite3.connect/handle",
    "sqlite3.enable_load_extension", "sqlite3.load_extension", "time.sleep", "sys.set_asyncgen_hooks_finalizer",
    "sys.set_asyncgen_hooks_firstiter", "cpython.PyConfig_Set", "sys.remote_exec", "cpython.remote_debugger_script",
    "readline.read_init_file", "_posixsubprocess.fork_exec", "os.mkfifo", "os.mknod", "urllib.Request",
}  # fmt: skip
# How far back from a call its first argument may have been loaded.
WINDOW = 40
LOADS = re.compile(
    r"\b(?:lea\s+.*,%r(?P<to>di|si)\s+#\s+(?P<lea>[0-9a-f]+)|add\s+x(?P<arm>[01]), x\d+, #0x(?P<low>[0-9a-f]+))"
)
CALLS = re.compile(r"\b(?:call|jmp|bl|b)\s+[0-9a-f]+ <(?P<name>[^>@+]*[Aa]udit[^>@+]*)")


def library_events() -> set[str]:
    """Names in ``sys.audit`` calls of the standard library."""
    found = set()
    folder = Path(sysconfig.get_paths()["stdlib"])
    for path in folder.rglob("*.py"):
        if {"site-packages", "test", "tests", "idle_test"} & set(path.parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # lib2to3 keeps files that are wrong on purpose
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.audit", "_sys.audit", "audit"):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def binaries() -> list[Path]:
    """The executable, the shared library, and the extension modules of the standard library."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    found = [base]
    folder = sysconfig.get_config_var("LIBDIR")
    name = sysconfig.get_config_var("INSTSONAME") or ""
    if folder and name and (Path(folder) / name).exists() and ".so" in name:
        found.append(Path(folder) / name)
    dynload = Path(sysconfig.get_config_var("DESTSHARED") or "/nonexistent")
    return found + sorted(dynload.glob("*.so"))


def sections(path: Path) -> list[tuple[int, int, int]]:
    """(address, offset, size) of the sections that hold strings."""
    text = subprocess.run(["objdump", "-h", str(path)], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^\s*\d+ (\.\S+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", text, re.MULTILINE)
    return [(int(address, 16), int(offset, 16), int(size, 16)) for _, size, address, offset in rows]


def string_at(data: bytes, where: list[tuple[int, int, int]], address: int) -> str | None:
    for start, offset, size in where:
        if start <= address < start + size:
            begin = offset + address - start
            text = data[begin : data.find(b"\0", begin)]
            return text.decode() if NAME.fullmatch(text) else None
    return None


def called_events(path: Path) -> set[str]:
    """Strings loaded as an argument shortly before a call of an auditing function."""
    data, where = path.read_bytes(), sections(path)
    found = set()
    recent: list[tuple[int, str, int]] = []
    process = subprocess.Popen(
        ["objdump", "-d", "--no-show-raw-insn", str(path)], stdout=subprocess.PIPE, text=True, errors="replace"
    )
    assert process.stdout is not None
    for number, line in enumerate(process.stdout):
        load = LOADS.search(line)
        if load and load["lea"]:
            recent.append((number, load["to"], int(load["lea"], 16)))
            continue
        call = CALLS.search(line)
        if call is None:
            continue
        # PySys_Audit(event, ...) has it first; the internal ones take the thread state before it.
        wanted = "di" if call["name"] == "PySys_Audit" else "si"
        for place, register, address in reversed(recent[-8:]):
            if number - place > WINDOW:
                break
            if register == wanted:
                text = string_at(data, where, address)
                if text is not None:
                    found.add(text)
                break
    process.wait()
    return found


def known_events() -> set[str]:
    """What the committed lists name."""
    return {line for path in LISTS.glob("*.txt") for line in path.read_text().split() if line}


def still_there(names: set[str]) -> set[str]:
    """Those that a binary holds as a whole string."""
    blobs = [path.read_bytes() for path in binaries()]
    return {name for name in names if any(b"\0" + name.encode() + b"\0" in blob for blob in blobs)}


def events() -> set[str]:
    """Every event of this interpreter."""
    found = library_events()
    if shutil.which("objdump"):
        for path in binaries():
            found |= called_events(path)
    return found | still_there(known_events() | DOCUMENTED)


def main(words: list[str]) -> int:
    """Compare with the committed list, and write it unless ``--check`` is given."""
    path = LISTS / f"{sys.version_info[0]}.{sys.version_info[1]}.txt"
    before = set(path.read_text().split()) if path.exists() else set()
    now = events()
    for name in sorted(now - before):
        print(f"new: {name}")
    for name in sorted(before - now):
        print(f"gone (or not found by this run): {name}")
    if words == ["--check"]:
        return int(now != before)
    # Nothing is dropped: a run without objdump, or another platform's build, knows less.
    path.write_text("".join(f"{name}\n" for name in sorted(before | now)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
