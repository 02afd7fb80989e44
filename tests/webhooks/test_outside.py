"""Addresses that others chose: what is called, what is refused, and that nothing holds us up."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from chatbackend import outgoing
from dbperf.alerts.webhook import NotAccepted
from tests.dbperf import receivers
from tests.dbperf.receivers import Hook
from webhooks.outside import Refused, Rules, call, target
from webhooks.outside.addresses import allowed, refuse_number
from webhooks.outside.rules import MAX_URL

LOCAL = ip_network("127.0.0.0/8")
HERE = Rules(plain=True, ports=None, networks=(LOCAL,))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/", "only https is allowed"),
        ("ftp://example.org/", "only https is allowed"),
        ("file:///etc/passwd", "not an address"),
        ("gopher://example.org/", "only https is allowed"),
        ("//example.org/", "only https is allowed"),
        ("https://", "not an address"),
        ("https://example.org:22/", "this port is not allowed"),
        ("https://example.org:80/", "this port is not allowed"),
        ("https://example.org:0/", "not an address"),
        ("https://example.org:x/", "not an address"),
        ("https://example.org:99999/", "not an address"),
        ("https://ann:geheim@example.org/", "a name or password in the address is not allowed"),
        ("https://@example.org/", "a name or password in the address is not allowed"),
        ("https://example.org\\@127.0.0.1/", "not an address"),
        ("https://example.org/\r\nHost: x", "not an address"),
        ("https://exa mple.org/", "not an address"),
        ("https://ex\tample.org/", "not an address"),
        ("https://ex\u00e4mple.org/", "not an address"),
        ("https://\uff11\uff12\uff17.0.0.1/", "not an address"),
        ("https://example.org/#a", "not an address"),
        ("https://[::1", "not an address"),
        ("https://[fe80::1%25eth0]/", "not an address"),
        ("https://example.org/" + "a" * MAX_URL, "not an address"),
        ("", "not an address"),
    ],
)
def test_addresses_that_are_refused_as_they_are_written(url: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        target(url, Rules())
    assert str(refused.value) == why


def test_addresses_that_are_taken() -> None:
    found = target("https://Hooks.Example.ORG/a/b;c?d=e%20f&g", Rules())
    assert (found.secure, found.host, found.port, found.path) == (
        True, "hooks.example.org", 443, "/a/b;c?d=e%20f&g",
    )  # fmt: skip
    assert found.name == "hooks.example.org"
    assert target("https://[2001:db8::1]:8443", Rules(ports={8443})).name == "[2001:db8::1]:8443"
    assert target("http://a/?x", Rules(plain=True, ports={80})).path == "/?x"
    assert "geheim" not in repr(target("https://a.example/?key=geheim", Rules()))


FORBIDDEN = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "fc00::1", "fd00:ec2::254", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1", "5f00::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.15.0.1", "172.32.0.1", "2001:4860:4860::8888", "::ffff:808:808", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_that_are_not_for_everybody(address: str) -> None:
    assert not allowed(address, Rules())


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are_for_everybody(address: str) -> None:
    assert allowed(address, Rules())


def test_networks_that_the_settings_name() -> None:
    own = Rules(networks=(ip_network("10.1.0.0/16"), ip_network("fd00::/8")))
    found = [allowed(each, own) for each in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "10.2.0.1", "::1")]
    assert found == [True, True, True, False, False]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "::ffff:127.0.0.1"])
def test_numbers_that_are_addresses(host: str) -> None:
    """Told without asking any server for a name."""
    with pytest.raises(Refused):
        refuse_number(host, Rules())
    refuse_number("localhost", Rules())  # a name: found out when it is called


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with receivers.hook() as found:
        yield found


def test_a_call(receiver: Hook) -> None:
    assert call(receiver.url, b"{}", {"X-Said": "yes"}, HERE).status == 204
    (came,) = receiver.calls
    assert (came.path, came.body, came.headers["x-said"]) == ("/hook?room=7", b"{}", "yes")
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_called(receiver: Hook, host: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        call(f"http://{host}:{receiver.port}/", b"{}", {}, Rules(plain=True, ports=None))
    assert receiver.calls == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Hook, status: int) -> None:
    receiver.answers = [status]
    assert call(receiver.url, b"{}", {}, HERE).status == status
    assert [came.path for came in receiver.calls] == ["/hook?room=7"]


def test_proxies_are_not_asked(receiver: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert call(receiver.url, b"{}", {}, HERE).status == 204


class Resolver:
    """A name server that answers otherwise each time it is asked: what DNS rebinding does."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int | None, **_: Any) -> list[tuple[Any, ...]]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]


def test_a_name_that_leads_elsewhere_the_second_time(receiver: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was looked at is the one that is called: nobody asks again."""
    resolver = Resolver(["127.0.0.2"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    only_two = Rules(plain=True, ports=None, networks=(ip_network("127.0.0.2"),))
    with pytest.raises(OSError, match="refused"):  # nothing listens there; at 127.0.0.1 the receiver does
        call(f"http://rebind.example:{receiver.port}/", b"{}", {}, only_two)
    assert (resolver.asked, receiver.calls) == (1, [])


def test_a_name_that_leads_to_several(receiver: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["8.8.8.8", "127.0.0.1"]))
    url = f"http://both.example:{receiver.port}/"
    with pytest.raises(Refused, match="not a public address"):
        call(url, b"{}", {}, Rules(plain=True, ports=None))
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.2", "127.0.0.1"]))
    assert call(url, b"{}", {}, HERE).status == 204  # the first does not answer
    assert len(receiver.calls) == 1


Conversation = Callable[[socket.socket], None]


@contextmanager
def talking(talk: Conversation) -> Iterator[str]:
    """A server that says what it likes; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            wire, _ = server.accept()
            with wire:
                wire.recv(65_536)
                with suppress(OSError):  # hung up on, as is the point
                    talk(wire)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(10)
        assert not thread.is_alive()


def trickle(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(200):
        wire.sendall(b"y")
        time.sleep(0.02)


def flood(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(10_000):
        wire.sendall(b"X-Long: " + b"y" * 1_000 + b"\r\n")


def body_without_end(wire: socket.socket) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(10_000):
        wire.sendall(b"y" * 10_000)


def again_and_again(wire: socket.socket) -> None:
    for _ in range(10_000):
        wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_receiver_that_trickles() -> None:
    """Each byte comes in time; all of them together do not."""
    with talking(trickle) as url, pytest.raises(TimeoutError):
        call(url, b"{}", {}, HERE, timeout_s=0.3)


@pytest.mark.parametrize("talk", [flood, again_and_again])
def test_a_receiver_that_does_not_stop(talk: Conversation) -> None:
    with talking(talk) as url, pytest.raises(Refused, match="too long"):
        call(url, b"{}", {}, HERE, timeout_s=20)


def test_a_body_is_not_read() -> None:
    with talking(body_without_end) as url:
        assert call(url, b"{}", {}, HERE).status == 200


def test_a_receiver_that_is_no_web_server() -> None:
    with talking(lambda wire: wire.sendall(b"220 mail.example ESMTP\r\n")) as url, pytest.raises(Refused):
        call(url, b"{}", {}, HERE)


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = threading.Event()

    def nothing(*_: Any, **__: Any) -> list[Any]:
        waits.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(TimeoutError):
        call("https://slow.example/", b"{}", {}, Rules(), timeout_s=0.2)
    waits.set()


def test_alerts_of_the_database_leave_by_the_same_way(receiver: Hook) -> None:
    given: dict[str, Any] = {"plain": True, "private": True}
    outgoing.post(receiver.url, b"{}", {}, **given)
    receiver.answers = [500, 302]
    for why in ("answered 500", "answered 302"):
        with pytest.raises(NotAccepted, match=why):
            outgoing.post(receiver.url, b"{}", {}, **given)
    with pytest.raises(NotAccepted, match="not a public address"):
        outgoing.post(receiver.url, b"{}", {}, plain=True, private=False)
    with pytest.raises(NotAccepted, match="only https"):
        outgoing.post(receiver.url, b"{}", {}, plain=False, private=True)
    assert len(receiver.calls) == 3
