"""Stand-ins for the calls that may change a link itself: their events do not say whether it is followed.

Where it is not, the readers of these events know the frame of a stand-in, and judge the link alone. Only what is plain
passes through that frame: an argument of a class of the program's could call something else from inside it.
"""

from __future__ import annotations

from ...capabilities.filesystem import filecalls
from ...capabilities.filesystem.descriptors import fixed_path
from ...pristine import IS_WINDOWS
from ..bind import bind
from . import as_builtin

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

    from ..patches import Setting

# Stand-ins for what bind() puts in place of these names.
ORIGINAL: Any = None
TOLD: Any = None
FOLLOWED: Any = None
DO: Any = None
FOLLOWS = True
HERE = None

FOLLOW, PATH = "follow_symlinks", "path"
PATHS = frozenset({str, bytes})
PLAIN = frozenset({str, bytes, int, bool, float, type(None)})


def when_told(setting: Setting, original: Any) -> Any:
    """For calls that follow a link unless ``follow_symlinks`` says otherwise."""
    return made_for(setting, original, True)


def never(setting: Setting, original: Any) -> Any:
    """For ``os.lchown`` and its kin."""
    return made_for(setting, original, False)


def made_for(setting: Setting, original: Any, follows: bool) -> Any:
    """The stand-in, one for all names of the original."""
    if IS_WINDOWS:
        return None
    known = setting.memo.get(("links", id(original)))
    if known is None:
        linkers: list[Any] = []
        followers: list[Any] = []
        told = bind(link_told, {}, setting.memo, codes=linkers)
        followed = bind(followed_told, {}, setting.memo, codes=followers)
        setting.memo["LINKERS"] = (*setting.memo.get("LINKERS", ()), *linkers)
        setting.memo["FOLLOWERS"] = (*setting.memo.get("FOLLOWERS", ()), *followers)
        # For blocks, also inside a guarded process, where it is the inner frame that C is called from.
        filecalls.LINKERS = (*filecalls.LINKERS, *linkers)
        filecalls.FOLLOWERS = (*filecalls.FOLLOWERS, *followers)
        names = {"ORIGINAL": original, "TOLD": told, "FOLLOWED": followed, "FOLLOWS": follows}
        made = setting.bind(change_seen, DO=bind(change_entry, names, setting.memo))
        known = setting.memo["links", id(original)] = as_builtin(made, original)
    return known


def change_seen(owner: Any, *args: Any, **kwargs: Any) -> Any:
    """What the program sees."""
    return DO(args, kwargs)


def change_entry(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    options = {**kwargs}
    follows = FOLLOWS
    if FOLLOW in options:
        follows = options[FOLLOW] = bool(options[FOLLOW])
    words = args
    if args:
        words = (settled(args[0]), *args[1:])
    elif PATH in options:
        options[PATH] = settled(options[PATH])
    path = words[0] if words else options.get(PATH)
    if type(path) in PATHS and is_plain((*words, *options.values())):
        return (FOLLOWED if follows else TOLD)(ORIGINAL, words, options)
    return ORIGINAL(*words, **options)


def settled(path: Any) -> Any:
    """A path that answers the same to everybody; a descriptor as it is."""
    return path if type(path) in PLAIN else fixed_path(path)


def is_plain(values: tuple[Any, ...]) -> bool:
    """Whether C reads these without running any code of the program's."""
    for value in values:
        if type(value) is tuple:
            for part in value:
                if type(part) not in PLAIN:
                    return False
        elif type(value) not in PLAIN:
            return False
    return True


def link_told(changes: Any, words: Any, options: Any) -> Any:
    """The frame by which the readers know that no link is followed; it is seen with empty variables."""
    return changes(*(words, words := None, changes := None)[0], **(options, options := None, HERE)[0])


def followed_told(changes: Any, words: Any, options: Any) -> Any:
    """The same where every link is."""
    return changes(*(words, words := None, changes := None)[0], **(options, options := None, HERE)[0])
