"""Taking capabilities away for a while: a context manager, and a decorator for anything that is called.

Blocks nest by conjunction: an act must be allowed by every block that is active,
so an inner block can only narrow. Guards are process-wide, other threads included.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from os import fspath
from typing import TYPE_CHECKING, Any

from _hermetic.blocks import enter_block, leave_block
from _hermetic.compiled import Compiled
from _hermetic.start import start_policies
from hermetic.keywords import ALIASES, NAMES, checked, checked_all, telling
from hermetic.request import policy_from
from hermetic.settings import SETTINGS
from hermetic.values import check, defaults, joined, naming_setting, nearest, profile

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from types import TracebackType
    from typing import ParamSpec

    from _hermetic.policy import Policy
    from hermetic.private_tmp import PrivateFolder

    P = ParamSpec("P")

__all__ = ["BlockConfig", "hermetic_blocker", "with_hermetic"]

# How users of the API spell a setting.
_SPELLED = {setting.key: setting.key for setting in SETTINGS}


@dataclass
class BlockConfig:
    """What a block takes away and gives back; the fields are the keywords of ``hermetic_blocker``.

    Lists hold strings: ``allow_domains=["example.com"]``, ``deny_imports=["ctypes"]``.
    ``fs_root`` is a directory that exists. Change it freely: a block copies it when it is entered.
    """

    block_network: bool = False
    block_subprocess: bool = False
    fs_readonly: bool = False
    fs_root: str | None = None
    block_environment: bool = False
    block_code_exec: bool = False
    block_interpreter_mutation: bool = False
    block_native: bool = False
    allow_localhost: bool = False
    allow_domains: Iterable[str] = field(default_factory=list)
    deny_imports: Iterable[str] = field(default_factory=list)
    allow_hosts: Iterable[str] = field(default_factory=list)
    deny_hosts: Iterable[str] = field(default_factory=list)
    deny_private_network: bool = False
    allow_unix_sockets: Iterable[str] = field(default_factory=list)
    allow_read: Iterable[str] = field(default_factory=list)
    allow_write: Iterable[str] = field(default_factory=list)
    private_tmp: bool = False
    deny_read: Iterable[str] = field(default_factory=list)
    deny_write: Iterable[str] = field(default_factory=list)
    environment_unset: bool = False
    allow_run: Iterable[str] = field(default_factory=list)
    allow_env: Iterable[str] = field(default_factory=list)
    allow_native: Iterable[str] = field(default_factory=list)
    trace: bool = False
    report_only: bool = False
    sealed: bool = False

    @classmethod
    def from_kwargs(cls, **keywords: Any) -> BlockConfig:
        """A config from keywords; the command line's ``no_*`` spellings count too. TypeError for an unknown one."""
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {}
        for keyword, value in keywords.items():
            name = ALIASES.get(keyword, keyword)
            if name not in known:
                raise TypeError(f"unknown setting {keyword!r}{nearest(keyword, known)}")
            if name in values:
                raise TypeError(f"{keyword!r} and another spelling of {name!r} were both given")
            values[name] = value
        return cls(**values)

    @classmethod
    def from_policy(cls, policy: str | os.PathLike[str], profile: str | None = None) -> BlockConfig:
        """What a policy file says, with one of its profiles or a built-in one; paths are absolute.

        ValueError with the file and the line for what cannot mean anything; TypeError for a value of the wrong type.
        """
        values = _read_policy(defaults(), policy, profile).values
        config = cls()
        for name in NAMES:
            setattr(config, name, list(value) if isinstance(value := values[name], tuple) else value)
        return config

    def merged_with(self, other: BlockConfig) -> BlockConfig:
        """A new config that allows only what both allow. ValueError for roots of which neither contains the other."""
        mine, theirs = values_of(self), values_of(other)
        from hermetic.narrowing import narrowed

        return BlockConfig(**{s.name: narrowed(s.name, mine, theirs) for s in SETTINGS if s.name})

    def __or__(self, other: object) -> BlockConfig:
        """The same as ``merged_with``."""
        return self.merged_with(other) if isinstance(other, BlockConfig) else NotImplemented


BlockConfig.__init__ = telling(BlockConfig.__init__)  # type: ignore[method-assign]  # which dataclass has written


def values_of(config: BlockConfig) -> dict[str, Any]:
    """The settings' values of a config, checked for their kinds. TypeError, ValueError."""
    values = defaults()
    for setting in SETTINGS:
        if setting.name:
            values[setting.key] = checked(setting.name, getattr(config, setting.name))
    return values


# Settings whose rules remember something of a run, or are resolved anew at each start.
_MOMENTARY = ("allow_localhost", "allow_domains", *(s.name for s in SETTINGS if s.name and s.holds_paths))
# Policies compiled without these: entering one again costs a look-up.
_compiled: dict[tuple[Any, ...], Compiled] = {}
_CACHED = 64


class _Written:
    """Where a block's values were written: rows for its policy, and the policy files."""

    __slots__ = ("files", "origins", "values")

    def __init__(self, values: dict[str, Any], origins: tuple[Any, ...], files: tuple[str, ...]) -> None:
        self.values = values
        self.origins = origins
        self.files = files


def _read_policy(values: dict[str, Any], policy: Any, named: str | None) -> _Written:
    """These values joined with a policy file and a profile. ValueError, TypeError."""
    from hermetic.policies.choice import chosen_by_keyword

    path = fspath(policy)
    if not isinstance(path, str):
        raise TypeError(f"policy is the name of a file, not {policy!r}")
    return _Written(*chosen_by_keyword(values, path, named))


def _lasts(values: dict[str, Any]) -> bool:
    """Whether what these values are compiled to may be entered again and again."""
    return not any(values[name] for name in _MOMENTARY)


def _policy(values: dict[str, Any], *more: Any) -> Policy:
    """As ``policy_from``. ValueError that begins with the keyword whose item cannot mean anything."""
    try:
        return policy_from(values, *more)
    except ValueError as error:
        raise ValueError(naming_setting(error, values)) from None


def _compile(values: dict[str, Any], written: _Written | None = None, folder: PrivateFolder | None = None) -> Compiled:
    """A policy ready to be entered. ValueError for values that cannot mean anything."""
    origins, files = ((), ()) if written is None else (written.origins, written.files)
    if folder is not None:
        check(values, _SPELLED)
        return Compiled(_policy(values, origins, files, folder.path))
    key = (*values.items(), origins, files) if files else tuple(values.items())
    known = _compiled.get(key)
    if known is None:
        check(values, _SPELLED)
        known = Compiled(_policy(values, origins, files))
        if _lasts(values):
            if len(_compiled) >= _CACHED:
                _compiled.clear()
            _compiled[key] = known
    return known


class hermetic_blocker:  # noqa: N801  # reads as a function: with hermetic_blocker(...)
    """Take capabilities away from everything that runs while a block is active.

    Use it as ``with``, ``async with`` or decorator (of functions, coroutine
    functions, generators, async generators and classes). Takes keywords, a
    ``BlockConfig``, or the name of a profile; ``policy`` names a policy file, and then
    profiles may be that file's own. Raises ValueError or TypeError for
    what cannot mean anything, at the call, or on entering where a ``BlockConfig`` was
    changed since; BootstrapError on entering, where a seal cannot be put on;
    PolicyViolation comes from inside the block.
    """

    __slots__ = ("_config", "_ready", "_tokens", "_values", "_written")

    @telling
    def __init__(
        self,
        _config: BlockConfig | str | None = None,
        *,
        block_network: bool = False,
        block_subprocess: bool = False,
        fs_readonly: bool = False,
        fs_root: str | None = None,
        block_environment: bool = False,
        block_code_exec: bool = False,
        block_interpreter_mutation: bool = False,
        block_native: bool = False,
        allow_localhost: bool = False,
        allow_domains: Iterable[str] = (),
        deny_imports: Iterable[str] = (),
        allow_hosts: Iterable[str] = (),
        deny_hosts: Iterable[str] = (),
        deny_private_network: bool = False,
        allow_unix_sockets: Iterable[str] = (),
        allow_read: Iterable[str] = (),
        allow_write: Iterable[str] = (),
        private_tmp: bool = False,
        deny_read: Iterable[str] = (),
        deny_write: Iterable[str] = (),
        environment_unset: bool = False,
        allow_run: Iterable[str] = (),
        allow_env: Iterable[str] = (),
        allow_native: Iterable[str] = (),
        trace: bool = False,
        report_only: bool = False,
        sealed: bool = False,
        profile: str | None = None,
        policy: str | os.PathLike[str] | None = None,
    ) -> None:
        given = locals()
        self._written: _Written | None = None
        self._tokens: list[tuple[object, PrivateFolder | None]] = []
        self._config: BlockConfig | None = None
        # What the values are compiled to, from the first time on; a BlockConfig may change.
        self._ready: Compiled | None = None
        keywords = {name: given[name] for name in NAMES}
        if isinstance(_config, BlockConfig):
            if profile is not None or policy is not None or any(keywords.values()):
                raise ValueError("give a BlockConfig or keywords, not both: config.merged_with(BlockConfig(...))")
            self._config = _config
            self._values = values_of(_config)
            check(self._values, _SPELLED)
            return
        named = _profile_named(_config, profile)
        if policy is None:
            self._values = _values(keywords, named)
        else:
            self._written = _read_policy(checked_all(keywords), policy, named)
            self._values = self._written.values

    def __getstate__(self) -> dict[str, Any]:
        """A copy stands for the same settings; it is entered nowhere."""
        settings = {"_written": self._written, "_config": self._config, "_values": self._values}
        return {**getattr(self, "__dict__", {}), **settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "_tokens": [], "_ready": None}.items():
            setattr(self, name, value)

    @property
    def values(self) -> dict[str, Any]:
        """The settings' values that this block stands for, checked."""
        return dict(self._values if self._config is None else values_of(self._config))

    def __enter__(self) -> hermetic_blocker:
        if self._ready is not None:
            token = object()
            enter_block(token, self._ready)
            self._tokens.append((token, None))
            return self
        values = self._values if self._config is None else values_of(self._config)
        folder = None
        if values["private_tmp"]:
            from hermetic.private_tmp import folder_of

            folder = folder_of(self)
        token = object()
        try:
            if values["sealed"]:
                _seal(values, self._written, folder)
            else:
                compiled = _compile(values, self._written, folder)
                enter_block(token, compiled)
                if folder is None and self._config is None and _lasts(values):
                    self._ready = compiled
        except BaseException:
            if folder is not None:
                folder.end()
            raise
        self._tokens.append((token, folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Every token of this object stands for the same policy, so any of them may go.
        try:
            token, folder = self._tokens.pop()
        except IndexError:
            raise RuntimeError("this block is not active: it was never entered, or left already") from None
        leave_block(token)
        if folder is not None and not folder.stays:
            folder.end()

    async def __aenter__(self) -> hermetic_blocker:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Any) -> Any:
        """The function, coroutine function, generator function or class, guarded whenever it runs."""
        from hermetic.decorate import guarded

        return guarded(self, function)


with_hermetic = hermetic_blocker


def _profile_named(first: Any, profile: str | None) -> str | None:
    """The profile that the first argument names, or the keyword. ValueError for both, TypeError for something else."""
    if first is None:
        return profile
    if isinstance(first, str):
        if profile is not None:
            raise ValueError("name one profile: as the first argument or as profile=")
        return first
    if callable(first):
        raise TypeError("write @with_hermetic(...) with parentheses, and say what to block")
    raise TypeError(f"expected a BlockConfig or the name of a profile, not {first!r}")


def _values(keywords: dict[str, Any], named: str | None) -> dict[str, Any]:
    """Checked settings of one call."""
    values = checked_all(keywords)
    if named is not None:
        values = joined(values, profile(named))
    if tuple(values.items()) not in _compiled:
        check(values, _SPELLED)
        _policy(values)  # to refuse at the call what would else be refused on entering
    return values


_sealed: list[tuple[dict[str, Any], Policy]] = []


def _seal(values: dict[str, Any], written: _Written | None, folder: PrivateFolder | None) -> None:
    """Put a policy in force until the process ends; once for equal requests that mean the same."""
    check(values, _SPELLED)
    origins, files = ((), ()) if written is None else (written.origins, written.files)
    # Apart from the private folder, which each request has anew. Paths are found from here: a seal of the root "."
    # in another folder is another one.
    meant = _policy(values, origins, files)
    if (values, meant) in _sealed:
        return
    start_policies((meant if folder is None else _policy(values, origins, files, folder.path),))
    _sealed.append((dict(values), meant))
    if folder is not None:
        folder.keep()
