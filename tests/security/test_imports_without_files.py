"""Denied modules that have no source file: built in, frozen, extension modules, or loaded already."""

from __future__ import annotations

import sys

import pytest
from import_attempts import assert_all_blocked, outcomes

BUILT_IN = """
@attempt
def statement(): import faulthandler; return faulthandler
@attempt
def create_builtin(): return _imp.create_builtin(machinery.ModuleSpec("faulthandler", None))
@attempt
def importer(): return bootstrap._load(machinery.BuiltinImporter.find_spec("faulthandler"))
@attempt
def loaded_one(): return _imp.create_builtin(machinery.ModuleSpec("marshal", None))
@attempt
def loaded_one_imported(): import marshal; return marshal
"""
FROZEN = """
@attempt
def statement(): import __hello__; return __hello__
@attempt
def importer(): return bootstrap._load(machinery.FrozenImporter.find_spec("__hello__"))
if sys.version_info >= (3, 11):  # before, the code of this one bears another name
    @attempt
    def get_frozen_object(): exec(_imp.get_frozen_object("__hello__")); return "ran"
@attempt
def init_frozen(): return _imp.init_frozen("__hello__")
"""
EXTENSION = """
import select as neighbour
SUFFIX = machinery.EXTENSION_SUFFIXES[0]
PATH = os.path.join(os.path.dirname(neighbour.__file__), "_queue" + SUFFIX)
os.symlink(PATH, "./_queue" + SUFFIX)
def create(name, path): return _imp.create_dynamic(machinery.ModuleSpec(name, None, origin=path))
@attempt
def statement(): import _queue; return _queue
@attempt
def create_dynamic(): return create("_queue", PATH)
@attempt
def other_parent(): return create("innocent._queue", PATH)
@attempt
def link(): return create("innocent._queue", "./_queue" + SUFFIX)
@attempt
def loader(): return machinery.ExtensionFileLoader("_queue", PATH).load_module("_queue")
"""


def has_library(name: str) -> bool:
    return name not in sys.builtin_module_names


@pytest.mark.skipif(has_library("faulthandler"), reason="this interpreter has it elsewhere")
def test_built_in_modules(isolated):
    options = ["--deny-import", "faulthandler", "--deny-import", "marshal"]
    assert_all_blocked(outcomes(isolated, options, BUILT_IN), "import blocked: faulthandler", "import blocked: marshal")


def test_frozen_modules(isolated):
    assert_all_blocked(outcomes(isolated, ["--deny-import", "__hello__"], FROZEN), "import blocked: __hello__")


@pytest.mark.skipif(not has_library("_queue") or not has_library("select"), reason="linked into this interpreter")
def test_extension_modules(isolated):
    found = outcomes(isolated, ["--deny-import", "_queue"], EXTENSION)
    assert_all_blocked(found, "import blocked: _queue", "import blocked: innocent._queue")


def test_a_denied_submodule_is_not_reached_through_its_parent(isolated):
    """``from xml import etree`` finds an attribute, without an event."""
    isolated.passes(
        """
        import sys, xml.etree.ElementTree as tree, xml, json
        from hermetic import PolicyViolation, hermetic_blocker

        def refused(code):
            try:
                exec(code)
            except PolicyViolation as error:
                return str(error)

        etree = xml.etree
        with hermetic_blocker(deny_imports=["xml.etree", "json"]):
            assert refused("from xml import etree") == "import blocked: xml.etree"
            assert refused("import xml.etree.ElementTree") == "import blocked: xml.etree.ElementTree"
            assert refused("import json.decoder") == "import blocked: json.decoder"
            assert not hasattr(xml, "etree") and "json" not in sys.modules
            assert tree.fromstring("<a/>").tag == "a", "denied is importing, not using"
        assert xml.etree is etree and sys.modules["xml.etree.ElementTree"] is tree and sys.modules["json"] is json
        """
    )


def test_modules_come_back_when_no_block_wants_them_away(isolated):
    isolated.passes(
        """
        import colorsys, json, sys
        from hermetic import PolicyViolation, hermetic_blocker

        loaded = dict(sys.modules)
        first, second = hermetic_blocker(deny_imports=["json"]), hermetic_blocker(deny_imports=["json", "colorsys"])
        first.__enter__(); second.__enter__(); first.__exit__(None, None, None)
        try:
            import json.scanner
        except PolicyViolation as error:
            assert error.target == "json.scanner"
        else:
            raise AssertionError("the block that is left lifted the other's policy")
        second.__exit__(None, None, None)
        assert {name: sys.modules.get(name) for name in loaded} == loaded
        import _frozen_importlib as system, _imp
        from _hermetic.model import PUBLIC, PRIVATE
        for function in (system._gcd_import, system._load_unlocked, _imp.create_dynamic, _imp.create_builtin):
            assert getattr(function, "__globals__", None) not in (PUBLIC, PRIVATE)
        """
    )
