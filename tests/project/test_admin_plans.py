"""The staff's pages on a data set large enough for the planner to care: bounded statements, bounded work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from chatbackend.benchmark.data import Dataset, fill
from conversations.models import Conversation, Participant, User
from messaging.models import Message
from tests.explained import buffers, explained, read_whole

MOST_STATEMENTS = 8
MOST_BUFFERS = 8_000  # of 8 kB: the thousandth row of a list, with two joined rows for each before it
BIG = {"users", "conversations", "participants", "messages"}


@pytest.fixture(scope="module")
def large(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Dataset]:
    """50,000 messages, there for this module only."""
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")  # a slow disk takes long to fill
            filled = fill(messages=50_000, users=20_000, conversations=10_000)
            cursor.execute("RESET statement_timeout")
        yield filled
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE users, conversations CASCADE")


@pytest.fixture
def client(large: Dataset, db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("the-admin", "x"))
    return client


Word = Callable[[Dataset], object]
LISTS: list[tuple[type[Any], Word]] = [
    (User, lambda data: ""),
    (User, lambda data: data.seats[0].user),
    (User, lambda data: "Person 7777"),
    (User, lambda data: "person"),
    (User, lambda data: "pe"),
    (User, lambda data: "zzz"),
    (Conversation, lambda data: ""),
    (Conversation, lambda data: data.seats[0].conversation),
    (Conversation, lambda data: "type:group"),
    (Conversation, lambda data: "business:none"),
    (Conversation, lambda data: "room"),
    (Conversation, lambda data: "zzz"),
    (Participant, lambda data: ""),
    (Participant, lambda data: data.seats[0].conversation),
    (Participant, lambda data: data.seats[0].user),
    (Participant, lambda data: "person-777"),
    (Message, lambda data: ""),
    (Message, lambda data: data.seats[0].conversation),
    (Message, lambda data: f"{data.seats[0].conversation}#7"),
    (Message, lambda data: data.seats[0].user),
    (Message, lambda data: "person-777"),
    (Message, lambda data: "type:image"),
    (Message, lambda data: "type:text"),
]


@pytest.mark.parametrize(("model", "word"), LISTS)
def test_a_list(client: Client, large: Dataset, model: type[Any], word: Word) -> None:
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for number in ("1", "20"):
        require_bounded(client, page, {"q": str(word(large)), "p": number})


@pytest.mark.parametrize("model", [User, Conversation, Participant, Message])
def test_a_row(client: Client, large: Dataset, model: type[Any]) -> None:
    row = model.objects.order_by("pk").first()
    require_bounded(
        client, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]), {}
    )


def require_bounded(client: Client, page: str, parameters: dict[str, str]) -> None:
    with CaptureQueriesContext(connection) as captured:
        reply = client.get(page, parameters)
    assert reply.status_code in {200, 302}  # 302: a page past the last one
    statements = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert 0 < len(captured) <= MOST_STATEMENTS
    for statement in statements:
        plan = explained(statement)
        assert not read_whole(plan) & BIG, statement
        assert buffers(plan) <= MOST_BUFFERS, statement
