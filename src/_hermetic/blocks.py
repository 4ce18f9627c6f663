"""Putting policies in force for a block: they live in the session, and are lifted when the block is left."""

from __future__ import annotations

import sys

from . import events
from .capabilities import load_module
from .compiled import Compiled, new_probe, probe_entry
from .enforce import audit, forkservers, patches, session
from .enforce.journal import Journal
from .enforce.session import WITHIN
from .start import REPLACED, loader_changes, stand_ins

TYPE_CHECKING = False  # typing costs more to import than the whole core
if TYPE_CHECKING:
    from typing import Any

_hooked: list[bool] = []
# Memo of ``lacking``.
_lacking: dict[tuple[frozenset[tuple[str, str]], ...], frozenset[tuple[str, str]]] = {}
# What undoes the engagement of each block that has any.
_engaged: list[tuple[object, list[Any]]] = []
# Installations by the (guard, name) pairs they replace, kept for the next block.
_installed: list[tuple[frozenset[tuple[str, str]], Journal]] = []
# What each of these has among patches.STANDING, which is taken off it when another takes its place.
_standing: dict[object, tuple[Any, ...]] = {}
# Who wants what is replaced to stay replaced, inert, while nothing is in force: see ``keep_installed``.
_keepers: list[object] = []


def enter_block(token: object, compiled: Compiled) -> None:
    """Put a compiled policy in force until ``leave_block``."""
    with session.lock:
        depth = len(WITHIN)
        try:
            WITHIN.append(token)
            if not _hooked:
                add_hook()
            put_in_force(token, compiled, depth > 0)
        except BaseException:
            take_out(token, depth > 0)
            raise
        finally:
            del WITHIN[depth:]  # which an interrupt may have come before


def leave_block(token: object) -> None:
    """End what ``enter_block`` began under this token; the last one out restores everything."""
    with session.lock:
        depth = len(WITHIN)
        try:
            WITHIN.append(token)
            take_out(token, depth > 0)
        finally:
            del WITHIN[depth:]
        if not depth and _installed and not session.entered and not _keepers:
            leave_block(token)  # the last one was left amid of this, and restored nothing


def add_hook() -> None:
    """Once for all blocks."""
    probe = new_probe()
    session.add(probe, {probe: (probe_entry(probe),)})
    try:
        audit.add_hook(audit.session_hook, probe)
    finally:
        session.remove(probe)
    _hooked.append(True)


def put_in_force(token: object, compiled: Compiled, is_amid: bool) -> None:
    """is_amid: see ``session.WITHIN``."""
    tracing, report_only, _, watcher = compiled.modes
    if tracing or (report_only and watcher is None):
        events.open_trace()
    before = session.entered
    # Stand-ins do nothing without a policy, and a policy would judge that the class of what it guards is set.
    if is_amid:
        session.JOURNALS[token] = fresh_journal(compiled, compiled.patched, token)
    else:
        install_for(compiled)
    session.add(token, compiled.table, compiled.carried, watcher)
    if forkservers.MODULE in sys.modules:
        forkservers.change(held_in(before), held_in(session.entered))
    undo = compiled.engage()
    if undo:
        _engaged.append((token, undo))


def take_out(token: object, is_amid: bool) -> None:
    """is_amid: see ``session.WITHIN``."""
    for pair in [pair for pair in _engaged if pair[0] is token]:
        _engaged.remove(pair)
        for step in reversed(pair[1]):
            step()
    before = session.entered
    session.remove(token)
    if forkservers.MODULE in sys.modules:
        forkservers.change(held_in(before), held_in(session.entered))
    own = session.JOURNALS.pop(token, None)
    if own is not None:
        own.undo()
        stand_no_more(token)
    if not is_amid and not session.entered:
        uninstall()


def held_in(entered: tuple[Any, ...]) -> tuple[bytes, ...]:
    """The policies that children are given, each once."""
    return tuple(dict.fromkeys([entry[2][0] for entry in entered if entry[2][0]]))


def keep_installed(token: object) -> None:
    """Until ``release_installed``, leave stand-ins where they are when the last block is left: without a policy they
    do what the original does. For whoever enters and leaves a policy many times."""
    with session.lock:
        _keepers.append(token)


def release_installed(token: object) -> None:
    """End what ``keep_installed`` began under this token; restores everything if nothing is in force."""
    with session.lock:
        _keepers[:] = [known for known in _keepers if known is not token]
        if not session.entered:
            uninstall()


def uninstall() -> None:
    """Restore every attribute and module that blocks have replaced, unless somebody keeps them."""
    while _installed and not _keepers:
        _installed.pop()[1].undo()


def lacking(patched: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """What of this is not replaced already."""
    key = (patched, REPLACED[0], *[names for names, _ in _installed])
    known = _lacking.get(key)
    if known is None:
        if len(_lacking) > 64:
            _lacking.clear()
        known = _lacking[key] = patched.difference(*key[1:])
    return known


def install_for(compiled: Compiled) -> None:
    """Patch what this policy needs and no earlier block has patched."""
    wanted = lacking(compiled.patched)
    if not wanted:
        return
    journal = session.JOURNALS.get(wanted)
    if journal is None or not journal.redo():
        journal = session.JOURNALS[wanted] = fresh_journal(compiled, wanted, wanted)
    _installed.append((wanted, journal))
    for refresh in journal.refresh:
        refresh()


def stand_no_more(key: object) -> None:
    """Whose stand-ins these were, has others, or none."""
    before = _standing.pop(key, None)
    patches.STANDING[:] = [made for made in patches.STANDING if made is not before]


def fresh_journal(compiled: Compiled, wanted: frozenset[tuple[str, str]], key: object) -> Journal:
    """Patch these names now, and note every change. key: whose they are."""
    memo: dict[Any, Any] = {}
    settings = compiled.settings(wanted, session.session_judge, session.session_after, memo, False, {})
    stand_no_more(key)
    changes, pending, apply = stand_ins(settings, memo, True)
    if pending:
        _standing[key] = patches.STANDING[-1]
    loaders = loader_changes(apply, memo, None) if pending else []
    for change in (*changes, *loaders):
        patches.put(*change)
    changes.extend(loaders)
    patches.install_now(pending, apply, {})
    if "children" in compiled.families:
        load_module("children").STARTING[:] = session.starting_codes()
    refresh = [compiled.families[guard].refresh for guard in {guard for guard, _ in wanted}]
    return Journal(changes, tuple([one for one in refresh if one is not None]))
