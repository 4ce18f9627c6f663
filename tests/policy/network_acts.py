"""Acts of the network, put to its decisions."""

from __future__ import annotations

import socket

from _hermetic.capabilities import network as net
from _hermetic.capabilities.network import addresses as adr

V4, V6 = socket.AF_INET, socket.AF_INET6


def rules(**lists):
    return net.prepare(net.make_rules(**lists))


def connect(mine, host, port=443, by_name=True):
    target = (V6 if ":" in host else V4, adr.clean_host(host), port, "connect")
    return net.decide(mine, net.CONNECT, (*target, True) if by_name else target, "socket.connect")


def resolve(mine, host, port=None):
    target = adr.clean_host(host) if port is None else (adr.clean_host(host), port)
    return net.decide(mine, net.RESOLVE, target, "socket.getaddrinfo")


def bind(mine, host, port=0):
    return net.decide(mine, net.BIND, (V6 if ":" in host else V4, adr.clean_host(host), port, "bind"), "socket.bind")


def answer(mine, name, *addresses):
    """The look-up of a name answers."""
    net.remember(mine, (name, 443), None, [(V6 if ":" in a else V4, 1, 6, "", (a, 443)) for a in addresses])
