"""Guarding whatever can be called, in its own kind: a decorated generator function stays one.

A coroutine is guarded from its first step to its end, suspensions included. A
generator is guarded only while it runs, so that an abandoned one guards nothing for ever.
So is what comes back from a call that does not say what it is: a function of another
decorator's, a ``functools.cache``.
"""

from __future__ import annotations

import functools
import inspect
import types
from types import AsyncGeneratorType, CoroutineType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from contextlib import AbstractContextManager


def guarded(blocker: AbstractContextManager[Any], function: Any) -> Any:
    """``function`` under ``blocker`` whenever it runs. TypeError for what cannot be called."""
    if isinstance(function, type):
        return guarded_class(blocker, function)
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(guarded(blocker, function.__func__))
    if not callable(function):
        raise TypeError(f"cannot guard {function!r}: it is not callable")
    if inspect.isasyncgenfunction(function):
        return async_generator(blocker, function)
    if inspect.iscoroutinefunction(function):
        return coroutine(blocker, function)
    if inspect.isgeneratorfunction(function):
        return awaited(generator(blocker, function), flags_of(function))
    return plain(blocker, function)


def guarded_class(blocker: AbstractContextManager[Any], cls: type) -> type:
    """The class itself, each of its own methods and properties guarded, and the classes written in it."""
    for name, value in list(vars(cls).items()):
        if inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod, CACHE)):
            setattr(cls, name, guarded(blocker, value))
        elif type(value) is property:
            accessors = [part and guarded(blocker, part) for part in (value.fget, value.fset, value.fdel)]
            setattr(cls, name, property(accessors[0], accessors[1], accessors[2], value.__doc__))
        elif isinstance(value, (functools.cached_property, functools.partialmethod)):
            value.func = guarded(blocker, value.func)
        elif isinstance(value, functools.singledispatchmethod):
            for kind, method in value.dispatcher.registry.items():
                value.register(kind, guarded(blocker, method))
        elif isinstance(value, type) and value.__qualname__ == f"{cls.__qualname__}.{name}":
            guarded_class(blocker, value)
    return cls


CACHE = type(functools.lru_cache(len))
# What a cache has beside its function.
CACHE_PARTS = ("cache_info", "cache_clear", "cache_parameters")


def plain(blocker: AbstractContextManager[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with blocker:
            result = function(*args, **kwargs)
        if type(result) is GeneratorType:
            return awaited(generator(blocker, lambda: result), result.gi_code.co_flags)()
        if type(result) in STEPS:
            return STEPS[type(result)](blocker, lambda: result)()
        return result

    for name in CACHE_PARTS if isinstance(function, CACHE) else ():
        setattr(run, name, getattr(function, name))
    return run


def coroutine(
    blocker: AbstractContextManager[Any], function: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        with blocker:
            return await function(*args, **kwargs)

    return run


def generator(
    blocker: AbstractContextManager[Any], function: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = function(*args, **kwargs)
        step: Callable[..., Any] = inner.send
        given: Any = None
        while True:
            try:
                with blocker:
                    item = step(given)
            except StopIteration as end:
                return end.value
            try:
                given = yield item
                step = inner.send
            except BaseException as error:  # noqa: BLE001  # whatever was thrown in goes on to the inner one, an end too
                step, given = inner.throw, error

    return run


def async_generator(
    blocker: AbstractContextManager[Any], function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        step: Callable[..., Any] = inner.asend
        given: Any = None
        while True:
            try:
                with blocker:
                    item = await step(given)
            except StopAsyncIteration:
                return
            try:
                given = yield item
                step = inner.asend
            except BaseException as error:  # noqa: BLE001  # as above
                step, given = inner.athrow, error

    return run


STEPS: dict[Any, Any] = {CoroutineType: coroutine, AsyncGeneratorType: async_generator}


def awaited(made: Callable[..., Any], flags: int) -> Callable[..., Any]:
    """A generator function that may be awaited, if the one that it stands for may. flags: of that one's code."""
    return types.coroutine(made) if flags & inspect.CO_ITERABLE_COROUTINE else made


def flags_of(function: Any) -> int:
    """The flags of a function's code, as ``inspect`` finds it."""
    while isinstance(function, (functools.partial, MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    flags: int = function.__code__.co_flags
    return flags
