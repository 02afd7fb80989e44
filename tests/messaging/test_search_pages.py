"""Narrowing, order and pages."""

from typing import Any
from uuid import UUID

import pytest

from conversations.models import User
from conversations.services import business
from tests import factories
from tests.api import Api, pages, problem, read
from tests.messaging.finding import alone, contents, found

pytestmark = pytest.mark.django_db


def _seqs(user: User, q: str, **query: Any) -> list[int]:
    return [one["seq"] for one in found(user, q, **query)]


def test_narrowing(talk: tuple[User, User, UUID]) -> None:
    ann, bob, room = talk
    other = factories.group(ann)
    factories.say(ann, other, "apple", type="image")
    assert _seqs(ann, "apple", conversation=room) == [80, 70, 60, 50, 40, 30, 20, 10]
    assert _seqs(ann, "apple", conversation=other) == [1]
    assert _seqs(ann, "apple", sender=bob.pk) == [70, 50, 30, 10]
    assert _seqs(ann, "apple", type="image") == [1]
    assert _seqs(ann, "apple", since="2026-01-01T10:30:00Z", until="2026-01-01T10:40:00Z") == [40, 30]
    assert _seqs(ann, "apple", since="2026-01-01T12:30:00+02:00", until="2026-01-01T10:30:00") == [30]
    assert _seqs(ann, "apple", until="2026-01-01T10:00:00Z") == []


def test_notices_are_found_by_those_who_ask_for_them() -> None:
    boss = factories.agent(role="owner")
    case = factories.case(factories.person(), content="help")
    business.set_case_status(actor_id=boss.pk, conversation_id=case, status="resolved")
    notice = factories.said(boss, case)[-1]["content"].split()[-1]
    assert found(boss, notice) == []
    assert [one["type"] for one in found(boss, notice, type="system")] == ["system"]


@pytest.mark.parametrize("sort", ["newest", "relevance"])
def test_pages_hold_everything_once(talk: tuple[User, User, UUID], sort: str) -> None:
    ann, _, room = talk
    whole = found(ann, "apple or number", sort=sort, limit=200)
    cut = [
        one
        for page in pages(Api(ann), "/search/messages", q="apple or number", sort=sort, limit=7)
        for one in page
    ]
    assert len(whole) == 80
    assert cut == whole
    assert {one["conversation"] for one in whole} == {str(room)}


def test_pages_are_not_moved_by_what_is_said_meanwhile(talk: tuple[User, User, UUID]) -> None:
    ann, _, room = talk
    for sort in ("newest", "relevance"):
        first = read(Api(ann).get("/search/messages", q="apple", sort=sort, limit=3))
        factories.say(ann, room, "apple apple apple")
        second = read(Api(ann).get("/search/messages", q="apple", sort=sort, limit=5, cursor=first["next"]))
        shown = [one["seq"] for one in (*first["results"], *second["results"])]
        assert len(shown) == len(set(shown)) == 8
        assert shown.count(81) <= 1


def test_relevance_puts_what_is_about_it_first() -> None:
    user = alone("apple apple apple", "an apple in a long message about other things", "apple apple")
    assert contents(user, "apple", sort="relevance")[-1] == "an apple in a long message about other things"


def test_words_of_the_first_page_are_taken_the_same_way_on_the_next() -> None:
    user = alone("apples here", "applesauce", "apple pie", "more applesauce")
    cut = [
        one["content"] for page in pages(Api(user), "/search/messages", q="applesau", limit=1) for one in page
    ]
    assert cut == ["more applesauce", "applesauce"]


def test_cursors_of_another_order_are_refused(talk: tuple[User, User, UUID]) -> None:
    api = Api(talk[0])
    for sort, other in (("newest", "relevance"), ("relevance", "newest")):
        cursor = read(api.get("/search/messages", q="apple", sort=sort, limit=1))["next"]
        refused = problem(api.get("/search/messages", q="apple", sort=other, cursor=cursor), 400)
        assert refused["code"] == "bad_cursor"
