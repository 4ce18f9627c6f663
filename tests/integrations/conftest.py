"""Fixtures: an empty suite, and a server on loopback for what must be reached."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import import_path

from .suites import INSTALLED, PLUGIN, Suite

# By these pytest and hypothesis know that a run is on CI, where one cuts no line and the other keeps no examples.
ON_CI = (
    "CI",
    "BUILD_NUMBER",
    "TF_BUILD",
    "BUILDKITE",
    "CIRCLECI",
    "CIRRUS_CI",
    "CODEBUILD_BUILD_ID",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "HEROKU_TEST_RUN_ID",
    "TEAMCITY_VERSION",
    "__TOX_ENVIRONMENT_VARIABLE_ORIGINAL_CI",
    "bamboo.buildKey",
)


@pytest.fixture
def server() -> Iterator[int]:
    """The port of something that accepts on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What suites need on PYTHONPATH to find hermetic and the plugin's entry point, as where pip has installed them."""
    source = import_path()
    if INSTALLED or source is None:
        return source or ""
    folder = tmp_path_factory.mktemp("installed")
    (about := folder / "hermetic-0.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hermetic\nVersion: 0\n")
    (about / "entry_points.txt").write_text(f"[pytest11]\nhermetic = {PLUGIN}\n")
    (about / "RECORD").write_text("hermetic/__init__.py,,\n_hermetic/__init__.py,,\n")
    for name in ("hermetic", "_hermetic"):
        (folder / name).symlink_to(Path(source) / name)  # what the record lists must be there
    return os.pathsep.join((source, str(folder)))


@pytest.fixture
def suite(pytester: pytest.Pytester, server: int, installed: str, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """An empty suite, which says the same on CI as elsewhere."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "COV_CORE_SOURCE", *ON_CI):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    if installed:
        monkeypatch.setenv("PYTHONPATH", installed)
    return Suite(pytester, server)
