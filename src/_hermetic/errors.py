"""What hermetic raises: one class per step that a caller can act on.

``str()`` of a violation is the documented first line and nothing else; rule,
place and remedy are attributes.
"""

from __future__ import annotations

EACCES = 13  # on every system; the errno module is one import less for each start


# The public home of the classes, which tracebacks name wherever they are raised: also where the face is not loaded, or
# not installed. Nothing here imports it.
HOME = "hermetic.errors"


class HermeticError(RuntimeError):
    """Anything that hermetic itself reports."""

    __module__ = HOME

    def __reduce__(self) -> tuple[object, ...]:
        return pickled(self, *self.args)


class BootstrapError(HermeticError):
    """The guards could not be started; nothing of the target has run."""

    __module__ = HOME


class PolicyViolation(HermeticError):
    """An act that the policy takes away.

    guard: the family, one of the documented seven; target: what the act was
    aimed at (a host, a path, a name), or None; reason: the option that blocked
    it, without dashes; remedy: what would allow it; place: ``(file, line,
    function)`` in the program, or None; call: the Python call that was tried;
    origin: where the rule was written (``policy.toml:3``, ``profile ci``), or
    empty for one that came with an option or a keyword.
    """

    __module__ = HOME

    def __init__(
        self,
        message: str,
        guard: str = "",
        target: str | None = None,
        reason: str = "",
        remedy: str = "",
        call: str = "",
        place: tuple[str, int, str] | None = None,
        capability: str = "",
        origin: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.guard = guard
        self.target = target
        self.reason = reason
        self.remedy = remedy
        self.call = call
        self.place = place
        self.capability = capability
        self.origin = origin

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Spelled out because OSError and ImportError each reduce to arguments of
        # their own, which would lose ours on the way through a process pool.
        return pickled(
            self,
            self.message,
            self.guard,
            self.target,
            self.reason,
            self.remedy,
            self.call,
            self.place,
            self.capability,
            self.origin,
        )


class FilesystemViolation(PolicyViolation, PermissionError):
    """Also a PermissionError: programs treat a read-only disk as an ordinary condition."""

    __module__ = HOME

    def __init__(self, message: str, guard: str = "", target: str | None = None, *details: object) -> None:
        super().__init__(message, guard, target, *details)  # type: ignore[arg-type]  # same order as above
        self.errno = EACCES
        self.strerror = message
        self.filename = target

    # OSError.__new__ would swallow two arguments into errno and strerror.
    def __new__(cls, message: str, *details: object) -> FilesystemViolation:
        return PermissionError.__new__(cls, message)


class ImportViolation(PolicyViolation, ImportError):
    """Also an ImportError: programs treat a missing module as an ordinary condition."""

    __module__ = HOME

    def __init__(self, message: str, guard: str = "", target: str | None = None, *details: object) -> None:
        super().__init__(message, guard, target, *details)  # type: ignore[arg-type]  # same order as above
        self.name = target
        self.msg = message


KINDS = (HermeticError, BootstrapError, PolicyViolation, FilesystemViolation, ImportViolation)


def pickled(error: HermeticError, *details: object) -> tuple[object, ...]:
    """What ``__reduce__`` returns for an error that is made from these.

    By a function of this module, which every guarded process has: the home that a class shows is a face, and there are
    none where the core was carried to.
    """
    notes = getattr(error, "__notes__", None)
    state = () if notes is None else ({"__notes__": notes},)
    for kind in KINDS:
        if kind is type(error):
            return (restored, (kind.__name__, *details), *state)
    return (type(error), details, *state)


def restored(name: str, *details: object) -> HermeticError:
    """An error again, from its pickle. ValueError for a class that is none of these."""
    for kind in KINDS:
        if kind.__name__ == name:
            return kind(*details)  # type: ignore[arg-type]  # as they were
    raise ValueError(f"{name} is no class of errors")


# The guards whose denials programs are used to meet; the others are neither, so
# that no `except OSError` swallows them by accident.
CLASSES = (("filesystem", FilesystemViolation), ("imports", ImportViolation))


def violation(guard: str, message: str, *details: object) -> PolicyViolation:
    """Make the violation of the class that callers of this guard expect."""
    for name, cls in CLASSES:
        if name == guard:
            return cls(message, guard, *details)  # type: ignore[arg-type]  # one order everywhere
    return PolicyViolation(message, guard, *details)  # type: ignore[arg-type]  # one order everywhere
