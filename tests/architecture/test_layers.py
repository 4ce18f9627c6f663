"""The dependency rule, checked from the syntax tree: arrows only point inward, and few may do much."""

from __future__ import annotations

import ast
import sys

import pytest
from syntax import CORE, FACES, core_imports, face_imports, known, modules, walk

CORE_MODULES, FACE_MODULES = modules(CORE), modules(FACES)

# From the innermost layer to the outermost: a module imports only modules of its own layer and of those before it, and
# nothing goes round.
CORE_ORDER = [
    ["errors", "model", "pristine"],
    # Reading: arguments, paths, callers, what is started, the interpreter's own state.
    ["extract", "paths", "callers", "sqlite"],
    ["programs.*", "programs"],
    ["startup.*", "startup"],
    # Deciding.
    ["capabilities.*"],
    ["capabilities", "policy", "events"],
    ["message"],
    # Holding.
    ["enforce.*", "enforce"],
    ["compiled"],
    ["asking"],
    ["start"],
    ["blocks", "acts"],
    # Running.
    ["kernel"],
    ["running.*", "running"],
    ["entry"],
    ["carrier.*"],
]
FACE_ORDER = [
    [
        "errors",
        "settings",
        "values",
        "keywords",
        "cautions",
        "runners",
        "request",
        "common_hosts",
        "narrowing",
        "private_tmp",
        "decorate",
        "targets",
        "pylauncher",
        "options",
        "profiles",
        "policies.*",
        "policies",
        "allowances",
    ],
    ["blocker", "bootstrap", "launch", "resolver", "runner", "locking"],
    ["guards.*", "guards"],
    # A host's own words, then what it asks for, what it tells, what it does.
    ["integrations", "integrations.pytest_words", "integrations.pytest_socket_hint", "integrations.pytest_scopes"],
    ["integrations.pytest_names"],
    ["integrations.pytest_text", "integrations.pytest_values", "integrations.pytest_options"],
    ["integrations.pytest_files", "integrations.pytest_doctests"],
    ["integrations.pytest_settings"],
    ["integrations.pytest_watch"],
    ["integrations.pytest_results", "integrations.pytest_policy", "integrations.pytest_fixture"],
    ["integrations.pytest_reports"],
    ["integrations.pytest_runs"],
    ["integrations.pytest_waiting"],
    ["integrations.pytest_plugin"],
    ["doctor"],
    ["cli"],
    ["__main__"],
]
# The core's doors, by which the faces may enter it.
DOORS = {
    "programs.commandline",
    "acts",
    "compiled",
    "blocks",
    "start",
    "policy",
    "events",
    "errors",
    "capabilities",
    "model",
    "paths",
    "running.run",
    "running.sockets",
    "running.awaited",
    "programs.target",
    "running.carried",
    "message",
    "programs.executables",
    "programs.firstlines",
    "startup.searchpath",
    "pristine",
    "extract",
    "programs.variables",
    "startup.early",
    "kernel",
    # Before the guards are loaded there is no other door to it.
    "enforce.kernel.linux.ahead",
    "programs.waiting",
    # For hosts that watch a policy.
    "running.reports",
    "running.status",
    "callers",
}


def is_door(name: str) -> bool:
    """Whether this is one, below one, or a package that one is in."""
    return name in DOORS or name.partition(".")[0] in DOORS or any(door.startswith(f"{name}.") for door in DOORS)


def place(order: list[list[str]], name: str) -> int:
    """The line that a module stands on."""
    for exact in (True, False):
        for number, line in enumerate(order):
            for pattern in line:
                if pattern == name or (not exact and pattern.endswith(".*") and name.startswith(pattern[:-1])):
                    return number
    raise AssertionError(f"{name} has no place in the order: give it one")


@pytest.mark.parametrize("name", CORE_MODULES)
def test_core_imports_only_the_standard_library_and_itself(name):
    for imported in core_imports()[name]:
        top = imported.partition(".")[0]
        assert top == "_hermetic" or top in sys.stdlib_module_names or top in STANDARD_PRIVATE, imported


# The interpreter's own modules that no list names.
STANDARD_PRIVATE = {"_frozen_importlib", "_frozen_importlib_external", "_warnings", "__future__"}
# And the start-up file that the carried entry has taken the place of.
STANDARD_PRIVATE.add("sitecustomize")


@pytest.mark.parametrize("name", CORE_MODULES)
def test_core_imports_itself_relatively(name):
    absolute = [
        node
        for node in walk(CORE_MODULES[name])
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and not getattr(node, "level", 0)
        and any(
            n.partition(".")[0] == "_hermetic"
            for n in [getattr(node, "module", None) or "", *(a.name for a in node.names)]
        )
    ]
    # The carried entry is a script: it has no package to be relative to.
    assert not absolute or name == "entry"


@pytest.mark.parametrize("name", CORE_MODULES)
def test_core_arrows_point_inward(name):
    if not name:
        return
    mine = place(CORE_ORDER, name)
    for other in known(core_imports()[name], "_hermetic", set(CORE_MODULES) - {""}):
        # A package's own folder is imported with any of its modules.
        if other != name and not name.startswith(f"{other}."):
            assert place(CORE_ORDER, other) <= mine, f"{name} imports {other}"


@pytest.mark.parametrize("name", FACE_MODULES)
def test_face_arrows_point_inward(name):
    if not name:
        return
    mine = place(FACE_ORDER, name)
    for other in known(face_imports()[name], "hermetic", set(FACE_MODULES) - {""}):
        if other != name and not name.startswith(f"{other}."):
            assert place(FACE_ORDER, other) <= mine, f"{name} imports {other}"


@pytest.mark.parametrize("name", FACE_MODULES)
def test_faces_enter_the_core_by_its_doors(name):
    used = known(face_imports()[name], "_hermetic", set(CORE_MODULES) - {""})
    assert not {n for n in used if not is_door(n)}


@pytest.mark.parametrize("name", [n for n in CORE_MODULES if n.startswith("capabilities.")])
def test_families_know_neither_one_another_nor_the_engine(name):
    used = known(core_imports()[name], "_hermetic", set(CORE_MODULES) - {""})
    family = ".".join(name.split(".")[:2])
    others = {n for n in used if n != family and not n.startswith(f"{family}.")}
    engine = (
        "capabilities.",
        "enforce",
        "running",
        "policy",
        "events",
        "compiled",
        "start.",
        "blocks",
        "asking",
        "acts",
    )
    assert not {n for n in others if f"{n}.".startswith(engine)}


@pytest.mark.parametrize(
    ("package", "found"), [("_hermetic", core_imports()), ("hermetic", face_imports())], ids=["core", "faces"]
)
def test_nothing_goes_round(package, found):
    members = set(found) - {""}
    left = {name: known(found[name], package, members) - {name} for name in members}
    while left:
        # A package's own folder comes along with any of its modules.
        free = [n for n, needs in left.items() if not any(d in left and not n.startswith(f"{d}.") for d in needs)]
        assert free, f"these import one another: {sorted(left)}"
        for name in free:
            del left[name]


def users(trees: dict[str, ast.Module], wanted) -> set[str]:
    return {name for name, tree in trees.items() if any(wanted(node) for node in ast.walk(tree))}


def calls(*names: str):
    return lambda node: isinstance(node, ast.Call) and (ast.unparse(node.func) in names)


def test_ctypes_is_for_the_kernel_layer_alone():
    everything = {**core_imports(), **{f"hermetic.{n}": v for n, v in face_imports().items()}}
    found = {n for n, names in everything.items() if any(i.partition(".")[0] in ("ctypes", "_ctypes") for i in names)}
    assert found <= {"enforce.kernel.linux.syscalls"}


def test_few_print():
    # The stderr sink and the closing lines write to descriptors; cli and its sub-commands print.
    assert users(CORE_MODULES, calls("print")) == set()
    assert users(FACE_MODULES, calls("print")) <= {"cli", "doctor", "policies.command", "policies.why"}


def test_one_module_has_state():
    def rebinds(node):
        return isinstance(node, (ast.Global, ast.Nonlocal))

    assert users(CORE_MODULES, rebinds) <= {"enforce.session"}
    assert users(FACE_MODULES, rebinds) == set()


def test_few_exit():
    exits = calls("sys.exit", "exit", "quit", "os._exit", "native._exit")
    # entry is the other process's first frame; it does what cli does in ours. carried ends the process that it has
    # waited for another in place of, and so does waiting. run hands a callable's value to SystemExit.
    # A process that only tries the kernel, or judges for another one, is ended where it ends.
    ends = {"enforce.kernel.backend", "enforce.kernel.linux.supervisor", "enforce.kernel.linux.above"}
    ends.add("enforce.kernel.linux.beside")
    assert users(CORE_MODULES, exits) <= {
        "entry",
        "running.carried",
        "programs.waiting",
        "carrier.sitecustomize",
        *ends,
    }
    assert users(FACE_MODULES, exits) <= {"cli", "__main__"}
    raised = {
        name
        for trees in (CORE_MODULES, FACE_MODULES)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc is not None and ast.unparse(node.exc).startswith("SystemExit")
    }
    assert raised <= {"running.run"}


HEAVY = {
    "typing",
    "dataclasses",
    "re",
    "json",
    "argparse",
    "contextlib",
    "collections",
    "enum",
    "inspect",
    "logging",
    "pathlib",
    "subprocess",
    "asyncio",
    "tempfile",
    "ctypes",
    "ast",
}


@pytest.mark.parametrize("name", CORE_MODULES)
def test_core_loads_nothing_heavy_at_import(name):
    assert not {n.partition(".")[0] for n in core_imports(functions=False)[name]} & HEAVY


@pytest.mark.parametrize(
    "name",
    ["", "cli", "options", "settings", "request", "targets", "launch", "__main__", "integrations.pytest_words"],
)
def test_light_half_of_the_faces_loads_nothing_heavy_at_import(name):
    assert not {n.partition(".")[0] for n in face_imports(functions=False)[name]} & HEAVY


@pytest.mark.parametrize(
    "path", [*CORE.rglob("*.py"), *FACES.rglob("*.py")], ids=lambda p: str(p.relative_to(p.parents[2]))
)
def test_files_stay_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    # network is the largest family; a file beyond this is two.
    assert text.count("\n") <= 400 or "\n\nGenerated by tools/" in text[:300], "split it by its ideas"
    assert path.name in ("entry.py", "sitecustomize.py") or ast.get_docstring(ast.parse(text)), "no docstring"
