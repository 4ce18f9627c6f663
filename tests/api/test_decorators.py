"""Decorated functions keep their kind, and are guarded exactly while they run."""

from __future__ import annotations

import pytest
from test_blocks import HELPERS

CASES = {
    "plain function keeps name, doc and signature": """
import inspect
@with_hermetic(block_network=True)
def act(a, b=2, *, c=3):
    "doc"
    return (a, b, c, net())
assert act(1, c=4) == (1, 2, 4, True) and not net()
assert (act.__name__, act.__doc__, str(inspect.signature(act))) == ("act", "doc", "(a, b=2, *, c=3)")
assert inspect.isfunction(act)
""",
    "coroutine function is guarded from its first step to its end, suspensions included": """
import inspect
@with_hermetic(block_network=True)
async def act(event):
    assert net()
    await event.wait()
    assert net()
    return 5
assert inspect.iscoroutinefunction(act) and asyncio.iscoroutinefunction(act)
async def main():
    event = asyncio.Event()
    waiting = act(event)
    assert not net(), "nothing has run yet"
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    assert net(), "suspended, and the guards hold"
    event.set()
    assert await task == 5
    assert not net()
asyncio.run(main())
""",
    "cancelled coroutine lifts its block": """
@with_hermetic(block_network=True)
async def act():
    await asyncio.sleep(60)
async def main():
    task = asyncio.ensure_future(act())
    await asyncio.sleep(0)
    assert net()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not net()
asyncio.run(main())
""",
    "generator is guarded whenever it is resumed and not between": """
import inspect
@with_hermetic(block_network=True)
def act():
    assert net()
    got = yield 1
    assert net() and got == "sent"
    try:
        yield 2
    except KeyError:
        assert net()
        yield 3
    return 4
assert inspect.isgeneratorfunction(act)
g = act()
assert not net()
assert next(g) == 1 and not net()
assert g.send("sent") == 2 and not net()
assert g.throw(KeyError()) == 3 and not net()
try:
    next(g)
except StopIteration as end:
    assert end.value == 4
assert not net()
""",
    "abandoned generator guards nothing for ever": """
import gc
closed = []
@with_hermetic(block_network=True)
def act():
    try:
        yield 1
    finally:
        closed.append(net())
g = act()
next(g)
assert not net()
del g; gc.collect()
assert closed == [True] and not net()
""",
    "generator that is closed, delegated to, and that raises": """
@with_hermetic(block_network=True)
def act():
    yield 1
    raise KeyError("mine")
g = act(); next(g); g.close(); assert not net()
def outer():
    yield from act()
got = []
try:
    for item in outer():
        got.append((item, net()))
except KeyError:
    pass
assert got == [(1, False)] and not net()
""",
    "generator that has an end of its own for being closed": """
def plain():
    try:
        yield 1
    except GeneratorExit:
        seen.append(net())
        if again:
            yield 2
        return "closed"
def ends(kind):
    made = kind(); next(made)
    try:
        first = made.close()
    except RuntimeError as error:
        first = str(error)
    made = kind(); next(made)
    try:
        return first, made.throw(GeneratorExit)
    except (StopIteration, GeneratorExit) as error:
        return first, type(error), getattr(error, "value", None)
guarded = with_hermetic(block_network=True)(plain)
for again in (False, True):
    seen = []
    assert ends(guarded) == ends(plain), (again, ends(guarded), ends(plain))
    assert seen == [True, True, False, False], seen
assert not net()
""",
    "async generator that has an end of its own for being closed": """
async def plain():
    try:
        yield 1
    except GeneratorExit:
        seen.append(net())
        await asyncio.sleep(0)
        if again:
            yield 2
async def ends(kind):
    made = kind(); await made.__anext__()
    try:
        first = await made.aclose()
    except RuntimeError as error:
        first = str(error)
    made = kind(); await made.__anext__()
    try:
        return first, await made.athrow(GeneratorExit)
    except (StopAsyncIteration, GeneratorExit) as error:
        return first, type(error)
guarded = with_hermetic(block_network=True)(plain)
for again in (False, True):
    seen = []
    assert asyncio.run(ends(guarded)) == asyncio.run(ends(plain)), again
    assert seen[:2] == [True, True] and seen[-1] is False, seen
assert not net()
""",
    "generator that may be awaited": """
import functools, types
def made(value):
    got = yield from asyncio.sleep(0.001).__await__()
    assert net()
    return value
made = types.coroutine(made)
guarded = with_hermetic(block_network=True)
hidden = guarded(functools.wraps(made)(lambda value: made(value)))
async def main():
    return [await act(5) for act in (guarded(made), hidden)] + [await guarded(functools.partial(made, 5))()]
assert asyncio.run(main()) == [5, 5, 5] and not net()
""",
    "method chosen by its argument": """
import functools
@with_hermetic(block_network=True)
class Guarded:
    @functools.singledispatchmethod
    def act(self, value):
        return "other", net()
    @act.register
    def _(self, value: int):
        return "int", net()
    @act.register(list)
    @classmethod
    def _(cls, value):
        return cls.__name__, net()
assert [Guarded().act(value) for value in (1, [], "")] == [("int", True), ("Guarded", True), ("other", True)]
assert not net()
""",
    "async generator is guarded whenever it is resumed": """
import inspect
@with_hermetic(block_network=True)
async def act():
    assert net()
    got = yield 1
    assert net() and got == "sent"
    await asyncio.sleep(0)
    assert net()
    yield 2
assert inspect.isasyncgenfunction(act)
async def main():
    g = act()
    assert not net()
    assert await g.__anext__() == 1
    assert not net()
    assert await g.asend("sent") == 2
    assert not net()
    await g.aclose()
    assert not net()
    async for item in act():
        assert not net()
        break
asyncio.run(main())
assert not net()
""",
    "async generator closed in the middle runs its clean-up under guard": """
seen = []
@with_hermetic(block_network=True)
async def act():
    try:
        yield 1
    finally:
        seen.append(net())
async def main():
    g = act()
    await g.__anext__()
    await g.aclose()
asyncio.run(main())
assert seen == [True] and not net()
""",
    "class, method, staticmethod, classmethod": """
@with_hermetic(block_network=True)
class Act:
    def method(self): return net()
    @staticmethod
    def static(): return net()
    @classmethod
    def of_class(cls): return cls is Act and net()
    async def later(self): return net()
    @property
    def prop(self): return net()
assert isinstance(Act, type) and Act.__name__ == "Act"
thing = Act()
assert thing.method() and Act.static() and thing.static() and Act.of_class() and asyncio.run(thing.later())
assert thing.prop
assert not net()

class Other:
    @with_hermetic(block_network=True)
    def method(self): return net()
    @staticmethod
    @with_hermetic(block_network=True)
    def static(): return net()
    @with_hermetic(block_network=True)
    @staticmethod
    def outside(): return net()
    @classmethod
    @with_hermetic(block_network=True)
    def of_class(cls): return net()
assert Other().method() and Other.static() and Other.outside() and Other.of_class() and not net()
""",
    "callable object and partial": """
import functools
class Call:
    def __call__(self): return net()
assert with_hermetic(block_network=True)(Call())()
assert with_hermetic(block_network=True)(functools.partial(lambda x: x and net(), True))()
assert not net()
""",
    "two decorators nest": """
@with_hermetic(block_network=True)
@with_hermetic(block_subprocess=True)
def act(): return net() and proc()
assert act() and not net() and not proc()
""",
    "unittest test class": """
import unittest
@with_hermetic(block_network=True)
class Case(unittest.TestCase):
    def setUp(self): assert net()
    def test_it(self): assert net()
result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
assert result.testsRun == 1 and result.wasSuccessful(), result.errors + result.failures
assert not net()
""",
    "profile name and config": """
@with_hermetic("net-hermetic")
def one(): return net() and not local()
@with_hermetic(BlockConfig(block_subprocess=True))
def two(): return proc()
assert one() and two() and not proc()
""",
    "decorated function in many threads": """
@with_hermetic(block_network=True)
def act():
    return all(net() for _ in range(20))
found = []
threads = [threading.Thread(target=lambda: found.append(act())) for _ in range(10)]
[t.start() for t in threads]; [t.join() for t in threads]
assert found == [True] * 10 and not net()
""",
    "a function of another decorator's is what it returns": """
import functools
def passed_on(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)
    return call
@with_hermetic(block_network=True)
@passed_on
async def act():
    await asyncio.sleep(0)
    return net()
@with_hermetic(block_network=True)
@passed_on
def items():
    yield net()
    yield net()
@with_hermetic(block_network=True)
@passed_on
async def later():
    yield net()
class Task:
    async def __call__(self):
        return net()
async def all_of_later():
    return [item async for item in later()]
assert asyncio.run(act()) and asyncio.run(all_of_later()) == [True]
assert asyncio.run(with_hermetic(block_network=True)(Task())())
steps = items()
assert next(steps) and not net() and next(steps) and not net()
assert [*items()] == [True, True]
""",
    "class guards what stands for its methods": """
import functools
@with_hermetic(block_network=True)
class Client:
    @functools.lru_cache
    def cached(self):
        return net()
    @functools.cached_property
    def kept(self):
        return net()
    def given(self, number):
        return net()
    part = functools.partialmethod(given, 1)
    class Inner:
        def act(self):
            return net()
    other = dict
client = Client()
assert client.cached() and client.kept and client.part() and Client.Inner().act() and not net()
assert Client.cached.cache_info().currsize == 1 and Client.other is dict
""",
}


@pytest.mark.parametrize("promise", CASES)
def test_decorator(isolated, promise):
    isolated.passes(HELPERS + CASES[promise])
