"""Where a name leads, and whether one may go there."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any, Final

from webhooks.outside.rules import Refused, Rules

TRANSLATED: Final = ip_network("64:ff9b::/96")  # NAT64: an IPv4 address in the last four bytes
UNICAST: Final = ip_network("2000::/3")  # all that is given out of IPv6; the rest has other meanings
# What some versions of Python count as public: addresses of protocols, of relays, for examples; and one that is public
# and means a cloud's own services inside of it.
RESERVED: Final = tuple(
    ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32")
)

Address = IPv4Address | IPv6Address
Found = list[str] | OSError | UnicodeError


def allowed(address: str, rules: Rules) -> bool:
    """Whether it means the same to anybody on the internet, or is one that the rules name."""
    meant = _meant(ip_address(address.partition("%")[0]))
    if any(meant in network for network in rules.networks):
        return True
    return _is_public(meant) and not any(meant in network for network in RESERVED)


def _is_public(address: Address) -> bool:
    odd = address.is_multicast or (isinstance(address, IPv6Address) and address not in UNICAST)
    return address.is_global and not odd


def _meant(address: Address) -> Address:
    """The IPv4 address inside of one that only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def refuse_number(host: str, rules: Rules) -> None:
    """Refuses a host that is a forbidden address already as it is written, in whatever notation. Asks nobody."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return  # a name
    _require(found_in(found), rules)


def resolve(host: str, port: int, rules: Rules, *, within_s: float) -> list[str]:
    """The addresses of a name; all of them may be called. Raises Refused, OSError."""
    answers: SimpleQueue[Found] = SimpleQueue()
    # The system's resolver knows no time limit; its thread ends when it is through with its own attempts.
    threading.Thread(target=_ask, args=(host, port, answers), daemon=True).start()
    try:
        found = answers.get(timeout=within_s)
    except Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(found, UnicodeError):
        raise Refused("not an address")
    if isinstance(found, OSError):
        raise found
    _require(found, rules)
    return found


def _ask(host: str, port: int, answers: "SimpleQueue[Found]") -> None:
    try:
        answers.put(found_in(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as error:
        answers.put(error)


def found_in(places: Sequence[tuple[Any, ...]]) -> list[str]:
    """The addresses in what the resolver says."""
    return list(dict.fromkeys(str(place[4][0]) for place in places))


def _require(found: list[str], rules: Rules) -> None:
    if not found or not all(allowed(address, rules) for address in found):
        raise Refused("not a public address")
