"""`manage.py demo`: what it makes holds every rule that real data must hold."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max
from django.utils import timezone
from pytest_django import Settings

from conversations.models import BusinessCase, Conversation, Participant, User
from conversations.queries import inbox
from messaging.models import Mention, Message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _password(settings: Settings) -> None:
    settings.DEMO_PASSWORD = "tried-and-tested-9"


def run() -> str:
    out = StringIO()
    call_command("demo", stdout=out, stderr=StringIO())
    return out.getvalue()


def test_there_is_some_of_everything() -> None:
    run()
    assert set(Conversation.objects.values_list("type", flat=True)) == {"direct", "group", "business"}
    assert set(BusinessCase.objects.values_list("status", flat=True)) == {"open", "pending", "resolved"}
    assert Message.objects.filter(reply_to_seq__isnull=False).exists()
    assert Message.objects.filter(reply_count__gte=3).exists()
    assert Message.objects.filter(edited_at__isnull=False).exists()
    assert Message.objects.filter(deleted_at__isnull=False, content="").exists()
    assert Mention.objects.exists()
    assert User.objects.get(username="demo-agent").check_password("tried-and-tested-9")


def test_alice_has_something_to_read() -> None:
    run()
    alice = User.objects.get(username="alice")
    page = inbox.inbox(viewer=alice.pk, wanted=inbox.InboxFilter(), limit=50)
    assert len(page) == 5
    garden = Conversation.objects.get(name="Community garden")
    position = inbox.unread_count(viewer=alice.pk, conversation_id=garden.pk)
    assert position
    assert position[1] == 3


def test_it_happened_over_the_last_days() -> None:
    run()
    now = timezone.now()
    for room in Conversation.objects.prefetch_related("messages"):
        times = list(room.messages.order_by("seq").values_list("sent_at", flat=True))
        assert times == sorted(times)
        assert now - timedelta(days=7) < times[0] < times[-1] < now - timedelta(minutes=30)
        assert (room.created_at, room.last_activity_at) == (times[0], times[-1])


def test_cases_have_times_that_fit() -> None:
    run()
    for case in BusinessCase.objects.select_related("conversation"):
        opened = case.conversation.created_at
        if case.status != "open":
            assert case.first_response_at
            assert case.first_response_at > opened
        if case.status == "resolved":
            assert case.resolved_at
            assert case.first_response_at
            assert case.resolved_at > case.first_response_at


def test_the_counters_hold() -> None:
    run()
    for room in Conversation.objects.all():
        messages = Message.objects.filter(conversation=room)
        seats = Participant.objects.filter(conversation=room)
        assert list(messages.order_by("seq").values_list("seq", flat=True)) == list(
            range(1, room.last_seq + 1)
        )
        versions = list(messages.values_list("version", flat=True))
        assert len(set(versions)) == len(versions)
        newest = max(messages.aggregate(at=Max("version"))["at"], seats.aggregate(at=Max("version"))["at"])
        assert newest < room.version == room.facts_version
        assert room.participant_count == seats.live().count()
        assert room.last_message
        assert room.last_message.seq == room.last_seq


def test_a_second_time_changes_nothing() -> None:
    run()
    before = list(Conversation.objects.order_by("pk").values())
    assert "already" in run()
    assert list(Conversation.objects.order_by("pk").values()) == before


def test_accounts_that_are_there_are_kept() -> None:
    alice = User.objects.create_user("alice", "her-own-password")
    run()
    alice.refresh_from_db()
    assert alice.check_password("her-own-password")


def test_without_a_password_it_asks_for_one(settings: Settings) -> None:
    settings.DEMO_PASSWORD = ""
    with pytest.raises(CommandError, match="DEMO_PASSWORD is needed for the accounts to make: alice, bob"):
        run()
    assert not User.objects.exists()
