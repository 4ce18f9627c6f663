"""The lists of hosts, as pure decisions: what an entry means, and what holds for every list."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_acts import V4, V6, answer, bind, connect, resolve, rules

from _hermetic.capabilities import network as net
from _hermetic.capabilities.network import addresses as adr
from _hermetic.capabilities.network.decisions import may_ask
from _hermetic.capabilities.network.entries import parse, written
from _hermetic.capabilities.network.rules import DENIED_LEARNT, LEARNT

# --- what an entry means ---


@pytest.mark.parametrize(
    ("entry", "same"),
    [
        ("Example.COM.", "example.com"),
        ("*.Example.com:443", "*.example.com:443"),
        ("b\u00fccher.example:80-90", "xn--bcher-kva.example:80-90"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/8:1-65535", "10.0.0.0/8:1-65535"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]:8000", "[::1]:8000"),
        ("[FD00::/8]:443", "[fd00::/8]:443"),
        ("fd00::/8", "fd00::/8"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("example.com:80-80", "example.com:80"),
    ],
)
def test_entry_is_understood(entry, same):
    assert written(parse(entry)) == same
    assert parse(same) == parse(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "*", "*.", "*.*", "**.a.com", "a*.com", "a.*.com", "*a.com", "*.*.a.com", ".", ".com", "a..com", "a b", "a\tb", "a\0b",
        "a\n", "http://a.com", "https://a.com:443/x", "//a.com", "user@a.com", "a.com/x", "a.com/24", "a.com:", "a.com:0", "a.com:65536",
        "a.com:080", "a.com:-1", "a.com:80-", "a.com:-80", "a.com:90-80", "a.com:http", "a.com:80:90", "a.com:80,90", "a.com:+80", ":80",
        "a.com:٨٠", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10/8",
        "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "1.2.3.4.5/8", "[127.0.0.1]", "[::1", "::1]", "[::1]8000", "[::1]:",
        "[a.com]:80", "fe80::1%eth0", "[fe80::1%1]:80", "::1::", "fd00::1/8", "fd00::/129", "64:ff9b::/96", "64:ff9b::a00:1", "2002:a00:1::",
        "::8.8.8.8", "①②⑦.0.0.1", "a\u200b.com", "exa\u2028mple.com", "a,b", "a;b", "a_b!", "x" * 64 + ".com", "a." * 130 + "com",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["allow_hosts", "deny_hosts"])
def test_what_cannot_be_understood_is_refused_with_the_reason(entry, kind):
    with pytest.raises(ValueError, match="is not a host: ") as error:
        net.make_rules(**{kind: (entry,)})
    assert repr(entry) in str(error.value)


@pytest.mark.parametrize("entry", ["/tmp/x.sock", "./x.sock", "../x", "~/x.sock", "@name", "unix:/x"])
@pytest.mark.parametrize("kind", ["allow_hosts", "deny_hosts", "allow_domains"])
def test_the_place_of_a_unix_socket_is_told_where_it_belongs(entry, kind):
    with pytest.raises(ValueError, match="for --allow-unix-socket") as error:
        net.make_rules(**{kind: (entry,)})
    assert repr(entry) in str(error.value)


@pytest.mark.parametrize(
    ("domain", "said"), [("https://a.org", "write the name alone"), ("*.*.a.org", r"write NAME, or \*.NAME")]
)
def test_a_domain_that_is_none_is_told_with_what_to_write(domain, said):
    with pytest.raises(ValueError, match=said):
        net.make_rules(allow_domains=(domain,))


PORTS = st.one_of(st.none(), st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(lambda p: (min(p), max(p))))


@st.composite
def ranges(draw):
    """Networks as entries hold them, IPv6 ones outside what stands for IPv4."""
    bits = draw(st.sampled_from([32, 128]))
    size = draw(st.integers(0, bits))
    top = draw(st.integers(0, 2**16 - 1)) << (bits - 16) if bits == 32 else draw(st.integers(0x2400, 0xFFFF)) << 112
    number = (top | draw(st.integers(0, 2**12))) >> (bits - size) << (bits - size)
    return ipaddress.ip_network((number, size)) if bits == 32 else ipaddress.IPv6Network((number, size))


@given(ranges(), PORTS)
def test_every_range_is_read_as_it_is_written(network, ports):
    text = str(network) if network.prefixlen < network.max_prefixlen else str(network.network_address)
    text = text if ports is None else (f"[{text}]" if ":" in text else text) + f":{ports[0]}-{ports[1]}"
    kind, key, found = parse(text)
    assert (kind, found) == ("range", ports)
    assert key == (network.max_prefixlen, network.prefixlen, int(network.network_address))
    assert parse(written((kind, key, found))) == (kind, key, found)


@given(st.text(max_size=12) | st.from_regex(r"[0-9a-f:.*/\[\]-]{1,20}", fullmatch=True))
@settings(max_examples=400)
def test_nothing_but_a_value_error_and_what_is_read_is_stable(text):
    try:
        entry = parse(text)
    except ValueError:
        return
    assert parse(written(entry)) == entry


# --- what is allowed ---


def test_a_name_is_that_one_name_and_a_pattern_its_subdomains():
    one, below = rules(allow_hosts=["example.com"]), rules(allow_hosts=["*.example.com"])
    for mine, allowed in ((one, ["example.com"]), (below, ["a.example.com", "a.b.example.com"])):
        for host in (
            "example.com",
            "a.example.com",
            "a.b.example.com",
            "badexample.com",
            "com",
            "example.com.evil.org",
        ):
            assert (resolve(mine, host) is None) == (connect(mine, host) is None) == (host in allowed), host


def test_an_empty_list_allows_nothing():
    assert resolve(rules(allow_hosts=[]), "example.com") is not None
    assert connect(rules(allow_hosts=[]), "192.0.2.1") is not None


def test_a_port_is_that_port():
    mine = rules(allow_hosts=["example.com:443", "192.0.2.1:8000-8010", "[2001:db8::1]:22"])
    assert resolve(mine, "example.com") is None
    assert connect(mine, "example.com", 443) is None
    assert connect(mine, "example.com", 80)[3] == "--allow-host example.com:80"
    for port, allowed in ((7999, False), (8000, True), (8005, True), (8010, True), (8011, False)):
        assert (connect(mine, "192.0.2.1", port) is None) == allowed
    assert connect(mine, "2001:db8::1", 22) is None
    assert connect(mine, "2001:db8::1", 23)[3] == "--allow-host [2001:db8::1]:23"
    assert connect(mine, "2001:db8::2", 22) is not None


def test_addresses_carry_the_ports_of_the_names_they_were_learnt_under():
    mine = rules(allow_hosts=["one.org:443", "two.org:22", "*.three.org"])
    answer(mine, "one.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 443) is None
    assert connect(mine, "192.0.2.7", 22) is not None
    answer(mine, "two.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 22) is None
    assert connect(mine, "192.0.2.7", 443) is None
    assert connect(mine, "192.0.2.7", 80) is not None
    answer(mine, "a.three.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 80) is None
    answer(mine, "three.org", "192.0.2.8")
    assert connect(mine, "192.0.2.8", 80) is not None


@pytest.mark.parametrize("result", ["192.0.2.7", ("x", [], ["192.0.2.9", "192.0.2.7"])], ids=["gethostbyname", "_ex"])
def test_every_look_up_is_remembered(result):
    mine = rules(allow_hosts=["one.org:443"])
    net.remember(mine, ("one.org",), None, result)
    assert connect(mine, "192.0.2.7", 443) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "10.0.0.1", "fd00::1", "100.64.0.1"])
def test_an_address_is_permission_for_it_whatever_name_led_to_it(host):
    mine = rules(allow_hosts=[f"[{host}]:8000" if ":" in host else f"{host}:8000"], deny_private_network=True)
    assert connect(mine, host, 8000) is None
    assert connect(mine, host, 8001) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "::ffff:127.0.0.1"])
def test_an_address_counts_in_every_form(host):
    assert connect(rules(allow_hosts=["127.0.0.1:8000"]), host, 8000) is None
    assert connect(rules(deny_hosts=["127.0.0.1:8000"], block=False), host, 8000) is not None


def test_localhost_is_the_name_and_its_two_addresses():
    mine = rules(allow_hosts=["localhost:8000"])
    for host in ("localhost", "127.0.0.1", "::1"):
        assert connect(mine, host, 8000) is None
        assert connect(mine, host, 8001)[3] == "--allow-localhost"
    assert connect(mine, "127.0.0.2", 8000) is not None


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0", "localhost"])
def test_a_resolver_on_loopback_needs_its_port_named(entry):
    assert connect(rules(allow_hosts=[entry]), "127.0.0.1", 8000) is None
    assert connect(rules(allow_hosts=[entry]), "127.0.0.1", 53) is not None
    assert connect(rules(allow_hosts=[entry, "127.0.0.1:53"]), "127.0.0.1", 53) is None
    assert connect(rules(allow_hosts=["8.8.8.8"]), "8.8.8.8", 53) is None


METADATA = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::a9fe:a9fe", "::ffff:169.254.169.254"]


@pytest.mark.parametrize(
    "entry", ["169.254.169.254", "0.0.0.0/0", "::/0", "fd00:ec2::254", "169.254.169.254:80", "[::/0]:80"]
)
@pytest.mark.parametrize("host", [*METADATA, "metadata.google.internal"])
def test_metadata_is_given_back_by_no_entry(host, entry):
    mine = rules(allow_hosts=[entry, "metadata.google.internal", "*.google.internal", "metadata"], allow_localhost=True)
    assert connect(mine, host, 80) is not None
    answer(mine, "metadata.google.internal", *METADATA)
    assert connect(mine, host, 80) is not None


@pytest.mark.parametrize("host", METADATA)
def test_metadata_is_private_too(host):
    assert (
        connect(rules(deny_private_network=True, allow_hosts=["0.0.0.0/0", "::/0"], block=False), host, 80) is not None
    )


def test_listening_is_given_back_by_the_address_itself_only():
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "0.0.0.0", 8000) is None
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "", 8000) is None
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "0.0.0.0", 8001) is not None
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "0.0.0.0", 0) is not None
    assert bind(rules(allow_hosts=["0.0.0.0/0"]), "0.0.0.0", 8000) is not None
    assert bind(rules(allow_domains=["0.0.0.0"]), "0.0.0.0", 8000) is not None
    assert bind(rules(allow_hosts=["[::]:8000"]), "::", 8000) is None
    assert bind(rules(allow_hosts=["0.0.0.0:8000"], deny_hosts=["0.0.0.0/8"]), "0.0.0.0", 8000)[2] == "deny-host"
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "127.0.0.1", 1) is None
    assert bind(rules(allow_hosts=["0.0.0.0:8000"]), "a.org", 8000)[3] == "binding to 127.0.0.1 or ::1 instead"


def test_a_name_given_to_c_itself_is_refused_even_when_it_is_allowed():
    mine = rules(allow_hosts=["example.com"])
    assert connect(mine, "example.com", by_name=False)[3].startswith("socket.socket in place of")
    assert connect(mine, "example.com") is None


@pytest.mark.parametrize(
    "denied", ["192.0.2.1", "2001:db8::1", "192.0.2.0/24", "2001:db8::/32", "127.0.0.1:80", "[fd00::/8]:80", None]
)
def test_a_name_given_to_c_itself_is_refused_wherever_addresses_are_denied(denied):
    """Nobody sees which address C finds for it."""
    mine = rules(block=False, deny_private_network=True) if denied is None else rules(block=False, deny_hosts=[denied])
    assert connect(mine, "other.org", by_name=False)[3].startswith("socket.socket in place of")
    assert connect(mine, "other.org") is None


@pytest.mark.parametrize("entry", ["127.0.0.1:8000", "[::1]:8000", "127.0.0.0/8:8000"])
def test_an_address_of_this_machine_is_permission_for_localhost(entry):
    mine = rules(allow_hosts=[entry])
    assert connect(mine, "localhost", 8000) is None
    assert connect(mine, "localhost", 8001) is not None
    assert connect(mine, "localhost", 8000, by_name=False) is not None  # it could find the other of the two
    assert connect(rules(allow_hosts=["192.0.2.1:8000"]), "localhost", 8000) is not None


def test_the_name_of_an_address_is_asked_where_that_may_be_reached():
    def asked(mine, address):
        return net.decide(mine, net.RESOLVE, (address,), "socket.gethostbyaddr")

    for address in ("192.0.2.1", "2001:db8::1", "169.254.169.254"):
        assert asked(rules(), address)[:3] == (f"network disabled: DNS({address})", address, "no-network")
        assert asked(rules(block=False, deny_hosts=["203.0.113.1"]), address) is None
        entries = [f"{address}/{128 if ':' in address else 32}"]
        assert asked(rules(block=False, deny_hosts=entries), address)[2] == "deny-host"
        assert asked(rules(allow_hosts=entries, deny_hosts=entries), address)[2] == "deny-host"
    assert asked(rules(allow_hosts=["192.0.2.1:80"]), "192.0.2.1") is None
    assert asked(rules(allow_hosts=["192.0.2.1:80"]), "192.0.2.2") is not None
    assert asked(rules(), "127.0.0.2")[0] == ""  # an answer: no such host


@pytest.mark.parametrize(("family", "address", "other"), [(V4, "127.0.0.1", "::1"), (V6, "::1", "127.0.0.1")])
def test_no_host_at_all_is_this_machine(family, address, other):
    def to_nowhere(mine):
        return net.decide(mine, net.CONNECT, (family, "", 80, "connect"), "socket.connect")

    assert to_nowhere(rules(allow_localhost=True)) is None
    assert to_nowhere(rules()) is not None
    assert to_nowhere(rules(block=False, deny_hosts=[address]))[2] == "deny-host"
    assert to_nowhere(rules(block=False, deny_hosts=[other])) is None
    assert resolve(rules(), "") is None


def test_a_narrower_entry_hides_none_that_is_wider():
    names, addresses = (
        ["a.b.org:80", "*.b.org:443", "*.org:22"],
        ["192.0.2.7:80", "192.0.2.0/28:443", "192.0.0.0/16:22"],
    )
    for entries, host in ((names, "a.b.org"), (addresses, "192.0.2.7")):
        for port in (80, 443, 22):
            assert connect(rules(allow_hosts=entries), host, port) is None
            assert connect(rules(block=False, deny_hosts=entries), host, port) is not None
        assert connect(rules(allow_hosts=entries), host, 25) is not None
        assert connect(rules(block=False, deny_hosts=entries), host, 25) is None


@pytest.mark.parametrize("family", [16, 17, 38, 40])  # netlink, packets, the kernel's ciphers, virtual machines
def test_a_socket_of_another_family_reaches_nothing(family):
    target = (family, None, 0, "connect")
    assert net.decide(rules(allow_localhost=True), net.CONNECT, target, "socket.connect") is not None
    assert net.decide(rules(allow_localhost=True), net.BIND, target, "socket.bind") is not None
    # Of what is no host there is no list.
    assert net.decide(rules(block=False, deny_hosts=["0.0.0.0/0"]), net.CONNECT, target, "socket.connect") is None


# --- what is denied ---


def test_what_is_denied_is_denied_whatever_allows_it():
    mine = rules(
        allow_localhost=True,
        allow_domains=["example.com"],
        allow_hosts=["10.0.0.0/8", "a.example.com"],
        deny_hosts=["a.example.com", "10.1.0.0/16", "192.0.2.7:22"],
    )
    assert resolve(mine, "a.example.com")[1:] == ("a.example.com", "deny-host", "leaving out --deny-host a.example.com")
    assert connect(mine, "a.example.com") is not None
    assert resolve(mine, "example.com") is None
    assert connect(mine, "10.1.2.3") == (
        "network disabled: connect(10.1.2.3)",
        "10.1.2.3",
        "deny-host",
        "leaving out --deny-host 10.1.0.0/16",
    )
    assert connect(mine, "10.2.2.3") is None
    answer(mine, "example.com", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 443) is None
    assert connect(mine, "192.0.2.7", 22) is not None


def test_a_denied_host_alone_leaves_everything_else():
    mine = rules(block=False, deny_hosts=["evil.org", "*.ads.net", "203.0.113.0/24", "[2001:db8::/32]:25"])
    for host in ("evil.org", "x.ads.net", "203.0.113.9", "::ffff:203.0.113.9", "0xcb007109"):
        assert connect(mine, host) is not None, host
    for host in ("x.evil.org", "ads.net", "203.0.114.9", "127.0.0.1", "localhost", "169.254.169.254", "2001:db8::1"):
        assert connect(mine, host) is None, host
    assert connect(mine, "2001:db8::1", 25) is not None
    assert resolve(mine, "evil.org") is not None
    assert resolve(mine, "good.org") is None
    assert net.decide(mine, net.TLS, ("evil.org", None, -1), "")[2] == "deny-host"
    assert net.decide(mine, net.TLS, ("good.org", "203.0.113.9", 443), "")[2] == "deny-host"
    assert net.decide(mine, net.TLS, ("good.org", "192.0.2.1", 443), "") is None


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost", "127.0.0.1:80"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "", "0", "127.1", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1"]
)
def test_denied_loopback_is_denied_under_every_name_of_it(entry, host):
    mine = rules(block=False, deny_hosts=[entry])
    assert connect(mine, host, 80, by_name=False) is not None


def test_denied_loopback_is_denied_to_names_that_c_looks_up():
    for entry in ("127.0.0.1", "::1", "localhost"):
        assert connect(rules(block=False, deny_hosts=[entry]), "localhost", 80, by_name=False) is not None
    assert connect(rules(block=False, deny_hosts=["192.0.2.1"]), "localhost", 80, by_name=False) is None
    assert connect(rules(block=False, deny_hosts=["192.0.2.1"]), "other.org", 80, by_name=False) is not None
    assert connect(rules(block=False, deny_hosts=["evil.org"]), "other.org", 80, by_name=False) is None


def test_broadcast_is_denied_by_its_address():
    mine = rules(block=False, deny_hosts=["255.255.255.255"])
    assert net.decide(mine, net.CONNECT, (V4, "<broadcast>", 9, "sendto"), "") is not None


@pytest.mark.parametrize("host", ["64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "2001:db8::1"])
def test_denied_ipv6_includes_ipv4_that_is_sent_as_ipv6(host):
    assert connect(rules(block=False, deny_hosts=["::/0"]), host) is not None
    assert connect(rules(block=False, deny_hosts=["0.0.0.0/0"]), "2001:db8::1") is None


# 10.1.2.3: of a Teredo server and a client behind another one; in ISATAP of two networks; by NAT64 with a local prefix
# of 48, 56 and 64 bits.
CARRYING = [
    "2001:0:a01:203::1", "2001:0:808:808:0:0:f5fe:fdfc", "2001:db8::5efe:10.1.2.3", "fd00::200:5efe:10.1.2.3",
    "64:ff9b:1:a01:2:300::", "64:ff9b:1:ff0a:1:203::", "64:ff9b:1:fffe:a:102:300::",
]  # fmt: skip


@pytest.mark.parametrize("host", CARRYING)
def test_an_address_is_denied_to_those_who_carry_packets_there(host):
    mine = rules(block=False, deny_hosts=["10.0.0.0/8"])
    assert connect(mine, host)[3] == "leaving out --deny-host 10.0.0.0/8"
    assert connect(rules(allow_hosts=["::/0"], deny_hosts=["10.1.2.3:80"]), host, 80) is not None
    assert connect(rules(block=False, deny_hosts=["10.1.2.3:80"]), host, 81) is None
    assert connect(rules(block=False, deny_private_network=True), host) is not None
    # It gives nothing: where the packets come out, only the one who carries them knows.
    assert connect(rules(allow_hosts=["10.0.0.0/8"]), host) is not None


@pytest.mark.parametrize(
    "host",
    ["2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "2001:db8::5efe:169.254.169.254", "64:ff9b:1:a9fe:a9:fe00::1"],
)
def test_metadata_services_are_denied_to_those_who_carry_packets_there(host):
    assert connect(rules(allow_hosts=["::/0", "0.0.0.0/0"]), host) is not None


@pytest.mark.parametrize("host", ["64:ff9b:1::8.8.8.8", "2001:db8::1", "2001:0:808:808::1", "2001:db8::5eff:10.1.2.3"])
def test_what_carries_nothing_denied_is_not_denied(host):
    assert connect(rules(block=False, deny_hosts=["10.0.0.0/8", "127.0.0.1"], deny_private_network=True), host) is None


def test_a_name_that_is_denied_on_a_port_takes_its_addresses_with_it():
    mine = rules(block=False, deny_hosts=["evil.org:22"])
    assert resolve(mine, "evil.org") is None
    assert resolve(mine, "evil.org", 443) is None
    assert resolve(mine, "evil.org", 22) is not None
    assert connect(mine, "evil.org", 22) is not None
    answer(mine, "evil.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 22)[3] == "leaving out --deny-host evil.org:22"
    assert connect(mine, "192.0.2.7", 443) is None
    assert not mine[LEARNT]


def test_an_address_that_is_denied_stays_so_whatever_name_led_to_it():
    mine = rules(block=False, deny_hosts=["192.0.2.0/24", "evil.org:22"])
    answer(mine, "evil.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 443)[3] == "leaving out --deny-host 192.0.2.0/24"
    assert connect(mine, "192.0.2.7", 22) is not None


def test_no_port_is_not_any_port():
    for host in ("192.0.2.7", "a.org", "127.0.0.1", "localhost"):
        assert connect(rules(allow_hosts=[f"{host}:22"]), host, 0) is not None


def test_a_range_gives_back_no_address_of_a_name_that_is_denied():
    mine = rules(allow_domains=["a.org"], allow_hosts=["0.0.0.0/0"], deny_hosts=["a.org:80"])
    answer(mine, "a.org", "192.0.2.7")
    assert connect(mine, "192.0.2.7", 80)[3] == "leaving out --deny-host a.org:80"
    assert connect(mine, "192.0.2.7", 443) is None
    assert connect(mine, "192.0.2.8", 80) is None


PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.0.1", "fc00::1", "fdff::1", "169.254.1.1",
           "fe80::1", "fec0::1", "::ffff:10.0.0.1", "0xa000001", "64:ff9b::10.0.0.1"]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "172.15.0.1",
    "100.128.0.1",
    "100.63.0.1",
    "192.169.1.1",
    *("93.16.0.1", "93.168.0.1", "93.64.0.1", "93.254.0.1", "169.1.0.1", "2a80::1", "fe7f::1"),
    "11.0.0.1",
    "2001:db8::1",
    "127.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_denied_by_whatever_name_or_number(host):
    alone = rules(block=False, deny_private_network=True)
    assert connect(alone, host)[2] == "deny-private-network"
    mine = rules(deny_private_network=True, allow_domains=["corp.org"])
    answer(mine, "corp.org", host)
    assert connect(mine, host) is not None
    if not adr.is_link_local(adr.packed_address(host)):
        without = rules(allow_domains=["corp.org"])
        answer(without, "corp.org", host)
        assert connect(without, host) is None


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_not_private(host):
    assert connect(rules(block=False, deny_private_network=True), host) is None


def test_a_name_relaxes_nothing_where_only_private_addresses_are_denied():
    with pytest.raises(ValueError, match="without --no-network only private addresses"):
        net.make_rules(block=False, deny_private_network=True, allow_hosts=["corp.org"])
    mine = rules(block=False, deny_private_network=True, allow_hosts=["10.0.0.1:443"])
    assert connect(mine, "10.0.0.1", 443) is None
    assert connect(mine, "10.0.0.1", 80)[3] == "--allow-host 10.0.0.1:80"
    assert connect(mine, "corp.org", 80) is None  # what it comes to is judged next


@pytest.mark.parametrize("call", ["connect", "resolve", "tls", "create"])
def test_what_cannot_be_read_falls_under_the_option_that_was_given(call):
    target = {
        "connect": (net.CONNECT, (V4, None, 0, "connect")),
        "resolve": (net.RESOLVE, (None, 0)),
        "tls": (net.TLS, ((), None, -1)),
        "create": (net.CREATE, "Tcl"),
    }[call]
    for lists, option in (
        ({}, "no-network"),
        ({"block": False, "deny_hosts": ["a.org"]}, "deny-host"),
        ({"block": False, "deny_private_network": True}, "deny-private-network"),
    ):
        assert net.decide(rules(**lists), *target, "call")[2] == option


def test_memories_are_empty_without_a_port_limited_denial():
    mine = rules(allow_domains=["a.org"])
    answer(mine, "a.org", "192.0.2.7")
    assert not mine[DENIED_LEARNT]


def test_what_answers_for_the_program_asks_for_allowed_names_that_no_list_denies():
    mine = rules(allow_domains=["example.com"], deny_hosts=["no.example.com", "half.example.com:80"])
    found = [
        name
        for name in ("example.com", "no", "half", "a")
        if may_ask(mine, name if "." in name else f"{name}.example.com")
    ]
    assert found == ["example.com", "half", "a"]
    assert not may_ask(mine, "other.org")
    assert not may_ask(rules(allow_domains=["internal"]), "metadata.google.internal")
