"""What an allowed name resolves to is judged, every answer of it, before anybody connects.

CVE-2026-49859 and CVE-2026-49860: ``fetch`` and ``WebSocket`` skipped the check after the look-up, so a name that was
allowed led to an address that was not.
"""

from __future__ import annotations

import errno
import json

import pytest
from network_attack import PRELUDE, listening

# The resolver of the machine answers as an attacker's would: replaced before hermetic starts, below its guards.
RESOLVER = """
import _socket, sys
ANSWERS = {answers!r}
genuine = _socket.getaddrinfo
def answer(host, port, *rest, **more):
    if host not in ("allowed.test", b"allowed.test"): return genuine(host, port, *rest, **more)
    return [(2 if "." in a else 10, 1, 6, "", (a, int(port or 0)) if "." in a else (a, int(port or 0), 0, 0)) for a in ANSWERS]
_socket.getaddrinfo = answer
"""
IN_A_BLOCK = """
from hermetic import hermetic_blocker
with hermetic_blocker(block_network=True, allow_domains=["allowed.test"]):
    exec(open("target.py").read())
"""
ON_THE_COMMAND_LINE = """
sys.argv[1:1] = ["--no-network", "--allow-domain", "allowed.test", "--", "./target.py"]
from hermetic.cli import program
sys.exit(program())
"""
ACTS = (
    PRELUDE
    + """
import asyncio, http.client, urllib.request
attempt(lambda: socket.create_connection(("allowed.test", PORT), 1))
attempt(lambda: real().connect(("allowed.test", PORT)))
attempt(lambda: _socket.socket().connect(("allowed.test", PORT)))
attempt(lambda: real(2, 2).sendto(b"x", ("allowed.test", PORT)))
attempt(lambda: urllib.request.urlopen(f"http://allowed.test:{PORT}", timeout=1))
attempt(lambda: http.client.HTTPConnection("allowed.test", PORT, timeout=1).connect())
attempt(lambda: asyncio.run(asyncio.open_connection("allowed.test", PORT)))
for info in attempt(lambda: list(socket.getaddrinfo("allowed.test", PORT))) or ():
    attempt(lambda: real(info[0]).connect(info[4]))
print("END")
"""
)
ANSWERS = {
    "loopback": ["127.0.0.1"],
    # The other address is allowed and tried: one for which the kernel sends nothing.
    "loopback after another address": ["255.255.255.255", "127.0.0.1"],
    "loopback before another address": ["127.0.0.1", "255.255.255.255"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "unspecified": ["0.0.0.0"],
}


@pytest.mark.parametrize("place", [IN_A_BLOCK, ON_THE_COMMAND_LINE], ids=["block", "command line"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_allowed_name_does_not_lead_to_loopback(isolated, name, place):
    isolated.write("target.py", ACTS)
    with listening() as guarded:
        code = RESOLVER.format(answers=ANSWERS[name]) + "import socket\nsocket.setdefaulttimeout(0.2)\n" + place
        done = isolated.code(code, str(guarded.port), guarded.path)
        assert not guarded.reached(), done
    assert done.stdout == "END\n", done


TRIES = """
import json, socket
def tried(act):
    try:
        act()
    except OSError as error:
        return error.errno  # C's answer: nothing was refused
    except RuntimeError as error:
        return str(error)
found = [tried(lambda: socket.create_connection(("allowed.test", 80), 1))]
address = socket.getaddrinfo("allowed.test", 80)[0][4]
for port in (80, 22):
    found.append(tried(lambda: socket.socket().connect((address[0], port))))
print(json.dumps(found))
"""
REFUSED = "network disabled: connect(255.255.255.255)"
# The options, and whether the address may be reached on port 80 and on port 22.
LEARNING = {
    "a domain": ("--no-network --allow-domain allowed.test", True, True),
    "a host": ("--no-network --allow-host allowed.test", True, True),
    "a port": ("--no-network --allow-host allowed.test:80", True, False),
    "beside loopback": ("--no-network --allow-localhost --allow-host allowed.test:80", True, False),
    "a denied port": ("--deny-host allowed.test:22", True, False),
    "a denied port of a range": (
        "--no-network --allow-domain allowed.test --allow-host 0.0.0.0/0 --deny-host allowed.test:22",
        True,
        False,
    ),
}


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("seal", [[], ["--seal"]], ids=["", "sealed"])
def test_an_allowed_name_leads_to_its_addresses(isolated, name, seal):
    """Of the whole process: which addresses they are, only the look-up's answer says."""
    options, *expected = LEARNING[name]
    isolated.write("target.py", TRIES)
    words = [*seal, "--kernel=off", *options.split(), "--", "./target.py"]
    code = RESOLVER.format(answers=["255.255.255.255"]) + f"sys.argv[1:] = {words!r}\n"
    done = isolated.code(code + "from hermetic.cli import program\nsys.exit(program())\n")
    unreachable = errno.ENETUNREACH
    answers = [unreachable if allowed else REFUSED for allowed in (expected[0], *expected)]
    assert (json.loads(done.stdout or "0"), done.code) == (answers, 0), done


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254"])
def test_an_allowed_name_does_not_lead_to_metadata_or_link_local(isolated, address):
    code = (
        RESOLVER.format(answers=[address])
        + """
from hermetic import PolicyViolation, hermetic_blocker
import socket
with hermetic_blocker(block_network=True, allow_domains=["allowed.test"]):
    for act in (lambda: socket.create_connection(("allowed.test", 80), 0.2),
                lambda: socket.socket(10 if ":" in ANSWERS[0] else 2).connect(("allowed.test", 80)),
                lambda: socket.socket(socket.getaddrinfo("allowed.test", 80)[0][0]).connect(socket.getaddrinfo("allowed.test", 80)[0][4])):
        try:
            act()
        except PolicyViolation:
            print("refused")
"""
    )
    assert isolated.passes(code).stdout == "refused\n" * 3
