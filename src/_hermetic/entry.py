# Run by an interpreter that hermetic starts: INTERPRETER [options] entry.py MESSAGE NAME ARGUMENTS... It must parse on
# every Python, old ones too, to be able to refuse them by name; hence no annotations and no f-strings here.
import os
import sys


def refuses():
    """Whether this interpreter cannot be guarded; it is said by name."""
    if sys.version_info >= (3, 10) and sys.implementation.name == "cpython":
        return False
    name = sys.implementation.name if hasattr(sys, "implementation") else "python"
    sys.stderr.write(
        "hermetic: error: %s is %s %d.%d; guards exist for CPython 3.10 and newer\n"
        % (sys.executable, name, sys.version_info[0], sys.version_info[1])
    )
    sys.stderr.flush()  # before 3.9 nothing else does so ahead of os._exit()
    return True


def load_core():
    """Load the core that lies here under its one name; what lies beside it in site-packages does not come along."""
    import _frozen_importlib as machinery
    import _frozen_importlib_external as external

    # A start-up file may have loaded a hermetic of this environment's own, an older one say: none of it is the core
    # that the policy was handed to, and its faces know only their own.
    if "_hermetic" in sys.modules:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("_hermetic", "hermetic")]:
            del sys.modules[name]
    # Bytecode of ours lies beside us, where no program can write it, and nowhere else. Where the parent
    # sees reason not to believe what lies in the library, it keeps all of it from us (programs/library.py).
    if sys.pycache_prefix != "/dev/null/hermetic":
        sys.pycache_prefix = None
    here = __file__.rpartition("/")[0] if "/" in __file__ else __file__.rpartition("\\")[0]
    spec = external.spec_from_file_location("_hermetic", here + "/__init__.py", submodule_search_locations=[here])
    core = machinery.module_from_spec(spec)
    sys.modules["_hermetic"] = core
    spec.loader.exec_module(core)
    core.load_at_once(spec, ["startup.", "startup.searchpath"])
    return core, spec


def main():
    if refuses():
        return 1
    try:
        core, spec = load_core()
        core.startup.searchpath.set_aside()
        core.load_at_once(spec, core.RECEIVER)
        from _hermetic.running.carried import load_guards, run_carried

        load_guards(sys.argv[1])
    except Exception as error:  # noqa: BLE001  # a core that is damaged may raise anything
        sys.stderr.write("hermetic: error: the guards of this program could not be started: " + str(error) + "\n")
        return 1
    return run_carried(sys.argv[1], sys.argv[2], sys.argv[3:])


def again(folder):
    """For a start-up file in this folder: start this program again under the policy in its variables."""
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join(others)
    if not others:
        del os.environ["PYTHONPATH"]
    sys.path[:] = [path for path in sys.path if path != folder]
    text = os.environ.pop("HERMETIC_POLICY", None)
    if refuses():
        os._exit(1)
    if text is None:
        return chain()
    cache = sys.pycache_prefix
    load_core()
    from _hermetic.running.carried import start_again

    start_again(text)
    sys.pycache_prefix = cache
    return chain()


def chain():
    """Run the sitecustomize that would have been found without us."""
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401  # for what it does
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    # Whoever is importing us expects to find something.
    sys.modules.setdefault("sitecustomize", ours)


if __name__ == "__main__":
    CODE = main()
    # Where a session follows (python -i), an exit would be told there.
    if CODE:
        sys.exit(CODE)
