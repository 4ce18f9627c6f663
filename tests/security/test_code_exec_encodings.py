"""A source file is code; a codec of the program's own must not make other code of it."""

from __future__ import annotations

from typing import Any

import pytest

from security.code_exec_attack import attempt, both

CODEC = """
import codecs, importlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "")
def decode(data, errors="strict"): return SOURCE + "\\n", len(data)
class Decoder(codecs.IncrementalDecoder):
    def decode(self, data, final=False): return SOURCE + "\\n" if final else ""
class Reader(codecs.StreamReader):
    def decode(self, data, errors="strict"): return decode(data)
INFO = codecs.CodecInfo(codecs.utf_8_encode, decode, Reader, codecs.StreamWriter, codecs.IncrementalEncoder, Decoder)
"""

ATTACKS = {
    "new codec": """
        codecs.register(lambda name: INFO if name == "sly" else None)
        open("mod_sly.py", "w").write("# -*- coding: sly -*-\\n1\\n")
        attack(lambda: importlib.import_module("mod_sly"))
        """,
    "new codec, second line": """
        codecs.register(lambda name: INFO if name == "sly" else None)
        open("mod_sly.py", "w").write("#!/usr/bin/env python\\n  # vim: set fileencoding=sly :\\n1\\n")
        attack(lambda: importlib.import_module("mod_sly"))
        """,
    "known codec replaced": """
        import encodings
        encodings._cache["koi8_r"] = INFO
        open("mod_sly.py", "w").write("# coding: koi8-r\\n1\\n")
        attack(lambda: importlib.import_module("mod_sly"))
        """,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_codecs_are_not_asked(isolated: Any, name: str) -> None:
    import textwrap

    both(isolated, CODEC + textwrap.dedent(ATTACKS[name]))


def test_usual_encodings_import(isolated: Any) -> None:
    attempt(
        isolated,
        """
        import importlib
        for number, cookie in enumerate(("utf-8", "UTF-8", "utf8", "utf_8", "latin-1", "iso-8859-1", "ascii")):
            text = f"# -*- coding: {cookie} -*-\\nX = {number}\\n"
            open(f"mod_{number}.py", "wb").write(text.encode("ascii"))
            importlib.invalidate_caches()
            assert importlib.import_module(f"mod_{number}").X == number
        open("mod_bom.py", "wb").write(b"\\xef\\xbb\\xbfX = 1\\r\\n")
        importlib.invalidate_caches()
        assert importlib.import_module("mod_bom").X == 1
        """,
    )
