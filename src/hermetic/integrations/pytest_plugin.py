"""The pytest plugin: tests under a policy, and a violation fails its test.

Every run of an environment in which hermetic is installed loads this module, through pytest's own import hook, which
reads bytecode in many small pieces. So it holds names alone.
"""

from hermetic.integrations import load_faces

load_faces("integrations.pytest_words", "integrations.pytest_waiting")

from hermetic.integrations.pytest_waiting import (  # noqa: E402  # loaded above
    hermetic_fixture,
    pytest_addoption,
    pytest_collection_finish,
    pytest_configure,
    pytest_load_initial_conftests,
    pytest_sessionstart,
)

__all__ = [
    "hermetic_fixture",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_sessionstart",
]
