# Run by an interpreter that hermetic starts: INTERPRETER [options] entry.py MESSAGE NAME ARGUMENTS... It must parse on every Python,
# old ones too, to be able to refuse them by name; hence no annotations and no f-strings here.
import sys


def main():
    if sys.version_info < (3, 10) or sys.implementation.name != "cpython":
        sys.stderr.write(
            "hermetic: error: %s is %s %d.%d; guards exist for CPython 3.10 and newer\n"
            % (sys.executable, sys.implementation.name, sys.version_info[0], sys.version_info[1])
        )
        return 1
    import _frozen_importlib as machinery
    import _frozen_importlib_external as external

    # Loaded by path under its one name; what lies beside it in site-packages does not come along.
    here = __file__.rpartition("/")[0] if "/" in __file__ else __file__.rpartition("\\")[0]
    spec = external.spec_from_file_location("_hermetic", here + "/__init__.py", submodule_search_locations=[here])
    core = machinery.module_from_spec(spec)
    sys.modules["_hermetic"] = core
    spec.loader.exec_module(core)
    from _hermetic.searchpath import set_aside

    set_aside()
    from _hermetic.carried import run_carried

    return run_carried(sys.argv[1], sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
