"""Pickles that name globals, by every unpickler."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

SETUP = """
import pickle
DATA = b"cbuiltins\\nexec\\n(X" + len(BYTES).to_bytes(4, "little") + BYTES + b"tR."
STACK = b"\\x80\\x04\\x8c\\x08builtins\\x8c\\x04exec\\x93X" + len(BYTES).to_bytes(4, "little") + BYTES + b"\\x85R."
"""

ATTACKS = {
    "pickle.loads": "attack(lambda: pickle.loads(DATA))",
    "pickle.load": "import io\nattack(lambda: pickle.load(io.BytesIO(DATA)))",
    "stack global": "attack(lambda: pickle.loads(STACK))",
    "python's own": "attack(lambda: pickle._loads(DATA))",
    "C twin": "import _pickle\nattack(lambda: _pickle.loads(DATA))",
    "subclass that finds by itself": """
        import io
        class U(pickle.Unpickler):
            def find_class(self, module, name): return exec
        attack(lambda: U(io.BytesIO(DATA)).load())
        """,
    "extension registry": """
        import copyreg
        copyreg.add_extension("builtins", "exec", 7)
        data = b"\\x80\\x02\\x82\\x07X" + len(BYTES).to_bytes(4, "little") + BYTES + b"\\x85R."
        attack(lambda: pickle.loads(data))
        """,
    "extension cache": """
        import copyreg
        copyreg._inverted_registry[7] = ("builtins", "exec")
        copyreg._extension_cache[7] = exec
        data = b"\\x80\\x02\\x82\\x07X" + len(BYTES).to_bytes(4, "little") + BYTES + b"\\x85R."
        attack(lambda: pickle.loads(data))
        """,
    "multiprocessing": "import multiprocessing.reduction as r\nattack(lambda: r.ForkingPickler.loads(DATA))",
    "shelve": """
        import shelve
        store = {b"x": DATA}
        attack(lambda: shelve.Shelf(store)["x"])
        """,
    "instance": """
        data = b"(ibuiltins\\nexec\\n."
        data = b"(X" + len(BYTES).to_bytes(4, "little") + BYTES + b"ibuiltins\\nexec\\n."
        attack(lambda: pickle.loads(data))
        """,
    "reduce": """
        class R:
            def __reduce__(self): return exec, (SOURCE,)
        attack(lambda: pickle.loads(pickle.dumps(R())))
        """,
    "copy": """
        import copy
        class R:
            def __reduce_ex__(self, protocol): return exec, (SOURCE,)
        attack(lambda: copy.copy(R()))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_pickles_do_not_execute(isolated: Any, name: str) -> None:
    import textwrap

    both(isolated, SETUP + textwrap.dedent(ATTACKS[name]))


def test_pickles_of_plain_data_load(isolated: Any) -> None:
    attempt(
        isolated, "import pickle\nassert pickle.loads(pickle.dumps([1, {'a': (2.5, b'x')}])) == [1, {'a': (2.5, b'x')}]"
    )
