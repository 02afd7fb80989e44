"""People over HTTP."""

import pytest

from conversations.models import User
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db


def test_profile() -> None:
    ann = Api(factories.person("ann"))
    changed = read(ann.patch("/users/me", {"display_name": "Ann", "avatar_url": "https://a.example/a.png"}))
    assert (changed["display_name"], changed["avatar_url"]) == ("Ann", "https://a.example/a.png")
    assert read(ann.get("/users/me")) == changed
    assert read(ann.patch("/users/me", {"avatar_url": None}))["avatar_url"] is None


def test_without_a_display_name_the_username_is_shown() -> None:
    user = factories.person("ann", display_name="Ann")
    assert read(Api(user).patch("/users/me", {"display_name": ""}))["display_name"] == user.username


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://a.example/a.png", "a.png", 7, "http://" + "a" * 500]
)
def test_what_is_no_picture(url: object) -> None:
    user = factories.person()
    problem(Api(user).patch("/users/me", {"avatar_url": url}), 400)
    assert User.objects.get().avatar_url == ""


def test_by_id_in_either_case_and_by_kaha_id() -> None:
    user = factories.person(kaha_id="kaha 7/x")
    api = Api(factories.person())
    found = read(api.get(f"/users/{user.pk}"))
    assert read(api.get(f"/users/{str(user.pk).upper()}")) == found
    assert problem(api.get("/users/by-kaha-id/unknown"), 404)["code"] == "not_found"
    User.objects.filter(pk=user.pk).update(kaha_id="kaha 7")
    assert read(api.get("/users/by-kaha-id/kaha%207"))["id"] == found["id"]


def test_a_closed_account_is_not_found() -> None:
    closed = factories.person("closed", kaha_id="k", is_active=False)
    api = Api(factories.person())
    problem(api.get(f"/users/{closed.pk}"), 404)
    problem(api.get("/users/by-kaha-id/k"), 404)
    assert read(api.get("/users", search="closed"))["results"] == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("arl", ["charlie", "carl"]),
        ("ca", ["carl"]),
        ("CHARL", ["charlie"]),
        ("%", []),
        ("_", []),
        ("zzz", []),
    ],
)
def test_search(search: str, found: list[str]) -> None:
    factories.person("x", display_name="charlie")
    factories.person("x", display_name="carl")
    people = read(Api(factories.person()).get("/users", search=search))["results"]
    assert [person["display_name"] for person in people] == found


def test_pages_of_people() -> None:
    people = factories.persons(7)
    found = list(pages(Api(people[0]), "/users", search="person", limit=3))
    assert [len(page) for page in found] == [3, 3, 1]
    assert [person["username"] for page in found for person in page] == sorted(
        user.username for user in people
    )


def test_unread() -> None:
    ann, bob = factories.persons(2)
    room = factories.direct(ann, bob)
    factories.say(ann, room, mentions=[bob.pk])
    factories.say(ann, room)
    waiting = {"id": str(room), "unread_count": 2, "mention_count": 1}
    assert read(Api(bob).get("/unread")) == {"total": 2, "conversations": [waiting]}
    assert read(Api(ann).get("/unread")) == {"total": 0, "conversations": []}
