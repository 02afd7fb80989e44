"""What the worker does: it may run twice and has a bound."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from conversations import jobs
from conversations.models import SocketTicket
from conversations.services import sessions
from conversations.tasks import purge_expired
from tests import factories

pytestmark = pytest.mark.django_db


def test_only_what_is_past_its_time_is_purged() -> None:
    user = factories.person()
    sessions.issue_ticket(user=user)
    now = timezone.now()
    assert jobs.purge_expired(now=now) == 0
    assert jobs.purge_expired(now=now + sessions.TICKET_LIFE) == 1
    assert jobs.purge_expired(now=now + sessions.TICKET_LIFE) == 0


def test_a_token_used_up_goes_with_its_record() -> None:
    user = factories.person()
    past = timezone.now() - timedelta(days=1)
    token = OutstandingToken.objects.create(user=user, jti="1", token="t", expires_at=past)
    BlacklistedToken.objects.create(token=token)
    assert jobs.purge_expired(now=timezone.now()) == 1
    assert not BlacklistedToken.objects.exists()


def test_more_than_a_batch_goes_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    user, past = factories.person(), timezone.now() - timedelta(days=1)
    SocketTicket.objects.bulk_create(
        SocketTicket(digest=str(number), user=user, expires_at=past) for number in range(5)
    )
    monkeypatch.setattr(jobs, "BATCH", 2)
    assert purge_expired() == 5
    assert not SocketTicket.objects.exists()
