"""Every task of the project: ``nox -s test``, or ``nox`` for what a change must pass."""

from __future__ import annotations

import nox

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
QUICK = "not programs and not slow"

nox.options.sessions = ["test", "lint", "types", "docs"]
nox.options.error_on_missing_interpreters = False  # "those that the machine has"
nox.needs_version = ">=2025.2.9"
PROJECT = nox.project.load_toml("pyproject.toml")


def group(name: str) -> list[str]:
    """The requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


def install(session: nox.Session, *groups: str) -> None:
    """hermetic as users get it, not editable, and the named groups."""
    session.install(".", *(requirement for name in groups for requirement in group(name)))


@nox.session(python=PYTHONS)
def test(session: nox.Session) -> None:
    """The suite, on every supported Python that this machine has."""
    install(session, "test")
    session.run("pytest", "-n", "auto", "-m", QUICK, *session.posargs)


@nox.session(python=PYTHONS)
def programs(session: nox.Session) -> None:
    """Real programs that must keep working, and the long tests."""
    install(session, "test", "programs")
    session.run("pytest", "-n", "auto", "-m", "programs or slow", *session.posargs)


@nox.session
def kernel(session: nox.Session) -> None:
    """The kernel layer, for real, on this machine's kernel; the long races as long as they are promised."""
    install(session, "test")
    session.run("pytest", "-n", "auto", "tests/kernel", *session.posargs, env={"HERMETIC_TEST_ROUNDS": "50000"})


@nox.session
def pairs(session: nox.Session) -> None:
    """Every row of the tables in every pair of interpreters: a command line of one, a program of the other."""
    install(session, "test")
    session.run("pytest", "-n", "auto", "tests/surface/test_every_pair.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    install(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The generated pages are those of the tables, and the code blocks of the others do what they say."""
    install(session, "test")
    session.run("python", "tools/gen_reference.py", "--check")
    session.run("pytest", "tests/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks, as ratios to plain runs of the same call; ``nox -s bench -- --quick`` for a first impression."""
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def escapes(session: nox.Session) -> None:
    """A corpus of attacks against the installed command: ``nox -s escapes -- PATH/run_escapes.py [ARGS]``."""
    if not session.posargs:
        session.skip("give the path of the corpus's runner after --")
    install(session)
    runner, *arguments = session.posargs
    session.run("python", runner, "--hermetic", f"{session.bin}/hermetic", *arguments)
