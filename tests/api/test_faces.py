"""The other documented faces: resolver, runner, command line functions, lazy import."""

from __future__ import annotations

import json
import sys

import pytest

from hermetic import cli, resolver, runner
from hermetic.errors import HermeticError
from hermetic.profiles import GuardConfig


def test_importing_the_package_loads_nothing_heavy(isolated):
    code = "import sys; before = set(sys.modules); import hermetic; import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    loaded = {
        name.partition(".")[0]
        for name in isolated.python("-I", "-S", "-c", f"import sys; sys.path.insert(0, {folder()!r}); " + code).data
    }
    assert not loaded & {"typing", "dataclasses", "argparse", "importlib", "asyncio", "socket"} - {"json", "importlib"}


def folder() -> str:
    from pathlib import Path

    import hermetic

    return str(Path(hermetic.__file__).parent.parent)


def test_parse_hermetic_args_makes_a_guard_config():
    config = cli.parse_hermetic_args(["--no-network", "--allow-domain", "a.org", "--allow-domain=b.org", "--trace"])
    assert isinstance(config, GuardConfig)
    assert (config.no_network, config.allow_domains, config.trace) == (True, ["a.org", "b.org"], True)


def test_parser_knows_every_flag():
    text = cli.build_parser().format_help()
    for flag in ("--no-network", "--fs-readonly", "--no-environment", "--no-env", "--profile", "--keep-fd", "--strict"):
        assert flag in text
    assert "loopback can act for the program" in " ".join(text.split())


def test_config_to_flags_is_json_ready_and_complete():
    config = GuardConfig(no_network=True, allow_domains=["a.org"], keep_fds=[5], strict=True)
    flags = json.loads(json.dumps(runner.config_to_flags(config)))
    for name, value in vars(config).items():
        assert flags[name] == value
    assert flags["policy"]["rules"]["network"]


def test_resolve_is_pure_and_names_the_mode(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("raise SystemExit('must not run')")
    assert resolver.resolve(str(script)).mode == "inprocess"
    spec = resolver.resolve("json.tool:main", ["x"])
    assert (spec.module, spec.attr, spec.mode) == ("json.tool", "main", "inprocess")
    assert resolver.resolve(sys.executable, ["-B", str(script)]).mode == "bootstrap"
    with pytest.raises(HermeticError):
        resolver.resolve("no-such-thing-anywhere")


def test_invoke_inprocess_runs_and_returns_the_status(isolated):
    isolated.write("mod.py", "def main():\n    print('ran')\n    return 0\n")
    isolated.passes(
        """
from hermetic.resolver import TargetSpec, invoke_inprocess, resolve
assert invoke_inprocess(resolve("mod:main")) == 0
try:
    invoke_inprocess(TargetSpec(module="x", attr="", mode="bootstrap"))
except ValueError:
    print("refused")
"""
    )


ENDS = {"import sys; sys.exit(3)": 3, "import sys; sys.exit('why')": 1, "raise ValueError('why')": 1, "": 0}


@pytest.mark.parametrize("how", ["run('./t.py', [], GuardConfig())", "invoke_inprocess(resolve('./t.py'))"])
@pytest.mark.parametrize("program", ENDS)
def test_who_embeds_a_run_is_given_its_status(isolated, program, how):
    isolated.write("t.py", program)
    done = isolated.passes(
        f"""
import sys
from hermetic.profiles import GuardConfig
from hermetic.resolver import invoke_inprocess, resolve
from hermetic.runner import run
hook = sys.excepthook
print({how})
assert sys.excepthook is hook
"""
    )
    assert done.stdout == f"{ENDS[program]}\n"
    assert ("why" in done.stderr) == ("why" in program)


def test_who_embeds_a_run_gets_what_shows_errors_back_after_an_interruption(isolated):
    isolated.write("t.py", "raise KeyboardInterrupt")
    isolated.passes(
        """
import sys
from hermetic.profiles import GuardConfig
from hermetic.runner import run
hook = sys.excepthook
try:
    run('./t.py', [], GuardConfig())
except KeyboardInterrupt:
    assert sys.excepthook is hook
else:
    raise SystemExit("not interrupted")
"""
    )


def test_runner_run_returns_two_for_a_blocked_target(isolated):
    isolated.write("t.py", "import os; os.system('true')")
    done = isolated.passes(
        """
from hermetic.profiles import GuardConfig
from hermetic.runner import run
code = run("./t.py", [], GuardConfig(no_subprocess=True))
assert code == 2, code
"""
    )
    assert "hermetic: blocked action: subprocess disabled: os.system" in done.stderr


def test_main_returns_the_status(isolated):
    isolated.passes(
        """
from hermetic.cli import main
assert main(["--nonsense"]) == 1
assert main([]) == 1
assert main(["--version"]) == 0
"""
    )
