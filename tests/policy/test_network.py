"""The network family's decision: pure, so every spelling of a host can be tried without a network."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _hermetic.capabilities import network as net
from _hermetic.capabilities.network import addresses as adr
from _hermetic.capabilities.network.rules import EVERY_PORT, LEARNT
from _hermetic.capabilities.network.sockets import reverse_target

V4, V6, UNIX = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX


def rules(localhost=False, domains=(), **more):
    return net.prepare(net.make_rules(localhost, tuple(domains), **more))


def connect(mine, host, port=443, family=V4, verb="connect"):
    return net.decide(mine, net.CONNECT, (family, adr.clean_host(host), port, verb), "socket.connect")


def resolve(mine, host):
    return net.decide(mine, net.RESOLVE, adr.clean_host(host), "socket.getaddrinfo")


def bind(mine, host, port=0):
    return net.decide(mine, net.BIND, (V4, adr.clean_host(host), port, "bind"), "socket.bind")


# --- spellings of an address ---

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0x7F.0.0.0x1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:0001",
    "0.0.0.0", "0", "0x0", "00", "::", "::1%lo", "::ffff:0.0.0.0",
]  # fmt: skip
# What holds an address of the machine's, and goes by its default route to a translator or the end of a tunnel.
SENT = [
    "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::0.0.0.0", "64:ff9b:1::7f00:1", "64:ff9b:1:6461:7461::7f00:1",
    "64:ff9b:1:2::7f00:1", "::ffff:0:127.0.0.1", "2002:7f00:1::", "2002:7f00:0001:1234::5", "2002:0:0:1234::5",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "0xa9.0xfe.0xa9.0xfe", "169.16689662",
    "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::", "2002:a9fe:a9fe:1::1", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0", "fe80:0:0:0:0:0:a9fe:a9fe",
    "fd00:ec2::254", "FD00:0EC2::0254", "fd00:ec2::254%1", "100.100.100.200", "0x646464c8", "::ffff:100.100.100.200",
    "64:ff9b:1::169.254.169.254", "64:ff9b:1:2:3::a9fe:a9fe", "::ffff:0:169.254.169.254",
    "metadata", "metadata.google.internal", "METADATA.google.INTERNAL", "metadata.google.internal.", "metadata.",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_every_spelling_of_loopback_needs_its_permission(host):
    assert connect(rules(), host) is not None
    assert connect(rules(True), host) is None
    assert connect(rules(False, ["example.com"]), host) is not None


@pytest.mark.parametrize("host", SENT)
def test_what_is_sent_into_the_network_is_not_loopback(host):
    for mine in (rules(), rules(True), rules(allow_hosts=["127.0.0.1", "127.0.0.0/8", "0.0.0.0", "localhost"])):
        assert connect(mine, host)[3].startswith("127.0.0.1 or ::1: ")
        assert bind(mine, host) is not None
        assert net.decide(mine, net.RESOLVE, (host,), "socket.gethostbyaddr")[0] == f"network disabled: DNS({host})"
        assert net.decide(mine, net.TLS, (None, host, 443), "") is not None
    assert connect(rules(block=False, deny_hosts=["127.0.0.1", "0.0.0.0"]), host) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"])
def test_names_of_the_machine_are_its_own_to_tell(host):
    assert reverse_target((host,), None) is None


@pytest.mark.parametrize("local", [False, True])
def test_other_addresses_of_loopback_would_be_a_question(local):
    assert reverse_target(("127.100.97.116",), None) == ("127.100.97.116",)
    found = net.decide(rules(local), net.RESOLVE, ("127.100.97.116",), "socket.getnameinfo")
    assert (found[0], found[3]) == ("network disabled: DNS(127.100.97.116)", "--allow-host 127.100.97.116")
    unknown = net.decide(rules(local), net.RESOLVE, ("127.100.97.116",), "socket.gethostbyaddr")
    assert (unknown[0], str(unknown[4])) == ("", "[Errno 1] no such host")
    listed = rules(local, allow_hosts=["127.100.97.116"])
    assert net.decide(listed, net.RESOLVE, ("127.100.97.116",), "socket.getnameinfo") is None


@pytest.mark.parametrize("host", METADATA)
def test_metadata_is_denied_whatever_allows_it(host):
    everything = rules(True, ["metadata.google.internal", "internal", "metadata", "169.254.169.254", "100.100.100.200"])
    everything[LEARNT].update(dict.fromkeys(adr.METADATA, EVERY_PORT))
    found = connect(everything, host)
    assert found is not None
    assert "always denied" in found[3]
    assert resolve(everything, host) is not None


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "134744072",
        "0x08080808",
        "2001:4860:4860::8888",
        "10.0.0.1",
        "192.168.1.1",
        "1.1",
        "169.254.1.1",
        "fe80::1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::2",
        "ff02::1",
    ],
)
def test_other_addresses_are_denied_with_localhost_allowed(host):
    assert connect(rules(True), host) is not None
    assert resolve(rules(), host) is None, "an address is no question"


@pytest.mark.parametrize("port", [53, 853, 5353])
def test_resolvers_on_loopback_answer_for_the_internet(port):
    assert connect(rules(True), "127.0.0.1", port) is not None
    assert connect(rules(True), "localhost", port) is not None
    assert connect(rules(True), "127.0.0.1", port + 1) is None
    named = rules(domains=["127.0.0.1", "::1"])
    assert connect(named, "127.0.0.1", port + 1) is None
    for host in ("127.0.0.1", "::1"):
        assert connect(named, host, port) is not None
    for allowed in (rules(True), named):
        assert "a resolver answers for the internet" in connect(allowed, "127.0.0.1", port)[3]


@pytest.mark.parametrize("host", [
    "169.254.169.254\0.example.com", "example.com\0", "\0example.com", "a\nb.example.com", "a\r.example.com", "a b", "a\tb",
    "\x7f.example.com", "①②⑦.0.0.1", "１２７.0.0.1", "ｅxample.com", "example。com", "exämple.com", "exam\u200bple.com",
    "..", "a..example.com", ".example.com", "ſ.com", "\u212a.com", "127.0.0.1.", "127.1.", "0x7f000001.",
    "ex\\097mple.com", "data\\.example.com", "example.com\\",
], ids=ascii)  # fmt: skip
def test_host_that_c_could_read_differently_is_refused(host):
    with pytest.raises(ValueError, match="."):
        adr.clean_host(host)


@pytest.mark.parametrize("host", [b"example.com\0", b"ex\xffample.com"])
def test_bytes_are_read_like_text(host):
    with pytest.raises(ValueError, match="."):
        adr.clean_host(host)
    assert adr.clean_host(b"Example.COM.") == "example.com"


def test_text_that_could_lie_is_refused():
    class Liar(str):
        def __str__(self):
            return "allowed.com"

        def lower(self):
            return "allowed.com"

        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    with pytest.raises(TypeError):  # C would ask it to encode itself
        adr.clean_host(Liar("evil.com"))


@pytest.mark.parametrize("thing", [None, 5, ["a"], bytearray(b"a"), memoryview(b"a"), object()])
def test_what_is_no_text_is_not_read(thing):
    with pytest.raises(TypeError):
        adr.clean_host(thing)


# --- names ---


@pytest.mark.parametrize(
    "host", ["example.com", "a.example.com", "A.B.Example.Com", "example.com.", "www.example.com."]
)
def test_domain_covers_itself_and_what_is_below(host):
    assert resolve(rules(domains=["example.com"]), host) is None


@pytest.mark.parametrize(
    "host", ["evilexample.com", "example.com.evil.org", "example.co", "com", "xample.com", "example", "a-example.com"]
)
def test_domain_matches_at_a_dot_only(host):
    assert resolve(rules(domains=["example.com"]), host) is not None
    assert resolve(rules(domains=["*.example.com"]), host) is not None


@pytest.mark.parametrize("domain", ["", "*", "*.", "a/b", "http://a.org", "a b", "a\0b", "..", "a..b", "*.*.a", "a*"])
def test_domain_that_cannot_mean_anything_is_a_value_error(domain):
    with pytest.raises(ValueError, match="."):
        net.make_rules(False, (domain,))


def test_international_domain_is_compared_in_its_ascii_form():
    assert resolve(rules(domains=["bücher.example"]), "xn--bcher-kva.example") is None


@pytest.mark.parametrize(
    "text", ["B\u00dcCHER.Example.", "bu\u0308cher.EXAMPLE", "\u212aelvin.example", "xn--strae-oqa.b\u00fccher.example"]
)
def test_names_that_all_programs_read_alike_are_understood(text):
    net.make_rules(False, (text,))
    net.make_rules(allow_hosts=(text,))


@pytest.mark.parametrize(
    "text",
    [
        "stra\u00dfe.example", "GRO\u1e9e.example", "*.stra\u00dfe.example", "\u03b2\u03cc\u03bb\u03bf\u03c2.example", "exam\u200dple.com",
        "exam\u200cple.com", "exam\u200bple.com", "exa\u00admple.com", "\uff45xample.com", "\ufb03.example", "\u017f.example",
        "\u4f8b\u3048\u3002jp", "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.0.0.1",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["allow_domains", "allow_hosts", "deny_hosts"])
def test_a_name_that_is_another_one_to_some_programs_is_refused(kind, text):
    """What Python's IDNA makes two letters of, or nothing, is a letter to browsers, httpx and requests."""
    with pytest.raises(ValueError, match="is not a"):
        net.make_rules(**{kind: (text,)})


def test_the_refusal_of_such_a_name_says_what_to_write():
    with pytest.raises(ValueError, match="in two ways; write strasse, or the xn-- form that is meant"):
        net.make_rules(allow_domains=("stra\u00dfe.example",))


def test_empty_list_of_domains_denies_everything():
    assert resolve(rules(domains=[]), "example.com") is not None


def test_localhost_is_resolved_by_the_machine_itself():
    for host in ("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "::1"):
        assert resolve(rules(), host) is None


def answers(*addresses):
    return [(V6 if ":" in a else V4, 1, 6, "", (a, 443)) for a in addresses]


def test_addresses_of_an_allowed_name_are_reachable_under_it():
    mine = rules(domains=["example.com"])
    assert connect(mine, "192.0.2.7") is not None
    net.remember(mine, ("example.com", 443), None, answers("192.0.2.7", "2001:db8::7"))
    assert connect(mine, "192.0.2.7") is None
    assert connect(mine, "2001:db8::7", family=V6) is None
    assert connect(mine, "::ffff:192.0.2.7", family=V6) is None
    assert connect(mine, "192.0.2.8") is not None


def test_answer_for_another_name_is_not_remembered():
    mine = rules(domains=["example.com"])
    net.remember(mine, ("evil.org", 443), None, answers("192.0.2.7"))
    net.remember(mine, (None, 443), None, answers("192.0.2.8"))
    assert not mine[LEARNT]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "169.254.1.1",
        "fe80::1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:127.0.0.1",
        "100.100.100.200",
        "fd00:ec2::254",
    ],
)
def test_allowed_name_that_resolves_to_loopback_or_link_local_gains_nothing(address):
    mine = rules(domains=["example.com"])
    net.remember(mine, ("example.com", 443), None, answers(address))
    assert not mine[LEARNT]
    # Nor if it were remembered: each of the two holds without the other.
    mine[LEARNT][adr.packed_address(address)] = EVERY_PORT
    assert connect(mine, address) is not None


# --- listening ---


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.5.5.5"])
def test_binding_to_loopback_is_allowed(host):
    assert bind(rules(), host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "0", "192.0.2.1", "example.com", "::ffff:0.0.0.0", "10.0.0.1"])
def test_binding_elsewhere_is_every_interface_or_another_machine(host):
    assert bind(rules(True), host) is not None


# --- Unix sockets ---


def test_unix_socket_needs_to_be_ones_own():
    mine = rules(True)
    target = (UNIX, "/run/other.sock", 0, "connect")
    assert net.decide(mine, net.CONNECT, target, "socket.connect") is not None
    assert net.decide(rules(), net.CONNECT, target, "socket.connect") is not None


# --- messages ---


@pytest.mark.parametrize(
    ("found", "text", "target"),
    [
        (lambda: resolve(rules(), "h.org"), "network disabled: DNS(h.org)", "h.org"),
        (lambda: connect(rules(), "h.org"), "network disabled: connect(h.org)", "h.org"),
        (
            lambda: connect(rules(), "h.org", verb="create_connection"),
            "network disabled: create_connection(h.org)",
            "h.org",
        ),
        (lambda: connect(rules(), "192.0.2.1", verb="sendto"), "network disabled: sendto(192.0.2.1)", "192.0.2.1"),
        (lambda: bind(rules(), "0.0.0.0"), "network disabled: bind(0.0.0.0)", "0.0.0.0"),
        (lambda: net.decide(rules(), net.PAIR, "socketpair", ""), "network disabled: socketpair", None),
        (lambda: net.decide(rules(), net.PAIR, "fromfd", ""), "network disabled: fromfd", None),
        (lambda: net.decide(rules(), net.TLS, ("h.org", None, -1), ""), "network disabled: TLS", None),
    ],
)
def test_documented_texts(found, text, target):
    message, shown, reason, remedy = found()
    assert (message, shown, reason) == (text, target, "no-network")
    assert remedy


def test_remedy_fits_the_host():
    assert connect(rules(), "h.org")[3] == "--allow-domain h.org"
    assert connect(rules(), "127.0.0.1")[3] == "--allow-localhost"


def test_tls_to_an_allowed_peer():
    mine = rules(domains=["example.com"])
    assert net.decide(mine, net.TLS, ("www.example.com", None, -1), "") is None
    assert net.decide(mine, net.TLS, ("evil.org", None, -1), "") is not None
    assert net.decide(mine, net.TLS, ("example.com", "192.0.2.1", -1), "") is not None
    assert net.decide(rules(True), net.TLS, ("localhost", "127.0.0.1", -1), "") is None
    assert net.decide(rules(), net.TLS, ("localhost", "127.0.0.1", -1), "") is not None


# --- properties ---

HOSTS = st.one_of(
    st.sampled_from([*LOOPBACK, *METADATA]),
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}", fullmatch=True),
    st.integers(0, 2**32 - 1).flatmap(lambda n: st.sampled_from([str(n), hex(n), f"0{n:o}"])),
)
DOMAINS = st.lists(st.from_regex(r"[a-z]{1,4}(\.[a-z]{1,4}){0,2}", fullmatch=True), max_size=3)


@given(st.integers(0, 2**32 - 1))
def test_every_spelling_of_one_address_is_that_address(number):
    address = ipaddress.IPv4Address(number)
    packed = address.packed
    a, b, c, d = packed
    for text in (
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0{b:o}.{c}.{d}",
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        str(ipaddress.IPv6Address(b"\x20\x02" + packed + b"\0" * 10)),
    ):
        assert adr.packed_address(adr.clean_host(text)) == packed, text


@given(HOSTS, st.integers(0, 65535))
def test_nothing_is_allowed_without_an_allowance(host, port):
    assert connect(rules(), host, port) is not None


@given(HOSTS, st.integers(0, 65535))
def test_localhost_allows_loopback_only(host, port):
    if connect(rules(True), host, port) is None:
        packed = adr.packed_address(adr.clean_host(host))
        assert packed is None or adr.is_loopback(packed)
        assert packed is not None or adr.clean_host(host) in adr.LOOPBACK_NAMES


@given(HOSTS, DOMAINS, st.booleans())
def test_more_domains_never_deny_more_and_never_open_metadata(host, domains, local):
    fewer, more = rules(local, domains[:1]), rules(local, domains)
    if resolve(fewer, host) is None:
        assert resolve(more, host) is None
    if adr.is_metadata(adr.clean_host(host), adr.packed_address(adr.clean_host(host))):
        assert resolve(more, host) is not None


@given(st.text(max_size=20))
def test_reading_a_host_never_changes_what_c_would_see(text):
    try:
        host = adr.clean_host(text)
    except ValueError:
        return
    assert host.isascii()
    assert host.isprintable()
    assert host == text.lower().removesuffix(".")
