"""A POST to an address that somebody else chose: resolved once, connected to what was looked at, bounded in all."""

import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from webhooks.outside import addresses
from webhooks.outside.rules import Refused, Rules, Target, target

TIMEOUT_S: Final = 10.0  # from the name to the status, whatever the receiver does meanwhile
MOST_REPLY: Final = 16_384  # bytes of status and headers; the body is not read
MOST_ADDRESSES: Final = 3  # of one name that are tried


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Nothing else of it is kept: who chooses addresses must not read through us what is there."""

    status: int


def call(
    url: str, body: bytes, headers: Mapping[str, str], rules: Rules, *, timeout_s: float = TIMEOUT_S
) -> Reply:
    """Sends it once. Redirects are not followed, proxies not asked. Raises Refused, OSError."""
    until = time.monotonic() + timeout_s
    where = target(url, rules)
    wire = _Wire(_connected(where, rules, until), until)
    connection = HTTPConnection(where.host, where.port)
    try:
        connection.sock = wire
        connection.request("POST", where.path, body, {**headers, "Host": where.name, "Connection": "close"})
        return Reply(connection.getresponse().status)
    except HTTPException as error:
        raise Refused("the reply is not HTTP") from error
    finally:
        wire.close()


def _connected(where: Target, rules: Rules, until: float) -> socket.socket:
    """To the very address that was looked at: a name that is resolved twice may lead elsewhere the second time."""
    found = addresses.resolve(where.host, where.port, rules, within_s=_left(until))[:MOST_ADDRESSES]
    for address in found[:-1]:
        try:
            return _opened(address, where, until)
        except OSError:
            continue
    return _opened(found[-1], where, until)


def _opened(address: str, where: Target, until: float) -> socket.socket:
    """Not by `create_connection`, which resolves what it is given."""
    wire = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        wire.settimeout(_left(until))
        wire.connect((address, where.port))
        if not where.secure:
            return wire
        wire.settimeout(_left(until))
        return ssl.create_default_context().wrap_socket(wire, server_hostname=where.host)
    except BaseException:
        wire.close()
        raise


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long")
    return left


class _Wire:
    """As much of a socket as http.client asks for. A socket's own timeout begins anew with each byte that trickles."""

    def __init__(self, wire: socket.socket, until: float) -> None:
        self._wire, self._until = wire, until

    def sendall(self, data: Any) -> None:
        rest = memoryview(data)
        while rest:
            self._wire.settimeout(_left(self._until))
            rest = rest[self._wire.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self._wire, self._until))

    def close(self) -> None:
        self._wire.close()


class _Received(io.RawIOBase):
    """What comes back: so much, and for so long."""

    def __init__(self, wire: socket.socket, until: float) -> None:
        super().__init__()
        self._wire, self._until, self._left = wire, until, MOST_REPLY

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0:
            raise Refused("the reply is too long")
        self._wire.settimeout(_left(self._until))
        number = self._wire.recv_into(memoryview(buffer)[: self._left])
        self._left -= number
        return number
