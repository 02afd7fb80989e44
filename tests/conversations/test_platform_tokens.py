"""Tokens of an outside identity provider: by a key in the settings, and by its published keys."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pytest_django import Settings

from conversations import tokens
from conversations.models import User
from tests import factories
from tests.api import Api, problem, read
from tests.conversations.provider import Provider, public
from tests.conversations.provider import provider as provider_of

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def provider(settings: Settings) -> None:
    """One that the settings know by its key."""
    settings.JWT_VERIFYING_KEY = PUBLIC.decode()
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "https://id.example", "chat"


def _token(key: Any = KEY, algorithm: str = "RS256", kid: str = "one", **changes: Any) -> str:
    claims = {
        "kaha_id": "kaha-1",
        "iss": "https://id.example",
        "aud": "chat",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})


def test_a_known_person(provider: None) -> None:
    known = factories.person(kaha_id="kaha-1")
    assert read(Api(token=_token()).get("/users/me"))["id"] == str(known.pk)
    assert read(Api(token=_token()).get("/unread")) == {"total": 0, "conversations": []}


def test_clocks_may_be_a_little_apart(provider: None) -> None:
    for ahead, status in ((60, 401), (8, 200)):
        early = _token(iat=datetime.now(UTC) + timedelta(seconds=ahead))
        assert Api(token=early).get("/users/me").status_code == status
    User.objects.all().delete()
    problem(Api(token=_token(exp=datetime.now(UTC) - timedelta(seconds=2))).get("/users/me"), 401)
    assert not User.objects.exists()


def test_somebody_first_seen_gets_an_account(provider: None) -> None:
    first = read(Api(token=_token(kaha_id="kaha-2")).get("/users/me"))
    assert first["kaha_id"] == "kaha-2"
    assert read(Api(token=_token(kaha_id="kaha-2")).get("/users/me")) == first
    assert not User.objects.get().has_usable_password()


def test_the_longest_ids_get_accounts_of_their_own(provider: None) -> None:
    ids = {str(read(Api(token=_token(kaha_id="k" * 63 + end)).get("/users/me"))["id"]) for end in "ab"}
    assert len(ids) == 2


def test_a_closed_account(provider: None) -> None:
    factories.person(kaha_id="kaha-1", is_active=False)
    assert problem(Api(token=_token()).get("/users/me"), 401)["code"] == "account_inactive"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: _token(OTHER_KEY), id="another key"),
        pytest.param(lambda: _token(iss="https://elsewhere.example"), id="another issuer"),
        pytest.param(lambda: _token(aud="mail"), id="for somebody else"),
        pytest.param(lambda: _token(exp=datetime.now(UTC) - timedelta(seconds=5)), id="run out"),
        pytest.param(lambda: _token(exp=None), id="without an end"),
        pytest.param(lambda: _token(exp=10**20), id="that never ends"),
        pytest.param(lambda: _token(kaha_id=None), id="of nobody"),
        pytest.param(lambda: _token(kaha_id=""), id="of an empty name"),
        pytest.param(lambda: _token(kaha_id="x" * 65), id="of a long name"),
        pytest.param(lambda: _token(kaha_id="nul\0"), id="of a name with NUL"),
        pytest.param(lambda: _token(kaha_id={"a": 1}), id="of an object"),
        pytest.param(lambda: _token(algorithm="RS512"), id="an algorithm not agreed on"),
        pytest.param(lambda: _token(None, "none"), id="unsigned"),
    ],
)
def test_what_the_provider_did_not_say(provider: None, make: Callable[[], str]) -> None:
    problem(Api(token=make()).get("/users/me"), 401)
    assert not User.objects.exists()


def _signed_with_the_public_key() -> str:
    """The HS/RS confusion: an HMAC made with the published key as its secret."""
    header, payload = (
        jwt.utils.base64url_encode(json.dumps(part).encode()).decode()
        for part in (
            {"alg": "HS256", "typ": "JWT", "kid": "one"},
            {"kaha_id": "kaha-1", "exp": 4_000_000_000},
        )
    )
    signed = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = signed.sign(f"{header}.{payload}".encode(), PUBLIC)
    return f"{header}.{payload}.{jwt.utils.base64url_encode(signature).decode()}"


def test_its_public_key_is_no_secret_of_ours(provider: None) -> None:
    problem(Api(token=_signed_with_the_public_key()).get("/users/me"), 401)


def test_no_provider_no_outside_tokens() -> None:
    problem(Api(token=_token()).get("/users/me"), 401)


CURVE = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def published(settings: Settings) -> Iterator[Provider]:
    """A provider that publishes its keys."""
    with provider_of(one=public(KEY, use="sig"), two=public(CURVE, use="sig")) as idp:
        settings.JWT_AUDIENCE = "chat"
        settings.JWT_JWK_URL = idp.url
        tokens.published.cache_clear()  # the port may have been another one's
        yield idp


def test_published_keys(published: Provider) -> None:
    read(Api(token=_token(kid="one")).get("/users/me"))
    read(Api(token=_token(CURVE, "ES256", kid="two")).get("/users/me"))


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(_token(OTHER_KEY, kid="one"), id="by another key"),
        pytest.param(_token(OTHER_KEY, kid="two"), id="by a key of another kind"),
        pytest.param(_token(None, "none", kid="one"), id="unsigned"),
        pytest.param(_signed_with_the_public_key(), id="by the published key as a secret"),
    ],
)
def test_what_the_published_keys_do_not_verify(published: Provider, forged: str) -> None:
    problem(Api(token=forged).get("/users/me"), 401)
    assert not User.objects.exists()


def test_a_key_that_nobody_published_is_not_looked_for_each_time(published: Provider) -> None:
    for number in range(20):
        problem(Api(token=_token(OTHER_KEY, kid=f"made up {number}")).get("/users/me"), 401)
    assert published.asked == ["/keys"]
    read(Api(token=_token(kid="one")).get("/users/me"))


def test_a_provider_that_does_not_answer(settings: Settings) -> None:
    settings.JWT_JWK_URL = "http://127.0.0.1:9/keys"
    problem(Api(token=_token()).get("/users/me"), 401)
