"""What may be written and not be read, moved to where it can be read: as a module, and below a folder that takes the place
of one above what is readable.
"""

from __future__ import annotations

import pytest

HEAD = """
import os
def attempt(name, act):
    try:
        print(name, act())
    except Exception as error:
        print(name, getattr(error, "remedy", type(error).__name__))
def file():
    os.rename("data/secret.txt", "data/app/secret.py")
    return open("data/app/secret.py").read()
def second_name():
    os.link("data/secret.txt", "data/app/secret.py")
    return open("data/app/secret.py").read()
def folder():
    os.rename("data/hidden", "data/app/hidden")
    return open("data/app/hidden/secret.py").read()
def above():
    os.rename("data/hidden/secret.py", "data/hidden/pub/secret.py")
    os.rename("data/shelf", "data/old")
    os.rename("data/hidden", "data/shelf")
    return open("data/shelf/pub/secret.py").read()
"""
WAYS = ("file", "second_name", "folder", "above")


@pytest.mark.parametrize("seal", ["", "--seal "], ids=["", "sealed"])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_more_is_read(isolated, way, seal):
    start(isolated)
    isolated.write("data/app/program.py", f"{HEAD}attempt('{way}', {way})\n")
    options = f"--kernel=off {seal}--fs-readonly=root --allow-read data/shelf/pub --allow-write data"
    done = isolated.cli(*options.split(), "--", "data/app/program.py")
    assert done.stdout.startswith(f"{way} --allow-read {isolated.folder.resolve()}/data/"), done


def start(isolated):
    for name in ("root", "data/app", "data/hidden/pub", "data/shelf/pub"):
        (isolated.folder / name).mkdir(parents=True)
    for name in ("data/secret.txt", "data/hidden/secret.py"):
        (isolated.folder / name).write_text("secret")


def test_what_shows_nothing_more_is_moved(isolated):
    start(isolated)
    code = """
import os
open("data/app/new", "w").close()
os.rename("data/app/new", "data/app/old")
os.rename("data/secret.txt", "data/app/secret.txt")
os.rename("data/app/program.py", "data/app/renamed.py")
os.rename("data/hidden", "data/other")
os.rename("data/shelf/pub", "data/shelf/moved")
os.rename("data/app/old", "data/shelf/file")
"""
    isolated.write("data/app/program.py", code)
    options = "--kernel=off --fs-readonly=root --allow-read data/shelf/pub --allow-write data"
    done = isolated.cli(*options.split(), "--", "data/app/program.py")
    assert done.code == 0, done
