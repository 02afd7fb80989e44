"""The keys that an identity provider publishes: fetched seldom, given up late, and never because a stranger asks."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conversations.published_keys import AGAIN_S, FRESH_S, MOST_BYTES, STALE_S, PublishedKeys
from tests.conversations.provider import Provider, provider, public

ONE, TWO = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


class Clock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idp() -> Iterator[Provider]:
    with provider(one=public(ONE)) as made:
        yield made


@pytest.fixture
def keys(idp: Provider, clock: Clock) -> PublishedKeys:
    return PublishedKeys(idp.url, now=clock)


def found(keys: PublishedKeys, kid: object, algorithm: str = "ES256") -> bytes | None:
    """The public key in words, None where there is none."""
    try:
        key = keys.key(kid, algorithm)
    except jwt.PyJWTError:
        return None
    return words(key)


def words(key: Any) -> bytes:
    shown: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return shown


def test_a_key_is_replaced(idp: Provider, keys: PublishedKeys, clock: Clock) -> None:
    assert found(keys, "one") == words(ONE.public_key())
    idp.publish(two=public(TWO))
    assert found(keys, "two") is None
    clock.forward(AGAIN_S)
    assert found(keys, "two") == words(TWO.public_key())
    assert found(keys, "one") is None
    assert len(idp.asked) == 2


def test_a_key_that_was_taken_back_is_refused_though_nobody_shows_a_new_one(
    idp: Provider, keys: PublishedKeys, clock: Clock
) -> None:
    assert found(keys, "one")
    idp.publish()
    clock.forward(FRESH_S - 1)
    assert found(keys, "one")
    clock.forward(1)
    assert found(keys, "one") is None


def test_strangers_do_not_decide_how_often_the_provider_is_asked(
    idp: Provider, keys: PublishedKeys, clock: Clock
) -> None:
    assert found(keys, "one")
    for round_ in range(1, 4):
        with ThreadPoolExecutor(8) as strangers:
            assert not any(strangers.map(lambda number: found(keys, f"made up {number}"), range(40)))
        assert len(idp.asked) == round_
        clock.forward(AGAIN_S)


def test_nor_while_it_is_away(idp: Provider, keys: PublishedKeys, clock: Clock) -> None:
    idp.status = 500
    assert [found(keys, "one") for _ in range(20)] == [None] * 20
    assert len(idp.asked) == 1
    idp.status = 200
    clock.forward(AGAIN_S)
    assert found(keys, "one")


def test_while_it_is_away_the_keys_are_good_for_a_while(
    idp: Provider, keys: PublishedKeys, clock: Clock
) -> None:
    assert found(keys, "one")
    idp.stop()
    clock.forward(FRESH_S)
    assert found(keys, "one")
    clock.forward(STALE_S - FRESH_S - 1)
    assert found(keys, "one")
    clock.forward(1)
    assert found(keys, "one") is None
    idp.start()
    clock.forward(AGAIN_S)
    assert found(keys, "one")


def test_one_that_does_not_answer_is_waited_for_by_one_and_not_for_long(idp: Provider, clock: Clock) -> None:
    keys = PublishedKeys(idp.url, now=clock, wait_s=0.5)
    assert found(keys, "one")
    idp.answering.clear()
    clock.forward(FRESH_S)
    with ThreadPoolExecutor(1) as others:
        waits = others.submit(found, keys, "one")
        while len(idp.asked) == 1:
            time.sleep(0.01)
        assert found(keys, "one")
        assert not waits.done()
        assert waits.result(timeout=5)
    assert len(idp.asked) == 2


def very_long(size: int) -> bytes:
    return json.dumps({"keys": [], "padding": "x" * size}).encode()


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        pytest.param(b"<html>", 200, {}, id="no JSON"),
        pytest.param(b"[]", 200, {}, id="a list"),
        pytest.param(b'{"keys": {}}', 200, {}, id="no list of keys"),
        pytest.param(b"[" * 100_000, 200, {}, id="very deep"),
        pytest.param(very_long(MOST_BYTES), 200, {}, id="very long"),
        pytest.param(b'{"keys": []}', 404, {}, id="not found"),
        pytest.param(b'{"keys": []}', 302, {"Location": "/elsewhere"}, id="elsewhere"),
    ],
)
def test_what_is_no_set_of_keys_changes_nothing(
    idp: Provider,
    keys: PublishedKeys,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    status: int,
    headers: dict[str, str],
) -> None:
    assert found(keys, "one")
    idp.body, idp.status, idp.headers = body, status, headers
    clock.forward(FRESH_S)
    assert found(keys, "one")
    assert idp.asked == ["/keys", "/keys"]
    assert "cannot be had" in caplog.text


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (public(ONE, use="enc"), "ES256"),
        (public(ONE, alg="ES384"), "ES256"),
        (public(ONE, kid=["odd"]), "ES256"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "ES256"),
        ({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "HS256"),
        ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "ES256"),
        ({"kty": "of a later time"}, "ES256"),
    ],
)
def test_keys_that_are_no_use_are_passed_over(
    idp: Provider, keys: PublishedKeys, key: dict[str, Any], algorithm: str
) -> None:
    assert found(keys, None) is None
    assert idp.asked == []
    idp.publish(odd=key, two=public(TWO, alg="ES256", use="sig"))
    assert found(keys, "odd", algorithm) is None
    assert found(keys, ["two"]) is None
    assert found(keys, None) is None
    assert found(keys, "two")
