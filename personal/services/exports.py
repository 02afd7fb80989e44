"""Asking for an export."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.models import User
from conversations.services import audit
from conversations.services.audit import Action
from personal import access, policies, tasks
from personal.exceptions import TooManyExports
from personal.models import ACTIVE, Job

Kind = Job.Kind


@transaction.atomic
def export_own(*, user_id: UUID) -> Job:
    """What is kept here of oneself. Again while that is being made, it is the same job. Raises TooManyExports."""
    return _ask(user_id, Kind.OWN_EXPORT, None)


@transaction.atomic
def export_conversation(*, user_id: UUID, conversation_id: UUID) -> Job:
    """A conversation, for who may have it exported. Raises NotFound, Forbidden, TooManyExports."""
    access.get_exportable(user_id=user_id, conversation_id=conversation_id)
    return _ask(user_id, Kind.CONVERSATION_EXPORT, conversation_id)


def _ask(user_id: UUID, kind: Kind, conversation_id: UUID | None) -> Job:
    """The lock of the account has two at once find each other."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user_id)
    mine = Job.objects.filter(asked_by=user_id, subject=None)
    waiting = mine.filter(state__in=ACTIVE)
    same = waiting.filter(kind=kind, conversation_id=conversation_id).first()
    if same is not None:
        return same
    if waiting.count() >= policies.AT_ONCE:
        raise TooManyExports("Wait for those that are being made.", retry_after_s=60)
    _require_few(list(mine.order_by("-created_at").values_list("created_at", flat=True)[: policies.A_DAY]))
    job = Job.objects.create(kind=kind, asked_by_id=user_id, conversation_id=conversation_id)
    audit.keep(Action.EXPORT_ASKED, actor=user_id, subject=conversation_id or user_id, job=str(job.pk))
    transaction.on_commit(tasks.ask, robust=True)
    return job


def _require_few(times: list[datetime]) -> None:
    if len(times) < policies.A_DAY:
        return
    left = times[-1] + policies.DAY - timezone.now()
    if left.total_seconds() > 0:
        detail = f"No more than {policies.A_DAY} exports are made for anybody in a day."
        raise TooManyExports(detail, retry_after_s=round(left.total_seconds()))
