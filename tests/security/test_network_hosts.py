"""The host that is judged is the host that C will look up.

References: CVE-2026-49411, safepyrun#56, srt-0.0.43, srt#88, sandlock#151, pytest-socket.
"""

from __future__ import annotations

import pytest
from network_attack import attack

NAMES = [
    "169.254.169.254\\0.example.com",
    "\\uff11\\uff12\\uff17.0.0.1",
    "example.com\\n",
    "a\\x1b.example.com",
    "\\u2460.example.com",
    "evilexample.com",
    "example.com.evil.org",
    "2852039166",
    "0xa9fea9fe",
    "::ffff:169.254.169.254",
    "metadata.google.internal",
    "metadata",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fd00:ec2::254",
    "\\u212a.example.org",
    "a\\\\.example.com",
    "\\\\097.example.com",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "call",
    [
        "getaddrinfo({}, 80)",
        "gethostbyname({})",
        "gethostbyname_ex({})",
        "gethostbyaddr({})",
        "getnameinfo(({}, 80), 0)",
        "create_connection(({}, 80), 1)",
        "socket().connect(({}, 80))",
        "socket(2, 2).sendto(b'x', ({}, 80))",
    ],
)
def test_name_is_refused_by_every_call(isolated, name, call):
    done = isolated.script(
        "--no-network --allow-localhost --allow-domain example.com --allow-domain k.example.org",
        f"""
        import socket, _socket
        name = "{name}"
        try:
            print("answered", socket.{call.format("name")})
        except OSError as error:
            # An answer of the resolver, or of the network: the name has been asked for.
            print("asked", type(error).__name__)
        except Exception as error:
            # Refused by a guard, or by C before anybody could be asked (an embedded NUL).
            assert type(error).__name__ == "PolicyViolation" or isinstance(error, (TypeError, ValueError)), repr(error)
        """,
    )
    assert (done.code, done.stdout) == (0, ""), done


RESOLVERS = {
    "IDNA's functions": "import encodings.idna as e\ne.ToASCII = e.nameprep = lambda *a: b'127.0.0.1'",
    "IDNA's codec": "import encodings.idna as e\ne.Codec.encode = lambda self, text, errors='strict': (b'127.0.0.1', len(text))",
    "a codec of one's own": "import codecs\ni = codecs.lookup('idna')\ncodecs.register(lambda n: codecs.CodecInfo(lambda t, e='': (b'127.0.0.1', len(t)), i.decode, name='idna'))\ntry: codecs.unregister(__import__('encodings').search_function)\nexcept Exception: pass",
    "the codec's module": "sys.modules['encodings.idna'] = type(sys)('x')\nsys.modules['encodings.idna'].getregentry = lambda: __import__('codecs').CodecInfo(lambda t, e='': (b'127.0.0.1', len(t)), None, name='idna')",
    "a name in the codec's module": "import encodings.idna as e\ne.len = lambda x: 1",
    "encodings' cache": "import encodings, codecs\nencodings._cache['idna'] = codecs.CodecInfo(lambda t, e='': (b'127.0.0.1', len(t)), None, name='idna')",
    "getaddrinfo's answers": "socket.getaddrinfo = lambda *a, **k: [(2, 1, 6, '', ('127.0.0.1', PORT))]",
    "the C module's getaddrinfo": "_socket.getaddrinfo = lambda *a, **k: [(2, 1, 6, '', ('127.0.0.1', PORT))]",
    "inet_aton and friends": "for n in ('inet_aton', 'inet_pton'):\n    setattr(_socket, n, lambda *a: b'\\xc0\\x00\\x02\\x01'); setattr(socket, n, lambda *a: b'\\xc0\\x00\\x02\\x01')",
    "ipaddress": "import ipaddress\nipaddress.ip_address = lambda x: None",
    "str methods seen by Python": "import builtins\nbuiltins.str = type('str', (str,), {'lower': lambda s: 'allowed.test'})\nbuiltins.isinstance = lambda *a: True",
}


@pytest.mark.parametrize("name", RESOLVERS)
def test_replaced_helpers_do_not_change_who_is_reached(isolated, name):
    code = (
        RESOLVERS[name]
        + """
for host in ("allowed.test", "\\u00e4.allowed.test", "xn--4ca.allowed.test"):
    attempt(lambda: socket.socket().connect((host, PORT)))
    attempt(lambda: socket.create_connection((host, PORT), 1))
    found = attempt(lambda: _socket.getaddrinfo(host, PORT))
    if isinstance(found, list):
        attempt(lambda: socket.socket().connect(found[0][4]))
attempt(lambda: socket.socket().connect(("127.0.0.1", PORT)))
"""
    )
    works, reached, done = attack(isolated, code, "--no-network --allow-domain allowed.test --seal")
    assert works
    assert not reached
    assert done.code == 0, done


CODEC = """
import codecs, encodings, socket, _socket
asked = []
def encode(text, errors="strict"):
    asked.append(text)
    return b"example.invalid", len(text)
codecs.unregister(encodings.search_function)
codecs.register(lambda name: codecs.CodecInfo(encode, None, name="idna") if name == "idna" else encodings.search_function(name))
socket.socket()
"""


@pytest.mark.parametrize("module", ["socket", "_socket"])
@pytest.mark.parametrize("options", ["--no-network", "--no-network --seal --allow-domain allowed.test"])
def test_allowed_names_go_to_no_codec(isolated, options, module):
    """C encodes after it has announced the call: `localhost` could have become another name."""
    code = f"""
for name in ("localhost", "127.0.0.1", "allowed.test"):
    for call in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        rest = (80,) if call == "getaddrinfo" else ()
        try:
            getattr({module}, call)(name, *rest)
        except (OSError, RuntimeError):
            pass
try:
    {module}.getaddrinfo(host="localhost", port=80)
    socket.create_connection(("allowed.test", 80), 1)
except (OSError, RuntimeError):
    pass
print(asked)
"""
    done = isolated.script(options, CODEC + code)
    assert done.stdout == "[]\n", done.stderr


def test_originals_of_look_ups_are_in_no_code_that_can_be_read(isolated):
    code = """
import _socket
def constants(value, seen):
    if type(value) is tuple or type(value) is list:
        for item in value: constants(item, seen)
    elif type(value) is type(constants):
        try: constants(value.__code__.co_consts, seen)
        except RuntimeError: pass
    else:
        seen.append(value)
    return seen
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
    print([v for v in constants(getattr(_socket, name), []) if type(v) is type(len)])
"""
    assert isolated.script("--no-network --seal", code).stdout == "[]\n" * 5


def test_look_ups_answer_as_without_guards(isolated):
    code = """
import socket
from inspect import signature
print(socket.gethostbyname("localhost"), socket.gethostbyname_ex("127.0.0.1")[2])
print(sorted({answer[4][0] for answer in socket.getaddrinfo("127.0.0.1", "http")}))
for act in (lambda: socket.gethostbyname(), lambda: socket.getaddrinfo(1.5, 80), lambda: socket.gethostbyname(None)):
    try: act()
    except TypeError as error: print(error)
print(type(socket.getfqdn()), socket.gethostbyname.__name__, socket.getaddrinfo(None, 80)[0][4][1])
"""
    plain = isolated.python(str(isolated.write("plain.py", code)))
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (0, plain.stdout), done.stderr


def test_letters_that_are_not_ascii_are_refused_by_every_look_up(isolated):
    code = """
    import socket
    for ask in (socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr):
        try:
            ask("\u00e4.test")
        except Exception as error:
            print(error)
    """
    done = isolated.script("--no-network --allow-domain=test", code)
    assert done.stdout.count("network disabled: socket.gethostby") == 3, done
