"""Where a name leads, and whether that is outside: a webhook must not reach what only this machine can."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

TRANSLATED: Final = ip_network("64:ff9b::/96")  # NAT64: an IPv4 address in the last four bytes
UNICAST: Final = ip_network("2000::/3")  # all that is given out of IPv6; the rest has other meanings

Address = IPv4Address | IPv6Address


class NotPublic(Exception):
    """The name leads to an address of this machine or of a private network."""


def connect(host: str, port: int, *, private: bool, timeout: float) -> socket.socket:
    """A connection to the first of its addresses that answers. All of them must be public, unless `private`. Raises
    NotPublic, OSError."""
    found = [str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(is_public(address) for address in found):
        raise NotPublic
    for address in found[:-1]:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError:
            continue
    return socket.create_connection((found[-1], port), timeout)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could mean the same by it."""
    meant = _meant(ip_address(address.partition("%")[0]))
    odd = meant.is_multicast or (isinstance(meant, IPv6Address) and meant not in UNICAST)
    return meant.is_global and not odd


def _meant(address: Address) -> Address:
    """The IPv4 address inside of one that only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
