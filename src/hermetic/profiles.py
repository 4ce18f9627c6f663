"""Named bundles of settings, and the request in the command line's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hermetic.settings import SETTINGS
from hermetic.values import PROFILES as _BUNDLES
from hermetic.values import defaults, joined, profile

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROFILES", "GuardConfig", "apply_profile"]

_FIELD_OF = {setting.key: setting.option_name for setting in SETTINGS}


@dataclass
class GuardConfig:
    """What a command line asks for: one field per option, ``False``, ``None`` or empty when not given."""

    no_network: bool = False
    allow_localhost: bool = False
    allow_domains: list[str] = field(default_factory=list)
    allow_hosts: list[str] = field(default_factory=list)
    deny_hosts: list[str] = field(default_factory=list)
    deny_private_network: bool = False
    allow_unix_sockets: list[str] = field(default_factory=list)
    no_subprocess: bool = False
    allow_run: list[str] = field(default_factory=list)
    fs_readonly: bool = False
    fs_root: str | None = None
    allow_read: list[str] = field(default_factory=list)
    allow_write: list[str] = field(default_factory=list)
    private_tmp: bool = False
    deny_read: list[str] = field(default_factory=list)
    deny_write: list[str] = field(default_factory=list)
    no_environment: bool = False
    environment_unset: bool = False
    allow_env: list[str] = field(default_factory=list)
    no_code_exec: bool = False
    deny_imports: list[str] = field(default_factory=list)
    block_native: bool = False
    allow_native: list[str] = field(default_factory=list)
    no_interpreter_mutation: bool = False
    trace: bool = False
    report_only: bool = False
    sealed: bool = False
    strict: bool = False
    keep_fds: list[int] = field(default_factory=list)
    kernel: str | None = None

    @property
    def block_network(self) -> bool:
        """The same as ``no_network``."""
        return self.no_network

    @property
    def block_subprocess(self) -> bool:
        """The same as ``no_subprocess``."""
        return self.no_subprocess

    @property
    def block_environment(self) -> bool:
        """The same as ``no_environment``."""
        return self.no_environment

    @property
    def block_code_exec(self) -> bool:
        """The same as ``no_code_exec``."""
        return self.no_code_exec

    @property
    def block_interpreter_mutation(self) -> bool:
        """The same as ``no_interpreter_mutation``."""
        return self.no_interpreter_mutation


def from_values(values: Mapping[str, Any]) -> GuardConfig:
    """A GuardConfig of settings' values by their keys."""
    config = GuardConfig()
    for key, value in values.items():
        setattr(config, _FIELD_OF[key], list(value) if isinstance(value, tuple) else value)
    return config


def to_values(config: GuardConfig) -> dict[str, Any]:
    """Settings' values by their keys."""
    found = {key: getattr(config, name) for key, name in _FIELD_OF.items()}
    return {key: tuple(value) if isinstance(value, (list, set)) else value for key, value in found.items()}


PROFILES: dict[str, GuardConfig] = {name: from_values({**defaults(), **bundle}) for name, bundle in _BUNDLES.items()}


def apply_profile(base: GuardConfig, name: str) -> GuardConfig:
    """``base`` joined with a named profile: a new object; neither argument changes. ValueError for an unknown name."""
    known = PROFILES.get(name)
    bundle = to_values(known) if known is not None else profile(name)
    return from_values(joined(to_values(base), bundle))
