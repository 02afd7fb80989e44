"""Numbers of a conversation: counted like a brute-force count, kept until something changes."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache

from conversations.models import User
from messaging.models import Message
from messaging.services import backdating, messages
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    cache.clear()


def _brute(room: UUID, days: int) -> dict[str, Any]:
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    said = [
        each
        for each in Message.objects.filter(conversation=room)
        if each.deleted_at is None and each.type != "system" and each.sent_at.date() >= since
    ]
    return {
        "since": str(since),
        "messages": len(said),
        "per_day": dict(Counter(str(each.sent_at.date()) for each in said)),
        "by_type": dict(Counter(each.type for each in said)),
        "by_sender": dict(Counter(str(each.sender_id) for each in said)),
    }


def _told(user: User, room: UUID, days: int) -> dict[str, Any]:
    told = read(Api(user).get(f"/conversations/{room}/stats", days=days))
    assert [line["day"] for line in told["per_day"]] == sorted(line["day"] for line in told["per_day"])
    for name, key in (("per_day", "day"), ("by_type", "type"), ("by_sender", "user")):
        counts = [line["messages"] for line in told[name]]
        assert name == "per_day" or counts == sorted(counts, reverse=True)
        told[name] = {line[key]: line["messages"] for line in told[name]}
    return told  # type: ignore[no-any-return]


def test_counted(django_assert_num_queries: Any) -> None:
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    for number in range(6):
        factories.say(ann if number % 3 else bob, room, type="image" if number == 4 else "text")
    gone = factories.body(factories.say(ann, room))["seq"]
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=gone)
    past = {seq: datetime.now(UTC) - timedelta(days=seq) for seq in (1, 2, 3)}
    backdating.backdate(conversation_id=room, sent_at=past)
    for days in (1, 3, 30):
        assert _told(ann, room, days) == _brute(room, days)
    assert _told(ann, room, 30)["messages"] == 6
    with django_assert_num_queries(1):
        kept = _told(bob, room, 30)
    assert kept == _brute(room, 30)
    factories.say(bob, room)
    assert _told(ann, room, 30)["messages"] == 7


def test_an_empty_one_and_days_out_of_bounds() -> None:
    ann = factories.person()
    room = factories.group(ann)
    assert _told(ann, room, 7) == _brute(room, 7)
    for days in (0, 367, "x"):
        problem(Api(ann).get(f"/conversations/{room}/stats", days=days), 400)
