"""Fixtures: an empty suite, and a server on loopback for what must be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from conftest import import_path

from .suites import Suite


@pytest.fixture
def server() -> Iterator[int]:
    """The port of something that accepts on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def suite(pytester: pytest.Pytester, server: int, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """An empty suite."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "COV_CORE_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    if folder := import_path():
        monkeypatch.setenv("PYTHONPATH", folder)
    return Suite(pytester, server)
