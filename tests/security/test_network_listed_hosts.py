"""--allow-host, --deny-host and --deny-private-network, held against listeners: in a process, sealed, foreign, in a block.

References: CVE-2025-48888, CVE-2026-49411, CVE-2025-66479, CVE-2024-21890, sandlock#151, srt-0.0.43.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, contextmanager

import pytest

# What is tried: each act aims at loopback, on the port that is given.
ACTS = """
import asyncio, http.client, json, socket, sys, _socket, urllib.request
socket.setdefaulttimeout(2)

def tcp(address, family=2):
    with socket.socket(family) as client:
        client.connect(address)

def bare(address):
    client = _socket.socket(2, 1)
    try:
        client.connect(address)
    finally:
        client.close()

async def opened(host, port):
    (await asyncio.open_connection(host, port))[1].close()

def acts(port):
    return {
        "connect": lambda: tcp(("127.0.0.1", port)),
        "connect_ex": lambda: socket.socket().connect_ex(("127.0.0.1", port)),
        "C class": lambda: bare(("127.0.0.1", port)),
        "short": lambda: tcp(("127.1", port)),
        "number": lambda: tcp(("2130706433", port)),
        "hexadecimal": lambda: bare(("0x7f000001", port)),
        "mapped": lambda: tcp(("::ffff:127.0.0.1", port), 10),
        "unspecified": lambda: tcp(("0.0.0.0", port)),
        "empty": lambda: tcp(("", port)),
        "create_connection": lambda: socket.create_connection(("127.0.0.1", port)).close(),
        "service": lambda: socket.create_connection(("127.0.0.1", str(port))).close(),
        "name": lambda: tcp(("localhost", port)),
        "name, C class": lambda: bare(("localhost", port)),
        "name, capitals": lambda: socket.create_connection(("LOCALHOST", port)).close(),
        "name, asyncio": lambda: asyncio.run(opened("localhost", port)),
        "asyncio": lambda: asyncio.run(opened("127.0.0.1", port)),
        "http": lambda: http.client.HTTPConnection("127.0.0.1", port).connect(),
        "datagram": lambda: socket.socket(2, 2).sendto(b"x", ("127.0.0.1", port)),
        "datagram, flags": lambda: socket.socket(2, 2).sendto(b"x", 0, ("localhost", port)),
        "datagram, message": lambda: socket.socket(2, 2).sendmsg([b"x"], [], 0, ("127.0.0.1", port)),
        "fast open": lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", port)),
    }

def tried(port):
    found = {}
    for name, act in acts(port).items():
        try:
            act()
            found[name] = "reached"
        except BlockingIOError:
            found[name] = "reached"  # on its way
        except Exception as error:
            found[name] = getattr(error, "reason", type(error).__name__)
            # The kernel layer has no Fast Open, which goes around it: nothing was refused, it is not supported.
            if name == "fast open" and getattr(error, "errno", 0) == 95:
                found[name] = "reached"
    return found
"""
# Looks the name up, which is always answered, and connects to what it found, the one address or the other.
BY_ITS_ANSWER = "name, asyncio"
PLACES = ["process", "sealed", "foreign", "block"]
KEYWORDS = {"--no-network": "block_network=True", "--deny-private-network": "deny_private_network=True"}


@contextmanager
def served(count=2):
    """Ports of loopback listeners, TCP and UDP, that nobody else has."""
    with ExitStack() as stack:
        ports = []
        while len(ports) < count:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=200))
            try:
                stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(listener.getsockname())
            except OSError:
                continue
            ports.append(listener.getsockname()[1])
        yield ports


def keywords(options):
    """The options as keywords of a block."""
    given: dict[str, list[str]] = {}
    words = iter(options)
    texts = []
    for word in words:
        if word in KEYWORDS:
            texts.append(KEYWORDS[word])
        else:
            given.setdefault(word[2:].replace("-", "_") + "s", []).append(next(words))
    return ", ".join([*texts, *(f"{name}={values!r}" for name, values in given.items())])


def run(isolated, place, options, code):
    """JSON that the code prints under these options."""
    isolated.write("acts.py", ACTS)
    code = "from acts import *\n" + code
    if place == "block":
        text = "from acts import *\nimport asyncio.selector_events\nfrom hermetic import hermetic_blocker\n"
        body = "".join(f"    {line}\n" for line in code.splitlines()[1:])
        return isolated.passes(f"{text}with hermetic_blocker({keywords(options)}):\n{body}", cwd=isolated.folder).data
    isolated.write("target.py", code)
    if place == "foreign":
        done = isolated.foreign(list(options), "python", "./target.py")
    else:
        done = isolated.cli(*options, *(["--seal"] if place == "sealed" else []), "--", "./target.py")
    assert done.code in (0, 2), done.stderr
    return done.data


@pytest.mark.parametrize("place", PLACES)
def test_one_port_of_one_host_is_given_back_and_nothing_else(isolated, place):
    with served() as (given, other):
        options = ["--no-network", "--allow-host", f"127.0.0.1:{given}"]
        found = run(isolated, place, options, f"print(json.dumps([tried({given}), tried({other})]))")
    allowed, refused = found
    del allowed[BY_ITS_ANSWER]
    blocked = {name for name, result in allowed.items() if result == "no-network"}
    # Of a name that C looks up nobody knows the address, and as a destination the unspecified one is another.
    assert blocked == {"name, C class", "unspecified", "empty"}, allowed
    assert {result for name, result in allowed.items() if name not in blocked} == {"reached"}, allowed
    assert set(refused.values()) == {"no-network"}, refused


@pytest.mark.parametrize("place", PLACES)
def test_localhost_is_given_back_by_its_name(isolated, place):
    with served() as (given, other):
        options = ["--no-network", "--allow-host", f"localhost:{given}"]
        found = run(isolated, place, options, f"print(json.dumps([tried({given}), tried({other})]))")
    assert {name for name, result in found[0].items() if result != "reached"} == {"unspecified", "empty"}, found
    assert set(found[1].values()) == {"no-network"}, found


@pytest.mark.parametrize("entry", ["127.0.0.1:{}", "localhost:{}", "127.0.0.0/8:{}", "0.0.0.0/0:{}"])
@pytest.mark.parametrize("place", PLACES)
def test_a_denied_port_is_denied_by_every_door_and_another_is_not(isolated, place, entry):
    with served() as (denied, other):
        options = ["--deny-host", entry.format(denied)]
        found = run(isolated, place, options, f"print(json.dumps([tried({denied}), tried({other})]))")
    assert set(found[0].values()) == {"deny-host"}, found
    assert set(found[1].values()) == {"reached"}, found


@pytest.mark.parametrize("place", PLACES)
def test_what_is_denied_is_denied_whatever_allows_it(isolated, place):
    with served() as (denied, other):
        options = [
            "--no-network",
            "--allow-host",
            "localhost",
            "--allow-host",
            "0.0.0.0/0",
            "--deny-host",
            f"127.0.0.0/8:{denied}",
        ]
        found = run(isolated, place, options, f"print(json.dumps([tried({denied}), tried({other})]))")
    assert set(found[0].values()) == {"deny-host"}, found
    assert set(found[1].values()) == {"reached"}, found


# The host that an entry allows is one to which the kernel sends nothing.
HOSTILE = """
found = {}
class Lying(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__
    encode = lambda self, *rest: b"127.0.0.1"
class Changing(tuple):
    turn = 0
    def __getitem__(self, index):
        self.turn += 1
        return "255.255.255.255" if index == 0 and self.turn == 1 else tuple.__getitem__(self, index)
forms = {
    "lying text": (Lying("localhost"), PORT), "lying host": (Lying("255.255.255.255"), PORT), "changing": Changing(("127.0.0.1", PORT)),
    "NUL": ("127.0.0.1\\0.example.com", PORT), "full width": ("\\uff11\\uff12\\uff17.0.0.1", PORT), "circled": ("\\u2460\\u2461\\u2466.0.0.1", PORT),
    "dot": ("127.0.0.1.", PORT), "bytes": (b"127.0.0.1", PORT), "bytearray": (bytearray(b"127.0.0.1"), PORT), "octal": ("0177.1", PORT),
    "below": ("x.localhost", PORT), "capitals": ("LocalHost", PORT),
}
for name, address in forms.items():
    for act in (lambda: tcp(address), lambda: bare(address), lambda: socket.create_connection(address).close(),
                lambda: socket.socket(2, 2).sendto(b"x", address)):
        try:
            act()
            found.setdefault(name, []).append("reached")
        except Exception as error:
            found.setdefault(name, []).append(type(error).__name__)
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    "options",
    [
        ["--deny-host", "127.0.0.0/8"],
        ["--deny-host", "localhost"],
        ["--no-network", "--allow-host", "example.com", "--allow-host", "255.255.255.0/24"],
        ["--no-network", "--allow-host", "0.0.0.0/0", "--allow-host", "localhost", "--deny-host", "127.0.0.1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("place", PLACES)
def test_hostile_spellings_reach_nothing(isolated, place, options):
    with served(1) as (port,):
        code = HOSTILE.replace("PORT", str(port))
        found = run(isolated, place, options, code)
        with socket.create_server(("127.0.0.1", 0)):
            pass
    assert "reached" not in json.dumps(found), found


@pytest.mark.parametrize("place", PLACES)
def test_a_denied_name_is_not_asked_for_by_its_letters_numbers(isolated, place):
    """C's resolver takes a name as zone files have it, in which a backslash and three digits are a letter."""
    code = """
found = {}
for name in ("denied.invalid", "d\\\\101nied.invalid", "x.d\\\\101nied.invalid", b"d\\\\101nied.invalid", "denied\\\\.invalid"):
    for call in (lambda: socket.getaddrinfo(name, 80), lambda: socket.gethostbyname(name), lambda: tcp((name, 80))):
        try:
            call()
        except Exception as error:
            found.setdefault(str(name), []).append(getattr(error, "reason", type(error).__name__))
print(json.dumps(found))
"""
    found = run(isolated, place, ["--deny-host", "denied.invalid", "--deny-host", "*.denied.invalid"], code)
    assert len(found) == 5
    assert {why for reasons in found.values() for why in reasons} == {"deny-host"}, found


@pytest.mark.parametrize("place", PLACES)
def test_a_denied_host_leaves_the_rest_of_the_network_alone(isolated, place):
    code = """
socket.socketpair(); socket.socket(socket.AF_UNIX).close(); kept = socket.socket(); socket.fromfd(kept.fileno(), 2, 1)
server = socket.socket(socket.AF_UNIX); server.bind("own"); server.listen(); socket.socket(socket.AF_UNIX).connect("own")
socket.create_server(("0.0.0.0", 0)).close(); socket.socket(2, 2).bind(("", 0)); socket.socket().listen()
socket.getaddrinfo("localhost", 80); socket.gethostbyname("127.0.0.1")
for wrong in ("127.0.0.1", None, ("127.0.0.1",), ("127.0.0.1", "80")):
    try: socket.socket().connect(wrong)
    except TypeError: pass
try: socket.socket().connect(("no-such-host.invalid", 80))
except socket.gaierror: print(json.dumps("as without guards"))
"""
    assert run(isolated, place, ["--deny-host", "192.0.2.0/24"], code) == "as without guards"


@pytest.mark.hermetic(off=True, reason="makes a pair of sockets for the program under test")
def test_inherited_sockets_stay_open_where_only_hosts_are_denied(isolated):
    one, two = socket.socketpair()
    with one, two:
        code = f"import os; os.write({two.fileno()}, b'x')"
        isolated.write("target.py", code)
        done = isolated.cli("--deny-host", "evil.org", "--", "./target.py", pass_fds=(two.fileno(),))
        assert done.code == 0, done.stderr
        assert one.recv(1) == b"x"


@pytest.mark.parametrize("place", ["process", "block"])
def test_children_are_denied_the_same(isolated, place):
    with served(1) as (port,):
        code = f"""
import subprocess
child = subprocess.run([sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', {port}))"], capture_output=True, text=True)
print(json.dumps([child.returncode != 0, "--deny-host 127.0.0.1" in child.stderr]))
"""
        assert run(isolated, place, ["--deny-host", "127.0.0.1"], code) == [True, True]


def test_message_names_the_entry_and_what_would_allow_it(isolated):
    code = "import socket; socket.getaddrinfo('evil.org', 80)"
    done = isolated.script("--deny-host *.org --deny-host evil.org:1-100 --trace", code)
    assert done.code == 2
    assert "[hermetic] blocked socket.getaddrinfo host=evil.org reason=deny-host" in done.errors
    assert done.errors[-4] == "hermetic: blocked action: network disabled: DNS(evil.org)"
    assert done.errors[-3].strip() == "blocked by: --deny-host"
    assert done.errors[-1].strip() == "to allow it: leaving out --deny-host evil.org:1-100"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--allow-host", "a.org"], "--allow-host needs --no-network or --deny-private-network"),
        (
            ["--deny-private-network", "--allow-host", "a.org"],
            "'a.org' is a name: without --no-network only private addresses",
        ),
        (["--no-network", "--allow-host", "10.0.0.1/8"], "it has bits beyond its length; the network is 10.0.0.0/8"),
        (["--deny-host", "http://a.org"], "a URL is more than a host"),
        (["--deny-host", ""], "--deny-host needs a value"),
        (["--no-network", "--allow-host=a.org:0"], "0 is no port"),
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_what_means_nothing_is_refused_at_the_start(isolated, options, message, foreign):
    words = ("python", "-c", "print('ran')")
    done = isolated.foreign(options, *words) if foreign else isolated.cli(*options, "--", *words)
    assert (done.code, done.stdout, len(done.errors)) == (1, "", 1), done
    assert message in done.stderr


@pytest.mark.parametrize("kind", ["allow_hosts", "deny_hosts"])
def test_a_list_is_a_list(isolated, kind):
    isolated.passes(f"""
        from hermetic import hermetic_blocker
        for value, wanted in (("a.org", TypeError), (["a.org", 5], TypeError), (["a/b"], ValueError)):
            try:
                hermetic_blocker(block_network=True, {kind}=value)
            except wanted:
                continue
            raise SystemExit(repr(value))
    """)


@pytest.mark.parametrize("place", PLACES)
def test_listening_everywhere_is_given_back_by_its_own_entry(isolated, place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"""
socket.create_server(("0.0.0.0", {port})).close()
found = []
for address in (("0.0.0.0", 0), ("192.0.2.1", {port})):
    try: socket.socket().bind(address)
    except RuntimeError as error: found.append([str(error), error.remedy])
print(json.dumps(found))
"""
    instead = ", or binding to 127.0.0.1 or ::1 instead"
    assert run(isolated, place, ["--no-network", "--allow-host", f"0.0.0.0:{port}"], code) == [
        ["network disabled: bind(0.0.0.0)", f"--allow-host 0.0.0.0{instead}"],
        ["network disabled: bind(192.0.2.1)", f"--allow-host 192.0.2.1:{port}{instead}"],
    ]


def test_inner_block_gives_no_host_back(isolated):
    with served(1) as (port,):
        isolated.passes(f"""
            import socket
            from hermetic import PolicyViolation, hermetic_blocker
            def refused():
                try:
                    socket.create_connection(("127.0.0.1", {port})).close()
                except PolicyViolation as blocked:
                    return blocked.reason
            with hermetic_blocker(block_network=True, allow_hosts=["127.0.0.2"]):
                with hermetic_blocker(block_network=True, allow_hosts=["127.0.0.1"]):
                    assert refused() == "no-network"
            with hermetic_blocker(deny_hosts=["127.0.0.1"]):
                with hermetic_blocker(block_network=True, allow_localhost=True):
                    assert refused() == "deny-host"
                with hermetic_blocker(block_network=True):
                    assert refused()
            assert refused() is None
            with hermetic_blocker(block_network=True, allow_localhost=True):
                with hermetic_blocker(block_network=True, allow_hosts=["127.0.0.1:{port}"]):
                    assert refused() is None
        """)


@pytest.mark.parametrize("seal", [False, True])
def test_lists_cannot_be_changed_by_the_program(isolated, seal):
    with served(1) as (port,):
        options = ["--deny-host", "127.0.0.0/8", *(["--seal"] if seal else [])]
        code = f"""
import sys, socket
for name, module in list(sys.modules.items()):
    if name.startswith("_hermetic.capabilities.network"):
        for key in list(vars(module)):
            try: setattr(module, key, lambda *a, **k: None)
            except Exception: pass
try: socket.create_connection(("127.0.0.1", {port}))
except RuntimeError as blocked: print(blocked)
"""
        isolated.write("target.py", code)
        done = isolated.cli(*options, "--", "./target.py")
    assert done.stdout == "network disabled: create_connection(127.0.0.1)\n", done
