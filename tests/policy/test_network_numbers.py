"""getnameinfo told to give numbers, and getaddrinfo told to take them, ask nobody: they answer as C does, and every
other question stays refused.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from ast import literal_eval
from functools import lru_cache

import pytest

from _hermetic.capabilities.network.numeric import numeric_answer

HOST, SERVICE, DATAGRAM = socket.NI_NUMERICHOST, socket.NI_NUMERICSERV, socket.NI_DGRAM
ADDRESSES = [
    ("192.0.2.1", 80), ("127.0.0.1", 514), ("192.0.2.1", 0), ("::1", 80), ("2001:DB8:0::1", 443, 0), ("::ffff:1.2.3.4", 53, 0, 0),
    ("fe80::1", 22, 0, 1), ("fe80::1", 22, 0, 99), ("ff02::1", 22, 0, 1), ("ff01::1", 22, 0, 1), ("2001:db8::1", 22, 5, 7),
    ("febf::1", 22, 0, 1), ("fec0::1", 22, 0, 1), ("64:ff9b::1.2.3.4", 1),
]  # fmt: skip
NUMBERS = [HOST, HOST | SERVICE, HOST | SERVICE | DATAGRAM, HOST | DATAGRAM]
QUESTIONS = [
    (("192.0.2.1", 80), 0),
    (("192.0.2.1", 80), SERVICE),
    (("192.0.2.1", 80), HOST | socket.NI_NAMEREQD),
    (("example.com", 80), HOST),
    (("192.0.2.1", 80, 0), HOST),
    (("192.0.2.1", 65536), HOST),
    (["192.0.2.1", 80], HOST),
    (("192.0.2.1\0", 80), HOST),
    (("192.0.2.1",), HOST),
    (("::1",), HOST),
    (("::1", 80, 0, 0, 0), HOST),
    (("192.0.2.1", 80), True),
    (("192.0.2.1", 80),),
    (),
]


@lru_cache
def answers_of_c() -> dict[str, tuple[str, str]]:
    """What C says, in a process that nothing guards: in this one socket.getnameinfo may be what is tested here."""
    code = f"import socket\nprint([[a, f, socket.getnameinfo(a, f)] for a in {ADDRESSES} for f in {NUMBERS}])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return {str((address, flags)): answer for address, flags, answer in literal_eval(done.stdout)}


@pytest.mark.parametrize("flags", NUMBERS)
@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_numbers_are_what_c_would_say(address, flags):
    assert numeric_answer((address, flags)) == answers_of_c()[str((address, flags))]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_whatever_else_is_asked_is_left_to_c(question):
    assert numeric_answer(question) is None


ASKING = """
import asyncio, socket, _socket
numbers = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
print(socket.getnameinfo(("192.0.2.1", 80), numbers), _socket.getnameinfo(("192.0.2.1", 80), numbers))
async def main():
    print(await asyncio.get_running_loop().getnameinfo(("192.0.2.1", 80), numbers))
asyncio.run(main())
for flags in (0, socket.NI_NUMERICSERV):
    try:
        print(socket.getnameinfo(("192.0.2.1", 80), flags))
    except RuntimeError as error:
        print(error)
"""
ANSWER, REFUSED = "('192.0.2.1', '80')", "network disabled: DNS(192.0.2.1)\n"
SAID = f"{ANSWER} {ANSWER}\n{ANSWER}\n{REFUSED * 2}"
CHILD = "import subprocess, sys\nsys.exit(subprocess.run([sys.executable, 'asking.py']).returncode)"
POLICIES = ["--no-network", "--no-network --seal", "--deny-host 192.0.2.0/24"]


@pytest.mark.parametrize("options", POLICIES)
@pytest.mark.parametrize("name", ["asking.py", "child.py"])
@pytest.mark.parametrize("place", ["cli", "foreign"])
def test_numbers_are_no_question(isolated, other, place, name, options):
    isolated.write("asking.py", ASKING)
    isolated.write("child.py", CHILD)
    if place == "cli":
        done = isolated.cli(*options.split(), "--", "python", name)
    else:
        done = isolated.foreign(options, other.python, name)
    assert (done.code, done.stdout) == (0, SAID), done.stderr


@pytest.mark.parametrize("settings", ["block_network=True", "deny_hosts=['192.0.2.0/24']"])
@pytest.mark.parametrize("within", ["", "block_network=True"], ids=["alone", "within another"])
def test_numbers_are_no_question_in_a_block(isolated, within, settings):
    isolated.write("asking.py", ASKING)
    code = f"""
    from contextlib import nullcontext
    from hermetic import hermetic_blocker
    with {f"hermetic_blocker({within})" if within else "nullcontext()"}, hermetic_blocker({settings}):
        import asking
    """
    assert isolated.passes(code).stdout == SAID


TAKING = """
import asyncio, socket, sys, _socket
only = socket.AI_NUMERICHOST
for flags in (only, only | socket.AI_NUMERICSERV, int(only)):
    for host in ("example.com", b"example.com", bytearray(b"example.com"), "192.0.2.7", "fe80::1%1", "0x7f.1", "", "a:b"):
        for look in (
            lambda: socket.getaddrinfo(host, 80, flags=flags),
            lambda: _socket.getaddrinfo(host, 80, 0, 0, 0, flags),
            lambda: _socket.getaddrinfo(host=host, port=80, flags=flags),
            lambda: _socket.getaddrinfo(host, 80, flags=flags),
            lambda: _socket.getaddrinfo(host, "no such service", flags=flags),
            lambda: asyncio.run(asyncio.to_thread(socket.getaddrinfo, host, 80, flags=flags)),
        ):
            try:
                print(host, sorted({answer[4][0] for answer in look()}))
            except (OSError, TypeError) as error:
                print(host, type(error), error)
"""
QUESTIONS_OF_NAMES = """
import socket, _socket
class Numbers(int):
    def __and__(self, other):
        return other
    __rand__ = __and__
for flags in (0, socket.AI_NUMERICSERV, Numbers(0)):
    for look in (
        lambda: socket.getaddrinfo("example.com", 80, flags=flags),
        lambda: _socket.getaddrinfo("example.com", 80, 0, 0, 0, flags),
        lambda: _socket.getaddrinfo(host="example.com", port=80, flags=flags),
    ):
        try:
            print(look())
        except RuntimeError as error:
            print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there, no host is this machine")
@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal", "--deny-host example.com", None])
def test_numbers_to_take_are_no_question(isolated, options):
    plain = isolated.code(TAKING)
    if options is None:
        isolated.write("taking.py", TAKING)
        code = "from hermetic import hermetic_blocker\nwith hermetic_blocker(block_network=True):\n    import taking"
        done = isolated.passes(code)
    else:
        done = isolated.script(options, TAKING)
    assert done.code == plain.code == 0, (done, plain)
    assert done.stdout == plain.stdout
    assert "Name or service not known" in plain.stdout or sys.platform != "linux"


@pytest.mark.parametrize("options", ["--no-network", "--deny-host example.com"])
def test_without_that_word_a_name_is_asked_for(isolated, options):
    done = isolated.script(options, QUESTIONS_OF_NAMES)
    assert done.stdout == "network disabled: DNS(example.com)\n" * 9, done
