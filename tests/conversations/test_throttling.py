"""Rate limits, counted in a real Redis, and without it."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from pytest_django import Settings

from conversations import throttling
from conversations.models import User
from conversations.throttling import Limit, Standing
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db
FIVE = Limit("five", 5, 3600, lambda request: "x")


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 1
    cache.clear()


def _sign_in(username: str, **headers: Any) -> Any:
    return Api(**headers).post("/auth/token", {"username": username, "password": "wrong"})


def _named(header: str) -> dict[str, str]:
    return dict(item.strip().split(";", 1) for item in header.replace('"', "").split(","))


def test_what_the_headers_say() -> None:
    response = _sign_in("ann")
    policy, left = _named(response["RateLimit-Policy"]), _named(response["RateLimit"])
    assert policy == {"signin": "q=120;w=60", "signin-account": "q=20;w=60"}
    assert {name: item.split(";")[0] for name, item in left.items()} == {
        "signin": "r=119",
        "signin-account": "r=19",
    }
    assert all(0 < int(item.split("t=")[1]) <= 60 for item in left.values())


def test_guessing_one_account_ends_and_others_go_on() -> None:
    statuses = {_sign_in("ann").status_code for _ in range(20)}
    assert statuses == {401}
    refused = _sign_in("Ann", **{"X-Forwarded-For": "9.9.9.9"})
    assert problem(refused, 429)["code"] == "rate_limited"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert _named(refused["RateLimit"])["signin-account"].startswith("r=0;")
    problem(_sign_in("bob"), 401)


def test_the_right_password_is_refused_as_well(settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 0.05
    User.objects.create_user("ann", "right")
    problem(_sign_in("ann"), 401)
    problem(Api().post("/auth/token", {"username": "ann", "password": "right"}), 429)


def test_sends(settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 0.05  # 2 in 2 seconds
    ann, bob = factories.persons(2)
    path = f"/conversations/{factories.direct(ann, bob)}/messages"
    statuses = [Api(ann).post(path, {"content": "hi"}).status_code for _ in range(6)]
    assert statuses[:2] == [201, 201]
    assert 429 in statuses
    read(Api(bob).post(path, {"content": "hi"}), 201)


def test_hot_reads_are_not_counted() -> None:
    ann = Api(factories.person())
    for path in ("/unread", "/conversations", "/users/me"):
        assert "RateLimit" not in ann.get(path)


@override_settings(RATE_LIMIT_FACTOR=2.5)
def test_the_factor() -> None:
    assert FIVE.scaled == 12
    with override_settings(RATE_LIMIT_FACTOR=0.001):
        assert FIVE.scaled == 1


def test_a_window_counts_each_key_apart() -> None:
    assert [throttling.count(FIVE, "x").used for _ in range(3)] == [1, 2, 3]
    assert throttling.count(FIVE, "y").used == 1


def test_exceeded_is_past_the_quota() -> None:
    assert not Standing(FIVE, 5, 60).exceeded
    assert Standing(FIVE, 6, 60).exceeded
    assert Standing(FIVE, 9, 60).item == '"five";r=0;t=60'


def test_without_redis_each_process_counts_for_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": away}):
        assert [throttling.count(FIVE, "alone").used for _ in range(3)] == [1, 2, 3]
    monkeypatch.setattr(throttling._local, "alone_until", 0.0)
    assert throttling.count(FIVE, "alone").used == 1


@pytest.mark.parametrize(
    ("forwarded", "counted"),
    [
        ("1.2.3.4, 5.6.7.8", "5.6.7.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses_behind_a_proxy(forwarded: str, counted: str, rf: Any, settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert throttling.by_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == counted


def test_without_a_trusted_proxy_nobody_names_their_own_address(rf: Any) -> None:
    assert throttling.by_address(rf.get("/", headers={"X-Forwarded-For": "1.2.3.4"})) == "127.0.0.1"
