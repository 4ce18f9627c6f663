"""Trace lines: one per act, in order, the same text in every mode, to the stderr of the start; secrets never."""

from __future__ import annotations

import os
import re

import pytest

LINE = re.compile(r"^\[hermetic\] blocked \S+( (host|path|name)=\S.*?)? reason=[a-z-]+$")

ACTS = """
import os, socket, subprocess
def attempt(act):
    try:
        act()
    except Exception:
        pass
attempt(lambda: socket.getaddrinfo("example.com", 80))
attempt(lambda: socket.socket().connect(("192.0.2.1", 80)))
attempt(lambda: os.system("true secret-argument"))
attempt(lambda: subprocess.run(["prog", "secret-argument"], env={"S": "secret-value"}))
attempt(socket.socketpair)
"""
EXPECTED = [
    "[hermetic] blocked socket.getaddrinfo host=example.com reason=no-network",
    "[hermetic] blocked socket.connect host=192.0.2.1 reason=no-network",
    "[hermetic] blocked os.system name=true reason=no-subprocess",
    "[hermetic] blocked subprocess.Popen name=prog reason=no-subprocess",
    "[hermetic] blocked socket.socketpair reason=no-network",
]


@pytest.mark.parametrize("how", [["./target.py"], ["python", "-B", "./target.py"], ["target"]], ids=" ".join)
@pytest.mark.parametrize("more", [[], ["--seal"]], ids=["plain", "sealed"])
def test_lines_are_the_same_in_every_mode(isolated, how, more):
    isolated.write("target.py", ACTS)
    done = isolated.cli("--no-network", "--no-subprocess", "--trace", *more, "--", *how)
    assert (done.code, done.errors) == (0, EXPECTED)


def test_lines_of_a_block_are_the_same(isolated):
    code = "from hermetic import hermetic_blocker\n__import__('subprocess')\nwith hermetic_blocker(block_network=True, block_subprocess=True, trace=True):\n"
    done = isolated.passes(code + "    " + ACTS.strip().replace("\n", "\n    "))
    assert done.errors == EXPECTED


def test_no_trace_without_the_option(isolated):
    isolated.write("target.py", ACTS)
    assert isolated.cli("--no-network", "--no-subprocess", "--", "./target.py").stderr == ""


DOCUMENTED = {
    "--no-network": (
        "import socket; socket.getaddrinfo('example.com', 80)",
        "[hermetic] blocked socket.getaddrinfo host=example.com reason=no-network",
    ),
    "--fs-readonly": ("open('/tmp/x', 'w')", "[hermetic] blocked open path=/tmp/x reason=fs-readonly"),
    "--block-native": ("import ctypes", "[hermetic] blocked import name=ctypes reason=block-native"),
    "--no-environment": ("import os; os.environ['HOME']", None),
    "--no-code-exec": ("eval('1')", None),
    "--deny-import colorsys": ("import colorsys", "[hermetic] blocked import name=colorsys reason=deny-import"),
    "--no-interpreter-mutation": ("import os; os.chdir('/')", None),
}


@pytest.mark.parametrize("option", DOCUMENTED)
def test_documented_line_of_each_family(isolated, option):
    code, expected = DOCUMENTED[option]
    done = isolated.script(f"{option} --trace", code)
    assert done.code == 2, done.stderr
    line = done.errors[0]
    assert LINE.match(line), line
    assert line.endswith(f"reason={option.split()[0].lstrip('-')}")
    if expected is not None:
        assert line == expected


@pytest.mark.parametrize("name", ["a\nb", "a\r[hermetic] fake", "\x1b[2Jx", "a\0b", "\u202e", "\udc80"], ids=ascii)
def test_control_characters_are_escaped_everywhere(isolated, name):
    done = isolated.script(
        "--no-subprocess --fs-readonly --trace",
        f"""
        import os
        name = {name!a}
        for act in (lambda: os.system(name), lambda: open(name, "w"), lambda: os.mkdir(name)):
            try:
                act()
            except Exception as error:
                text = str(error)
                assert text.isprintable(), text
        raise SystemExit(1)
        """,
    )
    assert all(line.isprintable() for line in done.errors), done.stderr
    assert len([line for line in done.errors if line.startswith("[hermetic]")]) <= 3


def test_trace_goes_to_the_stderr_of_the_start(isolated):
    done = isolated.script(
        "--no-subprocess --trace",
        """
        import os, sys, io
        sys.stderr = io.StringIO()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)
        try:
            os.system("true")
        except Exception:
            pass
        """,
    )
    assert done.errors == ["[hermetic] blocked os.system name=true reason=no-subprocess"]


def test_order_with_the_programs_own_output(isolated):
    done = isolated.script(
        "--no-subprocess --trace",
        """
        import os, sys
        for n in range(3):
            print(n, file=sys.stderr, flush=True)
            try:
                os.system("true")
            except Exception:
                pass
        """,
    )
    assert [line[:3] for line in done.errors] == ["0", "[he", "1", "[he", "2", "[he"]


REPEATED = """
import os, socket, sys
def attempt(act):
    try:
        act()
    except Exception:
        pass
for _ in range(10100):
    attempt(lambda: os.mkdir("x"))
attempt(lambda: os.rmdir("y"))
attempt(lambda: socket.getaddrinfo("example.com", 80))
sys.exit(3)
"""
MKDIR = "[hermetic] blocked os.mkdir path={} reason=fs-readonly"
RMDIR = "[hermetic] blocked os.rmdir path={} reason=fs-readonly"


@pytest.mark.parametrize("more", [[], ["--seal"]], ids=["plain", "sealed"])
def test_a_repeated_act_is_told_a_thousand_times_and_then_at_powers_of_ten(isolated, more):
    isolated.write("target.py", REPEATED)
    done = isolated.cli("--fs-readonly", "--no-network", "--trace", *more, "--", "./target.py")
    line = MKDIR.format(isolated.folder / "x")
    lines = [line] * 1000 + [f"{line} times=10000", RMDIR.format(isolated.folder / "y"), EXPECTED[0]]
    assert done.errors[: len(lines)] == lines
    # What came after a thousand others decides the status all the same.
    assert done.code == 2
    assert done.errors[len(lines)].endswith("network disabled: DNS(example.com) (and 10101 more)")


def test_the_summary_counts_all_and_misses_none_for_one_that_is_repeated(isolated):
    isolated.write("target.py", REPEATED.replace("socket.getaddrinfo", "0 and socket.getaddrinfo"))
    done = isolated.cli("--fs-readonly", "--report-only", "--", "./target.py")
    assert done.errors[-3:] == [
        "hermetic: 10101 acts would be blocked",
        f"  filesystem mutation disabled: os.mkdir({isolated.folder / 'x'})  [--fs-readonly] x10100",
        f"  filesystem mutation disabled: os.rmdir({isolated.folder / 'y'})  [--fs-readonly]",
    ], done.stderr
    assert done.code == 3


MANY = """
import os
for number in range({}):
    try:
        os.mkdir(f"{{number}}/x")
    except OSError:
        pass
"""


def test_what_the_summary_cannot_name_is_counted(isolated):
    done = isolated.script("--fs-readonly --strict", MANY.format(1500))
    assert done.errors[-1] == "  and 500 more, of which only the number was kept"


def test_the_memory_for_lines_is_bounded(isolated):
    done = isolated.script("--fs-readonly --trace", MANY.format(12000))
    assert len(done.errors) == 10000 + 1000
    assert done.errors[-1].endswith("/10999/x reason=fs-readonly")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_counts_for_itself(isolated):
    act = "try: os.mkdir('x')\n    except OSError: pass\n"
    code = f"import os\nfor _ in range(1002):\n    {act}if not os.fork():\n    {act}    os._exit(0)\nos.wait()\n"
    done = isolated.script("--fs-readonly --trace", code)
    assert done.errors == [MKDIR.format(isolated.folder / "x")] * 1001
