"""Deno's #33894, the other way round: a denied folder is no way to what lies elsewhere, whichever call goes it.

Every door gets the same answer of a path: denied where it leads to what is denied, and where a link on the
way lies there; given back where it leads to what is given back, wherever its links lie.
"""

from __future__ import annotations

import pytest
from path_attempts import PLACES, tried

WRITING = (
    "open('{0}', 'w')",
    "open('{0}', 'r+')",
    "open(b'{0}', 'ab')",
    "open(Path('{0}'), 'w')",
    "Path('{0}').write_text('x') and None",
    "__import__('io').FileIO('{0}', 'w')",
    "os.close(os.open('{0}', os.O_WRONLY | os.O_CREAT))",
    "os.close(os.open('{0}', os.O_WRONLY | os.O_CREAT, dir_fd=os.open('.', os.O_RDONLY)))",
    "os.chmod('{0}', 0o600)",
    "os.chmod(path='{0}', mode=0o600)",
    "os.chmod(Path('{0}'), 0o600)",
    "os.chmod('{0}', 0o600, dir_fd=os.open('.', os.O_RDONLY))",
    "os.utime('{0}')",
    "os.utime('{0}', (1, 2), follow_symlinks=True)",
    "os.chown('{0}', -1, -1)",
    "os.truncate('{0}', 0)",
    "__import__('shutil').copyfile('source', '{0}') and None",
    "__import__('shutil').copymode('source', '{0}')",
    "__import__('shutil').copystat('source', '{0}')",
    "__import__('shutil').copy('source', '{0}') and None",
    "__import__('sqlite3').connect('{0}')",
    "__import__('sqlite3').connect('file:{0}', uri=True)",
    "__import__('sqlite3').connect(':memory:').execute(\"attach '{0}' as other\") and None",
)
READING = (
    "open('{0}')",
    "open('{0}', 'r+')",
    "open(b'{0}', 'rb')",
    "open(Path('{0}'))",
    "Path('{0}').read_text() and None",
    "__import__('io').FileIO('{0}')",
    "__import__('io').open_code(os.path.abspath('{0}'))",
    "os.close(os.open('{0}', os.O_RDONLY))",
    "os.close(os.open('{0}', os.O_RDWR))",
    "os.close(os.open('{0}', os.O_RDONLY, dir_fd=os.open('.', os.O_RDONLY)))",
    "os.listdir(os.path.dirname('{0}') + '/.') and None",
    "__import__('shutil').copyfile('{0}', 'copy') and None",
    "__import__('sqlite3').connect('file:{0}?mode=ro', uri=True)",
    "__import__('ssl').create_default_context(cafile='{0}')",
)
# What only looks at, or makes, a name in the folder that a path's links lead to.
ENTRIES = (
    "os.mkdir('{0}.made')",
    "os.mkfifo('{0}.fifo')",
    "os.symlink('x', '{0}.link')",
    "os.rename('source', '{0}.moved') or os.rename('{0}.moved', 'source')",
    "os.link('source', '{0}.linked')",
    "__import__('tempfile').mkdtemp(dir=os.path.dirname('{0}')) and None",
    "os.utime('{0}', follow_symlinks=False)",
    "os.remove('{0}')",
)
# (path, whether it goes by way of shut/)
PATHS = (
    ("shut/file", True),
    ("shut/to_file", True),
    ("shut/to_folder/file", True),
    ("shut/to_folder/../sub/file", True),
    ("shut/to_link", True),
    ("also_shut/to_file", True),
    ("also_shut/to_folder/file", True),
    ("out/to_shut", True),
    ("out/to_link", True),
    ("out/file", False),
    ("out/to_sub/file", False),
    ("out/../shut/../out/file", False),
)


def tree(folder):
    for name in ("shut", "out/sub", "given"):
        (folder / name).mkdir(parents=True)
    for name in ("shut/file", "out/file", "out/sub/file", "given/file", "source"):
        (folder / name).write_bytes(b"")
    for name, target in (
        ("shut/to_file", "../out/file"),
        ("shut/to_folder", "../out/sub"),
        ("shut/to_link", "../out/to_sub/file"),
        ("also_shut", "shut"),
        ("out/to_sub", "sub"),
        ("out/to_shut", "../shut/file"),
        ("out/to_link", "../shut/to_file"),
        ("out/to_given", "../given/file"),
        ("out/given", "../given"),
        ("given/to_file", "../out/file"),
    ):
        (folder / name).symlink_to(target)


def answers(isolated, place, acts, options, lists):
    """{act: how it ended}."""
    return dict(zip(acts, tried(isolated, place, acts, options, lists), strict=True))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("option", ["deny-write", "deny-read"])
def test_a_denied_folder_is_no_way_for_any_call(isolated, place, option):
    tree(isolated.folder)
    doors = WRITING if option == "deny-write" else READING
    expected = {
        act.format(path): option if denied else "done" for path, denied in PATHS for act in doors if usable(act, path)
    }
    lists = {option.replace("-", "_"): ["shut"]}
    found = answers(isolated, place, list(expected), [f"--{option}=shut"], lists)
    found = {act: "done" if ending in ORDINARY else ending for act, ending in found.items()}
    assert found == expected


# How what was allowed ends of itself: an empty file holds no certificates.
ORDINARY = {"NO_CERTIFICATE_OR_CRL_FOUND"}


def usable(act, path):
    # What is listed is the folder of a file, which must be on the way that is meant.
    return "listdir" not in act or path.endswith("/file")


@pytest.mark.parametrize("place", PLACES)
def test_a_denied_folder_is_no_way_to_names_elsewhere(isolated, place):
    tree(isolated.folder)
    paths = (("shut/to_folder/file", True), ("also_shut/to_folder/file", True), ("out/sub/file", False))
    expected = {act.format(path): "deny-write" if denied else "done" for path, denied in paths for act in ENTRIES}
    found = answers(isolated, place, list(expected), ["--deny-write=shut"], {"deny_write": ["shut"]})
    assert found == expected


@pytest.mark.parametrize("place", PLACES)
def test_what_is_given_back_is_given_back_whatever_it_is_called(isolated, place):
    tree(isolated.folder)
    paths = (("given/file", True), ("out/to_given", True), ("out/given/file", True), ("given/to_file", False))
    expected = {act.format(path): "done" if given else "fs-readonly" for path, given in paths for act in WRITING}
    options = ["--fs-readonly", "--allow-write=given"]
    found = answers(isolated, place, list(expected), options, {"fs_readonly": True, "allow_write": ["given"]})
    assert found == expected


def test_what_is_asked_is_answered_as_it_is_done(isolated):
    tree(isolated.folder)
    paths = [path for path, _ in PATHS]
    done = isolated.passes(f"""
        import hermetic
        with hermetic.hermetic_blocker(deny_write=["shut"], deny_read=["shut"]):
            print([hermetic.allowed(verb, path) for path in {paths!r} for verb in ("read", "write")])
    """)
    assert done.stdout.strip() == str([not denied for _, denied in PATHS for _ in range(2)])
