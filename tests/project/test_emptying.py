"""What tests leave to each other: nothing."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission

from conversations.models import Conversation, Participant, User
from messaging.models import Message
from tests import emptying, factories, services
from tests.emptying import Emptying

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not services.STARTED, reason="needs the run's own PostgreSQL"),
]


@pytest.fixture
def empty(transactional_db: None) -> Iterator[Emptying]:
    """Knows how it is before the test."""
    made = Emptying()
    yield made
    made.close()


@pytest.mark.parametrize("large", [0, emptying.LARGE])
def test_all_that_was_committed_is_gone(empty: Emptying, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emptying, "LARGE", large)
    ann, bob = factories.persons(2)
    factories.say(ann, factories.direct(ann, bob))
    assert empty()
    assert [model.objects.count() for model in (User, Conversation, Participant, Message)] == [0] * 4


def test_what_migrations_wrote_stays_and_a_change_of_it_is_seen(empty: Emptying) -> None:
    there = Permission.objects.count()
    assert empty()
    assert Permission.objects.count() == there > 0
    Permission.objects.filter(codename="add_user").delete()
    assert not empty()


def test_it_was_put_right_after_the_test_before() -> None:
    assert Permission.objects.filter(codename="add_user").exists()
