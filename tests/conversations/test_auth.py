"""Signing up, in and out; tokens that were tampered with; tickets."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import jwt
import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from conversations.exceptions import Unauthenticated
from conversations.models import SocketTicket, User
from conversations.services import sessions
from conversations.tokens import read_access_token
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db
PASSWORD = "long and unusual 7"
NOBODY = Api()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", PASSWORD)


@pytest.fixture
def refresh(ann: User) -> str:
    return str(read(NOBODY.post("/auth/token", {"username": "ann", "password": PASSWORD}))["refresh"])


def test_register_then_sign_in() -> None:
    facts = {"username": "bob", "password": PASSWORD, "display_name": "  Bob   B. "}
    user = read(NOBODY.post("/auth/register", facts), 201)
    assert (user["username"], user["display_name"], user["avatar_url"]) == ("bob", "Bob B.", None)
    signed_in = read(NOBODY.post("/auth/token", {"username": "bob", "password": PASSWORD}))
    assert signed_in["user"] == user == read(Api(token=signed_in["access"]).get("/users/me"))


def test_registration_may_be_closed(settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False
    refused = problem(NOBODY.post("/auth/register", {"username": "bob", "password": PASSWORD}), 403)
    assert refused["code"] == "registration_closed"
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["ann", "ANN", "\uff41nn"])  # the last one in fullwidth letters
def test_a_taken_username(ann: User, username: str) -> None:
    refused = problem(NOBODY.post("/auth/register", {"username": username, "password": PASSWORD}), 409)
    assert refused["code"] == "username_taken"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"username": "bo"}, "username"),
        ({"username": "b" * 65}, "username"),
        ({"username": "kaha:1"}, "username"),
        ({"username": "bob\n"}, "username"),
        ({"username": 77777}, "username"),
        ({"password": "password"}, "password"),
        ({"password": "1234567890"}, "password"),
        ({"password": "x7!" * 50}, "password"),
        ({"display_name": "   "}, "display_name"),
        ({"display_name": "d" * 81}, "display_name"),
        ({"is_staff": True}, "is_staff"),
    ],
)
def test_what_is_no_account(facts: dict[str, Any], field: str) -> None:
    given = {"username": "bob", "password": PASSWORD, **facts}
    refused = problem(NOBODY.post("/auth/register", given), 400)
    assert [error["field"] for error in refused["errors"]] == [field]
    assert not User.objects.exists()


@pytest.mark.parametrize("given", [("ann", "wrong"), ("nobody", PASSWORD)])
def test_wrong_credentials_all_look_alike(ann: User, given: tuple[str, str]) -> None:
    response = NOBODY.post("/auth/token", dict(zip(("username", "password"), given, strict=True)))
    assert problem(response, 401)["code"] == "bad_credentials"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_closed_account_stays_outside(ann: User, refresh: str) -> None:
    User.objects.update(is_active=False)
    problem(NOBODY.post("/auth/token", {"username": "ann", "password": PASSWORD}), 401)
    problem(NOBODY.post("/auth/token/refresh", {"refresh": refresh}), 401)
    problem(NOBODY.post("/auth/token/verify", {"token": str(AccessToken.for_user(ann))}), 401)
    assert problem(Api(ann).get("/users/me"), 401)["code"] == "account_inactive"
    assert problem(Api(ann).get("/unread"), 401)["code"] == "account_inactive"
    assert problem(Api(ann).get("/conversations"), 401)["code"] == "account_inactive"


def test_no_refresh_token_is_kept(refresh: str) -> None:
    assert [one.token for one in OutstandingToken.objects.all()] == [""]


def test_refresh_tokens_rotate_and_are_not_taken_twice(refresh: str) -> None:
    new = read(NOBODY.post("/auth/token/refresh", {"refresh": refresh}))
    problem(NOBODY.post("/auth/token/refresh", {"refresh": refresh}), 401)
    read(Api(token=new["access"]).get("/users/me"))
    read(NOBODY.post("/auth/token/refresh", {"refresh": new["refresh"]}))


def test_a_revoked_token_is_used_up(refresh: str) -> None:
    read(NOBODY.post("/auth/token/revoke", {"refresh": refresh}), 204)
    problem(NOBODY.post("/auth/token/revoke", {"refresh": refresh}), 401)
    problem(NOBODY.post("/auth/token/verify", {"token": refresh}), 401)
    problem(NOBODY.post("/auth/token/refresh", {"refresh": refresh}), 401)


def test_signing_out_works_with_a_stale_access_token(refresh: str) -> None:
    read(Api(token="stale").post("/auth/token/revoke", {"refresh": refresh}), 204)


def test_verify(ann: User, refresh: str) -> None:
    assert read(NOBODY.post("/auth/token/verify", {"token": refresh})) == {}
    assert read(NOBODY.post("/auth/token/verify", {"token": str(AccessToken.for_user(ann))})) == {}
    problem(NOBODY.post("/auth/token/verify", {"token": "nonsense"}), 401)


@pytest.mark.django_db(transaction=True)
def test_of_two_racing_rotations_one_wins() -> None:
    refresh = str(RefreshToken.for_user(factories.person()))
    barrier = Barrier(2)

    def rotate(_: int) -> int:
        barrier.wait(timeout=10)
        try:
            return Api().post("/auth/token/refresh", {"refresh": refresh}).status_code
        finally:
            connection.close()

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(rotate, range(2))) == [200, 401]
        refresh = str(RefreshToken.for_user(factories.person()))


def _claims(user: User, **changes: Any) -> dict[str, Any]:
    claims = {**AccessToken.for_user(user).payload, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _own(claims: dict[str, Any], **kwargs: Any) -> str:
    return jwt.encode(claims, configured.JWT_SIGNING_KEY, **{"algorithm": "HS256", **kwargs})


FORGERIES: dict[str, Callable[[User], str]] = {
    "unsigned": lambda user: jwt.encode(_claims(user), "", algorithm="none"),
    "another key": lambda user: jwt.encode(_claims(user), "k" * 64, algorithm="HS256"),
    "another algorithm": lambda user: _own(_claims(user), algorithm="HS512"),
    "run out": lambda user: _own(_claims(user, exp=datetime.now(UTC) - timedelta(seconds=5))),
    "without an end": lambda user: _own(_claims(user, exp=None)),
    "of nobody": lambda user: _own(_claims(user, user_id=None)),
    "of no id": lambda user: _own(_claims(user, user_id="1 OR 1=1")),
    "of a stranger": lambda user: _own(_claims(user, user_id="0199d3a1-7b4e-7c21-9c0e-5d1f2a3b4c5d")),
    "a refresh token": lambda user: str(RefreshToken.for_user(user)),
    "changed afterwards": lambda user: _own(_claims(user))[:-3] + "AAA",
    "nested beyond reading": lambda user: f"{jwt.utils.base64url_encode(b'[' * 9_000).decode()}.b.c",
    "no object in front": lambda user: f"{jwt.utils.base64url_encode(b'[]').decode()}.b.c",
    "no token": lambda user: "a.b.c",
    "empty": lambda user: "",
    "not ASCII": lambda user: "\u00e9\u00e9",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_tokens(ann: User, forgery: str) -> None:
    response = Api(token=FORGERIES[forgery](ann) or " ").get("/users/me")
    problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_same_token_unforged(ann: User) -> None:
    read(Api(token=_own(_claims(ann))).get("/users/me"))


@pytest.mark.django_db(transaction=True)
def test_of_one_name_in_two_spellings_one_is_registered() -> None:
    start = Barrier(4)

    def join(name: str) -> int:
        start.wait()
        try:
            return NOBODY.post("/auth/register", {"username": name, "password": PASSWORD}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(join, ["zoe", "ZOE", "Zoe", "zOE"])) == [201, 409, 409, 409]


def test_names_of_imported_accounts_are_not_given_away() -> None:
    problem(NOBODY.post("/auth/register", {"username": "bob@import", "password": PASSWORD}), 409)


def _read_for(seconds: float, token: str) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        read_access_token(token)


def test_a_token_that_was_verified_before_still_runs_out(ann: User) -> None:
    token = _own(_claims(ann, exp=datetime.now(UTC) + timedelta(seconds=5)))
    assert read_access_token(token).user_id == ann.pk
    with pytest.raises(Unauthenticated):
        _read_for(20, token)


def test_clocks_may_be_a_little_apart(ann: User) -> None:
    """A token of a process whose clock is ahead is used at once at another one."""
    for ahead, status in ((8, 200), (60, 401)):
        token = _own(_claims(ann, iat=datetime.now(UTC) + timedelta(seconds=ahead)))
        assert Api(token=token).get("/users/me").status_code == status


def test_a_ticket_works_once(ann: User) -> None:
    given = read(Api(ann).post("/auth/ws-ticket"))
    assert sessions.redeem_ticket(given["ticket"])[0] == ann
    with pytest.raises(Unauthenticated):
        sessions.redeem_ticket(given["ticket"])


def test_a_ticket_runs_out(ann: User) -> None:
    given = read(Api(ann).post("/auth/ws-ticket"))
    assert (
        timezone.now() < datetime.fromisoformat(given["expires_at"]) <= timezone.now() + timedelta(seconds=30)
    )
    SocketTicket.objects.update(expires_at=timezone.now())
    with pytest.raises(Unauthenticated):
        sessions.redeem_ticket(given["ticket"])


def test_only_a_tickets_digest_is_kept(ann: User) -> None:
    given = read(Api(ann).post("/auth/ws-ticket"))
    assert given["ticket"] not in SocketTicket.objects.get().digest
