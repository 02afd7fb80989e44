"""However it is looked for, the same is found, by few statements."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from conversations.models import User
from messaging import terms
from messaging.queries import recent
from messaging.queries import search as queries
from messaging.queries.search import Search
from messaging.services import bulk
from messaging.services import search as service
from messaging.services.bulk import Line
from messaging.services.search import Wanted, find_messages
from tests import factories
from tests.api import Api, pages
from tests.messaging.finding import ask, contents

pytestmark = pytest.mark.django_db


def _search(user: User, **more: Any) -> Search:
    return Search(**{"viewer": user.pk, "query": "'apple'", "depth": 9, "limit": 9, **more})


@pytest.mark.parametrize("budget", [32, 64, 512])
def test_a_walk_finds_the_newest_without_a_gap(talk: tuple[User, User, UUID], budget: int) -> None:
    ann, _, room = talk
    other = factories.group(ann)
    factories.say(ann, other, "apple elsewhere")
    scope, walked = queries.walk(_search(ann), budget=budget)
    known = queries.indexed(_search(ann), conversations=scope.conversations)
    assert set(scope.conversations) == {room, other}
    assert scope.messages == 81
    assert known.number == 9
    assert scope.complete == (budget > 32)
    assert walked.number >= 3
    assert walked.hits == known.hits[: walked.number]


def test_a_walk_leaves_quiet_conversations_beyond_the_liveliest_to_the_index(
    talk: tuple[User, User, UUID],
) -> None:
    ann, _, _ = talk
    rooms = [factories.group(ann) for _ in range(queries.LIVELIEST)]
    for room in rooms:
        factories.say(ann, room, "apple today")
    scope, walked = queries.walk(_search(ann, depth=500, limit=500), budget=4_096)
    assert not scope.complete
    assert walked.number <= queries.LIVELIEST
    assert len(ask(ann, "apple")) == 200  # a page of as many
    assert [len(page) for page in pages(Api(ann), "/search/messages", q="apple", limit=200)] == [200, 8]


def test_every_way_leads_to_the_same(talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    ann = talk[0]
    usual = {q: ask(ann, q) for q in ("apple", "number -apple", "7", "absent", "ap")}
    monkeypatch.setattr(service, "RARE", -1)
    for stroll, farthest in ((32, 0), (32, 32_768), (64, 64)):
        monkeypatch.setattr(service, "STROLL", stroll)
        monkeypatch.setattr(service, "FARTHEST", farthest)
        assert {q: ask(ann, q) for q in usual} == usual


@pytest.mark.parametrize(("rare", "stroll"), [(10_000, 512), (-1, 32), (-1, 512)])
def test_beginnings_of_words_are_found_only_where_the_word_is_nowhere(
    talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch, rare: int, stroll: int
) -> None:
    monkeypatch.setattr(service, "RARE", rare)
    monkeypatch.setattr(service, "STROLL", stroll)
    ann, _, room = talk
    said = ("quin", "quince", "quince")
    then = datetime(2025, 1, 1, tzinfo=UTC)
    lines = [Line(ann.pk, word, then, f"{place} {word}") for place, word in enumerate(said)]
    bulk.add_batch(conversation_id=room, lines=lines)
    assert contents(ann, "quin") == ["quin"]
    assert contents(ann, "quinc") == ["quince", "quince"]
    assert contents(ann, "qui") == ["quince", "quince", "quin"]


@pytest.mark.parametrize(("rare", "statements"), [(10_000, 2), (1, 4), (-1, 4)])
def test_pages_of_beginnings_that_no_walk_ends(
    talk: tuple[User, User, UUID],
    monkeypatch: pytest.MonkeyPatch,
    rare: int,
    statements: int,
    django_assert_num_queries: Any,
) -> None:
    """Those who look the word up find that there is none, and of what begins so few, or too many to look up."""
    monkeypatch.setattr(service, "RARE", rare)
    monkeypatch.setattr(service, "STROLL", 32)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messages")
    expected = queries.guess(_search(talk[0], query="'ap'", partial="'ap':*"))
    assert expected == (1, 2, 80)
    with django_assert_num_queries(statements):
        assert len(ask(talk[0], "ap")) == 8
    cut = [len(page) for page in pages(Api(talk[0]), "/search/messages", q="ap", limit=7)]
    assert cut == [7, 1]


@pytest.mark.parametrize("elsewhere", [queries.GLANCE - 2, queries.GLANCE - 1])
def test_what_many_wrote_elsewhere_hides_nothing_here(
    talk: tuple[User, User, UUID], elsewhere: int, django_assert_num_queries: Any
) -> None:
    """With the two here, one more than are looked at, or just as many."""
    ann, _, room = talk
    them = factories.person()
    then = datetime(2025, 1, 1, tzinfo=UTC)
    for sender, where, times in ((ann, room, 2), (them, factories.group(them), elsewhere)):
        lines = [Line(sender.pk, "quince", then, f"quince {number}") for number in range(times)]
        bulk.add_batch(conversation_id=where, lines=lines)
    for q in ("quince", "quin"):
        with django_assert_num_queries(2):
            assert contents(ann, q) == ["quince", "quince"]
        assert contents(factories.person(), q) == []
    assert len(ask(them, "quince")) == 200


@pytest.mark.parametrize("often", [2, 3, 20])
def test_a_word_of_every_day_takes_a_shorter_walk(
    monkeypatch: pytest.MonkeyPatch, often: int, django_assert_num_queries: Any
) -> None:
    """And the usual one after it, where this person's conversations have it less often than all of them."""
    ann, ben = factories.persons(2)
    rooms = [factories.group(ann) for _ in range(4)]
    then = datetime(2025, 1, 1, tzinfo=UTC)
    for place, room in enumerate(rooms):
        said = (
            Line(ann.pk, "pear" if n % often else "plum", then + timedelta(minutes=n), f"{n}")
            for n in range(100 + 30 * place)
        )
        bulk.add_batch(conversation_id=room, lines=list(said))
    bulk.add_batch(
        conversation_id=factories.group(ben), lines=[Line(ben.pk, "plum", then, f"{n}") for n in range(600)]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messages")
    known = queries.indexed(_search(ann, query="'plum'", depth=21, limit=21), conversations=rooms)
    monkeypatch.setattr(service, "RARE", -1)
    with django_assert_num_queries(2 if often < 20 else 3):
        page = find_messages(Wanted(viewer=ann.pk, terms=terms.read("plum"), limit=20))
    assert page.hits == known.hits[:20]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@pytest.mark.parametrize(("marks", "looks"), [(1, 2), (queries.MARKS, 5)])
def test_a_shorter_walk_looks_once_into_each_conversation(marks: int, looks: int) -> None:
    """A hundred messages are as far as two marks reach, five hundred as far as three."""
    ann = factories.person()
    then = datetime(2025, 1, 1, tzinfo=UTC)
    for size in (100, 500):
        lines = [Line(ann.pk, "plum", then + timedelta(minutes=n), f"{n}") for n in range(size)]
        bulk.add_batch(conversation_id=factories.group(ann), lines=lines)
    given = asdict(_search(ann)) | {"budget": 512, "nearest": 16, "marks": marks}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messages")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {queries.WALK.plain}", given)
        nodes = list(_nodes(cursor.fetchone()[0][0]["Plan"]))
    assert [node["Actual Loops"] for node in nodes if node.get("Index Name") == "messages_unique_seq"] == [
        looks
    ]


@pytest.fixture
def recent_index(talk: tuple[User, User, UUID]) -> Iterator[datetime]:
    """The index over what was sent since the day of the talk, as a rotation leaves it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no index is made while checks are due
        cursor.execute(
            f"CREATE INDEX {recent.NAME}_20260101 ON messages USING gin (conversation_id uuid_ops, words)"
            " WHERE deleted_at IS NULL AND sent_at >= '2026-01-01 00:00+00'"
        )
    recent.forget()
    yield datetime(2026, 1, 1, tzinfo=UTC)
    recent.forget()


def test_the_last_days_have_an_index_of_their_own(
    talk: tuple[User, User, UUID],
    recent_index: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    ann, _, _ = talk
    monkeypatch.setattr(service, "STROLL", 32)
    monkeypatch.setattr(service, "FARTHEST", 0)
    monkeypatch.setattr(service, "FEW", 0)
    monkeypatch.setattr(service, "RARE", -1)
    whole = ask(ann, "apple")
    with django_assert_num_queries(
        3
    ):  # how common it is, the walk, and what it tells is known of the last days
        first = find_messages(Wanted(viewer=ann.pk, terms=terms.read("apple"), limit=7))
    assert [(hit.conversation, hit.seq) for hit in first.hits] == whole[:7]
    with django_assert_num_queries(4):  # not enough of them: the index over all
        assert ask(ann, "apple") == whole


def test_the_day_is_looked_for_once_a_minute(recent_index: datetime, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert recent.since() == recent.since() == recent_index
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {recent.NAME}_20260101")
    assert recent.since() == recent_index  # a search that believes it still finds the same
    recent.forget()
    assert recent.since() is None


def test_the_index_is_asked_again_who_may_read(talk: tuple[User, User, UUID]) -> None:
    """Conversations are given to it by name; one that was left in between is not searched."""
    ann, _, room = talk
    foreign = factories.group(factories.person())
    assert queries.indexed(_search(ann), conversations=[room, foreign]).number == 8
    assert queries.indexed(_search(factories.person()), conversations=[room]).number == 0


@pytest.mark.parametrize("rows", [1, 20])
def test_a_search_is_few_statements_whatever_the_data(
    rows: int, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    ann, others = factories.person(), factories.persons(rows)
    for other in others:
        room = factories.group(ann, other)
        for _ in range(rows):
            factories.say(other, room, "apple")
    for q in ("apple", "ap"):
        with django_assert_num_queries(2):  # how common it is, and the index: of words that begin so, too
            assert ask(ann, q)
    monkeypatch.setattr(service, "RARE", -1)
    for q in ("apple apple", "ap ap", "nobody saidthis"):
        with django_assert_num_queries(1):  # the walk
            ask(ann, q)
    for q in ("apple", "ap"):
        with django_assert_num_queries(2):
            assert ask(ann, q)


def test_a_search_that_the_walk_does_not_end_takes_one_statement_more(
    talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(service, "STROLL", 32)
    monkeypatch.setattr(service, "FARTHEST", 0)
    with django_assert_num_queries(2):
        assert len(ask(talk[0], "apple apple")) == 8
